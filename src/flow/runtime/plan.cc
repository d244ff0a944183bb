#include "flow/runtime/plan.h"

#include <set>
#include <string>

#include "base/try.h"

namespace slipstream::flow {
namespace {

Error refuse(const Node& node, const std::string& why) {
  return Error{ErrorCode::kInvalidArgument,
               "job graph: node '" + (node.name.empty() ? node.uid : node.name) + "' " + why};
}

std::uint32_t parallelism_of(const Node& node, std::uint32_t default_parallelism) {
  return node.parallelism == 0 ? default_parallelism : node.parallelism;
}

Status check_node(const Graph& graph, NodeId id, std::set<std::string>& uids) {
  const Node& node = graph.nodes[id];
  if (node.uid.empty()) return refuse(node, "has no uid");
  if (!uids.insert(node.uid).second)
    return refuse(node, "has the uid '" + node.uid + "' of another node");
  const int kinds = (node.make ? 1 : 0) + (node.source ? 1 : 0) + (node.sink ? 1 : 0);
  if (kinds != 1) return refuse(node, "must be exactly one of operator, source and sink");
  if (node.source != nullptr && !node.inputs.empty())
    return refuse(node, "is a source and has inputs");
  if (node.source == nullptr && node.inputs.empty()) return refuse(node, "has no input");
  for (const Input& input : node.inputs) {
    if (input.from >= id) return refuse(node, "stands before its input");
    if (graph.nodes[input.from].sink != nullptr) return refuse(node, "reads from a sink");
  }
  return {};
}

Status check_edges(const Graph& graph, NodeId id, std::uint32_t default_parallelism,
                   std::uint32_t max_parallelism) {
  const Node& node = graph.nodes[id];
  const std::uint32_t own = parallelism_of(node, default_parallelism);
  for (const Input& input : node.inputs) {
    const std::uint32_t theirs = parallelism_of(graph.nodes[input.from], default_parallelism);
    if (input.partitioning == Partitioning::kForward && own != theirs) {
      return refuse(node, "has parallelism " + std::to_string(own) +
                              " and a forward edge from parallelism " + std::to_string(theirs));
    }
    if (input.partitioning == Partitioning::kHash && own > max_parallelism) {
      return refuse(node, "has parallelism " + std::to_string(own) + " above the maximum of " +
                              std::to_string(max_parallelism) + " key groups");
    }
  }
  return {};
}

// The only consumer of the main output over a forward edge, and this its only input.
bool chains_to_producer(const Graph& graph, NodeId id,
                        const std::vector<std::size_t>& main_consumers) {
  const Node& node = graph.nodes[id];
  if (node.inputs.size() != 1) return false;
  const Input& input = node.inputs.front();
  return input.partitioning == Partitioning::kForward && input.output == 0 &&
         main_consumers[input.from] == 1;
}

}  // namespace

Result<JobPlan> make_plan(const Graph& graph, std::uint32_t default_parallelism,
                          std::uint32_t max_parallelism) {
  if (graph.nodes.empty()) return Error{ErrorCode::kInvalidArgument, "job graph: it is empty"};
  std::set<std::string> uids;
  std::vector<std::size_t> main_consumers(graph.nodes.size());
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    TRY(check_node(graph, id, uids));
    TRY(check_edges(graph, id, default_parallelism, max_parallelism));
    for (const Input& input : graph.nodes[id].inputs) {
      if (input.output == 0) ++main_consumers[input.from];
    }
  }
  JobPlan plan;
  plan.chain_of.resize(graph.nodes.size());
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    if (chains_to_producer(graph, id, main_consumers)) {
      plan.chain_of[id] = plan.chain_of[graph.nodes[id].inputs.front().from];
      plan.chains[plan.chain_of[id]].nodes.push_back(id);
      continue;
    }
    plan.chain_of[id] = plan.chains.size();
    plan.chains.push_back(Chain{{id}, parallelism_of(graph.nodes[id], default_parallelism)});
  }
  return plan;
}

}  // namespace slipstream::flow
