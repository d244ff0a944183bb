#include "flow/operators/window.h"

#include <limits>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using slipstream::testing::Texts;
using testing::folded;
using testing::OperatorHarness;
using Rows = std::vector<std::string>;

AggregateCallSpec call(const char* name, std::vector<std::size_t> args, std::vector<Type> types) {
  AggregateCallSpec spec;
  spec.function = expr::find_aggregate(name);
  CHECK(spec.function != nullptr);
  const auto signature = spec.function->resolve(types);
  CHECK(signature.ok());
  spec.args = std::move(args);
  spec.arg_types = signature->args;
  spec.result = signature->result;
  return spec;
}

// (ts TIMESTAMP(3), k STRING, v BIGINT) -> k, COUNT(*), SUM(v), MAX(k), window_start, window_end
WindowAggregateSpec spec_of(WindowKind kind, std::int64_t size_ms, std::int64_t slide_ms = 0) {
  WindowAggregateSpec spec;
  spec.window.kind = kind;
  spec.window.time_type = Type::timestamp(3);
  spec.window.size_ms = size_ms;
  spec.window.slide_ms = slide_ms;
  spec.input = Schema({{"ts", Type::timestamp(3)}, {"k", Type::string()}, {"v", Type::bigint()}});
  spec.keys = {1};
  spec.calls = {call("COUNT", {}, {}), call("SUM", {2}, {Type::bigint()})};
  spec.outputs = {WindowColumn::kStart, WindowColumn::kEnd};
  return spec;
}

OperatorHarness harness_of(const WindowAggregateSpec& spec, std::uint32_t parallelism = 1,
                           std::size_t batch_rows = 4096) {
  return OperatorHarness([spec] { return make_window_aggregate(spec); }, {spec.keys},
                         {parallelism, batch_rows, 1, nullptr});
}

Batch rows(const std::vector<std::int64_t>& ms, Texts k, Texts v, std::vector<RowKind> kinds = {},
           const Type& type = Type::timestamp(3)) {
  ColumnBuilder time(type);
  for (const std::int64_t value : ms) time.append<std::int64_t>(value * 1000);
  return batch_of({time.finish(), column_of(Type::string(), k), column_of(Type::bigint(), v)},
                  std::move(kinds));
}

std::string second(int n) { return "1970-01-01 00:00:0" + std::to_string(n) + ".000"; }

TEST(WindowAggregate, TumbleFiresWhenTheWatermarkReachesTheLastMillisecond) {
  auto harness = harness_of(spec_of(WindowKind::kTumble, 1000));
  harness.push(0, rows({0, 999, 1000, 500}, {"a", "a", "a", "b"}, {"1", "2", "4", "8"}));
  harness.advance(998);
  EXPECT_TRUE(harness.take_rows().empty());
  harness.advance(999);
  EXPECT_EQ(harness.take_sorted_rows(),
            (Rows{"+I(a, 2, 3, " + second(0) + ", " + second(1) + ")",
                  "+I(b, 1, 8, " + second(0) + ", " + second(1) + ")"}));
  harness.advance(kMaxWatermark);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 1, 4, " + second(1) + ", " + second(2) + ")"}));
  EXPECT_EQ(harness.take_watermarks(), (std::vector<EventTime>{998, 999, kMaxWatermark}));
}

TEST(WindowAggregate, NegativeTimesAndOffsetsRoundDown) {
  WindowAggregateSpec spec = spec_of(WindowKind::kTumble, 1000);
  spec.window.offset_ms = 100;
  auto harness = harness_of(spec);
  harness.push(0, rows({-1, 99, 100}, {"a", "a", "a"}, {"1", "2", "4"}));
  harness.advance(99);
  EXPECT_EQ(harness.take_rows(),
            (Rows{"+I(a, 2, 3, 1969-12-31 23:59:59.100, 1970-01-01 00:00:00.100)"}));
}

// finding 14
TEST(Windows, ATimeWhoseWindowHasNoBoundsIsAnError) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  const auto row = [](std::int64_t micros) {
    ColumnBuilder time(Type::timestamp(3));
    time.append<std::int64_t>(micros);
    return batch_of(
        {time.finish(), column_of(Type::string(), {"a"}), column_of(Type::bigint(), {"1"})});
  };
  for (const WindowKind kind : {WindowKind::kTumble, WindowKind::kHop, WindowKind::kCumulate}) {
    const WindowAggregateSpec spec = spec_of(kind, 10'000, 5'000);
    for (const std::int64_t micros : {kMost, kLeast, kMost - 1'000'000, kLeast + 1}) {
      auto aggregate = harness_of(spec);
      aggregate.push(0, row(micros));
      EXPECT_EQ(aggregate.failure().ok(), false) << micros;
      OperatorHarness assign([&] { return make_window_assign({spec.window}); }, {{}}, {});
      assign.push(0, row(micros));
      ASSERT_EQ(assign.failure().ok(), false) << micros;
      EXPECT_EQ(assign.failure().error().code, ErrorCode::kDataError);
    }
    // the year 290000 is far, and has windows
    OperatorHarness assign([&] { return make_window_assign({spec.window}); }, {{}}, {});
    assign.push(0, row(9'089'000'000'000'000'000));
    EXPECT_TRUE(assign.failure().ok()) << assign.failure().to_string();
  }
}

TEST(WindowAggregate, LateRowsAreCountedAndGoToTheSideAlsoAfterARestart) {
  WindowAggregateSpec spec = spec_of(WindowKind::kTumble, 1000);
  spec.emit_late = true;
  auto harness = harness_of(spec);
  harness.push(0, rows({500}, {"a"}, {"1"}));
  harness.advance(1200);
  harness.take_rows();
  harness.push(0, rows({1100, 999, 1300}, {"a", "a", "a"}, {"1", "2", "4"}));
  EXPECT_EQ(harness.take_side_rows(), (Rows{"+I(1970-01-01 00:00:00.999, a, 2)"}));
  EXPECT_EQ(harness.metric("late_rows_total"), 1);
  harness.restart(harness.save(), 2);
  EXPECT_EQ(harness.metric("late_rows_total"), 1) << "the count is state";
  harness.push(0, rows({0, 1400}, {"a", "a"}, {"8", "16"}));
  EXPECT_EQ(harness.metric("late_rows_total"), 2) << "no purged window reopens";
  harness.advance(kMaxWatermark);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 3, 21, " + second(1) + ", " + second(2) + ")"}));
}

// Instances receive a watermark one after the other; a checkpoint may fall between.
TEST(WindowAggregate, AnInstanceThatTakesOverFiresWhatOnlySomeHadFired) {
  for (const WindowKind kind : {WindowKind::kTumble, WindowKind::kHop}) {
    const WindowAggregateSpec spec = spec_of(kind, 2000, kind == WindowKind::kHop ? 1000 : 0);
    auto harness = harness_of(spec, 2);
    harness.push(0, rows({500, 500, 500, 500, 500, 500}, {"a", "b", "c", "d", "e", "f"},
                         {"1", "1", "1", "1", "1", "1"}));
    const testing::SavedState before = harness.save();
    harness.advance(kMaxWatermark);
    const Rows expected = harness.take_sorted_rows();
    // Instance 0 fires, instance 1 has not received it yet.
    testing::SavedState mixed;
    testing::SavedState lone;
    for (const auto& section : before.sections)
      (section.subtask == 0 ? lone : mixed).sections.push_back(section);
    harness.restart(lone, 2);
    harness.advance(1999);
    Rows seen = harness.take_rows();
    EXPECT_FALSE(seen.empty());
    for (const auto& section : harness.save().sections) {
      if (section.subtask == 0) mixed.sections.push_back(section);
    }
    harness.restart(mixed, 1);
    harness.advance(kMaxWatermark);
    for (std::string& row : harness.take_rows()) seen.push_back(std::move(row));
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, expected);
  }
}

TEST(WindowAggregate, HopCountsARowInEveryOpenWindow) {
  auto harness = harness_of(spec_of(WindowKind::kHop, 3000, 1000));
  harness.push(0, rows({500, 2500}, {"a", "a"}, {"1", "2"}));
  harness.advance(1999);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 1, 1, 1969-12-31 23:59:58.000, " + second(1) + ")",
                                       "+I(a, 1, 1, 1969-12-31 23:59:59.000, " + second(2) + ")"}));
  harness.push(0, rows({700}, {"a"}, {"4"}));
  EXPECT_EQ(harness.metric("late_rows_total"), 0) << "late for two windows, in time for the third";
  harness.advance(kMaxWatermark);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 3, 7, " + second(0) + ", " + second(3) + ")",
                                       "+I(a, 1, 2, " + second(1) + ", " + second(4) + ")",
                                       "+I(a, 1, 2, " + second(2) + ", " + second(5) + ")"}));
}

TEST(WindowAggregate, CumulateGrowsByItsStep) {
  auto harness = harness_of(spec_of(WindowKind::kCumulate, 3000, 1000));
  harness.push(0, rows({500, 2500, 3000}, {"a", "a", "a"}, {"1", "2", "4"}));
  harness.advance(2999);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 1, 1, " + second(0) + ", " + second(1) + ")",
                                       "+I(a, 1, 1, " + second(0) + ", " + second(2) + ")",
                                       "+I(a, 2, 3, " + second(0) + ", " + second(3) + ")"}));
}

TEST(WindowAggregate, DistinctAndExtremesOverPanesAndUpdatingInput) {
  WindowAggregateSpec spec = spec_of(WindowKind::kHop, 2000, 1000);
  spec.calls = {call("COUNT", {2}, {Type::bigint()}), call("MAX", {2}, {Type::bigint()}),
                call("MIN", {1}, {Type::string()})};
  spec.calls[0].distinct = true;
  spec.updating_input = true;
  spec.outputs = {WindowColumn::kTime};
  auto harness = harness_of(spec);
  const std::string key = "a key that is long";
  harness.push(0, rows({100, 1100, 1200, 1300}, {key, key, key, key}, {"5", "5", "9", "9"}));
  harness.push(
      0, rows({1200, 1300}, {key, key}, {"9", "9"}, {RowKind::kDelete, RowKind::kUpdateBefore}));
  harness.advance(2999);
  const std::string result = "+I(" + key + ", 1, 5, " + key + ", 1970-01-01 00:00:0";
  EXPECT_EQ(harness.take_rows(), (Rows{result + "0.999)", result + "1.999)", result + "2.999)"}));
  EXPECT_TRUE(harness.failure().ok());
}

TEST(WindowAggregate, AttachedWindowsAreThoseOfTheRows) {
  WindowAggregateSpec spec = spec_of(WindowKind::kTumble, 1);
  spec.input =
      Schema({{"s", Type::timestamp(3)}, {"e", Type::timestamp(3)}, {"k", Type::string()}});
  spec.keys = {2};
  spec.calls = {call("COUNT", {}, {})};
  spec.attached = WindowAggregateSpec::Attached{0, 1};
  auto harness = harness_of(spec);
  const auto stamps = [](Texts texts) { return column_of(Type::timestamp(3), texts); };
  harness.push(
      0, batch_of({stamps({"1970-01-01 00:00:00", "1970-01-01 00:00:01", "1970-01-01 00:00:00"}),
                   stamps({"1970-01-01 00:00:02", "1970-01-01 00:00:03", "1970-01-01 00:00:02"}),
                   column_of(Type::string(), {"a", "a", "a"})}));
  harness.advance(1999);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 2, " + second(0) + ", " + second(2) + ")"}));
  harness.advance(2999);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 1, " + second(1) + ", " + second(3) + ")"}));
}

TEST(WindowAggregate, DayWindowsOfASessionZoneFollowItsClock) {
  WindowAggregateSpec spec = spec_of(WindowKind::kTumble, 24 * 3'600'000);
  spec.window.time_type = Type::timestamp_ltz(3);
  spec.window.time_zone = "America/New_York";
  spec.input =
      Schema({{"ts", Type::timestamp_ltz(3)}, {"k", Type::string()}, {"v", Type::bigint()}});
  spec.outputs = {WindowColumn::kStart, WindowColumn::kEnd, WindowColumn::kTime};
  auto harness = harness_of(spec);
  // 2024-03-10 in New York begins at 05:00 UTC, ends at 04:00 UTC of the 11th: 23 hours.
  const std::int64_t begin = 1710046800000;
  const std::int64_t end = begin + 23 * 3'600'000;
  harness.push(0, rows({begin - 1, begin, end - 1, end}, {"a", "a", "a", "a"}, {"1", "2", "4", "8"},
                       {}, Type::timestamp_ltz(3)));
  harness.advance(end - 2);
  EXPECT_EQ(harness.take_rows().size(), 1U);
  harness.advance(end - 1);
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 2, 6, 2024-03-10 00:00:00.000, 2024-03-11 "
                                       "00:00:00.000, 2024-03-11 03:59:59.999)"}));
}

TEST(WindowAggregate, AnHourThatComesTwiceIsOneWindow) {
  WindowAggregateSpec spec = spec_of(WindowKind::kTumble, 3'600'000);
  spec.window.time_type = Type::timestamp_ltz(3);
  spec.window.time_zone = "America/New_York";
  spec.input =
      Schema({{"ts", Type::timestamp_ltz(3)}, {"k", Type::string()}, {"v", Type::bigint()}});
  auto harness = harness_of(spec);
  const std::int64_t first = 1730610000000;  // 2024-11-03 01:00 EDT; an hour later it is 01:00 EST
  harness.push(0, rows({first}, {"a"}, {"1"}, {}, Type::timestamp_ltz(3)));
  harness.advance(first + 3'600'000);
  EXPECT_TRUE(harness.take_rows().empty());
  harness.push(0, rows({first + 3'600'000}, {"a"}, {"2"}, {}, Type::timestamp_ltz(3)));
  harness.advance(first + 2 * 3'600'000 - 1);
  EXPECT_EQ(harness.take_rows(),
            (Rows{"+I(a, 2, 3, 2024-11-03 01:00:00.000, 2024-11-03 02:00:00.000)"}));
}

TEST(WindowAggregate, ManyGroupsAreEmittedInBatchesThatFit) {
  auto harness = harness_of(spec_of(WindowKind::kTumble, 1000), 1, 10);
  for (int i = 0; i < 95; ++i) harness.push(0, rows({i}, {std::to_string(i)}, {"1"}));
  harness.advance(999);
  const auto batches = harness.take_batches();
  EXPECT_EQ(batches.size(), 10U);
  for (const Batch& batch : batches) EXPECT_LE(batch.rows(), 10U);
  EXPECT_GE(harness.resumes(), 9U);
  EXPECT_EQ(harness.take_watermarks(), std::vector<EventTime>{999});
}

TEST(WindowAggregate, RefusesSizesThatDoNotFit) {
  EXPECT_EQ(harness_of(spec_of(WindowKind::kHop, 1000, 300)).failure().error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(harness_of(spec_of(WindowKind::kTumble, 0)).failure().error().code,
            ErrorCode::kInvalidArgument);
}

TEST(WindowAggregate, MatchesAModelHoweverItIsCutAndRestarted) {
  Rows results[3];
  std::map<std::pair<std::int64_t, std::string>, std::pair<int, std::int64_t>> model;
  int variant = 0;
  for (const std::size_t batch_rows : {1U, 7U, 4096U}) {
    std::mt19937 random(2);
    auto harness = harness_of(spec_of(WindowKind::kHop, 4000, 1000), 1, batch_rows);
    model.clear();
    for (int round = 0; round < 20; ++round) {
      std::vector<std::int64_t> ms;
      Texts k, v;
      for (int i = 0; i < 50; ++i) {
        const std::int64_t at = round * 500 + static_cast<std::int64_t>(random() % 1500);
        const std::int64_t value = static_cast<std::int64_t>(random() % 100);
        ms.push_back(at);
        k.push_back("some key " + std::to_string(random() % 20));
        v.push_back(std::to_string(value));
        for (std::int64_t start = at / 1000 * 1000; start > at - 4000; start -= 1000) {
          auto& cell = model[{start, *k.back()}];
          ++cell.first;
          cell.second += value;
        }
      }
      harness.push(0, rows(ms, k, v));
      harness.advance(round * 500 - 1);
      const auto some = harness.take_rows();
      results[variant].insert(results[variant].end(), some.begin(), some.end());
      harness.checkpoint();
      if (round % 5 == 4)
        harness.restart_from_checkpoint(1 + static_cast<std::uint32_t>(round) % 3);
    }
    harness.advance(kMaxWatermark);
    const auto rest = harness.take_rows();
    results[variant].insert(results[variant].end(), rest.begin(), rest.end());
    ASSERT_TRUE(harness.failure().ok()) << harness.failure().to_string();
    EXPECT_GT(harness.additions(), 4U);
    std::sort(results[variant].begin(), results[variant].end());
    ++variant;
  }
  EXPECT_EQ(results[0].size(), model.size());
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
  std::int64_t rows_counted = 0;
  for (const auto& [at, cell] : model) {
    const std::string begin = "+I(" + at.second + ", " + std::to_string(cell.first) + ", " +
                              std::to_string(cell.second) + ", ";
    rows_counted +=
        std::count_if(results[0].begin(), results[0].end(),
                      [&](const std::string& row) { return row.starts_with(begin); }) > 0;
  }
  EXPECT_EQ(rows_counted, static_cast<std::int64_t>(model.size()));
}

TEST(WindowAssign, AddsColumnsAndMultipliesRows) {
  WindowAssignSpec spec;
  spec.window = spec_of(WindowKind::kHop, 2000, 1000).window;
  OperatorHarness harness([&] { return make_window_assign(spec); }, {{}}, {1, 3, 1, nullptr});
  harness.push(0, rows({500, 1500}, {"a", "b"}, {"1", "2"}, {RowKind::kInsert, RowKind::kDelete}));
  EXPECT_EQ(harness.take_rows(),
            (Rows{"+I(1970-01-01 00:00:00.500, a, 1, 1969-12-31 23:59:59.000, " + second(1) +
                      ", 1970-01-01 00:00:00.999)",
                  "+I(1970-01-01 00:00:00.500, a, 1, " + second(0) + ", " + second(2) +
                      ", 1970-01-01 00:00:01.999)",
                  "-D(1970-01-01 00:00:01.500, b, 2, " + second(0) + ", " + second(2) +
                      ", 1970-01-01 00:00:01.999)",
                  "-D(1970-01-01 00:00:01.500, b, 2, " + second(1) + ", " + second(3) +
                      ", 1970-01-01 00:00:02.999)"}));
}

}  // namespace
}  // namespace slipstream::flow
