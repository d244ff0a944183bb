#include "flow/runtime/source_head.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace slipstream::flow {

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
    idle_ ? out.emit_idle(kAlwaysIdle) : out.emit_active();
  }
  return {};
}

Result<SourceHead::Polled> SourceHead::poll(Port& out) {
  if (!discovered_) return Polled::kNothing;
  Batch batch;
  Batch rejected;
  TRY_ASSIGN(const SourceReader::Poll polled, reader_->poll(&batch, &rejected));
  if (rejected.rows() != 0) out.emit_side(1, std::move(rejected));
  if (polled == SourceReader::Poll::kBatch) {
    out.emit(std::move(batch));
    return Polled::kSome;
  }
  if (polled == SourceReader::Poll::kEnd && complete_) return Polled::kEnded;
  return Polled::kNothing;
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
