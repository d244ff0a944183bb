// A message system inside the process: for tests only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace slipstream::testing {

// One topic: partitions, each a list of messages.
// Thread: any.
class MemoryBroker {
 public:
  explicit MemoryBroker(std::size_t partitions) : partitions_(partitions) {}

  std::size_t partitions() const { return partitions_.size(); }
  void append(std::size_t partition, std::string body) {
    std::vector<std::function<void()>> wakes;
    {
      MutexLock lock(mutex_);
      partitions_[partition].push_back(std::move(body));
      for (const auto& [id, wake] : watchers_) wakes.push_back(wake);
    }
    for (const auto& wake : wakes) wake();
  }
  // All of them to the first partition, unless this was done under the name before.
  void append_once(const std::string& name, std::vector<std::string> bodies) {
    {
      MutexLock lock(mutex_);
      if (!published_.insert(name).second) return;
    }
    for (std::string& body : bodies) append(0, std::move(body));
  }
  // Messages from `offset` on, at most `max`; `end` becomes the offset behind the last one there is.
  std::vector<std::string> fetch(std::size_t partition, std::size_t offset, std::size_t max,
                                 std::int64_t* end) const {
    MutexLock lock(mutex_);
    const std::vector<std::string>& all = partitions_[partition];
    *end = static_cast<std::int64_t>(all.size());
    const std::size_t begin = std::min(offset, all.size());
    const std::size_t count = std::min(max, all.size() - begin);
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
    return {first, first + static_cast<std::ptrdiff_t>(count)};
  }
  // `wake` is called when a message comes, until it is taken back. May be called once after that.
  std::uint64_t watch(std::function<void()> wake) {
    MutexLock lock(mutex_);
    watchers_.emplace(++last_watcher_, std::move(wake));
    return last_watcher_;
  }
  void unwatch(std::uint64_t id) {
    MutexLock lock(mutex_);
    watchers_.erase(id);
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::vector<std::string>> partitions_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::set<std::string> published_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::function<void()>> watchers_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::uint64_t last_watcher_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
};

}  // namespace slipstream::testing
