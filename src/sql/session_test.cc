// Settings of a session, by whichever door they come.
#include "sql/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

namespace slipstream::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class SessionTest : public ::testing::Test {
 protected:
  // What a statement of a script, and the same from outside, is refused with.
  std::string refusal(const std::string& key, const std::string& value) {
    const auto diagnostics = session_.check("SET '" + key + "' = '" + value + "'");
    const auto set = session_.set(key, value);
    EXPECT_EQ(diagnostics.size(), set.ok() ? 0U : 1U) << key;
    if (set.ok() || diagnostics.empty()) return "";
    const Diagnostic& first = diagnostics[0];
    EXPECT_EQ(set.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(set.error().message, first.message + (first.fix.empty() ? "" : "; " + first.fix));
    return set.error().message;
  }

  const std::unique_ptr<ConnectorRegistry> registry_ = builtin_connectors();
  flow::Runtime runtime_;
  Session session_{*registry_, runtime_};
};

TEST_F(SessionTest, KeysOfFlinkAreTakenFromOutsideToo) {
  const auto note = session_.set("taskmanager.numberOfTaskSlots", "4");
  ASSERT_TRUE(note.ok()) << note.status().to_string();
  EXPECT_THAT(*note, HasSubstr("'taskmanager.numberOfTaskSlots' has no effect here: "));
  EXPECT_THAT(session_.settings(), IsEmpty());
  const auto silent = session_.set("state.checkpoints.num-retained", "7");
  ASSERT_TRUE(silent.ok()) << silent.status().to_string();
  EXPECT_EQ(*silent, "");
  EXPECT_THAT(session_.settings(), ElementsAre(Pair("execution.checkpointing.num-retained", "7")));
}

TEST_F(SessionTest, AScriptAndTheOutsideAreRefusedTheSame) {
  EXPECT_EQ(refusal("parallelism.default", "3"), "");
  EXPECT_EQ(refusal("taskmanager.memory.process.size", "4g"), "");
  EXPECT_EQ(refusal("execution.savepoint.path", "/tmp/x"),
            "'execution.savepoint.path' is no setting here; use --from PATH");
  EXPECT_EQ(refusal("paralelism.default", "3"),
            "unknown setting 'paralelism.default'; did you mean 'parallelism.default'?");
  EXPECT_EQ(refusal("parallelism.default", "-1"),
            "option 'parallelism.default': '-1' must be from 0 to 32768");
  EXPECT_THAT(refusal("table.local-time-zone", "Atlantis/Center"), HasSubstr("Atlantis/Center"));
}

TEST_F(SessionTest, ResetKnowsTheKeysThatSetKnows) {
  ASSERT_TRUE(session_.set("state.checkpoints.num-retained", "7").ok());
  const Compiled reset = session_.compile(
      "RESET 'execution.checkpointing.num-retained'; RESET 'taskmanager.numberOfTaskSlots'");
  ASSERT_THAT(reset.diagnostics, IsEmpty());
  EXPECT_EQ(reset.steps[0].text, "OK");
  EXPECT_EQ(reset.steps[1].kind, Step::Kind::kNote);
  EXPECT_THAT(reset.steps[1].text, HasSubstr("has no effect here"));
  EXPECT_THAT(session_.settings(), IsEmpty());
  const auto unknown = session_.check("RESET 'paralelism.default'");
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].message, "unknown setting 'paralelism.default'");
  EXPECT_EQ(unknown[0].fix, "did you mean 'parallelism.default'?");
}

}  // namespace
}  // namespace slipstream::sql
