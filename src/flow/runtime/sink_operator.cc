#include "flow/runtime/sink_operator.h"

#include <utility>

#include "base/try.h"

namespace slipstream::flow {

SinkOperator::~SinkOperator() {
  writer_.reset();
  // What was not sealed is written again after a restore.
  if (epoch_ != nullptr) epoch_->discard();
}

Status SinkOperator::open(const OperatorContext& context) {
  static_cast<void>(context);
  TRY_ASSIGN(writer_, options_.sink->make_writer(options_.writer));
  return {};
}

EpochFile* SinkOperator::epoch() {
  if (!exactly_once()) return nullptr;
  if (epoch_ == nullptr) epoch_ = options_.make_epoch_file();
  return epoch_.get();
}

Result<Progress> SinkOperator::push(std::size_t input, Batch&& batch, Emitter& out) {
  static_cast<void>(input);
  held_ = std::move(batch);
  return resume(out);
}

Result<Progress> SinkOperator::resume(Emitter& out) {
  static_cast<void>(out);
  if (!held_) return Progress::kDone;
  if (backlog_ && epoch_ != nullptr && epoch_->size() >= options_.epoch_bytes_max)
    return Progress::kMore;
  TRY_ASSIGN(const SinkWriter::Write written, writer_->write(*held_, epoch()));
  if (written == SinkWriter::Write::kFull) return Progress::kMore;
  held_.reset();
  return Progress::kDone;
}

Result<bool> SinkOperator::prepare(Barrier barrier, TaskSnapshot& snapshot) {
  const bool flush = barrier.kind == CheckpointKind::kFlush;
  if (flush && exactly_once()) return true;
  TRY_ASSIGN(std::optional<std::string> handle,
             writer_->prepare(flush ? 0 : barrier.checkpoint, epoch()));
  if (!handle) return false;
  if (!exactly_once()) return true;
  if (handle->empty()) {
    if (epoch_ != nullptr) epoch_->discard();
    epoch_.reset();
    return true;
  }
  snapshot.epoch =
      SealedEpoch{options_.uid, options_.writer.subtask, std::move(*handle), std::move(epoch_)};
  return true;
}

}  // namespace slipstream::flow
