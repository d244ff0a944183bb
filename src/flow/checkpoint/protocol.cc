#include "flow/checkpoint/protocol.h"

#include <algorithm>
#include <utility>

namespace slipstream::flow {
namespace {

Decision decide(Decision::Kind kind, Barrier barrier = {}) {
  Decision decision;
  decision.kind = kind;
  decision.barrier = barrier;
  return decision;
}

}  // namespace

CheckpointProtocol::CheckpointProtocol(Options options, std::int64_t now_ms)
    : options_(std::move(options)),
      next_id_(options_.next_id),
      last_begin_ms_(now_ms),
      retained_(options_.existing.begin(), options_.existing.end()),
      unconfirmed_(options_.restored) {}

CheckpointProtocol::Decisions CheckpointProtocol::start() {
  Decisions out;
  hand_over(unconfirmed_, true, out);
  if (options_.finishing) {
    over_ = true;
    last_ = options_.finishing;
    maybe_settle(out);
  }
  return out;
}

std::size_t CheckpointProtocol::backlog(const std::string& sink) const {
  return static_cast<std::size_t>(std::count_if(
      handed_.begin(), handed_.end(), [&](const Handed& handed) { return handed.sink == sink; }));
}

bool CheckpointProtocol::too_many_epochs() const {
  return std::any_of(handed_.begin(), handed_.end(), [&](const Handed& handed) {
    return backlog(handed.sink) >= options_.epochs_max;
  });
}

std::optional<CheckpointKind> CheckpointProtocol::wanted() const {
  if (over_) return std::nullopt;
  if (ended_.size() == options_.tasks) return CheckpointKind::kFinal;
  if (stop_wanted_) return CheckpointKind::kSavepoint;
  if (checkpoint_wanted_) return CheckpointKind::kPeriodic;
  return std::nullopt;
}

void CheckpointProtocol::maybe_begin(std::int64_t now_ms, Decisions& out) {
  if (!ready_ || flight_ || over_ || too_many_epochs()) return;
  if (const auto kind = wanted()) {
    begin(*kind, 0, now_ms, out);
  } else if (options_.interval_ms > 0 && now_ms >= last_begin_ms_ + options_.interval_ms) {
    begin(options_.flush_only ? CheckpointKind::kFlush : CheckpointKind::kPeriodic, base_, now_ms,
          out);
  }
}

void CheckpointProtocol::begin(CheckpointKind kind, CheckpointId base, std::int64_t now_ms,
                               Decisions& out) {
  Flight flight;
  flight.barrier = Barrier{next_id_++, kind, base};
  flight.begun_ms = now_ms;
  checkpoint_wanted_ = false;
  for (TaskId task = 0; task < options_.tasks; ++task) flight.waiting.insert(task);
  last_begin_ms_ = now_ms;
  out.push_back(decide(Decision::Kind::kBegin, flight.barrier));
  flight_ = std::move(flight);
  for (const TaskId task : ended_) {
    Decision request = decide(Decision::Kind::kRequest, flight_->barrier);
    request.task = task;
    out.push_back(std::move(request));
  }
}

CheckpointProtocol::Decisions CheckpointProtocol::ready(std::int64_t now_ms) {
  Decisions out;
  ready_ = true;
  maybe_begin(now_ms, out);
  return out;
}

CheckpointProtocol::Decisions CheckpointProtocol::tick(std::int64_t now_ms) {
  Decisions out;
  if (flight_ && !flight_->storing && now_ms >= flight_->begun_ms + options_.timeout_ms) {
    abort("not all of " + std::to_string(options_.tasks) + " tasks took part within " +
              std::to_string(options_.timeout_ms) + " ms (" +
              std::to_string(flight_->waiting.size()) + " are missing)",
          false, now_ms, out);
  }
  maybe_begin(now_ms, out);
  return out;
}

CheckpointProtocol::Decisions CheckpointProtocol::stop(std::int64_t now_ms) {
  Decisions out;
  stop_wanted_ = true;
  maybe_begin(now_ms, out);
  return out;
}

CheckpointProtocol::Decisions CheckpointProtocol::checkpoint(std::int64_t now_ms) {
  Decisions out;
  checkpoint_wanted_ = !options_.flush_only;
  maybe_begin(now_ms, out);
  return out;
}

CheckpointProtocol::Decisions CheckpointProtocol::task_ended(TaskId task, std::int64_t now_ms) {
  Decisions out;
  ended_.insert(task);
  if (flight_ && flight_->waiting.contains(task)) {
    Decision request = decide(Decision::Kind::kRequest, flight_->barrier);
    request.task = task;
    out.push_back(std::move(request));
  }
  maybe_begin(now_ms, out);
  return out;
}

CheckpointProtocol::Decisions CheckpointProtocol::acknowledged(TaskId task, CheckpointId checkpoint,
                                                               std::vector<Epoch> epochs,
                                                               std::int64_t now_ms) {
  Decisions out;
  // Sealed epochs count even when their checkpoint was given up: their rows will not come again.
  for (Epoch& epoch : epochs) unconfirmed_.push_back(std::move(epoch));
  if (!flight_ || flight_->barrier.checkpoint != checkpoint || flight_->storing) return out;
  flight_->waiting.erase(task);
  if (!flight_->waiting.empty()) return out;
  if (flight_->barrier.kind == CheckpointKind::kFlush) {
    out.push_back(decide(Decision::Kind::kComplete, flight_->barrier));
    flight_.reset();
    maybe_begin(now_ms, out);
    return out;
  }
  flight_->storing = true;
  std::stable_sort(unconfirmed_.begin(), unconfirmed_.end(),
                   [](const Epoch& a, const Epoch& b) { return a.checkpoint < b.checkpoint; });
  flight_->named = unconfirmed_;
  Decision store = decide(Decision::Kind::kStore, flight_->barrier);
  store.epochs = unconfirmed_;
  out.push_back(std::move(store));
  return out;
}

CheckpointProtocol::Decisions CheckpointProtocol::write_failed(CheckpointId checkpoint,
                                                               const std::string& why,
                                                               std::int64_t now_ms) {
  Decisions out;
  if (flight_ && flight_->barrier.checkpoint == checkpoint) {
    abort(why, true, now_ms, out);
    maybe_begin(now_ms, out);
  }
  return out;
}

void CheckpointProtocol::abort(const std::string& why, bool counts, std::int64_t now_ms,
                               Decisions& out) {
  Decision decision = decide(Decision::Kind::kAbort, flight_->barrier);
  decision.why = why;
  out.push_back(std::move(decision));
  // After a savepoint barrier the sources stand still: nothing but a restart moves them again.
  const bool stuck = flight_->barrier.kind == CheckpointKind::kSavepoint;
  flight_.reset();
  last_begin_ms_ = now_ms;
  failures_ += counts ? 1 : 0;
  if (failures_ < options_.failures_max && !stuck) return;
  Decision fail = decide(Decision::Kind::kFail);
  fail.why =
      stuck ? "the savepoint failed: " + why
            : std::to_string(failures_) + " checkpoints in a row failed, the last because " + why;
  out.push_back(std::move(fail));
}

CheckpointProtocol::Decisions CheckpointProtocol::stored(CheckpointId checkpoint,
                                                         std::int64_t now_ms) {
  Decisions out;
  if (!flight_ || flight_->barrier.checkpoint != checkpoint) return out;
  complete(now_ms, out);
  return out;
}

void CheckpointProtocol::complete(std::int64_t now_ms, Decisions& out) {
  const Barrier barrier = flight_->barrier;
  const std::vector<Epoch> named = std::move(flight_->named);
  flight_.reset();
  failures_ = 0;
  base_ = options_.incremental ? barrier.checkpoint : 0;
  out.push_back(decide(Decision::Kind::kComplete, barrier));
  retained_.push_back(barrier.checkpoint);
  while (retained_.size() > options_.retained) {
    out.push_back(
        decide(Decision::Kind::kForget, Barrier{retained_.front(), CheckpointKind::kPeriodic, 0}));
    retained_.pop_front();
  }
  hand_over(named, false, out);
  if (barrier.kind == CheckpointKind::kSavepoint || barrier.kind == CheckpointKind::kFinal) {
    over_ = true;
    last_ = barrier;
    maybe_settle(out);
    return;
  }
  maybe_begin(now_ms, out);
}

void CheckpointProtocol::hand_over(const std::vector<Epoch>& epochs, bool recovered,
                                   Decisions& out) {
  std::map<std::pair<CheckpointId, std::string>, Decision> commits;
  for (const Epoch& epoch : epochs) {
    const bool known = std::any_of(handed_.begin(), handed_.end(), [&](const Handed& handed) {
      return handed.sink == epoch.sink && handed.checkpoint == epoch.checkpoint;
    });
    // Published while the manifest that names it was being written.
    const bool done =
        std::none_of(unconfirmed_.begin(), unconfirmed_.end(), [&](const Epoch& open) {
          return open.sink == epoch.sink && open.checkpoint == epoch.checkpoint &&
                 open.subtask == epoch.subtask;
        });
    if (known || done) continue;
    Decision& commit = commits[{epoch.checkpoint, epoch.sink}];
    commit.kind = Decision::Kind::kCommit;
    commit.barrier.checkpoint = epoch.checkpoint;
    commit.sink = epoch.sink;
    commit.recovered = recovered;
    commit.epochs.push_back(epoch);
  }
  for (auto& [key, commit] : commits) {
    handed_.push_back(Handed{commit.sink, commit.barrier.checkpoint});
    out.push_back(std::move(commit));
  }
  for (const Handed& handed : handed_) {
    if (backlog(handed.sink) < options_.epochs_max || !backlogged_.insert(handed.sink).second)
      continue;
    Decision full = decide(Decision::Kind::kBacklog);
    full.sink = handed.sink;
    full.flag = true;
    out.push_back(std::move(full));
  }
}

CheckpointProtocol::Decisions CheckpointProtocol::committed(const std::string& sink,
                                                            CheckpointId checkpoint,
                                                            std::int64_t now_ms) {
  Decisions out;
  std::erase_if(handed_, [&](const Handed& handed) {
    return handed.sink == sink && handed.checkpoint == checkpoint;
  });
  std::erase_if(unconfirmed_, [&](const Epoch& epoch) {
    return epoch.sink == sink && epoch.checkpoint == checkpoint;
  });
  if (backlog(sink) < options_.epochs_max && backlogged_.erase(sink) != 0) {
    Decision room = decide(Decision::Kind::kBacklog);
    room.sink = sink;
    out.push_back(std::move(room));
  }
  maybe_settle(out);
  maybe_begin(now_ms, out);
  return out;
}

void CheckpointProtocol::maybe_settle(Decisions& out) {
  if (last_ && unconfirmed_.empty()) out.push_back(decide(Decision::Kind::kSettle, *last_));
}

CheckpointProtocol::Decisions CheckpointProtocol::settled() {
  Decisions out;
  if (last_) out.push_back(decide(Decision::Kind::kEnd, *last_));
  last_.reset();
  return out;
}

std::optional<std::int64_t> CheckpointProtocol::next_tick_ms() const {
  if (over_) return std::nullopt;
  if (flight_) {
    if (flight_->storing) return std::nullopt;
    return flight_->begun_ms + options_.timeout_ms;
  }
  if (!ready_ || options_.interval_ms <= 0 || too_many_epochs()) return std::nullopt;
  return last_begin_ms_ + options_.interval_ms;
}

}  // namespace slipstream::flow
