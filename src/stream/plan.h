// The job as it is written down: logical operators with the templates' parts, and their translation
// to a job graph.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/stream/environment.h"
#include "slipstream/stream/operator.h"

#include "flow/graph.h"
#include "flow/job.h"
#include "flow/runtime.h"
#include "stream/user_code_watch.h"

namespace slipstream::stream::erased {

// Thread: one.
// Bounds: grows with the program.
class StreamPlan {
 public:
  explicit StreamPlan(std::shared_ptr<const ConnectorRegistry> connectors,
                      std::shared_ptr<const JobSettings> settings)
      : connectors_(std::move(connectors)), settings_(std::move(settings)) {}

  NodeNumber add(NodeSpec spec);
  NodeSpec& node(NodeNumber number) { return nodes_[number]; }
  const std::vector<NodeSpec>& nodes() const { return nodes_; }
  std::size_t side_output(NodeNumber number, SideSpec side);
  void note_error(Status status) { errors_.push_back(std::move(status)); }

  const ConnectorRegistry& connectors() const { return *connectors_; }
  const std::shared_ptr<const ConnectorRegistry>& shared_connectors() const { return connectors_; }
  const JobSettings& settings() const { return *settings_; }
  const std::shared_ptr<const JobSettings>& shared_settings() const { return settings_; }
  const std::shared_ptr<UserCodeWatch>& watch() const { return watch_; }
  // Of the settings, or one of its own.
  const std::shared_ptr<flow::Runtime>& runtime();

  // Nodes of another planner (SQL) that reads streams of this plan and feeds others. Node i of
  // `graph` whose source is a StreamTable stands for the stream that it names. Answers the number
  // of the plan's node that stands for the output of `result`, when there is one.
  NodeNumber import_graph(flow::Graph graph, std::optional<flow::NodeId> result, Schema element);

  struct Imported {
    flow::Graph graph;
    std::optional<flow::NodeId> result;
    NodeNumber number = 0;  // in nodes_: a node without parts of its own
  };
  const std::vector<Imported>& imported() const { return imported_; }

  // Everything that is wrong, or the graph.
  Result<flow::Graph> translate() const;

  bool started = false;

 private:
  std::shared_ptr<const ConnectorRegistry> connectors_;
  std::shared_ptr<const JobSettings> settings_;
  std::shared_ptr<UserCodeWatch> watch_ = std::make_shared<UserCodeWatch>();
  std::shared_ptr<flow::Runtime> own_runtime_;
  std::vector<NodeSpec> nodes_;
  std::map<std::string, int> kinds_;  // number of nodes of each
  std::vector<Status> errors_;
  std::vector<Imported> imported_;
};

}  // namespace slipstream::stream::erased
