// Tables of ApsaraMQ as its users write them, over a scripted broker.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"
#include "slipstream/sql.h"
#include "slipstream/stream.h"

#include "base/log.h"
#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "rocketmq/testing/scripted_broker.h"
#include "sql/session.h"

namespace slipstream::sql {
namespace {

using rocketmq::MessageQueue;
using rocketmq::testing::ScriptedBroker;
using ::testing::ElementsAre;

class MqTables : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(::setenv("SLIPSTREAM_SECRET_ak_id", "LTAI_TEST", 1), 0);
    ASSERT_EQ(::setenv("SLIPSTREAM_SECRET_ak_secret", "ak_secret_value", 1), 0);
  }
  void SetUp() override {
    for (const char* topic : {"mq-test", "MQ_INST_1%mq-test", "mq-sink", "MQ_INST_1%mq-sink"})
      broker_.create_topic(topic, 1);
    broker_.require(rocketmq::Credentials{"LTAI_TEST", "ak_secret_value", ""});
  }

  // The statement with the address of the broker.
  std::string with_endpoint(std::string sql) const {
    const std::string mark = "<yourEndpoint>";
    for (std::size_t at = sql.find(mark); at != std::string::npos; at = sql.find(mark))
      sql.replace(at, mark.size(), broker_.name_server());
    return sql;
  }
  void send(const std::string& body, const std::string& properties = {},
            const std::string& topic = "mq-test", const std::string& group = "mq-group") {
    const MessageQueue queue{topic, "broker-a", 0};
    broker_.append(queue, body, properties);
    broker_.set_group_offset(group, queue, 0);
  }
  // Runs until so many messages are in the topic, and stops.
  std::vector<std::string> run(const std::string& script, std::size_t count,
                               const std::string& topic = "mq-sink") {
    stream::Environment env({.name = "mq tables", .parallelism = 1});
    TableEnvironment tables(env);
    tables.execute(with_endpoint(script));
    auto job = env.execute_async();
    EXPECT_TRUE(job.ok()) << job.status().to_string();
    if (!job.ok()) return {};
    const MessageQueue queue{topic, "broker-a", 0};
    EXPECT_TRUE(wait_until([&] { return broker_.messages(queue).size() >= count; }));
    EXPECT_TRUE(job->stop().ok());
    std::vector<std::string> all;
    for (const auto& message : broker_.messages(queue)) {
      std::string keys;
      for (const std::string& key : message.keys) keys += key;
      all.push_back(message.body + (keys.empty() ? "" : " keys=" + keys) +
                    (message.tags.empty() ? "" : " tags=" + message.tags));
    }
    return all;
  }

  ScriptedBroker broker_;
};

constexpr const char* kTextSink = R"(
CREATE TABLE mq_sink (
  name VARCHAR,
  age BIGINT
) WITH (
  'connector' = 'mq',
  'topic' = 'mq-sink',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'producerGroup' = 'mq-group',
  'tag' = 'people',
  'fieldDelimiter' = ',',
  'encoding' = 'utf-8',
  'retryTimes' = '5',
  'sleepTimeMs' = '500'
);
)";

constexpr const char* kBinarySink = R"(
CREATE TABLE mq_sink (
  mess VARBINARY
) WITH (
  'connector' = 'mq',
  'topic' = 'mq-sink',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'producerGroup' = 'mq-group'
);
)";

TEST_F(MqTables, TextOfVersion4) {
  send("tom,7\nann,8\n");
  send("too short\nbob,nine\nsue,10,and more");
  EXPECT_THAT(run(std::string(R"(
CREATE TABLE mq_source (
  name VARCHAR,
  age BIGINT
) WITH (
  'connector' = 'mq',
  'topic' = 'mq-test',
  'endpoint' = '<yourEndpoint>',
  'pullIntervalMs' = '1000',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'consumerGroup' = 'mq-group',
  'startMessageOffset' = '0',
  'timeZone' = 'Asia/Shanghai',
  'encoding' = 'utf-8',
  'lineDelimiter' = '\n',
  'fieldDelimiter' = ',',
  'lengthCheck' = 'NONE',
  'columnErrorDebug' = 'false',
  'pullBatchSize' = '64'
);
)") + kTextSink + "INSERT INTO mq_sink SELECT name, age FROM mq_source",
                  3),
              ElementsAre("tom,7 tags=people", "ann,8 tags=people", "sue,10 tags=people"));
}

TEST_F(MqTables, BinaryOfVersion4) {
  send(std::string("any\0thing\n", 10));
  const auto written = run(std::string(R"(
CREATE TEMPORARY TABLE mq_source (
  mess VARBINARY
) WITH (
  'connector' = 'mq',
  'endPoint' = '<yourEndpoint>',
  'pullIntervalMs' = '500',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'topic' = 'mq-test',
  'consumerGroup' = 'mq-group'
);
)") + kBinarySink + "INSERT INTO mq_sink SELECT mess FROM mq_source",
                           1);
  EXPECT_THAT(written, ElementsAre(std::string("any\0thing\n", 10)));
}

TEST_F(MqTables, InstancesWithANamespace) {
  send("a|b|c", "", "MQ_INST_1%mq-test", "MQ_INST_1%mq-group");
  EXPECT_THAT(run(R"(
CREATE TABLE mq_source (
  x VARCHAR,
  y VARCHAR,
  z VARCHAR
) WITH (
  'connector' = 'mq',
  'topic' = 'mq-test',
  'endpoint' = '<yourEndpoint>',
  'pullIntervalMs' = '1000',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'startTimeMs' = '0',
  'consumerGroup' = 'mq-group',
  'fieldDelimiter' = '|',
  'instanceID' = 'MQ_INST_1'
);
CREATE TABLE mq_output (
  x VARCHAR,
  y VARCHAR,
  z VARCHAR
) WITH (
  'connector' = 'mq',
  'topic' = 'mq-sink',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'producerGroup' = 'mq-group',
  'pullIntervalMs' = '1000',
  'consumerGroup' = 'mq-group',
  'startMessageOffset' = '1000',
  'mode' = 'partition',
  'partitionField' = 'x',
  'fieldDelimiter' = '|',
  'instanceID' = 'MQ_INST_1'
);
INSERT INTO mq_output SELECT x, y, z FROM mq_source
)",
                  1, "MQ_INST_1%mq-sink"),
              ElementsAre("a|b|c"));
}

TEST_F(MqTables, TextOfVersion5) {
  send(
      "tom\x01"
      "7");
  EXPECT_THAT(run(R"(
CREATE TABLE mq5_source (
  name VARCHAR,
  age INTEGER
) WITH (
  'connector' = 'mq5',
  'topic' = 'mq-test',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'consumerGroup' = 'mq-group'
);
CREATE TABLE mq5_sink (
  name VARCHAR,
  age INTEGER
) WITH (
  'connector' = 'mq5',
  'topic' = 'mq-sink',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'producerGroup' = 'mq-group',
  'deliveryTimestampMode' = 'fixed',
  'deliveryTimestampValue' = '1000'
);
INSERT INTO mq5_sink SELECT name, age FROM mq5_source WHERE age > 5
)",
                  1),
              ElementsAre("tom\x01"
                          "7"));
}

TEST_F(MqTables, KeysAndTagsAreColumns) {
  send("tom,7", "KEYS\x01k1\x02TAGS\x01red\x02");
  send("ann,8",
       "TAGS\x01"
       "blue\x02");
  EXPECT_THAT(run(R"(
CREATE TABLE mq_source (
  `topic` VARCHAR METADATA VIRTUAL,
  `queue-id` INT METADATA VIRTUAL,
  `queue-offset` BIGINT METADATA VIRTUAL,
  `msg-id` VARCHAR METADATA VIRTUAL,
  `store-timestamp` TIMESTAMP(3) METADATA VIRTUAL,
  `born-timestamp` TIMESTAMP(3) METADATA VIRTUAL,
  `keys` VARCHAR METADATA,
  `tags` VARCHAR METADATA,
  name VARCHAR,
  age BIGINT
) WITH (
  'connector' = 'mq',
  'topic' = 'mq-test',
  'endpoint' = '<yourEndpoint>',
  'pullIntervalMs' = '500',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'consumerGroup' = 'mq-group',
  'tag' = 'red',
  'fieldDelimiter' = ','
);
CREATE TABLE mq_sink (
  name VARCHAR,
  place VARCHAR,
  `keys` VARCHAR METADATA,
  `tags` VARCHAR METADATA
) WITH (
  'connector' = 'mq',
  'topic' = 'mq-sink',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'producerGroup' = 'mq-group',
  'fieldDelimiter' = ','
);
INSERT INTO mq_sink
SELECT name, CONCAT(`topic`, ' ', CAST(`queue-id` AS VARCHAR), ' ', CAST(`queue-offset` AS VARCHAR)),
  `keys`, `tags`
FROM mq_source WHERE `store-timestamp` > TIMESTAMP '2000-01-01 00:00:00'
)",
                  1),
              ElementsAre("tom,mq-test 0 0 keys=k1 tags=red"));
}

// Sample records of the page, and the topic as a column. Offset 1000 of the queue is the first.
TEST_F(MqTables, ReadingBeginsAtAnOffset) {
  for (int n = 0; n < 1'000; ++n) send("0|before|none");
  send("1|name|male\n2|name|female");
  EXPECT_THAT(run(R"(
create table mq_source(
  id varchar,
  name varchar,
  gender varchar,
  topic varchar metadata virtual
) with (
  'connector' = 'mq',
  'topic' = 'mq-test',
  'endpoint' = '<yourEndpoint>',
  'pullIntervalMs' = '1000',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'startMessageOffset' = '1000',
  'consumerGroup' = 'mq-group',
  'fieldDelimiter' = '|'
);
create table mq_sink(
  id INTEGER,
  len BIGINT,
  content VARCHAR
) with (
  'connector' = 'mq',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'topic' = 'mq-sink',
  'producerGroup' = 'mq-group',
  'tag' = 'people',
  'fieldDelimiter' = ',',
  'encoding' = 'utf-8',
  'retryTimes' = '5',
  'sleepTimeMs' = '500'
);
insert into mq_sink select cast(id as integer), char_length(gender), topic from mq_source
)",
                  2),
              ElementsAre("1,4,mq-test tags=people", "2,6,mq-test tags=people"));
}

TEST_F(MqTables, TextIsWrittenAsBytes) {
  const auto written = run(std::string(R"(
CREATE TEMPORARY TABLE datagen_source (
  commodity VARCHAR
) WITH (
  'connector' = 'datagen'
);
)") + kBinarySink + R"(
INSERT INTO mq_sink
SELECT
  CAST(SUBSTRING(commodity, 0, 5) AS VARBINARY) AS mess
FROM datagen_source
)",
                           3);
  ASSERT_GE(written.size(), 3U);
  for (const std::string& body : written) EXPECT_EQ(body.size(), 5U) << body;
}

TEST_F(MqTables, BytesAreReadAsText) {
  send("1,name,male");
  EXPECT_THAT(run(R"(
create temporary table source_table (
  mess varbinary
) with (
  'connector' = 'mq5',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'topic' = 'mq-test',
  'consumerGroup' = 'mq-group'
);
create temporary table out_table (
  commodity varchar
) with (
  'connector' = 'mq5',
  'endpoint' = '<yourEndpoint>',
  'accessId' = '${secret_values.ak_id}',
  'accessKey' = '${secret_values.ak_secret}',
  'topic' = 'mq-sink',
  'producerGroup' = 'mq-group'
);
insert into out_table
select
  cast(mess as varchar)
from source_table
)",
                  1),
              ElementsAre("1,name,male"));
}

constexpr const char* kCopy = R"(
CREATE TABLE mq_source (name VARCHAR, age BIGINT) WITH (
  'connector' = 'mq', 'topic' = 'mq-test', 'endpoint' = '<yourEndpoint>', 'pullIntervalMs' = '1',
  'accessId' = '${secret_values.ak_id}', 'accessKey' = '${secret_values.ak_secret}',
  'consumerGroup' = 'mq-group', 'fieldDelimiter' = ',',
  'partitionDiscoveryIntervalMs' = '20');
CREATE TABLE mq_sink (name VARCHAR, age BIGINT) WITH (
  'connector' = 'mq', 'topic' = 'mq-sink', 'endpoint' = '<yourEndpoint>', 'fieldDelimiter' = ',',
  'accessId' = '${secret_values.ak_id}', 'accessKey' = '${secret_values.ak_secret}',
  'producerGroup' = 'mq-group');
)";
constexpr const char* kInsert = "INSERT INTO mq_sink SELECT name, age FROM mq_source";

// The page's question: how does the connector notice a changed number of queues?
TEST_F(MqTables, MoreAndFewerQueuesAreNoticedWithoutARestart) {
  const auto sent = [&](std::int32_t queue, const std::string& body) {
    broker_.append({"mq-test", "broker-a", queue}, body);
  };
  const auto arrives = [&](const std::string& body) {
    return wait_until([&] {
      const auto messages = broker_.messages({"mq-sink", "broker-a", 0});
      return std::any_of(messages.begin(), messages.end(),
                         [&](const auto& message) { return message.body == body; });
    });
  };
  send("first,0");
  stream::Environment env({.name = "scaled", .parallelism = 3});
  TableEnvironment tables(env);
  tables.execute(with_endpoint(std::string(kCopy) + kInsert));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  EXPECT_TRUE(arrives("first,0"));
  broker_.create_topic("mq-test", 3);
  sent(2, "more,2");
  EXPECT_TRUE(arrives("more,2"));
  broker_.shrink_topic("mq-test", 1);
  sent(0, "fewer,0");
  EXPECT_TRUE(arrives("fewer,0"));
  broker_.create_topic("mq-test", 3);
  sent(1, "again,1");
  sent(2, "again,2");
  EXPECT_TRUE(arrives("again,1"));
  EXPECT_TRUE(arrives("again,2"));
  EXPECT_EQ(broker_.messages({"mq-sink", "broker-a", 0}).size(), 5U) << "nothing twice";
  EXPECT_TRUE(job->report().failures.empty());
  EXPECT_TRUE(job->stop().ok());
}

// All that a job says and keeps.
class MqSecrets : public MqTables {
 protected:
  void SetUp() override {
    MqTables::SetUp();
    set_log_sink([this](LogLevel, std::string_view, std::string_view text) { keep(text); });
  }
  void TearDown() override { set_log_sink({}); }
  void keep(std::string_view text) {
    const std::lock_guard lock(mutex_);
    kept_ += std::string(text) + "\n";
  }
  std::string kept() {
    const std::lock_guard lock(mutex_);
    return kept_;
  }
  stream::JobSettings settings() {
    return {.name = "hidden",
            .parallelism = 1,
            .checkpoint_dir = folder_.path(),
            .restart_attempts = 0,
            .on_message = [this](std::string_view text) { keep(text); }};
  }
  static void expect_hidden(const std::string& text, const std::string& where) {
    for (const char* value : {"LTAI_TEST", "ak_secret_value", "wrong_secret_value"})
      EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr(value))) << where;
  }

  TemporaryFolder folder_;
  std::mutex mutex_;
  std::string kept_;
};

TEST_F(MqSecrets, AreNotInLogsMetricsAndCheckpoints) {
  send("tom,7");
  stream::Environment env(settings());
  TableEnvironment tables(env);
  tables.execute(with_endpoint(std::string(kCopy) + kInsert));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  EXPECT_TRUE(wait_until([&] { return broker_.max_offset({"mq-sink", "broker-a", 0}) == 1; }));
  ASSERT_TRUE(job->savepoint().ok());
  expect_hidden(job->prometheus_text(), "metrics");
  ASSERT_TRUE(job->stop().ok());
  expect_hidden(kept(), "log");
  std::size_t files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (!file.is_regular_file()) continue;
    ++files;
    std::ifstream in(file.path(), std::ios::binary);
    expect_hidden(std::string(std::istreambuf_iterator<char>(in), {}), file.path().string());
  }
  EXPECT_GT(files, 0U);
}

TEST_F(MqSecrets, AreNotInErrors) {
  ASSERT_EQ(::setenv("SLIPSTREAM_SECRET_wrong", "wrong_secret_value", 1), 0);
  std::string script = with_endpoint(std::string(kCopy) + kInsert);
  const std::string right = "${secret_values.ak_secret}";
  for (const char* wrong : {"${secret_values.wrong}", "${secret_values.nobody}"}) {
    std::string other = script;
    other.replace(other.find(right), right.size(), wrong);
    stream::Environment env(settings());
    TableEnvironment tables(env);
    tables.execute(other);
    const Status failed = env.execute();
    EXPECT_FALSE(failed.ok());
    expect_hidden(failed.to_string(), "error");
    expect_hidden(kept(), "log");
  }
}

TEST_F(MqSecrets, AreNotInPlansAndDefinitions) {
  const auto registry = builtin_connectors();
  flow::Runtime runtime;
  Session session(*registry, runtime);
  const Compiled compiled = session.compile(
      with_endpoint(kCopy) + "SHOW CREATE TABLE mq_source; SHOW CREATE TABLE mq_sink; EXPLAIN " +
      kInsert + "; DESCRIBE mq_source;");
  ASSERT_TRUE(compiled.ok()) << compiled.diagnostics.front().message;
  std::string text;
  for (const Step& step : compiled.steps) {
    text += step.text;
    for (const auto& row : step.rows) {
      for (const std::string& cell : row) text += cell + "\n";
    }
  }
  EXPECT_THAT(text, ::testing::HasSubstr("'accessKey' = '${secret_values.ak_secret}'"));
  EXPECT_THAT(text, ::testing::HasSubstr("topic=mq-test"));
  expect_hidden(text, "plan");
}

}  // namespace
}  // namespace slipstream::sql
