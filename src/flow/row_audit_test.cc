#include "flow/row_audit.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "flow/job.h"
#include "flow/testing/script_nodes.h"

namespace slipstream::flow {
namespace {

using namespace script;
using Verdict = RowFinding::Verdict;

constexpr std::int64_t kMinuteMs = 60'000;

Batch batch_of(const std::vector<std::int64_t>& values, std::vector<RowKind> kinds = {}) {
  ColumnBuilder numbers(Type::bigint());
  for (const std::int64_t value : values) numbers.append(value);
  Batch batch(values.size(), {numbers.finish()});
  if (!kinds.empty()) batch.set_kinds(std::move(kinds));
  return batch;
}

RowTally tally_of(const std::vector<Batch>& batches) {
  RowTally tally;
  for (const Batch& batch : batches) tally.add_hashes(batch);
  return tally;
}

TEST(RowTally, SeesOtherRowsAndOtherKindsInAnyOrder) {
  const RowTally all = tally_of({batch_of({1, 2, 2, 3})});
  EXPECT_EQ(all, tally_of({batch_of({3, 2}), Batch(), batch_of({2, 1})}));
  EXPECT_NE(all, tally_of({batch_of({1, 2, 3, 3})}));
  EXPECT_NE(all, tally_of({batch_of({1, 2, 4, 3})}));
  const std::vector<RowKind> inserts(2, RowKind::kInsert);
  EXPECT_EQ(tally_of({batch_of({7, 8}, inserts)}), tally_of({batch_of({7, 8})}));
  EXPECT_NE(tally_of({batch_of({7, 8}, {RowKind::kInsert, RowKind::kDelete})}),
            tally_of({batch_of({7, 8}, {RowKind::kDelete, RowKind::kInsert})}));
}

// numbers -> filter -> sum (by key) -> audit; the filter also -> copies (to all of 3 tasks).
class RowAuditTest : public ::testing::Test {
 protected:
  RowAuditTest() {
    const NodeId numbers = graph_.add(source_node(nullptr));
    const NodeId filter = graph_.add(operator_node(numbers, "filter", nullptr));
    const NodeId sum = graph_.add(sum_node(filter, 1));
    graph_.add(operator_node(filter, "copies", nullptr));
    graph_.nodes.back().inputs.front().partitioning = Partitioning::kBroadcast;
    graph_.add(sink_node(sum, std::make_shared<AuditSink>(AuditSinkOptions{})));
    audit_.emplace(graph_, RowAudit::Options{{1, 1, 2, 3, 2}, false, kStartMs});
    audit_->begin_attempt();
  }

  static std::vector<RowTally> rows(std::int64_t count) { return {{count, 0, 0}}; }
  // `lost` rows of the edge to the sum.
  void checkpoint(CheckpointId id, std::int64_t at_ms, std::int64_t read, std::int64_t lost = 0) {
    const std::int64_t passed = read / 2;
    audit_->add(id, graph_.nodes[0], {{}, rows(read), 0, RowLaw::kNone});
    audit_->add(id, graph_.nodes[1], {rows(read), rows(passed), 0, RowLaw::kAtMost});
    for (int task = 0; task < 3; ++task)
      audit_->add(id, graph_.nodes[3], {rows(passed), rows(passed), 0, RowLaw::kEach});
    audit_->add(id, graph_.nodes[2], {rows(passed - 7 - lost), rows(1), 3, RowLaw::kNone});
    audit_->add(id, graph_.nodes[2], {rows(7), rows(0), 0, RowLaw::kNone});
    audit_->add(id, graph_.nodes[4], {rows(1), rows(0), 0, RowLaw::kNone});
    audit_->completed(id, at_ms);
  }
  static std::vector<std::string> wrong(const RowAudit::Span& span) {
    std::vector<std::string> names;
    for (const RowFinding& found : span.findings) {
      if (found.is_wrong()) names.push_back(found.name + " " + std::to_string(found.missing));
    }
    return names;
  }

  static constexpr std::int64_t kStartMs = 100 * kMinuteMs;
  Graph graph_;
  std::optional<RowAudit> audit_;
};

TEST_F(RowAuditTest, AllThatWasEmittedWasTaken) {
  EXPECT_FALSE(audit_->report().has_value());
  checkpoint(5, kStartMs + 1'000, 100);
  const auto report = audit_->report();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->checkpoint, 5U);
  EXPECT_EQ(report->total.from_ms, kStartMs);
  EXPECT_EQ(report->total.to_ms, kStartMs + 1'000);
  EXPECT_TRUE(wrong(report->total).empty());
  std::vector<std::string> names;
  for (const RowFinding& found : report->total.findings) names.push_back(found.name);
  EXPECT_EQ(names, (std::vector<std::string>{"Numbers -> filter", "filter", "filter -> Sum", "Sum",
                                             "filter -> copies", "copies", "Sum -> Audit"}));
  EXPECT_EQ(report->total.findings[1].dropped, 50) << "what the filter refused";
  EXPECT_EQ(report->total.findings[3].dropped, 3) << "late rows";
  EXPECT_EQ(report->total.findings[3].verdict, Verdict::kNoLaw);
  EXPECT_EQ(report->total.findings[4].in, 150) << "each of 3 tasks has all 50";
}

TEST_F(RowAuditTest, WhatAnEdgeLosesIsNamedWithItsMinute) {
  checkpoint(1, kStartMs + 10'000, 100);
  checkpoint(2, kStartMs + 20'000, 200);
  checkpoint(3, kStartMs + kMinuteMs + 10'000, 300, 40);
  checkpoint(4, kStartMs + 2 * kMinuteMs, 400, 40);
  const auto report = audit_->report();
  EXPECT_EQ(wrong(report->total), (std::vector<std::string>{"filter -> Sum 40"}));
  ASSERT_EQ(report->minutes.size(), 3U);
  EXPECT_TRUE(wrong(report->minutes[0]).empty());
  EXPECT_EQ(report->minutes[0].findings[0].in, 200);
  EXPECT_EQ(wrong(report->minutes[1]), (std::vector<std::string>{"filter -> Sum 40"}));
  EXPECT_EQ(report->minutes[1].from_ms, kStartMs + 20'000);
  EXPECT_EQ(report->minutes[1].to_ms, kStartMs + kMinuteMs + 10'000);
  EXPECT_TRUE(wrong(report->minutes[2]).empty());
}

TEST_F(RowAuditTest, WhatAnAttemptReadsOnceMoreCountsOnce) {
  checkpoint(1, kStartMs, 100);
  audit_->add(2, graph_.nodes[0], {{}, rows(999), 0, RowLaw::kNone});  // never completed
  audit_->begin_attempt();
  audit_->completed(2, kStartMs);
  EXPECT_EQ(audit_->report()->checkpoint, 1U);
  checkpoint(3, kStartMs + 1'000, 60);
  const auto report = audit_->report();
  EXPECT_TRUE(wrong(report->total).empty());
  EXPECT_EQ(report->total.findings[0].in, 160);
}

TEST_F(RowAuditTest, ACheckpointThatWasGivenUpCountsForNothing) {
  audit_->add(1, graph_.nodes[0], {{}, rows(999), 0, RowLaw::kNone});
  audit_->add(2, graph_.nodes[0], {{}, rows(0), 0, RowLaw::kNone});
  audit_->add(1, graph_.nodes[1], {rows(999), rows(0), 0, RowLaw::kAtMost});
  audit_->completed(1, kStartMs);
  EXPECT_FALSE(audit_->report().has_value());
  audit_->completed(2, kStartMs);
  EXPECT_TRUE(wrong(audit_->report()->total).empty());
}

TEST_F(RowAuditTest, AnHourIsKept) {
  for (int minute = 0; minute < 70; ++minute)
    checkpoint(static_cast<CheckpointId>(minute) + 1, kStartMs + minute * kMinuteMs,
               100 * (minute + 1));
  const auto report = audit_->report();
  EXPECT_EQ(report->total.findings[0].in, 7'000) << "the total is of all";
  ASSERT_EQ(report->minutes.size(), RowAudit::kMinutesMax);
  EXPECT_EQ(report->minutes[0].findings[0].in, 100);
  EXPECT_EQ(report->minutes[0].from_ms, kStartMs + 9 * kMinuteMs);
}

TEST(RowAudit, ChecksumsSeeOtherRowsInPlaceOfLostOnes) {
  Graph graph;
  const NodeId numbers = graph.add(source_node(nullptr));
  graph.add(sink_node(numbers, std::make_shared<AuditSink>(AuditSinkOptions{})));
  graph.nodes[1].inputs.front().partitioning = Partitioning::kBroadcast;
  for (const std::uint32_t parallelism : {2U, 3U}) {
    RowAudit audit(graph, {{1, parallelism}, true, 0});
    RowTally right = tally_of({batch_of({1, 2})});
    right.rows = 2;
    RowTally wrong = tally_of({batch_of({1, 1})});
    wrong.rows = 2;
    for (const CheckpointId id : {1U, 2U}) {
      audit.add(id, graph.nodes[0], {{}, {right}, 0, RowLaw::kNone});
      for (std::uint32_t task = 0; task < parallelism; ++task)
        audit.add(id, graph.nodes[1], {{id == 2 && task == 0 ? wrong : right}, {}, 0, {}});
      audit.completed(id, 0);
      EXPECT_EQ(audit.report()->total.findings[0].verdict,
                id == 1 ? Verdict::kEqual : Verdict::kDifferent);
    }
  }
}

// Keeps its promise but for the batch with the row (0, `loses`).
class LossyCopy final : public Operator {
 public:
  explicit LossyCopy(std::int64_t loses) : loses_(loses) {}
  RowLaw row_law() const override { return RowLaw::kEach; }
  Status open(const OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      if (batch.column(0)->data<std::int64_t>()[row] == 0 &&
          batch.column(1)->data<std::int64_t>()[row] == loses_)
        return Progress::kDone;
    }
    out.emit(std::move(batch));
    return Progress::kDone;
  }

 private:
  const std::int64_t loses_;
};

// Numbers -> copy, by key -> Sum -> Audit.
Graph copying_graph(const NumbersOptions& numbers, std::int64_t loses,
                    const AuditSinkOptions& sink) {
  Graph graph;
  const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(numbers)));
  const NodeId copy = graph.add(
      operator_node(source, "copy", [loses] { return std::make_unique<LossyCopy>(loses); }));
  const NodeId sum = graph.add(sum_node(copy, 1'000));
  graph.add(sink_node(sum, std::make_shared<AuditSink>(sink)));
  return graph;
}

std::vector<std::string> wrong_in(const RowAudit::Span& span) {
  std::vector<std::string> names;
  for (const RowFinding& found : span.findings) {
    if (found.is_wrong())
      names.push_back((found.input ? "edge " : "operator ") + found.name + " " +
                      std::to_string(found.missing));
  }
  return names;
}

RowAudit::Report report_of(Graph graph, EngineOptions options) {
  auto job = Job::start(test_runtime(), std::move(graph), std::move(options), nullptr);
  EXPECT_TRUE(job.ok()) << job.status().to_string();
  const Status status = (*job)->wait();
  EXPECT_TRUE(status.ok()) << status.to_string();
  auto report = (*job)->audit()->report();
  EXPECT_TRUE(report.has_value());
  return report.value_or(RowAudit::Report{});
}

TEST(RowAudit, NamesTheOperatorThatLosesABatch) {
  for (const std::int64_t interval_ms : {10, 0}) {
    EngineOptions options;
    options.parallelism = 2;
    options.checkpoint_interval = std::chrono::milliseconds(interval_ms);
    const auto report = report_of(copying_graph({}, 500, {}), options);
    EXPECT_EQ(wrong_in(report.total), (std::vector<std::string>{"operator copy 10"}));
    EXPECT_EQ(report.total.findings[0].in, 2'000);
  }
}

TEST(RowAudit, AJobThatLosesNothingHasNoFindingOverRestartsAndWithChecksums) {
  for (const bool checksums : {false, true}) {
    AuditSinkOptions sink;
    NumbersOptions numbers;
    numbers.splits = 5;
    numbers.rows_per_checkpoint = 300;
    Graph graph = copying_graph(numbers, -1, sink);
    const auto rows_left = std::make_shared<std::atomic<std::int64_t>>(2'500);
    graph.nodes[1].make = [rows_left]() -> Result<std::unique_ptr<Operator>> {
      return std::unique_ptr<Operator>(std::make_unique<FailOnce>(
          rows_left, false, Error::retry(ErrorCode::kUnavailable, "once")));
    };
    EngineOptions options;
    options.parallelism = 3;
    options.checkpoint_interval = std::chrono::milliseconds(5);
    options.restart_delay = std::chrono::milliseconds(1);
    options.audit_checksums = checksums;
    const auto report = report_of(std::move(graph), options);
    EXPECT_TRUE(wrong_in(report.total).empty());
    for (const auto& minute : report.minutes) EXPECT_TRUE(wrong_in(minute).empty());
    EXPECT_EQ(report.checksums, checksums);
    EXPECT_EQ(report.total.findings[0].name, "Numbers -> copy");
    EXPECT_EQ(report.total.findings[0].in, 5'000) << "rows that were read once more count once";
    EXPECT_EQ(report.total.findings.back().out, 5'005) << "what the sink took";
  }
}

}  // namespace
}  // namespace slipstream::flow
