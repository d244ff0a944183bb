#include "connectors/kafka/group_commits.h"

#include <utility>

namespace slipstream::kafka_connector {

void GroupCommits::snapshot(CheckpointId checkpoint, PartitionOffsets offsets) {
  if (!enabled_) return;
  pending_[checkpoint] = std::move(offsets);
  if (pending_.size() > kPendingMax) pending_.erase(pending_.begin());
}

void GroupCommits::complete(CheckpointId checkpoint, Client& client) {
  const auto found = pending_.find(checkpoint);
  if (found == pending_.end()) return;
  client.commit(found->second);
  pending_.erase(pending_.begin(), std::next(found));
}

}  // namespace slipstream::kafka_connector
