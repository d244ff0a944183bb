// Job graphs as texts that other programs draw or read: Graphviz, Mermaid, JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

#include "flow/graph.h"

namespace slipstream::flow {

// "forward", "hash", "rebalance", "broadcast", "single"
std::string_view partitioning_name(Partitioning partitioning);

struct DrawnJob {
  std::string name;
  Graph graph;
  std::uint32_t parallelism = 1;  // of nodes that do not say theirs
  std::uint32_t max_parallelism = 128;
};

enum class DrawingFormat : std::uint8_t {
  kDot,      // one digraph; a cluster per group of tasks
  kMermaid,  // one flowchart; a subgraph per group of tasks
  kJson,     // {"jobs": [{"name", "nodes": [{"id", "name", "uid", "kind", "parallelism", "tasks",
             // "inputs", "columns", "state"}]}]}
};

// Nodes that run in the same tasks stand together; what goes from tasks to tasks is labelled with
// how it is dealt out. Ends with a line break.
// Failure: kInvalidArgument, the graph cannot run.
Result<std::string> draw(const std::vector<DrawnJob>& jobs, DrawingFormat format);

}  // namespace slipstream::flow
