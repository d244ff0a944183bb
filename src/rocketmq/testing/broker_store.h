// What the scripted broker keeps: topics, stored records, group offsets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/rocketmq/message.h"

#include "rocketmq/message/record.h"

namespace slipstream::rocketmq::testing {

struct StoredRecord {
  std::string bytes;  // of the messages of a batch record the first one has them
  std::int64_t tag_hash = 0;
  std::int64_t store_ms = 0;
  std::string unique_key;
  std::int64_t physical_offset = 0;
  std::int64_t batch_index = 0;  // in the record that holds it ...
  std::int64_t batch_count = 1;  // ... with so many messages
};

struct StoredQueue {
  std::int64_t min_offset = 0;
  std::deque<StoredRecord> records;
  std::int64_t max_offset() const { return min_offset + static_cast<std::int64_t>(records.size()); }
  const StoredRecord& at(std::int64_t offset) const {
    return records[static_cast<std::size_t>(offset - min_offset)];
  }
};

struct NewMessage {
  std::string_view body;
  std::string_view properties;
  std::int32_t flag = 0;
  std::int32_t sys_flag = 0;
  std::int64_t born_ms = 0;
  std::int64_t store_ms = 0;
  std::int32_t reconsume_times = 0;
  std::int64_t batch_count = 1;  // messages in the body of a batch record
};

struct ReadLimits {
  std::int64_t records_max = 0;
  std::size_t bytes_max = 0;               // the first record always fits
  std::vector<std::int64_t> tag_hashes{};  // empty: all
};

// Thread: one.
class BrokerStore {
 public:
  std::map<std::string, std::int32_t> topics;  // queues per broker
  std::map<std::string, std::int32_t> ports;   // that records name, by broker; else 10911
  std::map<MessageQueue, StoredQueue> queues;
  std::map<std::pair<std::string, MessageQueue>, std::int64_t> group_offsets;

  std::int64_t append(const MessageQueue& queue, const NewMessage& message);
  // A record that comes again: one delivery more.
  std::int64_t append_again(const MessageQueue& queue, const RecordView& record,
                            std::string_view properties, std::int64_t store_ms);
  void damage_body(const MessageQueue& queue, std::int64_t offset);
  StoredQueue* find(const MessageQueue& queue);
  // The bytes of the record that begins there; null when there is none.
  const StoredRecord* at(std::int64_t physical_offset) const;
  void create_topic(const std::string& topic, std::int32_t count,
                    const std::vector<std::string>& brokers);
  std::int64_t last_physical_offset() const { return last_physical_; }
  // The log and how far queues follow it: consumers and max offsets see what was dispatched.
  std::int64_t log_end() const { return next_physical_; }
  std::int64_t dispatched() const { return dispatched_; }
  void dispatch(std::int64_t log_end) { dispatched_ = std::max(dispatched_, log_end); }
  std::int64_t visible_end(const StoredQueue& queue) const;
  // Appends records from `offset` on to `body`, a batch record whole; where the next read begins.
  std::int64_t read(const StoredQueue& queue, std::int64_t offset, const ReadLimits& limits,
                    std::string& body) const;

 private:
  std::int64_t next_physical_ = 0;
  std::int64_t last_physical_ = 0;
  std::int64_t dispatched_ = 0;
};

}  // namespace slipstream::rocketmq::testing
