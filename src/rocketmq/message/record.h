// Stored messages as brokers send them: one record, and the records of an answer's body.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

namespace sys_flag {
inline constexpr std::int32_t kCompressed = 0x1;
inline constexpr std::int32_t kMultiTags = 0x2;
inline constexpr std::int32_t kTransactionMask = 0xC;
inline constexpr std::int32_t kTransactionPrepared = 0x4;
inline constexpr std::int32_t kBornHostV6 = 0x10;
inline constexpr std::int32_t kStoreHostV6 = 0x20;
inline constexpr std::int32_t kNeedUnwrap = 0x40;
inline constexpr std::int32_t kInnerBatch = 0x80;
inline constexpr std::int32_t kCompressionMask = 0x700;
}  // namespace sys_flag

enum class Compression : std::uint8_t { kNone, kZlib, kLz4, kZstd };

// sysFlag bits of a body compressed that way.
std::int32_t compression_flags(Compression compression);

struct HostView {
  std::span<const std::uint8_t> ip;  // 4 or 16 bytes
  std::int32_t port = 0;

  std::string to_string() const;  // "10.0.0.1:10911", "[2001:db8:0:0:0:0:0:1]:10911"
};

// One stored message. All spans and views point into the bytes it was read from.
struct RecordView {
  std::int32_t total_size = 0;
  bool wide_topic = false;  // v2 layout: topic length of 16 bits
  std::uint32_t body_crc = 0;
  std::int32_t queue_id = 0;
  std::int32_t flag = 0;
  std::int64_t queue_offset = 0;
  std::int64_t physical_offset = 0;
  std::int32_t sys_flags = 0;
  std::int64_t born_ms = 0;
  HostView born_host;
  std::int64_t store_ms = 0;
  HostView store_host;
  std::int32_t reconsume_times = 0;
  std::int64_t prepared_transaction_offset = 0;
  std::span<const std::uint8_t> body;  // as stored: see compressed()
  std::string_view topic;
  std::string_view properties;  // raw: see properties.h

  bool compressed() const { return (sys_flags & sys_flag::kCompressed) != 0; }
  bool inner_batch() const { return (sys_flags & sys_flag::kNeedUnwrap) != 0; }
};

// The record at the start of `bytes`; the next one begins total_size later.
// Failure: kCorrupt.
Result<RecordView> decode_record(std::span<const std::uint8_t> bytes);
// CRC-32 of the stored body, as in RecordView::body_crc.
std::uint32_t body_crc(std::span<const std::uint8_t> body);
Status check_body_crc(const RecordView& record);

inline constexpr std::size_t kBodyBytesMax = 64UL * 1024 * 1024;  // of a body after decompression

// Replaces `out` by the body as the producer gave it: zlib, gzip, LZ4 frame, zstd, or a copy when
// not compressed.
// Failure: kCorrupt; kResourceExhausted above `bytes_max`.
Status decompress_body(const RecordView& record, std::string& out,
                       std::size_t bytes_max = kBodyBytesMax);
// The other direction.
// Failure: kInternal.
Status compress_body(Compression compression, std::string_view body, std::string& out);

struct RecordCursorOptions {
  bool check_crc = false;
  // Inner messages of a batch record below this offset are left out.
  std::int64_t first_offset = 0;
  std::int64_t offset_delta = 0;         // of the pull answer; added to every queue offset
  std::optional<std::int32_t> queue_id;  // replaces the record's own (static topics)
  std::size_t body_bytes_max = kBodyBytesMax;
};

// What cannot be read of an answer, and why: one message with its body as stored; or, when it is an
// inner_batch(), the messages of a batch record from queue_offset to its end, with the body as stored
// when none of them can be read, and with the rest of the unpacked one behind those that can.
struct UnreadableRecord {
  RecordView record;
  Error error;
};

// Walks the records of an answer's body, inner batches unpacked.
//
//   RecordCursor cursor(body, {});
//   RecordView record;
//   while (cursor.next(record)) ...
//   TRY(cursor.status());
//
// Owner:   borrows `body`; views live as long as it. Those of a compressed inner batch live as long
// as the cursor
//          or what unpacked() was moved to.
// Failure: sticky kCorrupt with the position, until pass_over(); a record is given out whole or not
//          at all.
class RecordCursor {
 public:
  RecordCursor(std::span<const std::uint8_t> body, const RecordCursorOptions& options)
      : body_(body), options_(options) {}

  bool next(RecordView& out);
  const Status& status() const { return status_; }
  // What ended the walk, when it is known where that ends. Its views live as those given out.
  const std::optional<UnreadableRecord>& failed() const { return failed_; }
  std::optional<std::int64_t> failed_offset() const;
  // Of a single record whose body has another CRC.
  std::optional<std::int64_t> damaged_offset() const;
  // The offset behind failed(): that of the record after it, `answer_end` behind the last one.
  // Nothing when that record cannot be read.
  std::optional<std::int64_t> offset_behind_failed(std::int64_t answer_end) const;
  // Goes on behind failed(); false when there is none.
  bool pass_over();
  // Bytes of decompressed inner batches, to keep views alive beyond the cursor.
  std::deque<std::string>& unpacked() { return unpacked_; }

 private:
  bool next_outer(RecordView& out);
  bool next_inner(RecordView& out);
  bool fail(const Error& error);
  bool fail_within(const Error& error, const RecordView& record, std::size_t end);

  std::span<const std::uint8_t> body_;
  RecordCursorOptions options_;
  std::size_t position_ = 0;
  RecordView outer_;  // the batch record being unpacked
  std::span<const std::uint8_t> inner_;
  std::int64_t inner_index_ = 0;
  std::deque<std::string> unpacked_;
  Status status_;
  std::optional<UnreadableRecord> failed_;
  std::size_t failed_end_ = 0;
};

// A copy that owns everything, body decompressed.
Result<ReceivedMessage> to_received_message(const RecordView& record, std::string_view broker);

}  // namespace slipstream::rocketmq
