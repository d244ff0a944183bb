#include "flow/runtime/task.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/thrown.h"
#include "base/try.h"
#include "flow/runtime/sink_operator.h"
#include "flow/runtime/source_head.h"

namespace slipstream::flow {
namespace {

// Steps of one slice: enough to pay for the switch, few enough that 1,000 tasks get their turn.
constexpr int kStepsPerSlice = 16;
constexpr int kDriveSteps = 64;
constexpr std::int64_t kLookAtWallMs = 60'000;  // the wall clock may be set

}  // namespace

Task::Task(Options options, TaskEnvironment& environment)
    : options_(std::move(options)),
      environment_(environment),
      waker_(std::make_shared<Waker>(*environment.pool, *this)),
      timer_(*environment.timers, [this] { environment_.pool->schedule(*this); }),
      since_ns_(environment_.clock->now_ns()),
      opening_(*environment.blocking) {}

Task::~Task() { waker_->detach(); }

KeyGroupRange Task::key_groups() const {
  const std::uint64_t total = environment_.max_parallelism;
  const auto begin_of = [&](std::uint64_t subtask) {
    return static_cast<std::uint32_t>((subtask * total + options_.parallelism - 1) /
                                      options_.parallelism);
  };
  return KeyGroupRange{begin_of(options_.subtask), begin_of(options_.subtask + 1),
                       environment_.max_parallelism};
}

Result<std::unique_ptr<Operator>> Task::make_operator(const Node& node,
                                                      const MetricLabels& labels) {
  if (node.sink == nullptr) return node.make();
  SinkOperator::Options sink;
  sink.sink = node.sink;
  sink.uid = node.uid;
  sink.writer.subtask = options_.subtask;
  sink.writer.parallelism = options_.parallelism;
  sink.writer.attempt_token = environment_.attempt_token;
  sink.writer.guarantee = node.sink->guarantee();
  sink.writer.wake = [waker = waker_] { waker->wake(); };
  sink.writer.stop = environment_.stop;
  sink.writer.metrics = environment_.metrics->metrics(labels);
  sink.writer.clock = environment_.clock;
  if (node.sink->guarantee() == Guarantee::kExactlyOnce) {
    sink.make_epoch_file = [this] { return environment_.make_epoch_file(options_.subtask); };
  }
  auto made = std::make_unique<SinkOperator>(std::move(sink));
  sink_ = made.get();
  return std::unique_ptr<Operator>(std::move(made));
}

std::function<void(std::int64_t)> Task::wake_after() const {
  const auto timer =
      std::make_shared<Timer>(*environment_.timers, [waker = waker_] { waker->wake(); });
  return
      [timer, clock = environment_.clock](std::int64_t ms) { timer->arm_by(clock->now_ms() + ms); };
}

Status Task::open_stage(std::size_t chain_index) {
  const Node& node = *options_.chain[chain_index];
  const MetricLabels labels = {{"job", environment_.job_label},
                               {"task", node.name},
                               {"subtask", std::to_string(options_.subtask)}};
  if (node.source != nullptr) {
    ReaderContext context;
    context.subtask = options_.subtask;
    context.parallelism = options_.parallelism;
    context.wake = [waker = waker_] { waker->wake(); };
    context.wake_after = wake_after();
    context.stop = environment_.stop;
    context.metrics = environment_.metrics->metrics(labels);
    context.batch_rows = environment_.options->batch_rows;
    context.restored = options_.restored;
    context.clock = environment_.clock;
    context.proofs_outdated_until_ms = [&sent = environment_.watermark_sent_ms] {
      return sent.load();
    };
    context.memory.reserve = [budget = environment_.budget](std::size_t bytes, bool must) {
      return budget->reserve_buffer(bytes, must);
    };
    context.memory.release = [budget = environment_.budget](std::size_t bytes) {
      budget->release(bytes);
    };
    Metrics metrics = context.metrics;
    TRY_ASSIGN(auto reader, node.source->make_reader(std::move(context)));
    source_ =
        std::make_unique<SourceHead>(std::move(reader), std::move(metrics), *environment_.clock);
    return {};
  }
  TRY_ASSIGN(std::unique_ptr<Operator> op, make_operator(node, labels));
  reservations_.push_back(make_reservation(*environment_.budget, node.name));
  OperatorContext context;
  context.uid = node.uid;
  context.name = node.name;
  context.subtask = options_.subtask;
  context.parallelism = options_.parallelism;
  context.key_groups = key_groups();
  context.batch_rows = environment_.options->batch_rows;
  context.changes_cost_bytes = environment_.options->changes_cost_bytes;
  timers_.push_back(StageTimer{.elapsed = op->counts_elapsed_time(), .at_ms = {}, .look_ms = 0});
  context.now_ms = [this, stage = stages_.size()] { return time_of(timers_[stage]); };
  context.set_timer = [this, stage = stages_.size()](std::int64_t at_ms) {
    set_timer(stage, at_ms);
  };
  if (source_ != nullptr) {
    context.pause_splits = [this](std::span<const std::uint32_t> splits) {
      source_->pause(splits);
    };
    context.set_read_order = [this](std::span<const std::uint32_t> splits) {
      source_->set_read_order(splits);
    };
  }
  context.metrics = environment_.metrics->metrics(labels);
  context.memory = reservations_.back().get();
  TRY(op->open(context).with_context("opening"));
  if (environment_.restored != nullptr) {
    if (const auto from = environment_.restored->reader(node.uid, context.key_groups)) {
      TRY(op->restore(*from).with_context("restoring state"));
    }
  }
  stages_.push_back(std::make_unique<Stage>(std::move(op), node.name, node.inputs.size(),
                                            node.sink != nullptr ? waker_.get() : nullptr));
  return {};
}

Status Task::open() {
  for (std::size_t i = 0; i < options_.chain.size(); ++i) {
    TRY(open_stage(i).with_context("operator '" + options_.chain[i]->name + "'"));
  }
  std::vector<Port*> ports;
  if (source_ != nullptr) ports.push_back(&source_port_);
  for (const auto& stage : stages_) ports.push_back(&stage->port());
  const std::size_t first_stage = source_ != nullptr ? 1 : 0;
  for (std::size_t i = 0; i + 1 < ports.size(); ++i)
    ports[i]->connect(stages_[i + 1 - first_stage].get());
  for (auto& [chain_index, edge] : edges_) ports[chain_index]->add_edge(std::move(edge));
  edges_.clear();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    ports[i]->note_watermarks(&environment_.watermark_sent_ms);
    ports[i]->set_tap(&environment_.taps->point_of(*options_.chain[i]));
  }
  if (environment_.audit->has_checksums()) {
    source_port_.count_checksums();
    for (const auto& stage : stages_) stage->count_checksums();
  }
  if (gate_ != nullptr) {
    channels_.resize(gate_->channels());
    std::vector<ChannelWatermarks::Channel> channels;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      const std::uint32_t input = gate_->input_of(i);
      channels.push_back({input, gate_->same_upstream(i)});
      if (open_channels_.size() <= input) open_channels_.resize(input + 1);
      ++open_channels_[input];
    }
    watermarks_.emplace(channels);
  }
  report_ready_.store(true, std::memory_order_release);
  return {};
}

void Task::account_start() {
  const std::int64_t now = environment_.clock->now_ns();
  const std::int64_t passed = now - since_ns_.load(std::memory_order_relaxed);
  auto& counter =
      state_.load(std::memory_order_relaxed) == Park::kBackpressured ? backpressured_ns_ : idle_ns_;
  counter.fetch_add(passed, std::memory_order_relaxed);
  since_ns_.store(now, std::memory_order_relaxed);
  state_.store(Park::kNo, std::memory_order_relaxed);
}

void Task::account_park(Park why) {
  const std::int64_t now = environment_.clock->now_ns();
  busy_ns_.fetch_add(now - since_ns_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  since_ns_.store(now, std::memory_order_relaxed);
  state_.store(why, std::memory_order_relaxed);
}

void Task::start() {
  opening_.post([this] { open_first(); });
}

void Task::stop() {
  opening_.close();
  environment_.pool->retire(*this);
}

void Task::open_first() {
  if (environment_.stop.stop_requested()) return;
  const Status status = without_exceptions([&] { return open(); });
  if (!status.ok()) return fail(status);
  opened_.store(true, std::memory_order_release);
  environment_.pool->schedule(*this);
}

void Task::fail(const Status& status) {
  failed_.store(true);
  environment_.listener->on_failed(options_.id,
                                   status.with_context("task '" + head_node().name + "' [" +
                                                       std::to_string(options_.subtask) + "]"));
}

Runnable::Next Task::run() {
  if (failed_.load(std::memory_order_relaxed)) return Next::kDone;
  if (!opened_.load(std::memory_order_acquire)) return Next::kPark;
  account_start();
  Status status;
  Next next = Next::kDone;
  // The one place where exceptions of operators, connectors and user code end.
  try {
    Result<Next> result = run_steps();
    status = result.status();
    if (result.ok()) next = *result;
  } catch (...) {
    status = error_of_exception();
  }
  if (status.ok()) return next;
  account_park(Park::kIdle);
  fail(status);
  return Next::kDone;
}

Result<Runnable::Next> Task::run_steps() {
  for (int i = 0; i < kStepsPerSlice; ++i) {
    if (environment_.stop.stop_requested()) {
      account_park(Park::kIdle);
      return Next::kPark;
    }
    TRY_ASSIGN(const Park park, step());
    TRY(chain_failure());
    if (park != Park::kNo) {
      rearm();
      account_park(park);
      return Next::kPark;
    }
  }
  account_park(Park::kIdle);
  return Next::kYield;
}

Status Task::chain_failure() const {
  for (const auto& stage : stages_) {
    if (!stage->failure().ok()) return stage->failure();
  }
  return {};
}

bool Task::quiet() const {
  return std::all_of(stages_.begin(), stages_.end(),
                     [](const auto& stage) { return stage->quiet(); });
}

bool Task::has_room() const {
  if (source_ != nullptr && !source_port_.has_room()) return false;
  return std::all_of(stages_.begin(), stages_.end(),
                     [](const auto& stage) { return stage->port().has_room(); });
}

bool Task::drive() {
  bool any = false;
  for (int i = 0; i < kDriveSteps; ++i) {
    bool moved = false;
    for (auto stage = stages_.rbegin(); stage != stages_.rend() && !moved; ++stage)
      moved = (*stage)->step();
    if (!moved) break;
    any = true;
  }
  return any;
}

Task::Park Task::blocked() {
  bool waits = source_port_.wait_for_room();
  for (const auto& stage : stages_) {
    if (stage->port().wait_for_room()) waits = true;
    if (stage->waits_for_wake()) waits = true;
  }
  return waits ? Park::kBackpressured : Park::kNo;
}

Result<Task::Park> Task::step() {
  if (has_controls_.load(std::memory_order_acquire)) TRY(handle_controls());
  if (snapshot_) {
    TRY_ASSIGN(const bool finished, finish_snapshot());
    return finished ? Park::kNo : Park::kBackpressured;
  }
  if (drive()) return Park::kNo;
  if (!quiet() || !has_room()) return blocked();
  if (snapshot_due_) {
    snapshot_due_ = false;
    TRY(take_snapshot(*aligning_));
    return Park::kNo;
  }
  if (fire_timer()) return Park::kNo;
  if (ending_ && !ended_) {
    TRY(continue_ending());
    return Park::kNo;
  }
  if (!triggers_.empty() && (source_ != nullptr || ended_)) {
    const Barrier barrier = triggers_.front();
    triggers_.erase(triggers_.begin());
    if (barrier.checkpoint > last_snapshot_) TRY(take_snapshot(barrier));
    return Park::kNo;
  }
  if (ended_ || stopped_) return Park::kIdle;
  return take_input();
}

void Task::send(Control control) {
  {
    MutexLock lock(controls_mutex_);
    controls_.push_back(std::move(control));
    ++sent_;
  }
  has_controls_.store(true, std::memory_order_release);
  environment_.pool->schedule(*this);
}

void Task::await_controls(std::int64_t until_ms) {
  MutexLock lock(controls_mutex_);
  while (handled_ < sent_ && environment_.clock->now_ms() < until_ms)
    wait_until_ms(*environment_.clock, controls_handled_, controls_mutex_, until_ms);
}

Status Task::handle_controls() {
  std::vector<Control> controls;
  {
    MutexLock lock(controls_mutex_);
    controls.swap(controls_);
    has_controls_.store(false, std::memory_order_release);
  }
  for (Control& control : controls) TRY(handle(control));
  MutexLock lock(controls_mutex_);
  handled_ += controls.size();
  controls_handled_.notify_all();
  return {};
}

Status Task::handle(Control& control) {
  switch (control.kind) {
    case Control::Kind::kTrigger:
      triggers_.push_back(control.barrier);
      return {};
    case Control::Kind::kSplits:
      return source_->add(std::move(control.splits), control.flag, source_port_);
    case Control::Kind::kComplete:
      source_->checkpoint_complete(control.barrier.checkpoint);
      return {};
    case Control::Kind::kAborted:
      return sink_->aborted(control.barrier.checkpoint);
    case Control::Kind::kBacklog:
      sink_->set_backlog(control.flag);
      if (!control.flag) waker_->wake();
      return {};
  }
  return {};
}

Result<Task::Park> Task::take_input() {
  if (source_ != nullptr) return poll_source();
  if (!ended_inputs_.empty()) {
    const std::size_t input = ended_inputs_.front();
    ended_inputs_.erase(ended_inputs_.begin());
    stages_.front()->end_input(input);
    if (ended_inputs_.empty() && ended_channels_ == channels_.size()) ending_ = 1;
    return Park::kNo;
  }
  return take_element();
}

Result<Task::Park> Task::poll_source() {
  TRY_ASSIGN(const SourceHead::Polled polled, source_->poll(source_port_));
  switch (polled) {
    case SourceHead::Polled::kSome:
      return Park::kNo;
    case SourceHead::Polled::kNothing:
      return Park::kIdle;
    case SourceHead::Polled::kEnded:
      source_port_.emit(Watermark{kMaxWatermark});
      ending_ = 0;
      return Park::kNo;
  }
  return Park::kIdle;
}

Result<Task::Park> Task::take_element() {
  std::optional<Gate::Popped> popped = gate_->pop();
  if (!popped) return Park::kIdle;
  Element& element = popped->element;
  if (element.rows() != nullptr) {
    if (watermarks_->is_idle(popped->channel)) receive(popped->channel, Active{});
    stages_.front()->deliver(std::move(element));
  } else if (const auto* signal = std::get_if<TimeSignal>(&element.what)) {
    receive(popped->channel, *signal);
  } else if (const auto* barrier = std::get_if<Barrier>(&element.what)) {
    TRY(align(popped->channel, *barrier));
  } else {
    end_channel(popped->channel);
  }
  return Park::kNo;
}

void Task::receive(std::size_t channel, const TimeSignal& signal) {
  watermarks_->receive(channel, signal);
  advance_watermark();
}

void Task::advance_watermark() {
  if (const auto reached = watermarks_->advance()) {
    idle_signal_.interrupted();
    stages_.front()->deliver(Element{*reached});
  }
  if (const auto signal = idle_signal_.update(watermarks_->idle_ms()))
    stages_.front()->deliver(Element{*signal});
}

Status Task::align(std::size_t channel, Barrier barrier) {
  if (aligning_ && aligning_->checkpoint != barrier.checkpoint) {
    return Error{ErrorCode::kInternal, "barrier " + std::to_string(barrier.checkpoint) +
                                           " arrived while " +
                                           std::to_string(aligning_->checkpoint) + " is aligned"};
  }
  aligning_ = barrier;
  channels_[channel].aligned = true;
  ++aligned_channels_;
  gate_->block(channel);
  snapshot_due_ = aligned_channels_ + ended_channels_ == channels_.size();
  return {};
}

void Task::end_channel(std::size_t channel) {
  channels_[channel].ended = true;
  ++ended_channels_;
  watermarks_->ended(channel);
  advance_watermark();
  const std::uint32_t input = gate_->input_of(channel);
  if (--open_channels_[input] == 0) ended_inputs_.push_back(input);
  // end_input() comes behind the snapshot: it comes again after a restore.
  snapshot_due_ = aligning_.has_value() && aligned_channels_ + ended_channels_ == channels_.size();
}

Status Task::take_snapshot(Barrier barrier) {
  TaskSnapshot snapshot;
  snapshot.task = options_.id;
  snapshot.barrier = barrier;
  const bool with_state =
      barrier.kind == CheckpointKind::kPeriodic || barrier.kind == CheckpointKind::kSavepoint;
  if (source_ != nullptr) {
    TRY_ASSIGN(auto splits, source_->snapshot(barrier.checkpoint));
    snapshot.source = SplitSnapshot{head_node().uid, std::move(splits)};
  }
  const std::size_t first_stage = source_ != nullptr ? 1 : 0;
  for (std::size_t i = 0; i < stages_.size() && with_state; ++i) {
    const Node& node = *options_.chain[i + first_stage];
    TRY_ASSIGN(auto state, stages_[i]->op().snapshot({barrier.checkpoint, barrier.base}));
    if (state == nullptr) continue;
    snapshot.operators.push_back(OperatorSnapshot{node.uid, node.name, options_.subtask,
                                                  options_.parallelism, std::move(state),
                                                  stages_[i]->op().state_schema()});
  }
  snapshot_ = std::move(snapshot);
  return {};
}

Result<bool> Task::finish_snapshot() {
  const Barrier barrier = snapshot_->barrier;
  if (sink_ != nullptr) {
    TRY_ASSIGN(const bool finished, sink_->prepare(barrier, *snapshot_));
    if (!finished) return false;
  }
  if (!ended_) {
    source_port_.broadcast(Element{barrier});
    for (const auto& stage : stages_) stage->port().broadcast(Element{barrier});
  }
  last_snapshot_ = barrier.checkpoint;
  aligning_.reset();
  aligned_channels_ = 0;
  for (Channel& channel : channels_) channel.aligned = false;
  if (gate_ != nullptr) gate_->unblock_all();
  if (barrier.kind == CheckpointKind::kSavepoint) stopped_ = true;
  count_rows(barrier.checkpoint);
  TaskSnapshot snapshot = std::move(*snapshot_);
  snapshot_.reset();
  environment_.listener->on_snapshot(std::move(snapshot));
  return true;
}

// All that came before the barrier: nothing waits in the chain.
void Task::count_rows(CheckpointId checkpoint) const {
  std::size_t node = 0;
  if (source_ != nullptr) {
    NodeRows rows;
    rows.emitted = source_port_.emitted();
    environment_.audit->add(checkpoint, *options_.chain[node++], rows);
  }
  for (const auto& stage : stages_)
    environment_.audit->add(checkpoint, *options_.chain[node++], stage->rows());
}

Status Task::continue_ending() {
  if (*ending_ < stages_.size()) {
    stages_[(*ending_)++]->end_input(0);
    return {};
  }
  source_port_.broadcast(Element{EndOfInput{}});
  for (const auto& stage : stages_) {
    stage->port().broadcast(Element{Watermark{kMaxWatermark}});
    stage->port().broadcast(Element{EndOfInput{}});
  }
  ended_ = true;
  environment_.listener->on_ended(options_.id);
  return {};
}

void Task::set_timer(std::size_t stage, std::int64_t at_ms) {
  timers_[stage].at_ms = at_ms;
  plan(timers_[stage]);
}

std::int64_t Task::time_of(const StageTimer& timer) const {
  return timer.elapsed ? environment_.clock->now_ms() : environment_.clock->wall_ms();
}

void Task::plan(StageTimer& timer) {
  const std::int64_t now = time_of(timer);
  const std::int64_t wait = *timer.at_ms > now ? *timer.at_ms - now : 0;
  timer.look_ms =
      environment_.clock->now_ms() + (timer.elapsed ? wait : std::min(wait, kLookAtWallMs));
}

void Task::rearm() {
  std::optional<std::int64_t> earliest;
  for (const StageTimer& timer : timers_) {
    if (timer.at_ms && (!earliest || timer.look_ms < *earliest)) earliest = timer.look_ms;
  }
  if (earliest && *earliest != armed_ms_) {
    armed_ms_ = *earliest;
    timer_.arm(*earliest);
  }
}

bool Task::fire_timer() {
  for (std::size_t i = 0; i < timers_.size(); ++i) {
    StageTimer& timer = timers_[i];
    if (!timer.at_ms) continue;
    const std::int64_t now = time_of(timer);
    if (*timer.at_ms > now) {
      if (timer.look_ms > environment_.clock->now_ms()) continue;
      plan(timer);
      armed_ms_ = 0;
      continue;
    }
    timer.at_ms.reset();
    armed_ms_ = 0;
    if (ended_) continue;
    stages_[i]->on_timer(now);
    return true;
  }
  return false;
}

TaskReport Task::report() const {
  TaskReport report;
  for (const Node* node : options_.chain)
    report.name += (report.name.empty() ? "" : " -> ") + node->name;
  report.subtask = options_.subtask;
  std::int64_t times[3] = {busy_ns_.load(), idle_ns_.load(), backpressured_ns_.load()};
  const Park state = state_.load();
  const std::size_t running = state == Park::kNo ? 0 : state == Park::kIdle ? 1 : 2;
  times[running] += std::max<std::int64_t>(0, environment_.clock->now_ns() - since_ns_.load());
  report.busy_ms = static_cast<double>(times[0]) / 1e6;
  report.idle_ms = static_cast<double>(times[1]) / 1e6;
  report.backpressured_ms = static_cast<double>(times[2]) / 1e6;
  if (!report_ready_.load(std::memory_order_acquire)) return report;
  if (!stages_.empty()) {
    report.rows_in = stages_.front()->rows_in();
    // What a sink takes leaves the job.
    if (sink_ != nullptr) report.rows_written = stages_.back()->rows_in();
    report.rows_out = sink_ != nullptr ? report.rows_written : stages_.back()->port().rows_out();
    // A sink emits none, an assigner takes none.
    report.watermark = std::max(stages_.back()->watermark(), stages_.back()->port().watermark());
  }
  if (source_ != nullptr) {
    report.rows_in = source_port_.rows_out();
    report.splits = source_->progress();
    if (stages_.empty()) {
      report.rows_out = report.rows_in;
      report.watermark = source_port_.watermark();
    }
  }
  return report;
}

}  // namespace slipstream::flow
