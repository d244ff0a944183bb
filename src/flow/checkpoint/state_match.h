// Whose the state of a checkpoint is in a graph, and whether it fits.
#pragma once

#include <string>
#include <vector>

#include "slipstream/status.h"

#include "flow/checkpoint/manifest.h"
#include "flow/graph.h"
#include "flow/job.h"

namespace slipstream::flow {

struct MatchedState {
  Manifest manifest;               // with the uids of the graph, without what is dropped
  std::vector<std::string> notes;  // what people are to know of it; may be empty
};

// State belongs to uids that users gave, and to contents that a planner gave: where several nodes
// of one content stand for several states, those go together whose users above agree furthest.
//
// kInvalidArgument when state would be dropped without allow_dropped_state, when a type is another
// one than it was saved with (its operator's state counts as dropped then), when a source is none
// any more, when epochs of a sink wait that is gone.
Result<MatchedState> match_state(Manifest saved, const Graph& graph, const EngineOptions& options);

// Of the operators, sources and exactly-once sinks of `manifest`, as `graph` knows them.
std::vector<StateOwner> owners_of(const Manifest& manifest, const Graph& graph);

}  // namespace slipstream::flow
