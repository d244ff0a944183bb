#include "connector_kit/row_serializer.h"

#include <gmock/gmock.h>

#include "connector_kit/testing/connector_harness.h"
#include "data/testing/columns.h"

namespace slipstream::connector_kit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const OptionTable kConnector(option_specs(Option<std::string>{.name = "format"},
                                          key_option::kFormat, key_option::kFields,
                                          key_option::kValueFieldsInclude, kChangelogMode));
const Schema kSchema({{"k", Type::string()}, {"n", Type::integer()}});

Result<std::unique_ptr<RowSerializer>> serializer(OptionMap options,
                                                  std::vector<std::string> primary_key = {}) {
  TableDefinition table = testing::table_of(kSchema, std::move(options));
  table.primary_key = std::move(primary_key);
  TRY_ASSIGN(const TableFormat format, read_table_format(table, kConnector, "csv"));
  return RowSerializer::make("t", format, kSchema);
}
std::string refusal(OptionMap options, std::vector<std::string> primary_key) {
  const auto made = serializer(std::move(options), std::move(primary_key));
  EXPECT_FALSE(made.ok());
  return made.ok() ? "" : made.error().message;
}

// "0 {"k":"a"}: a,1" for row 0; a body that says that its key is gone is "gone".
std::vector<std::string> upserts(RowSerializer& serializer, const slipstream::testing::Texts& k,
                                 const slipstream::testing::Texts& n, std::vector<RowKind> kinds) {
  using slipstream::testing::column_of;
  const Batch batch = slipstream::testing::batch_of(
      {column_of(Type::string(), k), column_of(Type::integer(), n)}, std::move(kinds));
  const Status encoded = serializer.encode(batch);
  if (!encoded.ok()) return {encoded.error().message};
  std::vector<std::string> all;
  for (std::size_t i = 0; i < serializer.bodies().size(); ++i) {
    const std::string_view body = serializer.bodies()[i];
    EXPECT_EQ(serializer.is_deletion(i), body.empty());
    all.push_back(std::to_string(serializer.bodies().rows[i]) + " " +
                  std::string(serializer.key(i)) + ": " +
                  (serializer.is_deletion(i) ? "gone" : std::string(body)));
  }
  return all;
}

constexpr RowKind kInsert = RowKind::kInsert;
constexpr RowKind kBefore = RowKind::kUpdateBefore;
constexpr RowKind kAfter = RowKind::kUpdateAfter;
constexpr RowKind kDelete = RowKind::kDelete;

TEST(RowSerializer, UpsertsAreTheRowsOfTheirKeys) {
  auto made = serializer({{"changelog.mode", "upsert"}, {"format", "csv"}}, {"k"});
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_THAT(upserts(**made, {"a", "a", "a", "b", "c"}, {"1", "1", "2", "7", "8"},
                      {kInsert, kBefore, kAfter, kDelete, kInsert}),
              ElementsAre(R"(0 {"k":"a"}: a,1)", R"(2 {"k":"a"}: a,2)", R"(3 {"k":"b"}: gone)",
                          R"(4 {"k":"c"}: c,8)"));
  // Inserts only: as rows.
  EXPECT_THAT(upserts(**made, {"a", "b"}, {"1", "2"}, {}),
              ElementsAre(R"(0 {"k":"a"}: a,1)", R"(1 {"k":"b"}: b,2)"));
}

// Where a filter has taken the other half, where it is in the next batch, and where the key changes.
TEST(RowSerializer, AnOldRowWithoutItsNewOneIsGone) {
  auto made =
      serializer({{"changelog.mode", "upsert"}, {"format", "csv"}, {"key.format", "raw"}}, {"k"});
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_THAT(upserts(**made, {"a", "b", "c", "d", "e"}, {"1", "1", "2", "2", "3"},
                      {kBefore, kBefore, kAfter, kAfter, kBefore}),
              ElementsAre("0 a: gone", "1 b: gone", "2 c: c,2", "3 d: d,2", "4 e: gone"));
}

TEST(RowSerializer, UpsertsOfABodyWithoutItsKey) {
  auto made = serializer(
      {{"changelog.mode", "upsert"}, {"format", "csv"}, {"value.fields-include", "EXCEPT_KEY"}},
      {"k"});
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_THAT(upserts(**made, {"a", "b"}, {"1", "2"}, {kAfter, kDelete}),
              ElementsAre(R"(0 {"k":"a"}: 1)", R"(1 {"k":"b"}: gone)"));
  EXPECT_THAT(upserts(**made, {std::nullopt}, {"1"}, {kInsert}),
              ElementsAre(HasSubstr("no value in any column of the PRIMARY KEY")));
}

TEST(RowSerializer, UpsertsNeedAPrimaryKeyThatIsTheKey) {
  const OptionMap upsert{{"changelog.mode", "upsert"}, {"format", "csv"}};
  EXPECT_THAT(refusal(upsert, {}), HasSubstr("needs a PRIMARY KEY"));
  OptionMap other = upsert;
  other["key.fields"] = "n";
  EXPECT_THAT(refusal(other, {"k"}),
              AllOf(HasSubstr("'key.fields'"), HasSubstr("the PRIMARY KEY, 'k'")));
  other["key.fields"] = "n;k";
  EXPECT_TRUE(serializer(other, {"k", "n"}).ok());
  EXPECT_THAT(refusal({{"changelog.mode", "upsert"}, {"format", "debezium-json"}}, {"k"}),
              HasSubstr("'debezium-json' holds changes by itself"));
}

// As a message without a key gives NULL in the key's columns.
TEST(RowSerializer, ARowWhoseKeyColumnsAreNullHasNoKey) {
  using slipstream::testing::column_of;
  const Batch batch = slipstream::testing::batch_of(
      {column_of(Type::string(), {"a", std::nullopt, std::nullopt, "b"}),
       column_of(Type::integer(), {"1", "2", "3", "4"})});
  for (const char* format : {"raw", "json"}) {
    auto made = serializer({{"format", "csv"}, {"key.format", format}, {"key.fields", "k"}});
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    ASSERT_TRUE((*made)->encode(batch).ok());
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < 4; ++i) keys.emplace_back((*made)->key(i));
    const bool raw = std::string_view(format) == "raw";
    EXPECT_THAT(keys, ElementsAre(raw ? "a" : R"({"k":"a"})", "", "", raw ? "b" : R"({"k":"b"})"));
  }
}

TEST(RowSerializer, ABodyNeedsAColumn) {
  for (const char* format : {"csv", "delimited"}) {
    const auto made = serializer({{"format", format},
                                  {"key.format", "json"},
                                  {"key.fields", "k;n"},
                                  {"value.fields-include", "EXCEPT_KEY"}});
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.error().message, HasSubstr("leave one column out of 'key.fields'"));
  }
}

}  // namespace
}  // namespace slipstream::connector_kit
