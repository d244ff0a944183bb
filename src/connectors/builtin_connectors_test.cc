#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

#include "connector_kit/testing/connector_harness.h"

namespace slipstream {
namespace {

using ::testing::HasSubstr;

// The build names folders; rocketmq-admin, mq and mq5 come with rocketmq.
TEST(BuiltinConnectors, AreThoseOfTheBuildInItsOrder) {
  std::vector<std::string> expected;
  std::istringstream folders(SLIPSTREAM_CONNECTORS);
  for (std::string folder; folders >> folder;) {
    expected.push_back(folder);
    if (folder == "rocketmq") expected.insert(expected.end(), {"rocketmq-admin", "mq", "mq5"});
  }
  std::vector<std::string> names;
  const auto registry = builtin_connectors();
  for (const ConnectorFactory* each : registry->all()) names.emplace_back(each->name());
  EXPECT_EQ(names, expected);
}

// As in Flink, whose tables say 'value.format' beside 'key.format'.
TEST(BuiltinConnectors, WhereMessagesHaveKeysTheFormatOfBodiesHasItsOtherName) {
  const auto registry = builtin_connectors();
  std::vector<std::string> with_keys;
  for (const ConnectorFactory* each : registry->all()) {
    const OptionTable options = each->options();
    if (options.find("key.format") == nullptr) continue;
    with_keys.emplace_back(each->name());
    ASSERT_NE(options.find("value.format"), nullptr) << each->name();
    EXPECT_EQ(options.find("value.format")->name, "format") << each->name();
  }
  EXPECT_THAT(with_keys, ::testing::Contains("rocketmq"));
}

TEST(BuiltinConnectors, ATableWithoutNameServerGetsTheOneOfTheProgram) {
  const SourceRequest request = testing::source_request(
      testing::table_of(Schema({{"id", Type::bigint()}}),
                        {{"topic", "T"}, {"consumerGroup", "g"}, {"format", "json"}}));
  const auto with = builtin_connectors("127.0.0.1:9876");
  const auto source = (*with->find("rocketmq"))->make_source(request);
  EXPECT_TRUE(source.ok()) << source.error().message;
  for (const char* product : {"mq", "mq5"}) {
    SourceRequest other = request;
    other.table.options["pullIntervalMs"] = "1";
    if (product == std::string("mq5")) other.table.options.erase("pullIntervalMs");
    const auto made = (*with->find(product))->make_source(other);
    EXPECT_TRUE(made.ok()) << made.error().message;
  }
  const auto without = (*builtin_connectors()->find("rocketmq"))->make_source(request);
  ASSERT_FALSE(without.ok());
  EXPECT_THAT(without.error().message, HasSubstr("nameServerAddress"));
}

}  // namespace
}  // namespace slipstream
