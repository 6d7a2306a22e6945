#include "exchange/oqs/element.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/cp932.h"
#include "base/utf8.h"
#include "exchange/oqs/limits.h"
#include "exchange/oqs/message_name.h"
#include "exchange/oqs/messages.h"
#include "exchange/oqs/profile.h"

namespace onshi::oqs::element_test {

std::string request_text(std::string_view encoding, std::string_view identifier) {
    return "<?xml version=\"1.0\" encoding=\"" + std::string(encoding) +
           "\"?><XmlMsg><MessageHeader><MedicalInstitutionCode>1319999999</MedicalInstitutionCode>"
           "<ArbitraryFileIdentifier>" +
           std::string(identifier) +
           "</ArbitraryFileIdentifier></MessageHeader><MessageBody><QualificationConfirmSearchInfo ><InsurerNumber "
           ">06139463"
           "</InsurerNumber ><InsuredCardSymbol>架空－１</InsuredCardSymbol><InsuredBranchNumber></InsuredBranchNumber>"
           "</QualificationConfirmSearchInfo></MessageBody></XmlMsg>";
}

ErrorCode code_of_read(std::string_view bytes) {
    const auto document = read_document(bytes);
    EXPECT_FALSE(document);
    return document ? ErrorCode::internal_unexpected : document.error().code;
}

Result<Request> read_single(std::string_view bytes) {
    auto document = read_document(bytes);
    if (!document) return fail(std::move(document));
    return read_request(Message::eligibility, document->root);
}

TEST(Document, every_encoding_of_a_client_is_read) {
    const std::string utf8 = request_text("UTF-8", "1");
    const std::string cp932 = encode_cp932(request_text("Shift_JIS", "1"))->bytes;
    const std::string windows = encode_cp932(request_text("Windows-31J", "1"))->bytes;
    const std::string silent = utf8.substr(utf8.find("?>") + 2);
    const std::string silent_cp932 = encode_cp932(silent)->bytes;
    for (const auto& bytes : {utf8, cp932, windows, silent, silent_cp932, "\xEF\xBB\xBF" + utf8,
                              "\xEF\xBB\xBF" + request_text("Shift_JIS", "1")}) {
        const auto request = read_single(bytes);
        ASSERT_TRUE(request);
        EXPECT_EQ(request->persons.at(0).terms.symbol, "架空－１");
        EXPECT_EQ(request->persons.at(0).terms.insurer_number, "06139463");
    }
}

TEST(Document, what_is_not_in_its_encoding_is_refused) {
    EXPECT_EQ(code_of_read(encode_cp932(request_text("UTF-8", "1"))->bytes), ErrorCode::message_encoding);
    EXPECT_EQ(code_of_read(request_text("EUC-JP", "1")), ErrorCode::message_encoding);
    EXPECT_EQ(code_of_read("<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><a>\x80</a>"), ErrorCode::message_encoding);
}

TEST(Document, what_is_no_xml_of_one_root_is_refused) {
    for (const std::string_view bytes :
         {"", " ", "<a>", "<a></b>", "a", "<a/><b/>", "<a>\x01</a>", "<a>1<b>2</b></a>"}) {
        EXPECT_EQ(code_of_read(bytes), ErrorCode::message_malformed) << bytes;
    }
    // Half of a file that is still being written.
    const std::string whole = request_text("UTF-8", "1");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(read_document(std::string_view(whole).substr(0, size))) << size;
    }
    EXPECT_TRUE(read_document(whole));
}

TEST(Document, depth_has_a_limit) {
    const auto nested = [](std::size_t depth) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i) text += "<a>";
        for (std::size_t i = 0; i < depth; ++i) text += "</a>";
        return text;
    };
    EXPECT_TRUE(read_document(nested(element_depth_max)));
    EXPECT_EQ(code_of_read(nested(element_depth_max + 1)), ErrorCode::message_malformed);
    EXPECT_EQ(code_of_read(nested(100'000)), ErrorCode::message_malformed);
}

TEST(Document, document_types_bring_no_entities) {
    const auto document = read_document("<!DOCTYPE a [<!ENTITY x \"y\">]><a><b>&x;</b></a>");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root.value("b"), "");
    EXPECT_EQ(document->root.find("b")->text, "&x;");
}

TEST(Document, texts_are_kept_as_they_were_written) {
    const auto document = read_document("<a><b>x &amp; &#x9AD9;&lt;</b><c><![CDATA[1<2]]></c><d> 1 </d></a>");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root.find("b")->text, "x &amp; &#x9AD9;&lt;");
    EXPECT_EQ(document->root.value("b"), "x & 髙<");
    EXPECT_EQ(document->root.value("c"), "1<2");
    EXPECT_EQ(document->root.value("d"), " 1 ");
}

TEST(Document, an_identifier_comes_back_letter_for_letter) {
    for (const std::string identifier : {"demo-1", "a&amp;b", "&#65;", " 1 ", "架空", "x&gt;y", "2026/11/23 '\""}) {
        const auto request = read_single(request_text("UTF-8", identifier));
        ASSERT_TRUE(request);
        ResultMessage result;
        result.header.file_identifier = request->file_identifier;
        for (const auto order : {ElementOrder::documented, ElementOrder::hash_map}) {
            const auto written = write_document(result_element(Layout::eligibility, result), Encoding::utf8, order);
            ASSERT_TRUE(written);
            const std::string literal = "<ArbitraryFileIdentifier>" + identifier + "</ArbitraryFileIdentifier>";
            EXPECT_NE(written->bytes.find(literal), std::string::npos) << identifier;
        }
    }
}

TEST(Document, empty_elements_are_left_out) {
    Element root("XmlMsg");
    root.add(Element("MessageBody")).add(Element("Empty"));
    root.add("Name", "x");
    const auto written = write_document(root, Encoding::utf8, ElementOrder::documented);
    ASSERT_TRUE(written);
    EXPECT_EQ(written->bytes,
              "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<XmlMsg>\n  <Name>x</Name>\n</XmlMsg>\n");
}

TEST(Document, in_cp932_a_rare_name_has_its_substitute_or_a_reference_and_never_a_bullet) {
    Element root("XmlMsg");
    root.add("Name", "𠮷野　葛󠄀城 髙橋");
    root.add("Other", "\U0002A6D6");  // no code, no substitute
    const auto written = write_document(root, Encoding::cp932, ElementOrder::documented);
    ASSERT_TRUE(written);
    const auto read = read_document(written->bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->encoding, Encoding::cp932);
    EXPECT_EQ(read->root.value("Name"), "吉野　葛城 髙橋");
    EXPECT_EQ(read->root.value("Other"), "\U0002A6D6");
    EXPECT_GT(written->substitutions, 0U);
    EXPECT_EQ(decode_cp932(written->bytes)->find("●"), std::string::npos);
}

// oqs §1.5, the orders found in real files.
std::vector<std::string> order_of(std::string_view parent, const std::vector<std::string>& children) {
    Element root("XmlMsg");
    Element& element = root.add(Element(parent));
    for (const auto& child : children) element.add(child, "1");
    const auto written = write_document(root, Encoding::utf8, ElementOrder::hash_map);
    const auto read = read_document(written->bytes);
    std::vector<std::string> names;
    for (const auto& child : read->root.children.at(0).children) names.push_back(child.name);
    return names;
}

TEST(Order, of_a_header_is_that_of_the_real_files) {
    EXPECT_EQ(order_of("MessageHeader", {"ProcessExecutionTime", "QualificationConfirmationDate",
                                         "MedicalInstitutionCode", "ArbitraryFileIdentifier", "ReferenceClassification",
                                         "SegmentOfResult", "CharacterCodeIdentifier"}),
              (std::vector<std::string>{"ProcessExecutionTime", "CharacterCodeIdentifier", "SegmentOfResult",
                                        "QualificationConfirmationDate", "ReferenceClassification",
                                        "ArbitraryFileIdentifier", "MedicalInstitutionCode"}));
}

TEST(Order, of_a_person_is_that_of_the_real_files) {
    const std::vector<std::string> real{"Address",
                                        "InsuredName",
                                        "QualificationDate",
                                        "PersonalFamilyClassification",
                                        "Sex2",
                                        "Sex1",
                                        "ReasonOfLoss",
                                        "Name",
                                        "InsurerNumber",
                                        "InsuredCardSymbol",
                                        "NameKana",
                                        "InsuredCardClassification",
                                        "ReferenceNumber",
                                        "InsuredBranchNumber",
                                        "Birthdate",
                                        "InsuredIdentificationNumber",
                                        "ElderlyRecipientCertificateInfo",
                                        "DisqualificationDate",
                                        "InsurerName",
                                        "PostNumber"};
    auto shuffled = real;
    std::ranges::sort(shuffled);
    EXPECT_EQ(order_of("ResultOfQualificationConfirmation", shuffled), real);
}

TEST(Escapes, come_back_for_every_character_that_xml_has) {
    std::u32string all;
    for (char32_t c = 1; c < 0x3000; ++c) {
        if (c >= 0x20 || c == 0x09 || c == 0x0A || c == 0x0D) all.push_back(c);
    }
    all += U"漢字𠮷󠄀";
    const std::string plain = encode_utf8(all);
    EXPECT_EQ(unescape(escape(plain)), plain);
    Element root("XmlMsg");
    root.add("Name", plain);
    const auto written = write_document(root, Encoding::utf8, ElementOrder::documented);
    ASSERT_TRUE(written);
    const auto read = read_document(written->bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->root.value("Name"), plain);
}

TEST(Escapes, that_name_no_character_are_refused) {
    for (const std::string_view text :
         {"&", "&amp", "&;", "&#;", "&#x;", "&#xZZ;", "&#0;", "&#xD800;", "&#x110000;", "&#99999999999;", "&nbsp;"}) {
        EXPECT_EQ(unescape(text), std::nullopt) << text;
    }
    EXPECT_EQ(unescape("&#x10FFFF;"), "\U0010FFFF");
}

TEST(Trees, are_read_as_they_were_written_in_every_encoding_and_order) {
    const auto name = rc::gen::elementOf(std::vector<std::string>{"A", "Name", "InsurerNumber", "Birthdate"});
    const auto text = rc::gen::map(rc::gen::nonEmpty(rc::gen::container<std::u32string>(
                                       rc::gen::elementOf(std::u32string(U"aZ09<>&'\"　－～漢ｶﾞ髙②")))),
                                   [](const std::u32string& t) { return encode_utf8(t); });
    EXPECT_TRUE(rc::check("a tree comes back", [&] {
        Element root("XmlMsg");
        const auto groups = *rc::gen::inRange<std::size_t>(1, 5);
        for (std::size_t i = 0; i < groups; ++i) {
            Element& group = root.add(Element("G" + std::to_string(i)));
            const auto leaves = *rc::gen::inRange<std::size_t>(1, 6);
            for (std::size_t k = 0; k < leaves; ++k) group.add(*name, *text);
        }
        for (const auto encoding : {Encoding::utf8, Encoding::utf8_bom, Encoding::cp932}) {
            const auto written = write_document(root, encoding, ElementOrder::documented);
            RC_ASSERT(written);
            const auto read = read_document(written->bytes);
            RC_ASSERT(read);
            RC_ASSERT(read->encoding == encoding);
            RC_ASSERT(read->root == root);
            // Another order holds the same elements.
            const auto real = write_document(root, encoding, ElementOrder::hash_map);
            RC_ASSERT(real);
            RC_ASSERT(real->bytes.size() == written->bytes.size());
        }
    }));
}

TEST(Names, of_requests_are_told_from_everything_else) {
    const auto name = parse_request_name("OQSsiquc01req_202610010001.xml");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->message, Message::eligibility);
    EXPECT_EQ(result_name(*name), "OQSsiquc01res_202610010001.xml");
    EXPECT_EQ(error_name(*name), "OQSsiquc01req_202610010001.err");
    EXPECT_EQ(request_name(*name), "OQSsiquc01req_202610010001.xml");
    const std::string longest(suffix_bytes_max, '9');
    EXPECT_TRUE(parse_request_name("OQSmuonq02req_" + longest + ".xml"));
    for (const std::string other :
         {"", "OQSsiquc01req_.xml", "OQSsiquc01req_1.tmp", "OQSsiquc01req_1.xml.tmp", "~OQSsiquc01req_1.xml",
          "OQSsiquc01res_1.xml", "OQSsiquc09req_1.xml", "OQSsiquc01req_1 .xml", "OQSsiquc01req_../x.xml", ".xml",
          "YZKsiquc01req_1.xml", "OQSsiquc01req_１.xml", "OQSsiquc01req_1.XML"}) {
        EXPECT_FALSE(parse_request_name(other)) << other;
    }
    EXPECT_FALSE(parse_request_name("OQSmuonq02req_9" + longest + ".xml"));
}

TEST(Names, of_messages_go_both_ways) {
    for (std::size_t i = 0; i < message_count; ++i) {
        const auto message = static_cast<Message>(i);
        EXPECT_EQ(message_of_prefix(prefix_of(message)), message);
        const Step step = step_of(message);
        EXPECT_EQ(step_of(upload_of(message)), step == Step::download ? Step::upload : step);
        if (step == Step::download) {
            EXPECT_EQ(prefix_of(upload_of(message)).substr(0, 8), prefix_of(message).substr(0, 8));
        }
    }
}

TEST(Requests, without_their_parts_are_refused) {
    const auto code = [](Message message, std::string_view text) {
        const auto document = read_document(text);
        EXPECT_TRUE(document) << text;
        const auto request = read_request(message, document->root);
        return request ? ErrorCode::internal_unexpected : request.error().code;
    };
    const std::string header = "<MessageHeader><MedicalInstitutionCode>1</MedicalInstitutionCode></MessageHeader>";
    const auto message = [&](std::string_view body) {
        return "<XmlMsg>" + header + "<MessageBody>" + std::string(body) + "</MessageBody></XmlMsg>";
    };
    const std::string person =
        "<QualificationConfirmSearchInfo><Birthdate>1</Birthdate></QualificationConfirmSearchInfo>";
    EXPECT_EQ(code(Message::eligibility, "<Other/>"), ErrorCode::message_layout);
    EXPECT_EQ(code(Message::eligibility, "<XmlMsg/>"), ErrorCode::message_layout);
    EXPECT_EQ(code(Message::eligibility, "<XmlMsg>" + header + "</XmlMsg>"), ErrorCode::message_layout);
    EXPECT_EQ(code(Message::eligibility, message("")), ErrorCode::message_layout);
    EXPECT_EQ(code(Message::eligibility, message(person + person)), ErrorCode::message_layout);
    EXPECT_EQ(code(Message::bulk_eligibility_download, message("")), ErrorCode::message_layout);
    EXPECT_EQ(code(Message::eligibility, message(person)), ErrorCode::internal_unexpected);
    std::string many;
    for (std::size_t i = 0; i < bulk_persons_max; ++i) many += person;
    EXPECT_EQ(code(Message::bulk_eligibility_upload, message(many)), ErrorCode::internal_unexpected);
    EXPECT_EQ(code(Message::bulk_eligibility_upload, message(many + person)), ErrorCode::message_too_large);
}

TEST(Profiles, take_encodings_and_codes_from_settings) {
    Profile profile;
    EXPECT_TRUE(profile.set_encoding("OQSmuquc02=cp932"));
    EXPECT_EQ(profile.encoding_of(Message::bulk_eligibility_download), Encoding::cp932);
    EXPECT_EQ(profile.encoding_of(Message::eligibility), Encoding::utf8);
    for (const auto* wrong : {"", "OQSmuquc02", "OQSmuquc02=sjis", "OQS=utf8"})
        EXPECT_FALSE(profile.set_encoding(wrong));
    EXPECT_EQ(profile.result_code("peer.unavailable"), "ONSHI9001");
    EXPECT_EQ(profile.result_code("number.check_digit"), "ONSHI4001");
    EXPECT_EQ(profile.result_code("cause.no_match"), "ONSHI1003");
    EXPECT_EQ(profile.result_code("something.else"), "ONSHI9000");
    EXPECT_TRUE(profile.set_result_code("peer.unavailable=DEMO9001"));
    EXPECT_EQ(profile.result_code("peer.unavailable"), "DEMO9001");
    for (const auto* wrong : {"", "peer=1", "peer.unavailable=", "peer.unavailable=<x>", "a.b=123456789012345678901"}) {
        EXPECT_FALSE(profile.set_result_code(wrong)) << wrong;
    }
}

TEST(Profiles, messages_fit_a_clients_column) {
    std::string sixty;
    for (std::size_t i = 0; i < message_characters_max; ++i) sixty += "あ";
    EXPECT_EQ(fit_message(sixty), sixty);
    EXPECT_EQ(fit_message(sixty + "い"), sixty);
    EXPECT_EQ(fit_message("短い文。" + sixty), "短い文。");
    EXPECT_EQ(fit_message(""), "");
}

}  // namespace onshi::oqs::element_test
