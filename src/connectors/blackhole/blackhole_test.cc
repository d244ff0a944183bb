#include <gmock/gmock.h>

#include "connector_kit/testing/connector_harness.h"
#include "connectors/blackhole/blackhole_connector.h"

namespace slipstream::blackhole_connector {
namespace {

using ::testing::HasSubstr;

Result<std::unique_ptr<Sink>> sink_of(OptionMap options, bool updating = false) {
  SinkRequest request = testing::sink_request(
      testing::table_of(Schema({{"id", Type::bigint()}}), std::move(options)));
  request.updating = updating;
  return make_factory()->make_sink(request);
}

TEST(Blackhole, TakesEverything) {
  const auto sink = sink_of({}, true);
  ASSERT_TRUE(sink.ok());
  EXPECT_EQ((*sink)->schema().to_string(), "(id BIGINT)");
  const Batch batch =
      slipstream::testing::batch_of({slipstream::testing::column_of(Type::bigint(), {"1", "2"})},
                                    {RowKind::kInsert, RowKind::kDelete});
  const auto writer = (*sink)->make_writer(WriterContext{});
  EXPECT_EQ(*(*writer)->write(batch, nullptr), SinkWriter::Write::kAccepted);
  EXPECT_EQ(**(*writer)->prepare(1, nullptr), "");
}

TEST(Blackhole, HasNoOptionsAndOnlyWrites) {
  EXPECT_THAT(sink_of({{"path", "x"}}).error().message, HasSubstr("path"));
  EXPECT_THAT(make_factory()->make_source({}).error().message, HasSubstr("can only be written"));
}

}  // namespace
}  // namespace slipstream::blackhole_connector
