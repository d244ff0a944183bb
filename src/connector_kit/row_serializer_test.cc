#include "connector_kit/row_serializer.h"

#include <gmock/gmock.h>

#include "connector_kit/testing/connector_harness.h"
#include "data/testing/columns.h"

namespace slipstream::connector_kit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const OptionTable kConnector(option_specs(Option<std::string>{.name = "format"},
                                          key_option::kFormat, key_option::kFields,
                                          key_option::kValueFieldsInclude));
const Schema kSchema({{"k", Type::string()}, {"n", Type::integer()}});

Result<std::unique_ptr<RowSerializer>> serializer(OptionMap options) {
  TRY_ASSIGN(const TableFormat format,
             read_table_format(testing::table_of(kSchema, std::move(options)), kConnector, "csv"));
  return RowSerializer::make("t", format, kSchema);
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
