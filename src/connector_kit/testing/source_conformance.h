// What every source must do, whatever it reads. A connector's test describes its system and runs the
// suite:
//
//   struct MySystem {
//     static constexpr bool kWakes = true;  // rows that come later wake the reader
//     std::unique_ptr<ConnectorFactory> factory();
//     OptionMap options();               // of a table with one column `n` INT, format json, unbounded
//     OptionMap dead_letter_options();   // besides, so that bad bodies go to a dead-letter table
//     void write(std::size_t part, const std::string& body);  // into one of two parts
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(MySystem, SourceConformance, MySystem);
//
// A system that is not always there has skipped(): why it is not, or null.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connector.h"

#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"

namespace slipstream::testing {

template <typename System>
class SourceConformance : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* why = reason_to_skip(system_)) GTEST_SKIP() << why;
  }
  using Rows = std::vector<std::string>;

  // Numbers [first, last) into a part, one body each.
  void write(std::size_t part, int first, int last) {
    for (int n = first; n < last; ++n) system_.write(part, R"({"n":)" + std::to_string(n) + "}");
  }
  static Rows rows(int first, int last) {
    Rows all;
    for (int n = first; n < last; ++n) all.push_back("+I(" + std::to_string(n) + ")");
    return all;
  }
  void open(OptionMap more = {}) {
    OptionMap options = system_.options();
    more.merge(options);
    auto made = system_.factory()->make_source(
        source_request(table_of(Schema({{"n", Type::integer()}}), std::move(more))));
    if (!made.ok()) throw std::runtime_error(made.status().to_string());  // ends the test
    source_ = std::move(*made);
  }
  // Until so many rows have come in all, or an error.
  static Status read(ReaderHarness& reader, std::size_t count) {
    Status status;
    EXPECT_TRUE(wait_until([&] {
      status = reader.drain().status();
      if (status.ok() && reader.enumerator) status = reader.look();
      return !status.ok() || reader.rows.size() >= count;
    })) << reader.rows.size()
        << " of " << count << " rows";
    return status;
  }
  // Rows of each split in the order in which they came.
  static std::map<std::uint32_t, Rows> by_split(const ReaderHarness& reader) {
    std::map<std::uint32_t, Rows> all;
    std::size_t at = 0;
    for (std::size_t run = 0; run < reader.runs_of_all.size(); ++run) {
      const auto [split, begin] = reader.runs_of_all[run];
      const std::size_t end = run + 1 < reader.runs_of_all.size()
                                  ? reader.runs_of_all[run + 1].begin
                                  : reader.rows.size();
      for (; at < end; ++at) all[split].push_back(reader.rows[at]);
    }
    return all;
  }

  System system_;
  std::unique_ptr<Source> source_;
};

TYPED_TEST_SUITE_P(SourceConformance);

TYPED_TEST_P(SourceConformance, EveryRowComesOnceInTheOrderOfItsSplit) {
  this->write(0, 0, 50);
  this->write(1, 50, 80);
  this->open();
  ReaderHarness reader(*this->source_, 7);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(this->read(reader, 80).ok());
  std::set<std::vector<std::string>> seen;
  for (const auto& [split, rows] : this->by_split(reader)) seen.insert(rows);
  EXPECT_EQ(seen, (std::set{this->rows(0, 50), this->rows(50, 80)})) << "runs cover all rows";
  for (const std::size_t size : reader.batch_sizes) EXPECT_LE(size, 7U);
}

TYPED_TEST_P(SourceConformance, EverySplitIsAnnouncedBeforeItsFirstRow) {
  this->write(0, 0, 3);
  this->write(1, 3, 6);
  this->open();
  ReaderHarness reader(*this->source_, 2);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(this->read(reader, 6).ok());
  std::set<std::uint32_t> added;
  for (const SplitEvent& event : reader.events) {
    if (!event.is<SplitAdded>()) continue;
    EXPECT_TRUE(added.insert(event.split).second) << "twice";
  }
  for (const auto& [split, rows] : this->by_split(reader)) EXPECT_TRUE(added.contains(split));
}

// Another parallelism: each split goes to a reader of its own.
TYPED_TEST_P(SourceConformance, ASnapshotGoesOnWhereItStoodWithOtherReaders) {
  this->write(0, 0, 20);
  this->write(1, 20, 40);
  this->open();
  std::vector<std::string> all;
  std::vector<Split> states;
  std::string found;
  {
    ReaderHarness reader(*this->source_, 6);
    ASSERT_TRUE(reader.discover().ok());
    ASSERT_TRUE(wait_until([&] { return reader.poll().ok() && reader.rows.size() >= 12; }));
    found = reader.enumerator->snapshot();
    auto taken = reader.reader->snapshot(1);
    ASSERT_TRUE(taken.ok()) << taken.status().to_string();
    states = std::move(*taken);
    reader.reader->checkpoint_complete(1);
    all = reader.rows;
  }
  this->open();
  for (const Split& state : states) {
    ReaderHarness reader(*this->source_, 6);
    ASSERT_TRUE(reader.add({state}).ok());
    ASSERT_TRUE(wait_until([&] {
      EXPECT_TRUE(reader.drain().ok());
      const std::vector<SplitProgress> progress = reader.reader->progress();
      return progress.size() == 1 && progress[0].end >= 0 && progress[0].lag() == 0;
    }));
    all.insert(all.end(), reader.rows.begin(), reader.rows.end());
  }
  ReaderHarness restored(*this->source_);
  ASSERT_TRUE(restored.discover(found, true).ok());
  EXPECT_EQ(restored.next_index, 0U) << "splits that the checkpoint has are not found again";
  auto expected = this->rows(0, 40);
  std::sort(all.begin(), all.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(all, expected);
}

TYPED_TEST_P(SourceConformance, APausedSplitGivesNothingUntilItIsResumed) {
  this->write(0, 0, 10);
  this->write(1, 10, 20);
  this->open();
  ReaderHarness reader(*this->source_);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_EQ(reader.next_index, 2U);
  reader.reader->pause(std::vector<std::uint32_t>{0});
  ASSERT_TRUE(this->read(reader, 10).ok());
  EXPECT_TRUE(reader.drain().ok());
  EXPECT_EQ(reader.rows.size(), 10U);
  for (const SplitRun& run : reader.runs) EXPECT_EQ(run.split, 1U);
  reader.reader->pause({});
  ASSERT_TRUE(this->read(reader, 20).ok());
}

TYPED_TEST_P(SourceConformance, ABodyThatIsNoRowFailsTheJobWithItsPlaceOrIsSkipped) {
  this->write(0, 0, 1);
  this->system_.write(0, "no json");
  this->write(0, 1, 2);
  this->open();
  ReaderHarness failing(*this->source_);
  ASSERT_TRUE(failing.discover().ok());
  const Status failed = this->read(failing, 2);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kDataError);
  EXPECT_THAT(failed.error().message,
              ::testing::AllOf(::testing::HasSubstr("table 't': "),
                               ::testing::HasSubstr(" is no row of the table: ")));
  this->open({{"decode.errors", "skip"}});
  ReaderHarness skipping(*this->source_);
  ASSERT_TRUE(skipping.discover().ok());
  ASSERT_TRUE(this->read(skipping, 2).ok());
  EXPECT_EQ(skipping.rows, this->rows(0, 2));
  EXPECT_TRUE(skipping.rejects.empty());
}

TYPED_TEST_P(SourceConformance, ABodyThatIsNoRowIsADeadLetterWithItsOrigin) {
  this->write(0, 0, 1);
  this->system_.write(0, "no json");
  this->write(0, 1, 2);
  OptionMap options = this->system_.dead_letter_options();
  options["decode.errors"] = "dead-letter";
  this->open(std::move(options));
  ReaderHarness reader(*this->source_);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(this->read(reader, 2).ok());
  EXPECT_EQ(reader.rows, this->rows(0, 2));
  ASSERT_EQ(reader.rejected.size(), 1U);
  const Batch& letters = reader.rejected[0];
  ASSERT_EQ(letters.columns().size(), rejected_schema().size());
  EXPECT_EQ(letters.column(0)->text(0), "no json");
  EXPECT_FALSE(letters.column(1)->text(0).empty());
  EXPECT_TRUE(reader.split_ids.contains(std::string(letters.column(2)->text(0))));
  EXPECT_FALSE(letters.column(3)->text(0).empty());
}

TYPED_TEST_P(SourceConformance, RowsThatComeLaterAreRead) {
  this->write(0, 0, 5);
  this->open();
  ReaderHarness reader(*this->source_);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(this->read(reader, 5).ok());
  ASSERT_TRUE(wait_until([&] { return *reader.poll() != SourceReader::Poll::kBatch; }));
  const int wakes = reader.wakes;
  this->write(1, 5, 9);
  if (TypeParam::kWakes) {
    EXPECT_TRUE(wait_until([&] { return reader.wakes > wakes; }));
  }
  ASSERT_TRUE(this->read(reader, 9).ok());
}

TYPED_TEST_P(SourceConformance, ProgressEndsWithoutLag) {
  this->write(0, 0, 30);
  this->write(1, 30, 40);
  this->open();
  ReaderHarness reader(*this->source_, 8);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(wait_until([&] { return reader.poll().ok() && !reader.rows.empty(); }));
  std::int64_t before = 0;
  for (const SplitProgress& each : reader.reader->progress()) before += each.position;
  ASSERT_TRUE(this->read(reader, 40).ok());
  const std::vector<SplitProgress> all = reader.reader->progress();
  ASSERT_EQ(all.size(), 2U);
  std::int64_t after = 0;
  for (const SplitProgress& each : all) {
    EXPECT_GE(each.position, 0);
    EXPECT_GE(each.end, each.position);
    EXPECT_EQ(each.lag(), 0);
    after += each.position;
  }
  EXPECT_GT(after, before);
}

REGISTER_TYPED_TEST_SUITE_P(SourceConformance, EveryRowComesOnceInTheOrderOfItsSplit,
                            EverySplitIsAnnouncedBeforeItsFirstRow,
                            ASnapshotGoesOnWhereItStoodWithOtherReaders,
                            APausedSplitGivesNothingUntilItIsResumed,
                            ABodyThatIsNoRowFailsTheJobWithItsPlaceOrIsSkipped,
                            ABodyThatIsNoRowIsADeadLetterWithItsOrigin, RowsThatComeLaterAreRead,
                            ProgressEndsWithoutLag);

}  // namespace slipstream::testing
