#include <gtest/gtest.h>

#include <ostream>

#include "support/refusal.h"
#include "tools/stream-serve/identity/credentials.h"
#include "tools/stream-serve/identity/signature.h"

namespace shardlog::serve::identity {
namespace {

using namespace std::chrono_literals;
using test::refusal;

/// A request of AWS' test suite, and its signature (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4).
struct Vector {
  const char* name;
  http::Request request;
  const char* signed_headers;
  const char* signature;
};

void PrintTo(const Vector& vector, std::ostream* to) {
  *to << vector.name;
}

http::Request get(const char* target, http::Headers headers = {}) {
  headers.insert(headers.begin(), {"host", "example.amazonaws.com"});
  headers.emplace_back("x-amz-date", "20150830T123600Z");
  return {"GET", target, headers};
}

Authorization authorization_of(const Vector& vector) {
  return {"AKIDEXAMPLE/20150830/us-east-1/service/aws4_request", vector.signed_headers, vector.signature,
          "20150830T123600Z"};
}

class SignatureVectors : public testing::TestWithParam<Vector> {};

TEST_P(SignatureVectors, AreSignedAlike) {
  EXPECT_EQ(signature_of(GetParam().request, authorization_of(GetParam()), "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            GetParam().signature);
}

constexpr const char* two = "host;x-amz-date";
constexpr const char* vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

INSTANTIATE_TEST_SUITE_P(
    Of, SignatureVectors,
    testing::Values(
        Vector{"get_vanilla", get("/"), two, vanilla},
        // Not of AWS: computed by hashlib and hmac of Python, which give AWS' signature for get_vanilla.
        Vector{"get_vanilla_over_http2", get("/", {{":authority", "example.amazonaws.com"}}), ":authority;x-amz-date",
               "f4f76e64657334fd8315f9078b5e4f85a30d60d44c6341dcbe8018821ff7c80a"},
        Vector{"get_slash_dot_slash_normalized", get("/./"), two, vanilla},
        Vector{"get_relative_normalized", get("/example/.."), two, vanilla},
        Vector{"get_utf8", get("/\u1234"), two, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        Vector{"get_vanilla_utf8_query", get("/?\u1234=bar"), two,
               "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        Vector{"get_vanilla_query_order_encoded", get("/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1"), two,
               "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
        Vector{"get_header_value_trim", get("/", {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}}),
               "host;my-header1;my-header2;x-amz-date",
               "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        Vector{"get_header_key_duplicate",
               get("/", {{"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}}),
               "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        Vector{"post_x_www_form_urlencoded_parameters",
               {"POST",
                "/",
                {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                 {"host", "example.amazonaws.com"},
                 {"content-length", "13"},
                 {"x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
                 {"x-amz-date", "20150830T123600Z"}},
                "Param1=value1"},
               "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
               "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
        Vector{"query_of_get_vanilla_query_unreserved",
               get("/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~"
                   "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-"
                   "Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date="
                   "20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-Signature="
                   "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf"),
               "host", "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf"}),
    [](const auto& tested) { return tested.param.name; });

class Verification : public testing::Test {
 protected:
  /// What is said of a request that was signed at 12:36 with the secret.
  std::string verified(Duration after = 0s) {
    authorization_.signature = signature_of(request_, authorization_, "secret");
    return verified_as_it_is(after);
  }

  std::string verified_as_it_is(Duration after = 0s) {
    const auto wrong = verify(request_, authorization_, {{"ID/1", "secret"}}, "us-east-1",
                              Timestamp(std::chrono::sys_days(2015y / 8 / 30)) + 12h + 36min + after);
    return wrong ? std::string(wrong->type) + ": " + wrong->message : "";
  }

  http::Request request_{
      "POST",
      "/",
      {{"host", "localhost"}, {"x-amz-date", "20150830T123600Z"}, {"x-amz-target", "Kinesis_20131202.ListStreams"}},
      "{}"};
  Authorization authorization_{"ID/1/20150830/us-east-1/kinesis/aws4_request", "host;x-amz-date;x-amz-target", "",
                               "20150830T123600Z"};
};

TEST_F(Verification, AcceptsFifteenMinutesBothWays) {
  EXPECT_EQ(verified(), "");
  EXPECT_EQ(verified(15min), "");
  EXPECT_EQ(verified(-15min), "");
  EXPECT_EQ(verified(15min + 1s),
            "InvalidSignatureException: Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z "
            "(20150830T125101Z - 15 min.)");
  EXPECT_EQ(verified(-15min - 1s),
            "InvalidSignatureException: Signature not yet current: 20150830T123600Z is still later than "
            "20150830T123559Z (20150830T122059Z + 15 min.)");
}

TEST_F(Verification, AcceptsAUrlForAsLongAsItSays) {
  authorization_.expires = "3600";
  EXPECT_EQ(verified(1h), "");
  EXPECT_NE(verified(1h + 1s), "");
  authorization_.expires = "604800";
  EXPECT_EQ(verified(168h), "");
  for (const char* const wrong : {"0", "604801", "-1", "", "x"}) {
    authorization_.expires = wrong;
    EXPECT_EQ(verified(), "IncompleteSignatureException: X-Amz-Expires must be a number of seconds from 1 to 604800.");
  }
}

TEST_F(Verification, RefusesWhatWasChanged) {
  constexpr std::string_view no_match = "InvalidSignatureException: The request signature we calculated does not match";
  ASSERT_EQ(verified(), "");
  const auto is_refused = [&] { return verified_as_it_is().starts_with(no_match); };
  request_.body = "{ }";
  EXPECT_TRUE(is_refused());
  request_.body = "{}";
  request_.headers[2].second = "Kinesis_20131202.DeleteStream";
  EXPECT_TRUE(is_refused());
  request_.headers[2].second = "Kinesis_20131202.ListStreams";
  request_.target = "/?a";
  EXPECT_TRUE(is_refused());
  request_.target = "/";
  authorization_.signature.back() ^= 1;
  EXPECT_TRUE(is_refused());
  authorization_.signature.pop_back();
  EXPECT_TRUE(is_refused());
  authorization_.signature = "";
  EXPECT_TRUE(is_refused());
}

TEST_F(Verification, SaysWhatIsWrongWithAScope) {
  const std::pair<const char*, const char*> cases[]{
      {"ID/1/20150830/eu-west-1/kinesis/aws4_request",
       "InvalidSignatureException: Credential should be scoped to a valid region, not 'eu-west-1'. "},
      {"ID/1/20150830/us-east-1/s3/aws4_request",
       "InvalidSignatureException: Credential should be scoped to correct service: 'kinesis'. "},
      {"ID/1/20150830/us-east-1/kinesis/aws4",
       "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'. "},
      {"ID/1/20150831/us-east-1/kinesis/aws4_request",
       "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
       "HTTP: '20150831' != '20150830'. "},
      {"ID/2/20150830/us-east-1/kinesis/aws4_request",
       "UnrecognizedClientException: The security token included in the request is invalid."},
      {"20150830/us-east-1/kinesis/aws4_request",
       "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. "
       "keyid/date/region/service/term, got '20150830/us-east-1/kinesis/aws4_request'"},
  };
  for (const auto& [credential, expected] : cases) {
    authorization_.credential = credential;
    EXPECT_EQ(verified(), expected);
  }
}

TEST_F(Verification, NeedsTheHeadersThatSayWhatIsAsked) {
  authorization_.signed_headers = "x-amz-date;x-amz-target";
  EXPECT_NE(verified().find("'Host' or ':authority' must be a 'SignedHeader'"), std::string::npos);
  authorization_.signed_headers = ":authority;x-amz-date;x-amz-target";
  EXPECT_NE(verified().find("'Host' or ':authority' must be a 'SignedHeader'"), std::string::npos)
      << "there is none in HTTP/1.1";
  request_.headers.insert(request_.headers.begin(), {":authority", "localhost"});
  EXPECT_EQ(verified(), "");
  authorization_.signed_headers = "host;x-amz-date";
  EXPECT_NE(verified().find("'x-amz-target' must be a 'SignedHeader'"), std::string::npos);
}

TEST_F(Verification, KnowsOneAlgorithm) {
  for (const char* const wrong : {"", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256"}) {
    authorization_.algorithm = wrong;
    EXPECT_EQ(verified(), "IncompleteSignatureException: Unsupported AWS 'algorithm': '" + std::string(wrong) + "'.");
  }
  http::Request request{
      "POST", "/", {{"authorization", "Foo Credential=a, SignedHeaders=b, Signature=c"}, {"date", "d"}}};
  EXPECT_EQ(std::get<Authorization>(read_authorization(request)).algorithm, "Foo");
  request.headers.clear();
  request.target = "/?X-Amz-Algorithm=Bar&X-Amz-Credential=a&X-Amz-SignedHeaders=b&X-Amz-Signature=c&X-Amz-Date=d";
  EXPECT_EQ(std::get<Authorization>(read_authorization(request)).algorithm, "Bar");
}

TEST_F(Verification, RefusesDatesThatAreNone) {
  for (const char* const wrong : {"", "20150830", "20150230T123600Z", "20150830T243600Z", "20150830T126000Z",
                                  "2015-08-30T12:36", "20150830T12360xZ", "20150830T123600+"}) {
    authorization_.date = wrong;
    authorization_.credential = "ID/1/" + authorization_.date.substr(0, 8) + "/us-east-1/kinesis/aws4_request";
    EXPECT_EQ(verified(), "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '" +
                              authorization_.date + "'.");
  }
}

TEST(CredentialsFile, HasTheFormOfAws) {
  EXPECT_EQ(
      parse_credentials("[default]\naws_access_key_id = A\r\naws_secret_access_key=b/+=c\n\n# aws_access_key_id=X\n"
                        "[profile other]\nregion = x\n[third]\n  aws_secret_access_key =d\naws_access_key_id\t=E"),
      (Credentials{{"A", "b/+=c"}, {"E", "d"}}));
  EXPECT_EQ(parse_credentials("aws_access_key_id=A\naws_secret_access_key=b"), (Credentials{{"A", "b"}}));
}

TEST(CredentialsFile, HasOneSecretForAKey) {
  const std::string first = "[a]\naws_access_key_id=A\naws_secret_access_key=b\n";
  EXPECT_EQ(parse_credentials(first + first), (Credentials{{"A", "b"}}));
  const std::string second = "[c]\naws_access_key_id=A\naws_secret_access_key=d\n";
  EXPECT_EQ(refusal([&] { parse_credentials(first + second); }), ErrorCode::usage);
}

TEST(CredentialsFile, HasBothPartsOfAKey) {
  for (const char* const wrong :
       {"", "[default]\n", "aws_access_key_id=A", "[a]\naws_access_key_id=A\n[b]\naws_secret_access_key=b",
        "aws_access_key_id=A\naws_secret_access_key=\n"}) {
    EXPECT_EQ(refusal([&] { parse_credentials(wrong); }), ErrorCode::usage) << wrong;
  }
}

}  // namespace
}  // namespace shardlog::serve::identity
