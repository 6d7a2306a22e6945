// onshi completion bash|zsh|fish
#include "cli/app.h"
#include "cli/commands.h"

namespace onshi::cli {

namespace {

class Completion final : public Command {
  public:
    static constexpr CommandText text{"completion", "", "Print the completion script of a shell.",
                                      "  onshi completion bash > /etc/bash_completion.d/onshi\n"
                                      "  onshi completion zsh > ~/.zfunc/_onshi\n"
                                      "  onshi completion fish > ~/.config/fish/completions/onshi.fish"};
    void declare(Options& options) override {
        options.text(shell_, "shell", "WORD", "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
    }
    Result<Exit> run(Session& session) override {
        session.console().line(session.completion(shell_));
        return Exit::done;
    }

  private:
    std::string shell_;
};

}  // namespace

void add_completion_command(CommandTree& tree) {
    tree.add<Completion>();
}

}  // namespace onshi::cli
