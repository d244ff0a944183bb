#include "connectors/rocketmq/topic_queues.h"

#include <random>

#include "slipstream/rocketmq/admin.h"

#include "base/try.h"
#include "connectors/rocketmq/check_sink.h"

namespace slipstream::rocketmq_connector {
namespace {
constexpr std::int64_t kAgeMaxMs = 10'000;
constexpr std::size_t kTopicsMax = 10'000;
}  // namespace

Status TopicQueues::create_for_rows(std::string_view name) {
  const Status created = create_missing_topic(client_, settings_.table, std::string(name));
  if (created.ok() || created.error().code != ErrorCode::kNotFound) return created;
  return Error{ErrorCode::kDataError,
               created.error().message +
                   "; a row names it in its column for the topic: create it, or correct the query"};
}

Status TopicQueues::refuse_static_topic(std::string_view name) {
  TRY_ASSIGN(const auto topic, rocketmq::Admin(client_).describe_topic(name));
  if (topic.static_topic) return static_topic_error(settings_.table, topic.topic);
  return {};
}

Result<TopicQueues::Topic*> TopicQueues::find(std::string_view name) {
  const auto known = topics_.find(name);
  if (known != topics_.end() && (fixed_ || now_ms_ - known->second.asked_ms < kAgeMaxMs))
    return &known->second;
  auto queues = producer_.queues(name);
  if (known != topics_.end()) {
    known->second.asked_ms = now_ms_;
    // What is not writable for a while keeps its place: sends to it wait.
    if (queues.ok() && !queues->empty()) known->second.queues = std::move(*queues);
    return &known->second;
  }
  const bool missing = !queues.ok() && queues.error().code == ErrorCode::kNotFound;
  if (missing && name != settings_.topic) {
    TRY(create_for_rows(name));
    queues = producer_.queues(name);
  }
  if (!queues.ok())
    return queues.error().with_context("finding the queues of topic '" + std::string(name) + "'");
  if (queues->empty()) {
    return Error::retry(ErrorCode::kPermissionDenied,
                        "topic '" + std::string(name) +
                            "' has no writable queue; its permission must include write");
  }
  if (settings_.guarantee == Guarantee::kExactlyOnce) TRY(refuse_static_topic(name));
  if (topics_.size() >= kTopicsMax) {
    return Error{ErrorCode::kResourceExhausted,
                 "rows name more than " + std::to_string(kTopicsMax) + " different topics"};
  }
  Topic topic;
  topic.queues = std::move(*queues);
  topic.turn = std::random_device{}();  // writers begin at different queues
  topic.asked_ms = now_ms_;
  return &topics_.emplace(std::string(name), std::move(topic)).first->second;
}

}  // namespace slipstream::rocketmq_connector
