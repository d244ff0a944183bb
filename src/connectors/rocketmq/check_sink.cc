#include "connectors/rocketmq/check_sink.h"

#include "slipstream/rocketmq/admin.h"

#include "base/log.h"
#include "base/try.h"
#include "connectors/rocketmq/shared_client.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::string_view kTopicOfAutoCreation = "TBW102";
constexpr std::int32_t kQueuesOfNewTopic = 8;

Error bad(const SinkPlan& plan, ErrorCode code, const std::string& text) {
  return Error{code,
               "table '" + plan.settings.table + "': topic '" + plan.settings.topic + "' " + text};
}

Status create_topic(rocketmq::Client& client, rocketmq::Admin& admin, const SinkPlan& plan) {
  const auto model = admin.describe_topic(kTopicOfAutoCreation);
  if (!model.ok()) {
    TRY(check_brokers_are_there(client, plan.settings.table));
    return bad(plan, ErrorCode::kNotFound,
               "does not exist and the cluster does not create topics by itself; create it, or "
               "correct the option 'topic'");
  }
  rocketmq::TopicSpec spec;
  spec.topic = plan.settings.topic;
  spec.read_queues = kQueuesOfNewTopic;
  spec.write_queues = kQueuesOfNewTopic;
  TRY(admin.create_topic(spec).with_context("table '" + plan.settings.table + "'"));
  log(LogLevel::kInfo, "rocketmq",
      "created topic '" + spec.topic + "' with " + std::to_string(kQueuesOfNewTopic) +
          " queues per broker");
  return {};
}

// Brokers 4.x do not know the request, and have no such policy.
Status check_cleanup_policy(rocketmq::Client& client, const SinkPlan& plan,
                            const rocketmq::TopicDescription& topic) {
  for (const rocketmq::TopicDescription::Broker& broker : topic.brokers) {
    if (broker.master.empty()) continue;
    const auto answer =
        client.core().wait_call(broker.master, rocketmq::encode_topic_config(topic.topic));
    if (!answer.ok() || answer->header.code != 0) continue;
    const auto config = rocketmq::parse_topic_config(answer->body());
    if (!config.ok()) continue;
    for (const rocketmq::Property& attribute : config->attributes) {
      if (attribute.name != "cleanup.policy" || attribute.value != "COMPACTION") continue;
      return bad(plan, ErrorCode::kUnsupported,
                 "has cleanup.policy=COMPACTION: messages disappear, so exactly-once cannot look "
                 "for them after a crash; "
                 "write to a topic with cleanup.policy=DELETE, or use 'sink.delivery-guarantee' = "
                 "'at-least-once'");
    }
  }
  return {};
}

Status try_scan(rocketmq::Admin& admin, const SinkPlan& plan,
                const std::vector<rocketmq::MessageQueue>& queues) {
  for (const rocketmq::MessageQueue& queue : queues) {
    TRY_ASSIGN(const std::int64_t end, admin.max_offset(queue));
    const auto trial = admin.pull_once(plan.settings.scan_group, queue, end, 1);
    if (trial.ok() || trial.error().retryable || trial.error().code == ErrorCode::kOutOfRange)
      continue;
    return bad(plan, trial.error().code,
               "cannot be read by group '" + plan.settings.scan_group +
                   "', which exactly-once needs after a crash: " + trial.error().message +
                   "; allow the group to read it, or name another one with 'sink.scan-group'");
  }
  return {};
}

}  // namespace

Status check_output_topic(rocketmq::Client& client, const SinkPlan& plan) {
  rocketmq::Admin admin(client);
  auto topic = admin.describe_topic(plan.settings.topic);
  if (!topic.ok() && topic.error().code == ErrorCode::kNotFound) {
    TRY(create_topic(client, admin, plan));
    topic = admin.describe_topic(plan.settings.topic);
  }
  if (!topic.ok()) return topic.status().with_context("table '" + plan.settings.table + "'");
  if (topic->static_topic) {
    return bad(plan, ErrorCode::kUnsupported,
               "is a static topic (logical queues); only ordinary topics can be written");
  }
  const std::vector<rocketmq::MessageQueue> queues = topic->writable_queues();
  if (queues.empty()) {
    return bad(plan, ErrorCode::kPermissionDenied,
               "has no writable queue: no broker of it has a master now, or its permission "
               "does not include write");
  }
  if (plan.settings.guarantee != Guarantee::kExactlyOnce) return {};
  TRY(check_cleanup_policy(client, plan, *topic));
  return try_scan(admin, plan, queues)
      .with_context("checking that the output can be looked through");
}

}  // namespace slipstream::rocketmq_connector
