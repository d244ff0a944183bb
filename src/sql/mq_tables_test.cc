// Tables of ApsaraMQ as its users write them, over a scripted broker.
#include <cstdlib>
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/sql.h"
#include "slipstream/stream.h"

#include "base/testing/wait_until.h"
#include "rocketmq/testing/scripted_broker.h"

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

}  // namespace
}  // namespace slipstream::sql
