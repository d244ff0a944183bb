// Checkpoints that write what changed and refer to files of older ones.
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/storage.h"
#include "flow/checkpoint/store.h"
#include "flow/job.h"
#include "flow/testing/script_nodes.h"

namespace slipstream::flow {
namespace {

using namespace script;
using namespace std::chrono_literals;

constexpr std::uint32_t kSplits = 4;
constexpr std::int64_t kRows = 2'000;

// Sums of numbers and every row of them as state, over some eighty checkpoints. State that is wrong
// after a restore ends the job or shows in the sums.
class Incremental : public ::testing::Test {
 protected:
  Incremental() {
    sink_.guarantee = Guarantee::kExactlyOnce;
    numbers_.splits = kSplits;
    numbers_.rows_per_split = kRows;
    numbers_.rows_per_checkpoint = kRows / 80;
    options_.parallelism = 2;
    options_.checkpoint_dir = folder_.path();
    options_.checkpoint_interval = 1ms;
    options_.changes_cost_bytes = 1;
  }

  Status run() {
    Graph graph;
    const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(numbers_)));
    const NodeId sum = graph.add(sum_node(source, 1'000));
    graph.add(sink_node(sum, std::make_shared<AuditSink>(sink_)));
    auto job = Job::start(test_runtime(), std::move(graph), options_, [](std::string_view) {});
    if (!job.ok()) return job.status();
    Status status = (*job)->wait();
    report_ = (*job)->report();
    return status;
  }
  // Ends at a moment when checkpoints are there.
  void run_for(std::uint32_t checkpoints) {
    options_.crash_after_checkpoints = checkpoints;
    EXPECT_EQ(run().error().code, ErrorCode::kCancelled);
    options_.crash_after_checkpoints = 0;
  }
  std::map<CheckpointId, Manifest> manifests() const {
    std::map<CheckpointId, Manifest> found;
    const auto storage = open_directory_storage(folder_.path());
    for (const CheckpointId id : folders()) {
      auto manifest = load_checkpoint(**storage, id);
      if (manifest.ok()) found.emplace(id, std::move(*manifest));
    }
    return found;
  }
  std::set<CheckpointId> folders() const {
    std::set<CheckpointId> ids;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      ids.insert(checkpoint_of_folder(entry.path().filename().string()));
    ids.erase(0);
    return ids;
  }
  // Folders that `manifests` refer to.
  static std::set<CheckpointId> needed(const std::map<CheckpointId, Manifest>& manifests) {
    std::set<CheckpointId> ids;
    for (const auto& [id, manifest] : manifests) {
      ids.insert(id);
      for (const StateFile& file : manifest.files)
        ids.insert(checkpoint_of_folder(file.name.substr(0, file.name.find('/'))));
    }
    return ids;
  }
  void expect_exact() {
    const auto counts = sink_.audit->tally();
    EXPECT_EQ(counts.size(), kSplits * (kRows + 1));
    for (const auto& [row, count] : counts) EXPECT_EQ(count, 1) << row.first << ", " << row.second;
    for (std::int64_t split = 0; split < kSplits; ++split)
      EXPECT_EQ(counts.count({-1 - split, kRows * (kRows - 1) / 2}), 1U) << "sum of " << split;
  }

  TemporaryFolder folder_;
  AuditSinkOptions sink_;
  NumbersOptions numbers_;
  EngineOptions options_;
  JobReport report_;
};

TEST_F(Incremental, WritesWhatChanged) {
  options_.retained_checkpoints = 100;
  ASSERT_TRUE(run().ok());
  expect_exact();
  std::size_t small = 0;
  std::uint64_t written = 0;
  std::uint64_t whole = 0;
  for (const auto& [id, manifest] : manifests()) {
    written += written_bytes(manifest);
    whole += state_bytes(manifest);
    small += written_bytes(manifest) * 4 < state_bytes(manifest) ? 1 : 0;
    if (manifest.kind == CheckpointKind::kFinal) {
      EXPECT_TRUE(manifest.files.empty() && manifest.operators.empty());
    } else {
      EXPECT_EQ(manifest.files.front().name, checkpoint_folder(id) + "/state");
    }
  }
  EXPECT_GT(small, 10U);
  EXPECT_LT(written * 2, whole);
  std::size_t reported = 0;
  for (const CheckpointReport& checkpoint : report_.checkpoints)
    reported += checkpoint.written_bytes * 4 < checkpoint.state_bytes ? 1 : 0;
  EXPECT_GT(reported, 0U);
}

TEST_F(Incremental, NeverHoldsMoreThanTwiceWhatLives) {
  options_.retained_checkpoints = 100;
  ASSERT_TRUE(run().ok());
  for (const auto& [id, manifest] : manifests()) {
    if (manifest.kind == CheckpointKind::kFinal) continue;
    // 8 of hash, 8 of time, 5 of slot, 4 and 16 of key, 16 of value, for each row so far.
    const std::uint64_t rows = id * kSplits * static_cast<std::uint64_t>(kRows / 80);
    EXPECT_LT(state_bytes(manifest), 2 * (rows + 1'000) * 57 + 30'000) << id;
  }
}

TEST_F(Incremental, RestoresChainsWithAnyParallelism) {
  std::size_t chains = 0;
  for (std::uint32_t round = 0; round < 6; ++round) {
    options_.parallelism = 1 + round % 4;
    run_for(3 + round);
    chains += manifests().rbegin()->second.files.size() > 1 ? 1 : 0;
  }
  EXPECT_GT(chains, 3U);
  ASSERT_TRUE(run().ok());
  expect_exact();
}

TEST_F(Incremental, KeepsTheFilesThatAreReferredToAndNoOthers) {
  options_.retained_checkpoints = 2;
  run_for(12);
  auto there = manifests();
  EXPECT_LE(there.size(), 3U) << "those that are forgotten have no manifest";
  EXPECT_GT(needed(there).size(), there.size());
  EXPECT_EQ(folders(), needed(there));
  // The next process counts them as its own.
  run_for(12);
  there = manifests();
  EXPECT_LE(there.size(), 3U);
  EXPECT_EQ(folders(), needed(there));
  ASSERT_TRUE(run().ok());
  expect_exact();
}

TEST_F(Incremental, EveryCheckpointStandsForItselfWhenToldSo) {
  options_.incremental_checkpoints = false;
  options_.retained_checkpoints = 100;
  run_for(8);
  const auto there = manifests();
  EXPECT_GE(there.size(), 8U);
  for (const auto& [id, manifest] : there) EXPECT_EQ(manifest.files.size(), 1U) << id;
}

TEST_F(Incremental, SmallStateIsWrittenWhole) {
  options_.changes_cost_bytes = std::size_t{1} << 20;
  run_for(8);
  EXPECT_EQ(manifests().rbegin()->second.files.size(), 1U);
}

TEST_F(Incremental, ADamagedOlderFileIsNamed) {
  run_for(9);
  const auto newest = manifests().rbegin()->second;
  ASSERT_GT(newest.files.size(), 1U);
  const std::string path = folder_.path() + "/" + newest.files.back().name;
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(newest.files.back().size / 2));
    file.put('\x7f').put('\x7e').put('\x7d');
  }
  const Status status = run();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find(newest.files.back().name), std::string::npos)
      << status.to_string();
}

}  // namespace
}  // namespace slipstream::flow
