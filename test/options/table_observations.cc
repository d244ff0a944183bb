// What a table says of its event time: the operator that SQL plans for it, driven by hand.
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

#include "flow/testing/operator_harness.h"
#include "observation.h"
#include "sql/session.h"

namespace slipstream::test {
namespace {

using flow::testing::OperatorHarness;

// Where a query finds an option: in WITH, or in a hint that replaces what WITH says.
enum class Given { kInTable, kInHint };

// The watermarks of a table with two splits, and how its splits are held back.
class EventTimeOfTable {
 public:
  EventTimeOfTable(const OptionMap& options, Given given)
      : graph_(planned(options, given)),
        harness_(
            [this] {
              for (const flow::Node& node : graph_.nodes) {
                if (node.name.starts_with("Watermark(")) return std::move(*node.make());
              }
              return std::unique_ptr<flow::Operator>();
            },
            {{}}, OperatorHarness::Options{}) {}

  // Rows of (split, milliseconds), then events; the watermarks that follow.
  std::string push(const std::vector<std::pair<std::uint32_t, std::int64_t>>& rows,
                   std::vector<SplitEvent> events = {}) {
    ColumnBuilder builder(Type::timestamp(3));
    std::vector<SplitRun> runs;
    for (const auto& [split, ms] : rows) {
      runs.push_back({split, static_cast<std::uint32_t>(builder.size())});
      builder.append<std::int64_t>(ms * 1000);
    }
    harness_.push_from_source(
        {Batch(rows.size(), {builder.finish()}), std::move(runs), std::move(events)});
    return watermarks();
  }
  std::string at(std::int64_t ms) {
    harness_.set_now(ms);
    return watermarks();
  }
  bool holds_splits_back() const { return !harness_.pauses().empty(); }

 private:
  flow::Graph planned(const OptionMap& options, Given given) {
    std::string script =
        "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen'";
    std::string hints;
    for (const auto& [name, value] : options) {
      const bool hinted = given == Given::kInHint;
      script += ", '" + name + "' = '" + (hinted ? "7 h" : value) + "'";
      if (hinted) hints += (hints.empty() ? "'" : ", '") + name + "' = '" + value + "'";
    }
    script += "); SELECT ts FROM t";
    if (!hints.empty()) script += " /*+ OPTIONS(" + hints + ") */";
    sql::Session session(*registry_, runtime_);
    sql::Compiled compiled = session.compile(script);
    EXPECT_TRUE(compiled.ok());
    std::vector<sql::RelPtr> plans;
    plans.push_back(std::move(compiled.steps.back().plan));
    auto graph = session.graph(plans, {});
    EXPECT_TRUE(graph.ok()) << graph.status().to_string();
    return std::move(*graph);
  }
  std::string watermarks() {
    std::string seen;
    for (const flow::EventTime mark : harness_.take_watermarks())
      seen += (seen.empty() ? "" : " ") + std::to_string(mark);
    return seen.empty() ? "none" : seen;
  }

  const std::unique_ptr<ConnectorRegistry> registry_ = builtin_connectors();
  flow::Runtime runtime_;
  const flow::Graph graph_;
  OperatorHarness harness_;
};

std::string empty_split(const OptionMap& options, Given given) {
  EventTimeOfTable table(options, given);
  table.push({}, {{0, SplitAdded{}}, {1, SplitAdded{}}});
  return table.push({{0, 100}}, {{1, SplitIdle{}}});
}

std::string silent_split(const OptionMap& options, Given given) {
  EventTimeOfTable table(options, given);
  table.push({{0, 100}, {1, 50}});
  table.at(400);
  table.push({{0, 150}});
  return table.at(500);
}

std::string split_ahead(const OptionMap& options, Given given) {
  EventTimeOfTable table(options, given);
  table.push({{0, 100}, {1, 201}});
  return table.holds_splits_back() ? "is held back" : "goes on";
}

}  // namespace

std::vector<Observation> table_observations() {
  std::vector<Observation> all;
  for (const Given given : {Given::kInTable, Given::kInHint}) {
    const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                         const auto& effect) {
      all.push_back(
          {"table", option, std::move(one), std::move(other), {}, [=](const OptionMap& options) {
             return effect(options, given);
           }});
    };
    add("scan.watermark.empty-grace", {"0 s", "100"}, {"1 s", "none"}, empty_split);
    add("scan.watermark.idle-timeout", {"500 ms", "150"}, {"0 s", "none"}, silent_split);
    add("scan.watermark.max-drift", {"100 ms", "is held back"}, {"200 ms", "goes on"}, split_ahead);
  }
  return all;
}

}  // namespace slipstream::test
