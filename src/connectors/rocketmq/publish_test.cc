// Exactly-once publishing against a scripted broker: what a crash or a lost answer leaves behind is
// found.
#include <algorithm>
#include <atomic>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/epoch_codec.h"
#include "connectors/rocketmq/queue_scan.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "connectors/rocketmq/shared_client.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::MessageQueue;
using rocketmq::RequestCode;
using rocketmq::testing::Fault;
using rocketmq::testing::ScriptedBroker;
using testing::Counters;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MemoryEpochFile;
using ::testing::UnorderedElementsAreArray;

constexpr std::int64_t kLongAgoMs = 60'000;

class PublishTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("out", 2);
    open();
  }
  void open(OptionMap options = {}) {
    options.insert({{"topic", "out"},
                    {"nameServerAddress", broker_.name_server()},
                    {"format", "json"},
                    {"sink.delivery-guarantee", "exactly-once"},
                    {"sink.fence-wait", "0 ms"}});
    auto made = make_factory()->make_sink(testing::sink_request(
        testing::table_of(Schema({{"n", Type::integer()}}), std::move(options))));
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    sink_ = std::move(*made);
  }

  // One sealed epoch with the rows [first, last), as subtask `subtask` of attempt `token` wrote it.
  Committable epoch_of(int first, int last, std::uint64_t token = 7, std::uint32_t subtask = 0) {
    WriterContext context;
    context.subtask = subtask;
    context.attempt_token = token;
    context.guarantee = Guarantee::kExactlyOnce;
    context.metrics = counters_.metrics();
    context.clock = job_clock_;
    context.wake = [] {};
    const auto writer = sink_->make_writer(std::move(context));
    EXPECT_TRUE(writer.ok());
    MemoryEpochFile file;
    slipstream::testing::Texts texts;
    for (int n = first; n < last; ++n) texts.emplace_back(std::to_string(n));
    EXPECT_TRUE((*writer)
                    ->write(slipstream::testing::batch_of(
                                {slipstream::testing::column_of(Type::integer(), texts)}),
                            &file)
                    .ok());
    Committable committable;
    committable.checkpoint = 1;
    committable.subtask = subtask;
    EXPECT_TRUE(wait_until([&] {
      const auto handle = (*writer)->prepare(1, &file);
      EXPECT_TRUE(handle.ok());
      if (handle.ok() && *handle) committable.handle = **handle;
      return !committable.handle.empty();
    }));
    const std::string name = "epoch-" + std::to_string(token) + "-" + std::to_string(subtask);
    folder_.write(name, file.content);
    committable.epoch_file = folder_ / name;
    return committable;
  }

  // `recovered`: of a process that ended long ago, so that no fence is left to wait for.
  Status commit(const std::vector<Committable>& epochs, bool recovered = false) {
    const auto committer = sink_->make_committer({counters_.metrics(), &clock_});
    EXPECT_TRUE(committer.ok());
    CommitContext context;
    context.recovered = recovered;
    context.check_lease = [] { return Status(); };
    context.last_lease_ms = SystemClock().wall_ms() - kLongAgoMs;
    return (*committer)->commit(epochs, context);
  }

  std::vector<std::string> published() const {
    std::vector<std::string> bodies;
    for (std::int32_t queue = 0; queue < 2; ++queue) {
      for (const auto& message : broker_.messages({"out", "broker-a", queue}))
        bodies.push_back(message.body);
    }
    return bodies;
  }
  static std::vector<std::string> numbers(int first, int last) {
    std::vector<std::string> bodies;
    for (int n = first; n < last; ++n) bodies.push_back("{\"n\":" + std::to_string(n) + "}");
    return bodies;
  }

  ScriptedBroker broker_;
  TemporaryFolder folder_;
  const SystemClock clock_;
  const Clock* job_clock_ = &clock_;
  Counters counters_;
  std::unique_ptr<Sink> sink_;
};

TEST_F(PublishTest, NothingIsSentBeforeTheCommit) {
  const Committable epoch = epoch_of(0, 5);
  EXPECT_TRUE(published().empty());
  ASSERT_TRUE(commit({epoch}).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 5)));
}

// More than may be under way at a time: bodies are read into the memory of others.
TEST_F(PublishTest, AnEpochOfManyBatchesArrivesWhole) {
  const Committable epoch = epoch_of(0, 30'000);
  EXPECT_GT(decode_epoch_handle(epoch.handle)->batches, 10U);
  ASSERT_TRUE(commit({epoch}).ok());
  std::vector<std::string> sent = published();
  std::vector<std::string> sealed = numbers(0, 30'000);
  std::ranges::sort(sent);
  std::ranges::sort(sealed);
  EXPECT_TRUE(sent == sealed) << sent.size() << " messages";
}

TEST_F(PublishTest, MessagesCarryTheKeyThatIsEncoded) {
  const auto sent = [this] {
    std::vector<std::pair<std::vector<std::string>, std::string>> all;
    for (std::int32_t queue = 0; queue < 2; ++queue) {
      for (const auto& message : broker_.messages({"out", "broker-a", queue}))
        all.emplace_back(message.keys, message.body);
    }
    return all;
  };
  const OptionMap key{{"key.format", "json"}, {"key.fields", "n"}};
  open(key);
  ASSERT_TRUE(commit({epoch_of(7, 8)}).ok());
  EXPECT_THAT(sent(), ElementsAre(std::pair(std::vector<std::string>{R"({"n":7})"},
                                            std::string(R"({"n":7})"))));
  OptionMap except = key;
  except["value.fields-include"] = "EXCEPT_KEY";
  open(std::move(except));
  ASSERT_TRUE(commit({epoch_of(8, 9, 9)}).ok());
  EXPECT_THAT(sent(), ::testing::Contains(
                          std::pair(std::vector<std::string>{R"({"n":8})"}, std::string("{}"))));
}

TEST_F(PublishTest, ARecoveredEpochThatWasPublishedIsNotPublishedAgain) {
  const std::vector<Committable> epochs{epoch_of(0, 5), epoch_of(5, 9, 7, 1)};
  ASSERT_TRUE(commit(epochs).ok());
  ASSERT_TRUE(commit(epochs, true).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 9)));
  EXPECT_EQ(counters_["rocketmq_sink_found_messages_total"], 9);
  EXPECT_EQ(counters_["rocketmq_sink_duplicates_total"], 0);
}

TEST_F(PublishTest, ARecoveredEpochThatNeverLeftIsPublished) {
  ASSERT_TRUE(commit({epoch_of(0, 5)}, true).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 5)));
}

// One of 4.9.7 that had just started answered so, and the job ended.
TEST_F(PublishTest, ABrokerThatThrowsWhileItStartsIsAskedAgain) {
  broker_.inject(RequestCode::kBrokerRuntime,
                 {.kind = Fault::Kind::kCode,
                  .code = 1,
                  .remark = "java.util.NoSuchElementException, java.util.LinkedList.getLast"},
                 5);
  const auto published_now = commit({epoch_of(0, 5)}, true);
  ASSERT_TRUE(published_now.ok()) << published_now.error().to_string();
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 5)));
}

// The time of an epoch, and the wait for what a dead process may have sent, are the job's.
TEST_F(PublishTest, ARecoveredEpochWaitsForItsFenceByTheClockOfTheJob) {
  FakeClock clock(1'000'000);
  job_clock_ = &clock;
  const Committable epoch = epoch_of(0, 5);
  EXPECT_EQ(decode_epoch_handle(epoch.handle)->sealed_ms, clock.wall_ms());
  const auto committer = sink_->make_committer({counters_.metrics(), &clock});
  ASSERT_TRUE(committer.ok());
  int waits = 0;
  CommitContext context;
  context.recovered = true;
  context.check_lease = [] { return Status(); };
  context.last_lease_ms = clock.wall_ms();
  context.progress = [&](std::string_view text) {
    EXPECT_THAT(std::string(text), HasSubstr("nothing of the former process can arrive"));
    EXPECT_TRUE(published().empty());
    ++waits;
    clock.advance_ms(5'000);  // of 5,500
  };
  ASSERT_TRUE((*committer)->commit(std::vector{epoch}, context).ok());
  EXPECT_EQ(waits, 2);
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 5)));
}

// Brokers refuse what was sealed for a queue that its topic has lost: 4.x with code 1, 5.x with 29.
TEST_F(PublishTest, AnEpochWaitsForAQueueUntilItsTopicHasItAgain) {
  FakeClock clock(SystemClock().now_ms() + 3'600'000);  // ahead of the client's
  job_clock_ = &clock;
  Committable epoch;
  std::uint64_t token = 7;
  do {
    epoch = epoch_of(0, 5, ++token);
  } while (decode_epoch_handle(epoch.handle)->queues.front().queue.id != 1);
  broker_.inject(RequestCode::kSendBatchMessage,
                 {.kind = Fault::Kind::kCode,
                  .code = rocketmq::response_code::kInvalidParameter,
                  .remark = "request queueId[1] is illegal"});
  broker_.shrink_topic("out", 1);
  const auto committer = sink_->make_committer({counters_.metrics(), &clock});
  ASSERT_TRUE(committer.ok());
  int said = 0;
  CommitContext context;
  context.check_lease = [] { return Status(); };
  context.progress = [&](std::string_view text) {
    EXPECT_THAT(std::string(text), HasSubstr("request queueId[1] is illegal"));
    EXPECT_TRUE(published().empty());
    if (++said == 3) broker_.create_topic("out", 2);
    clock.advance_ms(10'000);  // behind pauses and fences
  };
  ASSERT_TRUE((*committer)->commit(std::vector{epoch}, context).ok());
  EXPECT_EQ(said, 3);
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 5)));
}

TEST_F(PublishTest, OfAnEpochThatWasPublishedInPartOnlyTheRestIsSent) {
  const Committable epoch = epoch_of(0, 6);
  const auto handle = decode_epoch_handle(epoch.handle);
  // What a crash in the middle of a batch leaves: some of its messages.
  for (const int n : {0, 1, 4}) {
    std::string stamp;
    make_stamp(stamp_prefix(handle->series), static_cast<std::uint64_t>(n), stamp);
    broker_.append(handle->queues[0].queue, "{\"n\":" + std::to_string(n) + "}",
                   "UNIQ_KEY\x01" + stamp + "\x02");
  }
  ASSERT_TRUE(commit({epoch}, true).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 6)));
}

TEST_F(PublishTest, MessagesOfAnotherAttemptAreNotTakenForOnesOwn) {
  ASSERT_TRUE(commit({epoch_of(0, 3, 7)}).ok());
  ASSERT_TRUE(commit({epoch_of(0, 3, 8)}, true).ok());
  EXPECT_EQ(published().size(), 6U);
}

TEST_F(PublishTest, ABusyBrokerIsAskedAgain) {
  const Committable epoch = epoch_of(0, 3);
  broker_.inject(RequestCode::kSendBatchMessage,
                 {.kind = Fault::Kind::kCode, .code = 2, .remark = "busy"}, 2);
  ASSERT_TRUE(commit({epoch}).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 3)));
  EXPECT_EQ(counters_["rocketmq_sink_retries_total"], 2);
  EXPECT_EQ(counters_["rocketmq_sink_scans_total"], 0) << "busy is not stored, for sure";
}

// All of them were taken at once, and one after the first was waited for forever.
TEST_F(PublishTest, ACommitThatSeveralQueuesRefuseEnds) {
  open({{"partitionField", "n"}});
  for (int i = 0; i < 20; ++i) {
    const Committable epoch = epoch_of(0, 20, static_cast<std::uint64_t>(i) + 1);
    ASSERT_EQ(decode_epoch_handle(epoch.handle)->queues.size(), 2U);
    broker_.inject(RequestCode::kSendBatchMessage,
                   {.kind = Fault::Kind::kCode, .code = 13, .remark = "no"}, 2);
    EXPECT_THAT(commit({epoch}).to_string(), HasSubstr("refuses sealed messages forever"));
  }
  EXPECT_TRUE(published().empty());
}

TEST_F(PublishTest, ALostAnswerIsLookedUpAndTheMessagesAreNotSentTwice) {
  const Committable epoch = epoch_of(0, 3);
  broker_.inject(RequestCode::kSendBatchMessage, {.kind = Fault::Kind::kDropAfter});
  ASSERT_TRUE(commit({epoch}).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 3)));
  EXPECT_EQ(counters_["rocketmq_sink_scans_total"], 1);
  EXPECT_EQ(counters_["rocketmq_sink_found_messages_total"], 3);
}

TEST_F(PublishTest, ARequestThatGotLostIsSentAgainAfterALook) {
  const Committable epoch = epoch_of(0, 3);
  broker_.inject(RequestCode::kSendBatchMessage, {.kind = Fault::Kind::kDropBefore});
  ASSERT_TRUE(commit({epoch}).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 3)));
  EXPECT_EQ(counters_["rocketmq_sink_scans_total"], 1);
}

// The nearest thing to a half message that a broker rolled back: what was acknowledged is gone.
TEST_F(PublishTest, ACommitAfterTheBrokerLostItsTailPublishesThatAgain) {
  const MessageQueue queues[] = {{"out", "broker-a", 0}, {"out", "broker-a", 1}};
  for (const MessageQueue& queue : queues) {
    for (int n = 0; n < 5; ++n) broker_.append(queue, "x");
  }
  const Committable epoch = epoch_of(0, 6);
  ASSERT_TRUE(commit({epoch}).ok());
  for (const MessageQueue& queue : queues) broker_.lose_tail(queue, 3);
  const Status status = commit({epoch}, true);
  ASSERT_TRUE(status.ok()) << status.to_string();
  std::vector<std::string> expected = numbers(0, 6);
  expected.insert(expected.end(), 6, "x");
  EXPECT_THAT(published(), UnorderedElementsAreArray(expected));
}

TEST_F(PublishTest, EveryAnswerOfABrokerIsFollowedByAnAction) {
  int token = 100;
  for (const int code : {10, 11, 12}) {  // stored, the rest is late
    broker_.inject(RequestCode::kSendBatchMessage, {.kind = Fault::Kind::kCodeAfter, .code = code});
    ASSERT_TRUE(commit({epoch_of(code, code + 1, static_cast<std::uint64_t>(++token))}).ok());
  }
  for (const int code : {2, 14, 16, 17, 215}) {  // busy, away, not here: elsewhere, or later
    broker_.inject(RequestCode::kSendBatchMessage, {.kind = Fault::Kind::kCode, .code = code});
    ASSERT_TRUE(commit({epoch_of(code, code + 1, static_cast<std::uint64_t>(++token))}).ok());
  }
  const auto stored = published();
  EXPECT_EQ(stored.size(), 8U);
  broker_.inject(RequestCode::kSendBatchMessage, {.kind = Fault::Kind::kCode, .code = 13});
  const Status refused = commit({epoch_of(13, 14, static_cast<std::uint64_t>(++token))});
  EXPECT_THAT(refused.to_string(), HasSubstr("refuses sealed messages forever"));
  EXPECT_EQ(published(), stored);
}

TEST_F(PublishTest, MessagesThatExpiredCannotBeLookedFor) {
  ASSERT_TRUE(commit({epoch_of(0, 3, 1)}).ok());
  const Committable epoch = epoch_of(3, 6);
  const auto handle = decode_epoch_handle(epoch.handle);
  const MessageQueue queue = handle->queues[0].queue;
  for (int n = 0; n < 5; ++n) broker_.append(queue, "x");
  broker_.expire(queue, handle->queues[0].lower + 1);
  const Status status = commit({epoch}, true);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kOutOfRange);
  EXPECT_THAT(status.error().message, HasSubstr("messages were deleted since"));
}

TEST_F(PublishTest, ALostLeaseStopsPublishing) {
  const Committable epoch = epoch_of(0, 3);
  const auto committer = sink_->make_committer({counters_.metrics(), &clock_});
  CommitContext context;
  context.check_lease = [] { return Status(Error{ErrorCode::kUnavailable, "taken over"}); };
  const Status status = (*committer)->commit(std::vector{epoch}, context);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("taken over"));
  EXPECT_TRUE(published().empty());
}

TEST_F(PublishTest, ALeaseThatNobodyChecksIsHeld) {
  const Committable epoch = epoch_of(0, 3);
  const auto committer = sink_->make_committer({counters_.metrics(), &clock_});
  ASSERT_TRUE((*committer)->commit(std::vector{epoch}, CommitContext{}).ok());
  EXPECT_THAT(published(), UnorderedElementsAreArray(numbers(0, 3)));
}

TEST_F(PublishTest, ADamagedEpochFileIsNotPublished) {
  const Committable epoch = epoch_of(0, 3);
  folder_.write("epoch-7-0", "");
  const Status status = commit({epoch});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(published().empty());
}

TEST_F(PublishTest, AScanReadsItsRangesAndNothingElse) {
  const MessageQueue queue{"out", "broker-a", 0};
  for (int n = 0; n < 100; ++n) {
    std::string stamp;
    make_stamp(stamp_prefix({}), static_cast<std::uint64_t>(n), stamp);
    broker_.append(queue, "x", "UNIQ_KEY\x01" + (n % 2 == 0 ? stamp : "other") + "\x02");
  }
  const auto client = shared_client({.name_servers = broker_.name_server()});
  std::vector<std::uint64_t> found;
  ScanOptions options;
  options.group = "scan";
  options.clock = &clock_;
  options.found = [&](std::string_view key) { found.push_back(*stamp_sequence(key)); };
  const std::vector<ScanRange> ranges{{queue, 90, 97}, {{"out", "broker-a", 1}, 0, 0}};
  ASSERT_TRUE(scan_queues(**client, ranges, options).ok());
  EXPECT_THAT(found, ElementsAre(90, 92, 94, 96));
}

TEST_F(PublishTest, ConnectionsAreSharedByOneUserOnly) {
  const rocketmq::Security user{
      .credentials = {.access_key = "user", .secret_key = "secret", .security_token = {}},
      .credentials_file = {},
      .tls = {}};
  const auto nobody = shared_client({.name_servers = broker_.name_server()});
  const auto somebody = shared_client({.name_servers = broker_.name_server(), .security = user});
  ASSERT_TRUE(nobody.ok() && somebody.ok());
  EXPECT_EQ(nobody->get(), shared_client({.name_servers = broker_.name_server()})->get());
  EXPECT_EQ(somebody->get(),
            shared_client({.name_servers = broker_.name_server(), .security = user})->get());
  EXPECT_NE(nobody->get(), somebody->get());
  const auto unit = shared_client({.name_servers = broker_.name_server(), .unit_name = "u"});
  ASSERT_TRUE(unit.ok());
  EXPECT_NE(unit->get(), nobody->get());
}

// Rows of (topic, n) or (n), written at least once.
class WriteTest : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create_topic("out", 2); }

  void open(OptionMap options = {}, bool topic_column = false) {
    options.insert(
        {{"topic", "out"}, {"nameServerAddress", broker_.name_server()}, {"format", "json"}});
    TableDefinition table = testing::table_of(Schema({{"n", Type::integer()}}), std::move(options));
    if (topic_column) table.metadata.push_back({"to", "topic", Type::string(), false});
    auto made = make_factory()->make_sink(testing::sink_request(std::move(table)));
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    sink_ = std::move(*made);
    WriterContext context;
    context.metrics = counters_.metrics();
    context.clock = &clock_;
    context.wake = [this] { ++wakes_; };
    auto writer = sink_->make_writer(std::move(context));
    ASSERT_TRUE(writer.ok()) << writer.status().to_string();
    writer_ = std::move(*writer);
  }
  Result<SinkWriter::Write> write(const std::string& n, const std::string& to = {}) {
    std::vector<ColumnPtr> columns{slipstream::testing::column_of(Type::integer(), {n})};
    if (!to.empty()) columns.push_back(slipstream::testing::column_of(Type::string(), {to}));
    return writer_->write(slipstream::testing::batch_of(columns), nullptr);
  }
  Status flush() {
    Status status;
    EXPECT_TRUE(wait_until([&] {
      const auto prepared = writer_->prepare(1, nullptr);
      if (!prepared.ok()) status = prepared.status();
      return !prepared.ok() || prepared->has_value();
    }));
    return status;
  }
  std::size_t stored(const std::string& topic) const {
    std::size_t count = 0;
    for (std::int32_t id = 0; id < 8; ++id)
      count += broker_.messages({topic, "broker-a", id}).size();
    return count;
  }

  ScriptedBroker broker_;
  FakeClock clock_;
  Counters counters_;
  std::atomic<int> wakes_ = 0;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<SinkWriter> writer_;
};

// Finding 20.
TEST_F(WriteTest, ABrokerThatIsAwayIsWaitedFor) {
  broker_.set_registered("broker-a", false);
  broker_.set_brokers_up(false);
  open();
  for (int i = 0; i < 2; ++i) {
    const int wakes = wakes_;
    const auto full = write("1");
    ASSERT_TRUE(full.ok()) << full.status().to_string();
    EXPECT_EQ(*full, SinkWriter::Write::kFull);
    EXPECT_TRUE(wait_until([&] { return wakes_ > wakes; }));
  }
  broker_.set_brokers_up(true);
  broker_.set_registered("broker-a", true);
  EXPECT_TRUE(wait_until([&] { return *write("1") == SinkWriter::Write::kAccepted; }));
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(stored("out"), 1U);
}

// The time is the job's: none passes unless the test says so.
TEST_F(WriteTest, ABrokerThatStaysAwayIsSaidToBeAway) {
  broker_.set_registered("broker-a", false);
  open({{"sink.send-timeout", "1 h"}});
  for (const std::int64_t minutes : {0, 59}) {
    clock_.advance_ms(minutes * 60'000);
    const auto full = write("1");
    ASSERT_TRUE(full.ok()) << full.status().to_string();
    EXPECT_EQ(*full, SinkWriter::Write::kFull);
  }
  clock_.advance_ms(60'000);
  const auto away = write("1");
  ASSERT_FALSE(away.ok());
  EXPECT_TRUE(away.status().error().retryable);
  EXPECT_THAT(away.status().error().message, HasSubstr("no broker is registered"));
  EXPECT_THAT(sink_->check_before_start().error().message, HasSubstr("no broker is registered"));
}

// Finding 25.
TEST_F(WriteTest, ARowThatNamesAMissingTopicEndsTheJob) {
  open({}, true);
  ASSERT_TRUE(write("1", "out").ok());
  const auto missing = write("2", "nowhere");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().error().code, ErrorCode::kDataError);
  EXPECT_FALSE(missing.status().error().retryable);
  EXPECT_THAT(missing.status().error().message, HasSubstr("topic 'nowhere' does not exist"));
  broker_.create_topic("TBW102", 1);  // a cluster that creates topics by itself
  ASSERT_TRUE(write("3", "new").ok());
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(stored("new"), 1U);
}

struct SinkMode {
  const char* topic;  // of its own: lines of the log are limited by topic
  OptionMap options;
  RequestCode request;
  bool lossy = false;
};

const SinkMode kSinkModes[] = {
    {"batches", {}, RequestCode::kSendBatchMessage},
    {"batches_of_none",
     {{"sink.delivery-guarantee", "none"}},
     RequestCode::kSendBatchMessage,
     true},
    {"single",
     {{"deliveryTimestampMode", "relative"}, {"deliveryTimestampValue", "1"}},
     RequestCode::kSendMessageV2},
    {"single_of_none",
     {{"deliveryTimestampMode", "relative"},
      {"deliveryTimestampValue", "1"},
      {"sink.delivery-guarantee", "none"}},
     RequestCode::kSendMessageV2,
     true},
};

class AnswerTest : public WriteTest, public ::testing::WithParamInterface<SinkMode> {
 protected:
  void SetUp() override {
    broker_.create_topic(GetParam().topic, 2);
    broker_.create_topic("out", 2);
    set_log_sink([this](LogLevel, std::string_view, std::string_view text) {
      MutexLock lock(mutex_);
      lines_.emplace_back(text);
    });
  }
  void TearDown() override {
    writer_.reset();
    set_log_sink({});
  }
  // A row whose first send is answered with this; answers what became of it.
  Status row_with(Fault::Kind kind, int code) {
    OptionMap options = GetParam().options;
    options["topic"] = GetParam().topic;
    open(std::move(options));
    broker_.inject(GetParam().request, {.kind = kind, .code = code, .remark = "on purpose"});
    const std::size_t before = stored(GetParam().topic);
    EXPECT_TRUE(write("1").ok());
    const Status flushed = flush();
    EXPECT_TRUE(wait_until([&] {
      return stored(GetParam().topic) > before || !flushed.ok() ||
             counters_["rocketmq_sink_failures_total"] > 0;
    }));
    EXPECT_LE(stored(GetParam().topic), before + 1);
    return flushed;
  }
  bool logged(std::string_view text) {
    MutexLock lock(mutex_);
    return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

  Mutex mutex_;
  std::vector<std::string> lines_ SLIPSTREAM_GUARDED_BY(mutex_);
};

TEST_P(AnswerTest, AMessageThatIsStoredWithoutDiskOrReplicaIsSaidAndNotSentAgain) {
  const std::pair<int, const char*> weak[] = {
      {10, "FLUSH_DISK_TIMEOUT"}, {11, "SLAVE_NOT_AVAILABLE"}, {12, "FLUSH_SLAVE_TIMEOUT"}};
  for (const auto& [code, name] : weak) {
    EXPECT_TRUE(row_with(Fault::Kind::kCodeAfter, code).ok());
    EXPECT_TRUE(wait_until([&, name = name] { return logged(name); })) << name;
  }
  EXPECT_EQ(stored(GetParam().topic), 3U);
  EXPECT_EQ(counters_["rocketmq_sink_failures_total"], 0);
  EXPECT_EQ(counters_["rocketmq_sink_retries_total"], 0);
}

TEST_P(AnswerTest, AMessageThatIsNotStoredNowIsSentAgain) {
  int sent = 0;
  for (const int code : {1, 2, 14, 16, 215}) {
    ++sent;
    EXPECT_TRUE(row_with(Fault::Kind::kCode, code).ok()) << code;
    EXPECT_TRUE(wait_until([&] { return counters_["rocketmq_sink_retries_total"] == sent; }));
  }
  EXPECT_EQ(stored(GetParam().topic), 5U);
}

TEST_P(AnswerTest, AMessageThatIsRefusedFailsTheJobOrIsCounted) {
  const Status status = row_with(Fault::Kind::kCode, 13);
  EXPECT_TRUE(wait_until([&] { return counters_["rocketmq_sink_failures_total"] == 1; }));
  EXPECT_EQ(status.ok(), GetParam().lossy) << status.to_string();
  EXPECT_TRUE(GetParam().lossy || status.to_string().find("on purpose") != std::string::npos);
  EXPECT_TRUE(!GetParam().lossy || wait_until([&] { return logged("messages were dropped"); }));
  EXPECT_EQ(stored(GetParam().topic), 0U);
}

INSTANTIATE_TEST_SUITE_P(SinkModes, AnswerTest, ::testing::ValuesIn(kSinkModes),
                         [](const auto& test) { return std::string(test.param.topic); });

// Finding 18: as large as a message may be, too large for a batch.
TEST_F(WriteTest, AMessageThatFitsNoBatchGoesAlone) {
  OptionMap options{
      {"topic", "out"}, {"nameServerAddress", broker_.name_server()}, {"format", "raw"}};
  auto made = make_factory()->make_sink(testing::sink_request(
      testing::table_of(Schema({{"s", Type::string()}}), std::move(options))));
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  sink_ = std::move(*made);
  WriterContext context;
  context.metrics = counters_.metrics();
  context.clock = &clock_;
  context.wake = [this] { ++wakes_; };
  writer_ = std::move(*sink_->make_writer(std::move(context)));
  for (const std::size_t size : {std::size_t{10'000}, std::size_t{4} << 20, std::size_t{10}}) {
    const auto written = writer_->write(
        slipstream::testing::batch_of(
            {slipstream::testing::column_of(Type::string(), {std::string(size, 'x')})}),
        nullptr);
    ASSERT_TRUE(written.ok()) << written.status().to_string();
  }
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(stored("out"), 3U);
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
