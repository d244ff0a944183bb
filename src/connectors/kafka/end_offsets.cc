#include "connectors/kafka/end_offsets.h"

#include <utility>

#include "base/thread.h"

namespace slipstream::kafka_connector {

EndOffsets::~EndOffsets() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EndOffsets::ask(std::vector<Partition> partitions) {
  if (partitions.empty()) return;
  if (!thread_.joinable()) {
    auto made = make_thread([this] { run(); });
    if (!made.ok()) return;  // the next question tries again
    thread_ = std::move(*made);
  }
  {
    MutexLock lock(mutex_);
    waiting_ = std::move(partitions);
  }
  changed_.notify_all();
}

EndOffsets::Answer EndOffsets::answer(const Partition& partition) const {
  MutexLock lock(mutex_);
  const auto found = answers_.find(partition);
  return found == answers_.end() ? Answer() : found->second;
}

void EndOffsets::run() {
  while (true) {
    std::vector<Partition> asked;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !closed_) changed_.wait(mutex_);
      if (closed_) return;
      asked = std::exchange(waiting_, {});
    }
    const std::int64_t asked_ms = clock_.now_ms();
    const auto ends = client_->offsets_at(asked, kLatestOffset, kWaitMs);
    if (!ends.ok()) continue;
    {
      MutexLock lock(mutex_);
      for (const auto& [partition, end] : *ends) answers_[partition] = {end, asked_ms};
    }
    wake_();
  }
}

}  // namespace slipstream::kafka_connector
