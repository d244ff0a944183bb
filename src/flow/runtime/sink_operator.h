// A sink writer as the last operator of a chain.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "slipstream/connector.h"

#include "flow/checkpoint/snapshot.h"
#include "flow/operator.h"

namespace slipstream::flow {

// Owner: the task.
// Thread: task.
// Bounds: holds one batch that the writer did not take. While epochs wait to be published
// (backlog), the running epoch is held at epoch_bytes_max.
class SinkOperator final : public Operator {
 public:
  struct Options {
    std::shared_ptr<Sink> sink;
    std::string uid;
    WriterContext writer;
    // Null unless the sink writes exactly-once.
    std::function<std::unique_ptr<EpochLog>()> make_epoch_file;
    std::uint64_t epoch_bytes_max = std::uint64_t{64} << 20;
  };
  explicit SinkOperator(Options options) : options_(std::move(options)) {}
  ~SinkOperator() override;

  Status open(const OperatorContext& context) override;
  Result<Progress> push(std::size_t input, Batch&& batch, Emitter& out) override;
  Result<Progress> resume(Emitter& out) override;

  // False: not finished, call again after the writer's wake. The sealed epoch goes into `snapshot`.
  Result<bool> prepare(Barrier barrier, TaskSnapshot& snapshot);
  Status aborted(CheckpointId checkpoint) { return writer_->checkpoint_aborted(checkpoint); }
  void set_backlog(bool backlog) { backlog_ = backlog; }

 private:
  bool exactly_once() const { return options_.make_epoch_file != nullptr; }
  EpochFile* epoch();

  Options options_;
  std::unique_ptr<EpochLog> epoch_;  // outlives the writer's use of it
  std::unique_ptr<SinkWriter> writer_;
  std::optional<Batch> held_;
  bool backlog_ = false;
};

}  // namespace slipstream::flow
