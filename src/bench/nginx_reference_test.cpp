#include "bench/nginx_reference.h"

#include <signal.h>

#include <gtest/gtest.h>

#include "bench/test_peers.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::nginx_reference_test {

using bench::NginxOptions;
using bench::NginxReference;
using bench::test::TestTrust;
using pki::TemporaryFolder;
using namespace std::chrono_literals;

TEST(nginx_reference, the_answer_has_the_asked_size_and_the_result_of_a_good_one) {
    for (const std::size_t bytes : {std::size_t{64}, std::size_t{2'048}, bench::reference_answer_bytes_max}) {
        const auto answer = bench::reference_answer(bytes);
        EXPECT_EQ(answer.size(), bytes);
        EXPECT_NE(answer.find(R"("result":{"code":1)"), std::string::npos);
    }
}

TEST(nginx_reference, answers_posts_over_mutual_tls_and_is_gone_afterwards) {
    const TestTrust trust(1);
    const http::TrustAnchors clients{trust.organisation_anchor};
    const TemporaryFolder folder;
    std::uint16_t port = 0;
    {
        auto nginx = NginxReference::start({.folder = folder.path(),
                                            .server = trust.server,
                                            .client_anchors = clients,
                                            .answer_bytes = bench::reference_answer_bytes_max});
        ASSERT_TRUE(nginx) << nginx.error().detail;
        port = nginx->port();
        bench::LoadTarget target;
        target.port = port;
        target.server_name = "hub.test";
        target.server_anchors = {trust.server_anchor};
        target.identities.push_back(trust.terminals[0].clone());
        target.connections = 4;
        auto generator = bench::LoadGenerator::connect(
            target, {.required_text = R"("result":{"code":)", .sample_every = 0, .parse_sample = {}});
        ASSERT_TRUE(generator) << generator.error().detail;
        std::vector<bench::RequestBodies> lanes(1, bench::RequestBodies(bench::BodyUse::over_and_over));
        lanes[0].add(std::string(700, 'b'));
        const auto report = generator->run(bench::ClosedLoop{100ms}, lanes);
        ASSERT_TRUE(report);
        EXPECT_TRUE(report->is_clean());
        EXPECT_EQ(report->body_bytes, report->good * bench::reference_answer_bytes_max);
        // The kernel counts by ticks of 10 ms that it samples: a short load on a busy machine may fall between them.
        for (int more = 0; more < 50 && nginx->cpu().value().total() == 0ms; ++more) {
            ASSERT_TRUE(generator->run(bench::ClosedLoop{100ms}, lanes));
        }
        EXPECT_GT(nginx->cpu().value().total(), 0ms);
        // A stranger's certificate is refused: mutual TLS is on.
        const TestTrust stranger(1);
        target.identities.clear();
        target.identities.push_back(stranger.terminals[0].clone());
        auto refused = bench::LoadGenerator::connect(target, {});
        if (refused) {
            const auto nothing = refused->run(bench::ClosedLoop{100ms}, lanes);
            ASSERT_TRUE(nothing);
            EXPECT_EQ(nothing->good, 0U);
        }
    }
    bench::LoadTarget gone;
    gone.port = port;
    gone.server_anchors = {trust.server_anchor};
    gone.identities.push_back(trust.terminals[0].clone());
    gone.connections = 1;
    EXPECT_FALSE(bench::LoadGenerator::connect(gone, {}));
}

TEST(nginx_reference, says_what_is_missing) {
    const TestTrust trust(0);
    const http::TrustAnchors clients{trust.organisation_anchor};
    struct Row {
        std::filesystem::path program;
        std::size_t bytes;
        ErrorCode code;
    };
    for (const auto& row :
         {Row{"/no/nginx", 2'048, ErrorCode::bench_reference},
          // Ends at once and never listens.
          Row{"/bin/true", 2'048, ErrorCode::bench_reference}, Row{"/usr/sbin/nginx", 63, ErrorCode::config_value},
          Row{"/usr/sbin/nginx", bench::reference_answer_bytes_max + 1, ErrorCode::config_value}}) {
        const TemporaryFolder folder;
        const auto nginx = NginxReference::start({.program = row.program,
                                                  .folder = folder.path(),
                                                  .server = trust.server,
                                                  .client_anchors = clients,
                                                  .answer_bytes = row.bytes});
        ASSERT_FALSE(nginx);
        EXPECT_EQ(nginx.error().code, row.code) << row.program << " " << row.bytes;
    }
}

}  // namespace onshi::nginx_reference_test
