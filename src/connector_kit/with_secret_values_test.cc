#include "connector_kit/with_secret_values.h"

#include <cstdlib>

#include <gmock/gmock.h>

#include "slipstream/connector/element_condition.h"

#include "connector_kit/testing/connector_harness.h"

namespace slipstream::connector_kit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Error no_way(const std::string& place) {
  return Error{ErrorCode::kUnavailable, "no way to " + place};
}

class FailingEnumerator final : public SplitEnumerator {
 public:
  explicit FailingEnumerator(std::string place) : place_(std::move(place)) {}
  Result<Discovery> discover() override { return no_way(place_); }
  std::string snapshot() override { return {}; }

 private:
  const std::string place_;
};

class FailingReader final : public SourceReader {
 public:
  explicit FailingReader(std::string place) : place_(std::move(place)) {}
  Status add_split(std::uint32_t, const Split&) override { return no_way(place_); }
  Result<Poll> poll(SourceBatch*, Batch*) override { return no_way(place_); }
  Result<std::vector<Split>> snapshot(CheckpointId) override { return no_way(place_); }
  void checkpoint_complete(CheckpointId) override {}

 private:
  const std::string place_;
};

class FailingWriter final : public SinkWriter {
 public:
  explicit FailingWriter(std::string place) : place_(std::move(place)) {}
  Result<Write> write(const Batch&, EpochFile*) override { return no_way(place_); }
  Result<std::optional<std::string>> prepare(CheckpointId, EpochFile*) override {
    return no_way(place_);
  }
  Status checkpoint_aborted(CheckpointId) override { return no_way(place_); }

 private:
  const std::string place_;
};

class FailingCommitter final : public SinkCommitter {
 public:
  explicit FailingCommitter(std::string place) : place_(std::move(place)) {}
  Status commit(std::span<const Committable>, const CommitContext&) override {
    return no_way(place_);
  }

 private:
  const std::string place_;
};

// Makes what fails with the place that it was given.
class FailingSink final : public Sink {
 public:
  explicit FailingSink(std::string place) : place_(std::move(place)) {}
  Schema schema() const override { return {}; }
  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Status check_before_start() override { return no_way(place_); }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext) override {
    return std::unique_ptr<SinkWriter>(std::make_unique<FailingWriter>(place_));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext) override {
    return std::unique_ptr<SinkCommitter>(std::make_unique<FailingCommitter>(place_));
  }

 private:
  const std::string place_;
};

class FailingLookupReader final : public LookupReader {
 public:
  explicit FailingLookupReader(std::string place) : place_(std::move(place)) {}
  Result<Ask> ask(std::uint64_t, const Batch&) override { return no_way(place_); }
  Result<std::optional<LookupAnswer>> poll() override { return no_way(place_); }

 private:
  const std::string place_;
};

class FailingLookup final : public LookupSource {
 public:
  explicit FailingLookup(std::string place) : place_(std::move(place)) {}
  Schema schema() const override { return {}; }
  std::vector<std::string> explain() const override { return {"place=" + place_}; }
  std::vector<std::string> endpoints() const override { return {"rows at " + place_}; }
  Result<std::unique_ptr<LookupReader>> make_reader(LookupContext) override {
    return std::unique_ptr<LookupReader>(std::make_unique<FailingLookupReader>(place_));
  }

 private:
  const std::string place_;
};

// Shows what it was given.
class Shown final : public Source, public NarrowedByElements {
 public:
  explicit Shown(OptionMap options) : options_(std::move(options)) {}
  Schema schema() const override { return {}; }
  bool bounded() const override { return true; }
  std::vector<std::string> explain() const override {
    std::vector<std::string> lines{"place=" + options_.at("place")};
    if (!narrowed_by_.empty()) lines.push_back("narrowed=" + narrowed_by_);
    return lines;
  }
  void narrow(const std::vector<ElementCondition>& conditions) override {
    narrowed_by_ = conditions.at(0).key;
  }
  // With all options, and the place inside of another one.
  std::optional<DeadLetterTable> dead_letters() const override {
    DeadLetterTable letters{"showing", {}};
    letters.table.options = options_;
    letters.table.options["inside"] = "in " + options_.at("place");
    return letters;
  }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext) override {
    if (options_.contains("late"))
      return std::unique_ptr<SplitEnumerator>(
          std::make_unique<FailingEnumerator>(options_.at("place")));
    return no_way(options_.at("place"));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext) override {
    if (options_.contains("late"))
      return std::unique_ptr<SourceReader>(std::make_unique<FailingReader>(options_.at("place")));
    return no_way(options_.at("place"));
  }

 private:
  const OptionMap options_;
  std::string narrowed_by_;
};

class ShowingConnector final : public ConnectorFactory {
 public:
  explicit ShowingConnector(OptionMap* given) : given_(given) {}
  std::string_view name() const override { return "showing"; }
  std::string_view description() const override { return ""; }
  bool can_read() const override { return true; }
  bool can_write() const override { return true; }
  OptionTable options() const override { return {}; }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    *given_ = request.table.options;
    return std::unique_ptr<Source>(std::make_unique<Shown>(request.table.options));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    *given_ = request.table.options;
    if (request.table.options.contains("late"))
      return std::unique_ptr<Sink>(
          std::make_unique<FailingSink>(request.table.options.at("place")));
    return Error{ErrorCode::kInvalidArgument,
                 "option 'place': '" + request.table.options.at("place") + "' is no place"};
  }
  Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const override {
    *given_ = request.table.options;
    if (request.table.options.contains("late"))
      return std::unique_ptr<LookupSource>(
          std::make_unique<FailingLookup>(request.table.options.at("place")));
    return no_way(request.table.options.at("place"));
  }

 private:
  OptionMap* const given_;
};

class WithSecretValuesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::setenv("SLIPSTREAM_SECRET_where", "hidden-place", 1), 0);
    factory_ = with_secret_values(std::make_unique<ShowingConnector>(&given_),
                                  std::make_shared<const SecretValues>());
  }
  static TableDefinition table(const std::string& place) {
    return testing::table_of(Schema(), {{"place", place}, {"plain", "p"}});
  }
  OptionMap given_;
  std::unique_ptr<ConnectorFactory> factory_;
};

TEST_F(WithSecretValuesTest, AConnectorGetsValuesAndShowsNames) {
  const auto source =
      factory_->make_source(testing::source_request(table("at ${secret_values.where}")));
  ASSERT_TRUE(source.ok());
  EXPECT_THAT(given_, ElementsAre(::testing::Pair("place", "at hidden-place"),
                                  ::testing::Pair("plain", "p")));
  EXPECT_THAT((*source)->explain(), ElementsAre("place=at ${secret_values.where}"));
  for (const std::string& told : {(*source)->make_reader({}).status().to_string(),
                                  (*source)->make_enumerator({}).status().to_string()})
    EXPECT_THAT(told, AllOf(HasSubstr("${secret_values.where}"), Not(HasSubstr("hidden-place"))));
}

TEST_F(WithSecretValuesTest, ASourceIsNarrowedAllTheSame) {
  const auto source =
      factory_->make_source(testing::source_request(table("at ${secret_values.where}")));
  ASSERT_TRUE(source.ok());
  ElementCondition condition;
  condition.key = "color";
  dynamic_cast<NarrowedByElements&>(**source).narrow({condition});
  EXPECT_THAT((*source)->explain(), ::testing::Contains("narrowed=color"));
}

TEST_F(WithSecretValuesTest, ErrorsShowNames) {
  const auto sink = factory_->make_sink(testing::sink_request(table("${secret_values.where}")));
  ASSERT_FALSE(sink.ok());
  EXPECT_EQ(given_.at("place"), "hidden-place");
  EXPECT_EQ(sink.error().message, "option 'place': '${secret_values.where}' is no place");
}

// A value of two bytes is not looked for in texts, and is a reference there all the same.
TEST_F(WithSecretValuesTest, ATableOfDeadLettersHoldsNames) {
  ASSERT_EQ(::setenv("SLIPSTREAM_SECRET_short", "ab", 1), 0);
  TableDefinition two = table("at ${secret_values.where}");
  two.options["small"] = "${secret_values.short}";
  const auto source = factory_->make_source(testing::source_request(two));
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(given_.at("small"), "ab");
  const auto letters = (*source)->dead_letters();
  ASSERT_TRUE(letters);
  EXPECT_THAT(letters->table.options,
              ElementsAre(::testing::Pair("inside", "in at ${secret_values.where}"),
                          ::testing::Pair("place", "at ${secret_values.where}"),
                          ::testing::Pair("plain", "p"),
                          ::testing::Pair("small", "${secret_values.short}")));
  TableDefinition late = letters->table;
  late.options["late"] = "true";
  EXPECT_TRUE(factory_->make_sink(testing::sink_request(late)).ok());
  EXPECT_EQ(given_.at("inside"), "in at hidden-place");
  EXPECT_EQ(given_.at("small"), "ab");
}

TEST_F(WithSecretValuesTest, ALookupGetsValuesAndShowsNames) {
  LookupRequest request;
  request.table = table("${secret_values.where}");
  const auto refused = factory_->make_lookup(request);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(given_.at("place"), "hidden-place");
  EXPECT_EQ(refused.error().to_string(), no_way("${secret_values.where}").to_string());
  request.table.options["late"] = "true";
  const auto lookup = factory_->make_lookup(request);
  ASSERT_TRUE(lookup.ok()) << lookup.error().message;
  EXPECT_THAT((*lookup)->explain(), ElementsAre("place=${secret_values.where}"));
  EXPECT_THAT((*lookup)->endpoints(), ElementsAre("rows at ${secret_values.where}"));
  const auto reader = (*lookup)->make_reader({});
  ASSERT_TRUE(reader.ok());
  for (const Status& failed : {(*reader)->ask(1, {}).status(), (*reader)->poll().status()})
    EXPECT_EQ(failed.to_string(), no_way("${secret_values.where}").to_string());
}

TEST_F(WithSecretValuesTest, ALookupWithoutSecretsIsTheConnectorsOwn) {
  LookupRequest request;
  request.table = table("somewhere");
  const auto refused = factory_->make_lookup(request);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().to_string(), no_way("somewhere").to_string());
}

TEST_F(WithSecretValuesTest, ErrorsOfARunningJobShowNames) {
  TableDefinition late = table("${secret_values.where}");
  late.options["late"] = "true";
  const auto source = factory_->make_source(testing::source_request(late));
  const auto sink = factory_->make_sink(testing::sink_request(late));
  ASSERT_TRUE(source.ok() && sink.ok());
  const auto enumerator = (*source)->make_enumerator({});
  const auto reader = (*source)->make_reader({});
  const auto writer = (*sink)->make_writer({});
  const auto committer = (*sink)->make_committer({});
  ASSERT_TRUE(enumerator.ok() && reader.ok() && writer.ok() && committer.ok());
  for (const Status& failed :
       {(*enumerator)->discover().status(), (*reader)->add_split(0, {}),
        (*reader)->poll(nullptr, nullptr).status(), (*reader)->snapshot(1).status(),
        (*sink)->check_before_start(), (*writer)->write({}, nullptr).status(),
        (*writer)->prepare(1, nullptr).status(), (*writer)->checkpoint_aborted(1),
        (*committer)->commit({}, {})})
    EXPECT_EQ(failed.to_string(), no_way("${secret_values.where}").to_string());
}

TEST_F(WithSecretValuesTest, AnUnknownNameIsAnErrorOfItsOption) {
  const auto source =
      factory_->make_source(testing::source_request(table("${secret_values.nowhere}")));
  ASSERT_FALSE(source.ok());
  EXPECT_THAT(source.error().message,
              AllOf(HasSubstr("option 'place'"), HasSubstr("'nowhere'"), HasSubstr("--secrets")));
  EXPECT_TRUE(given_.empty());
}

}  // namespace
}  // namespace slipstream::connector_kit
