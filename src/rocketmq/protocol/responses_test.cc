#include "rocketmq/protocol/responses.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace slipstream::rocketmq {
namespace {

FrameHeader answer(std::int32_t code,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> ext = {}) {
  FrameHeader header;
  header.code = code;
  header.flag = kResponseFlag;
  for (const auto& [key, value] : ext) header.ext.add(key, value);
  return header;
}

TEST(Responses, RouteInStandardAndOldForm) {
  for (const std::string_view keys : {R"({"1":"127.0.0.1:11911","0":"127.0.0.1:10911"})",
                                      R"({1:"127.0.0.1:11911",0:"127.0.0.1:10911"})"}) {
    const std::string body =
        R"({"brokerDatas":[{"brokerAddrs":)" + std::string(keys) +
        R"(,"brokerName":"b2","cluster":"C","enableActingMaster":true},{"brokerAddrs":{"1":"x:1"},"brokerName":"b1"}],)"
        R"("filterServerTable":{},"orderTopicConf":"b2:4","queueDatas":[)"
        R"({"brokerName":"b2","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":3},)"
        R"({"brokerName":"b1","perm":4,"readQueueNums":1,"writeQueueNums":1}]})";
    const Result<RouteData> route = parse_route(as_bytes(body));
    ASSERT_TRUE(route.ok()) << route.error().to_string();
    ASSERT_EQ(route->brokers.size(), 2U);
    const BrokerData* broker = route->broker("b2");
    ASSERT_NE(broker, nullptr);
    ASSERT_NE(broker->master(), nullptr);
    EXPECT_EQ(*broker->master(), "127.0.0.1:10911");
    EXPECT_EQ(*broker->address(1), "127.0.0.1:11911");
    EXPECT_TRUE(broker->acting_master);
    EXPECT_EQ(route->broker("b1")->master(), nullptr);
    EXPECT_EQ(route->broker("b3"), nullptr);
    ASSERT_EQ(route->queues.size(), 2U);
    EXPECT_EQ(route->queues[0].broker, "b1");
    EXPECT_TRUE(route->queues[0].readable());
    EXPECT_FALSE(route->queues[0].writable());
    EXPECT_EQ(route->queues[1].read_queues, 4);
    EXPECT_EQ(route->queues[1].write_queues, 3);
    EXPECT_EQ(route->order_config, "b2:4");
    EXPECT_FALSE(route->static_topic);
  }
}

TEST(Responses, StaticTopicsAreRecognised) {
  const std::string_view body =
      R"({"brokerDatas":[],"queueDatas":[],"topicQueueMappingByBroker":{"b":{"currIdMap":{0:0},"totalQueues":1}}})";
  EXPECT_TRUE(parse_route(as_bytes(body))->static_topic);
  EXPECT_FALSE(
      parse_route(
          as_bytes(R"({"brokerDatas":[],"queueDatas":[],"topicQueueMappingByBroker":{"b":null}})"))
          ->static_topic);
}

TEST(Responses, LogicalQueuesAreServedByWhoSaidSoLast) {
  const std::string_view body =
      R"({"brokerDatas":[{"brokerAddrs":{"0":"127.0.0.1:1"},"brokerName":"a","cluster":"c"},)"
      R"({"brokerAddrs":{"0":"127.0.0.1:2"},"brokerName":"b","cluster":"c"}],"queueDatas":[],)"
      R"("topicQueueMappingByBroker":{)"
      R"("b":{"topic":"T","scope":"__global__","totalQueues":3,"bname":"b","epoch":2,"currIdMap":{1:4}},)"
      R"("a":{"topic":"T","scope":"__global__","totalQueues":2,"bname":"a","epoch":1,"currIdMap":{"0":0,"1":1}},)"
      R"("c":{"topic":"T","scope":"room","totalQueues":1,"bname":"a","epoch":1,"currIdMap":{"0":0,"7":1,"x":2}}}})";
  const auto route = parse_route(as_bytes(body));
  ASSERT_TRUE(route.ok()) << route.error().to_string();
  ASSERT_EQ(route->logical_queues.size(), 4U);
  EXPECT_EQ(route->logical_queues[0].name, "__syslo__global__");
  EXPECT_EQ(route->logical_queues[3].name, "__syslo__room");
  const auto serving = [&](const MessageQueue& queue) {
    const BrokerData* broker = route->serving(queue);
    return broker == nullptr ? std::string() : broker->name;
  };
  EXPECT_EQ(serving({"T", "__syslo__global__", 0}), "a");
  EXPECT_EQ(serving({"T", "__syslo__global__", 1}), "b");
  EXPECT_EQ(serving({"T", "__syslo__global__", 2}), "") << "nobody said so";
  EXPECT_EQ(serving({"T", "__syslo__global__", 3}), "");
  EXPECT_EQ(serving({"T", "a", 0}), "") << "a broker's own queue is a part of a logical one";
  EXPECT_EQ(serving({"T", "__syslo__room", 0}), "a");
  const std::string_view many =
      R"({"brokerDatas":[],"queueDatas":[],"topicQueueMappingByBroker":{"b":{"totalQueues":2000000000}}})";
  EXPECT_EQ(parse_route(as_bytes(many)).error().code, ErrorCode::kCorrupt);
}

TEST(Responses, ImpossibleRoutesAreRefused) {
  EXPECT_FALSE(parse_route(as_bytes("{}")).ok());
  EXPECT_FALSE(parse_route(as_bytes("[]")).ok());
  EXPECT_FALSE(parse_route({}).ok());
  EXPECT_FALSE(
      parse_route(
          as_bytes(
              R"({"brokerDatas":[],"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":2000000000,"writeQueueNums":1}]})"))
          .ok());
}

TEST(Responses, Addresses) {
  EXPECT_EQ(parse_address("127.0.0.1:10911")->host, "127.0.0.1");
  EXPECT_EQ(parse_address("127.0.0.1:10911")->port, 10911);
  EXPECT_EQ(parse_address("[::1]:10911")->host, "::1");
  EXPECT_EQ(parse_address("fe80::1:10911")->host, "fe80::1");
  for (const std::string_view bad : {"", "host", "host:", ":1", "host:70000", "host:1x"}) {
    EXPECT_FALSE(parse_address(bad).ok()) << bad;
  }
}

TEST(Responses, ClusterListsAndConfigs) {
  const Result<ClusterView> view = parse_cluster(as_bytes(
      R"({"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"ip:1"},"brokerName":"broker-a","cluster":"C"}},)"
      R"("clusterAddrTable":{"C":["broker-a"]}})"));
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(*view->brokers.at(0).master(), "ip:1");
  EXPECT_EQ(view->brokers[0].cluster, "C");
  EXPECT_EQ(*parse_topic_list(as_bytes(R"({"topicList":["a","b"]})")),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*parse_consumer_list(as_bytes(R"({"consumerIdList":["c"]})")),
            (std::vector<std::string>{"c"}));
  const Result<TopicConfig> config = parse_topic_config(as_bytes(
      R"({"attributes":{"message.type":"FIFO"},"order":false,"perm":6,"readQueueNums":2,)"
      R"("topicFilterType":"SINGLE_TAG","topicName":"GV1","topicSysFlag":0,"writeQueueNums":3})"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->topic, "GV1");
  EXPECT_EQ(config->read_queues, 2);
  EXPECT_EQ(config->write_queues, 3);
  EXPECT_EQ(config->attributes.at(0).value, "FIFO");
  EXPECT_EQ(parse_all_topic_configs(
                as_bytes(R"({"dataVersion":{},"topicConfigTable":{"T":{"topicName":"T"}}})"))
                ->at(0)
                .topic,
            "T");
}

TEST(Responses, TopicStatsWithObjectKeys) {
  const Result<std::vector<QueueStats>> stats = parse_topic_stats(as_bytes(
      R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"T"}:{"lastUpdateTimestamp":5,"maxOffset":9,"minOffset":2},)"
      R"({"brokerName":"b","queueId":0,"topic":"T"}:{"lastUpdateTimestamp":0,"maxOffset":0,"minOffset":0}},"topicPutTps":0.0})"));
  ASSERT_TRUE(stats.ok()) << stats.error().to_string();
  ASSERT_EQ(stats->size(), 2U);
  EXPECT_EQ((*stats)[1].queue, (MessageQueue{"T", "b", 1}));
  EXPECT_EQ((*stats)[1].max_offset, 9);
  EXPECT_EQ((*stats)[1].min_offset, 2);
  EXPECT_FALSE(parse_topic_stats(as_bytes(R"({"offsetTable":{"x":{"maxOffset":1}}})")).ok());
}

TEST(Responses, ConsumeStatsAndConnections) {
  const Result<ConsumeStats> stats = parse_consume_stats(
      as_bytes(R"({"consumeTps":1.5,"offsetTable":{{"brokerName":"b","queueId":0,"topic":"T"}:)"
               R"({"brokerOffset":10,"consumerOffset":4,"lastTimestamp":77,"pullOffset":5}}})"));
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->consume_tps, 1.5);
  EXPECT_EQ(stats->queues.at(0).broker_offset - stats->queues.at(0).consumer_offset, 6);
  const Result<ConsumerConnections> connections = parse_consumer_connections(as_bytes(
      R"({"connectionSet":[{"clientAddr":"1.2.3.4:5","clientId":"c","language":"CPP","version":399}],)"
      R"("consumeType":"CONSUME_ACTIVELY","messageModel":"CLUSTERING",)"
      R"("subscriptionTable":{"T":{"expressionType":"TAG","subString":"A","topic":"T","subVersion":3}}})"));
  ASSERT_TRUE(connections.ok());
  EXPECT_EQ(connections->connections.at(0).client_id, "c");
  EXPECT_EQ(connections->subscriptions.at(0).expression, "A");
}

TEST(Responses, BrokerRuntimeAndConfig) {
  const Result<BrokerRuntime> runtime = parse_broker_runtime(as_bytes(
      R"({"table":{"bootTimestamp":"1700000000000","brokerVersionDesc":"V5_3_3","dispatchBehindBytes":"0",)"
      R"("putTps":"10.5 9.0 8.0"}})"));
  ASSERT_TRUE(runtime.ok());
  EXPECT_EQ(runtime->version(), "V5_3_3");
  EXPECT_EQ(runtime->boot_ms(), 1700000000000);
  EXPECT_EQ(runtime->dispatch_behind_bytes(), 0);
  EXPECT_EQ(runtime->rate("putTps"), 10.5);
  EXPECT_FALSE(runtime->rate("absent").has_value());
  EXPECT_FALSE(parse_broker_runtime(as_bytes("{}")).ok());
  const auto config = parse_broker_config(as_bytes("#c\r\na=1\r\nb=x=y\nnonsense\n"));
  EXPECT_EQ(config->at("a"), "1");
  EXPECT_EQ(config->at("b"), "x=y");
  EXPECT_EQ(config->size(), 2U);
}

TEST(Responses, Offsets) {
  EXPECT_EQ(*parse_offset(RequestCode::kMaxOffset, answer(0, {{"offset", "12"}})), 12);
  EXPECT_EQ(*parse_offset(RequestCode::kEarliestStoreTime, answer(0, {{"timestamp", "-1"}})), -1);
  EXPECT_EQ(parse_offset(RequestCode::kMaxOffset, answer(0)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(parse_offset(RequestCode::kMaxOffset, answer(16)).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_FALSE(parse_consumer_offset(answer(22))->has_value());
  EXPECT_EQ(**parse_consumer_offset(answer(0, {{"offset", "3"}})), 3);
  EXPECT_FALSE(parse_consumer_offset(answer(1)).ok());
}

TEST(Responses, AllConsumerOffsets) {
  const auto offsets = [](std::string_view group) {
    const auto found = parse_all_consumer_offsets(
        as_bytes(R"({"offsetTable":{"T@g":{0:0,1:5},"%RETRY%g@g":{0:2},"T@h":{"1":7,"x":1}}})"),
        group);
    EXPECT_TRUE(found.ok()) << found.status().to_string();
    return found.ok() ? *found : GroupOffsets();
  };
  EXPECT_EQ(offsets("g"), (GroupOffsets{{{"T", 0}, 0}, {{"T", 1}, 5}, {{"%RETRY%g", 0}, 2}}));
  EXPECT_EQ(offsets("h"), (GroupOffsets{{{"T", 1}, 7}}));
  EXPECT_EQ(offsets("i"), GroupOffsets());
  EXPECT_FALSE(parse_all_consumer_offsets(as_bytes("{}"), "g").ok());
}

TEST(Responses, PullOutcomes) {
  const auto pull = [](std::int32_t code) {
    return parse_pull(answer(code, {{"nextBeginOffset", "5"},
                                    {"minOffset", "1"},
                                    {"maxOffset", "9"},
                                    {"suggestWhichBrokerId", "1"}}));
  };
  EXPECT_EQ(pull(0)->status, PullStatus::kFound);
  EXPECT_EQ(pull(19)->status, PullStatus::kNotFound);
  EXPECT_EQ(pull(20)->status, PullStatus::kRetryImmediately);
  EXPECT_EQ(pull(21)->status, PullStatus::kOffsetMoved);
  EXPECT_EQ(pull(0)->next_offset, 5);
  EXPECT_EQ(pull(0)->min_offset, 1);
  EXPECT_EQ(pull(0)->max_offset, 9);
  EXPECT_EQ(pull(0)->suggested_broker, 1);
  EXPECT_EQ(pull(0)->offset_delta, 0);
  EXPECT_TRUE(pull(2).error().retryable);
  EXPECT_FALSE(pull(23).error().retryable);
  EXPECT_EQ(parse_pull(answer(0, {{"nextBeginOffset", "5"}})).error().code, ErrorCode::kCorrupt);
}

TEST(Responses, SendOutcomes) {
  const auto send = [](std::int32_t code) {
    return parse_send(RequestCode::kSendBatchMessage,
                      answer(code, {{"msgId", "AA,BB"}, {"queueId", "2"}, {"queueOffset", "40"}}));
  };
  for (const std::int32_t code : {0, 10, 11, 12}) {
    const Result<SendAnswer> stored = send(code);
    ASSERT_TRUE(stored.ok()) << code;
    EXPECT_EQ(stored->code, code);
    EXPECT_EQ(stored->queue_id, 2);
    EXPECT_EQ(stored->queue_offset, 40);
    EXPECT_EQ(stored->message_ids, "AA,BB");
    EXPECT_EQ(stored->first_message_id(), "AA");
  }
  EXPECT_TRUE(send(2).error().retryable);
  EXPECT_FALSE(send(13).error().retryable);
}

}  // namespace
}  // namespace slipstream::rocketmq
