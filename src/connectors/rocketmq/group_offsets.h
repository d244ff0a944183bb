// Offsets that a reader writes for its consumer group: a courtesy copy, the checkpoint has them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/clock.h"
#include "slipstream/connector.h"
#include "slipstream/rocketmq/consumer.h"

namespace slipstream::rocketmq_connector {

// Owner:   a reader; the destructor waits a moment for offsets that are being written.
// Thread:  task; answers come on the client's thread.
// Bounds:  kCheckpointsMax checkpoints that were never told complete.
// Failure: logged; the next checkpoint writes again.
class GroupOffsets {
 public:
  using Offsets = std::vector<rocketmq::GroupOffset>;

  // `clock` outlives it. `table`: for people.
  GroupOffsets(std::string table, const Clock& clock);
  ~GroupOffsets();

  // Offsets of a snapshot; those that were written not long ago are left out.
  void snapshot(CheckpointId checkpoint, Offsets offsets);
  // Writes those of the checkpoint, when it has some.
  void complete(CheckpointId checkpoint, rocketmq::Consumer& consumer);

 private:
  class Written;
  static constexpr std::size_t kCheckpointsMax = 16;

  const std::string table_;
  const std::shared_ptr<Written> written_;
  std::map<CheckpointId, Offsets> waiting_;
};

}  // namespace slipstream::rocketmq_connector
