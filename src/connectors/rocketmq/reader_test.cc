// The source against a scripted broker.
#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include <gmock/gmock.h>

#include "slipstream/connector/element_condition.h"
#include "slipstream/rocketmq/admin.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::MessageQueue;
using rocketmq::testing::ScriptedBroker;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReaderHarness;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Poll = SourceReader::Poll;

class QueueRowReaderTest : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create_topic("T", 2); }

  Result<std::unique_ptr<Source>> source(OptionMap options) {
    options.insert({{"topic", "T"},
                    {"nameServerAddress", broker_.name_server()},
                    {"consumerGroup", "g"},
                    {"format", "json"}});
    if (!options.contains("startMessageOffset")) options.insert({"scan.startup.mode", "earliest"});
    return make_factory()->make_source(testing::source_request(
        testing::table_of(Schema({{"n", Type::integer()}}), std::move(options))));
  }
  void send(std::int32_t queue, int n) {
    broker_.append({"T", "broker-a", queue}, "{\"n\":" + std::to_string(n) + "}");
  }
  // Polls until so many rows are there, or the reader has read everything.
  static Status read(ReaderHarness& bench, std::size_t rows) {
    Status status;
    EXPECT_TRUE(wait_until([&] {
      const auto polled = bench.poll();
      if (!polled.ok()) status = polled.status();
      return !polled.ok() || *polled == Poll::kEnd || bench.rows.size() >= rows;
    }));
    return status;
  }
  static bool ends(ReaderHarness& bench) {
    return wait_until([&] {
      const auto polled = bench.poll();
      return polled.ok() && *polled == Poll::kEnd;
    });
  }

  ScriptedBroker broker_;
};

TEST_F(QueueRowReaderTest, ABoundedReadEndsAlsoInQueuesWithoutMessages) {
  send(1, 7);
  const auto table = source({{"scan.bounded.mode", "latest-offset"}});
  ASSERT_TRUE(table.ok()) << table.status().to_string();
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_TRUE(bench.complete);
  ASSERT_TRUE(ends(bench));
  EXPECT_THAT(bench.rows, ElementsAre("+I(7)"));
}

TEST_F(QueueRowReaderTest, BodiesThatStayDamagedArePassedOverWhenBadRowsAre) {
  for (int n = 0; n < 8; ++n) send(0, n);
  const MessageQueue queue{"T", "broker-a", 0};
  for (const int offset : {0, 3, 4, 7}) broker_.damage_body(queue, offset);

  const auto strict = source({{"scan.bounded.mode", "latest-offset"}});
  ReaderHarness failing(**strict);
  ASSERT_TRUE(failing.discover().ok());
  const Status failed = read(failing, 8);
  EXPECT_THAT(failed.to_string(), AllOf(HasSubstr("T/broker-a/0 near offset 0"), HasSubstr("CRC"),
                                        HasSubstr("set 'decode.errors' = 'skip'")));
  EXPECT_THAT(failing.rows, IsEmpty());

  for (const std::string policy : {"skip", "dead-letter"}) {
    OptionMap options{{"scan.bounded.mode", "latest-offset"}, {"decode.errors", policy}};
    if (policy == "dead-letter") options["dead-letter.topic"] = "dead";
    const auto table = source(options);
    ASSERT_TRUE(table.ok()) << table.status().to_string();
    ReaderHarness bench(**table, 2);
    ASSERT_TRUE(bench.discover().ok());
    ASSERT_TRUE(ends(bench));
    EXPECT_THAT(bench.rows, ElementsAre("+I(1)", "+I(2)", "+I(5)", "+I(6)"));
    EXPECT_EQ(bench.counters["rocketmq_source_decode_errors_total"], 4);
    EXPECT_THAT(bench.rejects, SizeIs(policy == "skip" ? 0 : 4));
    if (!bench.rejects.empty()) {
      EXPECT_THAT(bench.rejects[1], AllOf(HasSubstr("CRC"), HasSubstr("T/broker-a/0, 3, ")));
    }
  }
}

TEST_F(QueueRowReaderTest, ManyBadBodiesInARowDoNotLetItSleep) {
  const std::string bad(64 << 10, 'x');
  for (int i = 0; i < 200; ++i) broker_.append({"T", "broker-a", 0}, bad);
  send(0, 7);
  const auto table = source({{"decode.errors", "skip"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  // As a source task does: after kNothing it polls when it was woken.
  EXPECT_TRUE(wait_until([&, woken = 0]() mutable {
    if (bench.wakes == woken) return false;
    do {
      woken = bench.wakes;
    } while (*bench.poll() == Poll::kBatch);
    return bench.rows.size() == 1;
  }));
  EXPECT_EQ(bench.counters["rocketmq_source_decode_errors_total"], 200);
}

TEST_F(QueueRowReaderTest, ABoundedReadIgnoresWhatComesLater) {
  send(0, 1);
  const auto table = source({{"scan.bounded.mode", "latest-offset"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  send(0, 2);
  send(1, 3);
  ASSERT_TRUE(ends(bench));
  EXPECT_THAT(bench.rows, ElementsAre("+I(1)"));
}

TEST_F(QueueRowReaderTest, AnEndThatIsNotThereYetIsWaitedForWhichIsLogged) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view text) {
    if (text.find("the read waits") != std::string_view::npos) lines.emplace_back(text);
  });
  send(0, 0);
  send(1, 10);
  const auto table = source({{"scan.bounded.mode", "specific-offsets"},
                             {"scan.bounded.specific-offsets", "broker-a:0:2;broker-a:1:1"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  set_log_sink({});
  EXPECT_THAT(lines, ElementsAre(HasSubstr("queue T/broker-a/0 ends at offset 1 now, before the "
                                           "end 2")));
  ASSERT_TRUE(read(bench, 2).ok());
  EXPECT_EQ(*bench.poll(), Poll::kNothing);
  send(0, 1);
  ASSERT_TRUE(ends(bench));
  EXPECT_THAT(bench.rows, UnorderedElementsAre("+I(0)", "+I(10)", "+I(1)"));
}

TEST_F(QueueRowReaderTest, SnapshotsHoldWhatWasGivenOutAndARestoreGoesOnThere) {
  for (int n = 0; n < 5; ++n) send(0, n);
  const auto table = source({});
  ReaderHarness first(**table, 2);
  ASSERT_TRUE(first.discover().ok());
  ASSERT_TRUE(read(first, 2).ok());
  const auto splits = first.reader->snapshot(1);
  ASSERT_TRUE(splits.ok());
  const std::string enumerator = first.enumerator->snapshot();
  const std::vector<std::string> before = first.rows;
  ReaderHarness second(**table);
  ASSERT_TRUE(second.discover(enumerator, true).ok());
  ASSERT_TRUE(second.add(*splits).ok());
  ASSERT_TRUE(read(second, 5 - before.size()).ok());
  std::vector<std::string> all = before;
  all.insert(all.end(), second.rows.begin(), second.rows.end());
  EXPECT_THAT(all, ElementsAre("+I(0)", "+I(1)", "+I(2)", "+I(3)", "+I(4)"));
}

TEST_F(QueueRowReaderTest, ANewQueueIsReadFromItsFirstMessage) {
  send(0, 1);
  const auto table = source({{"scan.startup.mode", "latest"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  broker_.create_topic("T", 3);
  send(2, 20);
  ASSERT_TRUE(bench.look().ok());
  ASSERT_TRUE(read(bench, 1).ok());
  EXPECT_THAT(bench.rows, ElementsAre("+I(20)"));
}

TEST_F(QueueRowReaderTest, AfterARestoreAQueueThatWasNotThereIsNew) {
  const auto table = source({{"scan.startup.mode", "latest"}});
  ReaderHarness first(**table);
  ASSERT_TRUE(first.discover().ok());
  const std::string enumerator = first.enumerator->snapshot();
  broker_.create_topic("T", 3);
  send(2, 20);
  send(0, 1);
  ReaderHarness second(**table);
  ASSERT_TRUE(second.discover(enumerator, true).ok());
  ASSERT_TRUE(read(second, 1).ok());
  EXPECT_THAT(second.rows, ElementsAre("+I(20)")) << "queue 0 belongs to the restored splits";
}

TEST_F(QueueRowReaderTest, ATopicThatIsBackAsAnotherIsReadFromItsFirstMessage) {
  broker_.append({"T", "broker-a", 0}, R"({"n":0})", {}, 1'000);
  broker_.append({"T", "broker-a", 1}, R"({"n":1})", {}, 1'000);
  const auto table = source({{"scan.pull.wait", "100 ms"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(read(bench, 2).ok());
  auto client = rocketmq::Client::connect({.name_servers = broker_.name_server()});
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(rocketmq::Admin(**client).delete_topic("T").ok());
  // Answers are shared for 200 ms: by the fourth one the pulls that waited have ended, too.
  const std::size_t asked = broker_.requests_seen(rocketmq::RequestCode::kRouteByTopic);
  ASSERT_TRUE(wait_until(
      [&] { return broker_.requests_seen(rocketmq::RequestCode::kRouteByTopic) > asked + 3; }));
  bench.rows.clear();
  broker_.create_topic("T", 2);
  send(0, 10);
  send(0, 11);
  ASSERT_TRUE(read(bench, 2).ok());
  EXPECT_THAT(bench.rows, ElementsAre("+I(10)", "+I(11)"));
  // Also the queue without a message is another one.
  EXPECT_TRUE(wait_until([&] {
    EXPECT_TRUE(bench.poll().ok());
    const auto splits = bench.reader->snapshot(1);
    return splits.ok() && (*splits)[0].state.starts_with("1,2,-1,1,") &&
           (*splits)[1].state == "1,0,-1";
  }));
}

// A job that was down while its topic T was replaced by one with messages of these store times.
class ReplacedTopicTest : public QueueRowReaderTest {
 protected:
  void SetUp() override {
    QueueRowReaderTest::SetUp();
    for (int n = 0; n < 2; ++n) append(n, 1'000 + n);
    const auto table = source({});
    ReaderHarness bench(**table);
    ASSERT_TRUE(bench.discover().ok());
    ASSERT_TRUE(read(bench, 2).ok());
    enumerator_ = bench.enumerator->snapshot();
    splits_ = *bench.reader->snapshot(1);
    ASSERT_EQ(splits_[0].state, "1,2,-1,1,1001");
  }
  void append(int n, std::int64_t stored_ms) {
    broker_.append({"T", "broker-a", 0}, "{\"n\":" + std::to_string(n) + "}", {}, stored_ms);
  }
  void replace(const std::vector<std::int64_t>& stored_ms) {
    broker_.lose_tail({"T", "broker-a", 0}, 0);
    for (std::size_t i = 0; i < stored_ms.size(); ++i)
      append(10 + static_cast<int>(i), stored_ms[i]);
  }
  // What is read on, `rows` at least.
  std::vector<std::string> go_on(std::size_t rows) {
    const auto table = source({});
    ReaderHarness bench(**table);
    EXPECT_TRUE(bench.discover(enumerator_, true).ok());
    EXPECT_TRUE(bench.add(splits_).ok());
    EXPECT_TRUE(read(bench, rows).ok());
    EXPECT_TRUE(wait_until([&] { return broker_.parked_pulls(3) == 1; })) << "at its end";
    EXPECT_TRUE(bench.drain().ok());
    return bench.rows;
  }

  std::string enumerator_;
  std::vector<Split> splits_;
};

TEST_F(ReplacedTopicTest, IsReadFromItsFirstMessageWhichIsLogged) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view text) {
    if (text.find("made anew") != std::string_view::npos) lines.emplace_back(text);
  });
  replace({2'000, 2'001, 2'002});
  EXPECT_THAT(go_on(3), ElementsAre("+I(10)", "+I(11)", "+I(12)"));
  set_log_sink({});
  EXPECT_THAT(lines, ElementsAre(AllOf(HasSubstr("topic 'T' was deleted and made anew"),
                                       HasSubstr("T/broker-a/0, read up to offset 2"))));
}

TEST_F(ReplacedTopicTest, TheSameIsReadOn) {
  append(2, 2'000);
  EXPECT_THAT(go_on(1), ElementsAre("+I(2)"));
}

TEST_F(ReplacedTopicTest, OneThatLostItsEndAndWasWrittenOnIsReadOn) {
  replace({1'000, 1'500, 2'000});
  EXPECT_THAT(go_on(1), ElementsAre("+I(12)"));
}

TEST_F(ReplacedTopicTest, OneWhoseMessagesHaveExpiredIsReadOn) {
  append(2, 2'000);
  broker_.expire({"T", "broker-a", 0}, 2);
  EXPECT_THAT(go_on(1), ElementsAre("+I(2)"));
}

TEST_F(ReplacedTopicTest, StateOfFormerVersionsGoesOnWhereItWas) {
  splits_[0].state = "1,2,-1";
  replace({2'000, 2'001, 2'002});
  EXPECT_THAT(go_on(1), ElementsAre("+I(12)"));
}

TEST_F(QueueRowReaderTest, GroupOffsetsAreThoseOfTheCompletedCheckpointAndArriveBeforeTheEnd) {
  for (int n = 0; n < 3; ++n) send(0, n);
  const MessageQueue queue{"T", "broker-a", 0};
  const auto table = source({});
  {
    ReaderHarness bench(**table);
    ASSERT_TRUE(bench.discover().ok());
    ASSERT_TRUE(read(bench, 3).ok());
    ASSERT_TRUE(bench.reader->snapshot(1).ok());
    send(0, 3);
    ASSERT_TRUE(read(bench, 4).ok());
    ASSERT_TRUE(bench.reader->snapshot(2).ok());
    EXPECT_EQ(broker_.group_offset("g", queue), -1) << "no checkpoint is complete";
    bench.reader->checkpoint_complete(1);
  }
  EXPECT_EQ(broker_.group_offset("g", queue), 3);
}

TEST_F(QueueRowReaderTest, AnOffsetThatWasNotWrittenIsWrittenWithTheNextCheckpoint) {
  send(0, 0);
  const MessageQueue queue{"T", "broker-a", 0};
  const auto table = source({});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(read(bench, 1).ok());
  broker_.inject(
      rocketmq::RequestCode::kUpdateConsumerOffset,
      {.kind = rocketmq::testing::Fault::Kind::kCode, .code = 1, .remark = "no", .delay_ms = 0});
  ASSERT_TRUE(bench.reader->snapshot(1).ok());
  bench.reader->checkpoint_complete(1);
  ASSERT_TRUE(wait_until(
      [&] { return broker_.requests_seen(rocketmq::RequestCode::kUpdateConsumerOffset) > 0; }));
  ASSERT_EQ(broker_.group_offset("g", queue), -1);
  std::uint64_t checkpoint = 1;
  EXPECT_TRUE(wait_until([&] {
    EXPECT_TRUE(bench.reader->snapshot(++checkpoint).ok());
    bench.reader->checkpoint_complete(checkpoint);
    return broker_.group_offset("g", queue) == 1;
  }));
}

// Brokers 4.x answer 0 where the group has no offset.
TEST_F(QueueRowReaderTest, AQueueWithoutAnOffsetOfTheGroupIsReadAsTheResetSays) {
  send(0, 1);
  send(1, 10);
  send(1, 11);
  broker_.set_group_offset("g", {"T", "broker-a", 0}, 0);
  broker_.set_group_offset("g", {"T", "broker-a", 1}, 1);
  broker_.set_answer(rocketmq::RequestCode::kGroupsOfTopic, R"({"groupList":["g"]})");
  broker_.set_answer(rocketmq::RequestCode::kAllConsumerOffsets,
                     R"({"offsetTable":{"T@g":{1:1}}})");
  for (const auto& [reset, rows] : std::map<std::string, std::vector<std::string>>{
           {"latest", {"+I(11)"}}, {"earliest", {"+I(1)", "+I(11)"}}}) {
    const auto table = source({{"scan.startup.mode", "group-offsets"},
                               {"scan.startup.group-offsets.reset", reset},
                               {"scan.bounded.mode", "latest-offset"}});
    ReaderHarness bench(**table);
    ASSERT_TRUE(bench.discover().ok());
    ASSERT_TRUE(ends(bench));
    EXPECT_THAT(bench.rows, ::testing::UnorderedElementsAreArray(rows)) << reset;
  }
}

TEST_F(QueueRowReaderTest, ABodyThatIsNoRowFailsWithItsPlaceOrIsSkipped) {
  send(0, 1);
  broker_.append({"T", "broker-a", 0}, "no json");
  send(0, 2);
  const auto strict = source({});
  ReaderHarness failing(**strict);
  ASSERT_TRUE(failing.discover().ok());
  const Status status = read(failing, 3);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kDataError);
  EXPECT_THAT(status.error().message,
              HasSubstr("offset 1 of topic 'T', broker 'broker-a', queue 0"));
  const auto lenient = source({{"decode.errors", "skip"}});
  ReaderHarness skipping(**lenient);
  ASSERT_TRUE(skipping.discover().ok());
  ASSERT_TRUE(read(skipping, 2).ok());
  EXPECT_THAT(skipping.rows, ElementsAre("+I(1)", "+I(2)"));
  EXPECT_EQ(skipping.counters["rocketmq_source_decode_errors_total"], 1);
}

TEST_F(QueueRowReaderTest, TagsAreComparedExactly) {
  // "Aa" and "BB" have the same hash, which is all that a broker compares.
  broker_.append({"T", "broker-a", 0}, R"({"n":1})",
                 "TAGS\x01"
                 "Aa\x02");
  broker_.append({"T", "broker-a", 0}, R"({"n":2})",
                 "TAGS\x01"
                 "BB\x02");
  broker_.append({"T", "broker-a", 0}, R"({"n":3})");
  const auto table = source({{"tag", "BB"}, {"scan.bounded.mode", "latest-offset"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(ends(bench));
  EXPECT_THAT(bench.rows, ElementsAre("+I(2)"));
}

class NarrowedSourceTest : public QueueRowReaderTest {
 protected:
  // WHERE properties['color'] = 'red'
  static std::vector<ElementCondition> red() {
    ElementCondition condition;
    condition.kind = ElementCondition::Kind::kEqualsAny;
    condition.column = "properties";
    condition.is_metadata = true;
    condition.key = "color";
    condition.texts = {"red"};
    return {condition};
  }
  std::unique_ptr<Source> narrowed(OptionMap options) {
    options.insert({"scan.bounded.mode", "latest-offset"});
    auto made = source(std::move(options));
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    dynamic_cast<NarrowedByElements&>(**made).narrow(red());
    return std::move(*made);
  }
  std::string pulled_with(OptionMap options) {
    const auto table = narrowed(std::move(options));
    ReaderHarness bench(*table);
    EXPECT_TRUE(bench.discover().ok());
    EXPECT_TRUE(ends(bench));
    return broker_.last_field(rocketmq::RequestCode::kPullMessage, "subscription");
  }
};

TEST_F(NarrowedSourceTest, BrokersGetWhatIsKnownOfProperties) {
  send(0, 1);
  EXPECT_EQ(pulled_with({}), "INNER_NUM IS NOT NULL OR (color = 'red')");
  EXPECT_THAT(narrowed({})->explain(),
              ::testing::Contains("broker-filter=INNER_NUM IS NOT NULL OR (color = 'red')"));
}

TEST_F(NarrowedSourceTest, NotBesideOtherFiltersOrDeadLettersAndNotWhenItIsSwitchedOff) {
  send(0, 1);
  EXPECT_EQ(pulled_with({{"scan.filter.push-down", "false"}}), "*");
  EXPECT_EQ(pulled_with({{"decode.errors", "dead-letter"}, {"dead-letter.topic", "dead"}}), "*");
  EXPECT_EQ(pulled_with({{"tag", "A"}}), "A");
  EXPECT_EQ(pulled_with({{"decode.errors", "skip"}}), "INNER_NUM IS NOT NULL OR (color = 'red')");
  EXPECT_THAT(
      narrowed({{"scan.filter.sql", "size = 1"}})->explain(),
      AllOf(::testing::Contains("sql=size = 1"), Each(::testing::Not(HasSubstr("broker-filter")))));
}

TEST_F(NarrowedSourceTest, ABrokerThatDoesNotFilterIsReadWhole) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view text) {
    if (text.find("no filter at brokers") != std::string_view::npos) lines.emplace_back(text);
  });
  for (int n = 0; n < 100; ++n) send(0, n);
  broker_.inject(rocketmq::RequestCode::kPullMessage,
                 {.kind = rocketmq::testing::Fault::Kind::kCode,
                  .code = rocketmq::response_code::kSystemError,
                  .remark = "The broker does not support consumer to filter message by SQL92"});
  const auto table = narrowed({});
  ReaderHarness bench(*table);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(ends(bench));
  set_log_sink({});
  EXPECT_THAT(lines, ElementsAre(AllOf(HasSubstr("table 't'"), HasSubstr("by SQL92"))));
  EXPECT_THAT(bench.rows, SizeIs(100));
  EXPECT_EQ(broker_.last_field(rocketmq::RequestCode::kPullMessage, "subscription"), "*");
}

TEST_F(NarrowedSourceTest, ARefusalThatIsNotAboutTheFilterEndsTheReading) {
  send(0, 1);
  broker_.disturb([](rocketmq::RequestCode code) -> std::optional<rocketmq::testing::Fault> {
    if (code != rocketmq::RequestCode::kPullMessage) return std::nullopt;
    return rocketmq::testing::Fault{.kind = rocketmq::testing::Fault::Kind::kCode,
                                    .code = rocketmq::response_code::kSystemError,
                                    .remark = "no way"};
  });
  const auto table = narrowed({});
  ReaderHarness bench(*table);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_THAT(read(bench, 1).to_string(), HasSubstr("no way"));
}

TEST_F(QueueRowReaderTest, AnEmptyQueueIsProvenEmptyBesideABusyOne) {
  const auto table = source({});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  std::atomic<bool> busy = true;
  std::thread feed([&] {
    for (int n = 0; busy; ++n) send(0, n);
  });
  const auto proven_since_row = [&] {
    const std::size_t rows = bench.rows.size();
    return wait_until([&] {
      EXPECT_TRUE(bench.poll().ok());
      return bench.rows.size() > rows &&
             std::any_of(bench.events.begin(), bench.events.end(), [](const SplitEvent& event) {
               return event.split == 1 && event.is<SplitIdle>();
             });
    });
  };
  EXPECT_TRUE(proven_since_row());
  for (int i = 0; i < 3; ++i) {
    bench.events.clear();
    EXPECT_TRUE(proven_since_row()) << "the proof is renewed";
  }
  busy = false;
  feed.join();
}

TEST_F(QueueRowReaderTest, AQuietReaderRenewsItsProofsWhenAnotherTaskSentAWatermark) {
  const auto table = source({});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  const SystemClock clock;
  // What both queues are proven for; -1 = one is not.
  const auto proven_ms = [&] {
    std::map<std::uint32_t, std::int64_t> newest;
    for (const SplitEvent& event : bench.events) {
      if (const auto* idle = std::get_if<SplitIdle>(&event.what))
        newest[event.split] = idle->proof.asked_ms.value_or(0);
    }
    return newest.size() < 2 ? -1 : std::min(newest[0], newest[1]);
  };
  std::int64_t since_ms = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(wait_until([&] {
      EXPECT_TRUE(bench.poll().ok());
      return proven_ms() >= since_ms;
    }));
    EXPECT_LT(proven_ms(), clock.now_ms()) << "the millisecond of the question does not count";
    ASSERT_TRUE(bench.drain().ok());
    const int wakes = bench.wakes;
    since_ms = clock.now_ms();
    bench.proofs_outdated_until_ms = since_ms;
    EXPECT_TRUE(wait_until([&] { return bench.wakes > wakes; })) << "it looks without being polled";
  }
}

TEST_F(QueueRowReaderTest, OfWhatIsReceivedThePreferredQueueComesFirst) {
  for (int n = 0; n < 100; ++n) {
    send(0, n);
    send(1, 1'000 + n);
  }
  const auto table = source({});
  ReaderHarness bench(**table, 50);
  ASSERT_TRUE(bench.discover().ok());
  const std::vector<std::uint32_t> order{1, 0};
  bench.reader->set_read_order(order);
  // Both queues were read to their ends, and wait there.
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 2; }));
  ASSERT_TRUE(read(bench, 200).ok());
  EXPECT_THAT(bench.runs, Each(Field(&SplitRun::begin, 0U))) << "no batch has rows of both";
  EXPECT_EQ(bench.rows.front(), "+I(1000)");
  EXPECT_EQ(bench.rows[100], "+I(0)");
}

TEST_F(QueueRowReaderTest, WhatWasHeldBackOfAPausedQueueComesWithoutFurtherMessages) {
  for (int n = 0; n < 10; ++n) send(0, n);
  const auto table = source({});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 2; }));
  bench.reader->pause(std::vector<std::uint32_t>{0});
  ASSERT_TRUE(bench.drain().ok());
  ASSERT_THAT(bench.rows, IsEmpty());
  const int wakes = bench.wakes;
  bench.reader->pause({});
  EXPECT_GT(bench.wakes, wakes) << "nobody else would wake the task";
  ASSERT_TRUE(bench.drain().ok());
  EXPECT_EQ(bench.rows.size(), 10U);
}

// Finding 44: the broker acknowledges what is in its log, and shows it in the queue later.
TEST_F(QueueRowReaderTest, ABoundedReadEndsBehindWhatWasAcknowledgedBefore) {
  broker_.set_dispatch_lag(300);
  for (int n = 0; n < 5; ++n) send(n % 2, n);
  const auto table = source({{"scan.bounded.mode", "latest-offset"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(ends(bench));
  EXPECT_THAT(bench.rows, SizeIs(5));
  send(0, 9);
  const auto later = source({{"scan.startup.mode", "latest"}});
  ReaderHarness after(**later);
  ASSERT_TRUE(after.discover().ok());
  send(0, 10);
  ASSERT_TRUE(read(after, 1).ok());
  EXPECT_THAT(after.rows, ElementsAre("+I(10)")) << "9 was there before the start";
}

// Finding 19.
TEST_F(QueueRowReaderTest, TheGivenPolicyDecidesWhenABoundedReadBeginsBehindTheEnd) {
  for (int n = 0; n < 8; ++n) send(0, n);
  const MessageQueue queue{"T", "broker-a", 0};
  for (std::int32_t id = 0; id < 2; ++id)
    broker_.set_group_offset("g", {"T", "broker-a", id}, 1'000);
  const std::vector<OptionMap> starts{
      {{"scan.startup.mode", "group-offsets"}},
      {{"scan.startup.mode", "specific-offsets"},
       {"scan.startup.specific-offsets", "broker-a:0:1000;broker-a:1:7"}},
      {{"startMessageOffset", "1000"}}};
  for (OptionMap options : starts) {
    options["scan.bounded.mode"] = "latest-offset";
    const auto strict = source(options);
    ASSERT_TRUE(strict.ok()) << strict.status().to_string();
    ReaderHarness failing(**strict);
    const Status status = failing.discover();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kOutOfRange);
    EXPECT_THAT(status.error().message,
                AllOf(HasSubstr("T/broker-a/0"), HasSubstr("outside [0, 8]"),
                      HasSubstr("scan.offset-out-of-range")));
    for (const auto& [policy, rows] :
         std::map<std::string, std::size_t>{{"earliest", 8}, {"latest", 0}, {"nearest", 0}}) {
      options["scan.offset-out-of-range"] = policy;
      const auto table = source(options);
      ASSERT_TRUE(table.ok()) << table.status().to_string();
      ReaderHarness bench(**table);
      ASSERT_TRUE(bench.discover().ok());
      ASSERT_TRUE(ends(bench));
      EXPECT_THAT(bench.rows, SizeIs(rows)) << policy;
      ASSERT_TRUE(bench.reader->snapshot(1).ok());
      bench.reader->checkpoint_complete(1);
      EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 8; }))
          << broker_.group_offset("g", queue);
      broker_.set_group_offset("g", queue, 1'000);
    }
  }
}

// What messages with keys give as rows of a table (a INT, b STRING).
TEST_F(QueueRowReaderTest, KeysHoldColumns) {
  const auto rows_with = [this](const std::string& format, const std::string& fields,
                                const std::string& include) {
    const auto table = make_factory()->make_source(testing::source_request(
        testing::table_of(Schema({{"a", Type::integer()}, {"b", Type::string()}}),
                          {{"topic", "T"},
                           {"nameServerAddress", broker_.name_server()},
                           {"consumerGroup", "g"},
                           {"scan.startup.mode", "earliest"},
                           {"scan.bounded.mode", "latest-offset"},
                           {"value.format", "json"},
                           {"key.format", format},
                           {"key.fields", fields},
                           {"value.fields-include", include}})));
    EXPECT_TRUE(table.ok()) << table.status().to_string();
    ReaderHarness bench(**table);
    EXPECT_TRUE(bench.discover().ok());
    EXPECT_TRUE(ends(bench));
    return bench.rows;
  };
  const MessageQueue queue{"T", "broker-a", 0};
  broker_.append(queue, R"({"a":1,"b":"body"})", "KEYS\x01{\"b\":\"key\"}\x02");
  EXPECT_THAT(rows_with("raw", "b", "EXCEPT_KEY"), ElementsAre(R"(+I(1, {"b":"key"}))"));
  EXPECT_THAT(rows_with("json", "b", "EXCEPT_KEY"), ElementsAre("+I(1, key)"));
  EXPECT_THAT(rows_with("json", "a", "EXCEPT_KEY"), ElementsAre("+I(NULL, body)"));
  EXPECT_THAT(rows_with("json", "b", "ALL"), ElementsAre("+I(1, body)"));
  broker_.append(queue, R"({"a":2})");
  EXPECT_THAT(rows_with("json", "b", "EXCEPT_KEY"), ElementsAre("+I(1, key)", "+I(2, NULL)"));
}

TEST_F(QueueRowReaderTest, NamedQueuesMustExist) {
  const auto table = source({{"scan.startup.mode", "specific-offsets"},
                             {"scan.startup.specific-offsets", "broker-a:9:0"}});
  ReaderHarness bench(**table);
  const Status status = bench.discover();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("it has broker-a:0, broker-a:1"));
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
