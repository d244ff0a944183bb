#include "flow/runtime/attempt.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/thrown.h"
#include "base/try.h"
#include "flow/checkpoint/restored_state.h"
#include "flow/checkpoint/state_match.h"
#include "flow/runtime/wiring.h"

namespace slipstream::flow {
namespace {

// Group offsets and sinks when checkpointing is off.
constexpr std::int64_t kFlushIntervalMs = 5'000;

constexpr std::int64_t kSourcesLimitMs = 2'000;  // for all of them

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

Attempt::Attempt(Options options)
    : options_(std::move(options)),
      queue_(options_.runtime->coordination()),
      ending_(options_.runtime->endings()),
      timer_(options_.runtime->timers(), [this] { post([this] { tick(); }); }) {
  const std::shared_ptr<const Manifest>& latest = options_.store->latest();
  if (latest != nullptr) {
    restore_storage_ = options_.store->restore_storage();
    finishing_ = latest->kind == CheckpointKind::kFinal;
    restored_ = make_restored_state(restore_storage_, *latest);
  }
  environment_.options = options_.job;
  environment_.job_label = options_.label;
  environment_.clock = &options_.runtime->clock();
  environment_.pool = &options_.runtime->tasks();
  environment_.timers = &options_.runtime->timers();
  environment_.blocking = &options_.runtime->blocking();
  environment_.budget = options_.budget;
  environment_.listener = this;
  environment_.metrics = &options_.runtime->metrics();
  environment_.taps = options_.taps;
  environment_.audit = options_.audit;
  environment_.restored = restored_.get();
  environment_.max_parallelism = options_.max_parallelism;
  environment_.attempt_token = options_.token;
  environment_.stop = stop_source_.get_token();
  environment_.make_epoch_file = [this](std::uint32_t subtask) {
    const std::string name = "epochs/" + hex(options_.token) + "-" + std::to_string(subtask) + "-" +
                             std::to_string(epoch_files_.fetch_add(1));
    return std::make_unique<EpochLog>(options_.store->storage(), name);
  };
}

Attempt::~Attempt() {
  ending_.close();
  tear_down();
}

bool Attempt::checkpointing() const { return options_.job->checkpoint_interval.count() > 0; }

void Attempt::post(Event event) {
  queue_.post([this, event = std::move(event)] {
    if (outcome_) return;
    event();
    if (outcome_) return ending_.post([this] { end(); });
    const auto due_ms = protocol_->next_tick_ms();
    due_ms ? timer_.arm(*due_ms) : timer_.disarm();
  });
}

void Attempt::tick() {
  const auto due_ms = protocol_->next_tick_ms();
  if (due_ms && *due_ms <= now()) carry_out(protocol_->tick(now()));
}

void Attempt::on_snapshot(TaskSnapshot snapshot) { snapshots_->add(std::move(snapshot)); }

void Attempt::on_ended(TaskId task) {
  post([this, task] { carry_out(protocol_->task_ended(task, now())); });
}

void Attempt::on_failed(TaskId task, Status cause) {
  static_cast<void>(task);
  post([this, cause = std::move(cause)] {
    // The first rows may be quicker than the word that all splits are found.
    if (rows_read() > 0) options_.progress->ever_ran = true;
    finish(End::kFailed, cause);
  });
}

std::int64_t Attempt::rows_read() const {
  std::int64_t rows = 0;
  for (const auto& task : tasks_) {
    if (task->head_node().source != nullptr) rows += task->report().rows_in;
  }
  return rows;
}

void Attempt::stop() {
  post([this] {
    // Nothing was read yet: nothing to save.
    if (!finishing_ && !protocol_->is_ready()) {
      finish(End::kStopped, Status());
    } else {
      carry_out(protocol_->stop(now()));
    }
  });
}

void Attempt::cancel() {
  post([this] { finish(End::kCancelled, Error{ErrorCode::kCancelled, "the job was cancelled"}); });
}

void Attempt::fail(Status cause) {
  post([this, cause = std::move(cause)] { finish(End::kFailed, cause); });
}

void Attempt::checkpoint(std::function<void(CheckpointId)> begun) {
  post([this, begun = std::move(begun)] {
    begun(protocol_->next_id());
    carry_out(protocol_->checkpoint(now()));
  });
}

void Attempt::finish(End end, Status cause) {
  if (!outcome_) outcome_ = Outcome{end, std::move(cause)};
}

void Attempt::start() {
  post([this] { begin_run(); });
}

void Attempt::begin_run() {
  start_snapshots();
  if (!finishing_) build_tasks();
  make_protocol();
  const Status committers = start_commit_workers();
  if (!committers.ok()) return finish(End::kFailed, committers);
  carry_out(protocol_->start());
  if (finishing_) return;
  start_discovery();
  for (const auto& task : tasks_) task->start();
}

void Attempt::start_snapshots() {
  CheckpointWriter::Callbacks callbacks;
  callbacks.written = [this](StoredSnapshot snapshot) {
    post([this, snapshot = std::move(snapshot)]() mutable { collect(std::move(snapshot)); });
  };
  callbacks.write_failed = [this](CheckpointId checkpoint, Status status, bool epoch_lost) {
    post([this, checkpoint, status, epoch_lost] {
      if (epoch_lost) finish(End::kFailed, status);
      carry_out(protocol_->write_failed(checkpoint, status.to_string(), now()));
    });
  };
  callbacks.stored = [this](CheckpointId checkpoint, Result<Manifest> manifest) {
    post([this, checkpoint, manifest = std::move(manifest)]() mutable {
      if (!manifest.ok()) {
        carry_out(protocol_->write_failed(checkpoint, manifest.status().to_string(), now()));
        return;
      }
      building_ = std::move(*manifest);
      carry_out(protocol_->stored(checkpoint, now()));
    });
  };
  snapshots_ = std::make_unique<CheckpointWriter>(
      options_.store->storage(), options_.runtime->coordination(), std::move(callbacks));
}

void Attempt::end() {
  const bool in_order = outcome_->end == End::kFinished || outcome_->end == End::kStopped;
  if (in_order) await_sources();
  tear_down();
  options_.progress->attempt_ended_ms = options_.runtime->clock().wall_ms();
  options_.ended(*outcome_);
}

void Attempt::build_tasks() {
  tasks_of_chain_ = make_tasks(
      *options_.graph, *options_.plan, environment_,
      WiringOptions{options_.store->latest() != nullptr, options_.job->exchange_bytes}, tasks_);
  tasks_built_.store(true);
}

void Attempt::make_protocol() {
  CheckpointProtocol::Options protocol;
  protocol.tasks = static_cast<std::uint32_t>(tasks_.size());
  protocol.interval_ms =
      checkpointing() ? options_.job->checkpoint_interval.count() : kFlushIntervalMs;
  protocol.flush_only = !checkpointing();
  protocol.incremental = options_.job->incremental_checkpoints;
  protocol.timeout_ms = options_.job->checkpoint_timeout.count();
  protocol.retained = std::max<std::uint32_t>(1, options_.job->retained_checkpoints);
  protocol.next_id = options_.store->next_id();
  protocol.existing = options_.store->retained();
  const auto& latest = options_.store->latest();
  if (latest != nullptr) protocol.restored = latest->epochs;
  if (finishing_) protocol.finishing = Barrier{latest->id, latest->kind};
  protocol_.emplace(std::move(protocol), now());
}

Status Attempt::start_commit_workers() {
  for (const Node& node : options_.graph->nodes) {
    if (node.sink == nullptr || node.sink->guarantee() != Guarantee::kExactlyOnce) continue;
    CommitWorker::Options worker;
    worker.sink = node.uid;
    const CommitterContext context{
        options_.runtime->metrics().metrics({{"job", options_.label}, {"sink", node.uid}}),
        &options_.runtime->clock()};
    auto committer = without_exceptions([&] { return node.sink->make_committer(context); });
    if (!committer.ok()) return committer.status().with_context("sink '" + node.name + "'");
    worker.committer = std::move(*committer);
    if (worker.committer == nullptr) {
      return Error{ErrorCode::kInternal,
                   "sink '" + node.name + "' promises exactly-once and has no committer"};
    }
    worker.storage = &options_.store->storage();
    worker.check_lease = [ownership = options_.ownership] {
      return ownership != nullptr ? ownership->check() : Status();
    };
    // Until then somebody may have published: the former process, or an attempt of this one.
    worker.last_lease_ms = options_.progress->attempt_ended_ms;
    if (worker.last_lease_ms == 0 && options_.ownership != nullptr)
      worker.last_lease_ms = options_.ownership->former_end_ms();
    worker.notify = [this](std::string_view text) {
      options_.publishing(text);
      options_.notify(text);
    };
    worker.committed = [this, uid = node.uid](CheckpointId checkpoint) {
      options_.publishing("");
      post([this, uid, checkpoint] {
        options_.store->confirmed(uid, checkpoint);
        carry_out(protocol_->committed(uid, checkpoint, now()));
      });
    };
    worker.failed = [this](Status status) {
      post([this, status] { finish(End::kFailed, status); });
    };
    commit_workers_.emplace(
        node.uid, std::make_unique<CommitWorker>(options_.runtime->blocking(), std::move(worker)));
  }
  return {};
}

void Attempt::start_discovery() {
  std::vector<Discovery::SourceOptions> sources;
  const auto& latest = options_.store->latest();
  for (NodeId id = 0; id < options_.graph->nodes.size(); ++id) {
    const Node& node = options_.graph->nodes[id];
    if (node.source == nullptr) continue;
    Discovery::SourceOptions source;
    source.uid = node.uid;
    source.name = node.name;
    source.source = node.source.get();
    source.readers = tasks_of_chain_[options_.plan->chain_of[id]];
    source.metrics =
        options_.runtime->metrics().metrics({{"job", options_.label}, {"task", node.name}});
    if (latest != nullptr) {
      for (const SourceState& state : latest->sources) {
        if (state.uid != node.uid) continue;
        source.restored = true;
        source.state = state;
      }
    }
    sources.push_back(std::move(source));
  }
  discovery_ = std::make_unique<Discovery>(
      std::move(sources), options_.runtime->timers(), options_.runtime->blocking(),
      [this](Status status) { post([this, status] { finish(End::kFailed, status); }); },
      [this] {
        post([this] {
          options_.progress->ever_ran = true;
          carry_out(protocol_->ready(now()));
        });
      });
  discovery_->start();
}

void Attempt::carry_out(CheckpointProtocol::Decisions decisions) {
  for (Decision& decision : decisions) {
    if (outcome_) return;
    carry_out(decision);
  }
}

void Attempt::carry_out(Decision& decision) {
  switch (decision.kind) {
    case Decision::Kind::kBegin:
      return begin(decision);
    case Decision::Kind::kRequest:
      return request(decision);
    case Decision::Kind::kStore:
      return store_manifest(decision);
    case Decision::Kind::kComplete:
      return complete(decision);
    case Decision::Kind::kAbort:
      return abort(decision);
    case Decision::Kind::kCommit:
      commit_workers_.at(decision.sink)
          ->add(decision.barrier.checkpoint, std::move(decision.epochs), decision.recovered);
      return;
    case Decision::Kind::kForget:
      return forget(decision);
    case Decision::Kind::kSettle:
      return settle(decision);
    case Decision::Kind::kBacklog: {
      Control control;
      control.kind = Control::Kind::kBacklog;
      control.flag = decision.flag;
      return send_to_sinks(decision.sink, control);
    }
    case Decision::Kind::kEnd:
      return finish(
          decision.barrier.kind == CheckpointKind::kFinal ? End::kFinished : End::kStopped,
          Status());
    case Decision::Kind::kFail:
      return finish(End::kFailed, Error{ErrorCode::kUnavailable, decision.why});
  }
}

void Attempt::begin(const Decision& decision) {
  begun_ms_ = now();
  options_.store->used_id(decision.barrier.checkpoint);
  building_ = Manifest{};
  building_.id = decision.barrier.checkpoint;
  building_.kind = decision.barrier.kind;
  building_.job = options_.job->name;
  building_.created_ms = options_.runtime->clock().wall_ms();
  building_.max_parallelism = options_.max_parallelism;
  building_.files.resize(1);
  for (const auto& [uid, worker] : commit_workers_) building_.exactly_once_sinks.push_back(uid);
  building_rows_ = rows_read();
  building_.sources = discovery_->trigger(decision.barrier);
}

void Attempt::request(const Decision& decision) {
  Control control;
  control.kind = Control::Kind::kTrigger;
  control.barrier = decision.barrier;
  tasks_[decision.task]->send(std::move(control));
}

void Attempt::collect(StoredSnapshot snapshot) {
  if (snapshot.barrier.checkpoint == building_.id) {
    for (OperatorState& part : snapshot.operators) {
      const auto found =
          std::find_if(building_.operators.begin(), building_.operators.end(),
                       [&](const OperatorState& known) { return known.uid == part.uid; });
      if (found == building_.operators.end()) {
        building_.operators.push_back(std::move(part));
      } else {
        std::move(part.sections.begin(), part.sections.end(), std::back_inserter(found->sections));
      }
    }
    for (const StoredSnapshot::Addition& addition : snapshot.additions)
      refer_to_base(addition, snapshot.barrier.base);
    if (snapshot.source) {
      for (SourceState& source : building_.sources) {
        if (source.uid != snapshot.source->source) continue;
        std::move(snapshot.source->splits.begin(), snapshot.source->splits.end(),
                  std::back_inserter(source.splits));
      }
    }
  }
  carry_out(protocol_->acknowledged(snapshot.task, snapshot.barrier.checkpoint,
                                    std::move(snapshot.epochs), now()));
}

// Behind the sections that add to them.
void Attempt::refer_to_base(const StoredSnapshot::Addition& addition, CheckpointId base) {
  const Manifest& older = *options_.store->latest();
  CHECK(older.id == base);
  const auto of_uid = [&](const OperatorState& state) { return state.uid == addition.uid; };
  const auto from = std::find_if(older.operators.begin(), older.operators.end(), of_uid);
  const auto to = std::find_if(building_.operators.begin(), building_.operators.end(), of_uid);
  CHECK(from != older.operators.end() && to != building_.operators.end());
  std::vector<std::uint32_t> place(older.files.size(), 0);  // in the new list, whose first is new
  for (const Section& section : from->sections) {
    if (section.subtask != addition.subtask || section.name != addition.name ||
        section.key_group == kOperatorState)
      continue;
    if (place[section.file] == 0) place[section.file] = place_of(older.files[section.file]);
    to->sections.push_back(section);
    to->sections.back().file = place[section.file];
  }
}

// Among the files of the manifest that is built.
std::uint32_t Attempt::place_of(const StateFile& file) {
  auto known = std::find_if(building_.files.begin() + 1, building_.files.end(),
                            [&](const StateFile& other) { return other.name == file.name; });
  if (known == building_.files.end()) known = building_.files.insert(known, file);
  return static_cast<std::uint32_t>(known - building_.files.begin());
}

void Attempt::store_manifest(const Decision& decision) {
  building_.epochs = decision.epochs;
  building_.owners = owners_of(building_, *options_.graph);
  building_.finished = decision.barrier.kind == CheckpointKind::kFinal && decision.epochs.empty();
  snapshots_->store(building_);
}

void Attempt::complete(const Decision& decision) {
  options_.audit->completed(decision.barrier.checkpoint, options_.runtime->clock().wall_ms());
  Control control;
  control.kind = Control::Kind::kComplete;
  control.barrier = decision.barrier;
  if (decision.barrier.kind != CheckpointKind::kFlush) {
    note(decision);
    options_.store->completed(std::move(building_));
    building_ = Manifest{};
    JobProgress& progress = *options_.progress;
    ++progress.completed_checkpoints;
    progress.last_checkpoint = decision.barrier.checkpoint;
    progress.last_duration_ms = now() - begun_ms_;
    progress.failures = 0;
    options_.progressed(progress);
    if (crash_is_due()) {
      finish(End::kCrashed,
             Error{ErrorCode::kCancelled, "crashed on purpose after checkpoint " +
                                              std::to_string(decision.barrier.checkpoint)});
      return;
    }
  }
  send_to_sources(control);
}

// What they have to do about the last checkpoint: brokers are sent how far it is.
void Attempt::await_sources() {
  const std::int64_t until_ms = now() + kSourcesLimitMs;
  for (const auto& task : tasks_) {
    if (task->head_node().source != nullptr) task->await_controls(until_ms);
  }
}

bool Attempt::crash_is_due() {
  const std::uint32_t crash_after = options_.job->crash_after_checkpoints;
  if (crash_after == 0 || building_rows_ == rows_counted_) return false;
  rows_counted_ = building_rows_;
  return ++options_.progress->crash_count >= crash_after;
}

void Attempt::abort(const Decision& decision) {
  options_.notify("checkpoint " + std::to_string(decision.barrier.checkpoint) +
                  " was given up: " + decision.why);
  if (decision.barrier.kind != CheckpointKind::kFlush) {
    note(decision);
    options_.progressed(*options_.progress);
  }
  Control control;
  control.kind = Control::Kind::kAborted;
  control.barrier = decision.barrier;
  send_to_sinks("", control);
  snapshots_->drop(decision.barrier.checkpoint);
  building_ = Manifest{};
}

// Into the history that people see.
void Attempt::note(const Decision& decision) {
  using Kind = CheckpointReport::Kind;
  CheckpointReport report;
  report.id = decision.barrier.checkpoint;
  if (decision.barrier.kind == CheckpointKind::kSavepoint) report.kind = Kind::kSavepoint;
  if (decision.barrier.kind == CheckpointKind::kFinal) report.kind = Kind::kFinal;
  report.completed = decision.kind == Decision::Kind::kComplete;
  report.begun_ms = building_.created_ms;
  report.duration = std::chrono::milliseconds(now() - begun_ms_);
  report.state_bytes = state_bytes(building_);
  report.written_bytes = written_bytes(building_);
  for (const Epoch& epoch : building_.epochs) report.epoch_bytes += epoch.file_size;
  report.why = decision.why;
  auto& history = options_.progress->checkpoints;
  history.push_back(std::move(report));
  if (history.size() > JobReport::kHistoryMax) history.pop_front();
}

void Attempt::forget(const Decision& decision) {
  CheckpointStore::Garbage garbage = options_.store->forget(decision.barrier.checkpoint);
  // What cannot be removed now is collected at the next start.
  snapshots_->run([garbage = std::move(garbage)](CheckpointStorage& storage) {
    for (const std::string& folder : garbage.folders)
      static_cast<void>(storage.remove_folder(folder));
    for (const std::string& file : garbage.files) static_cast<void>(storage.remove(file));
  });
}

void Attempt::settle(const Decision& decision) {
  Manifest manifest = *options_.store->latest();
  manifest.epochs.clear();
  manifest.finished = decision.barrier.kind == CheckpointKind::kFinal;
  const auto done = [this](Status status) {
    post([this, status] {
      if (!status.ok()) return finish(End::kFailed, status);
      carry_out(protocol_->settled());
    });
  };
  snapshots_->run([manifest = std::move(manifest), done](CheckpointStorage& storage) {
    done(storage.publish(CheckpointWriter::manifest_file(manifest.id), encode_manifest(manifest)));
  });
}

void Attempt::send_to_sinks(const std::string& uid, const Control& control) {
  for (const auto& task : tasks_) {
    const Node& node = task->tail_node();
    if (node.sink != nullptr && (uid.empty() || node.uid == uid)) task->send(control);
  }
}

void Attempt::send_to_sources(const Control& control) {
  for (const auto& task : tasks_) {
    if (task->head_node().source != nullptr) task->send(control);
  }
}

void Attempt::tear_down() {
  stop_source_.request_stop();
  queue_.close();  // from here on nobody sets the timer again
  timer_.disarm();
  if (discovery_ != nullptr) discovery_->stop();
  for (const auto& task : tasks_) task->stop();
  for (const auto& [uid, worker] : commit_workers_) worker->stop();
  if (snapshots_ != nullptr) snapshots_->stop();
}

void Attempt::report(JobReport& report) const {
  const auto restore = restored_ != nullptr ? restored_->progress() : RestoredState::Progress{};
  report.restore_bytes = restore.bytes;
  report.restored_bytes = restore.read;
  if (!tasks_built_.load()) return;
  report.tasks.clear();
  for (std::size_t chain = 0; chain < tasks_of_chain_.size(); ++chain) {
    for (const Task* task : tasks_of_chain_[chain]) {
      report.tasks.push_back(task->report());
      report.tasks.back().vertex = chain;
    }
  }
  report.edges = edge_reports(*options_.graph, *options_.plan, tasks_of_chain_);
  for (EdgeReport& edge : report.edges) {
    edge.watermark = kMaxWatermark;
    for (const TaskReport& task : report.tasks) {
      if (task.vertex == edge.from) edge.watermark = std::min(edge.watermark, task.watermark);
    }
  }
}

}  // namespace slipstream::flow
