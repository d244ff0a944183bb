#include "flow/runtime/source_head.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "flow/metrics.h"

namespace slipstream::flow {

SourceHead::SourceHead(std::unique_ptr<SourceReader> reader, Metrics metrics, const Clock& clock)
    : reader_(std::move(reader)),
      metrics_(std::move(metrics)),
      clock_(clock),
      lag_(kSourceLag.in(metrics_)) {}

SourceHead::~SourceHead() {
  // Another subtask may read the splits next.
  for (const auto& [split, shown] : shown_) shown.lag->store(0, std::memory_order_relaxed);
  lag_->store(0, std::memory_order_relaxed);
}

Status SourceHead::add(std::vector<SplitState> splits, bool complete, Port& out) {
  for (SplitState& split : splits) {
    TRY(reader_->add_split(split.index, split.split)
            .with_context("adding split '" + split.split.id + "'"));
    splits_.push_back(std::move(split));
  }
  discovered_ = true;
  complete_ = complete_ || complete;
  // A reader without splits holds no event time back.
  if (splits_.empty() != idle_) {
    idle_ = splits_.empty();
    out.emit(idle_ ? TimeSignal(Idle{kAlwaysIdle}) : TimeSignal(Active{}));
  }
  return {};
}

Result<SourceHead::Polled> SourceHead::poll(Port& out) {
  if (!discovered_) return Polled::kNothing;
  SourceBatch batch;
  Batch rejected;
  TRY_ASSIGN(const SourceReader::Poll polled, reader_->poll(&batch, &rejected));
  if (rejected.rows() != 0) out.emit_side(1, std::move(rejected));
  note_progress(polled != SourceReader::Poll::kBatch);
  if (polled == SourceReader::Poll::kBatch) {
    out.emit_from_source(std::move(batch));
    return Polled::kSome;
  }
  if (polled == SourceReader::Poll::kEnd && complete_) return Polled::kEnded;
  return Polled::kNothing;
}

void SourceHead::note_progress(bool at_once) {
  const std::int64_t now = clock_.now_ms();
  if (!at_once && now - noted_ms_ < kProgressMs) return;
  noted_ms_ = now;
  const std::vector<SplitProgress> all = reader_->progress();
  std::int64_t sum = 0;
  MutexLock lock(shown_mutex_);
  for (const SplitProgress& progress : all) {
    Shown& shown = shown_[progress.split];
    if (shown.lag == nullptr) begin_to_show(progress.split, shown);
    shown.report.position = progress.position;
    shown.report.end = progress.end;
    shown.report.lag = progress.lag();
    shown.lag->store(progress.lag(), std::memory_order_relaxed);
    sum += progress.lag();
  }
  lag_->store(sum, std::memory_order_relaxed);
}

void SourceHead::begin_to_show(std::uint32_t split, Shown& shown) const {
  for (const SplitState& known : splits_) {
    if (known.index == split) shown.report.id = known.split.id;
  }
  shown.lag = kSplitLag.in(metrics_.with({{"split", shown.report.id}}));
}

std::vector<SplitReport> SourceHead::progress() const {
  std::vector<SplitReport> reports;
  MutexLock lock(shown_mutex_);
  for (const auto& [split, shown] : shown_) reports.push_back(shown.report);
  return reports;
}

Result<std::vector<SplitState>> SourceHead::snapshot(CheckpointId checkpoint) {
  TRY_ASSIGN(std::vector<Split> states, reader_->snapshot(checkpoint));
  std::vector<SplitState> result = splits_;
  for (Split& state : states) {
    const auto found = std::find_if(result.begin(), result.end(), [&](const SplitState& known) {
      return known.split.id == state.id;
    });
    if (found == result.end()) {
      return Error{ErrorCode::kInternal,
                   "the reader answered a state of split '" + state.id + "' that it was not given"};
    }
    found->split.state = std::move(state.state);
  }
  splits_ = result;
  return result;
}

}  // namespace slipstream::flow
