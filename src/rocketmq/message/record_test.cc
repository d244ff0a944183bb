#include "rocketmq/message/record.h"

#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/bytes.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq {
namespace {

struct RecordParts {
  std::string body = "hello";
  std::string topic = "T1";
  std::string properties = "TAGS\x01tagA";
  std::int32_t sys_flags = 0;
  std::int64_t queue_offset = 5;
  bool wide_topic = false;
};

std::string make_record(const RecordParts& parts) {
  std::string out;
  ByteWriter writer(out);
  const auto host = [&](bool v6) {
    for (int i = 1; i <= (v6 ? 16 : 4); ++i) writer.u8(static_cast<std::uint8_t>(i));
    writer.i32(10911);
  };
  writer.u32(0);
  writer.u32(parts.wide_topic ? 0xDAA320ABU : 0xDAA320A7U);
  writer.u32(body_crc(as_bytes(parts.body)));
  writer.i32(3);
  writer.i32(7);
  writer.i64(parts.queue_offset);
  writer.i64(4711);
  writer.i32(parts.sys_flags);
  writer.i64(1000);
  host((parts.sys_flags & sys_flag::kBornHostV6) != 0);
  writer.i64(2000);
  host((parts.sys_flags & sys_flag::kStoreHostV6) != 0);
  writer.i32(2);
  writer.i64(99);
  writer.u32(static_cast<std::uint32_t>(parts.body.size()));
  writer.text(parts.body);
  if (parts.wide_topic) {
    writer.u16(static_cast<std::uint16_t>(parts.topic.size()));
  } else {
    writer.u8(static_cast<std::uint8_t>(parts.topic.size()));
  }
  writer.text(parts.topic);
  writer.u16(static_cast<std::uint16_t>(parts.properties.size()));
  writer.text(parts.properties);
  writer.patch_u32(0, static_cast<std::uint32_t>(out.size()));
  return out;
}

std::string compressed_with(Compression compression, std::string_view body) {
  std::string out;
  EXPECT_TRUE(compress_body(compression, body, out).ok());
  return out;
}

RecordView stored_as(std::int32_t flags, std::string_view body) {
  RecordView record;
  record.sys_flags = flags;
  record.body = as_bytes(body);
  return record;
}

TEST(Record, ReadsBothLayoutsAndAllHostKinds) {
  for (const bool wide : {false, true}) {
    for (const std::int32_t hosts : {0x00, 0x10, 0x20, 0x30}) {
      RecordParts parts;
      parts.wide_topic = wide;
      parts.sys_flags = hosts;
      if (wide) parts.topic = std::string(300, 't');
      const std::string bytes = make_record(parts);
      const Result<RecordView> record = decode_record(as_bytes(bytes));
      ASSERT_TRUE(record.ok()) << record.error().to_string();
      EXPECT_EQ(record->topic, parts.topic);
      EXPECT_EQ(as_text(record->body), "hello");
      EXPECT_EQ(record->properties, parts.properties);
      EXPECT_EQ(record->born_host.ip.size(), (hosts & 0x10) != 0 ? 16U : 4U);
      EXPECT_EQ(record->store_host.ip.size(), (hosts & 0x20) != 0 ? 16U : 4U);
      EXPECT_EQ(record->store_host.port, 10911);
      EXPECT_EQ(record->reconsume_times, 2);
      EXPECT_EQ(record->prepared_transaction_offset, 99);
    }
  }
}

TEST(Record, HostsAsText) {
  RecordParts parts;
  parts.sys_flags = sys_flag::kBornHostV6;
  const std::string bytes = make_record(parts);
  const Result<RecordView> record = decode_record(as_bytes(bytes));
  EXPECT_EQ(record->store_host.to_string(), "1.2.3.4:10911");
  EXPECT_EQ(record->born_host.to_string(), "[102:304:506:708:90a:b0c:d0e:f10]:10911");
}

TEST(Record, EveryTruncationIsRefused) {
  const std::string bytes = make_record({});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_record(as_bytes(bytes.substr(0, size))).ok()) << size;
    if (size < 4) continue;
    // The same with a size field that agrees with what is there: fields end before the record does.
    std::string agreed = bytes.substr(0, size);
    ByteWriter(agreed).patch_u32(0, static_cast<std::uint32_t>(size));
    EXPECT_FALSE(decode_record(as_bytes(agreed)).ok()) << size;
  }
}

TEST(Record, LengthsThatDisagreeAreRefused) {
  const std::string good = make_record({});
  const auto with_u32 = [&](std::size_t at, std::uint32_t value) {
    std::string bytes = good;
    ByteWriter(bytes).patch_u32(at, value);
    return decode_record(as_bytes(bytes)).ok();
  };
  EXPECT_FALSE(with_u32(4, 0xCBD43194));  // the filler of file ends
  EXPECT_FALSE(with_u32(84, 0xFFFFFFFF));
  EXPECT_FALSE(with_u32(84, 4));
  EXPECT_FALSE(with_u32(84, 6));
  EXPECT_FALSE(with_u32(0, 0x80000000));
  const std::string longer = good + "x";
  std::string bytes = longer;
  ByteWriter(bytes).patch_u32(0, static_cast<std::uint32_t>(longer.size()));
  EXPECT_FALSE(decode_record(as_bytes(bytes)).ok()) << "a byte behind the last field";
}

TEST(RecordCursor, WalksRecordsAndStopsAtDamage) {
  std::string body;
  for (int i = 0; i < 3; ++i) {
    RecordParts parts;
    parts.queue_offset = i;
    body += make_record(parts);
  }
  RecordCursor cursor(as_bytes(body), {});
  RecordView record;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(cursor.next(record));
    EXPECT_EQ(record.queue_offset, i);
  }
  EXPECT_FALSE(cursor.next(record));
  EXPECT_TRUE(cursor.status().ok());

  const std::string cut = body.substr(0, body.size() - 1);
  RecordCursor damaged(as_bytes(cut), {});
  EXPECT_TRUE(damaged.next(record));
  EXPECT_TRUE(damaged.next(record));
  EXPECT_FALSE(damaged.next(record));
  EXPECT_EQ(damaged.status().error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(damaged.next(record)) << "failure is sticky";
}

TEST(RecordCursor, CrcIsCheckedWhenAskedFor) {
  std::string body = make_record({});
  body[88] = 'j';  // first byte of the message body
  RecordView record;
  RecordCursor trusting(as_bytes(body), {});
  EXPECT_TRUE(trusting.next(record));
  RecordCursorOptions options;
  options.check_crc = true;
  RecordCursor checking(as_bytes(body), options);
  EXPECT_FALSE(checking.next(record));
  EXPECT_EQ(checking.status().error().code, ErrorCode::kCorrupt);
  EXPECT_NE(checking.status().to_string().find("CRC"), std::string::npos);
  EXPECT_EQ(checking.damaged_offset(), 5);
  ASSERT_TRUE(checking.failed());
  EXPECT_EQ(as_text(checking.failed()->record.body), "jello");
}

TEST(RecordCursor, WhatIsDamagedCanBePassedOver) {
  RecordParts parts;
  parts.queue_offset = 6;
  std::string body = make_record({}) + make_record(parts);
  body[88] = 'j';
  RecordCursorOptions options;
  options.check_crc = true;
  RecordCursor cursor(as_bytes(body), options);
  RecordView record;
  EXPECT_FALSE(cursor.pass_over()) << "nothing failed";
  ASSERT_FALSE(cursor.next(record));
  EXPECT_EQ(cursor.failed_offset(), 5);
  ASSERT_TRUE(cursor.pass_over());
  ASSERT_TRUE(cursor.next(record));
  EXPECT_EQ(record.queue_offset, 6);
  EXPECT_FALSE(cursor.next(record));
  EXPECT_TRUE(cursor.status().ok());
  body[4] ^= 1;  // the magic: where the record ends is in doubt
  RecordCursor lost(as_bytes(body), options);
  EXPECT_FALSE(lost.next(record));
  EXPECT_FALSE(lost.failed_offset());
  EXPECT_FALSE(lost.pass_over());
}

TEST(RecordCursor, StaticTopicsShiftOffsetsAndReplaceTheQueue) {
  const std::string body = make_record({});
  RecordCursorOptions options;
  options.offset_delta = 100;
  options.queue_id = 42;
  RecordCursor cursor(as_bytes(body), options);
  RecordView record;
  ASSERT_TRUE(cursor.next(record));
  EXPECT_EQ(record.queue_offset, 105);
  EXPECT_EQ(record.queue_id, 42);
}

TEST(RecordCursor, UnpacksInnerBatchesPlainAndCompressed) {
  BatchEncoder batch;
  ASSERT_TRUE(batch
                  .add("one",
                       "K\x01"
                       "1\x02",
                       11)
                  .ok());
  ASSERT_TRUE(batch
                  .add("two",
                       "K\x01"
                       "2\x02",
                       12)
                  .ok());
  ASSERT_TRUE(batch.add("three", "", 13).ok());
  const std::string inner = batch.take();
  for (const Compression compression :
       {Compression::kNone, Compression::kZlib, Compression::kZstd}) {
    RecordParts parts;
    parts.sys_flags =
        sys_flag::kNeedUnwrap | sys_flag::kInnerBatch | compression_flags(compression);
    parts.body = compressed_with(compression, inner);
    parts.queue_offset = 10;
    RecordParts plain;
    plain.queue_offset = 13;
    const std::string body = make_record(parts) + make_record(plain);
    RecordCursorOptions options;
    options.first_offset = 11;
    RecordCursor cursor(as_bytes(body), options);
    RecordView record;
    ASSERT_TRUE(cursor.next(record)) << cursor.status().to_string();
    EXPECT_EQ(record.queue_offset, 11) << "the inner message below the first offset is left out";
    EXPECT_EQ(as_text(record.body), "two");
    EXPECT_EQ(record.flag, 12);
    EXPECT_EQ(record.topic, "T1");
    EXPECT_EQ(find_property(record.properties, "K"), "2");
    EXPECT_FALSE(record.compressed());
    EXPECT_FALSE(record.inner_batch());
    ASSERT_TRUE(cursor.next(record));
    EXPECT_EQ(record.queue_offset, 12);
    ASSERT_TRUE(cursor.next(record));
    EXPECT_EQ(as_text(record.body), "hello");
    EXPECT_FALSE(cursor.next(record));
    EXPECT_TRUE(cursor.status().ok());
  }
}

TEST(RecordCursor, DamagedInnerBatchIsAnError) {
  BatchEncoder batch;
  ASSERT_TRUE(batch.add("one", "").ok());
  const std::string inner = batch.take();
  for (std::size_t size = 1; size < inner.size(); ++size) {
    RecordParts parts;
    parts.sys_flags = sys_flag::kNeedUnwrap;
    parts.body = inner.substr(0, size);
    const std::string body = make_record(parts);
    RecordCursor cursor(as_bytes(body), {});
    RecordView record;
    EXPECT_FALSE(cursor.next(record));
    EXPECT_FALSE(cursor.status().ok()) << size;
  }
}

std::string batch_of(const std::vector<std::string>& bodies) {
  BatchEncoder batch;
  for (const std::string& body : bodies) EXPECT_TRUE(batch.add(body, "").ok());
  return batch.take();
}

// Three messages from offset 10, and one behind them.
std::string batch_and_one(std::int32_t flags, std::string body) {
  RecordParts parts;
  parts.sys_flags = sys_flag::kNeedUnwrap | sys_flag::kInnerBatch | flags;
  parts.body = std::move(body);
  parts.queue_offset = 10;
  RecordParts plain;
  plain.queue_offset = 13;
  return make_record(parts) + make_record(plain);
}

TEST(RecordCursor, ABatchThatCannotBeReadIsPassedOverToItsEnd) {
  const std::string inner = batch_of({"one", "two", "three"});
  std::string flipped = batch_and_one(0, inner);
  flipped[88] ^= 1;
  RecordCursorOptions options;
  options.check_crc = true;
  std::vector<std::string> bodies{flipped};
  for (const Compression codec : {Compression::kZlib, Compression::kLz4, Compression::kZstd})
    bodies.push_back(batch_and_one(compression_flags(codec), "no such thing"));
  bodies.push_back(batch_and_one(sys_flag::kCompressed | 0x700, "of no known kind"));
  for (const std::string& body : bodies) {
    RecordCursor cursor(as_bytes(body), options);
    RecordView record;
    EXPECT_FALSE(cursor.next(record));
    ASSERT_TRUE(cursor.failed());
    EXPECT_TRUE(cursor.failed()->record.inner_batch());
    EXPECT_EQ(cursor.failed_offset(), 10);
    EXPECT_FALSE(cursor.damaged_offset());
    EXPECT_EQ(cursor.failed()->record.body.size(), decode_record(as_bytes(body))->body.size());
    EXPECT_EQ(cursor.offset_behind_failed(99), 13);
    ASSERT_TRUE(cursor.pass_over());
    ASSERT_TRUE(cursor.next(record)) << cursor.status().to_string();
    EXPECT_EQ(record.queue_offset, 13);
  }
  const std::string doubtful = flipped.substr(0, flipped.size() - 1);
  RecordCursor cursor(as_bytes(doubtful), options);
  RecordView record;
  EXPECT_FALSE(cursor.next(record));
  EXPECT_FALSE(cursor.offset_behind_failed(99)) << "the record behind it is cut short";
  const auto batch = as_bytes(flipped).first(
      static_cast<std::size_t>(decode_record(as_bytes(flipped))->total_size));
  RecordCursor last(batch, options);
  EXPECT_FALSE(last.next(record));
  EXPECT_EQ(last.offset_behind_failed(99), 99);
}

TEST(RecordCursor, OfABatchThatBreaksOffTheFirstMessagesAreRead) {
  const std::string inner = batch_of({"one", "two", "three"});
  const std::string cut = inner.substr(0, inner.size() - 1);
  for (const Compression codec : {Compression::kNone, Compression::kZlib}) {
    const std::string body = batch_and_one(compression_flags(codec), compressed_with(codec, cut));
    RecordCursor cursor(as_bytes(body), {.check_crc = true, .queue_id = {}});
    RecordView record;
    ASSERT_TRUE(cursor.next(record));
    ASSERT_TRUE(cursor.next(record));
    EXPECT_EQ(as_text(record.body), "two");
    EXPECT_FALSE(cursor.next(record));
    ASSERT_TRUE(cursor.failed());
    EXPECT_TRUE(cursor.failed()->record.inner_batch());
    EXPECT_EQ(cursor.failed_offset(), 12);
    const std::string third = batch_of({"three"});
    EXPECT_EQ(as_text(cursor.failed()->record.body), third.substr(0, third.size() - 1));
    EXPECT_EQ(cursor.offset_behind_failed(99), 13);
    ASSERT_TRUE(cursor.pass_over());
    ASSERT_TRUE(cursor.next(record));
    EXPECT_EQ(record.queue_offset, 13);
  }
}

TEST(RecordCursor, OffsetsBeyondAllQueuesAreAnError) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const auto& [stored, delta] : {std::pair{kMost, std::int64_t{0}}, std::pair{kMost, kMost}}) {
    RecordParts parts;
    parts.queue_offset = stored;
    const std::string body = make_record(parts);
    RecordCursorOptions options;
    options.offset_delta = delta;
    RecordCursor cursor(as_bytes(body), options);
    RecordView record;
    EXPECT_FALSE(cursor.next(record));
    EXPECT_EQ(cursor.status().error().code, ErrorCode::kCorrupt);
  }
}

TEST(Compression, RoundTripsInEveryFormat) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 1000);
  for (const Compression compression :
       {Compression::kNone, Compression::kZlib, Compression::kLz4, Compression::kZstd}) {
    const std::string stored = compressed_with(compression, text);
    std::string back = "left over";
    const Status status = decompress_body(stored_as(compression_flags(compression), stored), back);
    ASSERT_TRUE(status.ok()) << status.to_string();
    EXPECT_EQ(back, text);
  }
}

TEST(Compression, WithoutTypeBitsZlibAndGzipAreRecognised) {
  const std::string zlib = compressed_with(Compression::kZlib, "payload");
  std::string back;
  ASSERT_TRUE(decompress_body(stored_as(sys_flag::kCompressed, zlib), back).ok());
  EXPECT_EQ(back, "payload");

  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string plain = "payload";
  std::string gzip(200, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(gzip.data());
  stream.avail_out = static_cast<uInt>(gzip.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  gzip.resize(stream.total_out);
  deflateEnd(&stream);
  ASSERT_TRUE(decompress_body(stored_as(sys_flag::kCompressed, gzip), back).ok());
  EXPECT_EQ(back, "payload");
}

TEST(Compression, TruncatedAndForeignBytesAreErrorsNotEmptyBodies) {
  const std::string text(5000, 'x');
  for (const Compression compression :
       {Compression::kZlib, Compression::kLz4, Compression::kZstd}) {
    const std::int32_t flags = compression_flags(compression);
    const std::string stored = compressed_with(compression, text);
    std::string back;
    for (std::size_t size = 0; size < stored.size(); ++size) {
      const Status status =
          decompress_body(stored_as(flags, std::string_view(stored).substr(0, size)), back);
      ASSERT_FALSE(status.ok()) << "codec " << static_cast<int>(compression) << " size " << size;
      EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
    }
    EXPECT_FALSE(decompress_body(stored_as(flags, "not compressed at all"), back).ok());
  }
  std::string back;
  EXPECT_EQ(decompress_body(stored_as(sys_flag::kCompressed | 0x400, "x"), back).error().code,
            ErrorCode::kUnsupported);
}

TEST(Compression, OutputIsBounded) {
  const std::string bomb(1'000'000, '\0');
  for (const Compression compression :
       {Compression::kZlib, Compression::kLz4, Compression::kZstd}) {
    const std::string stored = compressed_with(compression, bomb);
    std::string back;
    const RecordView record = stored_as(compression_flags(compression), stored);
    const Status status = decompress_body(record, back, 999'999);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kResourceExhausted);
    EXPECT_TRUE(decompress_body(record, back, 1'000'000).ok());
    EXPECT_EQ(back.size(), bomb.size());
  }
}

TEST(BatchEncoder, WritesTheLayoutOfTheProtocol) {
  BatchEncoder batch;
  ASSERT_TRUE(batch.add("ab", "K\x01v\x02", 9).ok());
  EXPECT_EQ(batch.count(), 1U);
  EXPECT_EQ(batch.bytes(), BatchEncoder::entry_size(2, 4));
  EXPECT_EQ(to_hex(as_bytes(batch.take())),
            "0000001C"
            "00000000"
            "00000000"
            "00000009"
            "00000002"
            "6162"
            "0004"
            "4B017602");
  EXPECT_TRUE(batch.empty());
}

TEST(BatchEncoder, KeepsItsBound) {
  BatchEncoder batch(50);
  ASSERT_TRUE(batch.add("0123456789", "").ok());  // 32 bytes
  EXPECT_FALSE(batch.fits(10, 0));
  EXPECT_EQ(batch.add("0123456789", "").error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(batch.count(), 1U);
  EXPECT_EQ(batch.bytes(), 32U);
  EXPECT_FALSE(batch.add("", "").ok());
}

// What says that a key is gone.
TEST(BatchEncoder, ABodyMayBeEmpty) {
  BatchEncoder batch;
  ASSERT_TRUE(batch.add("", "K\x01v\x02").ok());
  ASSERT_TRUE(batch.add("b", "").ok());
  const std::string body = batch.take();
  std::span<const std::uint8_t> rest = as_bytes(body);
  const auto entry = decode_batch_entry(rest);
  ASSERT_TRUE(entry.ok());
  EXPECT_TRUE(entry->body.empty());
  EXPECT_EQ(entry->properties, "K\x01v\x02");
  EXPECT_EQ(as_text(decode_batch_entry(rest)->body), "b");
}

TEST(BatchEncoder, TakesTheMessagesOfAnotherOne) {
  BatchEncoder all(100);
  for (const char* body : {"first", "second", "third"}) {
    BatchEncoder part(100);
    ASSERT_TRUE(part.add(body, "").ok());
    ASSERT_TRUE(all.fits_all(part));
    all.append(part);
    EXPECT_TRUE(part.empty());
    EXPECT_EQ(part.bytes(), 0U);
  }
  BatchEncoder large(100);
  ASSERT_TRUE(large.add("too large for the rest", "").ok());
  EXPECT_FALSE(all.fits_all(large));
  EXPECT_EQ(all.count(), 3U);
  const std::string body = all.take();
  std::span<const std::uint8_t> rest = as_bytes(body);
  for (const char* expected : {"first", "second", "third"}) {
    const auto entry = decode_batch_entry(rest);
    ASSERT_TRUE(entry.ok());
    EXPECT_EQ(as_text(entry->body), expected);
  }
  EXPECT_TRUE(rest.empty());
}

TEST(ReceivedMessage, OwnsEverything) {
  RecordParts parts;
  parts.properties =
      "KEYS\x01"
      "a b\x02TAGS\x01t\x02UNIQ_KEY\x01"
      "0AFF\x02__SHARDINGKEY\x01s\x02mine\x01"
      "1";
  parts.sys_flags = compression_flags(Compression::kLz4);
  parts.body = compressed_with(Compression::kLz4, "inflated");
  std::string bytes = make_record(parts);
  const Result<ReceivedMessage> message =
      to_received_message(*decode_record(as_bytes(bytes)), "broker-a");
  ASSERT_TRUE(message.ok());
  bytes.assign(bytes.size(), '\xFF');
  EXPECT_EQ(message->body, "inflated");
  EXPECT_EQ(message->message_id, "0AFF");
  EXPECT_EQ(message->offset_message_id, "0102030400002A9F0000000000001267");
  EXPECT_EQ(message->keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(message->tags, "t");
  EXPECT_EQ(message->sharding_key, "s");
  EXPECT_EQ(message->property("mine"), "1");
  EXPECT_FALSE(message->property("none").has_value());
  EXPECT_EQ(message->queue().to_string(), "T1/broker-a/3");
  EXPECT_EQ(message->stored_ms, 2000);
}

}  // namespace
}  // namespace slipstream::rocketmq
