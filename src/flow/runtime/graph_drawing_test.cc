#include "flow/runtime/graph_drawing.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "flow/operators/collect.h"

namespace slipstream::flow {
namespace {

Node operator_node(const std::string& uid, const std::string& name) {
  Node node;
  node.uid = uid;
  node.name = name;
  node.output = Schema({Field{"user", Type::string()}, Field{"n", Type::bigint()}});
  node.make = [] { return Result<std::unique_ptr<Operator>>(make_union()); };
  return node;
}

// Two nodes in the same tasks, then an exchange by key. The first stands for a source: a plan wants
// an input of every operator.
DrawnJob job_of(const std::string& name) {
  class Nothing final : public Source {
    Schema schema() const override { return {}; }
    bool bounded() const override { return true; }
    Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext) override {
      return Error{};
    }
    Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext) override { return Error{}; }
  };
  DrawnJob job;
  job.name = "j";
  job.parallelism = 2;
  Node source = operator_node("a", "Source(t)");
  source.make = nullptr;
  source.source = std::make_shared<Nothing>();
  job.graph.add(std::move(source));
  Node filter = operator_node("b", name);
  filter.inputs = {Input{0, 0, Partitioning::kForward, {}}};
  job.graph.add(std::move(filter));
  Node aggregate = operator_node("c", "GroupAggregate");
  aggregate.inputs = {Input{1, 0, Partitioning::kHash, {0}}};
  aggregate.state_note = "grows with the number of distinct (user)";
  job.graph.add(std::move(aggregate));
  return job;
}

TEST(GraphDrawing, DotShowsTasksAndExchanges) {
  const auto text = draw({job_of("Filter(user = 'a\"b\\')")}, DrawingFormat::kDot);
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  EXPECT_EQ(*text,
            "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n"
            "  subgraph cluster_j0t0 {\n    label=\"j, 2 tasks\";\n"
            "    j0n0 [label=\"Source(t)\"];\n"
            "    j0n1 [label=\"Filter(user = 'a\\\"b\\\\')\"];\n  }\n"
            "  subgraph cluster_j0t1 {\n    label=\"j, 2 tasks\";\n"
            "    j0n2 [label=\"GroupAggregate\\nstate grows with the number of distinct "
            "(user)\"];\n  }\n"
            "  j0n0 -> j0n1;\n"
            "  j0n1 -> j0n2 [label=\"hash by user\"];\n}\n");
}

TEST(GraphDrawing, MermaidLabelsHoldNoMarkup) {
  const auto text = draw({job_of("Filter(user <> 'a\"b')")}, DrawingFormat::kMermaid);
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  EXPECT_NE(text->find("j0n1[\"Filter(user #60;#62; 'a#34;b')\"]\n"), std::string::npos) << *text;
  EXPECT_NE(text->find("  j0n1 -->|\"hash by user\"| j0n2\n"), std::string::npos) << *text;
  EXPECT_TRUE(text->starts_with("flowchart LR\n  subgraph j0t0[\"j, 2 tasks\"]\n")) << *text;
}

TEST(GraphDrawing, JsonHasNodesInputsAndState) {
  const auto text = draw({job_of("Filter"), job_of("Other")}, DrawingFormat::kJson);
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  const auto json = nlohmann::json::parse(*text);
  ASSERT_EQ(json["jobs"].size(), 2U);
  const auto& nodes = json["jobs"][0]["nodes"];
  EXPECT_EQ(nodes[0]["kind"], "source");
  EXPECT_EQ(nodes[1]["tasks"], nodes[0]["tasks"]);
  EXPECT_EQ(nodes[2]["inputs"][0]["partitioning"], "hash");
  EXPECT_EQ(nodes[2]["inputs"][0]["keys"], nlohmann::json({"user"}));
  EXPECT_EQ(nodes[2]["state"], "grows with the number of distinct (user)");
  EXPECT_EQ(nodes[2]["columns"][1]["type"], "BIGINT");
}

}  // namespace
}  // namespace slipstream::flow
