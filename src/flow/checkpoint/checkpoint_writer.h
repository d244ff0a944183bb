// Writes snapshots and manifests in the background.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/work_pool.h"
#include "flow/checkpoint/snapshot.h"
#include "flow/checkpoint/storage.h"

namespace slipstream::flow {

// What one task's snapshot became in the storage.
struct StoredSnapshot {
  // What an instance wrote under `name` adds to its sections of the base.
  struct Addition {
    std::string uid;
    std::uint32_t subtask = 0;
    std::string name;
  };

  TaskId task = 0;
  Barrier barrier;
  std::vector<OperatorState> operators;  // file index 0 = the checkpoint's own state file
  std::vector<Addition> additions;
  std::optional<SplitSnapshot> source;
  std::vector<Epoch> epochs;
};

// Owner:   the attempt. Everything on the pool, in the order in which it was handed over.
// Thread:  add(), store(), drop(), stop() any; the callbacks come from the pool, one at a time.
// Bounds:  one snapshot per task and checkpoint; the coordinator keeps one checkpoint in flight.
// Failure: answered per checkpoint; the next one starts anew.
class CheckpointWriter {
 public:
  struct Callbacks {
    std::function<void(StoredSnapshot)> written;
    // `epoch_lost`: sealed rows went with it, only a restart brings them back.
    std::function<void(CheckpointId, Status, bool epoch_lost)> write_failed;
    std::function<void(CheckpointId, Result<Manifest>)> stored;  // as published
  };
  CheckpointWriter(CheckpointStorage& storage, WorkPool& pool, Callbacks callbacks);
  ~CheckpointWriter() { stop(); }

  void add(TaskSnapshot snapshot);
  // Moves what is left of files that are hardly used any more into the checkpoint's own, makes that
  // durable, then publishes the manifest. REQUIRES: `manifest.files` has a place for the own file
  // at index 0.
  void store(Manifest manifest);
  // Removes what was written for a checkpoint that was given up.
  void drop(CheckpointId checkpoint);
  // Anything else that must come in order: removing old checkpoints, rewriting a manifest.
  void run(std::function<void(CheckpointStorage&)> work);
  // Finishes what it is at, forgets the rest. Idempotent.
  void stop() { queue_.close(); }
  // What a checkpoint's state file is called.
  static std::string state_file(CheckpointId checkpoint) {
    return checkpoint_folder(checkpoint) + "/state";
  }
  static std::string manifest_file(CheckpointId checkpoint) {
    return checkpoint_folder(checkpoint) + "/manifest";
  }

 private:
  void handle(TaskSnapshot& snapshot);
  void handle(Manifest& manifest);
  void handle(CheckpointId dropped);
  Result<StoredSnapshot> write(TaskSnapshot& snapshot);
  Status publish(Manifest& manifest);
  Status gather(Manifest& manifest, BlobWriter& out);
  Result<BlobWriter*> output(CheckpointId checkpoint);

  CheckpointStorage& storage_;
  const Callbacks callbacks_;
  // In its queue only.
  std::map<CheckpointId, std::unique_ptr<BlobWriter>> outputs_;
  // The newest: later snapshots of it and of older ones keep their epochs only.
  CheckpointId dropped_ = 0;
  WorkQueue queue_;
};

}  // namespace slipstream::flow
