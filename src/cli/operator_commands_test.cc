// Operators' commands against brokers of this process.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/access_commands.h"
#include "cli/broker_commands.h"
#include "cli/consume_command.h"
#include "cli/dead_letter_commands.h"
#include "cli/group_commands.h"
#include "cli/infer_command.h"
#include "cli/produce_command.h"
#include "cli/recording_commands.h"
#include "cli/report.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

// Those of the threads of this process, until one waits for them: before the brokers' thread begins.
bool block_stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  return pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0;
}

class OperatorCommandsTest : public ::testing::Test {
 protected:
  OperatorCommandsTest() {
    cluster_.name_server = broker_.name_server();
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~OperatorCommandsTest() override { std::filesystem::remove_all(folder_); }

  static std::string properties(const std::vector<mq::Property>& all) {
    mq::PropertiesBuilder builder;
    for (const mq::Property& each : all) EXPECT_TRUE(builder.add(each.name, each.value).ok());
    return builder.text();
  }
  std::vector<std::string> bodies(const mq::MessageQueue& queue) {
    std::vector<std::string> found;
    for (const mq::ReceivedMessage& message : broker_.messages(queue))
      found.push_back(message.body);
    return found;
  }
  static std::vector<nlohmann::json> lines_of(const std::string& file) {
    std::vector<nlohmann::json> lines;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  const bool blocked_ = block_stop_signals();
  mq::testing::ScriptedBroker broker_;
  ClusterArguments cluster_;
  std::filesystem::path folder_;
};

TEST_F(OperatorCommandsTest, ARecordingIsInTheOrderOfStoreTimesAndReplayedQueueByQueue) {
  broker_.create_topic("T", 2);
  broker_.create_topic("U", 2);
  const std::string red =
      properties({{"TAGS", "red"}, {"KEYS", "k"}, {"x", "1"}, {"__SHARDINGKEY", "s"}});
  broker_.append({"T", "broker-a", 0}, "first", red, 1'000);
  broker_.append({"T", "broker-a", 1}, "second", {}, 2'000);
  broker_.append({"T", "broker-a", 0}, "\xff", {}, 3'000);
  broker_.append({"T", "broker-a", 1}, "fourth", {}, 4'000);
  const std::string file = folder_ / "slice";
  RecordArguments record{.cluster = cluster_, .topic = "T", .file = file};
  record.progress.quiet = true;
  ASSERT_EQ(record_command(record), kExitOk);
  const auto lines = lines_of(file);
  ASSERT_EQ(lines.size(), 4U);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i]["time"], (i + 1) * 1'000);
  EXPECT_EQ(lines[0]["sharding_key"], "s");
  EXPECT_EQ(lines[2]["body_base64"], "/w==");
  EXPECT_FALSE(std::filesystem::exists(file + ".partial"));
  EXPECT_EQ(record_command(record), kExitFailed) << "a file that exists stays";
  record.overwrite = true;
  record.from = "2000";
  record.to = "4000";
  ASSERT_EQ(record_command(record), kExitOk);
  EXPECT_EQ(lines_of(file).size(), 2U);
  record.from = "earliest";
  record.to = "latest";
  ASSERT_EQ(record_command(record), kExitOk);

  ReplayArguments replay{.cluster = cluster_, .file = file, .topic = "U", .speed = "max"};
  replay.progress.quiet = true;
  ASSERT_EQ(replay_command(replay), kExitOk);
  EXPECT_EQ(bodies({"U", "broker-a", 0}), (std::vector<std::string>{"first", "\xff"}));
  EXPECT_EQ(bodies({"U", "broker-a", 1}), (std::vector<std::string>{"second", "fourth"}));
  const mq::ReceivedMessage copy = broker_.messages({"U", "broker-a", 0}).front();
  EXPECT_EQ(copy.tags, "red");
  EXPECT_EQ(copy.keys, (std::vector<std::string>{"k"}));
  EXPECT_EQ(copy.property("x"), "1");
  EXPECT_EQ(copy.sharding_key, "s");
  replay.speed = "fast";
  EXPECT_EQ(replay_command(replay), kExitUsage);

  replay.speed = "max";
  std::ofstream(file) << R"({"time":1,"flag":7,"body":"x"})"
                      << "\n";
  broker_.create_topic("V", 1);
  replay.topic = "V";
  ASSERT_EQ(replay_command(replay), kExitOk);
  EXPECT_EQ(broker_.messages({"V", "broker-a", 0}).front().flag, 7);
  record.topic = "V";
  ASSERT_EQ(record_command(record), kExitOk);
  EXPECT_EQ(lines_of(file).at(0)["flag"], 7);
  broker_.append({"V", "broker-a", 0}, "x", properties({{"colour", "\xff"}}));
  EXPECT_EQ(record_command(record), kExitFailed) << "a property that is no text";
}

TEST_F(OperatorCommandsTest, ARecordingThatFailsLeavesNoFile) {
  mq::testing::ScriptedBroker slow{{.pull_count_max = 1}};
  slow.create_topic("T", 1);
  slow.append({"T", "broker-a", 0}, "first", {}, 1'000);
  slow.append({"T", "broker-a", 0}, "second", {}, 2'000);
  const std::string file = folder_ / "slice";
  cluster_.name_server = slow.name_server();
  RecordArguments record{.cluster = cluster_, .topic = "T", .file = file};
  record.progress.quiet = true;
  bool begun = false;  // the file, when the second pull fails
  slow.disturb([&, pulls = 0](mq::RequestCode code) mutable -> std::optional<mq::testing::Fault> {
    if (code != mq::RequestCode::kPullMessage || ++pulls < 2) return std::nullopt;
    begun = std::filesystem::exists(file + ".partial");
    return mq::testing::Fault{
        .kind = mq::testing::Fault::Kind::kCode, .code = 16, .remark = "not readable"};
  });
  EXPECT_EQ(record_command(record), kExitFailed);
  EXPECT_TRUE(begun);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(OperatorCommandsTest, ARecordingIsWholeOrSaysWhereItStopped) {
  broker_.create_topic("T", 1);
  for (const char* body : {"first", "second"}) broker_.append({"T", "broker-a", 0}, body);
  const std::string file = folder_ / "slice";
  RecordArguments record{.cluster = cluster_, .topic = "T", .file = file};
  record.progress.quiet = true;
  const mq::testing::Fault nothing{.kind = mq::testing::Fault::Kind::kCodeAfter, .code = 19};
  broker_.inject(mq::RequestCode::kPullMessage, nothing, 2);
  ASSERT_EQ(record_command(record), kExitOk);
  EXPECT_EQ(lines_of(file).size(), 2U) << "it was asked again";
  record.overwrite = true;
  broker_.inject(mq::RequestCode::kPullMessage, nothing, 3);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(record_command(record), kExitFailed);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("gives nothing at offset 0, although it goes on to 2"), std::string::npos)
      << said;
  EXPECT_EQ(lines_of(file).size(), 2U) << "the file from before stays";
  broker_.set_answer(mq::RequestCode::kTopicConfig,
                     R"({"topicName":"T","attributes":{"cleanup.policy":"COMPACTION"}})");
  broker_.inject(mq::RequestCode::kPullMessage, nothing, 3);
  ASSERT_EQ(record_command(record), kExitOk) << "such a topic may end before its last offset";
  EXPECT_EQ(lines_of(file).size(), 0U);
}

TEST_F(OperatorCommandsTest, ABatchThatFailsInAReplayIsNotSentAgain) {
  broker_.create_topic("U", 2);
  const std::string file = folder_ / "slice";
  // Lines 1 to 3 are of one queue, those behind them of another one.
  const auto write_lines = [&](int count, const char* last) {
    std::ofstream stream(file);
    for (int i = 0; i < count; ++i) {
      stream << R"({"queue":)" << (i < 3 ? 0 : 1) << R"(,"time":1,"body":")" << i << "\"}\n";
    }
    stream << last;
  };
  ReplayArguments replay{.cluster = cluster_, .file = file, .topic = "U", .speed = "max"};
  replay.progress.quiet = true;
  const auto said = [&] {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(replay_command(replay), kExitFailed);
    return ::testing::internal::GetCapturedStderr();
  };
  write_lines(140, "");
  const mq::testing::Fault refused{
      .kind = mq::testing::Fault::Kind::kCode, .code = 13, .remark = "too large"};
  broker_.inject(mq::RequestCode::kSendBatchMessage, refused);
  const std::string text = said();
  EXPECT_NE(text.find("a batch of 128 messages, the first one in line 4 of '"), std::string::npos)
      << text;
  EXPECT_NE(text.find("; it was not stored"), std::string::npos) << text;
  EXPECT_NE(text.find("3 messages were read and not sent, the first one in line 1 of '"),
            std::string::npos)
      << text;
  EXPECT_EQ(broker_.requests_seen(mq::RequestCode::kSendBatchMessage), 1U);

  write_lines(3, "");
  broker_.inject(mq::RequestCode::kSendBatchMessage,
                 {.kind = mq::testing::Fault::Kind::kDropAfter});
  broker_.inject(mq::RequestCode::kSendBatchMessage, refused);
  EXPECT_NE(said().find("whether the broker stored it is unknown"), std::string::npos);

  write_lines(2, "no JSON");
  const auto before = bodies({"U", "broker-a", 0}).size();
  EXPECT_NE(said().find("line 3 of '"), std::string::npos);
  EXPECT_EQ(bodies({"U", "broker-a", 0}).size(), before + 2) << "what is before a bad line is sent";
}

TEST_F(OperatorCommandsTest, DeadLettersGoBackToWhereTheyCameFrom) {
  broker_.create_topic("T", 1);
  broker_.create_topic("U", 1);
  broker_.create_topic("%DLQ%G", 1);
  const mq::MessageQueue dead{"%DLQ%G", "broker-a", 0};
  for (const char* id : {"ID1", "ID2"}) {
    broker_.append(dead, std::string("body of ") + id,
                   properties({{"UNIQ_KEY", id}, {"RETRY_TOPIC", "T"}, {"TAGS", "red"}}));
  }
  broker_.append(dead, "nobody knows", properties({{"UNIQ_KEY", "ID3"}}));
  DeadLetterArguments arguments{.cluster = cluster_, .group = "G"};
  arguments.output = OutputFormat::kJson;
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(dead_letters_list_command(arguments), kExitOk);
  std::istringstream listed(::testing::internal::GetCapturedStdout());
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(listed, line);) rows.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1]["offset"], 1);
  EXPECT_EQ(rows[1]["id"], "ID2");
  EXPECT_EQ(rows[1]["from_topic"], "T");
  EXPECT_EQ(rows[1]["tags"], "red");
  EXPECT_EQ(rows[2]["from_topic"], "");
  EXPECT_EQ(dead_letters_redrive_command(arguments), kExitUsage) << "--id or --all";
  arguments.ids = {"ID2"};
  arguments.dry_run = true;
  ASSERT_EQ(dead_letters_redrive_command(arguments), kExitOk);
  EXPECT_TRUE(bodies({"T", "broker-a", 0}).empty());
  arguments.dry_run = false;
  ASSERT_EQ(dead_letters_redrive_command(arguments), kExitOk);
  const auto again = broker_.messages({"T", "broker-a", 0});
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].body, "body of ID2");
  EXPECT_EQ(again[0].tags, "red");
  EXPECT_EQ(again[0].property("redriven_from"), "ID2");
  EXPECT_FALSE(again[0].property("RETRY_TOPIC").has_value());
  arguments.ids = {"ID9"};
  EXPECT_EQ(dead_letters_redrive_command(arguments), kExitFailed) << "no such dead letter";
  arguments.ids = {};
  arguments.all = true;
  EXPECT_EQ(dead_letters_redrive_command(arguments), kExitUsage) << "without --from or --yes";
  EXPECT_EQ(broker_.messages({"T", "broker-a", 0}).size(), 1U);
  arguments.yes = true;
  EXPECT_EQ(dead_letters_redrive_command(arguments), kExitFailed) << "the third has no origin";
  EXPECT_EQ(broker_.messages({"T", "broker-a", 0}).size(), 3U);
  arguments.yes = false;
  arguments.to = "U";
  arguments.from = {"0:1"};
  ASSERT_EQ(dead_letters_redrive_command(arguments), kExitOk);
  EXPECT_EQ(bodies({"U", "broker-a", 0}),
            (std::vector<std::string>{"body of ID2", "nobody knows"}));
  EXPECT_EQ(broker_.messages(dead).size(), 3U) << "they stay";
}

TEST_F(OperatorCommandsTest, ARedriveGoesOnBehindWhatWasSentOfEachQueue) {
  broker_.create_topic("T", 1);
  broker_.create_topic("%DLQ%G", 2);
  for (int i = 0; i < 6; ++i) {
    broker_.append({"%DLQ%G", "broker-a", i / 3}, std::to_string(i),
                   properties({{"UNIQ_KEY", "ID" + std::to_string(i)}, {"RETRY_TOPIC", "T"}}));
  }
  DeadLetterArguments arguments{.cluster = cluster_, .group = "G"};
  arguments.all = true;
  arguments.output = OutputFormat::kCsv;
  arguments.from = {"earliest"};
  arguments.count = 2;
  const auto said = [&](int code) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(dead_letters_redrive_command(arguments), code);
    return std::pair{::testing::internal::GetCapturedStdout(),
                     ::testing::internal::GetCapturedStderr()};
  };
  EXPECT_NE(said(kExitOk).second.find(": --from broker-a:0:2 --from broker-a:1:0 goes on"),
            std::string::npos);
  arguments.from = {"broker-a:0:2", "broker-a:1:0"};
  arguments.count = -1;
  int sends = 0;
  broker_.disturb([&](mq::RequestCode code) -> std::optional<mq::testing::Fault> {
    if (code != mq::RequestCode::kSendMessageV2 || ++sends < 3) return std::nullopt;
    return mq::testing::Fault{
        .kind = mq::testing::Fault::Kind::kCode, .code = 13, .remark = "too large"};
  });
  const auto [rows, text] = said(kExitFailed);
  EXPECT_EQ(rows, "broker,queue,offset,id,to topic\nbroker-a,0,2,ID2,T\nbroker-a,1,0,ID3,T\n");
  EXPECT_NE(text.find("2 messages sent again"), std::string::npos) << text;
  EXPECT_NE(text.find(": --from broker-a:0:3 --from broker-a:1:1 goes on"), std::string::npos)
      << text;
  broker_.disturb(nullptr);
  arguments.from = {"broker-a:0:3", "broker-a:1:1"};
  EXPECT_NE(said(kExitOk).second.find(": --from broker-a:0:3 --from broker-a:1:3 goes on"),
            std::string::npos);
  EXPECT_EQ(bodies({"T", "broker-a", 0}), (std::vector<std::string>{"0", "1", "2", "3", "4", "5"}))
      << "each once";
  arguments.from = {"earliest", "1:0"};
  EXPECT_NE(said(kExitUsage).second.find("each names a queue"), std::string::npos);
  arguments.from = {"0:0", "broker-a:0:1"};
  EXPECT_NE(said(kExitFailed).second.find("twice"), std::string::npos);
}

TEST_F(OperatorCommandsTest, ARedriveStopsBehindAMessageWhenItIsToldTo) {
  constexpr std::size_t kDead = 2'000;
  broker_.create_topic("T", 1);
  broker_.create_topic("%DLQ%G", 1);
  for (std::size_t i = 0; i < kDead; ++i) {
    broker_.append({"%DLQ%G", "broker-a", 0}, "x",
                   properties({{"UNIQ_KEY", "ID"}, {"RETRY_TOPIC", "T"}}));
  }
  DeadLetterArguments arguments{.cluster = cluster_, .group = "G"};
  arguments.all = arguments.yes = true;
  broker_.disturb([told = false](mq::RequestCode code) mutable {
    if (code == mq::RequestCode::kSendMessageV2 && !std::exchange(told, true))
      ::kill(::getpid(), SIGTERM);
    return std::optional<mq::testing::Fault>();
  });
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(dead_letters_redrive_command(arguments), kExitFailed);
  static_cast<void>(::testing::internal::GetCapturedStdout());
  const std::string said = ::testing::internal::GetCapturedStderr();
  const auto sent = bodies({"T", "broker-a", 0}).size();
  EXPECT_LT(sent, kDead);
  EXPECT_NE(said.find("--from broker-a:0:" + std::to_string(sent) + " goes on"), std::string::npos)
      << said;
}

TEST_F(OperatorCommandsTest, SkippingABacklogIsRefusedWhileMembersAreOnline) {
  broker_.create_topic("T", 1);
  const mq::MessageQueue queue{"T", "broker-a", 0};
  for (int i = 0; i < 5; ++i) broker_.append(queue, "x");
  broker_.set_group_offset("G", queue, 2);
  GroupArguments arguments{.cluster = cluster_, .group = "G", .topic = "T"};
  broker_.add_member("G", "somebody");
  EXPECT_EQ(group_skip_backlog_command(arguments), kExitFailed);
  broker_.remove_member("G", "somebody");
  arguments.dry_run = true;
  EXPECT_EQ(group_skip_backlog_command(arguments), kExitOk);
  EXPECT_EQ(broker_.group_offset("G", queue), 2);
  arguments.dry_run = false;
  arguments.output = OutputFormat::kCsv;
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(group_skip_backlog_command(arguments), kExitOk);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "topic,broker,queue,from,to,difference\nT,broker-a,0,2,5,3\n");
  EXPECT_EQ(broker_.group_offset("G", queue), 5);
}

TEST_F(OperatorCommandsTest, ABacklogIsThatOfTheRetryTopicToo) {
  const mq::MessageQueue queue{"T", "broker-a", 0};
  const mq::MessageQueue retry{"%RETRY%G", "broker-a", 0};
  broker_.create_topic("T", 1);
  broker_.create_topic("%RETRY%G", 2);
  broker_.set_answer(mq::RequestCode::kGroupsOfTopic, R"({"groupList":["G"]})");
  for (int i = 0; i < 5; ++i) broker_.append(queue, "x");
  for (int i = 0; i < 3; ++i) broker_.append(retry, "x");
  broker_.set_group_offset("G", queue, 4);
  GroupArguments arguments{.cluster = cluster_, .group = "G", .topic = {}};
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(group_describe_command(arguments), kExitOk);
  const std::string described = ::testing::internal::GetCapturedStdout();
  EXPECT_NE(described.find("4 messages behind"), std::string::npos) << described;
  arguments.output = OutputFormat::kCsv;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(group_skip_backlog_command(arguments), kExitOk);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "topic,broker,queue,from,to,difference\n"
            "T,broker-a,0,4,5,1\n"
            "%RETRY%G,broker-a,0,0,3,3\n");
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("4 messages will not be read"),
            std::string::npos);
  EXPECT_EQ(broker_.group_offset("G", queue), 5);
  EXPECT_EQ(broker_.group_offset("G", retry), 3);
}

TEST_F(OperatorCommandsTest, ABacklogIsThatOfTheRetryTopicsOfPopToo) {
  for (const char* topic : {"T", "%RETRY%G", "%RETRY%G_T", "%RETRY%G+T", "%RETRY%G_U"})
    broker_.create_topic(topic, 1);
  broker_.set_answer(mq::RequestCode::kGroupsOfTopic, R"({"groupList":["G"]})");
  broker_.append({"T", "broker-a", 0}, "x");
  broker_.append({"%RETRY%G", "broker-a", 0}, "x");
  for (int i = 0; i < 3; ++i) broker_.append({"%RETRY%G_T", "broker-a", 0}, "x");
  broker_.append({"%RETRY%G+T", "broker-a", 0}, "x");
  broker_.set_group_offset("G", {"T", "broker-a", 0}, 1);
  broker_.set_group_offset("G", {"%RETRY%G_T", "broker-a", 0}, 1);
  GroupArguments arguments{.cluster = cluster_, .group = "G", .topic = {}};
  arguments.output = OutputFormat::kCsv;
  const auto described = [&] {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(group_describe_command(arguments), kExitOk);
    return ::testing::internal::GetCapturedStdout();
  };
  const std::string head = "topic,broker,queue,offset,end,lag\nT,broker-a,0,1,1,0\n";
  const std::string popped = "%RETRY%G+T,broker-a,0,-,1,1\n%RETRY%G_T,broker-a,0,1,3,2\n";
  EXPECT_EQ(described(), head + "%RETRY%G,broker-a,0,-,1,1\n" + popped);
  arguments.topic = "T";
  EXPECT_EQ(described(), head + popped) << "the group's own is for all of its topics";
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(group_skip_backlog_command(arguments), kExitOk);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("3 messages will not be read"),
            std::string::npos);
  EXPECT_EQ(broker_.group_offset("G", {"%RETRY%G_T", "broker-a", 0}), 3);
  EXPECT_EQ(broker_.group_offset("G", {"%RETRY%G+T", "broker-a", 0}), 1);
  EXPECT_EQ(broker_.group_offset("G", {"%RETRY%G", "broker-a", 0}), -1);
}

TEST_F(OperatorCommandsTest, DeadLettersOfPopGoBackToTheTopicThatIsPopped) {
  broker_.create_topic("T", 1);
  broker_.create_topic("%DLQ%G", 1);
  for (const char* origin : {"%RETRY%G_T", "%RETRY%G+T"}) {
    broker_.append(
        {"%DLQ%G", "broker-a", 0}, origin,
        properties({{"UNIQ_KEY", "ID"}, {"RETRY_TOPIC", origin}, {"1ST_POP_TIME", "5"}}));
  }
  DeadLetterArguments arguments{.cluster = cluster_, .group = "G"};
  arguments.all = arguments.yes = true;
  ASSERT_EQ(dead_letters_redrive_command(arguments), kExitOk);
  EXPECT_EQ(bodies({"T", "broker-a", 0}), (std::vector<std::string>{"%RETRY%G_T", "%RETRY%G+T"}));
}

TEST_F(OperatorCommandsTest, OffsetsThatWereWrittenBeforeAFailureAreShown) {
  for (const char* topic : {"T", "U"}) {
    broker_.create_topic(topic, 1);
    for (int i = 0; i < 2; ++i) broker_.append({topic, "broker-a", 0}, "x");
    broker_.set_group_offset("G", {topic, "broker-a", 0}, 1);
  }
  broker_.set_answer(mq::RequestCode::kGroupsOfTopic, R"({"groupList":["G"]})");
  GroupArguments arguments{.cluster = cluster_, .group = "G", .topic = {}};
  arguments.output = OutputFormat::kCsv;
  // All topics' members are asked for first: the second one's give no answer.
  const auto nth_fails = [&](mq::RequestCode failing, int nth) {
    broker_.disturb([=, seen = 0](mq::RequestCode code) mutable {
      std::optional<mq::testing::Fault> fault;
      if (code == failing && ++seen >= nth) fault.emplace();
      return fault;
    });
  };
  nth_fails(mq::RequestCode::kConsumerListByGroup, 2);
  EXPECT_EQ(group_skip_backlog_command(arguments), kExitFailed);
  EXPECT_EQ(broker_.requests_seen(mq::RequestCode::kUpdateConsumerOffset), 0U);
  nth_fails(mq::RequestCode::kUpdateConsumerOffset, 2);
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(group_skip_backlog_command(arguments), kExitFailed);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "topic,broker,queue,from,to,difference\nT,broker-a,0,1,2,1\n");
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("the offsets above were written"),
            std::string::npos);
  EXPECT_EQ(broker_.group_offset("G", {"T", "broker-a", 0}), 2);
  EXPECT_EQ(broker_.group_offset("G", {"U", "broker-a", 0}), 1);
}

TEST_F(OperatorCommandsTest, ATimeBehindTheLastMessageIsTheEnd) {
  for (const bool last_for_later_times : {false, true}) {
    mq::testing::ScriptedBroker broker{{.last_for_later_times = last_for_later_times}};
    const mq::MessageQueue queue{"T", "broker-a", 0};
    broker.create_topic("T", 2);
    for (const std::int64_t time_ms : {1'000, 2'000}) broker.append(queue, "x", {}, time_ms);
    cluster_.name_server = broker.name_server();
    GroupArguments arguments{.cluster = cluster_, .group = "G", .topic = "T"};
    for (const auto& [to, offset] : std::vector<std::pair<std::string, std::int64_t>>{
             {"1000", 0}, {"1001", 1}, {"2000", 1}, {"2001", 2}, {"2026-11-21 10:00:00", 2}}) {
      arguments.to = to;
      ASSERT_EQ(group_reset_command(arguments), kExitOk) << to;
      EXPECT_EQ(broker.group_offset("G", queue), offset) << to;
    }
    RecordArguments record{.cluster = cluster_, .topic = "T", .file = folder_ / "slice"};
    record.progress.quiet = true;
    record.overwrite = true;
    for (const auto& [to, count] :
         std::vector<std::pair<std::string, std::size_t>>{{"2000", 1}, {"2001", 2}, {"9000", 2}}) {
      record.to = to;
      ASSERT_EQ(record_command(record), kExitOk);
      EXPECT_EQ(lines_of(record.file).size(), count) << to;
    }
  }
}

TEST_F(OperatorCommandsTest, SettingsAreShownAsTheBrokerHasThem) {
  BrokerArguments arguments;
  arguments.cluster = cluster_;
  arguments.broker = "broker-a";
  arguments.output = OutputFormat::kCsv;
  const auto said = [&](std::vector<std::string> settings, int code) {
    arguments.settings = std::move(settings);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(broker_config_set_command(arguments), code);
    return ::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr();
  };
  const std::string same = said({"fileReservedTime=072"}, kExitOk);
  EXPECT_NE(same.find("is set so already"), std::string::npos) << same;
  EXPECT_EQ(broker_.requests_seen(mq::RequestCode::kUpdateBrokerConfig), 0U);
  EXPECT_NE(said({"fileReservedTime=48"}, kExitOk).find("fileReservedTime,72,48\n"),
            std::string::npos);
  // It takes the one and not the other.
  broker_.set_answers(mq::RequestCode::kBrokerConfig,
                      {"fileReservedTime=48\nflushDiskType=ASYNC_FLUSH\n",
                       "fileReservedTime=96.0\nflushDiskType=ASYNC_FLUSH\n"});
  const std::string text = said({"fileReservedTime=96", "flushDiskType=NEVER"}, kExitFailed);
  EXPECT_NE(text.find("setting,before,after\n"
                      "fileReservedTime,48,96.0\n"
                      "flushDiskType,ASYNC_FLUSH,ASYNC_FLUSH\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("did not take flushDiskType=NEVER (it is ASYNC_FLUSH)\n"), std::string::npos)
      << text;
}

TEST_F(OperatorCommandsTest, ARuleIsGoneWhenTheBrokerSaysSo) {
  const auto rule = [](const std::string& policy, const std::string& resource) {
    return R"({"policyType":")" + policy + R"(","entries":[{"resource":")" + resource +
           R"(","actions":["Pub"],"decision":"Allow"}]})";
  };
  const std::string before = R"([{"subject":"User:ann","policies":[)" + rule("Custom", "Topic:t") +
                             "," + rule("Default", "Topic:d") + "]}]";
  const std::string after =
      R"([{"subject":"User:ann","policies":[)" + rule("Default", "Topic:t") + "]}]";
  broker_.set_answer(mq::RequestCode::kListUsers, R"([{"username":"ann"}])");
  broker_.set_answer(mq::RequestCode::kDeleteAcl, "");
  AccessArguments arguments;
  arguments.cluster = cluster_;
  arguments.user = "ann";
  const auto revoked = [&](const char* resource, int code) {
    arguments.resources = {resource};
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(acl_revoke_command(arguments), code);
    return ::testing::internal::GetCapturedStderr();
  };
  broker_.set_answer(mq::RequestCode::kListAcls, before);
  EXPECT_NE(revoked("topic:d", kExitFailed).find("has no rule for Topic:d"), std::string::npos);
  EXPECT_EQ(broker_.requests_seen(mq::RequestCode::kDeleteAcl), 0U);
  EXPECT_NE(revoked("topic:t", kExitFailed).find("broker 'broker-a' took the request and still"),
            std::string::npos);
  broker_.set_answers(mq::RequestCode::kListAcls, {before, after});
  EXPECT_NE(revoked("topic:t", kExitOk).find("no rule for Topic:t any more"), std::string::npos);
}

TEST_F(OperatorCommandsTest, ASummaryHasSecondsAndARateUnlessItIsNotWanted) {
  broker_.create_topic("T", 1);
  const std::string lines = folder_ / "lines";
  const std::string recording = folder_ / "recording";
  std::ofstream(lines) << "a\nb\n";
  const auto said = [&](bool quiet) {
    ProduceArguments produce;
    produce.file = lines;
    ConsumeArguments consume;
    consume.count = 1;
    RecordArguments record;
    record.file = recording;
    record.overwrite = true;
    ReplayArguments replay;
    replay.file = recording;
    replay.speed = "max";
    produce.cluster = consume.cluster = record.cluster = replay.cluster = cluster_;
    produce.topic = consume.topic = record.topic = replay.topic = "T";
    for (ProgressArguments* each :
         {&produce.progress, &consume.progress, &record.progress, &replay.progress})
      each->quiet = quiet;
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(produce_command(produce), kExitOk);
    EXPECT_EQ(consume_command(consume), kExitOk);
    EXPECT_EQ(record_command(record), kExitOk);
    EXPECT_EQ(replay_command(replay), kExitOk);
    EXPECT_EQ(::testing::internal::GetCapturedStdout(), "a\n");
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(said(false),
              ::testing::MatchesRegex("2 messages stored in topic T, in [^\n]* s .[0-9,]*/s.\n"
                                      "1 message read from topic T, in [^\n]* s .[0-9,]*/s.\n"
                                      "2 messages of topic 'T' recorded in [^\n]*recording, in "
                                      "[^\n]* s .[0-9,]*/s.\n"
                                      "2 messages replayed to topic 'T', in [^\n]* s "
                                      ".[0-9,]*/s.\n"));
  EXPECT_EQ(said(true), "");
}

TEST_F(OperatorCommandsTest, ASampleIsOfTheNewestMessagesOfAllQueues) {
  broker_.create_topic("T", 2);
  InferArguments arguments{.cluster = cluster_, .topic = "T", .count = 4};
  EXPECT_EQ(infer_command(arguments), kExitFailed) << "nothing to look at";
  for (int i = 0; i < 10; ++i) broker_.append({"T", "broker-a", 0}, "no json any more");
  for (int i = 0; i < 3; ++i) broker_.append({"T", "broker-a", 0}, R"({"a":1})");
  broker_.append({"T", "broker-a", 1}, R"({"b":"x"})");
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(infer_command(arguments), kExitOk);
  const std::string table = ::testing::internal::GetCapturedStdout();
  for (const char* part : {"CREATE TABLE `T`", "`a` BIGINT", "`b` STRING", "'format' = 'json'"})
    EXPECT_NE(table.find(part), std::string::npos) << part << " in " << table;
}

TEST_F(OperatorCommandsTest, ASampleHasABoundInBytes) {
  broker_.create_topic("T", 1);
  for (const char* body : {R"({"a":1})", R"({"b":1})", R"({"c":1})"})
    broker_.append({"T", "broker-a", 0}, body);
  InferArguments arguments{.cluster = cluster_, .topic = "T"};
  const auto said = [&] {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(infer_command(arguments), kExitOk);
    return ::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(arguments.bytes_max, 64 << 20);
  EXPECT_EQ(said().find("not looked at"), std::string::npos);
  arguments.bytes_max = 20;
  const std::string text = said();
  EXPECT_NE(text.find("from 2 messages"), std::string::npos) << text;
  EXPECT_NE(text.find("; more than 20 bytes are not looked at"), std::string::npos) << text;
  EXPECT_EQ(text.find("`c`"), std::string::npos) << text;
}

}  // namespace
}  // namespace slipstream::cli
