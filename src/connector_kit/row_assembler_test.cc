#include "connector_kit/row_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connector_kit/testing/connector_harness.h"

namespace slipstream::connector_kit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A body as a reader has it: in a buffer of its own.
class Text final : public Buffer {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {
    text_.append(format::kBodyPadding, ' ');
  }
  std::size_t bytes() const override { return text_.size(); }
  std::string_view view() const {
    return std::string_view(text_).substr(0, text_.size() - format::kBodyPadding);
  }

 private:
  std::string text_;
};

class RowAssemblerTest : public ::testing::Test {
 protected:
  void open(DecodeErrors errors, std::size_t batch_rows = 4096) {
    SourceRequest request = testing::source_request(
        testing::table_of(Schema({{"n", Type::integer()}}), {{"format", "json"}}));
    request.table.metadata = {{"at", "at", Type::bigint(), true}};
    request.metadata = {0};
    open(request, errors, batch_rows);
  }
  void open(const SourceRequest& request, DecodeErrors errors, std::size_t batch_rows = 4096) {
    const auto format = read_table_format(request.table, options_with_key(), "");
    ASSERT_TRUE(format.ok()) << format.status().to_string();
    auto plan = plan_decoding(request, *format, errors);
    ASSERT_TRUE(plan.ok()) << plan.status().to_string();
    const Metrics metrics = counters_.metrics();
    auto made =
        RowAssembler::make(std::make_shared<const DecodedTable>(std::move(*plan)), batch_rows,
                           {metrics.value("bodies", ""), metrics.value("bytes", ""),
                            metrics.value("failed", ""), metrics.value("ignored", "")},
                           "; do something");
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    rows_ = std::move(*made);
    rows_->begin();
  }
  // Bodies at positions [at, ...), of which `padded` may be read in place.
  Status add(std::uint32_t split, std::int64_t at, const std::vector<std::string>& texts,
             std::size_t padded) {
    BodyChunk chunk;
    std::vector<std::string_view> bodies;
    for (const std::string& text : texts) {
      texts_.push_back(std::make_shared<const Text>(text));
      bodies.push_back(texts_.back()->view());
      chunk.bytes += text.size();
    }
    chunk.split = split;
    chunk.bodies = bodies;
    chunk.buffer = texts_.back();
    chunk.padded_count = padded;
    const std::vector<RowAssembler::AppendMetadata> metadata{
        [at](std::span<const std::uint32_t> of, ColumnBuilder& out) {
          for (const std::uint32_t body : of) out.append<std::int64_t>(at + body);
        }};
    return rows_->add(chunk, metadata, [at, split](std::uint32_t body) {
      const std::string position = std::to_string(at + body);
      return BodyOrigin{"s" + std::to_string(split), position, "body " + position, {{"k", "v"}}};
    });
  }

  static OptionTable options_with_key() {
    return OptionTable(option_specs(Option<std::string>{.name = "format"}, key_option::kFormat,
                                    key_option::kFields, key_option::kValueFieldsInclude));
  }
  // A table a INT, b STRING, c INT of which the columns `wanted` are read; b is in the key.
  static SourceRequest keyed_request(std::vector<std::size_t> wanted, OptionMap more = {}) {
    OptionMap options{{"format", "json"},
                      {"key.format", "raw"},
                      {"key.fields", "b"},
                      {"value.fields-include", "EXCEPT_KEY"}};
    more.merge(options);
    SourceRequest request = testing::source_request(testing::table_of(
        Schema({{"a", Type::integer()}, {"b", Type::string()}, {"c", Type::integer()}}),
        std::move(more)));
    request.physical = std::move(wanted);
    return request;
  }
  // Bodies with keys; a null pointer is a message without.
  Status add_keyed(const std::vector<std::pair<const char*, std::string>>& messages) {
    BodyChunk chunk;
    std::vector<std::string_view> bodies;
    std::vector<std::string_view> keys;
    for (const auto& [key, body] : messages) {
      texts_.push_back(std::make_shared<const Text>(body));
      bodies.push_back(texts_.back()->view());
      keys.push_back(key == nullptr ? std::string_view() : std::string_view(key));
    }
    chunk.bodies = bodies;
    chunk.keys = keys;
    chunk.padded_count = 1;
    return rows_->add(chunk, {}, [](std::uint32_t body) {
      return BodyOrigin{"s", std::to_string(body), "body " + std::to_string(body), {}};
    });
  }
  std::vector<std::string> finished() {
    SourceBatch batch;
    rows_->finish(&batch);
    rows_->begin();
    return testing::row_texts(batch.rows);
  }

  testing::Counters counters_;
  std::vector<std::shared_ptr<const Text>> texts_;
  std::unique_ptr<RowAssembler> rows_;
};

TEST_F(RowAssemblerTest, RunsSayWhichRowsCameFromWhichSplit) {
  open(DecodeErrors::kFail);
  ASSERT_TRUE(add(4, 10, {R"({"n":1})", R"({"n":2})"}, 1).ok());
  ASSERT_TRUE(add(4, 12, {R"({"n":3})"}, 0).ok());
  ASSERT_TRUE(add(7, 90, {R"({"n":4})"}, 1).ok());
  rows_->event({7, SplitEnded{}});
  SourceBatch batch;
  rows_->finish(&batch);
  EXPECT_THAT(testing::row_texts(batch.rows),
              ElementsAre("+I(1, 10)", "+I(2, 11)", "+I(3, 12)", "+I(4, 90)"));
  ASSERT_EQ(batch.runs.size(), 2U);
  EXPECT_EQ(batch.runs[1].split, 7U);
  EXPECT_EQ(batch.runs[1].begin, 3U);
  EXPECT_EQ(batch.events.size(), 1U);
  EXPECT_EQ(counters_["bodies"], 4);
  rows_->begin();
  EXPECT_TRUE(rows_->empty());
}

TEST_F(RowAssemblerTest, ABatchIsFullByRowsOrByBytes) {
  open(DecodeErrors::kFail, 2);
  EXPECT_EQ(rows_->room(), 2U);
  ASSERT_TRUE(add(0, 0, {R"({"n":1})"}, 0).ok());
  EXPECT_FALSE(rows_->full());
  ASSERT_TRUE(add(0, 1, {R"({"n":1})"}, 0).ok());
  EXPECT_TRUE(rows_->full());
  open(DecodeErrors::kSkip);
  ASSERT_TRUE(add(0, 0, {std::string(RowAssembler::kBytesMax, 'x')}, 0).ok());
  EXPECT_TRUE(rows_->full()) << "without a row";
  EXPECT_TRUE(rows_->empty());
}

TEST_F(RowAssemblerTest, UnderFailTheFirstBadBodyIsAnErrorWithPlaceAndAdvice) {
  open(DecodeErrors::kFail);
  const Status status = add(0, 5, {R"({"n":1})", "{", "["}, 2);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kDataError);
  EXPECT_THAT(status.error().message, HasSubstr("table 't': body 6 is no row of the table: "));
  EXPECT_THAT(status.error().message, HasSubstr("; do something"));
}

TEST_F(RowAssemblerTest, BadBodiesAreSkippedAndCounted) {
  open(DecodeErrors::kSkip);
  ASSERT_TRUE(add(0, 5, {"{", R"({"n":1})", "["}, 1).ok());
  SourceBatch batch;
  Batch rejected;
  rows_->give_rejected(&rejected);
  rows_->finish(&batch);
  EXPECT_THAT(testing::row_texts(batch.rows), ElementsAre("+I(1, 6)"));
  EXPECT_EQ(rejected.rows(), 0U);
  EXPECT_EQ(counters_["failed"], 2);
}

TEST_F(RowAssemblerTest, DeadLettersHaveBodyReasonAndOrigin) {
  open(DecodeErrors::kDeadLetter);
  ASSERT_TRUE(add(3, 5, {R"({"n":1})", "no json"}, 0).ok());
  rows_->reject("broken", "damaged", [](std::uint32_t) { return BodyOrigin{"s9", "1", "", {}}; });
  Batch rejected;
  rows_->give_rejected(&rejected);
  ASSERT_EQ(rejected.rows(), 2U);
  EXPECT_EQ(rejected.column(0)->text(0), "no json");
  EXPECT_EQ(rejected.column(2)->text(0), "s3");
  EXPECT_EQ(rejected.column(3)->text(0), "6");
  EXPECT_EQ(testing::row_texts(rejected)[1], "+I(broken, damaged, s9, 1, {})");
  Batch none;
  rows_->give_rejected(&none);
  EXPECT_EQ(none.rows(), 0U);
  EXPECT_EQ(counters_["failed"], 2);
}

// --- keys ---

TEST_F(RowAssemblerTest, ColumnsOfTheKeyComeFromTheKey) {
  open(keyed_request({0, 1, 2}), DecodeErrors::kFail);
  ASSERT_TRUE(add_keyed({{"x", R"({"a":1,"c":10})"},
                         {nullptr, R"({"a":2,"c":20,"b":"of the body"})"},
                         {"y", R"([{"a":3,"c":30},{"a":4,"c":40}])"}})
                  .ok());
  ASSERT_TRUE(add_keyed({{"z", R"({"a":5})"}}).ok());
  EXPECT_THAT(finished(), ElementsAre("+I(1, x, 10)", "+I(2, NULL, 20)", "+I(3, y, 30)",
                                      "+I(4, y, 40)", "+I(5, z, NULL)"));
  ASSERT_TRUE(add_keyed({{"x", R"({"a":6})"}}).ok());
  EXPECT_THAT(finished(), ElementsAre("+I(6, x, NULL)"));
}

TEST_F(RowAssemblerTest, KeysAreDecodedOnlyWhereTheyAreWanted) {
  auto format = read_table_format(keyed_request({0, 2}).table, options_with_key(), "");
  ASSERT_TRUE(format.ok()) << format.status().to_string();
  EXPECT_EQ(plan_decoding(keyed_request({0, 2}), *format, DecodeErrors::kFail)->key, std::nullopt);
  const SourceRequest all = keyed_request({0, 1}, {{"value.fields-include", "ALL"}});
  format = read_table_format(all.table, options_with_key(), "");
  EXPECT_EQ(plan_decoding(all, *format, DecodeErrors::kFail)->key, std::nullopt);
  open(all, DecodeErrors::kFail);
  ASSERT_TRUE(add_keyed({{"x", R"({"a":1,"b":"of the body"})"}}).ok());
  EXPECT_THAT(finished(), ElementsAre("+I(1, of the body)"));
}

TEST_F(RowAssemblerTest, ABodyWhoseKeyIsNoRowIsNoneEither) {
  const OptionMap json{{"key.format", "json"}};
  open(keyed_request({0, 1, 2}, json), DecodeErrors::kDeadLetter);
  ASSERT_TRUE(add_keyed({{R"({"b":"x"})", R"({"a":1})"},
                         {"no json", R"({"a":2})"},
                         {R"([{"b":"x"},{"b":"y"}])", R"({"a":3})"},
                         {R"({"b":"z"})", "no json"},
                         {R"({"b":"z"})", R"({"a":5})"}})
                  .ok());
  EXPECT_THAT(finished(), ElementsAre("+I(1, x, NULL)", "+I(5, z, NULL)"));
  Batch rejected;
  rows_->give_rejected(&rejected);
  ASSERT_EQ(rejected.rows(), 3U);
  EXPECT_EQ(rejected.column(0)->text(0), R"({"a":2})");
  EXPECT_THAT(std::string(rejected.column(1)->text(0)), HasSubstr("key: "));
  EXPECT_EQ(rejected.column(1)->text(1), "key: several rows");
  EXPECT_EQ(rejected.column(0)->text(2), "no json");
  EXPECT_EQ(rejected.column(3)->text(2), "3");
  open(keyed_request({0, 1, 2}, json), DecodeErrors::kFail);
  EXPECT_THAT(add_keyed({{"no json", R"({"a":2})"}}).to_string(), HasSubstr("body 0"));
}

TEST_F(RowAssemblerTest, AMissingKeyIsNoRowWhereItsColumnIsNotNull) {
  SourceRequest request = keyed_request({0, 1});
  request.table.physical =
      Schema({{"a", Type::integer()}, {"b", Type::string().not_null()}, {"c", Type::integer()}});
  open(request, DecodeErrors::kSkip);
  ASSERT_TRUE(add_keyed({{nullptr, R"({"a":1})"}, {"x", R"({"a":2})"}}).ok());
  EXPECT_THAT(finished(), ElementsAre("+I(2, x)"));
}

TEST(TableFormat, SaysWhatIsWrongWithKeys) {
  const auto problem = [](OptionMap options) {
    if (!options.contains("value.format")) options.emplace("format", "json");
    const OptionTable known(message_format_options(Option<std::string>{.name = "format"}));
    const auto read = read_table_format(
        testing::table_of(Schema({{"a", Type::integer()}, {"b", Type::integer()}}),
                          std::move(options)),
        known, "");
    return read.ok() ? std::string() : read.error().message;
  };
  EXPECT_EQ(problem({{"key.format", "json"},
                     {"key.fields", "b; a"},
                     {"key.json.ignore-parse-errors", "true"},
                     {"value.json.encode.ignore-null-fields", "true"}}),
            "");
  EXPECT_EQ(problem({{"value.format", "csv"}, {"value.csv.field-delimiter", ";"}}), "");
  EXPECT_THAT(problem({{"value.format", "jsn"}}), HasSubstr("did you mean 'json'"));
  EXPECT_THAT(problem({{"key.format", "json"}}), HasSubstr("needs 'key.fields'"));
  EXPECT_THAT(problem({{"key.format", "json"}, {"key.fields", "a;c"}}),
              HasSubstr("names 'c', which is no physical column"));
  EXPECT_THAT(problem({{"key.format", "json"}, {"key.fields", "a;a"}}), HasSubstr("'a' twice"));
  EXPECT_THAT(problem({{"key.fields", "a"}}), HasSubstr("no effect without 'key.format'"));
  EXPECT_THAT(problem({{"value.fields-include", "EXCEPT_KEY"}}),
              HasSubstr("no effect without 'key.format'"));
  EXPECT_THAT(problem({{"key.format", "debezium-json"}, {"key.fields", "a"}}),
              HasSubstr("would be a change"));
  EXPECT_THAT(problem({{"key.format", "jsn"}, {"key.fields", "a"}}),
              HasSubstr("did you mean 'json'"));
  EXPECT_THAT(problem({{"key.format", "json"}, {"key.fields", "a"}, {"key.json.x", "1"}}),
              HasSubstr("unknown option 'key.json.x'"));
}

}  // namespace
}  // namespace slipstream::connector_kit
