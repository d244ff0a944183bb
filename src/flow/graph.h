// Job graphs: what planners make and the runtime executes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/job.h"

#include "flow/operator.h"
#include "flow/state_schema.h"

namespace slipstream::flow {

using NodeId = std::size_t;

struct Input {
  NodeId from = 0;
  std::size_t output = 0;  // 0 = main, else side output
  Partitioning partitioning = Partitioning::kForward;
  std::vector<std::size_t> key_columns;  // kHash; the batch carries the hashes
};

// One vertex. Exactly one of make, source, sink is set.
struct Node {
  std::string uid;   // identity of its state; unique in the graph
  std::string name;  // for people: "Filter(price > 10)"
  std::vector<Input> inputs;
  std::uint32_t parallelism = 0;  // 0 = the job's default
  Schema output;
  std::function<Result<std::unique_ptr<Operator>>()> make;
  std::shared_ptr<Source> source;
  std::shared_ptr<Sink> sink;
  std::string state_note;  // "grows with the number of distinct user_id", empty = stateless
  StateIdentity identity;  // empty: the uid says all, its user gave it
  // Roles that are known before the operator runs; a restore with others is refused.
  StateSchema state_schema;
};

struct Graph {
  std::vector<Node> nodes;  // inputs before users
  NodeId add(Node node) {
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }
};

}  // namespace slipstream::flow
