// From a job graph to chains: which operators run in one task.
#pragma once

#include <cstdint>
#include <vector>

#include "flow/graph.h"

namespace slipstream::flow {

// A chain of nodes that run together; `parallelism` tasks of it.
struct Chain {
  std::vector<NodeId> nodes;
  std::uint32_t parallelism = 1;
};

struct JobPlan {
  std::vector<Chain> chains;
  std::vector<std::size_t> chain_of;  // of each node
};

// Nodes with parallelism 0 get `default_parallelism`. kInvalidArgument names the node and what is
// wrong with it.
Result<JobPlan> make_plan(const Graph& graph, std::uint32_t default_parallelism,
                          std::uint32_t max_parallelism);

}  // namespace slipstream::flow
