#include "rocketmq/message/properties.h"

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

Message sample() {
  Message message;
  message.topic = "T";
  message.body = "b";
  return message;
}

TEST(Properties, WithAndWithoutLastSeparator) {
  for (const std::string_view raw :
       {"KEYS\x01k1\x02TAGS\x01tagA", "KEYS\x01k1\x02TAGS\x01tagA\x02"}) {
    EXPECT_EQ(find_property(raw, "KEYS"), "k1");
    EXPECT_EQ(find_property(raw, "TAGS"), "tagA");
    EXPECT_FALSE(find_property(raw, "TAG").has_value());
  }
}

TEST(Properties, SplitsAtTheFirstSeparatorAndPassesOverNonsense) {
  const std::string_view raw =
      "\x02"
      "lonely\x02\x01v\x02"
      "a\x01"
      "b\x01"
      "c\x02"
      "e\x01\x02";
  PropertyCursor cursor(raw);
  PropertyView each;
  ASSERT_TRUE(cursor.next(each));
  EXPECT_EQ(each.name, "a");
  EXPECT_EQ(each.value,
            "b\x01"
            "c");
  ASSERT_TRUE(cursor.next(each));
  EXPECT_EQ(each.name, "e");
  EXPECT_EQ(each.value, "");
  EXPECT_FALSE(cursor.next(each));
}

TEST(Properties, BuilderRefusesWhatBrokersWouldDropOrMisread) {
  PropertiesBuilder builder;
  EXPECT_TRUE(builder.add("a", "b").ok());
  EXPECT_FALSE(builder.add("", "b").ok());
  EXPECT_FALSE(builder.add("a", "").ok());
  EXPECT_FALSE(builder.add("a\x01", "b").ok());
  EXPECT_FALSE(builder.add("a", "b\x02").ok());
  EXPECT_EQ(builder.text(),
            "a\x01"
            "b\x02");
}

TEST(Properties, HashIsJavas) {
  EXPECT_EQ(java_hash("tagA"), 3552231);
  EXPECT_EQ(java_hash("TagA"), 2598919);
  EXPECT_EQ(java_hash("TAGS"), 2567193);
  EXPECT_EQ(java_hash("a-much-longer-tag-value"), 559710766);
  EXPECT_EQ(java_hash("\xE8\xAE\xA2\xE5\x8D\x95"), 1129459);
  EXPECT_EQ(java_hash("\xF0\x9F\x98\x80"), 1772899);
  EXPECT_EQ(tag_hash(""), 0);
  EXPECT_EQ(tag_hash("polygenelubricants"), INT32_MIN);
}

TEST(Properties, HashOfBytesThatAreNotUtf8DoesNotReadBeyondThem) {
  EXPECT_EQ(java_hash("\xF0\x9F"), java_hash("\xEF\xBF\xBD\xEF\xBF\xBD"));
  EXPECT_NE(java_hash("\xE8"
                      "a"),
            0);
}

TEST(Properties, TagExpressions) {
  EXPECT_EQ(parse_tag_expression(" A || B||C || "), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(parse_tag_expression("A ||\n\tB\n"), (std::vector<std::string>{"A", "B"}));
  EXPECT_TRUE(parse_tag_expression("*").empty());
  EXPECT_TRUE(parse_tag_expression("").empty());
}

TEST(Properties, TopicLists) {
  EXPECT_EQ(parse_topic_list("A;B, C ;"), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(parse_topic_list("%RETRY%g"), std::vector<std::string>{"%RETRY%g"});
  EXPECT_EQ(parse_topic_list("\n  A;\r\n\tB\n"), (std::vector<std::string>{"A", "B"}));
  EXPECT_TRUE(parse_topic_list(" ;\n").empty());
}

TEST(Properties, EncodesEverythingOfAMessage) {
  Message message = sample();
  message.tags = "tagA";
  message.keys = {"k1", "k2"};
  message.properties = {{"mine", "1"}};
  message.sharding_key = "s";
  message.delay_level = 3;
  const Result<std::string> raw = encode_properties(message, "0A00");
  ASSERT_TRUE(raw.ok());
  EXPECT_EQ(find_property(*raw, "TAGS"), "tagA");
  EXPECT_EQ(find_property(*raw, "KEYS"), "k1 k2");
  EXPECT_EQ(find_property(*raw, "mine"), "1");
  EXPECT_EQ(find_property(*raw, "__SHARDINGKEY"), "s");
  EXPECT_EQ(find_property(*raw, "DELAY"), "3");
  EXPECT_EQ(find_property(*raw, "UNIQ_KEY"), "0A00");
  EXPECT_EQ(find_property(*raw, "WAIT"), "true");
  EXPECT_EQ(split_keys("k1 k2"), message.keys);
}

TEST(MessageRules, AcceptsAnOrdinaryMessage) { EXPECT_TRUE(validate_message(sample()).ok()); }

TEST(MessageRules, RefusesWhatABrokerWouldRefuseForEver) {
  const auto refused = [](const auto& change) {
    Message message = sample();
    change(message);
    const Status status = validate_message(message);
    return !status.ok() && !status.error().retryable &&
           status.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](Message& m) { m.topic = ""; }));
  EXPECT_TRUE(refused([](Message& m) { m.topic = "a b"; }));
  EXPECT_TRUE(refused([](Message& m) { m.topic = std::string(128, 't'); }));
  EXPECT_TRUE(refused([](Message& m) { m.topic = "rmq_sys_x"; }));
  EXPECT_TRUE(refused([](Message& m) { m.topic = "SCHEDULE_TOPIC_XXXX"; }));
  EXPECT_TRUE(refused([](Message& m) { m.body = ""; }));
  EXPECT_TRUE(refused([](Message& m) { m.body = std::string(kMessageBytesMax + 1, 'x'); }));
  EXPECT_TRUE(refused([](Message& m) { m.properties = {{"UNIQ_KEY", "x"}}; }));
  EXPECT_TRUE(refused([](Message& m) {
    m.properties = {{"a", std::string(kPropertiesBytesMax, 'x')}};
  }));
  EXPECT_TRUE(refused([](Message& m) { m.properties = {{"a", ""}}; }));
  EXPECT_TRUE(refused([](Message& m) { m.keys = {"a b"}; }));
  EXPECT_TRUE(refused([](Message& m) { m.tags = "a\x01"; }));
  EXPECT_TRUE(refused([](Message& m) { m.delay_level = 19; }));
  EXPECT_TRUE(refused([](Message& m) { m.deliver_at_ms = -1; }));
  EXPECT_TRUE(refused([](Message& m) {
    m.delay_level = 1;
    m.deliver_at_ms = 1;
  }));
  EXPECT_TRUE(refused([](Message& m) { m.queue = MessageQueue{"other", "b", 0}; }));
}

TEST(MessageRules, LimitsAreInclusive) {
  Message message = sample();
  message.topic = std::string(127, 't');
  message.body = std::string(kMessageBytesMax, 'x');
  EXPECT_TRUE(validate_message(message).ok());
  EXPECT_TRUE(validate_group(std::string(120, 'g')).ok());
  EXPECT_FALSE(validate_group(std::string(121, 'g')).ok());
  EXPECT_TRUE(validate_topic("%RETRY%g|x_-9").ok());
}

TEST(MessageRules, ReservedNamesAreFoundAllOverTheTable) {
  for (const std::string_view name :
       {"1ST_POP_TIME", "KEYS", "TAGS", "WAIT", "__transactionId__", "__CRC32#"}) {
    EXPECT_TRUE(is_reserved_property(name)) << name;
  }
  EXPECT_FALSE(is_reserved_property("keys"));
}

}  // namespace
}  // namespace slipstream::rocketmq
