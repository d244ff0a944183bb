// A source reader inside its task.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "flow/checkpoint/manifest.h"
#include "flow/runtime/port.h"

namespace slipstream::flow {

// Owner: the task. Thread: task.
class SourceHead {
 public:
  explicit SourceHead(std::unique_ptr<SourceReader> reader) : reader_(std::move(reader)) {}

  Status add(std::vector<SplitState> splits, bool complete, Port& out);
  enum class Polled : std::uint8_t { kSome, kNothing, kEnded };
  Result<Polled> poll(Port& out);
  Result<std::vector<SplitState>> snapshot(CheckpointId checkpoint);
  void pause(std::span<const std::uint32_t> splits) { reader_->pause(splits); }
  void prefer(std::span<const std::uint32_t> splits) { reader_->prefer(splits); }
  void checkpoint_complete(CheckpointId checkpoint) { reader_->checkpoint_complete(checkpoint); }

 private:
  std::unique_ptr<SourceReader> reader_;
  std::vector<SplitState> splits_;
  bool discovered_ = false;  // the first discovery was applied
  bool complete_ = false;
  bool idle_ = false;  // said so downstream: no split
};

}  // namespace slipstream::flow
