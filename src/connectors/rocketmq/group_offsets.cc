#include "connectors/rocketmq/group_offsets.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "base/log_limit.h"
#include "base/mutex.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::int64_t kWriteAgainMs = 5'000;
constexpr std::int64_t kWaitAtEndMs = 3'000;  // as long as a request may take

}  // namespace

// What is on its way to the brokers, and what arrived.
// Thread: any.
class GroupOffsets::Written {
 public:
  explicit Written(const Clock& clock) : clock_(clock) {}
  // Only for a while: what a broker lost comes again.
  bool has(const rocketmq::GroupOffset& offset) {
    MutexLock lock(mutex_);
    const auto known = last_.find(offset.queue);
    return known != last_.end() && known->second.offset == offset.offset &&
           clock_.now_ms() - known->second.written_ms < kWriteAgainMs;
  }
  void begin() {
    MutexLock lock(mutex_);
    ++under_way_;
  }
  void end(const Offsets& offsets, bool written) {
    MutexLock lock(mutex_);
    --under_way_;
    for (const rocketmq::GroupOffset& each : offsets) {
      if (written) last_.insert_or_assign(each.queue, Last{each.offset, clock_.now_ms()});
    }
    changed_.notify_all();
  }
  void wait() {
    const std::int64_t deadline = clock_.now_ms() + kWaitAtEndMs;
    MutexLock lock(mutex_);
    while (under_way_ > 0 && clock_.now_ms() < deadline)
      changed_.wait_for_ms(mutex_, std::max<std::int64_t>(1, deadline - clock_.now_ms()));
  }

 private:
  struct Last {
    std::int64_t offset = 0;
    std::int64_t written_ms = 0;
  };
  const Clock& clock_;
  Mutex mutex_;
  Condition changed_;
  std::size_t under_way_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::map<rocketmq::MessageQueue, Last> last_ SLIPSTREAM_GUARDED_BY(mutex_);
};

GroupOffsets::GroupOffsets(std::string table, const Clock& clock)
    : table_(std::move(table)), written_(std::make_shared<Written>(clock)) {}

GroupOffsets::~GroupOffsets() { written_->wait(); }

void GroupOffsets::snapshot(CheckpointId checkpoint, Offsets offsets) {
  std::erase_if(offsets, [this](const auto& offset) { return written_->has(offset); });
  waiting_[checkpoint] = std::move(offsets);
  while (waiting_.size() > kCheckpointsMax) waiting_.erase(waiting_.begin());
}

void GroupOffsets::complete(CheckpointId checkpoint, rocketmq::Consumer& consumer) {
  const auto found = waiting_.find(checkpoint);
  if (found == waiting_.end()) return;
  Offsets offsets = std::move(found->second);
  waiting_.erase(waiting_.begin(), std::next(found));
  if (offsets.empty()) return;
  written_->begin();
  const auto done = [written = written_, offsets, table = table_](const Status& status) {
    written->end(offsets, status.ok());
    if (status.ok()) return;
    LogLimit::of_process().log(
        LogLevel::kWarn, "rocketmq", "group offsets of table " + table,
        "table '" + table +
            "': group offsets were not written (the checkpoint has them): " + status.to_string());
  };
  consumer.commit(std::move(offsets), done);
}

}  // namespace slipstream::rocketmq_connector
