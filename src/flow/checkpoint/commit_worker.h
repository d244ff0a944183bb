// Publishes the sealed epochs of one sink, in checkpoint order.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "base/work_pool.h"
#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/storage.h"

namespace slipstream::flow {

// Owner:  the attempt. On the pool, one checkpoint at a time.
// Thread: add(), stop() any; callbacks come from the pool, one at a time.
// Bounds: what the protocol hands over: at most two checkpoints besides the restored ones.
// Failure: reported once; nothing more is committed then.
class CommitWorker {
 public:
  struct Options {
    std::string sink;  // uid
    std::unique_ptr<SinkCommitter> committer;
    CheckpointStorage* storage = nullptr;
    std::function<Status()> check_lease;
    std::int64_t last_lease_ms = 0;
    std::function<void(std::string_view)> notify;
    std::function<void(CheckpointId)> committed;
    std::function<void(Status)> failed;
  };
  CommitWorker(WorkPool& pool, Options options);
  ~CommitWorker() { stop(); }

  void add(CheckpointId checkpoint, std::vector<Epoch> epochs, bool recovered);
  // Ends the running commit, whose outcome is then unknown. Idempotent.
  void stop();

 private:
  struct Group {
    CheckpointId checkpoint = 0;
    std::vector<Epoch> epochs;
    bool recovered = false;
  };
  void publish(const Group& group);
  Status commit(const Group& group);
  Status check_file(const Epoch& epoch) const;

  const Options options_;
  std::stop_source stop_;
  bool failed_ = false;  // in its queue only
  WorkQueue queue_;
};

// kCorrupt when a blob has not this size and checksum.
Status verify_blob(CheckpointStorage& storage, const std::string& name, std::uint64_t size,
                   std::uint64_t checksum);

}  // namespace slipstream::flow
