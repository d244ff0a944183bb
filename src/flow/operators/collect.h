// Ends of a graph inside the process; union.
#pragma once

#include <functional>
#include <memory>

#include "flow/operator.h"

namespace slipstream::flow {

// Gives every batch to a consumer: SELECT at the top.
struct CollectSpec {
  // Thread: task. An error ends the job.
  std::function<Status(const Batch& batch)> rows;
  // Thread: task. May be null. False: the batch is kept and offered again when the runtime resumes
  // the operator.
  std::function<bool()> has_room;
  // Thread: task. The input ended (kForward, kSingle: one input). May be null.
  std::function<void()> ended;
};
std::unique_ptr<Operator> make_collect(CollectSpec spec);

// UNION ALL: passes the rows of all inputs on. The runtime merges the watermarks.
std::unique_ptr<Operator> make_union();

}  // namespace slipstream::flow
