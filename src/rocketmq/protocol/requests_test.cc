#include "rocketmq/protocol/requests.h"

#include <map>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq {
namespace {

std::map<std::string, std::string> fields(const Command& command) {
  std::map<std::string, std::string> result;
  for (std::size_t i = 0; i < command.header.ext.size(); ++i) {
    const bool fresh = result
                           .emplace(std::string(command.header.ext.key(i)),
                                    std::string(command.header.ext.value(i)))
                           .second;
    EXPECT_TRUE(fresh) << "field sent twice: " << command.header.ext.key(i);
    EXPECT_FALSE(command.header.ext.value(i).empty()) << "empty values decode to null on servers";
  }
  return result;
}

using Fields = std::map<std::string, std::string>;

const MessageQueue kQueue{"T", "b", 3};

TEST(Requests, PlainCommandsCarryAnEmptyExtObject) {
  const Result<std::string> head =
      encode_frame_head(encode_plain(RequestCode::kBrokerCluster).header, 0);
  EXPECT_EQ(head->substr(8),
            R"({"code":106,"extFields":{},"flag":0,"language":"CPP","opaque":0,"version":399})");
}

TEST(Requests, Route) {
  EXPECT_EQ(fields(encode_route("T")),
            (Fields{{"topic", "T"}, {"acceptStandardJsonOnly", "true"}}));
}

TEST(Requests, PullCarriesItsSubscription) {
  PullRequest request;
  request.group = "G";
  request.queue = kQueue;
  request.offset = 9;
  EXPECT_EQ(fields(encode_pull(request)), (Fields{{"consumerGroup", "G"},
                                                  {"topic", "T"},
                                                  {"queueId", "3"},
                                                  {"queueOffset", "9"},
                                                  {"maxMsgNums", "32"},
                                                  {"sysFlag", "4"},
                                                  {"commitOffset", "0"},
                                                  {"suspendTimeoutMillis", "0"},
                                                  {"subscription", "*"},
                                                  {"subVersion", "0"},
                                                  {"expressionType", "TAG"},
                                                  {"bname", "b"}}));
  request.suspend_ms = 15000;
  request.sql92 = true;
  request.expression = "a > 1";
  const Fields suspended = fields(encode_pull(request));
  EXPECT_EQ(suspended.at("sysFlag"), "6");
  EXPECT_EQ(suspended.at("suspendTimeoutMillis"), "15000");
  EXPECT_EQ(suspended.at("expressionType"), "SQL92");
  EXPECT_EQ(suspended.at("subscription"), "a > 1");
}

TEST(Requests, SendsUseShortNames) {
  SendRequest request;
  request.producer_group = "P";
  request.topic = "T";
  request.broker = "b";
  request.queue_id = 2;
  request.born_ms = 1000;
  request.flag = 5;
  request.sys_flag = 1;
  request.properties = "K\x01v\x02";
  const Command single = encode_send(request, "body");
  EXPECT_EQ(single.header.code, 310);
  EXPECT_EQ(single.body, "body");
  EXPECT_EQ(fields(single), (Fields{{"a", "P"},
                                    {"b", "T"},
                                    {"c", "TBW102"},
                                    {"d", "4"},
                                    {"e", "2"},
                                    {"f", "1"},
                                    {"g", "1000"},
                                    {"h", "5"},
                                    {"i", "K\x01v\x02"},
                                    {"j", "0"},
                                    {"k", "false"},
                                    {"m", "false"},
                                    {"n", "b"}}));
  request.properties.clear();
  const Command batch = encode_send_batch(request, "body");
  EXPECT_EQ(batch.header.code, 320);
  EXPECT_EQ(fields(batch).at("m"), "true");
  EXPECT_EQ(fields(batch).count("i"), 0U);
}

TEST(Requests, Offsets) {
  EXPECT_EQ(fields(encode_max_offset(kQueue, false)),
            (Fields{{"topic", "T"}, {"queueId", "3"}, {"bname", "b"}, {"committed", "false"}}));
  EXPECT_EQ(fields(encode_min_offset(kQueue)),
            (Fields{{"topic", "T"}, {"queueId", "3"}, {"bname", "b"}}));
  EXPECT_EQ(encode_earliest_store_time(kQueue).header.code, 32);
  EXPECT_EQ(fields(encode_search_offset(kQueue, 77, Boundary::kUpper)),
            (Fields{{"topic", "T"},
                    {"queueId", "3"},
                    {"bname", "b"},
                    {"timestamp", "77"},
                    {"boundaryType", "upper"}}));
  EXPECT_EQ(fields(encode_query_consumer_offset({"G", kQueue})),
            (Fields{{"topic", "T"},
                    {"queueId", "3"},
                    {"bname", "b"},
                    {"consumerGroup", "G"},
                    {"setZeroIfNotFound", "false"}}));
  EXPECT_EQ(fields(encode_update_consumer_offset({"G", kQueue}, 8)),
            (Fields{{"topic", "T"},
                    {"queueId", "3"},
                    {"bname", "b"},
                    {"consumerGroup", "G"},
                    {"commitOffset", "8"}}));
}

TEST(Requests, Topics) {
  TopicConfig config;
  config.topic = "T";
  config.attributes = {{"message.type", "FIFO"}, {"cleanup.policy", "DELETE"}};
  EXPECT_EQ(fields(encode_update_topic(config)),
            (Fields{{"topic", "T"},
                    {"defaultTopic", "TBW102"},
                    {"readQueueNums", "4"},
                    {"writeQueueNums", "4"},
                    {"perm", "6"},
                    {"topicFilterType", "SINGLE_TAG"},
                    {"topicSysFlag", "0"},
                    {"order", "false"},
                    {"attributes", "+message.type=FIFO,+cleanup.policy=DELETE"}}));
  EXPECT_EQ(encode_delete_topic_in_broker("T").header.code, 215);
  EXPECT_EQ(fields(encode_delete_topic_in_name_server("T", "C")),
            (Fields{{"topic", "T"}, {"clusterName", "C"}}));
  EXPECT_EQ(encode_topic_stats("T").header.code, 202);
  EXPECT_EQ(encode_topic_config("T").header.code, 351);
}

TEST(Requests, Groups) {
  SubscriptionGroup group;
  group.name = "G\"";
  const Command update = encode_update_group(group);
  const Result<JsonValue> body = parse_tolerant_json(update.body);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ((*body)["groupName"].text, "G\"");
  EXPECT_TRUE((*body)["consumeEnable"].bool_or(false));
  EXPECT_EQ((*body)["retryMaxTimes"].integer(), 16);
  EXPECT_EQ(fields(encode_consumer_list("G")), (Fields{{"consumerGroup", "G"}}));
  EXPECT_EQ(fields(encode_consume_stats("G")), (Fields{{"consumerGroup", "G"}}));
  EXPECT_EQ(fields(encode_consume_stats("G", "T")),
            (Fields{{"consumerGroup", "G"}, {"topic", "T"}}));
  EXPECT_EQ(fields(encode_delete_group("G", true)),
            (Fields{{"groupName", "G"}, {"cleanOffset", "true"}}));
}

TEST(Requests, HeartbeatNamesGroupsAndSubscriptions) {
  Heartbeat heartbeat;
  heartbeat.client_id = "10.0.0.5@1#2";
  heartbeat.producer_groups = {"PG"};
  heartbeat.consumers = {ConsumerData{"CG", {Subscription{"T", "A || B", false, 17}}}};
  const Command command = encode_heartbeat(heartbeat);
  const Result<JsonValue> body = parse_tolerant_json(command.body);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ((*body)["clientID"].text, "10.0.0.5@1#2");
  EXPECT_EQ((*body)["producerDataSet"].items.at(0)["groupName"].text, "PG");
  const JsonValue& consumer = (*body)["consumerDataSet"].items.at(0);
  EXPECT_EQ(consumer["consumeType"].text, "CONSUME_ACTIVELY");
  const JsonValue& subscription = consumer["subscriptionDataSet"].items.at(0);
  EXPECT_EQ(subscription["subString"].text, "A || B");
  ASSERT_EQ(subscription["tagsSet"].items.size(), 2U);
  EXPECT_EQ(subscription["codeSet"].items[1].integer(), java_hash("B"));
  EXPECT_EQ(subscription["subVersion"].integer(), 17);
  EXPECT_EQ(fields(encode_unregister({"c", "", "CG"})),
            (Fields{{"clientID", "c"}, {"consumerGroup", "CG"}}));
}

TEST(Requests, FilterCheckCarriesTheSubscription) {
  const Command command = encode_check_filter("c", "G", Subscription{"T", "a > 6", true, 5});
  EXPECT_EQ(command.header.code, 46);
  const Result<JsonValue> body = parse_tolerant_json(command.body);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ((*body)["clientId"].text, "c");
  EXPECT_EQ((*body)["group"].text, "G");
  EXPECT_EQ((*body)["subscriptionData"]["expressionType"].text, "SQL92");
  EXPECT_EQ((*body)["subscriptionData"]["subString"].text, "a > 6");
}

TEST(Requests, SingleMessagesAndBrokerConfig) {
  KeyQuery query;
  query.topic = "T";
  query.key = "k";
  query.end_ms = 9;
  EXPECT_EQ(fields(encode_query_by_key(query)), (Fields{{"topic", "T"},
                                                        {"key", "k"},
                                                        {"maxNum", "32"},
                                                        {"beginTimestamp", "0"},
                                                        {"endTimestamp", "9"}}));
  query.unique_key = true;
  EXPECT_EQ(fields(encode_query_by_key(query)).at("_UNIQUE_KEY_QUERY"), "true");
  EXPECT_EQ(fields(encode_view_by_offset("T", 8874)), (Fields{{"topic", "T"}, {"offset", "8874"}}));
  EXPECT_EQ(encode_update_broker_config({{"a", "1"}, {"b", "2"}}).body, "a=1\nb=2\n");
}

}  // namespace
}  // namespace slipstream::rocketmq
