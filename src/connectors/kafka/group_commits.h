// Offsets of a consumer group: written when a checkpoint is durable.
#pragma once

#include <map>

#include "slipstream/connector/table.h"

#include "connectors/kafka/client.h"

namespace slipstream::kafka_connector {

// They serve people and first starts only: what a restart reads is in the checkpoint.
//
// Owner:   a reader.
// Thread:  task.
// Bounds:  kPendingMax snapshots; older ones are given up.
class GroupCommits {
 public:
  static constexpr std::size_t kPendingMax = 100;

  explicit GroupCommits(bool enabled) : enabled_(enabled) {}
  void snapshot(CheckpointId checkpoint, PartitionOffsets offsets);
  // Those of older checkpoints are not written any more.
  void complete(CheckpointId checkpoint, Client& client);

 private:
  const bool enabled_;
  std::map<CheckpointId, PartitionOffsets> pending_;
};

}  // namespace slipstream::kafka_connector
