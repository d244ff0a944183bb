#include "flow/checkpoint/state_match.h"

#include <gtest/gtest.h>

namespace slipstream::flow {
namespace {

using Uses = std::vector<std::string>;

class Graphs {
 public:
  Graphs& group(const std::string& uid, StateIdentity identity, StateSchema schema = {}) {
    Node node;
    node.uid = uid;
    node.name = "GroupAggregate";
    node.state_note = "grows";
    node.identity = std::move(identity);
    node.state_schema = std::move(schema);
    graph_.add(std::move(node));
    return *this;
  }
  const Graph& graph() const { return graph_; }

 private:
  Graph graph_;
};

// One section each, named as its operator, so that it can be told whose state went where.
Manifest saved(const std::vector<std::string>& uids, std::vector<StateOwner> owners,
               const StateSchema& schema = {}) {
  Manifest manifest;
  manifest.id = 7;
  for (const std::string& uid : uids) {
    Section section;
    section.name = uid;
    manifest.operators.push_back(OperatorState{uid, "GroupAggregate", 1, {section}, schema});
  }
  manifest.owners = std::move(owners);
  return manifest;
}

EngineOptions allow_dropped(bool allow) {
  EngineOptions options;
  options.start.allow_dropped_state = allow;
  options.from_command_line = true;
  return options;
}

// "uid<-saved"
std::vector<std::string> pairs(const Result<MatchedState>& matched) {
  if (!matched.ok()) return {matched.error().message};
  std::vector<std::string> text;
  for (const OperatorState& state : matched->manifest.operators)
    text.push_back(state.uid + "<-" + state.sections[0].name);
  return text;
}

const StateSchema kInt = {{"key", "k", "STRING"}, {"aggregate", "MIN(v)", "MIN(INT)"}};
const StateSchema kBigint = {{"key", "k", "STRING"}, {"aggregate", "MIN(v)", "MIN(BIGINT)"}};

// finding 13: what stood first is second now
TEST(MatchState, AmongEqualContentsThoseWithTheSameUsersGoTogether) {
  Graphs now;
  now.group("c", {"c", Uses{"other sink"}, ""}).group("c-1", {"c", Uses{"sink"}, ""});
  const auto matched =
      match_state(saved({"c"}, {{"c", "c", {"sink"}}}), now.graph(), allow_dropped(false));
  EXPECT_EQ(pairs(matched), (std::vector<std::string>{"c-1<-c"}));
  ASSERT_EQ(matched->notes.size(), 1U);
  EXPECT_NE(matched->notes[0].find("starting empty: GroupAggregate (c)"), std::string::npos);
}

TEST(MatchState, TheUserNearestToItWeighsMost) {
  Graphs now;
  now.group("c", {"c", Uses{"aggregate b", "sink"}, ""})
      .group("c-1", {"c", Uses{"aggregate a", "new sink"}, ""});
  const auto matched = match_state(saved({"c"}, {{"c", "c", {"aggregate a", "sink"}}}), now.graph(),
                                   allow_dropped(false));
  EXPECT_EQ(pairs(matched), (std::vector<std::string>{"c-1<-c"}));
}

TEST(MatchState, WhatHasTheSameContentOnlyStaysInOrder) {
  Graphs now;
  now.group("c", {"c", Uses{"x"}, ""}).group("c-1", {"c", Uses{"y"}, ""});
  const auto matched = match_state(saved({"c", "c-1"}, {{"c", "c", {"p"}}, {"c-1", "c", {"q"}}}),
                                   now.graph(), allow_dropped(false));
  EXPECT_EQ(pairs(matched), (std::vector<std::string>{"c<-c", "c-1<-c-1"}));
}

TEST(MatchState, ContentThatIsGoneIsDroppedWhenAllowed) {
  Graphs now;
  now.group("d", {"d", {}, ""});
  const Manifest manifest = saved({"c"}, {{"c", "c", {}}});
  const auto refused = match_state(manifest, now.graph(), allow_dropped(false));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("dropped: GroupAggregate (c)"), std::string::npos);
  EXPECT_EQ(pairs(match_state(manifest, now.graph(), allow_dropped(true))),
            std::vector<std::string>{});
}

// finding 1
TEST(MatchState, AnotherTypeIsRefusedAndNamed) {
  Graphs now;
  now.group("c", {"c", {}, ""}, kBigint);
  const Manifest manifest = saved({"c"}, {{"c", "c", {}}}, kInt);
  const auto refused = match_state(manifest, now.graph(), allow_dropped(false));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("operator GroupAggregate (c): aggregate 'MIN(v)' was "
                                         "saved as MIN(INT) and is MIN(BIGINT) now"),
            std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().message.find("--allow-dropped-state"), std::string::npos);
  const auto dropped = match_state(manifest, now.graph(), allow_dropped(true));
  EXPECT_EQ(pairs(dropped), std::vector<std::string>{});
  EXPECT_NE(dropped->notes[0].find("MIN(BIGINT)"), std::string::npos);
  EXPECT_NE(dropped->notes[1].find("starting empty: GroupAggregate (c)"), std::string::npos);
}

TEST(MatchState, FieldsOfARoleThatTheNodeDoesNotKnowAreNotItsBusiness) {
  Graphs now;
  now.group("counts", {}, {{"key", "$key", "INT"}});
  const StateSchema schema = {{"key", "$key", "INT"}, {"state", "total", "value:BIGINT"}};
  EXPECT_EQ(pairs(match_state(saved({"counts"}, {}, schema), now.graph(), allow_dropped(false))),
            (std::vector<std::string>{"counts<-counts"}));
}

TEST(MatchState, ColumnsMoreAndFewerAndOthersAreNamed) {
  Graphs now;
  now.group("c", {}, {{"left column", "a", "INT"}, {"left column", "b", "INT"}});
  const auto why = [&](StateSchema schema) {
    const auto matched =
        match_state(saved({"c"}, {}, std::move(schema)), now.graph(), allow_dropped(false));
    return matched.ok() ? "ok" : matched.error().message;
  };
  EXPECT_NE(why({{"left column", "a", "INT"}}).find("left column 'b' is new"), std::string::npos);
  EXPECT_NE(
      why({{"left column", "a", "INT"}, {"left column", "b", "INT"}, {"left column", "c", "INT"}})
          .find("left column 'c' is saved and used no more"),
      std::string::npos);
  EXPECT_NE(why({{"left column", "a", "INT"}, {"left column", "x", "INT"}})
                .find("left column 'x' is saved where 'b' is expected"),
            std::string::npos);
  EXPECT_EQ(why({{"left column", "a", "INT"}, {"left column", "$key1", "INT"}}), "ok");
}

TEST(MatchState, VersionOneIsFoundByItsFormerNamesAndNotCompared) {
  Graphs now;
  now.group("c", {"c", {}, "old"}, kBigint);
  const auto matched = match_state(saved({"old"}, {}), now.graph(), allow_dropped(false));
  EXPECT_EQ(pairs(matched), (std::vector<std::string>{"c<-old"}));
  ASSERT_EQ(matched->notes.size(), 1U);
  EXPECT_NE(matched->notes[0].find("could not be compared for GroupAggregate (c)"),
            std::string::npos);
}

TEST(MatchState, WhoseStateItIsIsWrittenForPlannedNodesThatHaveSome) {
  Graphs now;
  now.group("c", {"content", Uses{"sink"}, ""}).group("given", {}).group("idle", {"i", {}, ""});
  const auto owners = owners_of(saved({"c", "given"}, {}), now.graph());
  ASSERT_EQ(owners.size(), 1U);
  EXPECT_EQ(owners[0].uid, "c");
  EXPECT_EQ(owners[0].content, "content");
  EXPECT_EQ(owners[0].uses, (Uses{"sink"}));
}

}  // namespace
}  // namespace slipstream::flow
