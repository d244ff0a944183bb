#include "connectors/rocketmq/check_sink.h"

#include "slipstream/rocketmq/admin.h"

#include "base/log.h"
#include "base/try.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::string_view kTopicOfAutoCreation = "TBW102";
constexpr std::int32_t kQueuesOfNewTopic = 8;

Error bad(const SinkPlan& plan, ErrorCode code, const std::string& text) {
  return Error{code,
               "table '" + plan.settings.table + "': topic '" + plan.settings.topic + "' " + text};
}

// Brokers 4.x have no such policy.
Result<bool> is_compacted(rocketmq::Admin& admin, const std::string& topic) {
  TRY_ASSIGN(const auto attributes, admin.topic_attributes(topic));
  for (const auto& [broker, of_broker] : attributes) {
    for (const rocketmq::Property& attribute : of_broker) {
      if (attribute.name == "cleanup.policy" && attribute.value == "COMPACTION") return true;
    }
  }
  return false;
}

Status check_cleanup_policy(rocketmq::Admin& admin, const SinkPlan& plan) {
  const bool once = plan.settings.guarantee == Guarantee::kExactlyOnce;
  const bool keys = plan.settings.format.key || plan.find(MetadataKey::kKeys) != nullptr;
  if (!once && keys) return {};
  const auto compacted = is_compacted(admin, plan.settings.topic);
  if (!compacted.ok()) return once ? compacted.status() : Status();  // only a check
  if (!*compacted) return {};
  if (once) {
    return bad(plan, ErrorCode::kUnsupported,
               "has cleanup.policy=COMPACTION: messages disappear, so exactly-once cannot look "
               "for them after a crash; "
               "write to a topic with cleanup.policy=DELETE, or use 'sink.delivery-guarantee' = "
               "'at-least-once'");
  }
  return bad(plan, ErrorCode::kUnsupported,
             "has cleanup.policy=COMPACTION: brokers lose messages without a key there, and this "
             "table writes none; declare a PRIMARY KEY with 'changelog.mode' = 'upsert', or "
             "'key.format' and 'key.fields'");
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

Status create_missing_topic(rocketmq::Client& client, const std::string& table,
                            const std::string& topic) {
  rocketmq::Admin admin(client);
  const auto model = admin.describe_topic(kTopicOfAutoCreation);
  if (!model.ok() && model.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kNotFound,
                 "table '" + table + "': topic '" + topic +
                     "' does not exist and the cluster does not create topics by itself"};
  }
  if (!model.ok()) return model.status().with_context("table '" + table + "'");
  rocketmq::TopicSpec spec;
  spec.topic = topic;
  spec.read_queues = kQueuesOfNewTopic;
  spec.write_queues = kQueuesOfNewTopic;
  const Status created = admin.create_topic(spec);
  // Another subtask, or another job, was faster.
  if (!created.ok() && created.error().code == ErrorCode::kAlreadyExists) return {};
  TRY(created.with_context("table '" + table + "'"));
  log(LogLevel::kInfo, "rocketmq",
      "created topic '" + topic + "' with " + std::to_string(kQueuesOfNewTopic) +
          " queues per broker");
  return {};
}

Error static_topic_error(const std::string& table, const std::string& topic) {
  return Error{ErrorCode::kUnsupported,
               "table '" + table + "': topic '" + topic +
                   "' is a static topic (logical queues), which cannot be written exactly once: "
                   "what was published while a queue moved to another broker is not found again; "
                   "set 'sink.delivery-guarantee' = 'at-least-once'"};
}

Status check_output_topic(rocketmq::Client& client, const SinkPlan& plan) {
  rocketmq::Admin admin(client);
  auto topic = admin.describe_topic(plan.settings.topic);
  if (!topic.ok() && topic.error().code == ErrorCode::kNotFound) {
    Status created = create_missing_topic(client, plan.settings.table, plan.settings.topic);
    if (!created.ok() && created.error().code == ErrorCode::kNotFound) {
      Error error = created.error();
      error.message += "; create it, or correct the option 'topic'";
      return error;
    }
    TRY(created);
    topic = admin.describe_topic(plan.settings.topic);
  }
  if (!topic.ok()) return topic.status().with_context("table '" + plan.settings.table + "'");
  if (topic->static_topic && plan.settings.guarantee == Guarantee::kExactlyOnce)
    return static_topic_error(plan.settings.table, plan.settings.topic);
  const std::vector<rocketmq::MessageQueue> queues = topic->writable_queues();
  if (queues.empty()) {
    return bad(plan, ErrorCode::kPermissionDenied,
               "has no writable queue: no broker of it has a master now, or its permission "
               "does not include write");
  }
  TRY(check_cleanup_policy(admin, plan));
  if (plan.settings.guarantee != Guarantee::kExactlyOnce) return {};
  return try_scan(admin, plan, queues)
      .with_context("checking that the output can be looked through");
}

}  // namespace slipstream::rocketmq_connector
