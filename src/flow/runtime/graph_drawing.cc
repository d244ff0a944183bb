#include "flow/runtime/graph_drawing.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/try.h"
#include "flow/runtime/plan.h"

namespace slipstream::flow {
namespace {

using nlohmann::ordered_json;

std::vector<std::string> key_names(const Graph& graph, const Input& input) {
  std::vector<std::string> names;
  for (const std::size_t column : input.key_columns)
    names.push_back(graph.nodes[input.from].output[column].name);
  return names;
}

// What an arrow says: nothing where rows stay in their task.
std::string arrow_text(const Graph& graph, const Input& input, bool same_tasks) {
  std::string text;
  if (input.output != 0) text = "side output";
  if (!same_tasks) {
    text += (text.empty() ? "" : ", ") + std::string(partitioning_name(input.partitioning));
    std::string keys;
    for (const std::string& name : key_names(graph, input))
      keys += (keys.empty() ? "" : ", ") + name;
    if (!keys.empty()) text += " by " + keys;
  }
  return text;
}

std::string tasks_text(std::uint32_t parallelism) {
  return std::to_string(parallelism) + (parallelism == 1 ? " task" : " tasks");
}

std::string node_text(const Node& node) {
  return node.name + (node.state_note.empty() ? "" : "\nstate " + node.state_note);
}

std::string dot_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c != '\r') {
      out += c;
    }
  }
  return out + "\"";
}

// Mermaid reads HTML and Markdown in its labels: all that could be either is a code.
std::string mermaid_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (std::string_view("\"#<>&`\\*_[]{}|").find(c) != std::string_view::npos) {
      out += "#" + std::to_string(static_cast<int>(c)) + ";";
    } else if (c == '\n') {
      out += "<br/>";
    } else if (c != '\r') {
      out += c;
    }
  }
  return out + "\"";
}

// One text form: how it opens and closes groups, and writes nodes and arrows.
class Writer {
 public:
  explicit Writer(DrawingFormat format) : dot_(format == DrawingFormat::kDot) {
    text_ = dot_ ? "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n" : "flowchart LR\n";
  }

  void add(const DrawnJob& job, const JobPlan& plan, const std::string& id) {
    for (std::size_t i = 0; i < plan.chains.size(); ++i) {
      const Chain& chain = plan.chains[i];
      open_group(id + "t" + std::to_string(i), job.name + ", " + tasks_text(chain.parallelism));
      for (const NodeId node : chain.nodes)
        add_node(id + "n" + std::to_string(node), node_text(job.graph.nodes[node]));
      text_ += dot_ ? "  }\n" : "  end\n";
    }
    for (NodeId to = 0; to < job.graph.nodes.size(); ++to) {
      for (const Input& input : job.graph.nodes[to].inputs) {
        const bool same = plan.chain_of[input.from] == plan.chain_of[to];
        add_arrow(id + "n" + std::to_string(input.from), id + "n" + std::to_string(to),
                  arrow_text(job.graph, input, same));
      }
    }
  }
  std::string take() {
    if (dot_) text_ += "}\n";
    return std::move(text_);
  }

 private:
  void open_group(const std::string& id, const std::string& label) {
    text_ += dot_ ? "  subgraph cluster_" + id + " {\n    label=" + dot_quoted(label) + ";\n"
                  : "  subgraph " + id + "[" + mermaid_quoted(label) + "]\n";
  }
  void add_node(const std::string& id, const std::string& label) {
    text_ += "    " + id;
    text_ += dot_ ? " [label=" + dot_quoted(label) + "];\n" : "[" + mermaid_quoted(label) + "]\n";
  }
  void add_arrow(const std::string& from, const std::string& to, const std::string& label) {
    if (dot_) {
      text_ += "  " + from + " -> " + to +
               (label.empty() ? "" : " [label=" + dot_quoted(label) + "]") + ";\n";
    } else {
      text_ += "  " + from + " -->" + (label.empty() ? "" : "|" + mermaid_quoted(label) + "|") +
               " " + to + "\n";
    }
  }

  const bool dot_;
  std::string text_;
};

ordered_json inputs_json(const Graph& graph, const Node& node) {
  ordered_json inputs = ordered_json::array();
  for (const Input& input : node.inputs) {
    inputs.push_back({{"from", input.from},
                      {"output", input.output},
                      {"partitioning", partitioning_name(input.partitioning)},
                      {"keys", key_names(graph, input)}});
  }
  return inputs;
}

ordered_json job_json(const DrawnJob& job, const JobPlan& plan) {
  ordered_json nodes = ordered_json::array();
  for (NodeId id = 0; id < job.graph.nodes.size(); ++id) {
    const Node& node = job.graph.nodes[id];
    ordered_json columns = ordered_json::array();
    for (const Field& field : node.output.fields())
      columns.push_back({{"name", field.name}, {"type", field.type.to_string()}});
    const std::size_t chain = plan.chain_of[id];
    nodes.push_back({{"id", id},
                     {"name", node.name},
                     {"uid", node.uid},
                     {"kind", node.source ? "source"
                              : node.sink ? "sink"
                                          : "operator"},
                     {"parallelism", plan.chains[chain].parallelism},
                     {"tasks", chain},
                     {"inputs", inputs_json(job.graph, node)},
                     {"columns", std::move(columns)},
                     {"state", node.state_note}});
  }
  return {{"name", job.name}, {"nodes", std::move(nodes)}};
}

}  // namespace

std::string_view partitioning_name(Partitioning partitioning) {
  switch (partitioning) {
    case Partitioning::kForward:
      return "forward";
    case Partitioning::kHash:
      return "hash";
    case Partitioning::kRebalance:
      return "rebalance";
    case Partitioning::kBroadcast:
      return "broadcast";
    case Partitioning::kSingle:
      return "single";
  }
  return "forward";
}

Result<std::string> draw(const std::vector<DrawnJob>& jobs, DrawingFormat format) {
  ordered_json all = ordered_json::array();
  Writer writer(format);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    TRY_ASSIGN(const JobPlan plan,
               make_plan(jobs[i].graph, jobs[i].parallelism, jobs[i].max_parallelism));
    if (format == DrawingFormat::kJson) {
      all.push_back(job_json(jobs[i], plan));
    } else {
      writer.add(jobs[i], plan, "j" + std::to_string(i));
    }
  }
  if (format != DrawingFormat::kJson) return writer.take();
  return ordered_json{{"jobs", std::move(all)}}.dump(2, ' ', false,
                                                     ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace slipstream::flow
