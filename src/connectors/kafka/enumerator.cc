#include "connectors/kafka/enumerator.h"

#include <utility>

#include "base/log.h"
#include "base/try.h"

namespace slipstream::kafka_connector {

Result<std::unique_ptr<SplitEnumerator>> PartitionEnumerator::make(
    std::shared_ptr<const SourceSettings> settings, std::shared_ptr<const Client> client,
    const EnumeratorContext& context) {
  std::unique_ptr<PartitionEnumerator> made(
      new PartitionEnumerator(std::move(settings), std::move(client)));
  // A checkpoint from before the first discovery has no state of it.
  made->fresh_ = !context.has_restored || context.restored.empty();
  if (!made->fresh_) {
    TRY_ASSIGN(made->known_, decode_known_splits(context.restored));
  }
  made->done_ = made->bounded() && !made->fresh_;
  return std::unique_ptr<SplitEnumerator>(std::move(made));
}

std::chrono::milliseconds PartitionEnumerator::discovery_interval() const {
  return std::chrono::milliseconds(bounded() ? 0 : settings_->discovery_ms);
}

Result<SplitEnumerator::Discovery> PartitionEnumerator::discover() {
  Discovery found;
  found.complete = bounded() || settings_->discovery_ms == 0;
  if (done_) return found;
  TRY_ASSIGN(const std::vector<Partition> all, find_partitions());
  std::vector<Partition> added;
  std::set<std::string> known = known_;
  for (const Partition& each : all) {
    if (known.insert(each.to_string()).second) added.push_back(each);
  }
  if (fresh_) TRY(check_named(all));
  PartitionOffsets begin;
  PartitionOffsets end;
  if (fresh_) {
    TRY_ASSIGN(begin, starts(added));
    TRY_ASSIGN(end, ends(added));
  }
  for (const Partition& each : added) {
    PartitionPosition position{each, kEarliestOffset, kNoEnd};
    if (const auto at = begin.find(each); at != begin.end()) position.next = at->second;
    if (const auto at = end.find(each); at != end.end()) position.end = at->second;
    if (!fresh_) {
      log(LogLevel::kInfo, "kafka",
          "table '" + settings_->table + "': new partition " + each.to_string() +
              ": read from its first message");
    }
    found.added.push_back(encode_split(position));
  }
  known_ = std::move(known);
  fresh_ = false;
  done_ = found.complete;
  return found;
}

Result<std::vector<Partition>> PartitionEnumerator::find_partitions() {
  if (settings_->topics.is_pattern()) return find_matching();
  std::vector<Partition> all;
  for (const std::string& topic : settings_->topics.names()) {
    auto count = client_->partitions_of(topic);
    if (!count.ok()) {
      Error error = count.error();
      if (error.code != ErrorCode::kNotFound) return error;
      error.message = "table '" + settings_->table + "': topic '" + topic +
                      "' does not exist at '" + settings_->servers +
                      "'; create it or correct the option 'topic'";
      error.retryable = !fresh_;  // a topic that was there before may come back
      return error;
    }
    for (std::int32_t id = 0; id < *count; ++id) all.push_back({topic, id});
  }
  return all;
}

Result<std::vector<Partition>> PartitionEnumerator::find_matching() {
  TRY_ASSIGN(const auto topics, client_->all_topics());
  std::vector<Partition> all;
  std::size_t selected = 0;
  for (const auto& [topic, count] : topics) {
    TRY_ASSIGN(const bool wanted, settings_->topics.selects(topic));
    if (!wanted) continue;
    ++selected;
    for (std::int32_t id = 0; id < count; ++id) all.push_back({topic, id});
  }
  const std::string table = "table '" + settings_->table + "'";
  if (selected > kTopicsMax) {
    return Error{ErrorCode::kResourceExhausted, table + ": there are " + std::to_string(selected) +
                                                    " " + settings_->topics.text() +
                                                    ", and at most " + std::to_string(kTopicsMax) +
                                                    " are read"};
  }
  if (!all.empty() || !fresh_) return all;
  const std::string none = table + ": there are no " + settings_->topics.text();
  if (bounded() || settings_->discovery_ms == 0) {
    return Error{ErrorCode::kNotFound,
                 none + "; correct the option 'topic-pattern' or create a topic"};
  }
  log(LogLevel::kWarn, "kafka", none + " yet; they are read from their first message");
  return all;
}

Status PartitionEnumerator::check_named(std::span<const Partition> partitions) const {
  const std::set<Partition> there(partitions.begin(), partitions.end());
  for (const PartitionOffsets* named : {&settings_->start_offsets, &settings_->bound_offsets}) {
    for (const auto& [partition, offset] : *named) {
      if (there.contains(partition)) continue;
      return Error{ErrorCode::kInvalidArgument,
                   "table '" + settings_->table + "': topic '" + partition.topic +
                       "' has no partition " + std::to_string(partition.id) +
                       " as named in the specific offsets; it has 0 to " +
                       std::to_string(partitions.size() - 1)};
    }
  }
  if (settings_->bound != BoundMode::kSpecificOffsets) return {};
  for (const Partition& each : partitions) {
    if (settings_->bound_offsets.contains(each)) continue;
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + settings_->table +
                     "': 'scan.bounded.specific-offsets' names no end of "
                     "partition " +
                     std::to_string(each.id) + ", which would never end; give each partition one"};
  }
  return {};
}

Result<PartitionOffsets> PartitionEnumerator::at_time(std::span<const Partition> partitions,
                                                      std::int64_t time_ms) const {
  TRY_ASSIGN(PartitionOffsets offsets, client_->offsets_at(partitions, time_ms));
  std::vector<Partition> none;
  for (const auto& [partition, offset] : offsets) {
    if (offset < 0) none.push_back(partition);
  }
  TRY_ASSIGN(const PartitionOffsets latest, client_->offsets_at(none, kLatestOffset));
  for (const auto& [partition, offset] : latest) offsets[partition] = offset;
  return offsets;
}

Result<PartitionOffsets> PartitionEnumerator::group_starts(std::span<const Partition> partitions,
                                                           GroupReset reset) const {
  TRY_ASSIGN(PartitionOffsets offsets, client_->group_offsets(partitions));
  std::vector<Partition> without;
  for (const Partition& each : partitions) {
    if (!offsets.contains(each)) without.push_back(each);
  }
  if (without.empty() || reset == GroupReset::kEarliest) return offsets;
  if (reset == GroupReset::kNone) {
    return Error{ErrorCode::kNotFound,
                 "table '" + settings_->table + "': group '" + settings_->group +
                     "' has no offset for partition " + without.front().to_string() +
                     "; say with 'properties.auto.offset.reset' = 'earliest' or 'latest' where to "
                     "begin, or choose another 'scan.startup.mode'"};
  }
  TRY_ASSIGN(const PartitionOffsets latest, client_->offsets_at(without, kLatestOffset));
  for (const auto& [partition, offset] : latest) offsets[partition] = offset;
  return offsets;
}

Result<PartitionOffsets> PartitionEnumerator::starts(std::span<const Partition> partitions) const {
  switch (settings_->start) {
    case StartMode::kEarliest:
      return PartitionOffsets();
    case StartMode::kLatest:
      return client_->offsets_at(partitions, kLatestOffset);
    case StartMode::kTimestamp:
      return at_time(partitions, settings_->start_ms);
    case StartMode::kGroupOffsets:
      return group_starts(partitions, settings_->reset);
    case StartMode::kSpecificOffsets:
      break;
  }
  PartitionOffsets offsets;
  if (!settings_->group.empty()) {
    TRY_ASSIGN(offsets, group_starts(partitions, GroupReset::kEarliest));
  }
  for (const auto& [partition, offset] : settings_->start_offsets) offsets[partition] = offset;
  return offsets;
}

Result<PartitionOffsets> PartitionEnumerator::ends(std::span<const Partition> partitions) const {
  switch (settings_->bound) {
    case BoundMode::kUnbounded:
      return PartitionOffsets();
    case BoundMode::kLatest:
      return client_->offsets_at(partitions, kLatestOffset);
    case BoundMode::kTimestamp:
      return at_time(partitions, settings_->bound_ms);
    case BoundMode::kGroupOffsets:
      return group_starts(partitions, GroupReset::kNone);
    case BoundMode::kSpecificOffsets:
      break;
  }
  return settings_->bound_offsets;
}

}  // namespace slipstream::kafka_connector
