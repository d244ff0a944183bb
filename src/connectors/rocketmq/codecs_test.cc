// What snapshots and message keys hold, byte for byte where it must stay readable.
#include <gmock/gmock.h>

#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/epoch_codec.h"
#include "connectors/rocketmq/split_codec.h"
#include "connectors/rocketmq/stamp.h"

namespace slipstream::rocketmq_connector {
namespace {

using ::testing::HasSubstr;
using testing::MemoryEpochFile;

TEST(Stamp, IsTheSeriesAndTheSequenceInHex) {
  const StampSeries series{0x0123456789ABCDEF, 0x11223344, 0xAABBCCDDEEFF, 0x0102};
  const std::string prefix = stamp_prefix(series);
  EXPECT_EQ(prefix, "0123456789ABCDEF11223344AABBCCDDEEFF0102");
  std::string stamp;
  make_stamp(prefix, 0x1F, stamp);
  EXPECT_EQ(stamp, prefix + "000000000000001F");
  EXPECT_EQ(stamp_sequence(stamp), 0x1FU);
  make_stamp(prefix, 0xFEDCBA9876543210, stamp);
  EXPECT_EQ(stamp, prefix + "FEDCBA9876543210");
  make_stamp(prefix, ~std::uint64_t{0}, stamp);
  EXPECT_EQ(stamp_sequence(stamp), ~std::uint64_t{0});
}

TEST(Stamp, OtherKeysAreNone) {
  EXPECT_EQ(stamp_sequence("7F00000100002A9F00000000000000A1"), std::nullopt) << "a client's key";
  EXPECT_EQ(stamp_sequence(std::string(kStampSize, 'z')), std::nullopt);
  EXPECT_EQ(stamp_sequence(""), std::nullopt);
}

TEST(Stamp, TheHashOfASinkIsStable) {
  EXPECT_EQ(sink_hash(""), 2'166'136'261U);
  EXPECT_EQ(sink_hash("sink-1"), sink_hash("sink-1"));
  EXPECT_NE(sink_hash("sink-1"), sink_hash("sink-2"));
}

TEST(SplitCodec, PositionsComeBack) {
  const QueuePosition position{{"orders", "broker-a", 3}, 201, kNoEnd};
  const Split split = encode_split(position);
  EXPECT_EQ(split.id, "orders/broker-a/3");
  EXPECT_EQ(split.state, "1,201,-1");
  const auto read = decode_split(split);
  ASSERT_TRUE(read.ok()) << read.status().to_string();
  EXPECT_EQ(read->queue, position.queue);
  EXPECT_EQ(read->next, 201);
  EXPECT_EQ(read->end, kNoEnd);
}

TEST(SplitCodec, TheLastMessageReadComesBack) {
  QueuePosition position{{"orders", "broker-a", 3}, 201, kNoEnd, rocketmq::ReadMessage{199, 1'700}};
  const Split split = encode_split(position);
  EXPECT_EQ(split.state, "1,201,-1,199,1700");
  const auto read = decode_split(split);
  ASSERT_TRUE(read.ok() && read->last_read) << read.status().to_string();
  EXPECT_EQ(read->next, 201);
  EXPECT_EQ(read->last_read->offset, 199);
  EXPECT_EQ(read->last_read->stored_ms, 1'700);
  position.end = 300;
  EXPECT_EQ(encode_split(position).state, "1,201,300") << "it is not read on after its end";
}

TEST(SplitCodec, WhatItDidNotWriteIsRefused) {
  for (const Split& split :
       {Split{"orders", "1,0,-1"}, Split{"orders/3", "1,0,-1"}, Split{"orders/b/x", "1,0,-1"},
        Split{"orders/b/-1", "1,0,-1"}, Split{"orders/b/4294967297", "1,0,-1"},
        Split{"orders/b/1", "2,0,-1"}, Split{"orders/b/1", "1,0"}, Split{"orders/b/1", "1,0,-1,7"},
        Split{"orders/b/1", "1,0,-1,7,8,9"}, Split{"orders/b/1", ""}}) {
    const auto read = decode_split(split);
    ASSERT_FALSE(read.ok()) << split.id << " " << split.state;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr(split.id));
  }
}

TEST(SplitCodec, KnownSplitsComeBack) {
  const std::set<std::string> ids{"t/a/0", "t/a/1", "t/b/0"};
  EXPECT_EQ(encode_known_splits(ids), "1\nt/a/0\nt/a/1\nt/b/0");
  EXPECT_EQ(*decode_known_splits(encode_known_splits(ids)), ids);
  EXPECT_TRUE(decode_known_splits(encode_known_splits({}))->empty());
  EXPECT_EQ(decode_known_splits("2\nt/a/0").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_known_splits("").error().code, ErrorCode::kCorrupt);
}

EpochHandle some_handle() {
  EpochHandle handle;
  handle.series = {7, 8, 9, 2};
  handle.messages = 3;
  handle.batches = 2;
  handle.sealed_ms = 1'700'000'000'000;
  handle.ordered = true;
  handle.queues = {{{"out", "broker-a", 0}, 41}, {{"other", "broker-b", 5}, 0}};
  return handle;
}

TEST(EpochCodec, HandlesComeBack) {
  const auto read = decode_epoch_handle(encode_epoch_handle(some_handle()));
  ASSERT_TRUE(read.ok()) << read.status().to_string();
  EXPECT_EQ(read->series, some_handle().series);
  EXPECT_EQ(read->messages, 3U);
  EXPECT_EQ(read->batches, 2U);
  EXPECT_EQ(read->sealed_ms, 1'700'000'000'000);
  EXPECT_TRUE(read->ordered);
  ASSERT_EQ(read->queues.size(), 2U);
  EXPECT_EQ(read->queues[0].queue, (rocketmq::MessageQueue{"out", "broker-a", 0}));
  EXPECT_EQ(read->queues[0].lower, 41);
  EXPECT_EQ(read->queues[1].queue, (rocketmq::MessageQueue{"other", "broker-b", 5}));
}

TEST(EpochCodec, DamagedHandlesAreRefused) {
  const std::string whole = encode_epoch_handle(some_handle());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = decode_epoch_handle(whole.substr(0, size));
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(decode_epoch_handle(whole + "x").ok());
  std::string newer = whole;
  newer[0] = 9;
  EXPECT_THAT(decode_epoch_handle(newer).error().message, HasSubstr("format 9"));
}

TEST(EpochCodec, BatchesOfAFileComeBackInOrder) {
  TemporaryFolder folder;
  MemoryEpochFile file;
  ASSERT_TRUE(append_epoch_batch({1, 2, 5}, "hello", file).ok());
  ASSERT_TRUE(append_epoch_batch({0, 1, 3}, "you", file).ok());
  folder.write("epoch", file.content);
  const auto reader = EpochFileReader::open(folder / "epoch");
  ASSERT_TRUE(reader.ok());
  const auto places = (*reader)->batches();
  ASSERT_TRUE(places.ok()) << places.status().to_string();
  ASSERT_EQ(places->size(), 2U);
  EXPECT_EQ((*places)[0].head.queue, 1U);
  EXPECT_EQ((*places)[0].head.count, 2U);
  std::string body = "of another batch";
  ASSERT_TRUE((*reader)->read_body((*places)[0], body).ok());
  EXPECT_EQ(body, "hello");
  ASSERT_TRUE((*reader)->read_body((*places)[1], body).ok());
  EXPECT_EQ(body, "you");
}

TEST(EpochCodec, ACutFileIsCorrupt) {
  TemporaryFolder folder;
  MemoryEpochFile file;
  ASSERT_TRUE(append_epoch_batch({0, 1, 5}, "hello", file).ok());
  for (std::size_t size = 1; size < file.content.size(); ++size) {
    folder.write("epoch", file.content.substr(0, size));
    const auto places = (*EpochFileReader::open(folder / "epoch"))->batches();
    ASSERT_FALSE(places.ok()) << size;
    EXPECT_EQ(places.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(places.error().message, HasSubstr(folder / "epoch"));
  }
  EXPECT_EQ(EpochFileReader::open(folder / "missing").status().error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
