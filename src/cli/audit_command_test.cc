// Audits against brokers of this process, and how messages are counted.
#include "cli/audit_command.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "cli/message_balance.h"
#include "cli/message_identity.h"
#include "cli/recording_commands.h"
#include "cli/report.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;
using ::testing::HasSubstr;
using ::testing::Not;
using Side = MessageBalance::Side;

constexpr std::int64_t kMinuteMs = 60'000;

class AuditCommandTest : public ::testing::Test {
 protected:
  AuditCommandTest() {
    for (const char* topic : {"in", "out", "dead"}) broker_.create_topic(topic, 2);
    arguments_.cluster.name_server = broker_.name_server();
    arguments_.in = {"in"};
    arguments_.out = {"out"};
    arguments_.output = OutputFormat::kCsv;
    arguments_.progress.quiet = true;
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~AuditCommandTest() override { std::filesystem::remove_all(folder_); }

  static std::string body(int id, const std::string& more = "") {
    return "{\"id\":" + std::to_string(id) + more + "}";
  }
  void send(const std::string& topic, int queue, const std::string& text, std::int64_t minute,
            const std::string& properties = "") {
    broker_.append({topic, "broker-a", queue}, text, properties, minute * kMinuteMs + 1'000);
  }
  static std::string keys(const std::string& text) {
    mq::PropertiesBuilder builder;
    EXPECT_TRUE(builder.add("KEYS", text).ok());
    EXPECT_TRUE(builder.add("UNIQ_KEY", "ID-" + text).ok());
    return builder.text();
  }
  int run() {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = audit_command(arguments_);
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  // Its lines of JSON in which `field` is.
  std::vector<nlohmann::json> lines_with(const std::string& field) const {
    std::vector<nlohmann::json> found;
    std::istringstream stream(out_);
    for (std::string line; std::getline(stream, line);) {
      auto object = nlohmann::json::parse(line);
      if (object.contains(field)) found.push_back(std::move(object));
    }
    return found;
  }

  mq::testing::ScriptedBroker broker_;
  AuditArguments arguments_;
  std::filesystem::path folder_;
  std::string out_;
  std::string error_;
};

TEST_F(AuditCommandTest, AllThatCameOutOnceIsEqualInAnyOrder) {
  for (int id = 0; id < 6; ++id) send("in", id % 2, body(id), id / 3);
  for (int id = 5; id >= 0; --id) send("out", id % 2, body(id), 7);
  EXPECT_EQ(run(), kExitOk) << out_ << error_;
  EXPECT_EQ(out_, "");
  EXPECT_EQ(error_, "equal: in 6, out 6, minus 0\n");
  arguments_.all_minutes = true;
  arguments_.output = OutputFormat::kJson;
  EXPECT_EQ(run(), kExitOk);
  const auto minutes = lines_with("verdict");
  ASSERT_EQ(minutes.size(), 3U);
  EXPECT_EQ(minutes[0]["minute"], "1970-01-01 00:00");
  EXPECT_EQ(minutes[0]["in"], 3);
  EXPECT_EQ(minutes[0]["in_bytes"], 24);
  EXPECT_EQ(minutes[2]["minute"], "1970-01-01 00:07");
  EXPECT_EQ(minutes[2]["out"], 6);
  EXPECT_EQ(minutes[2]["verdict"], "equal");
  EXPECT_EQ(minutes[2]["out_sum"].get<std::string>().size(), 16U);
}

TEST_F(AuditCommandTest, WhatIsMissingOrTooManyIsNamedWithItsMinuteQueueAndOffsets) {
  for (int id = 0; id < 6; ++id)
    send("in", id % 2, body(id), id / 2, keys("k" + std::to_string(id)));
  for (const int id : {0, 1, 2, 5, 5, 9}) send("out", 0, body(id), 7);
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("different: in 6, out 6, minus 0; missing 2, doubled 1, "
                                "unexpected 1"));
  arguments_.output = OutputFormat::kJson;
  EXPECT_EQ(run(), kExitFailed);
  const auto minutes = lines_with("verdict");
  ASSERT_EQ(minutes.size(), 3U) << out_;
  EXPECT_EQ(minutes[0]["minute"], "1970-01-01 00:01");
  EXPECT_EQ(minutes[0]["missing"], 1);
  EXPECT_EQ(minutes[2]["minute"], "1970-01-01 00:07");
  EXPECT_EQ(minutes[2]["doubled"], 1);
  EXPECT_EQ(minutes[2]["unexpected"], 1);
  const auto ranges = lines_with("first_offset");
  ASSERT_EQ(ranges.size(), 4U) << out_;
  const auto messages = lines_with("message");
  ASSERT_EQ(messages.size(), 4U) << out_;
  EXPECT_EQ(messages[0]["what"], "doubled");
  EXPECT_EQ(messages[0]["offset"], 4);
  EXPECT_EQ(messages[1]["what"], "unexpected");
  EXPECT_EQ(messages[1]["message"], body(9));
  EXPECT_EQ(messages[2]["what"], "missing");
  EXPECT_EQ(messages[2]["queue"], 0);
  EXPECT_EQ(messages[2]["offset"], 2);
  EXPECT_EQ(messages[2]["keys"], "k4");
  EXPECT_EQ(messages[2]["id"], "ID-k4");
  EXPECT_EQ(messages[3]["time"], "1970-01-01 00:01:01.000");
  EXPECT_EQ(messages[3]["queue"], 1);
}

TEST_F(AuditCommandTest, PlacesAreRangesOfOffsetsAndFewMessagesAreShown) {
  for (int id = 0; id < 9; ++id) send("in", 0, body(id), 3);
  send("out", 1, body(8), 3);
  arguments_.show_max = 2;
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(out_, HasSubstr("what,minute,topic,broker,queue,count,first offset,last offset\n"
                              "missing,1970-01-01 00:03,in,broker-a,0,8,0,7\n"));
  EXPECT_THAT(out_, HasSubstr("in,broker-a,0,1,"));
  EXPECT_THAT(out_, Not(HasSubstr("in,broker-a,0,2,")));
  EXPECT_THAT(error_, HasSubstr("6 more are missing; see --show"));
  arguments_.show_max = 0;
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(out_, Not(HasSubstr("what,time")));
}

TEST_F(AuditCommandTest, ChangedBodiesAreKnownByFieldsOrKeys) {
  for (int id = 0; id < 4; ++id)
    send("in", 0, "{\"order\":{\"id\":" + std::to_string(id) + "}}", 1, keys(std::to_string(id)));
  for (int id = 3; id >= 0; --id) {
    send("out", 1, "{\"x\":1,\"order\":{\"id\":" + std::to_string(id) + "}}", 1,
         keys(std::to_string(id)));
  }
  EXPECT_EQ(run(), kExitFailed);
  arguments_.columns = {"order.id"};
  EXPECT_EQ(run(), kExitOk) << error_;
  send("in", 0, "no JSON", 1, keys("x"));
  send("out", 0, "no JSON", 1, keys("y"));
  EXPECT_EQ(run(), kExitOk) << error_;
  EXPECT_THAT(error_, HasSubstr("1 message of --in without the fields of --column"));
  arguments_.columns = {"order.no"};
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("no message that went in has all the fields"));
  arguments_.columns.clear();
  arguments_.keys = true;
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("missing 1, doubled 0, unexpected 1"));
  EXPECT_THAT(out_, HasSubstr(",ID-x,x,x\n"));
}

TEST_F(AuditCommandTest, WhatWasDroppedOnPurposeIsNotMissing) {
  for (int id = 0; id < 3; ++id) send("in", 0, body(id), 1);
  send("in", 1, "{\"id\":3,", 1);
  send("out", 0, body(0), 1);
  send("out", 0, body(2), 1);
  send("dead", 0, body(1), 1);
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("missing 2"));
  arguments_.minus = {"dead"};
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("in 4, out 2, minus 1; missing 1"));
  // As 'dead-letter.topic' has it, with the body {"id":3, in base64.
  send("dead", 1,
       R"({"body":"eyJpZCI6Myw=","reason":"cut","topic":"in","broker":"broker-a","queue_id":1,)"
       R"("queue_offset":0})",
       2);
  for (const auto& columns : {std::vector<std::string>{}, std::vector<std::string>{"id"}}) {
    arguments_.columns = columns;
    EXPECT_EQ(run(), kExitOk) << error_ << out_;
    EXPECT_THAT(error_, HasSubstr("equal: in 4, out 2, minus 2"));
  }
}

TEST_F(AuditCommandTest, ATimeInMessagesComparesMinuteByMinute) {
  const auto timed = [](int id, const std::string& time) { return body(id, ",\"at\":" + time); };
  send("in", 0, timed(1, "60000"), 100);
  send("in", 0, timed(2, "\"1970-01-01 00:02:59.999\""), 100);
  send("in", 0, timed(3, "\"1970-01-01T00:03:00Z\""), 100);
  send("in", 0, body(4), 100);
  send("out", 0, timed(3, "180000"), 200);
  send("out", 0, timed(2, "120000"), 200);
  send("out", 0, timed(1, "180000"), 200);
  send("out", 0, body(4), 200);
  arguments_.columns = {"id"};
  arguments_.time = "at";
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(out_, HasSubstr("1970-01-01 00:01,1,19,0,0,0,1,0,0,different,"));
  EXPECT_THAT(out_, HasSubstr("1970-01-01 00:03,1,"));
  EXPECT_THAT(out_, Not(HasSubstr("1970-01-01 00:02,")));
  EXPECT_THAT(out_, Not(HasSubstr("no time")));
  arguments_.from = "120000";
  arguments_.to = "1970-01-01 00:03:00";
  EXPECT_EQ(run(), kExitOk) << error_;
  EXPECT_EQ(error_,
            "left out: 1 message of --in without a time in the field of --time\n"
            "left out: 1 message of --out without a time in the field of --time\n"
            "equal: in 1, out 1, minus 0\n");
}

TEST_F(AuditCommandTest, AWrongTimeFieldIsNotEqual) {
  for (const char* topic : {"in", "out"}) {
    send(topic, 0, body(1, ",\"at\":60000"), 100);
    send(topic, 0, body(2), 100);
  }
  arguments_.time = "att";
  for (const char* from : {"earliest", "60000"}) {
    arguments_.from = from;
    EXPECT_EQ(run(), kExitFailed) << error_;
    EXPECT_THAT(error_, HasSubstr("no message that went in has a time in 'att'"));
  }
  arguments_.time = "at";
  EXPECT_EQ(run(), kExitOk) << error_;
  arguments_.from = "120000";
  EXPECT_EQ(run(), kExitFailed) << error_;
  EXPECT_THAT(error_, HasSubstr("left out: 1 message of --out without a time"));
  EXPECT_THAT(error_, HasSubstr("nothing was compared"));
  EXPECT_THAT(error_, Not(HasSubstr("equal")));
  arguments_.from = "earliest";
  EXPECT_EQ(run(), kExitOk) << error_;
  EXPECT_THAT(error_, HasSubstr("compared without a minute: 1 message of --in"));
}

TEST_F(AuditCommandTest, PositionsThatTimesOfMessagesHaveNotAreRefused) {
  arguments_.time = "at";
  for (const auto& [from, to] : {std::pair("latest", "latest"), std::pair("earliest", "earliest"),
                                 std::pair("0:1", "latest")}) {
    arguments_.from = from;
    arguments_.to = to;
    EXPECT_EQ(run(), kExitUsage) << from << " " << to;
  }
}

TEST_F(AuditCommandTest, ASliceOfWhatWentInIsLookedForInAllThatCameOut) {
  for (int id = 0; id < 6; ++id) send("in", id % 2, body(id), id);
  for (const int id : {0, 1, 2, 4, 4}) send("out", 0, body(id), 9);
  arguments_.from = "120000";
  arguments_.to = "240000";
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("different: in 2, out 1, minus 0; missing 1, doubled 0, "
                                "unexpected not counted for a slice"));
  EXPECT_THAT(out_, HasSubstr("missing,1970-01-01 00:03,in,broker-a,1,1,1,1"));
  arguments_.from = "0:0";
  arguments_.to = "0:2";
  EXPECT_EQ(run(), kExitOk) << error_;
  arguments_.to = "0:3";
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("missing 0, doubled 1"));
  EXPECT_THAT(out_, HasSubstr("1970-01-01 00:04,1,8,2,16,0,0,1,0,different"));
  arguments_.from = "300001";
  arguments_.to = "latest";
  EXPECT_EQ(run(), kExitFailed) << "id 5 is missing";
  arguments_.from = "600000";
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("nothing was compared: no message of --in"));
  arguments_.from = "0:0";
  arguments_.in.push_back("dead");
  EXPECT_EQ(run(), kExitUsage);
  arguments_.in.pop_back();
  arguments_.from = "yesterday";
  EXPECT_EQ(run(), kExitUsage);
}

TEST_F(AuditCommandTest, WhatIsAlsoOutsideOfTheSliceMayComeOutAsOften) {
  for (const int minute : {1, 2, 3}) send("in", 0, body(1), minute);
  send("in", 1, body(1), 1);
  for (int times = 0; times < 4; ++times) send("out", 0, body(1), 9);
  RecordArguments record{
      .cluster = arguments_.cluster, .topic = "in", .file = folder_ / "in.jsonl"};
  record.progress.quiet = true;
  ASSERT_EQ(record_command(record), kExitOk);
  for (const auto& [from, to] : {std::pair("120000", "180000"), std::pair("0:1", "0:2")}) {
    arguments_.from = from;
    arguments_.to = to;
    EXPECT_EQ(run(), kExitOk) << error_;
    EXPECT_EQ(error_, "equal: in 1, out 1, minus 0\n");
  }
  send("out", 1, body(1), 9);
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("missing 0, doubled 1"));
  arguments_.in = {(folder_ / "in.jsonl").string()};
  arguments_.from = "120000";
  arguments_.to = "180000";
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("in 1, out 2, minus 0; missing 0, doubled 1"));
}

TEST_F(AuditCommandTest, WhatChangesBetweenTwoReadingsIsNotEqual) {
  const std::string line = R"({"time":1,"body":"{\"id\":0}"})"
                           "\n";
  const std::string file = folder_ / "in.jsonl";
  arguments_.in = {file, "in"};
  for (int times = 0; times < 4; ++times) {
    send("in", 0, body(times), 0);
    send("out", 0, body(times), 9);
  }
  for (const char* to : {"60000", "latest"}) {
    std::ofstream(file) << line << line;
    // The second of --in is read when the file has been, once.
    broker_.disturb([&](mq::RequestCode code) -> std::optional<mq::testing::Fault> {
      if (code == mq::RequestCode::kPullMessage) std::ofstream(file) << "";
      return std::nullopt;
    });
    arguments_.to = to;
    EXPECT_EQ(run(), kExitFailed) << error_;
    broker_.disturb({});
    EXPECT_THAT(error_, HasSubstr("what went in changed while it was compared"));
  }
}

TEST_F(AuditCommandTest, PipesAndFoldersAreRefused) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& name : {pipe, folder_.string()}) {
    arguments_.in = {name};
    EXPECT_EQ(run(), kExitUsage);
    EXPECT_THAT(error_, HasSubstr("is no regular file"));
  }
}

TEST_F(AuditCommandTest, ARecordedTimeOutsideOfTheCalendarIsNone) {
  arguments_.in = {(folder_ / "in.jsonl").string()};
  std::ofstream(arguments_.in[0]) << R"({"time":9223372036854775807,"body":"a"})"
                                  << "\n"
                                  << R"({"time":253402300800000,"body":"b"})"
                                  << "\n";
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(out_, HasSubstr("\nno time,2,"));
  EXPECT_THAT(out_, HasSubstr("missing,no time,"));
}

TEST_F(AuditCommandTest, RecordingsStandForTopics) {
  for (int id = 0; id < 4; ++id) send("in", id % 2, body(id), id);
  RecordArguments record{
      .cluster = arguments_.cluster, .topic = "in", .file = folder_ / "in.jsonl"};
  record.progress.quiet = true;
  ASSERT_EQ(record_command(record), kExitOk);
  arguments_.in = {(folder_ / "in.jsonl").string()};
  for (const int id : {3, 1, 0}) send("out", 1, body(id), 9);
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(out_, HasSubstr("in.jsonl,broker-a,0,1,"));
  EXPECT_THAT(out_, HasSubstr("{\"\"id\"\":2}"));
  arguments_.cluster.name_server.clear();
  std::ofstream(folder_ / "out.jsonl") << R"({"time":1,"body":"{\"id\":0}"})"
                                       << "\n"
                                       << R"({"time":2,"body":"{\"id\":2}"})"
                                       << "\n";
  arguments_.out = {(folder_ / "out.jsonl").string()};
  arguments_.from = "0";
  arguments_.to = "60000";
  EXPECT_EQ(run(), kExitOk) << error_ << "no cluster is asked";
  arguments_.from = "0:1";
  EXPECT_EQ(run(), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("is given by times"));
  arguments_.from = "earliest";
  std::ofstream(folder_ / "out.jsonl") << "x\n";
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("line 1 of '"));
  arguments_.out = {(folder_ / "none.jsonl").string()};
  EXPECT_EQ(run(), kExitUsage);
}

TEST_F(AuditCommandTest, ATopicThatIsNotThereIsNamed) {
  arguments_.out = {"outt"};
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("did you mean 'out'?"));
}

CountedMessage message_of(std::uint64_t hash, std::int64_t minute = 0) {
  return CountedMessage{hash, minute * kMinuteMs, 1};
}

TEST(MessageTallyTest, SeesAnExchange) {
  MessageTally one, other, exchanged;
  for (const std::uint64_t hash : {1, 2, 3}) one.add(hash, 1);
  for (const std::uint64_t hash : {3, 1, 2}) other.add(hash, 2);
  for (const std::uint64_t hash : {1, 1, 4}) exchanged.add(hash, 1);
  EXPECT_TRUE(one.same_messages(other));
  EXPECT_FALSE(one.same_messages(exchanged)) << "of the same count and sum";
}

TEST(MessageBalanceTest, AMessageIsExpectedAsOftenAsItWentIn) {
  MessageBalance balance;
  for (const std::int64_t minute : {1, 2}) {
    ASSERT_TRUE(balance.count(Side::kIn, message_of(7, minute)).ok());
    ASSERT_TRUE(balance.count(Side::kIn, message_of(1ULL << 60, minute)).ok());
    ASSERT_TRUE(balance.count(Side::kOut, message_of(1ULL << 60, minute)).ok());
  }
  ASSERT_TRUE(balance.count(Side::kOut, message_of(7, 3)).ok());
  ASSERT_TRUE(balance.choose_parts());
  EXPECT_TRUE(balance.is_chosen(7));
  EXPECT_FALSE(balance.is_chosen(1ULL << 60)) << "equal";
  balance.hold(message_of(7, 1), 0, 10);
  balance.hold(message_of(7, 2), 0, 11);
  EXPECT_EQ(balance.match(Side::kOut, message_of(7, 3)), MessageBalance::Match::kExpected);
  std::vector<std::int64_t> missing;
  balance.count_missing([&](const auto& each) { missing.push_back(each.offset); });
  EXPECT_EQ(missing, (std::vector<std::int64_t>{11})) << "the last one";
  EXPECT_EQ(balance.minutes().at(2 * kMinuteMs).missing, 1);
}

TEST(MessageBalanceTest, MoreThanWentInAreDoubledOrUnexpected) {
  MessageBalance balance;
  ASSERT_TRUE(balance.count(Side::kIn, message_of(7, 1)).ok());
  for (const std::uint64_t hash : {7, 7, 8})
    ASSERT_TRUE(balance.count(Side::kOut, message_of(hash, 3)).ok());
  ASSERT_TRUE(balance.choose_parts());
  balance.hold(message_of(7, 1), 0, 10);
  EXPECT_EQ(balance.match(Side::kMinus, message_of(7, 3)), MessageBalance::Match::kExpected);
  EXPECT_EQ(balance.match(Side::kOut, message_of(7, 3)), MessageBalance::Match::kDoubled);
  EXPECT_EQ(balance.match(Side::kOut, message_of(8, 3)), MessageBalance::Match::kUnexpected);
  balance.count_missing([](const auto&) { ADD_FAILURE(); });
  const MinuteBalance total = balance.total();
  EXPECT_EQ(total.missing, 0);
  EXPECT_EQ(total.doubled, 1);
  EXPECT_EQ(total.unexpected, 1);
}

TEST(MessageBalanceTest, BothReadingsBringTheSameMessages) {
  MessageBalance balance;
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(balance.count(Side::kIn, message_of(7)).ok());
    ASSERT_TRUE(balance.count(Side::kIn, message_of(1ULL << 60)).ok());
    ASSERT_TRUE(balance.count(Side::kOut, message_of(1ULL << 60)).ok());
  }
  ASSERT_TRUE(balance.count(Side::kOut, message_of(7)).ok());
  ASSERT_TRUE(balance.choose_parts());
  for (const bool enough : {false, true, false}) {
    balance.hold(message_of(7), 0, 0);
    EXPECT_EQ(balance.all_held().ok(), enough);
  }
  EXPECT_FALSE(balance.all_matched().ok());
  for (const bool enough : {true, false}) {
    balance.match(Side::kOut, message_of(7));
    EXPECT_EQ(balance.all_matched().ok(), enough);
  }
}

TEST(MessageBalanceTest, KeepsNoMoreThanItsLimits) {
  MessageBalance balance({.held_max = 2, .minutes_max = 3});
  for (const std::uint64_t part : {1, 2, 3})
    ASSERT_TRUE(balance.count(Side::kIn, message_of(part << 48)).ok());
  ASSERT_TRUE(balance.choose_parts());
  EXPECT_TRUE(balance.is_chosen(2ULL << 48));
  EXPECT_FALSE(balance.is_chosen(3ULL << 48));
  EXPECT_EQ(balance.parts_left_out(), 1U);
  EXPECT_FALSE(balance.choose_all().ok()) << "a slice is compared whole or not at all";
  for (const std::int64_t minute : {1, 2})
    ASSERT_TRUE(balance.count(Side::kOut, message_of(9, minute)).ok());
  EXPECT_FALSE(balance.count(Side::kOut, message_of(9, 3)).ok());
}

TEST(MessageIdentityTest, TimesOutsideOfTheCalendarAreNone) {
  const MessageIdentity identity({.columns = {}, .keys = false, .time = "t"});
  mq::ReceivedMessage message;
  for (const char* time : {"1e300", "-99999999999999999", "18446744073709551615", "\"soon\"", "[]",
                           "null", "\"2026-02-30 00:00:00\""}) {
    message.body = std::string("{\"t\":") + time + "}";
    EXPECT_EQ(identity.of(message).time_ms, MessageIdentity::kNoTime) << time;
  }
  message.body = R"({"t":"1970-01-01T01:00:00+01:00"})";
  EXPECT_EQ(identity.of(message).time_ms, 0);
  message.body = R"({"t":-0.5})";
  EXPECT_EQ(identity.of(message).time_ms, -1);
  EXPECT_EQ(identity.counted(message, identity.of(message)).minute_ms, -kMinuteMs);
  const MessageIdentity stored({});
  for (const std::int64_t time_ms : {-9'223'372'036'854'775'807, 253'402'300'800'000}) {
    message.stored_ms = time_ms;
    EXPECT_EQ(stored.counted(message, stored.of(message)).minute_ms, MessageIdentity::kNoTime);
  }
}

}  // namespace
}  // namespace slipstream::cli
