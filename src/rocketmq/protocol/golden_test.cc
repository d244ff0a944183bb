// Bytes of real servers: what brokers 4.9 and 5.x sent must be read as it was meant.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq {
namespace {

std::string unhex(std::string_view text) {
  std::string bytes;
  EXPECT_TRUE(from_hex(text, bytes));
  return bytes;
}

constexpr std::string_view kRecord49 =
    "000000b4daa320a73610a68600000001000000070000000000000000000000000000000000000000"
    "000001a1fce3b7a17f00000100009c60000001a1fce3b7b27f00000100002e870000000000000000"
    "000000000000000568656c6c6f02543100524b455953016b3102554e49515f4b4559013041303030"
    "30303130303030303030303030303030303030303030303030464602434c55535445520144656661"
    "756c74436c757374657202544147530174616741";

constexpr std::string_view kRecord53 =
    "000000dcdaa320a73610a68600000001000000070000000000000000000000000000000000000000"
    "000001a1fcebdbdd7f0000010000dcfe000001a1fcebdbf87f000001000055970000000000000000"
    "000000000000000568656c6c6f025431007a4d53475f524547494f4e0144656661756c7452656769"
    "6f6e02554e49515f4b45590130413030303030313030303030303030303030303030303030303030"
    "3030464602434c55535445520144656661756c74436c757374657202544147530174616741024b45"
    "5953016b310254524143455f4f4e017472756502";

void expect_hello(const RecordView& record) {
  EXPECT_EQ(record.topic, "T1");
  EXPECT_EQ(as_text(record.body), "hello");
  EXPECT_EQ(record.queue_id, 1);
  EXPECT_EQ(record.flag, 7);
  EXPECT_EQ(record.queue_offset, 0);
  EXPECT_EQ(record.physical_offset, 0);
  EXPECT_EQ(record.body_crc, 907060870U);
  EXPECT_TRUE(check_body_crc(record).ok());
  EXPECT_EQ(find_property(record.properties, "KEYS"), "k1");
  EXPECT_EQ(find_property(record.properties, "TAGS"), "tagA");
  EXPECT_EQ(find_property(record.properties, "CLUSTER"), "DefaultCluster");
  EXPECT_EQ(find_property(record.properties, "UNIQ_KEY"), "0A0000010000000000000000000000FF");
}

TEST(Golden, RecordOfBroker498) {
  const std::string bytes = unhex(kRecord49);
  ASSERT_EQ(bytes.size(), 180U);
  const Result<RecordView> record = decode_record(as_bytes(bytes));
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  expect_hello(*record);
  EXPECT_EQ(record->born_ms, 1795244144545);
  EXPECT_EQ(record->store_ms, 1795244144562);
  EXPECT_EQ(record->born_host.to_string(), "127.0.0.1:40032");
  EXPECT_EQ(record->store_host.to_string(), "127.0.0.1:11911");
}

TEST(Golden, RecordOfBroker533) {
  const std::string bytes = unhex(kRecord53);
  ASSERT_EQ(bytes.size(), 220U);
  const Result<RecordView> record = decode_record(as_bytes(bytes));
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  expect_hello(*record);
  EXPECT_EQ(find_property(record->properties, "MSG_REGION"), "DefaultRegion");
  EXPECT_EQ(find_property(record->properties, "TRACE_ON"), "true");
}

TEST(Golden, BothRecordsInOneBody) {
  const std::string body = unhex(kRecord49) + unhex(kRecord53);
  RecordCursorOptions options;
  options.check_crc = true;
  RecordCursor cursor(as_bytes(body), options);
  RecordView record;
  int count = 0;
  while (cursor.next(record)) {
    expect_hello(record);
    ++count;
  }
  EXPECT_TRUE(cursor.status().ok());
  EXPECT_EQ(count, 2);
}

TEST(Golden, BinaryHeaderOfBroker498) {
  const std::string bytes =
      unhex("00000001990000002000000001000000000000000d00066f66667365740000000131");
  const Result<FrameHeader> header = decode_header(as_bytes(bytes), HeaderType::kBinary);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->code, 0);
  EXPECT_EQ(header->language, Language::kJava);
  EXPECT_EQ(header->version, 409);
  EXPECT_EQ(header->opaque, 32);
  EXPECT_EQ(header->flag, 1);
  EXPECT_EQ(header->remark, "");
  EXPECT_EQ(header->ext.find_number("offset"), 1);
  const Result<std::string> again = encode_frame_head(*header, 0, HeaderType::kBinary);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->substr(8), bytes);
}

TEST(Golden, RequestFrame) {
  Command command;
  command.header.code = 105;
  command.header.opaque = 1;
  command.header.version = 453;
  command.header.ext.add("acceptStandardJsonOnly", "true");
  command.header.ext.add("topic", "TBW102");
  const Result<std::string> frame = encode_frame(command);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(to_hex(as_bytes(std::string_view(*frame).substr(0, 8))), "000000820000007E");
  EXPECT_EQ(
      frame->substr(8),
      R"({"code":105,"extFields":{"acceptStandardJsonOnly":"true","topic":"TBW102"},"flag":0,)"
      R"("language":"CPP","opaque":1,"version":453})");
}

}  // namespace
}  // namespace slipstream::rocketmq
