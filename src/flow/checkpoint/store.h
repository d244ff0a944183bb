// The checkpoints of a job: which one to start from, what is retained, which ids are free.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/storage.h"
#include "flow/graph.h"
#include "flow/job.h"

namespace slipstream::flow {

// Its manifest, when everything that it needs is there and undamaged.
Result<Manifest> load_checkpoint(CheckpointStorage& storage, CheckpointId id);

// Owner: the job.
// Thread: the job's thread (start() before it runs).
// Bounds: JobOptions::retained_checkpoints complete checkpoints, each manifest's epoch names in
// memory.
class CheckpointStore {
 public:
  // Opens or makes the storage and chooses what to start from. Refuses what start() promises to
  // refuse. `may_change` is asked before each change of the checkpoint directory.
  static Result<std::unique_ptr<CheckpointStore>> open(const EngineOptions& options,
                                                       const Graph& graph, const Notify& notify,
                                                       std::function<Status()> may_change);

  CheckpointStorage& storage() { return *storage_; }
  // What the next attempt starts from; null = nothing. Its files are in `restore_storage`.
  const std::shared_ptr<const Manifest>& latest() const { return latest_; }
  const std::shared_ptr<CheckpointStorage>& restore_storage() const { return restore_storage_; }
  CheckpointId next_id() const { return next_id_; }
  std::vector<CheckpointId> retained() const;

  void used_id(CheckpointId id) { next_id_ = std::max(next_id_, id + 1); }
  void completed(Manifest manifest);
  // The epochs of `sink` and `checkpoint` are published: an in-process restart need not ask again.
  void confirmed(const std::string& sink, CheckpointId checkpoint);
  // Folders and epoch files that go with a checkpoint; the caller removes them.
  struct Garbage {
    std::vector<std::string> folders;
    std::vector<std::string> files;
  };
  Garbage forget(CheckpointId checkpoint);

 private:
  CheckpointStore() = default;

  std::shared_ptr<CheckpointStorage> storage_;
  std::shared_ptr<CheckpointStorage> restore_storage_;
  std::shared_ptr<const Manifest> latest_;
  CheckpointId next_id_ = 1;
  // Files that a complete checkpoint needs: epochs, and state files in folders of others.
  std::map<CheckpointId, std::set<std::string>> files_;
  std::set<CheckpointId> doomed_;  // folders of none, but others refer to their files
  friend class StoreOpener;
};

}  // namespace slipstream::flow
