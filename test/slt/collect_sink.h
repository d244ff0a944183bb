// The sink of SQL text tests: exactly-once through the engine's own committables.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "slipstream/connector.h"

namespace slipstream::test {

// What committed epochs said, by (checkpoint, subtask): committing one twice changes nothing.
// Outlives jobs, as a real output does.
// Thread: any.
class CollectedRows {
 public:
  void publish(CheckpointId checkpoint, std::uint32_t subtask, std::vector<Batch> batches);
  // One line per row, "a, b, NULL", in order of checkpoint; with kinds: "+I a, b, NULL".
  std::vector<std::string> lines(bool with_kinds) const;
  // Retractions folded away, sorted. A retraction of a row that is not there becomes "MISSING ...".
  std::vector<std::string> materialised() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<CheckpointId, std::uint32_t>, std::vector<Batch>> epochs_;
};

std::shared_ptr<Sink> make_collect_sink(Schema schema, std::shared_ptr<CollectedRows> rows);

}  // namespace slipstream::test
