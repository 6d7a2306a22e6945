#include "platform/pki/public_file.h"

#include <fstream>

#include "platform/pki/limits.h"

namespace onshi::pki {

Result<std::string> read_public_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::secret_missing, file.string());
    std::string text(trust_file_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > trust_file_bytes_max) return fail(ErrorCode::secret_malformed, file.string());
    return text;
}

Result<void> write_public_file(const std::filesystem::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) return fail(ErrorCode::secret_missing, file.string());
    return {};
}

}  // namespace onshi::pki
