#include "rocketmq/protocol/pop_requests.h"

#include <gtest/gtest.h>

#include "rocketmq/protocol/codes.h"

namespace slipstream::rocketmq {
namespace {

PopCheckPoint check_point(std::int64_t offset) {
  return {.start_offset = 40,
          .pop_ms = 1'700'000'000'123,
          .invisible_ms = 60'000,
          .revive_queue = 3,
          .origin = PopOrigin::kTopic,
          .broker = "broker-a",
          .queue_id = 2,
          .offset = offset};
}

FrameHeader answer(std::string_view starts, std::string_view offsets) {
  FrameHeader header;
  header.ext.add("popTime", "1700000000123");
  header.ext.add("invisibleTime", "60000");
  header.ext.add("reviveQid", "3");
  header.ext.add("startOffsetInfo", starts);
  header.ext.add("msgOffsetInfo", offsets);
  return header;
}

TEST(PopRequestsTest, APopAsksAnyQueueOfTheBroker) {
  const Command pop = encode_pop({.group = "g",
                                  .topic = "T",
                                  .broker = "broker-a",
                                  .messages_max = 16,
                                  .invisible_ms = 30'000,
                                  .poll_ms = 15'000,
                                  .from_latest = true,
                                  .expression = "a || b"});
  EXPECT_EQ(pop.header.code, 200050);
  const ExtFields& ext = pop.header.ext;
  EXPECT_EQ(ext.find("queueId"), "-1");
  EXPECT_EQ(ext.find("maxMsgNums"), "16");
  EXPECT_EQ(ext.find("invisibleTime"), "30000");
  EXPECT_EQ(ext.find("pollTime"), "15000");
  EXPECT_EQ(ext.find("bornTime"), "0");
  EXPECT_EQ(ext.find("initMode"), "1");
  EXPECT_EQ(ext.find("expType"), "TAG");
  EXPECT_EQ(ext.find("exp"), "a || b");
  EXPECT_EQ(ext.find("order"), "false");
  EXPECT_FALSE(ext.find("attemptId").has_value());
  PopRequest all;
  all.expression = "";
  EXPECT_EQ(encode_pop(all).header.ext.find("exp"), "*");
}

TEST(PopRequestsTest, AnOrderedPopSaysWhichAttemptItIs) {
  PopRequest request;
  request.ordered = true;
  request.attempt = "ID-7";
  const Command pop = encode_pop(request);
  EXPECT_EQ(pop.header.ext.find("order"), "true");
  EXPECT_EQ(pop.header.ext.find("attemptId"), "ID-7");
}

// As brokers 5.5.0 write it.
TEST(PopRequestsTest, AnOrderedAnswerSaysHowOftenMessagesWereGiven) {
  FrameHeader header = answer("0 1 0;0 2 7", "0 1 0,1,2;0 2 7");
  header.ext.add("orderCountInfo", "0 qo1%0 2;0 qo1%1 1;0 1 0;0 2 0");
  const auto popped = parse_pop(header);
  ASSERT_TRUE(popped.ok()) << popped.error().to_string();
  EXPECT_EQ(popped->times_given.size(), 2U);
  EXPECT_EQ(popped->times_given.at({{PopOrigin::kTopic, 1}, 0}), 2);
  EXPECT_EQ(popped->times_given.at({{PopOrigin::kTopic, 1}, 1}), 1);
  for (const char* wrong :
       {"0 1", "0 1 x", "3 1 0", "0 qo1 1", "0 qo%1 1", "0 qo1%x 1", "0 1 -1"}) {
    FrameHeader damaged = answer("0 1 0", "0 1 0");
    damaged.ext.add("orderCountInfo", wrong);
    EXPECT_FALSE(parse_pop(damaged).ok()) << wrong;
  }
}

TEST(PopRequestsTest, ACheckPointIsReadAsItIsWritten) {
  const std::string text = "40 1700000000123 60000 3 0 broker-a 2 42";
  EXPECT_EQ(check_point(42).text(), text);
  const auto parsed = parse_check_point(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, check_point(42));
  EXPECT_EQ(parse_check_point("40 1 2 3 2 b 0 41")->origin, PopOrigin::kRetryV2);
  for (const char* bad : {"", "40 1 2 3 0 b 0", "40 1 2 3 0 b 0 41 5", "x 1 2 3 0 b 0 41",
                          "40 1 2 3 7 b 0 41", "40 1 2 3 0 b -1 41", "40 1 2 3 0  0 41",
                          "40 1 2 9999999999 0 b 0 41", "40 1 2 3 0 b 0 41x"}) {
    const auto refused = parse_check_point(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  }
}

TEST(PopRequestsTest, AnAckNamesTheTopicThatStoresTheMessage) {
  const Command ack = encode_ack("g", "T", check_point(42));
  EXPECT_EQ(ack.header.code, 200051);
  EXPECT_EQ(ack.header.ext.find("topic"), "T");
  EXPECT_EQ(ack.header.ext.find("queueId"), "2");
  EXPECT_EQ(ack.header.ext.find("offset"), "42");
  EXPECT_EQ(ack.header.ext.find("extraInfo"), check_point(42).text());
  PopCheckPoint retried = check_point(42);
  retried.origin = PopOrigin::kRetryV1;
  EXPECT_EQ(encode_ack("g", "T", retried).header.ext.find("topic"), "%RETRY%g_T");
  retried.origin = PopOrigin::kRetryV2;
  const Command change = encode_change_invisible("g", "T", retried, 5'000);
  EXPECT_EQ(change.header.code, 200053);
  EXPECT_EQ(change.header.ext.find("topic"), "%RETRY%g+T");
  EXPECT_EQ(change.header.ext.find("invisibleTime"), "5000");
}

TEST(PopRequestsTest, ABatchOfAcksIsABitSetForEachPop) {
  PopCheckPoint retried = check_point(40);
  retried.origin = PopOrigin::kRetryV1;
  const std::vector<PopCheckPoint> all = {check_point(40), check_point(42), check_point(49),
                                          retried};
  const Command command = encode_batch_ack("g", "T", "broker-a", all);
  EXPECT_EQ(command.header.code, 200151);
  // Bits 0, 2 and 9 are the bytes 5 and 2; bit 0 alone is 1.
  EXPECT_EQ(command.body,
            R"({"brokerName":"broker-a","acks":[)"
            R"({"c":"g","t":"T","r":"0","so":40,"q":2,"rq":3,"pt":1700000000123,"it":60000,)"
            R"("b":"BQI="},)"
            R"({"c":"g","t":"T","r":"1","so":40,"q":2,"rq":3,"pt":1700000000123,"it":60000,)"
            R"("b":"AQ=="}]})");
  EXPECT_TRUE(fits_batch_ack(check_point(40)));
  EXPECT_FALSE(fits_batch_ack(check_point(39)));
  EXPECT_FALSE(fits_batch_ack(check_point(40 + 65'536)));
}

TEST(PopRequestsTest, TheHeaderTellsTheCheckPoints) {
  const auto parsed = parse_pop(answer("0 2 40;1 0 7", "0 2 40,42;1 0 7"));
  ASSERT_TRUE(parsed.ok());
  const auto built = check_point_of(*parsed, {PopOrigin::kTopic, 2}, 42, "broker-a");
  ASSERT_TRUE(built.ok());
  EXPECT_EQ(*built, check_point(42));
  EXPECT_EQ(check_point_of(*parsed, {PopOrigin::kRetryV1, 0}, 7, "b")->text(),
            "7 1700000000123 60000 3 1 b 0 7");
  for (const PopAnswer::Queue& queue :
       {PopAnswer::Queue{PopOrigin::kTopic, 2}, PopAnswer::Queue{PopOrigin::kTopic, 1},
        PopAnswer::Queue{PopOrigin::kRetryV2, 0}}) {
    const auto refused = check_point_of(*parsed, queue, 41, "b");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  }
}

TEST(PopRequestsTest, DamagedHeadersAreRefused) {
  for (const auto& [starts, offsets] :
       {std::pair("0 2", "0 2 40"), std::pair("0 2 40", "0 2 x"), std::pair("5 2 40", "0 2 40"),
        std::pair("0 2 40;0 2 41", "0 2 40"), std::pair("0 2 40", "0 2 40;0 2 41"),
        std::pair("0 -2 40", "0 2 40"), std::pair("0 2 40 1", "0 2 40")}) {
    const auto refused = parse_pop(answer(starts, offsets));
    ASSERT_FALSE(refused.ok()) << starts << " / " << offsets;
    EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_EQ(parse_pop({}).error().code, ErrorCode::kCorrupt);
}

TEST(PopRequestsTest, AChangeGivesANewCheckPoint) {
  FrameHeader header;
  header.ext.add("popTime", "1700000000999");
  header.ext.add("invisibleTime", "5000");
  header.ext.add("reviveQid", "4");
  const auto after = parse_changed_invisible(header, check_point(42));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->text(), "42 1700000000999 5000 4 0 broker-a 2 42");
  EXPECT_EQ(parse_changed_invisible({}, check_point(42)).error().code, ErrorCode::kCorrupt);
  header.code = response_code::kTopicNotExist;
  EXPECT_EQ(parse_changed_invisible(header, check_point(42)).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace slipstream::rocketmq
