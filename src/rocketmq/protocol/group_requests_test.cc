// Requests of members of groups and of transactions, and what brokers ask of them.
#include <map>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq {
namespace {

using Fields = std::map<std::string, std::string>;

Fields fields(const Command& command) {
  Fields result;
  for (std::size_t i = 0; i < command.header.ext.size(); ++i)
    result.emplace(command.header.ext.key(i), command.header.ext.value(i));
  return result;
}

TEST(GroupRequestsTest, EndsOfTransactions) {
  const EndTransaction request{.producer_group = "P",
                               .topic = "T",
                               .broker = "b",
                               .message_id = "K",
                               .transaction_id = "K",
                               .half_queue_offset = 7,
                               .physical_offset = 1'234,
                               .commit = true};
  EXPECT_EQ(encode_end_transaction(request).header.code, 37);
  EXPECT_EQ(fields(encode_end_transaction(request)), (Fields{{"producerGroup", "P"},
                                                             {"tranStateTableOffset", "7"},
                                                             {"commitLogOffset", "1234"},
                                                             {"commitOrRollback", "8"},
                                                             {"fromTransactionCheck", "false"},
                                                             {"msgId", "K"},
                                                             {"transactionId", "K"},
                                                             {"topic", "T"},
                                                             {"bname", "b"}}));
  EndTransaction check;
  check.producer_group = "P";
  check.from_check = true;
  const Fields rollback = fields(encode_end_transaction(check));
  EXPECT_EQ(rollback.at("commitOrRollback"), "12");
  EXPECT_EQ(rollback.at("fromTransactionCheck"), "true");
  EXPECT_FALSE(rollback.contains("bname")) << "no empty values";
}

TEST(GroupRequestsTest, SendBack) {
  EXPECT_EQ(fields(encode_send_back({.group = "G",
                                     .physical_offset = 99,
                                     .delay_level = -1,
                                     .message_id = "K",
                                     .topic = "T",
                                     .reconsume_times_max = 3,
                                     .broker = "b"})),
            (Fields{{"offset", "99"},
                    {"group", "G"},
                    {"delayLevel", "-1"},
                    {"originMsgId", "K"},
                    {"originTopic", "T"},
                    {"unitMode", "false"},
                    {"maxReconsumeTimes", "3"},
                    {"bname", "b"}}));
}

TEST(GroupRequestsTest, LocksAndTheirAnswer) {
  const Command lock =
      encode_lock_queues({.group = "G", .client_id = "C", .queues = {{"T", "b", 2}}});
  EXPECT_EQ(lock.header.code, 41);
  EXPECT_EQ(lock.body, R"({"consumerGroup":"G","clientId":"C","onlyThisBroker":false,)"
                       R"("mqSet":[{"topic":"T","brokerName":"b","queueId":2}]})");
  EXPECT_EQ(encode_unlock_queues({}).header.code, 42);
  const auto held = parse_locked_queues(
      as_bytes(R"({"lockOKMQSet":[{"brokerName":"b","queueId":2,"topic":"T"}]})"));
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(*held, (std::vector<MessageQueue>{{"T", "b", 2}}));
  EXPECT_TRUE(parse_locked_queues(as_bytes(R"({"lockOKMQSet":[]})"))->empty());
  EXPECT_FALSE(parse_locked_queues(as_bytes("[")).ok());
}

TEST(GroupRequestsTest, HeartbeatsOfPushedConsumersAndProducers) {
  const Command beat =
      encode_heartbeat({.client_id = "C",
                        .producer_groups = {"P"},
                        .consumers = {{.group = "G",
                                       .subscriptions = {{.topic = "T"}},
                                       .pushed = true,
                                       .broadcasting = true,
                                       .from_where = "CONSUME_FROM_LAST_OFFSET"}}});
  for (const char* part :
       {R"("producerDataSet":[{"groupName":"P"}])", R"("consumeType":"CONSUME_PASSIVELY")",
        R"("messageModel":"BROADCASTING")", R"("consumeFromWhere":"CONSUME_FROM_LAST_OFFSET")"})
    EXPECT_NE(beat.body.find(part), std::string::npos) << part << " in " << beat.body;
}

TEST(GroupRequestsTest, ChecksOfTransactions) {
  FrameHeader header;
  header.ext.add_number("tranStateTableOffset", 7);
  EXPECT_FALSE(parse_transaction_check(header).ok());
  header.ext.add_number("commitLogOffset", 1'234);
  header.ext.add("msgId", "K");
  const auto check = parse_transaction_check(header);
  ASSERT_TRUE(check.ok());
  EXPECT_EQ(check->half_queue_offset, 7);
  EXPECT_EQ(check->physical_offset, 1'234);
  EXPECT_EQ(check->message_id, "K");
  EXPECT_EQ(check->broker, "") << "brokers 4.x do not name themselves";
}

TEST(GroupRequestsTest, ResetsInBothForms) {
  const std::map<MessageQueue, std::int64_t> expected = {{{"T", "b", 2}, 5}};
  const auto list = parse_offset_reset(
      as_bytes(R"({"offsetTable":[{"topic":"T","brokerName":"b","queueId":2,"offset":5}]})"));
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(*list, expected);
  const auto map = parse_offset_reset(
      as_bytes(R"({"offsetTable":{{"topic":"T","brokerName":"b","queueId":2}:5}})"));
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(*map, expected);
  EXPECT_FALSE(parse_offset_reset(as_bytes(R"({"offsetTable":{"x":5}})")).ok());
}

}  // namespace
}  // namespace slipstream::rocketmq
