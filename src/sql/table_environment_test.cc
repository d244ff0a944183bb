// SQL and streams in one job.
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/sql.h"
#include "slipstream/stream.h"

namespace slipstream::sql {
namespace {

using namespace std::chrono_literals;
using stream::Collector;
using stream::Environment;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

struct Bid {
  std::string item;
  std::int64_t price = 0;
  std::int64_t at_ms = 0;
};
inline auto describe_row(const Bid*) {
  using stream::column;
  return stream::columns(column("item", &Bid::item), column("price", &Bid::price),
                         column("at_ms", &Bid::at_ms));
}

using Texts = std::vector<std::string>;
struct Lines {
  std::mutex mutex;
  Texts texts;
};
class Keep final : public stream::SinkFunction<std::string> {
 public:
  explicit Keep(std::shared_ptr<Lines> lines) : lines_(std::move(lines)) {}
  void invoke(const std::string& text, Context&) override {
    const std::lock_guard lock(lines_->mutex);
    lines_->texts.push_back(text);
  }

 private:
  std::shared_ptr<Lines> lines_;
};

TEST(TableEnvironment, StreamsAndQueriesReadEachOther) {
  Environment env({.name = "mixed", .parallelism = 2});
  TableEnvironment tables(env);
  auto bids = env.from_elements<Bid>({{"tea", 5, 1'000},
                                      {"tea", 7, 2'000},
                                      {"milk", 1, 3'000},
                                      {"tea", 9, 11'000},
                                      {"none", 0, 12'000}})
                  .filter([](const Bid& bid) { return bid.price > 0; })
                  .assign_timestamps_and_watermarks(
                      stream::WatermarkStrategy<Bid>::for_bounded_out_of_orderness(5s)
                          .with_timestamp_assigner([](const Bid& bid) { return bid.at_ms; }));
  tables.create_view("bids", bids, {.rowtime = "ts"});
  using Sum =
      std::tuple<std::string, std::optional<std::int64_t>, std::chrono::system_clock::time_point>;
  auto sums = tables.query<Sum>(
      "SELECT item, SUM(price), window_end FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), "
      "INTERVAL '10' SECOND)) GROUP BY item, window_start, window_end");
  auto lines = std::make_shared<Lines>();
  sums.map([](const Sum& sum) {
        return std::get<0>(sum) + " " + std::to_string(std::get<1>(sum).value_or(-1)) + " " +
               std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                                  std::get<2>(sum).time_since_epoch())
                                  .count());
      })
      .add_sink(Keep(lines));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(lines->texts, UnorderedElementsAre("tea 12 10", "milk 1 10", "tea 9 20"));
}

TEST(TableEnvironment, ElementsKeepTheEventTimeOfAQuery) {
  Environment env({.name = "times"});
  TableEnvironment tables(env);
  auto bids =
      env.from_elements<Bid>({{"tea", 5, 1'000}, {"tea", 7, 12'000}})
          .assign_timestamps_and_watermarks(
              stream::WatermarkStrategy<Bid>::for_monotonous_timestamps().with_timestamp_assigner(
                  [](const Bid& bid) { return bid.at_ms; }));
  tables.create_view("bids", bids, {.rowtime = "ts"});
  using Row = std::tuple<std::string, std::int64_t, std::chrono::system_clock::time_point>;
  auto lines = std::make_shared<Lines>();
  tables.query<Row>("SELECT item, price, ts FROM bids")
      .key_by([](const Row& row) { return std::get<0>(row); })
      .window(stream::tumbling_event_time_windows(10s))
      .reduce([](const Row& a, const Row&) { return a; })
      .map([](const Row& row) { return std::to_string(std::get<1>(row)); })
      .add_sink(Keep(lines));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(lines->texts, UnorderedElementsAre("5", "7"));
}

// finding 12
TEST(TableEnvironment, AViewHasTheColumnsOfItsElementsAndItsRowtime) {
  Environment env({.name = "columns"});
  TableEnvironment tables(env);
  auto bids =
      env.from_elements<Bid>({{"tea", 5, 1'000}})
          .assign_timestamps_and_watermarks(
              stream::WatermarkStrategy<Bid>::for_monotonous_timestamps().with_timestamp_assigner(
                  [](const Bid& bid) { return bid.at_ms; }));
  tables.create_view("plain", bids);
  tables.create_view("timed", bids, {.rowtime = "ts"});
  using Timed =
      std::tuple<std::string, std::int64_t, std::int64_t, std::chrono::system_clock::time_point>;
  auto lines = std::make_shared<Lines>();
  tables.query<Bid>("SELECT * FROM plain")
      .map([](const Bid& bid) { return bid.item + std::to_string(bid.price); })
      .add_sink(Keep(lines));
  tables.query<Timed>("SELECT * FROM timed")
      .map([](const Timed& row) {
        return std::get<0>(row) + "@" +
               std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::get<3>(row).time_since_epoch())
                                  .count());
      })
      .add_sink(Keep(lines));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(lines->texts, UnorderedElementsAre("tea5", "tea@1000"));
}

TEST(TableEnvironment, AViewWithARowtimeNeedsTimes) {
  Environment env({.name = "no times", .restart_attempts = 0});
  TableEnvironment tables(env);
  tables.create_view("bids", env.from_elements<Bid>({{"tea", 5, 1'000}}), {.rowtime = "ts"});
  auto lines = std::make_shared<Lines>();
  tables.query<std::chrono::system_clock::time_point>("SELECT ts FROM bids")
      .map([](const std::chrono::system_clock::time_point&) { return std::string(); })
      .add_sink(Keep(lines));
  EXPECT_THAT(env.execute().to_string(), HasSubstr("without a time came to a view with a rowtime"));
}

TEST(TableEnvironment, MistakesNameTheirPlace) {
  Environment env({.name = "wrong"});
  TableEnvironment tables(env);
  tables.create_view("bids", env.from_elements<Bid>({{"tea", 1, 1}}));
  tables.execute("INSERT INTO nowhere SELECT * FROM bids");
  tables.query<std::int32_t>("SELECT price FROM bids");
  tables.query<std::pair<std::string, std::int64_t>>(
      "SELECT item, COUNT(*) FROM bids GROUP BY item");
  EXPECT_THAT(env.execute().to_string(),
              AllOf(HasSubstr("nowhere"), HasSubstr("BIGINT"), HasSubstr("INT NOT NULL"),
                    HasSubstr("updated later")));
}

// Finding 34: wrong rows, status ok.
TEST(TableEnvironment, AStreamOfAnotherEnvironmentIsRefused) {
  Environment other({.name = "other"});
  const auto stranger = other.from_elements<Bid>({{"tea", 1, 1}});
  const auto is_refused = [](const std::string& what) {
    return HasSubstr(what + ": a stream of another environment ('other') in that of 'mine'");
  };
  {
    Environment env({.name = "mine"});
    TableEnvironment tables(env);
    tables.create_view("bids", stranger);
    EXPECT_THAT(env.execute().to_string(), is_refused("view 'bids'"));
  }
  Environment env({.name = "mine"});
  TableEnvironment tables(env);
  tables.execute(
      "CREATE TABLE gone (item STRING, price BIGINT, at_ms BIGINT) WITH ('connector' = "
      "'blackhole')");
  tables.insert_into("gone", stranger);
  EXPECT_THAT(env.execute().to_string(), is_refused("insert into 'gone'"));
}

}  // namespace
}  // namespace slipstream::sql
