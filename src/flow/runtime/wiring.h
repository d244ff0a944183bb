// Makes the tasks of a plan and connects them.
#pragma once

#include <memory>
#include <vector>

#include "flow/runtime/plan.h"
#include "flow/runtime/task.h"

namespace slipstream::flow {

struct WiringOptions {
  bool restored = false;
  std::size_t exchange_bytes = std::size_t{4} << 20;
};

// Appends to `tasks`; answers the tasks of each chain by subtask. The graph outlives them.
std::vector<std::vector<Task*>> make_tasks(const Graph& graph, const JobPlan& plan,
                                           TaskEnvironment& environment,
                                           const WiringOptions& options,
                                           std::vector<std::unique_ptr<Task>>& tasks);

// What has passed between the tasks of each two chains.
// Thread: any.
std::vector<EdgeReport> edge_reports(const Graph& graph, const JobPlan& plan,
                                     const std::vector<std::vector<Task*>>& tasks_of_chain);

}  // namespace slipstream::flow
