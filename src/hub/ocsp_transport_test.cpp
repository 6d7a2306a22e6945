#include "hub/ocsp_transport.h"

#include <gtest/gtest.h>

namespace onshi::hub::ocsp_transport_test {

TEST(responder_url, has_a_host_and_may_have_a_port_and_a_path) {
    const auto plain = parse_responder_url("http://ocsp.example");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->host, "ocsp.example");
    EXPECT_EQ(plain->port, 80);
    EXPECT_EQ(plain->target, "/");
    const auto full = parse_responder_url("http://127.0.0.1:8080/a/b");
    ASSERT_TRUE(full);
    EXPECT_EQ(full->host, "127.0.0.1");
    EXPECT_EQ(full->port, 8080);
    EXPECT_EQ(full->target, "/a/b");
}

TEST(responder_url, anything_else_is_refused) {
    for (const char* url : {"", "ocsp.example", "https://ocsp.example/", "http://", "http:///path", "http://host:/",
                            "http://host:0/", "http://host:70000/", "http://host:8x/", "http://user@host/"}) {
        EXPECT_FALSE(parse_responder_url(url)) << url;
    }
}

}  // namespace onshi::hub::ocsp_transport_test
