// What every table in which rows are looked up must do. A connector's test describes its system and
// runs the suite:
//
//   struct MySystem {
//     std::unique_ptr<ConnectorFactory> factory();
//     OptionMap options();  // of a table (id INT, name STRING, rate INT), format json
//     void write(const std::string& body);  // before the first reader is made
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(MySystem, LookupConformance, MySystem);
//
// A system that is not always there has skipped(): why it is not, or null.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connector.h"

#include "connector_kit/testing/connector_harness.h"

namespace slipstream::testing {

template <typename System>
class LookupConformance : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* why = reason_to_skip(system_)) GTEST_SKIP() << why;
    for (const char* body : {R"({"id":1,"name":"a","rate":10})", R"({"id":2,"name":"b","rate":20})",
                             R"({"id":2,"name":"c","rate":30})", R"({"name":"d","rate":40})"})
      system_.write(body);
  }
  // `keys` and `columns` of (id, name, rate).
  void open(std::vector<std::size_t> keys, std::vector<std::size_t> columns) {
    LookupRequest request;
    request.table = table_of(
        Schema({{"id", Type::integer()}, {"name", Type::string()}, {"rate", Type::integer()}}),
        system_.options());
    request.keys = std::move(keys);
    request.physical = std::move(columns);
    request.uid = "lookup-1";
    auto made = system_.factory()->make_lookup(request);
    if (!made.ok()) throw std::runtime_error(made.status().to_string());  // ends the test
    source_ = std::move(*made);
  }
  static Batch ids(const Texts& texts) { return batch_of({column_of(Type::integer(), texts)}); }

  System system_;
  std::unique_ptr<LookupSource> source_;
};

TYPED_TEST_SUITE_P(LookupConformance);

TYPED_TEST_P(LookupConformance, EachKeyFindsAllItsRows) {
  this->open({0}, {1, 2});
  EXPECT_EQ(this->source_->schema().to_string(), "(name STRING, rate INT)");
  LookupHarness reader(*this->source_);
  ASSERT_TRUE(reader.ask(7, this->ids({"2", "9", "1", "2"})).ok());
  ASSERT_TRUE(reader.wait(1).ok());
  EXPECT_EQ(reader.answers[7], (LookupHarness::Found{"0: +I(b, 20)", "0: +I(c, 30)", "2: +I(a, 10)",
                                                     "3: +I(b, 20)", "3: +I(c, 30)"}));
}

TYPED_TEST_P(LookupConformance, NullEqualsNothing) {
  this->open({0}, {1});
  LookupHarness reader(*this->source_);
  ASSERT_TRUE(reader.ask(1, this->ids({std::nullopt})).ok());
  ASSERT_TRUE(reader.wait(1).ok());
  EXPECT_THAT(reader.answers[1], ::testing::IsEmpty());
}

TYPED_TEST_P(LookupConformance, SeveralColumnsAreOneKey) {
  this->open({1, 0}, {0, 2});
  LookupHarness reader(*this->source_);
  const Batch keys = batch_of(
      {column_of(Type::string(), {"b", "c", "a"}), column_of(Type::integer(), {"2", "1", "1"})});
  ASSERT_TRUE(reader.ask(1, keys).ok());
  ASSERT_TRUE(reader.wait(1).ok());
  EXPECT_EQ(reader.answers[1], (LookupHarness::Found{"0: +I(2, 20)", "2: +I(1, 10)"}));
}

TYPED_TEST_P(LookupConformance, EachQuestionThatWasAcceptedIsAnsweredOnce) {
  this->open({0}, {1});
  LookupHarness reader(*this->source_);
  std::uint64_t asked = 0;
  while (asked < 10'000) {
    const auto accepted = reader.ask(asked, this->ids({"1"}));
    ASSERT_TRUE(accepted.ok());
    if (*accepted == LookupReader::Ask::kFull) break;
    ++asked;
  }
  EXPECT_LT(asked, 10'000U) << "what is under way is bounded";
  ASSERT_TRUE(reader.wait(asked).ok());
  EXPECT_TRUE(reader.has_room());
  EXPECT_EQ(reader.answers.size(), asked);
  for (const auto& [question, found] : reader.answers)
    EXPECT_EQ(found, LookupHarness::Found{"0: +I(a)"}) << question;
  ASSERT_EQ(*reader.ask(asked, this->ids({"2"})), LookupReader::Ask::kAccepted);
  ASSERT_TRUE(reader.wait(asked + 1).ok());
  EXPECT_EQ(reader.answers[asked].size(), 2U);
}

TYPED_TEST_P(LookupConformance, ReadersKnowNothingOfEachOther) {
  this->open({0}, {1});
  LookupHarness first(*this->source_);
  LookupHarness second(*this->source_);
  ASSERT_TRUE(first.ask(1, this->ids({"1"})).ok());
  ASSERT_TRUE(second.ask(1, this->ids({"2"})).ok());
  ASSERT_TRUE(second.wait(1).ok());
  ASSERT_TRUE(first.wait(1).ok());
  EXPECT_EQ(first.answers[1].size(), 1U);
  EXPECT_EQ(second.answers[1].size(), 2U);
}

REGISTER_TYPED_TEST_SUITE_P(LookupConformance, EachKeyFindsAllItsRows, NullEqualsNothing,
                            SeveralColumnsAreOneKey, EachQuestionThatWasAcceptedIsAnsweredOnce,
                            ReadersKnowNothingOfEachOther);

}  // namespace slipstream::testing
