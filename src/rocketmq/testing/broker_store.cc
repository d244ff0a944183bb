#include "rocketmq/testing/broker_store.h"

#include "base/bytes.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq::testing {
namespace {

constexpr std::uint32_t kMagic = 0xDAA320A7U;
constexpr std::uint32_t kLoopback = 0x7F000001U;
constexpr std::int32_t kPort = 10911;

struct Location {
  const MessageQueue& queue;
  std::int64_t queue_offset = 0;
  std::int64_t physical_offset = 0;
  std::int32_t port = kPort;
};

std::string encode_record(const Location& place, const NewMessage& message) {
  std::string out;
  ByteWriter writer(out);
  writer.u32(0);
  writer.u32(kMagic);
  writer.u32(body_crc(as_bytes(message.body)));
  writer.i32(place.queue.id);
  writer.i32(message.flag);
  writer.i64(place.queue_offset);
  writer.i64(place.physical_offset);
  writer.i32(message.sys_flag);
  writer.i64(message.born_ms);
  writer.u32(kLoopback);
  writer.i32(40'000);
  writer.i64(message.store_ms);
  writer.u32(kLoopback);
  writer.i32(place.port);
  writer.i32(message.reconsume_times);
  writer.i64(0);
  writer.u32(static_cast<std::uint32_t>(message.body.size()));
  writer.text(message.body);
  writer.u8(static_cast<std::uint8_t>(place.queue.topic.size()));
  writer.text(place.queue.topic);
  writer.u16(static_cast<std::uint16_t>(message.properties.size()));
  writer.text(message.properties);
  writer.patch_u32(0, static_cast<std::uint32_t>(out.size()));
  return out;
}

}  // namespace

std::int64_t BrokerStore::append(const MessageQueue& queue, const NewMessage& message) {
  StoredQueue& stored = queues[queue];
  const std::int64_t offset = stored.max_offset();
  StoredRecord record;
  const auto port = ports.find(queue.broker);
  record.bytes = encode_record(
      {queue, offset, next_physical_, port == ports.end() ? kPort : port->second}, message);
  record.tag_hash =
      tag_hash(find_property(message.properties, property::kTags).value_or(std::string_view()));
  record.unique_key =
      find_property(message.properties, property::kUniqueKey).value_or(std::string_view());
  record.store_ms = message.store_ms;
  record.physical_offset = next_physical_;
  record.batch_count = message.batch_count;
  last_physical_ = next_physical_;
  next_physical_ += static_cast<std::int64_t>(record.bytes.size());
  StoredRecord within = record;
  within.bytes.clear();
  stored.records.push_back(std::move(record));
  while (++within.batch_index < within.batch_count) stored.records.push_back(within);
  return offset;
}

std::int64_t BrokerStore::append_again(const MessageQueue& queue, const RecordView& record,
                                       std::string_view properties, std::int64_t store_ms) {
  return append(queue, {.body = as_text(record.body),
                        .properties = properties,
                        .flag = record.flag,
                        .sys_flag = record.sys_flags,
                        .born_ms = record.born_ms,
                        .store_ms = store_ms,
                        .reconsume_times = record.reconsume_times + 1});
}

std::int64_t BrokerStore::visible_end(const StoredQueue& queue) const {
  std::int64_t end = queue.max_offset();
  while (end > queue.min_offset && queue.at(end - 1).physical_offset >= dispatched_) --end;
  return end;
}

std::int64_t BrokerStore::read(const StoredQueue& queue, std::int64_t offset,
                               const ReadLimits& limits, std::string& body) const {
  const std::int64_t end = visible_end(queue);
  std::int64_t records = 0;
  while (records < limits.records_max && offset < end) {
    const std::int64_t begin = offset - queue.at(offset).batch_index;
    const StoredRecord& record = queue.at(begin);
    const auto& wanted = limits.tag_hashes;
    if (wanted.empty() ||
        std::find(wanted.begin(), wanted.end(), record.tag_hash) != wanted.end()) {
      if (!body.empty() && body.size() + record.bytes.size() > limits.bytes_max) break;
      body += record.bytes;
      ++records;
    }
    offset = begin + record.batch_count;
  }
  return offset;
}

void BrokerStore::damage_body(const MessageQueue& queue, std::int64_t offset) {
  StoredQueue& stored = queues.at(queue);
  std::string& bytes = stored.records[static_cast<std::size_t>(offset - stored.min_offset)].bytes;
  const std::span<const std::uint8_t> record = as_bytes(bytes);
  const std::span<const std::uint8_t> body = decode_record(record)->body;
  bytes[static_cast<std::size_t>(body.data() - record.data())] ^= 1;
}

StoredQueue* BrokerStore::find(const MessageQueue& queue) {
  const auto found = queues.find(queue);
  return found == queues.end() ? nullptr : &found->second;
}

const StoredRecord* BrokerStore::at(std::int64_t physical_offset) const {
  for (const auto& [name, queue] : queues) {
    for (const StoredRecord& record : queue.records) {
      if (record.physical_offset == physical_offset) return &record;
    }
  }
  return nullptr;
}

void BrokerStore::create_topic(const std::string& topic, std::int32_t count,
                               const std::vector<std::string>& brokers) {
  topics[topic] = count;
  for (const std::string& broker : brokers) {
    for (std::int32_t id = 0; id < count; ++id) queues.try_emplace(MessageQueue{topic, broker, id});
  }
}

}  // namespace slipstream::rocketmq::testing
