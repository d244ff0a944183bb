// Checkpoints, crashes, restores, stops and failures of whole jobs.
#include <filesystem>
#include <fstream>
#include <numeric>

#include <gtest/gtest.h>

#include "flow/job.h"
#include "flow/testing/script_nodes.h"

namespace slipstream::flow {
namespace {

using namespace script;
using namespace std::chrono_literals;

constexpr std::uint32_t kSplits = 4;
constexpr std::int64_t kRows = 400;

struct Fixture {
  TemporaryFolder folder;
  AuditSinkOptions sink;
  NumbersOptions numbers;
  EngineOptions options;
  std::vector<std::string> said;
  std::mutex said_mutex;

  Fixture() {
    sink.guarantee = Guarantee::kExactlyOnce;
    numbers.splits = kSplits;
    numbers.rows_per_split = kRows;
    options.parallelism = 2;
    options.checkpoint_dir = folder.path();
    options.checkpoint_interval = 1ms;
    options.restart_delay = 1ms;
    options.changes_cost_bytes = 0;
  }
  // No end before eight checkpoints.
  void pace() { numbers.rows_per_checkpoint = kRows / 8; }
  Graph graph() const {
    Graph graph;
    const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(numbers)));
    const NodeId sum = graph.add(sum_node(source, 1'000));
    graph.add(sink_node(sum, std::make_shared<AuditSink>(sink)));
    return graph;
  }
  Result<std::unique_ptr<Job>> start() { return start(graph()); }
  Result<std::unique_ptr<Job>> start(Graph graph) {
    return Job::start(test_runtime(), std::move(graph), options, [this](std::string_view text) {
      std::lock_guard lock(said_mutex);
      said.emplace_back(text);
    });
  }
  Status run() {
    auto job = start();
    if (!job.ok()) return job.status();
    return (*job)->wait();
  }
  bool has_said(std::string_view part) {
    std::lock_guard lock(said_mutex);
    return std::any_of(said.begin(), said.end(), [&](const std::string& text) {
      return text.find(part) != std::string::npos;
    });
  }
  std::vector<std::string> folders() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("chk-")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string newest() const {
    std::uint64_t id = 0;
    for (const std::string& name : folders())
      id = std::max<std::uint64_t>(id, std::stoull(name.substr(4)));
    return folder.path() + "/chk-" + std::to_string(id);
  }
};

// Every row and every sum exactly once; nothing else.
void expect_exact(Audit& audit) {
  const auto counts = audit.tally();
  std::size_t lost = 0;
  std::size_t duplicated = 0;
  for (std::int64_t split = 0; split < kSplits; ++split) {
    for (std::int64_t number = 0; number < kRows; ++number) {
      const auto found = counts.find({split, number});
      lost += found == counts.end() ? 1U : 0U;
      duplicated += found != counts.end() && found->second != 1 ? 1U : 0U;
    }
    const auto sum = counts.find({-1 - split, kRows * (kRows - 1) / 2});
    EXPECT_TRUE(sum != counts.end() && sum->second == 1) << "sum of split " << split;
  }
  EXPECT_EQ(lost, 0U);
  EXPECT_EQ(duplicated, 0U);
  EXPECT_EQ(counts.size(), kSplits * (kRows + 1));
}

TEST(Recovery, ExactlyOnceNeedsADirectory) {
  Fixture fixture;
  fixture.options.checkpoint_dir.clear();
  const auto job = fixture.start();
  ASSERT_FALSE(job.ok());
  EXPECT_NE(job.error().message.find("'checkpoint_dir'"), std::string::npos) << job.error().message;
}

TEST(Recovery, ABoundedJobPublishesItsLastEpoch) {
  Fixture fixture;
  fixture.options.checkpoint_interval = 1h;
  const Status status = fixture.run();
  ASSERT_TRUE(status.ok()) << status.to_string();
  expect_exact(*fixture.sink.audit);
  // Again: there is nothing left to do, and that is said.
  const Status again = fixture.run();
  EXPECT_TRUE(again.ok()) << again.to_string();
  EXPECT_TRUE(fixture.has_said("finished"));
  expect_exact(*fixture.sink.audit);
}

TEST(Recovery, SurvivesACrashAfterEveryCheckpoint) {
  Fixture fixture;
  fixture.options.crash_after_checkpoints = 1;
  fixture.pace();
  int crashes = 0;
  while (true) {
    // And with another parallelism.
    fixture.options.parallelism = 1 + static_cast<std::uint32_t>(crashes % 4);
    const Status status = fixture.run();
    if (status.ok()) break;
    ASSERT_EQ(status.error().code, ErrorCode::kCancelled) << status.to_string();
    ASSERT_LT(++crashes, 10'000);
  }
  EXPECT_GT(crashes, 2);
  expect_exact(*fixture.sink.audit);
}

TEST(Recovery, CrashesLaterToo) {
  for (std::uint32_t after = 2; after <= 5; ++after) {
    Fixture fixture;
    fixture.options.crash_after_checkpoints = after;
    fixture.pace();
    while (true) {
      const Status status = fixture.run();
      if (status.ok()) break;
      ASSERT_EQ(status.error().code, ErrorCode::kCancelled) << status.to_string();
    }
    expect_exact(*fixture.sink.audit);
  }
}

TEST(Recovery, RestartsInTheProcess) {
  for (const bool throws : {false, true}) {
    Fixture fixture;
    auto rows_left = std::make_shared<std::atomic<std::int64_t>>(kRows * kSplits / 2);
    Graph graph;
    const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(fixture.numbers)));
    const NodeId failing = graph.add(operator_node(source, "failing", [=] {
      return std::make_unique<FailOnce>(rows_left, throws,
                                        Error{ErrorCode::kUnavailable, "failed on purpose"});
    }));
    const NodeId sum = graph.add(sum_node(failing, 1'000));
    graph.add(sink_node(sum, std::make_shared<AuditSink>(fixture.sink)));
    auto job = fixture.start(std::move(graph));
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    const Status status = (*job)->wait();
    ASSERT_TRUE(status.ok()) << status.to_string();
    EXPECT_EQ((*job)->report().restarts, 1U);
    ASSERT_EQ((*job)->report().failures.size(), 1U);
    EXPECT_EQ((*job)->report().failures[0].what, (*job)->report().last_error);
    EXPECT_GT((*job)->report().failures[0].at_ms, 0);
    EXPECT_NE(
        (*job)->report().last_error.find(throws ? "thrown by an operator" : "failed on purpose"),
        std::string::npos);
    expect_exact(*fixture.sink.audit);
  }
}

TEST(Recovery, RestartsFromMemoryWithoutADirectory) {
  Fixture fixture;
  fixture.options.checkpoint_dir.clear();
  fixture.sink.guarantee = Guarantee::kAtLeastOnce;
  auto rows_left = std::make_shared<std::atomic<std::int64_t>>(kRows * kSplits / 2);
  Graph graph;
  const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(fixture.numbers)));
  const NodeId failing = graph.add(operator_node(source, "failing", [=] {
    return std::make_unique<FailOnce>(rows_left, false,
                                      Error{ErrorCode::kUnavailable, "failed on purpose"});
  }));
  const NodeId sum = graph.add(sum_node(failing, 1'000));
  graph.add(sink_node(sum, std::make_shared<AuditSink>(fixture.sink)));
  auto job = fixture.start(std::move(graph));
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE((*job)->wait().ok());
  const auto counts = fixture.sink.audit->tally();
  EXPECT_EQ(counts.size(), kSplits * (kRows + 1));  // nothing lost, sums right
}

TEST(Recovery, AFailureThatRepeatsItselfEndsTheJob) {
  for (const ErrorCode code : {ErrorCode::kDataError, ErrorCode::kResourceExhausted}) {
    Fixture fixture;
    auto rows_left = std::make_shared<std::atomic<std::int64_t>>(10);
    Graph graph;
    const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(fixture.numbers)));
    const NodeId failing = graph.add(operator_node(source, "failing", [=] {
      return std::make_unique<FailOnce>(rows_left, false, Error{code, "1 / 0"});
    }));
    graph.add(sink_node(failing, std::make_shared<AuditSink>(fixture.sink)));
    auto job = fixture.start(std::move(graph));
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    const Status status = (*job)->wait();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, code);
    EXPECT_EQ((*job)->report().restarts, 0U);
  }
}

TEST(Recovery, StopsWithASavepointThatHoldsNoEpoch) {
  Fixture fixture;
  fixture.numbers.bounded = false;
  fixture.numbers.limit = std::make_shared<std::atomic<std::int64_t>>(kRows / 2);
  fixture.options.checkpoint_interval = 1h;
  {
    auto job = fixture.start();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    ASSERT_TRUE(wait_until([&] {
      std::int64_t rows = 0;
      for (const TaskReport& task : (*job)->report().tasks)
        rows += task.name == "Audit" ? task.rows_in : 0;
      return rows == kSplits * kRows / 2;
    }));
    EXPECT_EQ(fixture.sink.audit->count(), 0U);
    (*job)->stop_with_savepoint();
    (*job)->stop_with_savepoint();
    const Status status = (*job)->wait();
    ASSERT_TRUE(status.ok()) << status.to_string();
    EXPECT_EQ(fixture.sink.audit->count(), kSplits * kRows / 2);
  }
  // The sink may go away now: no epoch is pending.
  const std::size_t commits = fixture.sink.audit->commits.size();
  fixture.numbers.bounded = true;
  fixture.numbers.limit->store(kRows);
  const Status status = fixture.run();
  ASSERT_TRUE(status.ok()) << status.to_string();
  expect_exact(*fixture.sink.audit);
  EXPECT_EQ(fixture.sink.audit->recovered, 0U);
  EXPECT_GT(fixture.sink.audit->commits.size(), commits);
}

TEST(Recovery, StopsWithoutCheckpointing) {
  Fixture fixture;
  fixture.sink.guarantee = Guarantee::kAtLeastOnce;
  fixture.options.checkpoint_dir.clear();
  fixture.options.checkpoint_interval = 0ms;
  fixture.numbers.bounded = false;
  auto job = fixture.start();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(wait_until([&] { return fixture.sink.audit->count() == kSplits * kRows; }));
  (*job)->stop_with_savepoint();
  const Status status = (*job)->wait();
  EXPECT_TRUE(status.ok()) << status.to_string();
}

TEST(Recovery, EpochsOfAnAbortedCheckpointMoveIntoTheNext) {
  Fixture fixture;
  fixture.options.crash_after_checkpoints = 0;
  // A checkpoint of a job whose sink takes nothing times out; later ones complete.
  fixture.sink.full = std::make_shared<std::atomic<bool>>(true);
  fixture.options.checkpoint_timeout = 300ms;
  auto sink = std::make_shared<AuditSink>(fixture.sink);
  Graph graph;
  const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(fixture.numbers)));
  const NodeId sum = graph.add(sum_node(source, 1'000));
  graph.add(sink_node(sum, sink));
  auto job = fixture.start(std::move(graph));
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(wait_until([&] {
    std::lock_guard lock(fixture.sink.audit->mutex);
    return fixture.sink.audit->aborted >= 2;
  }));
  fixture.sink.full->store(false);
  sink->wake();
  const Status status = (*job)->wait();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_TRUE(fixture.has_said("given up"));
  expect_exact(*fixture.sink.audit);
}

TEST(Recovery, ASlowCommitHoldsCheckpointsBack) {
  Fixture fixture;
  fixture.sink.hold_commit = std::make_shared<std::atomic<bool>>(true);
  fixture.pace();
  auto job = fixture.start();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  const auto sealed = [&] {
    std::lock_guard lock(fixture.sink.audit->mutex);
    return fixture.sink.audit->sealed.size();
  };
  ASSERT_TRUE(wait_until([&] { return sealed() >= 2; }));
  EXPECT_FALSE((*job)->wait_for(50ms).has_value());
  EXPECT_EQ(sealed(), 2U);  // two epochs wait: no third checkpoint begins
  EXPECT_TRUE(wait_until([&] { return (*job)->report().publishing == "held by the test"; }));
  EXPECT_EQ(fixture.sink.audit->count(), 0U);
  fixture.sink.hold_commit->store(false);
  const Status status = (*job)->wait();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ((*job)->report().publishing, "");
  expect_exact(*fixture.sink.audit);
  EXPECT_TRUE(
      std::is_sorted(fixture.sink.audit->commits.begin(), fixture.sink.audit->commits.end()));
}

TEST(Recovery, RestoredEpochsAreCommittedFirstAndAsRecovered) {
  Fixture fixture;
  fixture.sink.hold_commit = std::make_shared<std::atomic<bool>>(true);
  fixture.pace();
  {
    auto job = fixture.start();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    ASSERT_TRUE(wait_until([&] {
      std::lock_guard lock(fixture.sink.audit->mutex);
      return fixture.sink.audit->sealed.size() >= 2;
    }));
    const std::uint64_t completed = (*job)->report().completed_checkpoints;
    ASSERT_TRUE(wait_until(
        [&] { return (*job)->report().completed_checkpoints > completed || completed >= 2; }));
    (*job)->cancel();
    EXPECT_FALSE((*job)->wait().ok());
  }
  EXPECT_EQ(fixture.sink.audit->count(), 0U);
  fixture.sink.hold_commit->store(false);
  const Status status = fixture.run();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_GT(fixture.sink.audit->recovered, 0U);
  expect_exact(*fixture.sink.audit);
  EXPECT_TRUE(
      std::is_sorted(fixture.sink.audit->commits.begin(), fixture.sink.audit->commits.end()));
}

TEST(Recovery, KeepsSoManyCheckpointsAndNoEpochFileTooMany) {
  Fixture fixture;
  fixture.options.retained_checkpoints = 2;
  fixture.options.incremental_checkpoints = false;
  fixture.pace();
  const Status status = fixture.run();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_LE(fixture.folders().size(), 3U);  // removal is in the background
  ASSERT_TRUE(fixture.run().ok());
}

TEST(Recovery, IdsAreNeverReused) {
  Fixture fixture;
  fixture.options.crash_after_checkpoints = 3;
  fixture.pace();
  ASSERT_FALSE(fixture.run().ok());
  const std::string newest = fixture.newest();
  for (const std::string& name : fixture.folders())
    std::filesystem::remove_all(fixture.folder.path() + "/" + name);
  fixture.options.crash_after_checkpoints = 1;
  fixture.pace();
  ASSERT_FALSE(fixture.run().ok());
  EXPECT_NE(fixture.newest(), newest);
}

void damage(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  ASSERT_TRUE(file.good()) << path;
  file.seekp(20);
  file.put('\x7f');
}

TEST(Recovery, ADamagedNewestCheckpointIsNotPassedOverSilently) {
  for (const char* part : {"/manifest", "/state"}) {
    Fixture fixture;
    fixture.options.crash_after_checkpoints = 3;
    fixture.pace();
    ASSERT_FALSE(fixture.run().ok());
    fixture.options.crash_after_checkpoints = 0;
    const std::string newest = fixture.newest();
    const std::uint64_t id = std::stoull(newest.substr(newest.rfind('-') + 1));
    damage(newest + part);
    const Status refused = fixture.run();
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("'allow_duplicates'"), std::string::npos)
        << refused.to_string();
    fixture.options.from_command_line = true;
    EXPECT_NE(fixture.run().error().message.find("--allow-duplicates"), std::string::npos);
    EXPECT_NE(refused.error().message.find("epoch " + std::to_string(id)), std::string::npos)
        << refused.to_string();
    fixture.options.start.allow_duplicates = true;
    const Status status = fixture.run();
    EXPECT_TRUE(status.ok()) << status.to_string();
    EXPECT_TRUE(fixture.has_said("using checkpoint " + std::to_string(id - 1)));
    const auto counts = fixture.sink.audit->tally();
    EXPECT_EQ(counts.size(), kSplits * (kRows + 1));  // duplicates perhaps, nothing lost
  }
}

TEST(Recovery, FreshIgnoresWhatIsThere) {
  Fixture fixture;
  ASSERT_TRUE(fixture.run().ok());
  fixture.options.start.fresh = true;
  ASSERT_TRUE(fixture.run().ok());
  EXPECT_EQ(fixture.sink.audit->count(), 2 * kSplits * (kRows + 1));
}

TEST(Recovery, RestoresFromAnotherDirectory) {
  Fixture fixture;
  fixture.options.crash_after_checkpoints = 2;
  fixture.pace();
  ASSERT_FALSE(fixture.run().ok());
  fixture.options.crash_after_checkpoints = 0;
  const TemporaryFolder other;
  fixture.options.start.restore_from = fixture.newest();
  fixture.options.checkpoint_dir = other.path();
  const Status status = fixture.run();
  ASSERT_TRUE(status.ok()) << status.to_string();
  expect_exact(*fixture.sink.audit);
}

TEST(Recovery, DroppedStateIsRefused) {
  Fixture fixture;
  fixture.options.crash_after_checkpoints = 2;
  fixture.pace();
  fixture.sink.hold_commit = std::make_shared<std::atomic<bool>>(false);
  ASSERT_FALSE(fixture.run().ok());
  fixture.options.crash_after_checkpoints = 0;
  const auto without_sum = [&] {
    Graph graph;
    const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(fixture.numbers)));
    graph.add(sink_node(source, std::make_shared<AuditSink>(fixture.sink)));
    return graph;
  };
  auto refused = fixture.start(without_sum());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("'allow_dropped_state'"), std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().message.find("Sum (sum)"), std::string::npos)
      << refused.error().message;
  fixture.options.start.allow_dropped_state = true;
  auto job = fixture.start(without_sum());
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  EXPECT_TRUE((*job)->wait().ok());
}

TEST(Recovery, ASinkWithPendingEpochsCannotGoAway) {
  // Now and then nothing was written between the last two barriers: then no epoch is pending.
  for (int tries = 0; tries < 20; ++tries) {
    Fixture fixture;
    fixture.options.crash_after_checkpoints = 2;
    fixture.pace();
    ASSERT_FALSE(fixture.run().ok());
    Graph graph = fixture.graph();
    graph.nodes.back().uid = "another";
    fixture.options.start.allow_dropped_state = true;
    const auto refused = fixture.start(std::move(graph));
    if (refused.ok()) continue;
    EXPECT_NE(refused.error().message.find("not published"), std::string::npos)
        << refused.error().message;
    return;
  }
  FAIL() << "a sink with pending epochs went away";
}

TEST(Recovery, ADirectoryHasOneOwner) {
  Fixture fixture;
  fixture.numbers.bounded = false;
  auto first = fixture.start();
  ASSERT_TRUE(first.ok());
  const auto second = fixture.start();
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("belongs to a running job"), std::string::npos)
      << second.error().message;
  (*first)->cancel();
  EXPECT_FALSE((*first)->wait().ok());
}

// It hung, another host has its directory, and nothing that it would publish tells it so.
TEST(Recovery, AJobWhoseDirectoryWasTakenEnds) {
  Fixture fixture;
  fixture.sink.guarantee = Guarantee::kAtLeastOnce;
  fixture.numbers.bounded = false;
  auto job = fixture.start();
  ASSERT_TRUE(job.ok());
  const auto completed = (*job)->checkpoint(60s);
  ASSERT_TRUE(completed.ok()) << completed.status().to_string();
  const std::string lease = fixture.folder.path() + "/LEASE";
  std::ofstream(lease + ".other") << "1700000000000\nanother\nhost-2 /shared\n";
  std::filesystem::rename(lease + ".other", lease);
  const Status ended = (*job)->wait();
  ASSERT_FALSE(ended.ok());
  EXPECT_NE(ended.error().message.find("another process took it over ('host-2 /shared')"),
            std::string::npos)
      << ended.error().message;
  EXPECT_EQ((*job)->report().restarts, 0U);
}

}  // namespace
}  // namespace slipstream::flow
