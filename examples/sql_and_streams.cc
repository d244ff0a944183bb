// SQL and C++ in one job: sql_and_streams
// A query makes random bids, C++ drops the odd ones, SQL sums up what is left in windows.
#include <iostream>

#include "slipstream/sql.h"
#include "slipstream/stream.h"

using namespace slipstream::stream;

namespace {

struct Bid {
  std::string item;
  std::int64_t price = 0;
  std::int64_t number = 0;
};
auto describe_row(const Bid*) {
  return columns(column("item", &Bid::item), column("price", &Bid::price),
                 column("number", &Bid::number));
}

using Sum = std::tuple<std::string, std::optional<std::int64_t>, std::int64_t>;

class Print final : public SinkFunction<Sum> {
 public:
  void invoke(const Sum& sum, Context&) override {
    std::cout << std::get<0>(sum) + ": " + std::to_string(std::get<1>(sum).value_or(0)) + " in " +
                     std::to_string(std::get<2>(sum)) + " bids\n"
              << std::flush;
  }
};

}  // namespace

int main() {
  Environment env({.name = "sql-and-streams"});
  slipstream::sql::TableEnvironment tables(env);
  tables.execute(R"(CREATE TABLE bids (number BIGINT) WITH ('connector' = 'datagen',
      'number-of-rows' = '1000', 'fields.number.kind' = 'sequence', 'fields.number.start' = '1',
      'fields.number.end' = '1000'))");
  auto even = tables
                  .query<Bid>(
                      "SELECT CASE WHEN MOD(number, 3) = 0 THEN 'tea' ELSE 'milk' END, "
                      "number * 10, number FROM bids")
                  .filter([](const Bid& bid) { return bid.number % 2 == 0; })
                  .assign_timestamps_and_watermarks(
                      WatermarkStrategy<Bid>::for_monotonous_timestamps().with_timestamp_assigner(
                          [](const Bid& bid) { return bid.number; }));
  tables.create_view("even", even, {.rowtime = "ts"});
  tables
      .query<Sum>(
          "SELECT item, SUM(price), COUNT(*) FROM TABLE(TUMBLE(TABLE even, "
          "DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY item, window_start, window_end")
      .add_sink(Print());
  const slipstream::Status status = env.execute();
  if (status.ok()) return 0;
  std::cerr << "error: " << status.to_string() << '\n';
  return 1;
}
