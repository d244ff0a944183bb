#include "rocketmq/protocol/signature.h"

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

FrameHeader header_of(std::initializer_list<std::pair<const char*, const char*>> fields) {
  FrameHeader header;
  for (const auto& [key, value] : fields) header.ext.add(key, value);
  return header;
}

// All expected texts are from `printf '%s' VALUES | openssl dgst -sha1 -hmac SECRET -binary |
// base64`, the values in the order of their names, the body behind them.

TEST(SignatureTest, SignsTheValuesInTheOrderOfTheirNames) {
  const FrameHeader header = header_of({{"topic", "T1"},
                                        {"queueId", "0"},
                                        {"consumerGroup", "CG"},
                                        {"AccessKey", "rocketmq2"},
                                        {"commitOffset", "42"}});
  EXPECT_EQ(signature_of(header, "", "12345678"), "rDyrEZnq0orI8bu51KhbCbsRVEs=");
  EXPECT_EQ(signature_of(header, "hello", "12345678"), "EPJvShb26sfj2m4e5ixWiKAHqtg=");
}

TEST(SignatureTest, AddsTheKeyTheTokenAndTheSignatureOfAll) {
  FrameHeader header = header_of(
      {{"topic", "T1"}, {"queueId", "0"}, {"consumerGroup", "CG"}, {"commitOffset", "42"}});
  sign({.access_key = "rocketmq2", .secret_key = "12345678", .security_token = "tok"}, header, "");
  EXPECT_EQ(header.ext.find("AccessKey"), "rocketmq2");
  EXPECT_EQ(header.ext.find("SecurityToken"), "tok");
  EXPECT_EQ(header.ext.find("Signature"), "7cEgwgnHGDfAlqnOt1vGH2lbMPU=");
}

TEST(SignatureTest, WithoutATokenNoFieldIsAdded) {
  FrameHeader header = header_of(
      {{"topic", "T1"}, {"queueId", "0"}, {"consumerGroup", "CG"}, {"commitOffset", "42"}});
  sign({.access_key = "rocketmq2", .secret_key = "12345678"}, header, "hello");
  EXPECT_FALSE(header.ext.find("SecurityToken"));
  EXPECT_EQ(header.ext.find("Signature"), "EPJvShb26sfj2m4e5ixWiKAHqtg=");
}

TEST(SignatureTest, LeavesOutWhatServersLeaveOut) {
  FrameHeader header = header_of({{"topic", "T1"},
                                  {"queueId", "0"},
                                  {"consumerGroup", "CG"},
                                  {"AccessKey", "rocketmq2"},
                                  {"commitOffset", "42"},
                                  {"_UNIQUE_KEY_QUERY", "true"},
                                  {"Signature", "older"}});
  EXPECT_EQ(signature_of(header, "", "12345678"), "rDyrEZnq0orI8bu51KhbCbsRVEs=");
}

TEST(SignatureTest, WorksOnBytesOfUtf8) {
  const FrameHeader header = header_of({{"topic", "ÄT"}, {"AccessKey", "user_1"}});
  EXPECT_EQ(signature_of(header, "", "pässwörd"), "E0R3fL+Czt7YgEyYFGKP+KEnp9M=");
}

}  // namespace
}  // namespace slipstream::rocketmq
