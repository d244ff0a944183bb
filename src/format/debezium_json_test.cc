#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/testing/round.h"

namespace slipstream::format {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using testing::decode;
using ::testing::ElementsAre;
using testing::encode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Schema products() { return Schema({{"id", Type::integer()}, {"name", Type::string()}}); }

TEST(DebeziumDecoder, EveryOperation) {
  const auto result = decode(
      {.format = "debezium-json", .schema = products()},
      {R"({"before":null,"after":{"id":1,"name":"scooter"},"source":{"db":"x","op":"y"},"op":"c","ts_ms":1})",
       R"({"op":"r","after":{"id":2,"name":"a rather long product name"},"before":null})",
       R"({"before":{"id":1,"name":"scooter"},"after":{"id":1,"name":"bike"},"op":"u"})",
       R"({"op":"d","before":{"id":2,"name":"car"},"after":null})", ""});
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_THAT(result.rows, ElementsAre("+I(1, scooter)", "+I(2, a rather long product name)",
                                       "-U(1, scooter)", "+U(1, bike)", "-D(2, car)"));
  EXPECT_THAT(result.bodies, ElementsAre(0, 1, 2, 2, 3));
}

TEST(DebeziumDecoder, EventsWithSchema) {
  const auto result = decode(
      {.format = "debezium-json",
       .schema = products(),
       .options = {{"debezium-json.schema-include", "true"}}},
      {R"({"schema":{"op":"x","fields":[{"after":1}]},"payload":{"before":null,"after":{"id":1,"name":"a"},"op":"c"}})",
       R"({"before":null,"after":{"id":1,"name":"a"},"op":"c"})"});
  EXPECT_THAT(result.rows, ElementsAre("+I(1, a)"));
  ASSERT_EQ(result.failures.size(), 1U);
  EXPECT_THAT(result.failures[0], HasSubstr("schema-include"));
}

TEST(DebeziumDecoder, FailuresLeaveNoHalfUpdate) {
  const auto result =
      decode({.format = "debezium-json", .schema = products()},
             {R"({"before":{"id":1,"name":"a"},"after":{"id":"x"},"op":"u"})",
              R"({"before":null,"after":{"id":1,"name":"b"},"op":"u"})", R"({"after":{"id":1}})",
              R"({"after":{"id":1},"op":"t"})", R"({"after":{"id":5,"name":"ok"},"op":"c"})"});
  EXPECT_THAT(result.rows, ElementsAre("+I(5, ok)"));
  ASSERT_EQ(result.failures.size(), 4U);
  EXPECT_THAT(result.failures[0], HasSubstr("'x' is no INT"));
  EXPECT_THAT(result.failures[1], HasSubstr("REPLICA IDENTITY FULL"));
  EXPECT_THAT(result.failures[2], HasSubstr("there is no text 'op'"));
  EXPECT_THAT(result.failures[3], HasSubstr("operation 't'"));
}

TEST(DebeziumDecoder, ProjectsImages) {
  const auto result =
      decode({.format = "debezium-json", .schema = products(), .projection = {{1}}},
             {R"({"before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"},"op":"u"})"});
  EXPECT_THAT(result.rows, ElementsAre("-U(a)", "+U(b)"));
}

TEST(DebeziumDecoder, CountsRowsWithoutColumns) {
  const auto result = decode(
      {.format = "debezium-json", .schema = products(), .projection = {std::vector<std::size_t>{}}},
      {R"({"before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"},"op":"u"})"});
  EXPECT_THAT(result.rows, ElementsAre("-U()", "+U()"));
}

TEST(DebeziumEncoder, WritesAsFlink) {
  const Batch batch =
      batch_of({column_of(Type::integer(), {"1", "1", "1", "2"}),
                column_of(Type::string(), {"a", "a", "b", std::nullopt})},
               {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kUpdateAfter, RowKind::kDelete});
  EXPECT_THAT(encode({.format = "debezium-json", .schema = products()}, batch),
              ElementsAre(R"({"before":null,"after":{"id":1,"name":"a"},"op":"c"})",
                          R"({"before":{"id":1,"name":"a"},"after":null,"op":"d"})",
                          R"({"before":null,"after":{"id":1,"name":"b"},"op":"c"})",
                          R"({"before":{"id":2,"name":null},"after":null,"op":"d"})"));
  EXPECT_THAT(encode({.format = "debezium-json",
                      .schema = products(),
                      .options = {{"debezium-json.schema-include", "true"}}},
                     batch)[0],
              HasSubstr("for reading only"));
}

TEST(DebeziumRoundTrip, FoldsToTheSameTable) {
  const Batch batch =
      batch_of({column_of(Type::integer(), {"1", "1"}), column_of(Type::string(), {"a", "a"})},
               {RowKind::kInsert, RowKind::kDelete});
  const auto bodies = encode({.format = "debezium-json", .schema = products()}, batch);
  EXPECT_EQ(decode({.format = "debezium-json", .schema = products()}, bodies).rows,
            slipstream::testing::row_texts(batch));
}

}  // namespace
}  // namespace slipstream::format
