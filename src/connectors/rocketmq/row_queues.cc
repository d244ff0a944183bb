#include "connectors/rocketmq/row_queues.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "slipstream/rocketmq/producer.h"

#include "base/try.h"
#include "data/hash.h"
#include "data/text/time_zone.h"
#include "data/text/value.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::MessageQueue;

// Of more queues than there are hashes of 32 bits: the remainder is the hash without its sign, and
// |hash| % n = |hash % n|.
constexpr std::size_t kAllHashes = std::size_t{1} << 32;

std::vector<std::uint64_t> java_hashes(const Column& column, std::size_t rows) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(rows);
  std::string text;
  for (std::size_t row = 0; row < rows; ++row) {
    text.clear();
    if (!column.is_null(row)) text::to_text(column, row, TimeZone(), text);
    hashes.push_back(rocketmq::Producer::queue_of_key(text, kAllHashes));
  }
  return hashes;
}

// "broker-a 0 to 3, broker-b 0 to 1"
std::string text_of(const std::vector<MessageQueue>& queues) {
  std::map<std::string, std::pair<std::int32_t, std::int32_t>> ids;
  for (const MessageQueue& queue : queues) {
    auto& [first, last] = ids.try_emplace(queue.broker, queue.id, queue.id).first->second;
    first = std::min(first, queue.id);
    last = std::max(last, queue.id);
  }
  std::string text;
  for (const auto& [broker, range] : ids) {
    text += (text.empty() ? "" : ", ") + broker + " " + std::to_string(range.first) + " to " +
            std::to_string(range.second);
  }
  return text;
}

}  // namespace

RowQueues::RowQueues(std::shared_ptr<const SinkPlan> plan)
    : plan_(std::move(plan)),
      queue_(plan_->find(MetadataKey::kQueueId)),
      broker_(plan_->find(MetadataKey::kBroker)),
      sharding_(plan_->find(MetadataKey::kShardingKey)) {}

void RowQueues::read(const Batch& batch) {
  batch_ = &batch;
  if (plan_->partition_column)
    hashes_ = java_hashes(*batch.column(*plan_->partition_column), batch.rows());
  else if (places_all() && !plan_->settings.format.upsert())
    hashes_ = hash_rows(batch, plan_->order_key);
}

Result<const MessageQueue*> RowQueues::find(const OutMessage& message,
                                            const TopicQueues::Topic& topic) const {
  const auto queue_of = [&](std::string_view key) {
    return &topic.queues[rocketmq::Producer::queue_of_key(key, topic.queues.size())];
  };
  const std::size_t row = message.row;
  if (queue_ != nullptr && !batch_->column(queue_->index)->is_null(row)) return named(row, topic);
  if (sharding_ != nullptr) {
    const Column& keys = *batch_->column(sharding_->index);
    if (keys.is_null(row) || keys.text(row).empty()) return nullptr;
    return queue_of(keys.text(row));
  }
  if (!hashes_.empty()) return &topic.queues[hashes_[row] % topic.queues.size()];
  return plan_->settings.format.upsert() ? queue_of(message.key) : nullptr;
}

Result<const MessageQueue*> RowQueues::named(std::size_t row,
                                             const TopicQueues::Topic& topic) const {
  const std::int64_t id = integer_of(*batch_->column(queue_->index), row);
  const Column* brokers = broker_ == nullptr ? nullptr : batch_->column(broker_->index).get();
  std::optional<std::string_view> broker;
  if (brokers != nullptr && !brokers->is_null(row)) broker = brokers->text(row);
  const MessageQueue* found = nullptr;
  for (const MessageQueue& queue : topic.queues) {
    if (queue.id != id || (broker && queue.broker != *broker)) continue;
    if (found != nullptr) {
      return refuse("queue " + std::to_string(id) + " of topic '" + queue.topic +
                    "' is there at several brokers: " + text_of(topic.queues) +
                    "; say which one in a column for metadata 'broker'");
    }
    found = &queue;
  }
  if (found != nullptr) return found;
  return refuse("topic '" + topic.queues[0].topic + "' has no queue " + std::to_string(id) +
                (broker ? " at broker '" + std::string(*broker) + "'" : "") + "; it has " +
                text_of(topic.queues) + "; write one of them, or NULL for any");
}

Error RowQueues::refuse(const std::string& text) const {
  return Error{ErrorCode::kDataError,
               "table '" + plan_->settings.table + "': column '" + queue_->name + "': " + text};
}

}  // namespace slipstream::rocketmq_connector
