#include "rocketmq/message/record.h"

#include <array>
#include <cstdio>
#include <limits>

#include <libdeflate.h>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq {

namespace {

constexpr std::uint32_t kMagicV1 = 0xDAA320A7;
constexpr std::uint32_t kMagicV2 = 0xDAA320AB;
constexpr std::int32_t kRecordBytesMin = 91;  // IPv4, v1, nothing of variable length
// Leaves room to count the messages of a batch record.
constexpr std::int64_t kQueueOffsetMax = std::numeric_limits<std::int64_t>::max() >> 1U;
// Of all inner batches of one answer.
constexpr std::size_t kUnpackedBytesMax = 256UL * 1024 * 1024;

Error corrupt(std::string text) { return Error{ErrorCode::kCorrupt, std::move(text)}; }

// False when no queue reaches the sum.
bool add_delta(RecordView& record, std::int64_t delta) {
  return !__builtin_add_overflow(record.queue_offset, delta, &record.queue_offset) &&
         record.queue_offset <= kQueueOffsetMax;
}

std::size_t length_of(std::int32_t value, ByteReader& reader) {
  if (value < 0) reader.fail();
  return value < 0 ? 0 : static_cast<std::size_t>(value);
}

}  // namespace

std::string HostView::to_string() const {
  std::string text;
  std::array<char, 8> part;
  if (ip.size() == 4) {
    for (const std::uint8_t byte : ip) {
      if (!text.empty()) text.push_back('.');
      text.append(std::to_string(byte));
    }
  } else {
    text.push_back('[');
    for (std::size_t i = 0; i + 1 < ip.size(); i += 2) {
      if (i != 0) text.push_back(':');
      const int written = std::snprintf(part.data(), part.size(), "%x", (ip[i] << 8) | ip[i + 1]);
      text.append(part.data(), static_cast<std::size_t>(written));
    }
    text.push_back(']');
  }
  return text + ":" + std::to_string(port);
}

Result<RecordView> decode_record(std::span<const std::uint8_t> bytes) {
  ByteReader size_reader(bytes);
  const std::int32_t total_size = size_reader.i32();
  if (!size_reader.ok() || total_size < kRecordBytesMin ||
      static_cast<std::size_t>(total_size) > bytes.size()) {
    return corrupt("record of " + std::to_string(total_size) + " bytes where " +
                   std::to_string(bytes.size()) + " are left");
  }
  ByteReader reader(bytes.first(static_cast<std::size_t>(total_size)));
  RecordView record;
  record.total_size = reader.i32();
  const std::uint32_t magic = reader.u32();
  if (magic != kMagicV1 && magic != kMagicV2)
    return corrupt("record with unknown magic " + std::to_string(magic));
  record.wide_topic = magic == kMagicV2;
  record.body_crc = reader.u32();
  record.queue_id = reader.i32();
  record.flag = reader.i32();
  record.queue_offset = reader.i64();
  record.physical_offset = reader.i64();
  record.sys_flags = reader.i32();
  record.born_ms = reader.i64();
  record.born_host.ip = reader.bytes((record.sys_flags & sys_flag::kBornHostV6) != 0 ? 16 : 4);
  record.born_host.port = reader.i32();
  record.store_ms = reader.i64();
  record.store_host.ip = reader.bytes((record.sys_flags & sys_flag::kStoreHostV6) != 0 ? 16 : 4);
  record.store_host.port = reader.i32();
  record.reconsume_times = reader.i32();
  record.prepared_transaction_offset = reader.i64();
  record.body = reader.bytes(length_of(reader.i32(), reader));
  record.topic = reader.text(record.wide_topic ? reader.u16() : reader.u8());
  record.properties = reader.text(length_of(reader.i16(), reader));
  if (!reader.ok()) return corrupt("record is shorter than its fields");
  if (reader.remaining() != 0) {
    return corrupt("record has " + std::to_string(reader.remaining()) +
                   " bytes behind its last field");
  }
  return record;
}

std::uint32_t body_crc(std::span<const std::uint8_t> body) {
  // Ten times as fast as zlib's, which is a table look-up per byte.
  return libdeflate_crc32(0, body.data(), body.size()) & 0x7FFFFFFFU;
}

Status check_body_crc(const RecordView& record) {
  const std::uint32_t computed = body_crc(record.body);
  if (computed == record.body_crc) return {};
  return corrupt("body of the message at queue offset " + std::to_string(record.queue_offset) +
                 " has CRC " + std::to_string(computed) + ", the record says " +
                 std::to_string(record.body_crc));
}

bool RecordCursor::fail(const Error& error) {
  status_ = error.with_context("record at byte " + std::to_string(position_) + " of an answer");
  return false;
}

bool RecordCursor::fail_within(const Error& error, const RecordView& record, std::size_t end) {
  failed_ = UnreadableRecord{record, error};
  failed_end_ = end;
  return fail(error);
}

std::optional<std::int64_t> RecordCursor::failed_offset() const {
  if (!failed_) return std::nullopt;
  return failed_->record.queue_offset;
}

std::optional<std::int64_t> RecordCursor::damaged_offset() const {
  return failed_ && !failed_->record.inner_batch() ? failed_offset() : std::nullopt;
}

std::optional<std::int64_t> RecordCursor::offset_behind_failed(std::int64_t answer_end) const {
  if (!failed_) return std::nullopt;
  if (!failed_->record.inner_batch()) return failed_->record.queue_offset + 1;
  if (failed_end_ == body_.size()) return answer_end;
  Result<RecordView> behind = decode_record(body_.subspan(failed_end_));
  if (!behind.ok() || !add_delta(*behind, options_.offset_delta)) return std::nullopt;
  return behind->queue_offset;
}

bool RecordCursor::pass_over() {
  if (status_.ok() || !failed_) return false;
  position_ = failed_end_;
  inner_ = {};
  failed_.reset();
  status_ = {};
  return true;
}

bool RecordCursor::next(RecordView& out) {
  while (status_.ok()) {
    if (!inner_.empty()) {
      if (!next_inner(out)) return false;
      if (out.queue_offset < options_.first_offset) continue;
      return true;
    }
    if (position_ == body_.size()) return false;
    if (!next_outer(out)) return false;
    if (!out.inner_batch()) return true;
  }
  return false;
}

bool RecordCursor::next_outer(RecordView& out) {
  Result<RecordView> record = decode_record(body_.subspan(position_));
  if (!record.ok()) return fail(record.error());
  if (!add_delta(*record, options_.offset_delta))
    return fail(corrupt("record has a queue offset that no queue reaches"));
  if (options_.queue_id) record->queue_id = *options_.queue_id;
  const std::size_t end = position_ + static_cast<std::size_t>(record->total_size);
  if (options_.check_crc) {
    const Status intact = check_body_crc(*record);
    if (!intact.ok()) return fail_within(intact.error(), *record, end);
  }
  out = *record;
  if (record->inner_batch()) {
    outer_ = *record;
    inner_ = record->body;
    inner_index_ = 0;
    if (record->compressed()) {
      std::string& unpacked = unpacked_.emplace_back();
      const Status status = decompress_body(*record, unpacked, options_.body_bytes_max);
      if (!status.ok()) {
        inner_ = {};
        return fail_within(status.error(), *record, end);
      }
      std::size_t held = 0;
      for (const std::string& each : unpacked_) held += each.size();
      if (held > kUnpackedBytesMax) {
        inner_ = {};
        return fail_within(Error{ErrorCode::kResourceExhausted,
                                 "inner batches of one answer unpack to more than " +
                                     std::to_string(kUnpackedBytesMax) + " bytes"},
                           *record, end);
      }
      inner_ = as_bytes(unpacked);
    }
    outer_.sys_flags &= ~(sys_flag::kNeedUnwrap | sys_flag::kInnerBatch | sys_flag::kCompressed |
                          sys_flag::kCompressionMask);
  }
  position_ = end;
  return true;
}

bool RecordCursor::next_inner(RecordView& out) {
  Result<BatchEntryView> entry = decode_batch_entry(inner_);
  if (!entry.ok()) {
    RecordView rest = outer_;
    rest.sys_flags |= sys_flag::kNeedUnwrap | sys_flag::kInnerBatch;
    rest.queue_offset += inner_index_;
    rest.body = inner_;
    return fail_within(entry.error(), rest, position_);
  }
  out = outer_;
  out.queue_offset += inner_index_++;
  out.flag = entry->flag;
  out.body = entry->body;
  out.properties = entry->properties;
  return true;
}

Result<ReceivedMessage> to_received_message(const RecordView& record, std::string_view broker) {
  ReceivedMessage message;
  TRY(decompress_body(record, message.body));
  message.topic = record.topic;
  message.broker = broker;
  message.queue_id = record.queue_id;
  message.queue_offset = record.queue_offset;
  message.offset_message_id =
      encode_offset_message_id(record.store_host.ip, record.store_host.port,
                               static_cast<std::uint64_t>(record.physical_offset));
  message.message_id = message.offset_message_id;
  PropertyCursor cursor(record.properties);
  PropertyView each;
  while (cursor.next(each)) {
    message.properties.push_back(Property{std::string(each.name), std::string(each.value)});
    if (each.name == property::kUniqueKey) {
      message.message_id = each.value;
    } else if (each.name == property::kTags) {
      message.tags = each.value;
    } else if (each.name == property::kShardingKey) {
      message.sharding_key = each.value;
    } else if (each.name == property::kKeys) {
      message.keys = split_keys(each.value);
    }
  }
  message.born_ms = record.born_ms;
  message.stored_ms = record.store_ms;
  message.born_host = record.born_host.to_string();
  message.store_host = record.store_host.to_string();
  message.reconsume_times = record.reconsume_times;
  message.flag = record.flag;
  message.physical_offset = record.physical_offset;
  return message;
}

}  // namespace slipstream::rocketmq
