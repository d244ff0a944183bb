#include "connector_kit/full_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/try.h"
#include "connector_kit/single_split.h"
#include "connector_kit/testing/connector_harness.h"

namespace slipstream::connector_kit {
namespace {

using testing::batch_of;
using testing::column_of;
using ::testing::HasSubstr;

// Gives one row (id, name) a poll, and nothing every second time until it is woken.
class SlowSource final : public Source {
 public:
  class Reader final : public SourceReader {
   public:
    explicit Reader(ReaderContext context) : context_(std::move(context)) {}
    Status add_split(std::uint32_t, const Split&) override { return {}; }
    Result<Poll> poll(SourceBatch* out, Batch*) override {
      if (++polls_ > 6) return Poll::kEnd;
      if (polls_ % 2 == 0) {
        context_.wake_after(5);
        return Poll::kNothing;
      }
      out->rows = batch_of({column_of(Type::integer(), {std::to_string(polls_)}),
                            column_of(Type::string(), {"n" + std::to_string(polls_)})});
      return Poll::kBatch;
    }
    Result<std::vector<Split>> snapshot(CheckpointId) override { return std::vector<Split>(); }
    void checkpoint_complete(CheckpointId) override {}

   private:
    const ReaderContext context_;
    int polls_ = 0;
  };

  Schema schema() const override {
    return Schema({{"id", Type::integer()}, {"name", Type::string()}});
  }
  bool bounded() const override { return ends; }
  bool updating() const override { return changes; }
  std::optional<DeadLetterTable> dead_letters() const override {
    return keeps_rejected ? std::optional(DeadLetterTable()) : std::nullopt;
  }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return make_single_split({"one", ""}, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(std::make_unique<Reader>(std::move(context)));
  }

  bool ends = true;
  bool changes = false;
  bool keeps_rejected = false;
};

LookupRequest names_by_id() {
  LookupRequest request;
  request.table = testing::table_of(SlowSource().schema(), {});
  request.physical = {1};
  request.keys = {0};
  return request;
}

TEST(FullLookup, AnswersWhenTheTableWasReadToItsEnd) {
  auto lookup = make_full_lookup(names_by_id(), std::make_unique<SlowSource>());
  ASSERT_TRUE(lookup.ok());
  testing::LookupHarness reader(**lookup);
  ASSERT_TRUE(reader.ask(4, batch_of({column_of(Type::integer(), {"5", "1", "2"})})).ok());
  ASSERT_TRUE(reader.wait(1).ok());
  EXPECT_EQ(reader.answers[4], (testing::LookupHarness::Found{"0: +I(n5)", "1: +I(n1)"}));
}

TEST(FullLookup, AsksItsSourceForKeysThatAreNotWanted) {
  LookupRequest request = names_by_id();
  request.keys = {1, 0};
  const SourceRequest source = source_of_lookup(request);
  EXPECT_EQ(source.physical, (std::vector<std::size_t>{0, 1}));
}

TEST(FullLookup, ARowThatWasReadWholeStillWakesWhoAsks) {
  auto lookup = make_full_lookup(names_by_id(), std::make_unique<SlowSource>());
  ASSERT_TRUE(lookup.ok());
  testing::LookupHarness reader(**lookup);
  const Batch key = batch_of({column_of(Type::integer(), {"1"})});
  ASSERT_TRUE(reader.ask(0, key).ok());
  ASSERT_TRUE(reader.wait(1).ok());
  ASSERT_TRUE(reader.ask(1, key).ok());
  ASSERT_TRUE(reader.wait(2).ok()) << "nobody else wakes it any more";
  std::uint64_t asked = 2;
  while (*reader.ask(asked, key) == LookupReader::Ask::kAccepted) ++asked;
  EXPECT_FALSE(reader.has_room());
  ASSERT_TRUE(reader.wait(asked).ok());
  EXPECT_TRUE(reader.has_room());
}

TEST(FullLookup, WaitsAsLongAsItsSourceSays) {
  auto lookup = make_full_lookup(names_by_id(), std::make_unique<SlowSource>());
  ASSERT_TRUE(lookup.ok());
  int wakes = 0;
  std::vector<std::int64_t> waits;
  LookupContext context;
  context.wake = [&] { ++wakes; };
  context.wake_after = [&](std::int64_t ms) { waits.push_back(ms); };
  auto reader = (*lookup)->make_reader(std::move(context));
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->ask(1, batch_of({column_of(Type::integer(), {"1"})})).ok());
  ASSERT_TRUE((*reader)->poll().ok());
  EXPECT_EQ(wakes, 2) << "a question, and a row";
  ASSERT_TRUE((*reader)->poll().ok()) << "nothing came";
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(waits, std::vector<std::int64_t>{5});
}

TEST(FullLookup, RefusesTablesThatNeverEndOrChange) {
  auto endless = std::make_unique<SlowSource>();
  endless->ends = false;
  EXPECT_THAT(make_full_lookup(names_by_id(), std::move(endless)).error().message,
              HasSubstr("table 't' cannot be looked up: it never ends"));
  auto changing = std::make_unique<SlowSource>();
  changing->changes = true;
  EXPECT_THAT(make_full_lookup(names_by_id(), std::move(changing)).error().message,
              HasSubstr("holds changes of rows"));
}

TEST(FullLookup, RefusesDeadLettersForWhichItHasNoOutput) {
  auto source = std::make_unique<SlowSource>();
  source->keeps_rejected = true;
  EXPECT_THAT(make_full_lookup(names_by_id(), std::move(source)).error().message,
              HasSubstr("set 'decode.errors' = 'fail' or 'skip'"));
}

TEST(FullLookup, WhatDoesNotFitIsAnErrorAndGivenBack) {
  auto lookup = make_full_lookup(names_by_id(), std::make_unique<SlowSource>());
  ASSERT_TRUE(lookup.ok());
  std::size_t used = 0;
  int reservations = 0;
  {
    LookupContext context;
    int wakes = 0;
    context.wake = [&] { ++wakes; };
    context.wake_after = [](std::int64_t) {};
    context.memory.reserve = [&](std::size_t bytes, bool) {
      if (++reservations == 2) return false;
      used += bytes;
      return true;
    };
    context.memory.release = [&](std::size_t bytes) { used -= bytes; };
    auto reader = (*lookup)->make_reader(std::move(context));
    ASSERT_TRUE(reader.ok());
    const Batch key = batch_of({column_of(Type::integer(), {"1"})});
    ASSERT_TRUE((*reader)->ask(1, key).ok());
    ASSERT_TRUE((*reader)->poll().ok());
    EXPECT_GT(used, 100U) << "its place among the keys counts too";
    ASSERT_TRUE((*reader)->poll().ok()) << "nothing came";
    const auto answer = (*reader)->poll();
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::kResourceExhausted);
    EXPECT_THAT(answer.error().message, HasSubstr("table 't' is looked up in memory"));
    EXPECT_EQ(used, 0U) << "what was read is of no use";
    const auto nothing = (*reader)->poll();
    EXPECT_TRUE(nothing.ok() && !*nothing) << "the question is lost";
    const int before = wakes;
    ASSERT_TRUE((*reader)->ask(2, key).ok());
    EXPECT_GT(wakes, before);
    const auto again = (*reader)->poll();
    ASSERT_FALSE(again.ok()) << "a part of the table is missing";
    EXPECT_EQ(again.error().code, ErrorCode::kResourceExhausted);
  }
  EXPECT_EQ(used, 0U);
}

}  // namespace
}  // namespace slipstream::connector_kit
