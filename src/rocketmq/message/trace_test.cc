#include "slipstream/rocketmq/trace.h"

#include <initializer_list>
#include <string>

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

// As TraceDataEncoder of the Java client writes a record.
std::string record(std::initializer_list<std::string_view> fields) {
  std::string text;
  for (const std::string_view field : fields) text.append(text.empty() ? "" : "\x01").append(field);
  return text + "\x02";
}

TEST(TraceTest, WhatAProducerReports) {
  const TraceRecords records = decode_trace(
      record({"Pub", "1700000000000", "DefaultRegion", "P", "T", "K1", "red", "k1 k2",
              "10.0.0.1:10911", "17", "5", "0", "0A00000100002A9F0000000000000001", "true"}) +
      record({"EndTransaction", "1700000000010", "DefaultRegion", "P", "T", "K1", "red", "k1",
              "10.0.0.1:10911", "1", "K1", "COMMIT_MESSAGE", "false"}) +
      record({"Recall", "1700000000020", "DefaultRegion", "P", "T", "K1", "false"}));
  ASSERT_EQ(records.events.size(), 3U);
  EXPECT_EQ(records.unreadable, 0U);
  const TraceEvent& sent = records.events[0];
  EXPECT_EQ(sent.kind, TraceEvent::Kind::kSent);
  EXPECT_EQ(sent.time_ms, 1'700'000'000'000);
  EXPECT_EQ(sent.group, "P");
  EXPECT_EQ(sent.topic, "T");
  EXPECT_EQ(sent.message_id, "K1");
  EXPECT_EQ(sent.keys, "k1 k2");
  EXPECT_EQ(sent.body_bytes, 17);
  EXPECT_EQ(sent.took_ms, 5);
  EXPECT_EQ(sent.message_type, "normal");
  EXPECT_EQ(sent.offset_message_id, "0A00000100002A9F0000000000000001");
  EXPECT_EQ(sent.success, true);
  EXPECT_EQ(records.events[1].kind, TraceEvent::Kind::kTransactionEnded);
  EXPECT_EQ(records.events[1].transaction_state, "COMMIT_MESSAGE");
  EXPECT_EQ(records.events[1].message_type, "half");
  EXPECT_EQ(records.events[2].kind, TraceEvent::Kind::kRecalled);
  EXPECT_EQ(records.events[2].success, false);
}

TEST(TraceTest, WhatAConsumerReports) {
  const TraceRecords records = decode_trace(
      record({"SubBefore", "1700000000000", "DefaultRegion", "G", "R1", "K1", "2", "k1"}) +
      record({"SubAfter", "R1", "K1", "7", "false", "k1", "4", "1700000000000", "G"}) +
      record({"SubAfter", "R2", "K2", "7", "true", "", "0"}));
  ASSERT_EQ(records.events.size(), 3U);
  EXPECT_EQ(records.events[0].kind, TraceEvent::Kind::kDelivered);
  EXPECT_EQ(records.events[0].request_id, "R1");
  EXPECT_EQ(records.events[0].retries, 2);
  EXPECT_EQ(records.events[1].kind, TraceEvent::Kind::kConsumed);
  EXPECT_EQ(records.events[1].consume_outcome, "failed");
  EXPECT_EQ(records.events[1].success, false);
  EXPECT_EQ(records.events[1].group, "G");
  EXPECT_EQ(records.events[2].time_ms, 0) << "the managed service's access channel says no time";
  EXPECT_EQ(records.events[2].success, true);
}

// Field by field what TraceDataEncoder writes, and its own reader takes.
TEST(TraceTest, RecordsAreWrittenAsJavaWritesThem) {
  const std::string sent =
      record({"Pub", "1700000000000", "DefaultRegion", "P", "T", "K1", "red", "k1 k2",
              "10.0.0.1:10911", "17", "5", "3", "0A00000100002A9F0000000000000001", "true"}) +
      record({"Pub", "1700000000000", "DefaultRegion", "P", "T", "K1", "null", "null",
              "10.0.0.1:10911", "17", "5", "9", "0A00000100002A9F0000000000000001", "false"}) +
      record({"EndTransaction", "1700000000010", "DefaultRegion", "P", "T", "K1", "null", "k1",
              "10.0.0.1:10911", "2", "K1", "COMMIT_MESSAGE", "true"}) +
      record({"Recall", "1700000000020", "DefaultRegion", "P", "T", "K1", "false"});
  const std::string delivered =
      record({"SubBefore", "1700000000000", "DefaultRegion", "G", "R1", "K1", "2", "null"});
  const std::string local =
      record({"SubAfter", "R1", "K1", "7", "false", "k1", "4", "1700000000000", "G"});
  const std::string cloud = record({"SubAfter", "R2", "K2", "7", "true", "null", "0", ""});
  const auto round = [](const std::string& text, AccessChannel channel) {
    std::string again;
    for (const TraceEvent& event : decode_trace(text).events) encode_trace(event, channel, again);
    return again;
  };
  EXPECT_EQ(round(sent + delivered + local, AccessChannel::kLocal), sent + delivered + local);
  EXPECT_EQ(round(sent + delivered + cloud, AccessChannel::kCloud), sent + delivered + cloud);
  const TraceEvent none = decode_trace(delivered).events.at(0);
  EXPECT_EQ(none.keys, "") << "Java writes null for a message without keys";
}

TEST(TraceTest, WhatAnOlderClientSaysBehindAllIsNotTheResult) {
  const TraceRecords records = decode_trace(record(
      {"Pub", "1", "r", "P", "T", "K", "", "", "h:1", "1", "2", "0", "O", "true", "10.0.0.9"}));
  ASSERT_EQ(records.events.size(), 1U);
  EXPECT_EQ(records.events[0].success, true);
}

TEST(TraceTest, WhatCannotBeReadIsCounted) {
  const TraceRecords records =
      decode_trace(record({"Pub", "1"}) + record({"Other", "1", "2"}) + record({""}) +
                   record({"SubAfter", "R", "K", "x", "true", ""}));
  EXPECT_EQ(records.unreadable, 2U) << "an empty record is none";
  ASSERT_EQ(records.events.size(), 1U);
  EXPECT_EQ(records.events[0].took_ms, 0);
  EXPECT_TRUE(decode_trace("").events.empty());
}

}  // namespace
}  // namespace slipstream::rocketmq
