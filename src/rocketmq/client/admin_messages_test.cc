// Single messages and their traces, as operators ask for them.
#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"

#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/responses.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::ScriptedBroker;

class AdminMessagesTest : public ::testing::Test {
 protected:
  AdminMessagesTest() {
    broker_.create_topic("T", 2);
    client_ = *Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 2'000});
    admin_.emplace(*client_);
  }
  std::string properties(std::string_view unique_key, std::string_view keys) {
    PropertiesBuilder builder;
    EXPECT_TRUE(builder.add(property::kUniqueKey, unique_key).ok());
    EXPECT_TRUE(builder.add(property::kKeys, keys).ok());
    return builder.text();
  }
  // The id that a broker at this address would have given.
  std::string offset_id(std::int64_t physical_offset) {
    const auto topic = admin_->describe_topic("T");
    const std::uint8_t ip[4] = {127, 0, 0, 1};
    return encode_offset_message_id(ip, parse_address(topic->brokers[0].master)->port,
                                    static_cast<std::uint64_t>(physical_offset));
  }

  ScriptedBroker broker_;
  std::unique_ptr<Client> client_;
  std::optional<Admin> admin_;
};

TEST_F(AdminMessagesTest, AMessageIsFoundWhereItsOffsetIdSays) {
  broker_.append({"T", "broker-a", 0}, "first", properties("U1", "k1"));
  broker_.append({"T", "broker-a", 1}, "second", properties("U2", "k1 k2"));
  const auto stored = broker_.messages({"T", "broker-a", 1});
  const std::string id = offset_id(stored[0].physical_offset);
  const auto message = admin_->message_at(id, "T");
  ASSERT_TRUE(message.ok()) << message.status().to_string();
  EXPECT_EQ(message->body, "second");
  EXPECT_EQ(message->broker, "broker-a");
  EXPECT_EQ(broker_.last_field(RequestCode::kViewMessageById, "topic"), "T");
  const auto none = admin_->message_at(offset_id(stored[0].physical_offset + 1));
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_NE(none.error().message.find("broker 'broker-a' stores no message there"),
            std::string::npos)
      << none.error().message;
}

TEST_F(AdminMessagesTest, AnIdOfAnotherClusterNamesTheBrokersThatThereAre) {
  const auto other = admin_->message_at("0A00000100002A9F0000000000000001");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kNotFound);
  EXPECT_NE(other.error().message.find("no broker at 10.0.0.1:10911"), std::string::npos);
  EXPECT_NE(other.error().message.find("broker-a at 127.0.0.1:"), std::string::npos)
      << other.error().message;
  EXPECT_EQ(admin_->message_at("no id").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AdminMessagesTest, KeysAreComparedNotOnlyTheirHashes) {
  broker_.append({"T", "broker-a", 0}, "first", properties("U1", "k1"));
  broker_.append({"T", "broker-a", 1}, "second", properties("U2", "k1 k2"));
  const auto both = admin_->find_messages({.topic = "T", .key = "k1"});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->size(), 2U);
  const auto one = admin_->find_messages({.topic = "T", .key = "k2", .messages_max = 5});
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->front().body, "second");
  EXPECT_EQ(broker_.last_field(RequestCode::kQueryMessage, "maxNum"), "5");
  EXPECT_EQ(admin_->find_by_unique_key("T", "U1")->front().body, "first");
  EXPECT_TRUE(admin_->find_messages({.topic = "T", .key = "U1"})->empty());
}

TEST_F(AdminMessagesTest, TheTraceOfAMessageIsReadFromItsTopic) {
  const auto missing = admin_->trace("U1");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  broker_.create_topic(std::string(kTraceTopic), 1);
  const MessageQueue queue{std::string(kTraceTopic), "broker-a", 0};
  // Reports of several messages stand together; those of a consumer may come first.
  broker_.append(queue,
                 "SubAfter\x01R\x01U1\x01"
                 "7\x01true\x01k1\x01"
                 "0\x02"
                 "SubAfter\x01R\x01U2\x01"
                 "7\x01true\x01k2\x01"
                 "0\x02",
                 properties("X1", "U1 U2 k1 k2"));
  broker_.append(queue,
                 "SubBefore\x01"
                 "2000\x01r\x01G\x01R\x01U1\x01"
                 "0\x01k1\x02",
                 properties("X2", "U1 k1"));
  broker_.append(queue,
                 "Pub\x01"
                 "1000\x01r\x01P\x01T\x01U1\x01red\x01k1\x01h:1\x01"
                 "5\x01"
                 "3\x01"
                 "0"
                 "\x01O1\x01true\x02Odd\x01record\x02",
                 properties("X3", "U1 k1"));
  for (const char* id : {"U1", "k1"}) {
    const auto trace = admin_->trace(id);
    ASSERT_TRUE(trace.ok());
    ASSERT_EQ(trace->events.size(), 3U) << id;
    EXPECT_EQ(trace->unreadable, 1U);
    EXPECT_EQ(trace->events[0].kind, TraceEvent::Kind::kSent);
    EXPECT_EQ(trace->events[0].client_host, "127.0.0.1");
    EXPECT_EQ(trace->events[1].kind, TraceEvent::Kind::kDelivered);
    EXPECT_EQ(trace->events[2].kind, TraceEvent::Kind::kConsumed);
    EXPECT_EQ(trace->events[2].group, "G");
    EXPECT_EQ(trace->events[2].time_ms, 2'007);
  }
  broker_.append(queue,
                 "SubBefore\x01"
                 "9223372036854775807\x01r\x01G\x01R3\x01U3\x01"
                 "0\x01k3\x02"
                 "SubAfter\x01R3\x01U3\x01"
                 "7\x01true\x01k3\x01"
                 "0\x02",
                 properties("X4", "U3 k3"));
  const auto late = admin_->trace("U3");
  ASSERT_TRUE(late.ok());
  ASSERT_EQ(late->events.size(), 2U);
  EXPECT_EQ(late->events[0].time_ms, 0) << "no time can be that late";
  EXPECT_TRUE(admin_->trace("nobody")->events.empty());
}

}  // namespace
}  // namespace slipstream::rocketmq
