#include <thread>

#include <gmock/gmock.h>
#include <unistd.h>

#include "connector_kit/testing/connector_harness.h"
#include "connectors/print/print_connector.h"

namespace slipstream::print_connector {
namespace {

using testing::Counters;
using ::testing::HasSubstr;

Schema two_columns() { return Schema({{"id", Type::bigint()}, {"name", Type::string()}}); }

Batch some_rows() {
  return slipstream::testing::batch_of(
      {slipstream::testing::column_of(Type::bigint(), {"1", "2", std::nullopt}),
       slipstream::testing::column_of(Type::string(), {"a", std::nullopt, "b, c"})},
      {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kDelete});
}

Result<std::unique_ptr<Sink>> sink_of(OptionMap options) {
  return make_factory()->make_sink(
      testing::sink_request(testing::table_of(two_columns(), std::move(options))));
}

// What a writer puts out for some_rows().
void write_rows(OptionMap options, std::uint32_t subtask = 0, std::uint32_t parallelism = 1) {
  const auto sink = sink_of(std::move(options));
  ASSERT_TRUE(sink.ok()) << sink.status().to_string();
  Counters counters;
  WriterContext context;
  context.subtask = subtask;
  context.parallelism = parallelism;
  context.metrics = counters.metrics();
  const auto writer = (*sink)->make_writer(std::move(context));
  ASSERT_EQ(*(*writer)->write(some_rows(), nullptr), SinkWriter::Write::kAccepted);
  EXPECT_EQ(**(*writer)->prepare(1, nullptr), "");
}

TEST(Print, RowsWithTheirKinds) {
  ::testing::internal::CaptureStdout();
  write_rows({});
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "+I[1, a]\n-U[2, null]\n-D[null, b, c]\n");
}

TEST(Print, IdentifierAndSubtask) {
  ::testing::internal::CaptureStdout();
  write_rows({{"print-identifier", "orders"}});
  write_rows({{"print-identifier", "orders"}}, 1, 2);
  write_rows({}, 0, 2);
  const std::string out = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(out, HasSubstr("orders> +I[1, a]\n"));
  EXPECT_THAT(out, HasSubstr("orders:2> +I[1, a]\n"));
  EXPECT_THAT(out, HasSubstr("\n1> +I[1, a]\n"));
}

TEST(Print, StandardErrorInstead) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  write_rows({{"standard-error", "true"}});
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("+I[1, a]\n"));
}

// A pipe takes a batch in pieces when nobody reads: rows of two writers stay whole all the same.
TEST(Print, RowsOfSeveralWritersStayWhole) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int saved = ::dup(STDOUT_FILENO);
  ASSERT_GE(::dup2(ends[1], STDOUT_FILENO), 0);
  ::close(ends[1]);
  const std::string text(900, 'x');
  const auto write_many = [&](std::uint32_t subtask) {
    slipstream::testing::Texts ids(1'000, std::to_string(subtask));
    const slipstream::testing::Texts names(1'000, text);
    const Batch batch =
        slipstream::testing::batch_of({slipstream::testing::column_of(Type::bigint(), ids),
                                       slipstream::testing::column_of(Type::string(), names)});
    const auto sink = sink_of({});
    const auto writer = (*sink)->make_writer(WriterContext{});
    EXPECT_TRUE((*writer)->write(batch, nullptr).ok());
  };
  std::string out;
  {
    std::jthread reader([&] {
      std::string piece(10'000, '\0');
      while (true) {
        const ssize_t count = ::read(ends[0], piece.data(), piece.size());
        if (count <= 0) return;
        out.append(piece, 0, static_cast<std::size_t>(count));
      }
    });
    {
      const std::jthread first([&] { write_many(1); });
      const std::jthread second([&] { write_many(2); });
    }
    ::dup2(saved, STDOUT_FILENO);  // closes the last writing end
  }
  ::close(saved);
  ::close(ends[0]);
  std::size_t rows = 0;
  for (std::size_t at = 0; at < out.size(); ++rows) {
    const std::size_t end = out.find('\n', at);
    const std::string_view row = std::string_view(out).substr(at, end - at);
    ASSERT_TRUE(row == "+I[1, " + text + "]" || row == "+I[2, " + text + "]");
    at = end + 1;
  }
  EXPECT_EQ(rows, 2'000U);
}

TEST(Print, OnlyWrites) {
  EXPECT_THAT(make_factory()->make_source({}).error().message, HasSubstr("can only be written"));
  EXPECT_THAT(sink_of({{"print-identifer", "x"}}).error().message, HasSubstr("print-identifier"));
}

}  // namespace
}  // namespace slipstream::print_connector
