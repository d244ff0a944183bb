#include "flow/runtime/wiring.h"

#include <algorithm>
#include <utility>

namespace slipstream::flow {
namespace {

std::size_t position_in(const Chain& chain, NodeId node) {
  return static_cast<std::size_t>(std::find(chain.nodes.begin(), chain.nodes.end(), node) -
                                  chain.nodes.begin());
}

bool connects_all(Partitioning partitioning) {
  return partitioning == Partitioning::kHash || partitioning == Partitioning::kRebalance ||
         partitioning == Partitioning::kBroadcast;
}

// Whether all subtasks of a chain with this head read the same upstream tasks.
bool reads_all(const Node& head) {
  return !head.inputs.empty() &&
         std::all_of(head.inputs.begin(), head.inputs.end(),
                     [](const Input& input) { return connects_all(input.partitioning); });
}

// Consumers of producer `subtask`, by subtask.
std::vector<std::uint32_t> targets_of(const Input& input, std::uint32_t subtask,
                                      std::uint32_t consumers) {
  if (input.partitioning == Partitioning::kForward) return {subtask};
  if (input.partitioning == Partitioning::kSingle) return {0};
  std::vector<std::uint32_t> all(consumers);
  for (std::uint32_t i = 0; i < consumers; ++i) all[i] = i;
  return all;
}

// One head node's inputs: counts channels first, since edges point into finished gates.
class HeadWiring {
 public:
  HeadWiring(const Graph& graph, const JobPlan& plan, TaskEnvironment& environment,
             const WiringOptions& options, std::vector<std::vector<Task*>>& tasks)
      : graph_(graph), plan_(plan), environment_(environment), options_(options), tasks_(tasks) {}

  void wire(std::size_t chain) {
    const Node& head = graph_.nodes[plan_.chains[chain].nodes.front()];
    if (head.source != nullptr) return;
    const auto consumers = static_cast<std::uint32_t>(tasks_[chain].size());
    std::vector<std::vector<Gate::Channel>> channels(consumers);
    std::vector<Pending> pending;
    for (std::size_t i = 0; i < head.inputs.size(); ++i) {
      const Input& input = head.inputs[i];
      const bool same_upstream =
          reads_all(graph_.nodes[plan_.chains[plan_.chain_of[input.from]].nodes[0]]);
      for (Task* producer : tasks_[plan_.chain_of[input.from]]) {
        Pending edge{producer, &input, {}};
        for (const std::uint32_t target :
             targets_of(input, subtask_of(producer, input.from), consumers)) {
          edge.places.emplace_back(target, channels[target].size());
          channels[target].push_back(
              Gate::Channel{producer, static_cast<std::uint32_t>(i), same_upstream});
        }
        pending.push_back(std::move(edge));
      }
    }
    for (std::uint32_t i = 0; i < consumers; ++i) {
      tasks_[chain][i]->set_gate(
          std::make_unique<Gate>(*environment_.pool, *tasks_[chain][i], std::move(channels[i]),
                                 options_.exchange_bytes, *environment_.budget));
    }
    for (const Pending& edge : pending) connect(edge, chain);
  }

 private:
  struct Pending {
    Task* producer;
    const Input* input;
    std::vector<std::pair<std::uint32_t, std::size_t>> places;  // consumer, channel
  };

  std::uint32_t subtask_of(const Task* task, NodeId node) const {
    const auto& all = tasks_[plan_.chain_of[node]];
    return static_cast<std::uint32_t>(std::find(all.begin(), all.end(), task) - all.begin());
  }

  void connect(const Pending& pending, std::size_t chain) {
    Edge::Options edge;
    edge.output = pending.input->output;
    edge.partitioning = pending.input->partitioning;
    edge.key_columns = pending.input->key_columns;
    edge.max_parallelism = environment_.max_parallelism;
    for (const auto& [consumer, channel] : pending.places) {
      edge.targets.push_back(Edge::Target{tasks_[chain][consumer]->gate(), channel});
    }
    // Rebalancing producers begin at different consumers.
    if (connects_all(edge.partitioning))
      edge.first = subtask_of(pending.producer, pending.input->from);
    const Chain& producers = plan_.chains[plan_.chain_of[pending.input->from]];
    pending.producer->add_edge(position_in(producers, pending.input->from), Edge(std::move(edge)));
  }

  const Graph& graph_;
  const JobPlan& plan_;
  TaskEnvironment& environment_;
  const WiringOptions& options_;
  std::vector<std::vector<Task*>>& tasks_;
};

}  // namespace

std::vector<std::vector<Task*>> make_tasks(const Graph& graph, const JobPlan& plan,
                                           TaskEnvironment& environment,
                                           const WiringOptions& options,
                                           std::vector<std::unique_ptr<Task>>& tasks) {
  std::vector<std::vector<Task*>> of_chain;
  for (const Chain& chain : plan.chains) {
    std::vector<Task*>& subtasks = of_chain.emplace_back();
    for (std::uint32_t subtask = 0; subtask < chain.parallelism; ++subtask) {
      Task::Options task;
      task.id = static_cast<TaskId>(tasks.size());
      for (const NodeId node : chain.nodes) task.chain.push_back(&graph.nodes[node]);
      task.subtask = subtask;
      task.parallelism = chain.parallelism;
      task.restored = options.restored;
      tasks.push_back(std::make_unique<Task>(std::move(task), environment));
      subtasks.push_back(tasks.back().get());
    }
  }
  HeadWiring wiring(graph, plan, environment, options, of_chain);
  for (std::size_t chain = 0; chain < plan.chains.size(); ++chain) wiring.wire(chain);
  return of_chain;
}

std::vector<EdgeReport> edge_reports(const Graph& graph, const JobPlan& plan,
                                     const std::vector<std::vector<Task*>>& tasks_of_chain) {
  std::vector<EdgeReport> edges;
  for (std::size_t chain = 0; chain < tasks_of_chain.size(); ++chain) {
    const Node& head = graph.nodes[plan.chains[chain].nodes.front()];
    const std::size_t first = edges.size();
    for (const Input& input : head.inputs) {
      EdgeReport& edge = edges.emplace_back();
      edge.from = plan.chain_of[input.from];
      edge.to = chain;
      edge.partitioning = input.partitioning;
    }
    for (const Task* task : tasks_of_chain[chain]) {
      const Gate* gate = task->gate();
      if (gate == nullptr) continue;
      for (std::size_t channel = 0; channel < gate->channels(); ++channel) {
        EdgeReport& edge = edges[first + gate->input_of(channel)];
        edge.rows += gate->rows(channel);
        edge.queued_bytes += gate->queued_bytes(channel);
        edge.queued_bytes_max += gate->queued_bytes_max() / gate->channels();
      }
    }
  }
  return edges;
}

}  // namespace slipstream::flow
