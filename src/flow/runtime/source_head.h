// A source reader inside its task.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "base/mutex.h"
#include "flow/checkpoint/manifest.h"
#include "flow/job.h"
#include "flow/runtime/port.h"

namespace slipstream::flow {

// Owner: the task.
// Thread: task; progress(): any.
class SourceHead {
 public:
  SourceHead(std::unique_ptr<SourceReader> reader, Metrics metrics, const Clock& clock);
  ~SourceHead();

  Status add(std::vector<SplitState> splits, bool complete, Port& out);
  enum class Polled : std::uint8_t { kSome, kNothing, kEnded };
  Result<Polled> poll(Port& out);
  Result<std::vector<SplitState>> snapshot(CheckpointId checkpoint);
  void pause(std::span<const std::uint32_t> splits) { reader_->pause(splits); }
  void set_read_order(std::span<const std::uint32_t> splits) { reader_->set_read_order(splits); }
  void checkpoint_complete(CheckpointId checkpoint) { reader_->checkpoint_complete(checkpoint); }
  // As of at most kProgressMs before the last poll.
  std::vector<SplitReport> progress() const;

 private:
  static constexpr std::int64_t kProgressMs = 100;

  struct Shown {
    SplitReport report;
    std::atomic<std::int64_t>* lag = nullptr;
  };

  void note_progress(bool at_once);
  void begin_to_show(std::uint32_t split, Shown& shown) const;

  std::unique_ptr<SourceReader> reader_;
  const Metrics metrics_;
  const Clock& clock_;
  std::vector<SplitState> splits_;
  std::atomic<std::int64_t>* lag_;  // of all
  std::int64_t noted_ms_ = 0;
  mutable Mutex shown_mutex_;
  std::map<std::uint32_t, Shown> shown_ SLIPSTREAM_GUARDED_BY(shown_mutex_);
  bool discovered_ = false;  // the first discovery was applied
  bool complete_ = false;
  bool idle_ = false;  // said so downstream: no split
};

}  // namespace slipstream::flow
