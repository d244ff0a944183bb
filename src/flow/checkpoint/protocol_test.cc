#include "flow/checkpoint/protocol.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace slipstream::flow {
namespace {

using Kind = Decision::Kind;

const Decision* find(const CheckpointProtocol::Decisions& decisions, Kind kind) {
  const auto found = std::find_if(decisions.begin(), decisions.end(),
                                  [&](const Decision& decision) { return decision.kind == kind; });
  return found == decisions.end() ? nullptr : &*found;
}

CheckpointProtocol::Options options_of(std::uint32_t tasks) {
  CheckpointProtocol::Options options;
  options.tasks = tasks;
  options.interval_ms = 10;
  options.timeout_ms = 100;
  return options;
}

Epoch epoch(CheckpointId checkpoint, std::uint32_t subtask) {
  Epoch made;
  made.sink = "sink";
  made.checkpoint = checkpoint;
  made.subtask = subtask;
  made.handle = "h";
  return made;
}

TEST(CheckpointProtocol, NothingBeginsBeforeSplitsAreKnown) {
  CheckpointProtocol protocol(options_of(1), 0);
  EXPECT_TRUE(protocol.tick(1'000).empty());
  EXPECT_FALSE(protocol.next_tick_ms().has_value());
  EXPECT_NE(find(protocol.ready(1'000), Kind::kBegin), nullptr);
}

TEST(CheckpointProtocol, CompletesWhenAllAcknowledgedAndTheManifestIsStored) {
  CheckpointProtocol protocol(options_of(2), 0);
  protocol.ready(0);
  EXPECT_TRUE(protocol.tick(9).empty());
  const auto begun = protocol.tick(10);
  ASSERT_NE(find(begun, Kind::kBegin), nullptr);
  EXPECT_EQ(find(begun, Kind::kBegin)->barrier.checkpoint, 1U);
  EXPECT_TRUE(protocol.acknowledged(0, 1, {epoch(1, 0)}, 11).empty());
  const auto all = protocol.acknowledged(1, 1, {}, 12);
  ASSERT_NE(find(all, Kind::kStore), nullptr);
  EXPECT_EQ(find(all, Kind::kStore)->epochs.size(), 1U);
  EXPECT_EQ(find(all, Kind::kCommit), nullptr);
  const auto stored = protocol.stored(1, 13);
  EXPECT_NE(find(stored, Kind::kComplete), nullptr);
  ASSERT_NE(find(stored, Kind::kCommit), nullptr);
  EXPECT_FALSE(find(stored, Kind::kCommit)->recovered);
}

// Begins, takes part, stores; what its barrier said.
Barrier go_through(CheckpointProtocol& protocol, const CheckpointProtocol::Decisions& begun,
                   std::int64_t now_ms) {
  const Barrier barrier = find(begun, Kind::kBegin)->barrier;
  protocol.acknowledged(0, barrier.checkpoint, {}, now_ms);
  protocol.stored(barrier.checkpoint, now_ms);
  return barrier;
}

TEST(CheckpointProtocol, TheBaseIsTheNewestCompleteCheckpoint) {
  CheckpointProtocol protocol(options_of(1), 0);
  protocol.ready(0);
  EXPECT_EQ(go_through(protocol, protocol.tick(10), 11).base, 0U) << "of another attempt at best";
  EXPECT_EQ(go_through(protocol, protocol.tick(21), 22).base, 1U);
  protocol.tick(32);
  EXPECT_NE(find(protocol.write_failed(3, "disk full", 33), Kind::kAbort), nullptr);
  EXPECT_EQ(go_through(protocol, protocol.tick(43), 44).base, 2U);
  EXPECT_EQ(go_through(protocol, protocol.checkpoint(45), 46).base, 0U) << "somebody asked for it";
  EXPECT_EQ(go_through(protocol, protocol.tick(57), 58).base, 5U);
  EXPECT_EQ(go_through(protocol, protocol.stop(59), 60).base, 0U) << "a savepoint";

  CheckpointProtocol::Options whole = options_of(1);
  whole.incremental = false;
  CheckpointProtocol other(whole, 0);
  other.ready(0);
  go_through(other, other.tick(10), 11);
  EXPECT_EQ(go_through(other, other.tick(21), 22).base, 0U);
}

TEST(CheckpointProtocol, ATimeoutGivesUpAndTheEpochMovesOn) {
  CheckpointProtocol protocol(options_of(2), 0);
  protocol.ready(0);
  protocol.tick(10);
  protocol.acknowledged(0, 1, {epoch(1, 0)}, 11);
  const auto late = protocol.tick(110);
  ASSERT_NE(find(late, Kind::kAbort), nullptr);
  EXPECT_NE(find(late, Kind::kAbort)->why.find("1 are missing"), std::string::npos);
  protocol.tick(120);
  // The missing one comes late, then both take part in the next.
  EXPECT_TRUE(protocol.acknowledged(1, 1, {epoch(1, 1)}, 121).empty());
  protocol.acknowledged(0, 2, {epoch(2, 0)}, 122);
  const auto all = protocol.acknowledged(1, 2, {epoch(2, 1)}, 123);
  ASSERT_NE(find(all, Kind::kStore), nullptr);
  EXPECT_EQ(find(all, Kind::kStore)->epochs.size(), 4U);
  EXPECT_EQ(find(all, Kind::kStore)->epochs.front().checkpoint, 1U);
  const auto stored = protocol.stored(2, 124);
  std::vector<CheckpointId> commits;
  for (const Decision& decision : stored) {
    if (decision.kind == Kind::kCommit) commits.push_back(decision.barrier.checkpoint);
  }
  EXPECT_EQ(commits, (std::vector<CheckpointId>{1, 2}));
}

TEST(CheckpointProtocol, ManyFailedWritesEndTheAttempt) {
  auto options = options_of(1);
  options.failures_max = 2;
  CheckpointProtocol protocol(options, 0);
  protocol.ready(0);
  protocol.tick(10);
  EXPECT_EQ(find(protocol.write_failed(1, "no space", 11), Kind::kFail), nullptr);
  protocol.tick(21);
  const auto second = protocol.write_failed(2, "no space", 22);
  ASSERT_NE(find(second, Kind::kFail), nullptr);
  EXPECT_NE(find(second, Kind::kFail)->why.find("no space"), std::string::npos);
}

TEST(CheckpointProtocol, OneAskedForBeginsBehindTheOneInFlight) {
  CheckpointProtocol protocol(options_of(1), 0);
  protocol.ready(0);
  const auto first = protocol.checkpoint(1);
  ASSERT_NE(find(first, Kind::kBegin), nullptr);
  EXPECT_EQ(find(first, Kind::kBegin)->barrier.kind, CheckpointKind::kPeriodic);
  EXPECT_EQ(find(protocol.checkpoint(2), Kind::kBegin), nullptr);
  protocol.acknowledged(0, 1, {}, 3);
  const auto second = protocol.stored(1, 4);
  ASSERT_NE(find(second, Kind::kBegin), nullptr);
  EXPECT_EQ(find(second, Kind::kBegin)->barrier.checkpoint, 2U);
  protocol.acknowledged(0, 2, {}, 5);
  EXPECT_EQ(find(protocol.stored(2, 6), Kind::kBegin), nullptr);
}

TEST(CheckpointProtocol, EndedTasksAreAsked) {
  CheckpointProtocol protocol(options_of(2), 0);
  protocol.ready(0);
  protocol.task_ended(0, 1);
  const auto begun = protocol.tick(10);
  ASSERT_NE(find(begun, Kind::kRequest), nullptr);
  EXPECT_EQ(find(begun, Kind::kRequest)->task, 0U);
  // The other one ends while the checkpoint is under way.
  const auto ended = protocol.task_ended(1, 11);
  ASSERT_NE(find(ended, Kind::kRequest), nullptr);
  EXPECT_EQ(find(ended, Kind::kRequest)->task, 1U);
  protocol.acknowledged(0, 1, {}, 12);
  protocol.acknowledged(1, 1, {}, 12);
  const auto last = protocol.stored(1, 13);
  ASSERT_NE(find(last, Kind::kBegin), nullptr);
  EXPECT_EQ(find(last, Kind::kBegin)->barrier.kind, CheckpointKind::kFinal);
}

TEST(CheckpointProtocol, TheLastOneOnlyPublishesWhatWasRestored) {
  auto options = options_of(0);
  options.finishing = Barrier{7, CheckpointKind::kFinal};
  options.restored = {epoch(7, 0)};
  CheckpointProtocol protocol(options, 0);
  const auto begun = protocol.start();
  ASSERT_NE(find(begun, Kind::kCommit), nullptr);
  EXPECT_TRUE(find(begun, Kind::kCommit)->recovered);
  const auto committed = protocol.committed("sink", 7, 1);
  ASSERT_NE(find(committed, Kind::kSettle), nullptr);
  const auto settled = protocol.settled();
  ASSERT_NE(find(settled, Kind::kEnd), nullptr);
}

// A world around the protocol that does things in random order: tasks that acknowledge in their own
// order, a writer and a committer that are slow, time-outs, failed writes, ends, and kills after
// which a new protocol starts from the last manifest.
class World {
 public:
  World(std::uint64_t seed, std::uint32_t tasks) : random_(seed), tasks_(tasks) { boot({}, 1); }

  void run(int steps) {
    for (int i = 0; i < steps && !over_ && !::testing::Test::HasFailure(); ++i) step();
  }
  bool over() const { return over_; }
  void check_end() {
    for (const auto& [key, state] : epochs_) {
      EXPECT_TRUE(!state.durable || state.published)
          << "epoch " << key.first << " was promised and not published";
    }
  }
  void stop() {
    stopping_ = true;
    act(protocol_->stop(now_));
  }

 private:
  using Key = std::pair<CheckpointId, std::uint32_t>;
  struct State {
    bool durable = false;  // named by a stored manifest
    bool published = false;
  };

  void boot(std::vector<Epoch> restored, CheckpointId next_id) {
    auto options = options_of(tasks_);
    options.next_id = next_id;
    options.restored = std::move(restored);
    options.failures_max = 1'000'000;
    protocol_.emplace(options, now_);
    acks_.assign(tasks_, {});
    commits_.clear();
    storing_.reset();
    act(protocol_->start());
    act(protocol_->ready(now_));
    if (stopping_) act(protocol_->stop(now_));
  }

  void act(CheckpointProtocol::Decisions decisions) {
    for (Decision& decision : decisions) act(decision);
  }

  void act(Decision& decision) {
    switch (decision.kind) {
      case Kind::kBegin:
        EXPECT_GT(decision.barrier.checkpoint, newest_id_) << "an id was reused";
        newest_id_ = decision.barrier.checkpoint;
        for (auto& queue : acks_) queue.push_back(decision.barrier.checkpoint);
        break;
      case Kind::kStore:
        EXPECT_FALSE(storing_.has_value());
        storing_ = decision;
        break;
      case Kind::kAbort:
        ++aborted_in_a_row_;
        storing_.reset();
        break;
      case Kind::kCommit:
        for (const Epoch& one : decision.epochs) {
          EXPECT_TRUE((epochs_[{one.checkpoint, one.subtask}].durable))
              << "published before it was durable";
        }
        EXPECT_TRUE(commits_.empty() ||
                    decision.barrier.checkpoint > commits_.back().barrier.checkpoint);
        commits_.push_back(decision);
        // One waited when the checkpoint began; its own, and those of aborted ones before it.
        EXPECT_TRUE(decision.recovered || commits_.size() <= 2 + aborted_in_a_row_);
        break;
      case Kind::kSettle:
        for (const auto& [key, state] : epochs_) {
          EXPECT_TRUE(!state.durable || state.published) << "epoch " << key.first;
        }
        manifest_.clear();
        act(protocol_->settled());
        break;
      case Kind::kEnd:
        over_ = true;
        break;
      default:
        break;
    }
  }

  void step() {
    now_ += static_cast<std::int64_t>(random_() % 7);
    switch (random_() % 12) {
      case 0:
      case 1:
        act(protocol_->tick(now_));
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        acknowledge(static_cast<std::uint32_t>(random_() % tasks_));
        break;
      case 7:
      case 8:
        finish_store(random_() % 8 != 0);
        break;
      case 9:
      case 10:
        publish();
        break;
      case 11:
        if (random_() % 10 == 0) kill();
        if (random_() % 20 == 0) {
          now_ += 200;
          act(protocol_->tick(now_));
        }
        break;
    }
  }

  void acknowledge(std::uint32_t task) {
    if (acks_[task].empty()) return;
    const CheckpointId checkpoint = acks_[task].front();
    acks_[task].pop_front();
    std::vector<Epoch> sealed;
    if (random_() % 2 == 0) {
      sealed.push_back(epoch(checkpoint, task));
      epochs_[{checkpoint, task}] = State{};
      sealed_now_.push_back({checkpoint, task});
    }
    act(protocol_->acknowledged(task, checkpoint, std::move(sealed), now_));
  }

  void finish_store(bool succeeds) {
    if (!storing_) return;
    const Decision stored = *storing_;
    storing_.reset();
    if (!succeeds) {
      act(protocol_->write_failed(stored.barrier.checkpoint, "disk", now_));
      return;
    }
    manifest_ = stored.epochs;
    for (const Epoch& one : stored.epochs) epochs_[{one.checkpoint, one.subtask}].durable = true;
    // Everything sealed and not published is named.
    for (const Key& key : sealed_now_) {
      if (epochs_[key].published) continue;
      if (key.first > stored.barrier.checkpoint) continue;
      EXPECT_TRUE(epochs_[key].durable) << "sealed rows were left out of the manifest";
    }
    act(protocol_->stored(stored.barrier.checkpoint, now_));
    aborted_in_a_row_ = 0;
  }

  void publish() {
    if (commits_.empty()) return;
    const Decision commit = commits_.front();
    commits_.pop_front();
    for (const Epoch& one : commit.epochs) epochs_[{one.checkpoint, one.subtask}].published = true;
    act(protocol_->committed("sink", commit.barrier.checkpoint, now_));
  }

  void kill() {
    // Sealed and not durable: those rows are read again. A store under way may have happened.
    if (storing_ && random_() % 2 == 0) {
      manifest_ = storing_->epochs;
      for (const Epoch& one : manifest_) epochs_[{one.checkpoint, one.subtask}].durable = true;
    }
    sealed_now_.clear();
    aborted_in_a_row_ = 0;
    boot(manifest_, newest_id_ + 1);
  }

  std::mt19937_64 random_;
  const std::uint32_t tasks_;
  std::int64_t now_ = 0;
  std::optional<CheckpointProtocol> protocol_;
  std::vector<std::deque<CheckpointId>> acks_;
  std::deque<Decision> commits_;
  std::optional<Decision> storing_;
  std::vector<Epoch> manifest_;
  std::map<Key, State> epochs_;
  std::vector<Key> sealed_now_;
  CheckpointId newest_id_ = 0;
  std::size_t aborted_in_a_row_ = 0;
  bool stopping_ = false;
  bool over_ = false;
};

TEST(CheckpointProtocol, HoldsInRandomInterleavings) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed, 1 + static_cast<std::uint32_t>(seed % 4));
    world.run(1'000);
    world.stop();
    world.run(100'000);
    EXPECT_TRUE(world.over()) << "the stop never came to an end";
    world.check_end();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace slipstream::flow
