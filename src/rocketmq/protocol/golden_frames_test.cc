// Answers recorded from real name servers and brokers (test/golden/record.py), both supported
// lines.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq {
namespace {

// Where the two lines differ.
struct Line {
  std::string folder;
  std::string version;
  bool v5 = false;
};

class GoldenFrames : public testing::TestWithParam<Line> {
 protected:
  Answer answer(const std::string& name) const {
    const std::string path =
        std::string(SLIPSTREAM_GOLDEN_DIR) + "/" + GetParam().folder + "/" + name + ".frame";
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.is_open()) << path;
    const std::string bytes((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    FrameCutter cutter(ReceivePool::create());
    std::memcpy(cutter.prepare().data(), bytes.data(), bytes.size());
    cutter.commit(bytes.size());
    Result<std::optional<Frame>> frame = cutter.next();
    EXPECT_TRUE(frame.ok() && frame->has_value()) << path;
    Answer result;
    result.frame = **frame;
    Result<FrameHeader> header = decode_header(result.frame.header, result.frame.type);
    EXPECT_TRUE(header.ok()) << path;
    result.header = *header;
    EXPECT_TRUE(result.header.is_response());
    EXPECT_EQ(result.header.opaque, 7);
    EXPECT_EQ(result.header.language, Language::kJava);
    return result;
  }
  std::int64_t offset(const std::string& name) const {
    const Result<std::int64_t> value = parse_offset(RequestCode::kMaxOffset, answer(name).header);
    EXPECT_TRUE(value.ok()) << name;
    return value.value_or(-1);
  }
  PullAnswer pull(const std::string& name) const {
    const Result<PullAnswer> value = parse_pull(answer(name).header);
    EXPECT_TRUE(value.ok()) << name;
    return value.value_or(PullAnswer());
  }
  std::vector<ReceivedMessage> messages(const std::string& name) const {
    const Answer found = answer(name);
    RecordCursorOptions options;
    options.check_crc = true;
    RecordCursor cursor(found.body(), options);
    std::vector<ReceivedMessage> result;
    RecordView record;
    while (cursor.next(record)) result.push_back(*to_received_message(record, "broker-a"));
    EXPECT_TRUE(cursor.status().ok()) << cursor.status().to_string();
    return result;
  }
};

TEST_P(GoldenFrames, RoutesInBothJsonForms) {
  for (const char* name : {"route_standard", "route_plain"}) {
    const Result<RouteData> route = parse_route(answer(name).body());
    ASSERT_TRUE(route.ok()) << name << ": " << route.error().to_string();
    ASSERT_EQ(route->brokers.size(), 1U);
    EXPECT_EQ(route->brokers[0].name, "broker-a");
    EXPECT_EQ(route->brokers[0].cluster, "DefaultCluster");
    ASSERT_NE(route->brokers[0].master(), nullptr);
    EXPECT_EQ(parse_address(*route->brokers[0].master())->host, "127.0.0.1");
    ASSERT_EQ(route->queues.size(), 1U);
    EXPECT_EQ(route->queues[0].read_queues, 2);
    EXPECT_EQ(route->queues[0].write_queues, 2);
    EXPECT_TRUE(route->queues[0].readable() && route->queues[0].writable());
    EXPECT_FALSE(route->static_topic);
  }
  EXPECT_EQ(answer("route_absent").header.code, response_code::kTopicNotExist);
}

TEST_P(GoldenFrames, ClusterTopicsAndConfigs) {
  EXPECT_EQ(parse_cluster(answer("cluster").body())->brokers.at(0).name, "broker-a");
  const std::vector<std::string> topics = *parse_topic_list(answer("topic_list").body());
  EXPECT_NE(std::find(topics.begin(), topics.end(), "Golden"), topics.end());
  EXPECT_EQ(answer("topic_create").header.code, 0);
  const Answer config = answer("topic_config");
  if (GetParam().v5) {
    EXPECT_EQ(parse_topic_config(config.body())->read_queues, 2);
  } else {
    EXPECT_EQ(classify(CallKind::kAdmin, config.header.code, config.header.remark),
              Verdict::kUnsupported);
  }
  bool found = false;
  const std::vector<TopicConfig> configs =
      *parse_all_topic_configs(answer("topic_config_all").body());
  for (const TopicConfig& each : configs) {
    if (each.topic == "Golden") found = each.write_queues == 2 && each.perm == 6;
  }
  EXPECT_TRUE(found);
}

TEST_P(GoldenFrames, Sends) {
  const auto send = [&](const char* name) {
    return parse_send(RequestCode::kSendMessageV2, answer(name).header);
  };
  EXPECT_EQ(send("send_tag_a")->queue_offset, 0);
  EXPECT_EQ(send("send_tag_unicode")->queue_offset, 1);
  EXPECT_EQ(send("send_zlib")->queue_offset, 2);
  const Result<SendAnswer> batch = send("send_batch");
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->queue_offset, 3);
  ASSERT_EQ(batch->message_ids.size(), 3 * 32U + 2);
  EXPECT_EQ(batch->first_message_id(), batch->message_ids.substr(0, 32));
  EXPECT_GT(decode_offset_message_id(batch->message_ids.substr(66))->physical_offset,
            decode_offset_message_id(batch->message_ids.substr(33, 32))->physical_offset);
  EXPECT_EQ(send("send_no_body").ok(), !GetParam().v5);
  EXPECT_EQ(send("send_too_big").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(answer("send_topic_illegal").header.code, GetParam().v5 ? 29 : 1);
}

TEST_P(GoldenFrames, RecordsOfAPull) {
  const PullAnswer found = pull("pull_found");
  EXPECT_EQ(found.status, PullStatus::kFound);
  EXPECT_EQ(found.next_offset, 6);
  EXPECT_EQ(found.max_offset, 6);
  EXPECT_EQ(found.min_offset, 0);
  const std::vector<ReceivedMessage> all = messages("pull_found");
  ASSERT_EQ(all.size(), 6U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].queue_offset, static_cast<std::int64_t>(i));
    EXPECT_EQ(all[i].topic, "Golden");
    EXPECT_EQ(all[i].born_ms, 1700000000000);
    EXPECT_EQ(all[i].born_host.substr(0, 10), "127.0.0.1:");
  }
  EXPECT_EQ(all[0].body, "first");
  EXPECT_EQ(all[0].tags, "tagA");
  EXPECT_EQ(all[0].keys, (std::vector<std::string>{"k1", "k2"}));
  EXPECT_EQ(all[0].message_id, std::string("0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A"));
  EXPECT_EQ(
      all[0].offset_message_id,
      parse_send(RequestCode::kSendMessageV2, answer("send_tag_a").header)->first_message_id());
  EXPECT_EQ(all[1].tags, "\xE8\xAE\xA2\xE5\x8D\x95");
  EXPECT_EQ(all[1].body, "zweite \xE2\x9C\x93");
  EXPECT_EQ(all[2].body.size(), 1100U);
  EXPECT_EQ(all[2].body.substr(0, 11), "compressed ");
  EXPECT_EQ(all[5].body, "batch 2");
}

TEST_P(GoldenFrames, FilteredPulls) {
  EXPECT_EQ(messages("pull_tag").size(), 4U);
  EXPECT_EQ(pull("pull_tag").next_offset, 6);
  EXPECT_EQ(pull("pull_tag_none").status, PullStatus::kRetryImmediately);
  EXPECT_EQ(pull("pull_tag_none").next_offset, 6);
  const std::vector<ReceivedMessage> sql = messages("pull_sql");
  ASSERT_EQ(sql.size(), 1U);
  EXPECT_EQ(sql[0].property("a"), "7");
  // A filter that does not parse is no filter: only the check before the pull tells.
  EXPECT_EQ(messages("pull_sql_bad").size(), 6U);
  EXPECT_EQ(answer("filter_good").header.code, 0);
  EXPECT_EQ(answer("filter_bad").header.code, response_code::kSubscriptionParseFailed);
}

TEST_P(GoldenFrames, PullsThatFindNothing) {
  EXPECT_EQ(pull("pull_at_max").status, PullStatus::kNotFound);
  EXPECT_EQ(pull("pull_at_max").next_offset, 6);
  EXPECT_EQ(pull("pull_at_max_suspended").status, PullStatus::kNotFound);
  EXPECT_EQ(pull("pull_beyond_max").status, PullStatus::kOffsetMoved);
  EXPECT_EQ(pull("pull_beyond_max").next_offset, 6);
  EXPECT_EQ(pull("pull_empty_at_zero").status, PullStatus::kNotFound);
  EXPECT_EQ(pull("pull_empty_beyond").status, PullStatus::kOffsetMoved);
  EXPECT_EQ(pull("pull_empty_beyond").next_offset, 0);
  const Answer queue = answer("pull_queue_absent");
  EXPECT_EQ(classify(CallKind::kPull, queue.header.code, queue.header.remark),
            Verdict::kRetryOther);
  EXPECT_EQ(parse_pull(answer("pull_topic_absent").header).error().code, ErrorCode::kNotFound);
}

TEST_P(GoldenFrames, Offsets) {
  EXPECT_EQ(offset("max_offset"), 6);
  EXPECT_EQ(offset("max_offset_appended"), 6);
  EXPECT_EQ(offset("max_offset_absent"), 0);
  EXPECT_EQ(offset("min_offset"), 0);
  EXPECT_EQ(offset("search_before"), 0);
  EXPECT_EQ(offset("search_after"), GetParam().v5 ? 6 : 5);
  EXPECT_GT(*parse_offset(RequestCode::kEarliestStoreTime, answer("earliest_time").header),
            1700000000000);
  // 4.9 cannot say "none" for a queue whose first message is still in memory.
  EXPECT_EQ(parse_consumer_offset(answer("query_offset_absent").header)->has_value(),
            !GetParam().v5);
  EXPECT_EQ(answer("update_offset").header.code, 0);
  EXPECT_EQ(**parse_consumer_offset(answer("query_offset").header), 2);
}

TEST_P(GoldenFrames, Statistics) {
  const Result<std::vector<QueueStats>> stats = parse_topic_stats(answer("topic_stats").body());
  ASSERT_TRUE(stats.ok()) << stats.error().to_string();
  ASSERT_EQ(stats->size(), 2U);
  EXPECT_EQ((*stats)[0].queue, (MessageQueue{"Golden", "broker-a", 0}));
  EXPECT_EQ((*stats)[0].max_offset, 6);
  EXPECT_EQ(parse_topic_stats(answer("topic_stats_empty").body())->at(1).max_offset, 0);
  const Result<ConsumeStats> consume = parse_consume_stats(answer("consume_stats").body());
  ASSERT_TRUE(consume.ok());
  EXPECT_EQ(consume->queues.at(0).broker_offset, 6);
  EXPECT_EQ(consume->queues.at(0).consumer_offset, 2);
  const Result<BrokerRuntime> runtime = parse_broker_runtime(answer("runtime").body());
  ASSERT_TRUE(runtime.ok());
  EXPECT_EQ(runtime->version(), GetParam().version);
  EXPECT_EQ(runtime->dispatch_behind_bytes(), 0);
  EXPECT_GT(runtime->boot_ms().value_or(0), 1700000000000);
  // "  ": a broker that has just started has no samples yet.
  EXPECT_FALSE(runtime->rate("putTps").has_value());
}

TEST_P(GoldenFrames, SingleMessagesAndRefusals) {
  EXPECT_EQ(messages("query_key").at(0).body, "first");
  EXPECT_EQ(messages("query_unique_key").at(0).queue_offset, 1);
  EXPECT_EQ(answer("query_key_absent").header.code, response_code::kQueryNotFound);
  EXPECT_EQ(messages("view_by_id").at(0).physical_offset, 0);
  EXPECT_EQ(answer("view_by_id_wrong").header.code, response_code::kSystemError);
  EXPECT_EQ(answer("unknown_request").header.code, response_code::kRequestCodeNotSupported);
  EXPECT_EQ(answer("consumer_connections_absent").header.code, response_code::kConsumerNotOnline);
  EXPECT_EQ(answer("heartbeat").header.code, 0);
}

INSTANTIATE_TEST_SUITE_P(Servers, GoldenFrames,
                         testing::Values(Line{"rocketmq-4.9.7", "V4_9_7", false},
                                         Line{"rocketmq-5.5.0", "V5_5_0", true}),
                         [](const testing::TestParamInfo<Line>& line) {
                           return line.param.version;
                         });

}  // namespace
}  // namespace slipstream::rocketmq
