#include "slipstream/options.h"

#include <array>
#include <chrono>

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

// --- typed options ---

enum class Mode { kEarliest, kLatest };
constexpr auto kModes = std::to_array<OptionWord<Mode>>({{"earliest", Mode::kEarliest},
                                                         {"latest", Mode::kLatest},
                                                         {"earliest-offset", Mode::kEarliest}});
constexpr Option<Mode> kMode{
    .name = "mode", .default_value = "latest", .description = "Where.", .limits = {kModes}};
constexpr Option<std::chrono::milliseconds> kWait{.name = "wait",
                                                  .default_value = "15 s",
                                                  .description = "How long.",
                                                  .limits = {{.min = 1ms, .max = 24h}},
                                                  .aliases = {"wait-ms"},
                                                  .scope = OptionScope::kSource};
constexpr Option<std::int64_t> kRows{
    .name = "rows", .description = "How many.", .limits = {{.min = 1, .max = 64}}};
constexpr Option<ByteSize> kSize{.name = "size",
                                 .default_value = "1 kb",
                                 .description = "How large.",
                                 .limits = {{.min = ByteSize{1}}},
                                 .scope = OptionScope::kSink};
constexpr Option<std::string> kTopic{.name = "topic", .description = "Which.", .required = true};
constexpr Option<bool> kStrict{.name = "strict", .default_value = "true", .description = "Or not."};
constexpr Option<double> kShare{.name = "share", .default_value = "0.5", .description = "Share."};

OptionTable typed_table() {
  return OptionTable(option_specs(kMode, kWait, kRows, kSize, kTopic, kStrict, kShare));
}

std::string typed_failure(OptionMap given) {
  given.emplace("topic", "t");
  const auto options = typed_table().parse(given, "table 'orders'");
  return options.ok() ? "" : options.error().message;
}

TEST(TypedOptions, GiveValuesOfTheirType) {
  const auto options = typed_table().parse({{"topic", "t"}}, "table 'orders'");
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ((*options)[kMode], Mode::kLatest);
  EXPECT_EQ((*options)[kWait], 15s);
  EXPECT_EQ(options->find(kRows), std::nullopt);
  EXPECT_EQ((*options)[kSize], ByteSize{1024});
  EXPECT_EQ((*options)[kTopic], "t");
  EXPECT_TRUE((*options)[kStrict]);
  EXPECT_EQ((*options)[kShare], 0.5);
  EXPECT_FALSE(options->has(kWait));
  const auto given = typed_table().parse(
      {{"topic", "t"}, {"wait-ms", "7"}, {"rows", "64"}, {"strict", "FALSE"}}, "table 'orders'");
  ASSERT_TRUE(given.ok()) << given.error().message;
  EXPECT_EQ((*given)[kWait], 7ms);
  EXPECT_EQ(given->find(kRows), 64);
  EXPECT_FALSE((*given)[kStrict]);
  EXPECT_TRUE(given->has(kWait));
}

TEST(TypedOptions, SynonymsMeanTheSame) {
  const auto options =
      typed_table().parse({{"topic", "t"}, {"mode", "Earliest-Offset"}}, "table 'orders'");
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ((*options)[kMode], Mode::kEarliest);
  EXPECT_EQ(options->text("mode"), "earliest");
}

TEST(TypedOptions, NameKeyValueAndBounds) {
  EXPECT_EQ(typed_failure({{"rows", "65"}}),
            "table 'orders': option 'rows': '65' must be from 1 to 64");
  EXPECT_EQ(typed_failure({{"wait", "2 d"}}),
            "table 'orders': option 'wait': '2 d' must be from 1 ms to 1 d");
  EXPECT_EQ(typed_failure({{"size", "0 kb"}, {"rows", "0"}}),
            "table 'orders': option 'rows': '0' must be from 1 to 64; option 'size': '0 kb' must "
            "be at least 1 b");
  EXPECT_EQ(typed_failure({{"rows", "1"}, {"wait", "1 d"}}), "");
}

TEST(TypedOptions, OneSideOfATable) {
  const OptionMap all{{"topic", "t"}, {"wait-ms", "1"}, {"size", "1"}, {"unknown", "x"}};
  EXPECT_EQ(typed_table().without_other_side(all, OptionScope::kSource),
            (OptionMap{{"topic", "t"}, {"wait-ms", "1"}, {"unknown", "x"}}));
  EXPECT_EQ(typed_table().without_other_side(all, OptionScope::kSink),
            (OptionMap{{"topic", "t"}, {"size", "1"}, {"unknown", "x"}}));
}

TEST(TypedOptions, BoundsAreListed) {
  EXPECT_NE(typed_table().to_markdown().find(
                "| `wait` | duration such as '10 s', from 1 ms to 1 d | `15 s` | How long."),
            std::string::npos)
      << typed_table().to_markdown();
}

TEST(TypedOptions, NamesCanBeMadeLonger) {
  const OptionTable table({kWait.spec("json.")});
  const auto options = table.parse({{"json.wait-ms", "3"}}, "t");
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->under("json.", kWait), 3ms);
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

// A mistake in a table ends the program that has it: no value that was not meant is given silently.
TEST(OptionDeathTest, ADefaultThatTheOptionDoesNotTakeIsNoTable) {
  Option<Mode> mode = kMode;
  mode.default_value = "newest";
  EXPECT_DEATH(OptionTable(option_specs(mode)), "'newest' is none of 'earliest', 'latest'");
  Option<std::chrono::milliseconds> wait = kWait;
  wait.default_value = "soon";
  EXPECT_DEATH(OptionTable(option_specs(wait)), "'soon' is no duration");
  wait.default_value = "2 d";
  EXPECT_DEATH(OptionTable(option_specs(wait)), "must be from 1 ms to 1 d");
}

TEST(OptionDeathTest, AWordThatIsNoneOfTheOptionsIsNotTakenForTheFirst) {
  Option<Mode> optional = kMode;
  optional.default_value = {};
  const auto none = OptionTable(option_specs(optional)).parse({}, "t");
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->find(optional), std::nullopt);
  EXPECT_DEATH(static_cast<void>((*none)[optional]), "option 'mode' has ''");
  const Option<std::string> other{.name = "mode"};  // of the same name
  const auto given = OptionTable(option_specs(other)).parse({{"mode", "newest"}}, "t");
  ASSERT_TRUE(given.ok());
  EXPECT_DEATH(static_cast<void>((*given)[kMode]), "option 'mode' has 'newest'");
}

}  // namespace
}  // namespace slipstream
