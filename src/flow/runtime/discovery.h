// Finds the splits of all sources of an attempt and gives them to readers.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/store.h"
#include "flow/runtime/task.h"

namespace slipstream::flow {

// Owner:  the attempt. One thread, which may be held up by a slow peer for seconds; trigger() is
// not. Thread: trigger(), stop() any. Order:  splits found before trigger() are with their readers
// before its barrier is. Ready:   every source has splits of the checkpoint or has looked once; no
// checkpoint may begin before that. Failure: before the first success reported once; later and
// after a restore retryable errors are logged and tried again.
class Discovery {
 public:
  struct SourceOptions {
    std::string uid;
    std::string name;
    Source* source = nullptr;
    std::vector<Task*> readers;  // by subtask
    bool restored = false;
    SourceState state;  // of the checkpoint
    Metrics metrics;
  };
  Discovery(std::vector<SourceOptions> sources, const Clock& clock,
            std::function<void(Status)> failed, std::function<void()> ready);
  ~Discovery() { stop(); }

  // Makes the enumerators, gives out restored splits, begins to look for new ones.
  void start();
  // Tells every reader the barrier; what the checkpoint has to know about the sources (without
  // splits).
  std::vector<SourceState> trigger(Barrier barrier);
  void stop();

 private:
  struct Entry {
    SourceOptions options;
    std::unique_ptr<SplitEnumerator> enumerator;  // discovery thread
    std::int64_t next_ms = 0;
    bool succeeded = false;
    std::string restored_enumerator;
    SourceState state;              // under mutex_, `splits` unused
    std::vector<std::size_t> load;  // splits of each reader
  };
  void work();
  Status discover(Entry& entry);
  bool discover_again(Entry& entry);
  void wait_for_work();
  void assign(Entry& entry, std::vector<SplitState> splits, bool to_all);
  Status make_enumerator(Entry& entry);
  std::int64_t wait_ms() const;

  const Clock& clock_;
  const std::function<void(Status)> failed_;
  const std::function<void()> ready_;
  std::stop_source stop_;
  Mutex mutex_;
  Condition changed_;
  std::vector<Entry> entries_;
  bool stopped_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace slipstream::flow
