#include "slipstream/options.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

using namespace std::chrono_literals;

OptionTable table() {
  return OptionTable({
      {.name = "topic", .description = "Topic to read.", .required = true},
      {.name = "consumerGroup", .description = "Group.", .aliases = {"consumer-group"}},
      {.name = "scan.startup.mode",
       .type = OptionType::kEnum,
       .default_value = "group-offsets",
       .description = "Where to start.",
       .values = {"group-offsets", "earliest", "latest"}},
      {.name = "timeout",
       .type = OptionType::kDuration,
       .default_value = "5 s",
       .description = "Time."},
      {.name = "buffer",
       .type = OptionType::kBytes,
       .default_value = "64 kb",
       .description = "Size."},
      {.name = "rows", .type = OptionType::kInt, .description = "Rows."},
      {.name = "ratio",
       .type = OptionType::kDouble,
       .default_value = "0.5",
       .description = "Share."},
      {.name = "verify",
       .type = OptionType::kBool,
       .default_value = "true",
       .description = "Verify."},
      {.name = "password", .type = OptionType::kInt, .description = "Secret.", .secret = true},
      {.name = "fields.", .description = "Per field.", .prefix = true},
  });
}

std::string failure(const OptionMap& given) {
  const auto options = table().parse(given, "table 'orders'");
  return options.ok() ? "" : options.error().message;
}

TEST(OptionTable, GivesValuesAndDefaults) {
  const auto options = table().parse(
      {{"topic", "t"}, {"consumer-group", "g"}, {"scan.startup.mode", "EARLIEST"}, {"rows", "7"}},
      "table 'orders'");
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->text("consumerGroup"), "g");
  EXPECT_EQ(options->text("scan.startup.mode"), "earliest");
  EXPECT_EQ(options->duration("timeout"), 5s);
  EXPECT_EQ(options->bytes("buffer"), 65536);
  EXPECT_EQ(options->integer("rows"), 7);
  EXPECT_EQ(options->number("ratio"), 0.5);
  EXPECT_TRUE(options->boolean("verify"));
  EXPECT_TRUE(options->has("rows"));
  EXPECT_FALSE(options->has("timeout"));
}

TEST(OptionTable, CollectsAFamily) {
  const auto options =
      table().parse({{"topic", "t"}, {"fields.a.min", "1"}, {"fields.b", "2"}}, "table 'orders'");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->with_prefix("fields."), (OptionMap{{"a.min", "1"}, {"b", "2"}}));
}

TEST(OptionTable, NamesEveryProblemAtOnce) {
  const std::string message =
      failure({{"topik", "t"}, {"rows", "many"}, {"scan.startup.mode", "earlyest"}});
  EXPECT_NE(message.find("table 'orders': "), std::string::npos);
  EXPECT_NE(message.find("unknown option 'topik', did you mean 'topic'?"), std::string::npos)
      << message;
  EXPECT_NE(message.find("'many' is no whole number"), std::string::npos);
  EXPECT_NE(message.find("did you mean 'earliest'?"), std::string::npos);
  EXPECT_NE(message.find("missing option 'topic' (Topic to read.)"), std::string::npos);
}

TEST(OptionTable, NeverPrintsASecret) {
  EXPECT_EQ(failure({{"topic", "t"}, {"password", "hunter2"}}).find("hunter2"), std::string::npos);
  EXPECT_NE(failure({{"topic", "t"}, {"password", "hunter2"}}), "");
}

TEST(OptionTable, RefusesTwoSpellingsThatDisagree) {
  EXPECT_NE(
      failure({{"topic", "t"}, {"consumerGroup", "a"}, {"consumer-group", "b"}}).find("twice"),
      std::string::npos);
  EXPECT_EQ(failure({{"topic", "t"}, {"consumerGroup", "a"}, {"consumer-group", "a"}}), "");
}

TEST(OptionTable, MergesWithAPrefix) {
  const OptionTable merged = table().merged(
      OptionTable(std::vector<OptionSpec>{{.name = "charset", .default_value = "UTF-8"}}), "raw.");
  const auto options = merged.parse({{"topic", "t"}, {"raw.charset", "UTF-16"}}, "t");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->text("raw.charset"), "UTF-16");
}

TEST(OptionTable, PrintsMarkdown) {
  const std::string text = table().to_markdown();
  EXPECT_NE(text.find("| `topic` | text | required | Topic to read. |"), std::string::npos) << text;
  EXPECT_NE(text.find("| `fields.*` |"), std::string::npos);
}

TEST(ParseDuration, TakesFlinksTexts) {
  EXPECT_EQ(*parse_duration("500"), 500ms);
  EXPECT_EQ(*parse_duration("500 ms"), 500ms);
  EXPECT_EQ(*parse_duration("10s"), 10s);
  EXPECT_EQ(*parse_duration(" 1 MIN "), 1min);
  EXPECT_EQ(*parse_duration("2 h"), 2h);
  EXPECT_EQ(*parse_duration("1 d"), 24h);
  EXPECT_EQ(*parse_duration("1500 us"), 1ms);
  for (const char* bad : {"", "s", "-1 s", "1 fortnight", "1.5 s", "99999999999999999999 s",
                          "999999999999999999 d"}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
}

TEST(ParseBytes, TakesFlinksTexts) {
  EXPECT_EQ(*parse_bytes("1024"), 1024);
  EXPECT_EQ(*parse_bytes("4kb"), 4096);
  EXPECT_EQ(*parse_bytes("64 MB"), 64 << 20);
  EXPECT_FALSE(parse_bytes("4 pounds").ok());
}

}  // namespace
}  // namespace slipstream
