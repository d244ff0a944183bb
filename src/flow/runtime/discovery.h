// Finds the splits of all sources of an attempt and gives them to readers.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/timers.h"
#include "base/work_pool.h"
#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/store.h"
#include "flow/runtime/task.h"

namespace slipstream::flow {

// Owner:   the attempt. On the pool, where a slow peer may hold it up for seconds; trigger() is not.
// Thread:  trigger(), stop() any; callbacks come from the pool, one at a time.
// Order:   splits found before trigger() are with their readers before its barrier is.
// Ready:   every source has splits of the checkpoint or was asked once; no checkpoint may begin
//          before that.
// Failure: before the first success reported once; later and after a restore retryable errors are
//          logged and tried again.
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
  Discovery(std::vector<SourceOptions> sources, Timers& timers, WorkPool& pool,
            std::function<void(Status)> failed, std::function<void()> ready);
  ~Discovery() { stop(); }

  // Makes the enumerators, gives out restored splits, begins to look for new ones.
  void start();
  // Sends every reader the barrier; what the checkpoint has to know about the sources (without
  // splits).
  std::vector<SourceState> trigger(Barrier barrier);
  void stop();

 private:
  struct Entry {
    SourceOptions options;
    std::unique_ptr<SplitEnumerator> enumerator;  // in the queue
    std::int64_t next_ms = 0;
    bool succeeded = false;
    std::string restored_enumerator;
    SourceState state;              // under mutex_, `splits` unused
    std::vector<std::size_t> load;  // splits of each reader
  };
  void begin();
  void discover_due();
  void report_ready();
  Status discover(Entry& entry);
  bool discover_again(Entry& entry);
  void assign(Entry& entry, std::vector<SplitState> splits, bool to_all);
  Status make_enumerator(Entry& entry);

  const Clock& clock_;
  const std::function<void(Status)> failed_;
  const std::function<void()> ready_;
  std::stop_source stop_;
  Mutex mutex_;
  std::vector<Entry> entries_;
  bool reported_ = false;  // in the queue
  WorkQueue queue_;
  Timer timer_;
};

}  // namespace slipstream::flow
