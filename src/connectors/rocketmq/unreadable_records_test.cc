// What is stored so that it cannot be read: it follows 'decode.errors', and takes nothing with it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/record.h"
#include "rocketmq/testing/broker_store.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::Compression;
using rocketmq::MessageQueue;
using rocketmq::testing::ScriptedBroker;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReaderHarness;
using ::testing::StartsWith;
using Poll = SourceReader::Poll;
using Rows = std::vector<std::string>;

constexpr std::int32_t kBatch = rocketmq::sys_flag::kNeedUnwrap | rocketmq::sys_flag::kInnerBatch;
constexpr std::int32_t kUnknownCodec = rocketmq::sys_flag::kCompressed | 0x700;
constexpr std::string_view kNoCodec = "no such thing";

std::string json(int n) { return "{\"n\":" + std::to_string(n) + "}"; }
std::string row(int n) { return "+I(" + std::to_string(n) + ")"; }

// One stored record.
struct Unreadable {
  std::string cause;
  std::int32_t sys_flags = 0;
  std::string body{kNoCodec};
  bool damaged = false;    // its CRC is that of another body
  int count = 1;           // messages in it ...
  int readable = 0;        // ... of which the first ones can be read
  std::string rejected{};  // body of the dead letter; empty: as stored

  bool batch() const { return (sys_flags & kBatch) != 0; }
};

std::string batch_of(int first, int count) {
  rocketmq::BatchEncoder batch;
  for (int n = first; n < first + count; ++n) EXPECT_TRUE(batch.add(json(n), "").ok());
  return batch.take();
}

// Messages from 20 on.
std::vector<Unreadable> all_kinds() {
  std::vector<Unreadable> all{{.cause = "unknown type", .sys_flags = kUnknownCodec},
                              {.cause = "CRC", .body = json(20), .damaged = true}};
  for (const auto& [codec, name] :
       {std::pair{Compression::kZlib, "(zlib)"}, std::pair{Compression::kLz4, "(LZ4)"},
        std::pair{Compression::kZstd, "(zstd)"}})
    all.push_back({.cause = name, .sys_flags = rocketmq::compression_flags(codec)});
  const std::size_t singles = all.size();
  for (std::size_t i = 0; i < singles; ++i) {
    Unreadable batch = all[i];
    batch.sys_flags |= kBatch;
    batch.count = 3;
    if (batch.damaged) batch.body = batch_of(20, 3);
    all.push_back(batch);
  }
  const std::string third = batch_of(22, 1);
  Unreadable cut{.cause = "entry of", .sys_flags = kBatch, .count = 3, .readable = 2};
  cut.body = batch_of(20, 2) + third.substr(0, third.size() - 1);
  cut.rejected = third.substr(0, third.size() - 1);
  all.push_back(cut);
  std::string packed;
  EXPECT_TRUE(rocketmq::compress_body(Compression::kZstd, cut.body, packed).ok());
  cut.sys_flags |= rocketmq::compression_flags(Compression::kZstd);
  cut.body = packed;
  all.push_back(cut);
  return all;
}

class UnreadableRecordsTest : public ::testing::Test {
 protected:
  // A topic with `before` messages, the unreadable record and `behind` messages.
  void make_topic(const Unreadable& record, int before, int behind) {
    queue_.topic = "T" + std::to_string(++topics_);
    broker_.create_topic(queue_.topic, 1);
    for (int n = 0; n < before; ++n) broker_.append(queue_, json(n));
    const std::int64_t offset = broker_.append_stored(queue_, {.body = record.body,
                                                               .properties = {},
                                                               .sys_flag = record.sys_flags,
                                                               .batch_count = record.count});
    if (record.damaged) broker_.damage_body(queue_, offset);
    for (int n = 0; n < behind; ++n) broker_.append(queue_, json(40 + n));
  }
  static Rows rows_of(const Unreadable& record, int before, int behind) {
    Rows rows;
    for (int n = 0; n < before; ++n) rows.push_back(row(n));
    for (int n = 0; n < record.readable; ++n) rows.push_back(row(20 + n));
    for (int n = 0; n < behind; ++n) rows.push_back(row(40 + n));
    return rows;
  }
  std::unique_ptr<Source> source(const std::string& policy, OptionMap options = {}) {
    options.insert({{"topic", queue_.topic},
                    {"nameServerAddress", broker_.name_server()},
                    {"consumerGroup", "g"},
                    {"format", "json"},
                    {"scan.startup.mode", "earliest"},
                    {"decode.errors", policy}});
    if (policy == "dead-letter") options["dead-letter.topic"] = "dead";
    auto made = make_factory()->make_source(testing::source_request(
        testing::table_of(Schema({{"n", Type::integer()}}), std::move(options))));
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    return std::move(*made);
  }
  std::unique_ptr<Source> bounded(const std::string& policy) {
    return source(policy, {{"scan.bounded.mode", "latest-offset"}});
  }
  // Polls until `done`, the end or a failure.
  template <typename Done>
  static Status read(ReaderHarness& bench, const Done& done) {
    Status status;
    EXPECT_TRUE(wait_until([&] {
      const auto polled = bench.poll();
      status = polled.status();
      return !polled.ok() || *polled == Poll::kEnd || done();
    }));
    return status;
  }
  static Status read_all(ReaderHarness& bench) {
    return read(bench, [] { return false; });
  }
  static std::int64_t errors(ReaderHarness& bench) {
    return bench.counters["rocketmq_source_decode_errors_total"];
  }

  ScriptedBroker broker_;
  MessageQueue queue_{"", "broker-a", 0};
  int topics_ = 0;
};

struct Neighbours {
  int before = 0;
  int behind = 0;
};
// At the begin, in the middle and at the end of what one pull brings.
constexpr std::array kNeighbours{Neighbours{0, 2}, Neighbours{2, 2}, Neighbours{2, 0}};

TEST_F(UnreadableRecordsTest, FailTheJobWithTheirPlace) {
  for (const Unreadable& record : all_kinds()) {
    for (const auto& [before, behind] : kNeighbours) {
      make_topic(record, before, behind);
      SCOPED_TRACE(record.cause + ", " + std::to_string(record.count) + " behind " +
                   std::to_string(before));
      const auto table = bounded("fail");
      ReaderHarness bench(*table);
      ASSERT_TRUE(bench.discover().ok());
      const Status failed = read_all(bench);
      const std::string offset = std::to_string(before + record.readable);
      EXPECT_THAT(failed.to_string(),
                  AllOf(HasSubstr(queue_.to_string() + " near offset " + offset + ": "),
                        HasSubstr(record.cause), HasSubstr("set 'decode.errors' = 'skip'")));
      if (record.batch()) {
        EXPECT_THAT(failed.to_string(), HasSubstr("from offset " + offset + " to its end"));
      }
      // What the poll that fails had decoded goes with the attempt.
      Rows given = rows_of(record, before, 0);
      ASSERT_LE(bench.rows.size(), given.size());
      given.resize(bench.rows.size());
      EXPECT_EQ(bench.rows, given);
    }
  }
}

TEST_F(UnreadableRecordsTest, ArePassedOverAndNothingElseIs) {
  for (const Unreadable& record : all_kinds()) {
    for (const auto& [before, behind] : kNeighbours) {
      make_topic(record, before, behind);
      SCOPED_TRACE(record.cause + ", " + std::to_string(record.count) + " behind " +
                   std::to_string(before));
      for (const std::string policy : {"skip", "dead-letter"}) {
        const auto table = bounded(policy);
        ReaderHarness bench(*table);
        ASSERT_TRUE(bench.discover().ok());
        ASSERT_TRUE(read_all(bench).ok());
        EXPECT_THAT(bench.rows, ElementsAreArray(rows_of(record, before, behind)));
        EXPECT_EQ(errors(bench), 1);
        if (policy == "skip") {
          EXPECT_THAT(bench.rejects, IsEmpty());
          continue;
        }
        const std::string offset = std::to_string(before + record.readable);
        ASSERT_EQ(bench.rejected.size(), 1U);
        const Batch& letter = bench.rejected[0];
        ASSERT_EQ(letter.rows(), 1U);
        if (!record.damaged) {
          EXPECT_EQ(letter.column(0)->text(0),
                    record.rejected.empty() ? record.body : record.rejected);
        }
        EXPECT_EQ(letter.column(0)->text(0).size(),
                  (record.rejected.empty() ? record.body : record.rejected).size());
        EXPECT_THAT(std::string(letter.column(1)->text(0)), HasSubstr(record.cause));
        EXPECT_EQ(letter.column(2)->text(0), queue_.to_string());
        EXPECT_EQ(letter.column(3)->text(0), offset);
      }
    }
  }
}

TEST_F(UnreadableRecordsTest, ACheckpointBehindThemIsBehindTheirLastMessage) {
  for (const Unreadable& record : all_kinds()) {
    make_topic(record, 2, 0);
    SCOPED_TRACE(record.cause + ", " + std::to_string(record.count));
    const auto table = source("skip");
    ReaderHarness first(*table);
    ASSERT_TRUE(first.discover().ok());
    ASSERT_TRUE(read(first, [&] { return errors(first) == 1; }).ok());
    EXPECT_THAT(first.rows, ElementsAreArray(rows_of(record, 2, 0)));
    const auto splits = first.reader->snapshot(1);
    ASSERT_TRUE(splits.ok());
    EXPECT_THAT((*splits)[0].state, StartsWith("1," + std::to_string(2 + record.count) + ",-1"));
    broker_.append(queue_, json(40));
    ReaderHarness second(*table);
    ASSERT_TRUE(second.discover(first.enumerator->snapshot(), true).ok());
    ASSERT_TRUE(second.add(*splits).ok());
    ASSERT_TRUE(read(second, [&] { return !second.rows.empty(); }).ok());
    EXPECT_THAT(second.rows, ElementsAre(row(40)));
    EXPECT_EQ(errors(second), 0);
  }
}

TEST_F(UnreadableRecordsTest, ARestartWithinABatchReadsTheRestOfIt) {
  const Unreadable cut = all_kinds().back();
  make_topic(cut, 1, 1);
  const auto table = source("dead-letter");
  ReaderHarness first(*table, 1);
  ASSERT_TRUE(first.discover().ok());
  ASSERT_TRUE(read(first, [&] { return first.rows.size() == 2; }).ok());
  const auto splits = first.reader->snapshot(1);
  ASSERT_TRUE(splits.ok());
  ASSERT_THAT((*splits)[0].state, StartsWith("1,2,-1"));
  ReaderHarness second(*table);
  ASSERT_TRUE(second.discover(first.enumerator->snapshot(), true).ok());
  ASSERT_TRUE(second.add(*splits).ok());
  ASSERT_TRUE(read(second, [&] { return second.rows.size() == 2; }).ok());
  EXPECT_THAT(second.rows, ElementsAre(row(21), row(40)));
  EXPECT_THAT(second.rejects, ElementsAre(HasSubstr(queue_.to_string() + ", 3, ")));
}

// One whose last messages are behind the end of a bounded read.
TEST_F(UnreadableRecordsTest, AnEndWithinOrBeforeThemEndsTheRead) {
  for (const Unreadable& record : all_kinds()) {
    make_topic(record, 2, 1);
    SCOPED_TRACE(record.cause + ", " + std::to_string(record.count));
    for (const int end : {2, 3}) {
      const auto table =
          source("skip", {{"scan.bounded.mode", "specific-offsets"},
                          {"scan.bounded.specific-offsets", "broker-a:0:" + std::to_string(end)}});
      ReaderHarness bench(*table);
      ASSERT_TRUE(bench.discover().ok());
      ASSERT_TRUE(read_all(bench).ok());
      EXPECT_THAT(bench.rows,
                  ElementsAreArray(rows_of(
                      {.cause = {}, .readable = std::min(record.readable, end - 2)}, 2, 0)));
      EXPECT_EQ(errors(bench), end == 3 && record.readable == 0 ? 1 : 0);
    }
  }
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
