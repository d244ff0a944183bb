#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connector.h"

namespace slipstream {
namespace {

class Named final : public ConnectorFactory {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  std::string_view description() const override { return {}; }
  bool can_read() const override { return false; }
  bool can_write() const override { return false; }
  OptionTable options() const override { return {}; }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest&) const override {
    return Error{ErrorCode::kUnsupported, "not read"};
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest&) const override {
    return Error{ErrorCode::kUnsupported, "not written"};
  }

 private:
  const std::string name_;
};

TEST(ConnectorRegistry, FindsByNameAndSuggestsTheNearest) {
  ConnectorRegistry registry;
  EXPECT_EQ(registry.find("any").error().message, "no connector 'any'");
  registry.add(std::make_unique<Named>("print"));
  registry.add(std::make_unique<Named>("filesystem"));
  ASSERT_TRUE(registry.find("print").ok());
  EXPECT_EQ((*registry.find("print"))->name(), "print");
  EXPECT_EQ(registry.find("prnt").error().message,
            "no connector 'prnt', did you mean 'print'? (there are: print, filesystem)");
  ASSERT_EQ(registry.all().size(), 2u);
  EXPECT_EQ(registry.all()[1]->name(), "filesystem");
}

TEST(ConnectorFactory, CannotLookUpUnlessItSaysSo) {
  LookupRequest request;
  request.table.name = "rates";
  EXPECT_EQ(Named("print").make_lookup(request).error().message,
            "table 'rates': rows cannot be looked up by key in connector 'print'");
}

TEST(ConnectorRegistry, SharesTheFactoriesOfAnother) {
  ConnectorRegistry shared;
  {
    ConnectorRegistry first;
    first.add(std::make_unique<Named>("print"));
    shared.add_all(first);
  }
  shared.add(std::make_unique<Named>("own"));
  ASSERT_EQ(shared.all().size(), 2U);
  EXPECT_EQ((*shared.find("print"))->name(), "print");
}

}  // namespace
}  // namespace slipstream
