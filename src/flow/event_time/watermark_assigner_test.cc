#include "flow/event_time/watermark_assigner.h"

#include <gtest/gtest.h>

#include "expr/expr.h"
#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using testing::OperatorHarness;
using Marks = std::vector<EventTime>;

class WatermarkAssignerTest : public ::testing::Test {
 protected:
  WatermarkAssignerTest() {
    spec_.watermark = expr::column(0, Type::timestamp(3), "ts");
    spec_.eval.wall_micros = [] { return std::int64_t{0}; };
  }

  OperatorHarness& harness() {
    if (!harness_) {
      harness_ = std::make_unique<OperatorHarness>(
          [this] { return make_watermark_assigner(spec_); },
          std::vector<std::vector<std::size_t>>{{}}, OperatorHarness::Options{});
    }
    return *harness_;
  }
  // Rows of (split, milliseconds), then events.
  Marks push(const std::vector<std::pair<std::uint32_t, std::int64_t>>& rows,
             std::vector<SplitEvent> events = {}) {
    ColumnBuilder builder(Type::timestamp(3));
    std::vector<SplitRun> runs;
    for (const auto& [split, ms] : rows) {
      runs.push_back({split, static_cast<std::uint32_t>(builder.size())});
      builder.append<std::int64_t>(ms * 1000);
    }
    harness().push_from_source(
        {Batch(rows.size(), {builder.finish()}), std::move(runs), std::move(events)});
    return harness().take_watermarks();
  }
  Marks at(std::int64_t wall_ms) {
    harness().set_now(wall_ms);
    return harness().take_watermarks();
  }

  using SplitLists = std::vector<std::vector<std::uint32_t>>;
  const SplitLists& read_orders() { return harness().read_orders(); }

  WatermarkAssignerSpec spec_;
  std::unique_ptr<OperatorHarness> harness_;
};

TEST_F(WatermarkAssignerTest, MinimumOverSplitsNeverGoesBack) {
  EXPECT_EQ(push({}, {{0, SplitAdded{}}, {1, SplitAdded{}}}), Marks{});
  EXPECT_EQ(push({{0, 100}, {0, 90}}), Marks{}) << "split 1 is not known yet";
  EXPECT_EQ(push({{1, 50}}), Marks{50});
  EXPECT_EQ(push({{1, 300}}), Marks{100});
  EXPECT_EQ(push({{0, 20}, {1, 10}}), Marks{});
  EXPECT_EQ(harness().take_batches().size(), 4U);
}

TEST_F(WatermarkAssignerTest, AProofCountsOnlyForBatchesBeforeItAndAfterTheGraceTime) {
  push({}, {{0, SplitAdded{}}, {1, SplitAdded{}}});
  EXPECT_EQ(push({{0, 100}}, {{1, SplitIdle{}}}), Marks{}) << "not empty for long enough";
  EXPECT_EQ(push({{0, 200}}), Marks{});
  EXPECT_EQ(at(999), Marks{});
  EXPECT_EQ(at(1000), Marks{100}) << "200 came after the proof was asked for";
  EXPECT_EQ(push({{0, 300}}, {{1, SplitIdle{}}}), Marks{300})
      << "a renewed proof keeps its grace time";
  EXPECT_EQ(push({{0, 400}}), Marks{});
  EXPECT_EQ(push({{1, 310}}), Marks{310}) << "back with its first message";
  EXPECT_EQ(push({}, {{1, SplitEnded{}}}), Marks{400});
}

TEST_F(WatermarkAssignerTest, WhenAllAreEmptyTheGreatestCountsInAnyOrderOfProofs) {
  spec_.empty_grace_ms = 0;
  push({{0, 100}, {1, 50}});
  EXPECT_EQ(push({}, {{0, SplitIdle{}}}), Marks{});
  EXPECT_FALSE(harness().idle());
  EXPECT_EQ(push({}, {{1, SplitIdle{}}}), Marks{100});
  EXPECT_TRUE(harness().idle());
  EXPECT_EQ(push({{0, 120}}), Marks{}) << "the proof of split 1 is older than this batch";
  EXPECT_EQ(push({}, {{1, SplitActive{}}}), Marks{});
  EXPECT_FALSE(harness().idle());
}

TEST_F(WatermarkAssignerTest, OlderProofsOfSeveralSplitsAreComparedAtTheirPoints) {
  spec_.empty_grace_ms = 0;
  push({{0, 100}, {1, 10}, {2, 20}}, {{1, SplitIdle{}}});
  EXPECT_EQ(harness().take_watermarks(), Marks{});
  EXPECT_EQ(push({{0, 200}}, {{2, SplitIdle{}}}), Marks{100})
      << "for the first batch both are proven empty, for the second only split 2";
}

TEST_F(WatermarkAssignerTest, SendsForWhichMomentItIsIdleAndItsWatermarksHold) {
  spec_.empty_grace_ms = 0;
  harness().set_now(40);
  EXPECT_EQ(push({{0, 100}, {1, 50}}), Marks{50});
  EXPECT_EQ(harness().as_of_ms(), 40);
  push({}, {{0, SplitIdle{{.asked_ms = 41}}}});
  EXPECT_EQ(harness().idle_ms(), std::nullopt);
  harness().set_now(60);
  EXPECT_EQ(push({}, {{1, SplitIdle{{.asked_ms = 44}}}}), Marks{100});
  EXPECT_EQ(harness().as_of_ms(), 60);
  EXPECT_EQ(harness().idle_ms(), 41) << "the oldest of the newest proofs";
  push({}, {{0, SplitIdle{{.asked_ms = 70}}}});
  EXPECT_EQ(harness().idle_ms(), 44);
  push({}, {{1, SplitIdle{}}});
  EXPECT_EQ(harness().idle_ms(), 70) << "the source itself says that split 1 is idle";
  push({}, {{0, SplitEnded{}}});
  EXPECT_EQ(harness().idle_ms(), kAlwaysIdle);
}

TEST_F(WatermarkAssignerTest, ASplitThatTimedOutIsNotProvenAnyMore) {
  spec_.empty_grace_ms = 0;
  spec_.idle_timeout_ms = 500;
  push({{0, 100}});
  harness().set_now(500);
  EXPECT_EQ(harness().idle_ms(), kAlwaysIdle);
  push({}, {{0, SplitIdle{{.asked_ms = 510}}}});
  EXPECT_EQ(harness().idle_ms(), 510);
}

TEST_F(WatermarkAssignerTest, IngestionTimeTakesTheClockOfThePeer) {
  spec_.ingestion_time = true;
  push({{0, 100}, {1, 50}});
  EXPECT_EQ(push({}, {{1, SplitIdle{{.peer_time_ms = 81}}}}), Marks{80});
}

TEST_F(WatermarkAssignerTest, IdleTimeoutLeavesOutASilentSplit) {
  spec_.idle_timeout_ms = 500;
  push({{0, 100}, {1, 50}});
  harness().take_watermarks();
  harness().set_now(400);
  push({{0, 150}});
  EXPECT_EQ(at(500), Marks{150});
}

TEST_F(WatermarkAssignerTest, NamesSplitsThatAreTooFarAhead) {
  spec_.max_drift_ms = 100;
  push({{0, 100}, {1, 201}, {2, 150}});
  EXPECT_EQ(harness().pauses(), (SplitLists{{1}}));
  push({{2, 160}});
  EXPECT_EQ(harness().pauses().size(), 1U);
  push({{0, 110}});
  EXPECT_EQ(harness().pauses(), (SplitLists{{1}, {}}));
}

TEST_F(WatermarkAssignerTest, GivesNoOrderWhileSplitsAreClose) {
  for (std::int64_t step = 1; step <= 100; ++step) {
    harness().set_now(step * 1'000);
    push({{0, step * 500}, {1, step * 500 + 900}});
  }
  EXPECT_EQ(read_orders(), SplitLists{});
}

TEST_F(WatermarkAssignerTest, ReadsTheSplitThatIsBehindFirstUntilItHasOvertaken) {
  harness().set_now(1'000);
  push({{0, 0}, {1, 5'000}, {2, 2'000}});
  EXPECT_EQ(read_orders(), (SplitLists{{0, 2, 1}}));
  harness().set_now(2'000);
  push({{0, 2'900}});
  EXPECT_EQ(read_orders().size(), 1U) << "less than a second ahead of split 2";
  harness().set_now(3'000);
  push({{0, 3'100}});
  EXPECT_EQ(read_orders(), (SplitLists{{0, 2, 1}, {2, 0, 1}}));
  harness().set_now(4'000);
  push({{0, 4'700}, {2, 4'800}});
  EXPECT_EQ(read_orders().size(), 3U);
  EXPECT_EQ(read_orders().back(), std::vector<std::uint32_t>{}) << "all are alike again";
  harness().set_now(5'000);
  push({{1, 5'500}});
  EXPECT_EQ(read_orders().size(), 3U);
}

TEST_F(WatermarkAssignerTest, ATenthOfASmallDriftLimitIsEnoughForAnOrder) {
  spec_.max_drift_ms = 1'000;
  harness().set_now(1'000);
  push({{0, 0}, {1, 101}});
  EXPECT_EQ(read_orders(), (SplitLists{{0, 1}}));
  EXPECT_EQ(harness().pauses(), SplitLists{});
}

TEST_F(WatermarkAssignerTest, AnOrderIsNotGivenWithEveryBatch) {
  harness().set_now(1'000);
  push({{0, 0}, {1, 5'000}});
  ASSERT_EQ(read_orders().size(), 1U);
  for (std::int64_t step = 1; step <= 100; ++step) push({{step % 2, 5'000 * step}});
  EXPECT_EQ(read_orders().size(), 1U) << "the clock stands still";
  harness().set_now(1'002);
  push({});
  EXPECT_EQ(read_orders(), (SplitLists{{0, 1}, {1, 0}}));
}

// Named by its last rows it might come behind all others when it has something again.
TEST_F(WatermarkAssignerTest, ASplitThatIsLeftOutIsNotNamed) {
  spec_.empty_grace_ms = 0;
  harness().set_now(1'000);
  push({{0, 0}, {1, 5'000}, {2, 9'000}}, {{2, SplitIdle{}}});
  EXPECT_EQ(read_orders(), (SplitLists{{0, 1}}));
  harness().set_now(2'000);
  push({}, {{2, SplitActive{}}});
  EXPECT_EQ(read_orders(), (SplitLists{{0, 1}, {0, 1, 2}}));
  harness().set_now(3'000);
  push({}, {{1, SplitEnded{}}, {2, SplitEnded{}}});
  EXPECT_EQ(read_orders().back(), std::vector<std::uint32_t>{}) << "one split has no rival";
}

TEST_F(WatermarkAssignerTest, ASplitWithoutRowsIsTheFirst) {
  harness().set_now(1'000);
  push({{1, 5'000}}, {{0, SplitAdded{}}, {1, SplitAdded{}}});
  EXPECT_EQ(read_orders(), (SplitLists{{0, 1}}));
}

TEST_F(WatermarkAssignerTest, NullRowtimeIsAnError) {
  harness().push(0, batch_of({column_of(Type::timestamp(3), {std::nullopt})}));
  EXPECT_EQ(harness().failure().error().code, ErrorCode::kDataError);
}

TEST_F(WatermarkAssignerTest, ScriptedWatermarksAndEndOfInput) {
  EXPECT_EQ(push({}, {{0, SplitAdded{}}, {0, SplitWatermark{77}}}), Marks{77});
  harness().advance(50);
  EXPECT_EQ(harness().take_watermarks(), Marks{})
      << "watermarks from above are not the source's event time";
  harness().advance(kMaxWatermark);
  EXPECT_EQ(harness().take_watermarks(), Marks{kMaxWatermark});
}

TEST_F(WatermarkAssignerTest, RestoresTheLastWatermark) {
  push({{0, 100}});
  const auto state = harness().save();
  harness().take_watermarks();
  harness().restart(state, 1);
  EXPECT_EQ(push({}, {{0, SplitAdded{}}, {1, SplitAdded{}}}), Marks{});
  EXPECT_EQ(push({{0, 150}, {1, 120}}), Marks{120});
  EXPECT_TRUE(harness().failure().ok());
}

TEST_F(WatermarkAssignerTest, AfterARestoreSplitsWithoutNewRowsStandWhereTheyWere) {
  spec_.empty_grace_ms = 0;
  push({{0, 100}, {1, 300}});
  const auto state = harness().save();
  harness().restart(state, 1);
  harness().take_watermarks();
  const auto again = harness().save();  // before any split was added
  harness().restart(again, 1);
  harness().take_watermarks();
  EXPECT_EQ(push({}, {{0, SplitAdded{}}, {1, SplitAdded{}}}), Marks{});
  EXPECT_EQ(push({}, {{1, SplitIdle{}}}), Marks{}) << "split 0 still holds it";
  EXPECT_EQ(push({}, {{0, SplitIdle{}}}), Marks{300});
  EXPECT_TRUE(harness().idle());
}

}  // namespace
}  // namespace slipstream::flow
