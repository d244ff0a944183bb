// Tables whose messages are rows by PRIMARY KEY, against a scripted broker.
#include <gmock/gmock.h>

#include "slipstream/rocketmq/producer.h"

#include "base/try.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/epoch_codec.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::RequestCode;
using rocketmq::testing::Fault;
using rocketmq::testing::ScriptedBroker;
using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Texts;

constexpr std::int32_t kQueues = 3;

// Tables of (k STRING, n INT) with PRIMARY KEY (k) over topic T.
class Upsert : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create_topic("T", kQueues); }

  Result<std::unique_ptr<Sink>> sink(OptionMap more) {
    more.insert({{"topic", "T"},
                 {"nameServerAddress", broker_.name_server()},
                 {"format", "json"},
                 {"changelog.mode", "upsert"},
                 {"sink.fence-wait", "0 s"}});
    TableDefinition table =
        testing::table_of(Schema({{"k", Type::string()}, {"n", Type::integer()}}), std::move(more));
    table.primary_key = primary_key_;
    table.metadata = metadata_;
    SinkRequest request = testing::sink_request(std::move(table));
    request.updating = updating_;
    return make_factory()->make_sink(request);
  }
  std::string refusal(OptionMap more) {
    const auto made = sink(std::move(more));
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message;
  }
  static Batch batch(const Texts& k, const Texts& n, std::vector<RowKind> kinds) {
    return batch_of({column_of(Type::string(), k), column_of(Type::integer(), n)},
                    std::move(kinds));
  }
  // 60 keys of which every third is changed and every fifth is gone.
  static std::vector<Batch> changes() {
    std::vector<Batch> all;
    for (int key = 0; key < 60; ++key) {
      const std::string k = "k" + std::to_string(key);
      all.push_back(batch({k}, {"0"}, {}));
      if (key % 3 == 0)
        all.push_back(batch({k, k}, {"0", "1"}, {RowKind::kUpdateBefore, RowKind::kUpdateAfter}));
      if (key % 5 == 0) all.push_back(batch({k}, {"9"}, {RowKind::kDelete}));
    }
    return all;
  }
  // Each key's messages in order, where they all are: "{"k":"k3"}: 0 1 gone".
  std::vector<std::string> stored() {
    std::map<std::string, std::string> all;
    for (std::int32_t id = 0; id < kQueues; ++id) {
      for (const auto& message : broker_.messages({"T", "broker-a", id})) {
        const std::string key(message.property("KEYS").value_or(""));
        EXPECT_EQ(static_cast<std::size_t>(id), rocketmq::Producer::queue_of_key(key, kQueues));
        const auto n = message.body.find("\"n\":");
        all[key] += message.body.empty() ? " gone" : " " + message.body.substr(n + 4, 1);
      }
    }
    std::vector<std::string> texts;
    for (const auto& [key, text] : all) texts.push_back(key + ":" + text);
    return texts;
  }
  static std::vector<std::string> expected() {
    std::vector<std::string> all;
    for (int key = 0; key < 60; ++key) {
      all.push_back(R"({"k":"k)" + std::to_string(key) + R"("}: 0)" + (key % 3 == 0 ? " 1" : "") +
                    (key % 5 == 0 ? " gone" : ""));
    }
    return all;
  }

  ScriptedBroker broker_;
  std::vector<std::string> primary_key_ = {"k"};
  std::vector<TableDefinition::MetadataColumn> metadata_;
  bool updating_ = true;
};

TEST_F(Upsert, MessagesOfAKeyAreItsRowsInOrderInOneQueue) {
  const auto made = sink({});
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_THAT((*made)->explain(),
              AllOf(::testing::Contains("changelog=upsert"), ::testing::Contains("order=per key")));
  testing::SinkHarness harness(**made);
  testing::SinkHarness::Writer writer(harness, 1, 0);
  for (const Batch& each : changes()) ASSERT_TRUE(writer.write(each).ok());
  ASSERT_TRUE(writer.prepare(1).ok());
  EXPECT_THAT(stored(), ::testing::UnorderedElementsAreArray(expected()));
}

TEST_F(Upsert, ExactlyOnceTheyAreThereOnceAndInOrderAfterACrashInTheMiddle) {
  const auto made = sink({{"sink.delivery-guarantee", "exactly-once"}});
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  testing::SinkHarness harness(**made);
  testing::SinkHarness::Writer writer(harness, 1, 0);
  for (const Batch& each : changes()) ASSERT_TRUE(writer.write(each).ok());
  const auto epoch = writer.prepare(1);
  ASSERT_TRUE(epoch.ok()) << epoch.status().to_string();
  EXPECT_THAT(stored(), IsEmpty());
  // The first queue is written, then nothing more: the process that recovers sends the rest.
  broker_.inject(RequestCode::kSendBatchMessage, {.kind = Fault::Kind::kDelay, .delay_ms = 1});
  broker_.inject(RequestCode::kSendBatchMessage,
                 {.kind = Fault::Kind::kCode, .code = 13, .remark = "refused"}, 2);
  EXPECT_FALSE(harness.commit({*epoch}).ok());
  EXPECT_LT(stored().size(), expected().size());
  const Status recovered = harness.commit({*epoch}, true);
  ASSERT_TRUE(recovered.ok()) << recovered.to_string();
  EXPECT_THAT(stored(), ::testing::UnorderedElementsAreArray(expected()));
}

// What a crash leaves of one batch: the messages that are not there are cut out of it.
TEST_F(Upsert, AnEmptyBodyIsSentAgainAlone) {
  const auto made = sink({{"sink.delivery-guarantee", "exactly-once"}});
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  testing::SinkHarness harness(**made);
  testing::SinkHarness::Writer writer(harness, 1, 0);
  ASSERT_TRUE(
      writer.write(batch({"a", "a"}, {"1", "1"}, {RowKind::kInsert, RowKind::kDelete})).ok());
  const auto epoch = writer.prepare(1);
  ASSERT_TRUE(epoch.ok()) << epoch.status().to_string();
  const auto handle = decode_epoch_handle(epoch->handle);
  std::string stamp;
  make_stamp(stamp_prefix(handle->series), 0, stamp);
  broker_.append(handle->queues[0].queue, R"({"k":"a","n":1})",
                 "KEYS\x01{\"k\":\"a\"}\x02UNIQ_KEY\x01" + stamp + "\x02");
  ASSERT_TRUE(harness.commit({*epoch}, true).ok());
  EXPECT_THAT(stored(), ElementsAre(R"({"k":"a"}: 1 gone)"));
}

TEST_F(Upsert, AQueryThatOnlyInsertsWritesByKeyToo) {
  updating_ = false;
  const auto made = sink({{"key.format", "raw"}, {"value.fields-include", "EXCEPT_KEY"}});
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  testing::SinkHarness harness(**made);
  testing::SinkHarness::Writer writer(harness, 1, 0);
  ASSERT_TRUE(writer.write(batch({"a", "b", "a"}, {"1", "2", "3"}, {})).ok());
  ASSERT_TRUE(writer.prepare(1).ok());
  EXPECT_THAT(stored(), ElementsAre("a: 1 3", "b: 2"));
}

TEST_F(Upsert, WhatWouldPartTheMessagesOfAKeyIsRefused) {
  EXPECT_THAT(refusal({{"partitionField", "n"}}), HasSubstr("not in the PRIMARY KEY"));
  EXPECT_TRUE(sink({{"partitionField", "k"}}).ok());
  EXPECT_THAT(refusal({{"deliveryTimestampMode", "relative"}, {"deliveryTimestampValue", "5"}}),
              HasSubstr("option 'deliveryTimestampMode' delays messages"));
  const auto with = [this](const char* key, const Type& type) {
    metadata_ = {{"m", key, type, false}};
    return refusal({});
  };
  EXPECT_THAT(with("delay-level", Type::integer()), HasSubstr("column 'm' delays messages"));
  EXPECT_THAT(with("delivery-time", Type::bigint()), HasSubstr("column 'm' delays messages"));
  EXPECT_THAT(with("topic", Type::string()), HasSubstr("to several topics"));
  EXPECT_THAT(with("queue-id", Type::integer()), HasSubstr("decides about the queue"));
  EXPECT_THAT(with("sharding-key", Type::string()), HasSubstr("decides about the queue"));
  EXPECT_THAT(with("keys", Type::string()),
              AllOf(HasSubstr("column 'm' and 'changelog.mode' = 'upsert'"),
                    HasSubstr("both write the keys")));
  metadata_ = {};
  EXPECT_THAT(refusal({{"changelog.mode", "format"}}),
              AllOf(HasSubstr("debezium-json"), HasSubstr("'changelog.mode' = 'upsert'")));
}

TEST_F(Upsert, AnEmptyValueIsNoDeletion) {
  TableDefinition table = testing::table_of(Schema({{"k", Type::string()}, {"v", Type::string()}}),
                                            {{"topic", "T"},
                                             {"nameServerAddress", broker_.name_server()},
                                             {"format", "raw"},
                                             {"value.fields-include", "EXCEPT_KEY"},
                                             {"changelog.mode", "upsert"}});
  table.primary_key = {"k"};
  const auto texts = make_factory()->make_sink(testing::sink_request(std::move(table)));
  ASSERT_TRUE(texts.ok()) << texts.status().to_string();
  testing::SinkHarness harness(**texts);
  testing::SinkHarness::Writer writer(harness, 1, 0);
  const Status refused =
      writer.write(batch_of({column_of(Type::string(), {"a"}), column_of(Type::string(), {""})}));
  EXPECT_THAT(refused.to_string(), HasSubstr("would mean that its key is gone"));
}

TEST_F(Upsert, ItCanOnlyBeWritten) {
  TableDefinition table = testing::table_of(Schema({{"k", Type::string()}}),
                                            {{"topic", "T"},
                                             {"nameServerAddress", broker_.name_server()},
                                             {"consumerGroup", "g"},
                                             {"format", "json"},
                                             {"changelog.mode", "upsert"}});
  table.primary_key = {"k"};
  const auto made = make_factory()->make_source(testing::source_request(std::move(table)));
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, AllOf(HasSubstr("can only be written"), HasSubstr("skip")));
}

TEST_F(Upsert, ACompactionTopicWantsKeys) {
  broker_.set_answer(RequestCode::kTopicConfig,
                     R"({"topicName":"T","attributes":{"cleanup.policy":"COMPACTION"}})");
  const auto upserts = sink({});
  ASSERT_TRUE(upserts.ok()) << upserts.status().to_string();
  EXPECT_TRUE((*upserts)->check_before_start().ok());
  updating_ = false;
  const auto plain = sink({{"changelog.mode", "format"}});
  ASSERT_TRUE(plain.ok()) << plain.status().to_string();
  const Status refused = (*plain)->check_before_start();
  EXPECT_THAT(refused.to_string(), AllOf(HasSubstr("lose messages without a key"),
                                         HasSubstr("'changelog.mode' = 'upsert'")));
  const auto once = sink({{"sink.delivery-guarantee", "exactly-once"}});
  EXPECT_THAT((*once)->check_before_start().to_string(), HasSubstr("messages disappear"));
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
