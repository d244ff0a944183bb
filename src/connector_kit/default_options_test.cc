#include "connector_kit/default_options.h"

#include <gtest/gtest.h>

#include "connector_kit/testing/connector_harness.h"

namespace slipstream::connector_kit {
namespace {

// Keeps the options of the last table that it was asked for.
class Recorder final : public ConnectorFactory {
 public:
  explicit Recorder(OptionMap* seen) : seen_(seen) {}
  std::string_view name() const override { return "recorder"; }
  std::string_view description() const override { return {}; }
  bool can_read() const override { return true; }
  bool can_write() const override { return true; }
  OptionTable options() const override {
    return OptionTable({OptionSpec{.name = "server", .aliases = {"servers"}}});
  }
  std::vector<std::string> identity_options() const override { return {"topic"}; }
  bool gives_watermarks() const override { return true; }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    *seen_ = request.table.options;
    return std::unique_ptr<Source>();
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    *seen_ = request.table.options;
    return std::unique_ptr<Sink>();
  }

 private:
  OptionMap* seen_;
};

TEST(DefaultOptions, StandWhereTheTableSaysNothing) {
  OptionMap seen;
  const auto factory =
      with_default_options(std::make_unique<Recorder>(&seen), {{"server", "default"}});
  const auto table = [](OptionMap options) { return testing::table_of({}, std::move(options)); };
  ASSERT_TRUE(factory->make_source(testing::source_request(table({}))).ok());
  EXPECT_EQ(seen, (OptionMap{{"server", "default"}}));
  ASSERT_TRUE(factory->make_sink(testing::sink_request(table({{"other", "x"}}))).ok());
  EXPECT_EQ(seen, (OptionMap{{"other", "x"}, {"server", "default"}}));
  ASSERT_TRUE(factory->make_source(testing::source_request(table({{"server", "own"}}))).ok());
  EXPECT_EQ(seen, (OptionMap{{"server", "own"}}));
  ASSERT_TRUE(factory->make_sink(testing::sink_request(table({{"servers", "alias"}}))).ok());
  EXPECT_EQ(seen, (OptionMap{{"servers", "alias"}}));
}

// State must be found again whether or not the environment names a server.
TEST(DefaultOptions, ChangeNothingElse) {
  OptionMap seen;
  const auto factory = with_default_options(std::make_unique<Recorder>(&seen), {{"server", "x"}});
  EXPECT_EQ(factory->identity_options(), std::vector<std::string>{"topic"});
  EXPECT_TRUE(factory->gives_watermarks());
}

}  // namespace
}  // namespace slipstream::connector_kit
