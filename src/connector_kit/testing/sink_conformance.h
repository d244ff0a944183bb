// What every sink must do, whatever it writes. A connector's test describes its system and runs the
// suite:
//
//   struct MySystem {
//     std::unique_ptr<ConnectorFactory> factory();
//     OptionMap options();  // of a table with one column `n` INT that is written, format json
//     OptionMap source_options();            // besides, so that the same table can be read
//     std::vector<std::string> published();  // all bodies that readers can see, in any order
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(MySystem, SinkConformance, MySystem);
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
class SinkConformance : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* why = reason_to_skip(system_)) GTEST_SKIP() << why;
  }
  using Writer = SinkHarness::Writer;

  Result<std::unique_ptr<Sink>> make(OptionMap more, bool updating) {
    OptionMap options = system_.options();
    more.merge(options);
    SinkRequest request = sink_request(table_of(Schema({{"n", Type::integer()}}), std::move(more)));
    request.updating = updating;
    return system_.factory()->make_sink(request);
  }
  void open(const std::string& guarantee) {
    auto made = make({{"sink.delivery-guarantee", guarantee}}, false);
    if (!made.ok()) throw std::runtime_error(made.status().to_string());  // ends the test
    sink_ = std::move(*made);
    const Status checked = sink_->check_before_start();
    ASSERT_TRUE(checked.ok()) << checked.to_string();
    harness_ = std::make_unique<SinkHarness>(*sink_);
  }
  Writer writer(std::uint64_t token = 7, std::uint32_t subtask = 0) {
    return Writer(*harness_, token, subtask);
  }
  // An epoch with the rows [first, last).
  Committable sealed(Writer& writer, CheckpointId checkpoint, int first, int last) {
    const Status written = writer.write(first, last);
    EXPECT_TRUE(written.ok()) << written.to_string();
    auto epoch = writer.prepare(checkpoint);
    EXPECT_TRUE(epoch.ok()) << epoch.status().to_string();
    EXPECT_FALSE(epoch->handle.empty());
    return std::move(*epoch);
  }
  // Readers see the rows [0, last) once each, and nothing else.
  void expect_published(int last) {
    std::vector<std::string> expected;
    for (int n = 0; n < last; ++n) expected.push_back(R"({"n":)" + std::to_string(n) + "}");
    EXPECT_THAT(system_.published(), ::testing::UnorderedElementsAreArray(expected));
  }

  System system_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<SinkHarness> harness_;
};

TYPED_TEST_SUITE_P(SinkConformance);

TYPED_TEST_P(SinkConformance, AtLeastOnceAllIsPublishedAtTheBarrier) {
  this->open("at-least-once");
  EXPECT_EQ(this->sink_->guarantee(), Guarantee::kAtLeastOnce);
  auto writer = this->writer();
  for (int n = 0; n < 300; n += 100) ASSERT_TRUE(writer.write(n, n + 100).ok());
  auto epoch = writer.prepare(1);
  ASSERT_TRUE(epoch.ok()) << epoch.status().to_string();
  EXPECT_EQ(epoch->handle, "");
  this->expect_published(300);
  ASSERT_TRUE(writer.write(300, 310).ok());
  ASSERT_TRUE(writer.prepare(2).ok());
  this->expect_published(310);
}

TYPED_TEST_P(SinkConformance, AtLeastOnceAnAbortedCheckpointTakesNothingBack) {
  this->open("at-least-once");
  auto writer = this->writer();
  ASSERT_TRUE(writer.write(0, 5).ok());
  ASSERT_TRUE(writer.prepare(1).ok());
  ASSERT_TRUE(writer.abort(1).ok());
  ASSERT_TRUE(writer.write(5, 8).ok());
  ASSERT_TRUE(writer.prepare(2).ok());
  this->expect_published(8);
}

TYPED_TEST_P(SinkConformance, ExactlyOnceNothingIsPublishedBeforeTheCommit) {
  this->open("exactly-once");
  EXPECT_EQ(this->sink_->guarantee(), Guarantee::kExactlyOnce);
  auto writer = this->writer();
  const Committable epoch = this->sealed(writer, 1, 0, 100);
  this->expect_published(0);
  ASSERT_TRUE(this->harness_->commit({epoch}).ok());
  this->expect_published(100);
  const Committable next = this->sealed(writer, 2, 100, 120);
  ASSERT_TRUE(this->harness_->commit({next}).ok());
  this->expect_published(120);
}

TYPED_TEST_P(SinkConformance, AnEpochWithoutRowsHasNothingToCommit) {
  this->open("exactly-once");
  auto writer = this->writer();
  auto empty = writer.prepare(1);
  ASSERT_TRUE(empty.ok()) << empty.status().to_string();
  EXPECT_EQ(empty->handle, "");
  const Committable epoch = this->sealed(writer, 2, 0, 1);
  empty = writer.prepare(3);
  ASSERT_TRUE(empty.ok()) << empty.status().to_string();
  EXPECT_EQ(empty->handle, "");
  ASSERT_TRUE(this->harness_->commit({epoch}).ok());
  this->expect_published(1);
}

// The engine keeps what was sealed for it and commits it with the next one.
TYPED_TEST_P(SinkConformance, TheEpochOfAnAbortedCheckpointIsPublishedWithTheNext) {
  this->open("exactly-once");
  auto writer = this->writer();
  const Committable aborted = this->sealed(writer, 1, 0, 10);
  ASSERT_TRUE(writer.abort(1).ok());
  const Committable next = this->sealed(writer, 2, 10, 20);
  this->expect_published(0);
  ASSERT_TRUE(this->harness_->commit({aborted, next}).ok());
  this->expect_published(20);
}

TYPED_TEST_P(SinkConformance, ARecoveredCommitOfWhatIsPublishedChangesNothing) {
  this->open("exactly-once");
  auto writer = this->writer();
  const Committable epoch = this->sealed(writer, 1, 0, 50);
  ASSERT_TRUE(this->harness_->commit({epoch}).ok());
  for (int i = 0; i < 2; ++i) {
    const Status again = this->harness_->commit({epoch}, true);
    ASSERT_TRUE(again.ok()) << again.to_string();
    this->expect_published(50);
  }
}

TYPED_TEST_P(SinkConformance, ARecoveredCommitPublishesWhatIsLeft) {
  this->open("exactly-once");
  auto one = this->writer(7, 0);
  auto other = this->writer(7, 1);
  const Committable published = this->sealed(one, 1, 0, 30);
  const Committable left = this->sealed(other, 1, 30, 50);
  ASSERT_TRUE(this->harness_->commit({published}).ok());
  const Status rest = this->harness_->commit({published, left}, true);
  ASSERT_TRUE(rest.ok()) << rest.to_string();
  this->expect_published(50);
}

TYPED_TEST_P(SinkConformance, ASealedEpochOutlivesItsWriterAndItsAttempt) {
  this->open("exactly-once");
  Committable old;
  {
    auto writer = this->writer(7);
    old = this->sealed(writer, 1, 0, 10);
    ASSERT_TRUE(writer.write(1'000, 1'010).ok());  // never sealed
  }
  auto writer = this->writer(8);
  ASSERT_TRUE(this->harness_->commit({old}, true).ok());
  this->expect_published(10);
  const Committable next = this->sealed(writer, 2, 10, 20);
  ASSERT_TRUE(this->harness_->commit({next}).ok());
  this->expect_published(20);
}

TYPED_TEST_P(SinkConformance, ALostLeasePublishesNothing) {
  this->open("exactly-once");
  auto writer = this->writer();
  const Committable epoch = this->sealed(writer, 1, 0, 10);
  this->harness_->check_lease = [] {
    return Status(Error{ErrorCode::kAlreadyExists, "another process owns it"});
  };
  const Status refused = this->harness_->commit({epoch});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("another process owns it"));
  this->expect_published(0);
  this->harness_->check_lease = [] { return Status(); };
  ASSERT_TRUE(this->harness_->commit({epoch}, true).ok());
  this->expect_published(10);
}

TYPED_TEST_P(SinkConformance, AStoppedCommitIsFinishedByTheNextProcess) {
  this->open("exactly-once");
  auto writer = this->writer();
  const Committable epoch = this->sealed(writer, 1, 0, 10);
  this->harness_->stop.request_stop();
  const Status stopped = this->harness_->commit({epoch});
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled) << stopped.to_string();
  this->harness_->stop = {};
  ASSERT_TRUE(this->harness_->commit({epoch}, true).ok());
  this->expect_published(10);
}

TYPED_TEST_P(SinkConformance, ChangesAreRefusedWhereTheFormatCannotHoldThem) {
  const auto refused = this->make({}, true);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, ::testing::AllOf(::testing::HasSubstr("table 't'"),
                                                        ::testing::HasSubstr("debezium-json")));
  const auto taken = this->make({{"format", "debezium-json"}}, true);
  EXPECT_TRUE(taken.ok()) << taken.status().to_string();
}

// A loop, an INSERT from a table into itself, is found by them.
TYPED_TEST_P(SinkConformance, EndpointsAreThoseOfTheSourceOfTheSameTable) {
  this->open("at-least-once");
  OptionMap options = this->system_.options();
  options.merge(this->system_.source_options());
  const auto source = this->system_.factory()->make_source(
      source_request(table_of(Schema({{"n", Type::integer()}}), std::move(options))));
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  const std::vector<std::string> written = this->sink_->endpoints();
  ASSERT_FALSE((*source)->endpoints().empty());
  for (const std::string& read : (*source)->endpoints())
    EXPECT_THAT(written, ::testing::Contains(read));
}

REGISTER_TYPED_TEST_SUITE_P(
    SinkConformance, AtLeastOnceAllIsPublishedAtTheBarrier,
    AtLeastOnceAnAbortedCheckpointTakesNothingBack, ExactlyOnceNothingIsPublishedBeforeTheCommit,
    AnEpochWithoutRowsHasNothingToCommit, TheEpochOfAnAbortedCheckpointIsPublishedWithTheNext,
    ARecoveredCommitOfWhatIsPublishedChangesNothing, ARecoveredCommitPublishesWhatIsLeft,
    ASealedEpochOutlivesItsWriterAndItsAttempt, ALostLeasePublishesNothing,
    AStoppedCommitIsFinishedByTheNextProcess, ChangesAreRefusedWhereTheFormatCannotHoldThem,
    EndpointsAreThoseOfTheSourceOfTheSameTable);

}  // namespace slipstream::testing
