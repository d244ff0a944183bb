#include "connectors/rocketmq/enumerator.h"

#include "base/log.h"
#include "base/try.h"
#include "connectors/rocketmq/shared_client.h"
#include "rocketmq/message/record.h"

namespace slipstream::rocketmq_connector {

using rocketmq::MessageQueue;

namespace {
constexpr std::int64_t kDispatchWaitMs = 10'000;
}  // namespace

QueueEnumerator::QueueEnumerator(std::shared_ptr<const SourceSettings> settings,
                                 std::shared_ptr<rocketmq::Client> client)
    : settings_(std::move(settings)), client_(std::move(client)), admin_(*client_) {}

Result<std::unique_ptr<SplitEnumerator>> QueueEnumerator::make(
    std::shared_ptr<const SourceSettings> settings, const EnumeratorContext& context) {
  TRY_ASSIGN(auto client, shared_client(settings->client));
  std::unique_ptr<QueueEnumerator> made(
      new QueueEnumerator(std::move(settings), std::move(client)));
  if (context.has_restored) {
    made->fresh_ = false;
    // A checkpoint from before the first discovery has no state of it.
    made->fresh_ = context.restored.empty();
    if (!made->fresh_) {
      TRY_ASSIGN(made->known_, decode_known_splits(context.restored));
    }
    made->done_ = made->bounded() && !made->fresh_;
  }
  return std::unique_ptr<SplitEnumerator>(std::move(made));
}

std::chrono::milliseconds QueueEnumerator::discovery_interval() const {
  return std::chrono::milliseconds(bounded() ? 0 : settings_->discovery_ms);
}

Result<SplitEnumerator::Discovery> QueueEnumerator::discover() {
  Discovery found;
  found.complete = bounded() || settings_->discovery_ms == 0;
  if (done_) return found;
  TRY_ASSIGN(const Topics topics, find_topics());
  if (fresh_) {
    TRY(check_named_queues(topics));
    await_dispatch(topics);
  }
  std::set<std::string> known = known_;
  for (const rocketmq::TopicDescription& topic : topics) {
    for (const MessageQueue& queue : topic.readable_queues()) {
      if (!known.insert(queue.to_string()).second) continue;
      QueuePosition position;
      position.queue = queue;
      if (fresh_) {
        TRY_ASSIGN(position, first_position(queue));
      } else {
        log(LogLevel::kInfo, "rocketmq",
            "new queue " + queue.to_string() + ": read from its first message");
      }
      found.added.push_back(encode_split(position));
    }
  }
  known_ = std::move(known);
  fresh_ = false;
  done_ = found.complete;
  return found;
}

Result<QueueEnumerator::Topics> QueueEnumerator::find_topics() {
  TRY_ASSIGN(const std::vector<std::string> names, topic_names());
  Topics topics;
  std::optional<Error> failed;
  for (const std::string& name : names) {
    auto topic = describe(name);
    if (!topic.ok()) {
      if (!may_pass_over(topic.error())) return topic.error();
      if (topic.error().retryable) failed = topic.error();
      pass_over(name, topic.error().message);
    } else {
      passed_over_.erase(name);
      topics.push_back(std::move(*topic));
    }
  }
  if (topics.empty() && failed) return *failed;
  return topics;
}

Result<std::vector<std::string>> QueueEnumerator::topic_names() {
  const TopicSelection& selection = settings_->topics;
  if (!selection.is_pattern()) return selection.names();
  const std::string table = "table '" + settings_->table + "'";
  // What a broker that is still starting holds is not new afterwards.
  if (fresh_) TRY(admin_.wait_for_brokers().with_context(table));
  auto all = admin_.list_topics();
  if (!all.ok()) return all.error().with_context(table + ": looking for " + selection.text());
  std::vector<std::string> names;
  for (std::string& name : *all) {
    TRY_ASSIGN(const bool selected, selection.selects(name));
    if (selected) names.push_back(std::move(name));
  }
  if (names.size() > kTopicsMax) {
    return Error{ErrorCode::kResourceExhausted,
                 table + ": there are " + std::to_string(names.size()) + " " + selection.text() +
                     ", and at most " + std::to_string(kTopicsMax) + " are read"};
  }
  if (!names.empty() || !fresh_) return names;
  const std::string none = table + ": there are no " + selection.text();
  if (bounded() || settings_->discovery_ms == 0) {
    return Error{ErrorCode::kNotFound,
                 none + "; correct the option 'topic-pattern' or create a topic"};
  }
  log(LogLevel::kWarn, "rocketmq", none + " yet; they are read from their first message");
  return names;
}

Result<rocketmq::TopicDescription> QueueEnumerator::describe(const std::string& topic) {
  const std::string table = "table '" + settings_->table + "'";
  auto description = admin_.describe_topic(topic);
  if (!description.ok()) {
    Error error = description.error().with_context(table);
    if (error.code == ErrorCode::kNotFound) {
      error.message = table + ": topic '" + topic + "' does not exist; create it" +
                      (settings_->topics.is_pattern() ? "" : " or correct the option 'topic'");
      // A topic that was there before comes back with its brokers.
      error.retryable = !known_.empty();
    }
    return error;
  }
  if (!settings_->sql.empty() && !filter_checked_.contains(topic)) {
    TRY(admin_.check_filter(topic, settings_->group, settings_->sql)
            .with_context(table + ": option 'scan.filter.sql'"));
    filter_checked_.insert(topic);
  }
  if (fresh_ && !settings_->topics.is_pattern() && description->readable_queues().empty()) {
    return Error::retry(ErrorCode::kUnavailable,
                        table + ": topic '" + topic +
                            "' has no readable queue now; its permission must include read");
  }
  return description;
}

// Of several topics: what became of one must not keep new queues of the others from being found.
bool QueueEnumerator::may_pass_over(const Error& error) const {
  if (!settings_->topics.several()) return false;
  const bool gone = error.code == ErrorCode::kNotFound;
  return fresh_ ? gone && settings_->topics.is_pattern() : gone || error.retryable;
}

void QueueEnumerator::pass_over(const std::string& topic, const std::string& why) {
  if (!passed_over_.insert(topic).second) return;
  log(LogLevel::kWarn, "rocketmq", why + "; it is passed over until that changes");
}

std::vector<MessageQueue> QueueEnumerator::queues_of(const Topics& topics,
                                                     const std::string& name) {
  for (const rocketmq::TopicDescription& topic : topics) {
    if (topic.topic == name) return topic.readable_queues();
  }
  return {};
}

Status QueueEnumerator::check_named_queues(const Topics& topics) const {
  for (const QueueOffsets* offsets : {&settings_->start_offsets, &settings_->bound_offsets}) {
    for (const auto& [named, offset] : *offsets) {
      const std::vector<MessageQueue> there = queues_of(topics, named.topic);
      if (std::find(there.begin(), there.end(), named) != there.end()) continue;
      std::string all;
      for (const MessageQueue& queue : there)
        all += (all.empty() ? "" : ", ") + queue.broker + ":" + std::to_string(queue.id);
      return Error{ErrorCode::kInvalidArgument,
                   "table '" + settings_->table + "': topic '" + named.topic + "' has no queue " +
                       named.broker + ":" + std::to_string(named.id) +
                       " as named in the specific offsets; it has " + (all.empty() ? "none" : all)};
    }
  }
  return {};
}

void QueueEnumerator::await_dispatch(const Topics& topics) {
  const bool wanted = bounded() || settings_->start == StartMode::kLatest ||
                      settings_->start == StartMode::kTimestamp;
  if (!wanted) return;
  for (const rocketmq::TopicDescription& topic : topics) {
    const Status reached = admin_.await_dispatch(topic.topic, kDispatchWaitMs);
    if (reached.ok()) continue;
    log(LogLevel::kWarn, "rocketmq",
        "table '" + settings_->table +
            "': messages that were acknowledged just before the start may be taken for later "
            "ones: " +
            reached.error().message);
    return;
  }
}

Result<QueuePosition> QueueEnumerator::first_position(const MessageQueue& queue) {
  QueuePosition position;
  position.queue = queue;
  const std::string place =
      "table '" + settings_->table + "': finding where to begin in " + queue.to_string();
  auto start = start_of(queue);
  if (!start.ok()) return start.error().with_context(place);
  position.next = *start;
  auto end = end_of(queue);
  if (!end.ok()) return end.error().with_context(place);
  position.end = *end;
  // Where nothing is read nobody would see that the offset is wrong.
  if (position.end == kNoEnd || position.next < position.end) return position;
  start = start_within(queue, position.next);
  if (!start.ok()) return start.error().with_context(place);
  position.next = *start;
  return position;
}

Result<std::int64_t> QueueEnumerator::start_within(const MessageQueue& queue, std::int64_t start) {
  TRY_ASSIGN(const std::int64_t end, admin_.max_offset(queue));
  if (start <= end) return start;
  TRY_ASSIGN(const std::int64_t begin, admin_.min_offset(queue));
  const std::string bounds = "offset " + std::to_string(start) + " is outside [" +
                             std::to_string(begin) + ", " + std::to_string(end) + "]";
  if (settings_->out_of_range == rocketmq::OffsetOutOfRange::kFail) {
    return Error{ErrorCode::kOutOfRange,
                 bounds +
                     ": the queue lost its end or was made anew, or the offset is of another "
                     "queue. Choose what to do with the option scan.offset-out-of-range (earliest, "
                     "latest, nearest)"};
  }
  const std::int64_t target =
      settings_->out_of_range == rocketmq::OffsetOutOfRange::kEarliest ? begin : end;
  log(LogLevel::kWarn, "rocketmq",
      queue.to_string() + ": " + bounds + "; going on at " + std::to_string(target));
  return target;
}

Result<std::int64_t> QueueEnumerator::start_of(const MessageQueue& queue) {
  switch (settings_->start) {
    case StartMode::kEarliest:
      return kFirstOffset;
    case StartMode::kLatest:
      return admin_.max_offset(queue);
    case StartMode::kTimestamp:
      return offset_at(queue, settings_->start_ms);
    case StartMode::kOneOffset:
      return settings_->start_offset;
    case StartMode::kSpecificOffsets: {
      const auto named = settings_->start_offsets.find(queue);
      if (named != settings_->start_offsets.end()) return named->second;
      return group_offset(queue);
    }
    case StartMode::kGroupOffsets:
      break;
  }
  return group_offset(queue);
}

Result<std::int64_t> QueueEnumerator::group_offset(const MessageQueue& queue) {
  TRY_ASSIGN(const std::optional<std::int64_t> committed,
             admin_.group_offset(settings_->group, queue));
  if (committed) return *committed;
  if (settings_->reset_to_earliest) return kFirstOffset;
  return admin_.max_offset(queue);
}

Result<std::int64_t> QueueEnumerator::end_of(const MessageQueue& queue) {
  switch (settings_->bound) {
    case BoundMode::kUnbounded:
      return kNoEnd;
    case BoundMode::kLatest:
      return admin_.max_offset(queue);
    case BoundMode::kTimestamp:
      return offset_at(queue, settings_->bound_ms);
    case BoundMode::kSpecificOffsets:
      break;
  }
  TRY_ASSIGN(const std::int64_t max_offset, admin_.max_offset(queue));
  const auto named = settings_->bound_offsets.find(queue);
  if (named == settings_->bound_offsets.end()) return max_offset;
  if (named->second > max_offset) {
    log(LogLevel::kWarn, "rocketmq",
        "table '" + settings_->table + "': queue " + queue.to_string() + " ends at offset " +
            std::to_string(max_offset) + " now, before the end " + std::to_string(named->second) +
            " that 'scan.bounded.specific-offsets' names: the read waits until it has so many "
            "messages");
  }
  return named->second;
}

Result<std::int64_t> QueueEnumerator::offset_at(const MessageQueue& queue, std::int64_t ms) {
  TRY_ASSIGN(const std::int64_t offset, admin_.offset_at(queue, ms));
  TRY_ASSIGN(const std::int64_t max_offset, admin_.max_offset(queue));
  if (offset != max_offset - 1) return offset;
  TRY_ASSIGN(const rocketmq::PulledFrame frame,
             admin_.pull_once(settings_->group, queue, offset, 1));
  rocketmq::RecordCursor cursor(frame.records, {});
  rocketmq::RecordView record;
  const bool early = cursor.next(record) && record.queue_offset == offset && record.store_ms < ms;
  return early ? max_offset : offset;
}

}  // namespace slipstream::rocketmq_connector
