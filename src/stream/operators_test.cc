// Operators of the DataStream API, in virtual time.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/stream.h"
#include "slipstream/stream/testing.h"

namespace slipstream::stream {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TestJob;
using testing::TestOptions;
using ::testing::UnorderedElementsAre;

using Reading = std::pair<std::string, std::int64_t>;  // sensor, value

std::string sensor_of(const Reading& reading) { return reading.first; }
Reading sum(const Reading& a, const Reading& b) { return {a.first, a.second + b.second}; }

enum class Colour : std::uint16_t { kRed = 1, kBlue = 40'000 };
struct Part {
  std::int8_t size = 0;
  std::optional<std::string> label;
  friend bool operator==(const Part&, const Part&) = default;
};
inline auto describe_row(const Part*) {
  return columns(column("size", &Part::size), column("label", &Part::label));
}
struct Everything {
  bool flag = false;
  std::uint64_t big = 0;
  float ratio = 0;
  Colour colour = Colour::kRed;
  std::vector<std::byte> blob;
  std::chrono::system_clock::time_point at;
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> until;
  Part part;
  std::optional<Part> spare;
  std::vector<Part> parts;
  std::map<std::string, std::vector<std::int32_t>> lists;
  friend bool operator==(const Everything&, const Everything&) = default;
};
inline auto describe_row(const Everything*) {
  return columns(column("flag", &Everything::flag), column("big", &Everything::big),
                 column("ratio", &Everything::ratio), column("colour", &Everything::colour),
                 column("blob", &Everything::blob), column("at", &Everything::at),
                 column("until", &Everything::until), column("part", &Everything::part),
                 column("spare", &Everything::spare), column("parts", &Everything::parts),
                 column("lists", &Everything::lists));
}

TEST(Rows, ValuesComeBackFromColumnsAndBytesAsTheyWere) {
  Everything full;
  full.flag = true;
  full.big = ~std::uint64_t{0};
  full.ratio = -1.5F;
  full.colour = Colour::kBlue;
  full.blob = {std::byte{0}, std::byte{255}};
  full.at = std::chrono::system_clock::time_point(1'700'000'000'123'456'789ns);
  full.until = std::chrono::sys_time<std::chrono::milliseconds>(-5ms);
  full.part = {-7, "text that is longer than twelve bytes"};
  full.spare = Part{1, std::nullopt};
  full.parts = {{2, "two"}, {3, std::nullopt}};
  full.lists = {{"none", {}}, {"some", {1, -2, 3}}};
  const std::vector<Everything> values{Everything{}, full, Everything{}, full};
  for (const Everything& value : values) {
    EXPECT_EQ(from_bytes<Everything>(to_bytes(value)), value);
    const std::string saved = to_bytes(value);
    EXPECT_EQ(from_bytes<Everything>(std::string_view(saved).substr(1)), std::nullopt);
    EXPECT_EQ(from_bytes<Everything>(saved + "x"), std::nullopt);
  }
  TestJob job({.parallelism = 2});
  auto input = job.input<Everything>();
  auto output =
      job.output(input.stream().rebalance().map([](const Everything& value) { return value; }));
  for (const Everything& value : values) input.send(value);
  EXPECT_TRUE(job.status().ok()) << job.status().to_string();
  EXPECT_THAT(output.take(), ::testing::UnorderedElementsAreArray(values));
  EXPECT_EQ(RowOf<Everything>::schema()[1].type.to_string(), "DECIMAL(20, 0) NOT NULL");
  EXPECT_EQ(RowOf<Everything>::schema()[3].type.to_string(), "INT NOT NULL");
}

// All kinds of state of one key in one line of text.
class AllState final : public KeyedProcessFunction<std::string, Reading, std::string> {
 public:
  void open(RuntimeContext& context) override {
    sum_ = context.reducing_state<std::int64_t>("sum", std::plus<std::int64_t>());
    list_ = context.list_state<std::int64_t>("list");
    map_ = context.map_state<std::int64_t, std::string>("map");
    last_ = context.value_state<Reading>("last", {.ttl = 10s});
  }
  void process_element(const Reading& reading, Context& context,
                       Collector<std::string>& out) override {
    if (reading.second < 0) {
      map_.remove(-reading.second);
      list_.clear();
      return;
    }
    sum_.add(reading.second);
    list_.add(reading.second);
    map_.put(reading.second, reading.first);
    auto entries = map_.entries();
    std::sort(entries.begin(), entries.end());
    std::string text = context.current_key() + " sum " + std::to_string(*sum_.get()) + " list";
    for (const std::int64_t value : list_.get()) text += " " + std::to_string(value);
    text += " map";
    for (const auto& [key, value] : entries) text += " " + std::to_string(key) + value;
    const auto last = last_.get();
    text += " last " + (last ? std::to_string(last->second) : "-");
    last_.update(reading);
    out.collect(text);
  }

 private:
  ReducingState<std::int64_t> sum_;
  ListState<std::int64_t> list_;
  MapState<std::int64_t, std::string> map_;
  ValueState<Reading> last_;
};

TEST(KeyedState, IsKeptPerKeyAndRestoredAtAnotherParallelism) {
  const auto build = [](TestJob& job) {
    auto input = job.input<Reading>();
    auto output = job.output(input.stream().key_by(sensor_of).process(AllState()).uid("all"));
    return std::pair(input, output);
  };
  TestJob job({.parallelism = 2});
  auto [input, output] = build(job);
  input.send({"a", 1});
  input.send({"b", 5});
  input.send({"a", 2});
  EXPECT_THAT(output.take(),
              UnorderedElementsAre("a sum 1 list 1 map 1a last -", "b sum 5 list 5 map 5b last -",
                                   "a sum 3 list 1 2 map 1a 2a last 1"));
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok()) << saved.status().to_string();

  TestJob other({.parallelism = 3});
  auto [input2, output2] = build(other);
  other.restore(*saved);
  input2.send({"a", 4});
  input2.send({"a", -2});
  input2.send({"a", 9});
  input2.send({"b", 1});
  EXPECT_TRUE(other.status().ok()) << other.status().to_string();
  EXPECT_THAT(output2.take(), UnorderedElementsAre("a sum 7 list 1 2 4 map 1a 2a 4a last 2",
                                                   "a sum 16 list 9 map 1a 4a 9a last 4",
                                                   "b sum 6 list 5 1 map 1b 5b last 5"));
}

TEST(KeyedState, IsForgottenAfterItsTime) {
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(input.stream().key_by(sensor_of).process(AllState()));
  input.send({"a", 1});
  job.set_processing_time(9'999);
  input.send({"a", 2});
  job.set_processing_time(19'999);
  input.send({"a", 3});
  EXPECT_THAT(output.take(),
              ElementsAre(HasSubstr("last -"), HasSubstr("last 1"), HasSubstr("last -")));
}

TEST(KeyedState, EntriesOfAMapAreForgottenOneByOne) {
  class Recent final : public KeyedProcessFunction<bool, std::int64_t, std::int64_t> {
   public:
    void open(RuntimeContext& context) override {
      recent_ = context.map_state<std::int64_t, bool>("recent", {.ttl = 10ms});
    }
    void process_element(const std::int64_t& value, Context&, Collector<Out>& out) override {
      recent_.put(value, true);
      out.collect(static_cast<std::int64_t>(recent_.entries().size()));
    }

   private:
    MapState<std::int64_t, bool> recent_;
  };
  const auto build = [](TestJob& job) {
    auto input = job.input<std::int64_t>();
    auto keyed = input.stream().key_by([](std::int64_t) { return true; });
    return std::pair(input, job.output(keyed.process(Recent()).uid("recent")));
  };
  auto job = std::make_unique<TestJob>();
  auto [input, output] = build(*job);
  for (std::int64_t i = 0; i < 200; ++i) {
    job->set_processing_time(i);
    input.send(i % 50);  // comes again long after it was forgotten
    if (i != 100) continue;
    const auto saved = job->snapshot();
    ASSERT_TRUE(saved.ok());
    EXPECT_EQ(output.take().back(), 10);
    job = std::make_unique<TestJob>(TestOptions{.processing_time = i});
    std::tie(input, output) = build(*job);
    job->restore(*saved);
  }
  EXPECT_TRUE(job->status().ok()) << job->status().to_string();
  EXPECT_EQ(output.take(), std::vector<std::int64_t>(99, 10));
}

TEST(KeyedState, LongListsSurviveASnapshot) {
  class Keep final : public KeyedProcessFunction<bool, std::string, std::int64_t> {
   public:
    void open(RuntimeContext& context) override { list_ = context.list_state<std::string>("list"); }
    void process_element(const std::string& text, Context&, Collector<Out>& out) override {
      list_.add(text);
      std::int64_t total = 0;
      for (const std::string& kept : list_.get()) total += static_cast<std::int64_t>(kept.size());
      out.collect(total);
    }

   private:
    ListState<std::string> list_;
  };
  const auto build = [](TestJob& job) {
    auto input = job.input<std::string>();
    auto keyed = input.stream().key_by([](const std::string&) { return true; });
    return std::pair(input, job.output(keyed.process(Keep()).uid("keep")));
  };
  TestJob job;
  auto [input, output] = build(job);
  for (int i = 0; i < 200; ++i) input.send(std::string(100, 'x'));
  input.send(std::string(5'000, 'y'));
  EXPECT_EQ(output.take().back(), 25'000);
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok());
  TestJob other;
  auto [input2, output2] = build(other);
  other.restore(*saved);
  input2.send("z");
  EXPECT_THAT(output2.take(), ElementsAre(25'001));
}

TEST(KeyedState, ADifferentTypeIsRefusedWithBothNamed) {
  class Narrow final : public KeyedProcessFunction<std::string, Reading, Reading> {
   public:
    void open(RuntimeContext& context) override { context.value_state<std::int32_t>("x"); }
    void process_element(const Reading&, Context&, Collector<Reading>&) override {}
  };
  class Wide final : public KeyedProcessFunction<std::string, Reading, Reading> {
   public:
    void open(RuntimeContext& context) override { x_ = context.value_state<std::int64_t>("x"); }
    void process_element(const Reading&, Context&, Collector<Reading>&) override { x_.update(1); }

   private:
    ValueState<std::int64_t> x_;
  };
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(input.stream().key_by(sensor_of).process(Wide()).uid("x"));
  input.send({"a", 1});
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok());
  TestJob other;
  auto input2 = other.input<Reading>();
  auto output2 = other.output(input2.stream().key_by(sensor_of).process(Narrow()).uid("x"));
  other.restore(*saved);
  EXPECT_THAT(other.status().to_string(),
              AllOf(HasSubstr("state 'x' was saved as value:(f0 BIGINT"), HasSubstr("INT NOT NULL"),
                    HasSubstr("another uid")));
}

// Says when its timers fire; a reading sets one `value` ms later in both domains.
class Timers final : public KeyedProcessFunction<std::string, Reading, std::string> {
 public:
  void process_element(const Reading& reading, Context& context, Collector<Out>&) override {
    if (reading.second < 0) {
      context.timers().delete_event_time_timer(-reading.second);
      return;
    }
    context.timers().register_event_time_timer(reading.second);
    context.timers().register_event_time_timer(reading.second);
    context.timers().register_processing_time_timer(context.current_processing_time() +
                                                    reading.second);
  }
  void on_timer(Timestamp time, OnTimerContext& context, Collector<Out>& out) override {
    out.collect(context.current_key() + (context.is_event_time() ? "@" : "#") +
                std::to_string(time));
  }
};

TEST(Timers, FireInOrderOncePerKeyInBothDomainsAndSurviveARestore) {
  const auto build = [](TestJob& job) {
    auto input = job.input<Reading>();
    return std::pair(input,
                     job.output(input.stream().key_by(sensor_of).process(Timers()).uid("t")));
  };
  TestJob job;
  auto [input, output] = build(job);
  input.send({"a", 30});
  input.send({"b", 10});
  input.send({"a", 20});
  input.send({"a", 40});
  input.send({"a", -40});
  input.watermark(9);
  EXPECT_THAT(output.take(), IsEmpty());
  input.watermark(20);
  EXPECT_THAT(output.take_with_times(), ElementsAre(std::pair<std::string, Timestamp>("b@10", 10),
                                                    std::pair<std::string, Timestamp>("a@20", 20)));
  job.set_processing_time(15);
  EXPECT_THAT(output.take(), ElementsAre("b#10"));
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok());

  TestJob other({.parallelism = 4, .processing_time = 15});
  auto [input2, output2] = build(other);
  other.restore(*saved);
  other.set_processing_time(1'000);
  EXPECT_THAT(output2.take(), ElementsAre("a#20", "a#30", "a#40"));
  input2.end();
  EXPECT_THAT(output2.take(), ElementsAre("a@30"));
}

TEST(Windows, TumblingFireWithTheWatermarkAndLateOnesGoAside) {
  const OutputTag<Reading> late{"late"};
  TestJob job({.parallelism = 2});
  auto input = job.input<Reading>();
  auto sums = input.stream()
                  .key_by(sensor_of)
                  .window(tumbling_event_time_windows(10ms))
                  .side_output_late_data(late)
                  .reduce(sum);
  auto output = job.output(sums);
  auto late_output = job.output(sums.side_output(late));
  input.send({"a", 1}, 0);
  input.send({"a", 2}, 9);
  input.send({"a", 4}, 10);
  input.send({"b", 8}, -1);
  input.watermark(8);
  EXPECT_THAT(output.take(), ElementsAre(Reading("b", 8)));
  input.watermark(9);
  EXPECT_THAT(output.take_with_times(), ElementsAre(std::pair<Reading, Timestamp>({"a", 3}, 9)));
  input.send({"a", 16}, 5);
  EXPECT_THAT(output.take(), IsEmpty());
  EXPECT_THAT(late_output.take(), ElementsAre(Reading("a", 16)));
  input.end();
  EXPECT_THAT(output.take(), ElementsAre(Reading("a", 4)));
  EXPECT_TRUE(job.status().ok()) << job.status().to_string();
}

// finding 14: the end of such a window wrapped around
TEST(Windows, ATimeThatNoWindowHoldsIsAnErrorOfTheElement) {
  const auto status_after = [](WindowAssigner assigner, Timestamp time) {
    TestJob job;
    auto input = job.input<Reading>();
    auto output =
        job.output(input.stream().key_by(sensor_of).window(std::move(assigner)).reduce(sum));
    input.send({"a", 1}, time);
    return job.status().to_string();
  };
  for (const Timestamp time : {kEndOfTime, kEndOfTime - 3, kNoTimestamp + 1}) {
    for (const WindowAssigner& assigner :
         {tumbling_event_time_windows(10ms), sliding_event_time_windows(10ms, 5ms),
          session_event_time_windows(10ms)}) {
      EXPECT_THAT(status_after(assigner, time), HasSubstr("too far from 1970")) << time;
    }
  }
  EXPECT_EQ(status_after(tumbling_event_time_windows(10ms), kEndOfTime - 1'000),
            Status().to_string());
}

// finding 14: what lies before the beginning of time is no watermark
TEST(Watermarks, ABoundBeforeTheFirstTimeGivesNone) {
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(input.stream().assign_timestamps_and_watermarks(
      WatermarkStrategy<Reading>::for_bounded_out_of_orderness(1s).with_timestamp_assigner(
          [](const Reading& reading) { return reading.second; })));
  input.send({"a", kNoTimestamp + 5});
  EXPECT_THAT(output.take_watermarks(), IsEmpty());
  input.send({"a", 3'000});
  EXPECT_THAT(output.take_watermarks(), ElementsAre(1'999));
}

TEST(Windows, AllowedLatenessFiresAgain) {
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(input.stream()
                               .key_by(sensor_of)
                               .window(tumbling_event_time_windows(10ms))
                               .allowed_lateness(5ms)
                               .reduce(sum));
  input.send({"a", 1}, 0);
  input.watermark(12);
  input.send({"a", 2}, 3);
  input.watermark(13);
  input.send({"a", 4}, 3);
  input.watermark(14);
  input.send({"a", 8}, 3);
  EXPECT_THAT(output.take(), ElementsAre(Reading("a", 1), Reading("a", 3), Reading("a", 7)));
  EXPECT_EQ(job.metric("late_rows_total"), 1);
}

class Average final
    : public AggregateFunction<Reading, std::pair<std::int64_t, std::int64_t>, double> {
 public:
  void add(const Reading& reading, Accumulator& sum) override {
    sum.first += reading.second;
    ++sum.second;
  }
  double get_result(const Accumulator& sum) override {
    return static_cast<double>(sum.first) / static_cast<double>(sum.second);
  }
  void merge(Accumulator& into, const Accumulator& from) override {
    into.first += from.first;
    into.second += from.second;
  }
};

class Label final : public ProcessWindowFunction<double, std::string, std::string> {
 public:
  void process(const std::string& key, Context& context, const std::vector<double>& values,
               Collector<std::string>& out) override {
    out.collect(key + " [" + std::to_string(context.window().start) + "," +
                std::to_string(context.window().end) + ") " +
                std::to_string(static_cast<int>(values.at(0) * 10)));
  }
};

TEST(Windows, SlidingWindowsOverlap) {
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(input.stream()
                               .key_by(sensor_of)
                               .window(sliding_event_time_windows(10ms, 5ms))
                               .aggregate(Average(), Label()));
  input.send({"a", 1}, 3);
  input.send({"a", 2}, 7);
  input.end();
  EXPECT_THAT(output.take(), ElementsAre("a [-5,5) 10", "a [0,10) 15", "a [5,15) 20"));
}

TEST(Windows, SessionsMergeAndSurviveARestore) {
  const auto build = [](TestJob& job) {
    auto input = job.input<Reading>();
    return std::pair(input, job.output(input.stream()
                                           .key_by(sensor_of)
                                           .window(session_event_time_windows(10ms))
                                           .aggregate(Average(), Label())
                                           .uid("s")));
  };
  TestJob job({.parallelism = 2});
  auto [input, output] = build(job);
  input.send({"a", 1}, 0);
  input.send({"a", 2}, 15);
  input.send({"b", 5}, 3);
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok()) << saved.status().to_string();
  TestJob other;
  auto [input2, output2] = build(other);
  other.restore(*saved);
  input2.send({"a", 6}, 8);  // joins both sessions of a
  input2.watermark(20);
  EXPECT_THAT(output2.take(), ElementsAre("b [3,13) 50"));
  input2.send({"a", 3}, 40);
  input2.end();
  EXPECT_THAT(output2.take(), ElementsAre("a [0,25) 30", "a [40,50) 30"));
  EXPECT_TRUE(other.status().ok()) << other.status().to_string();
}

class Median final : public ProcessWindowFunction<Reading, std::int64_t, bool> {
 public:
  void process(const bool&, Context&, const std::vector<Reading>& readings,
               Collector<std::int64_t>& out) override {
    std::vector<std::int64_t> values;
    for (const Reading& reading : readings) values.push_back(reading.second);
    std::sort(values.begin(), values.end());
    out.collect(values[values.size() / 2]);
  }
};

TEST(Windows, ProcessingTimeWindowsFollowTheClock) {
  TestJob job({.parallelism = 2, .processing_time = 1'000});
  auto input = job.input<Reading>();
  auto output = job.output(
      input.stream().window_all(tumbling_processing_time_windows(100ms)).process(Median()));
  input.send({"a", 3});
  input.send({"b", 9});
  input.send({"c", 4});
  job.set_processing_time(1'098);
  EXPECT_THAT(output.take(), IsEmpty());
  job.set_processing_time(1'099);
  EXPECT_THAT(output.take(), ElementsAre(4));
}

// Against the definition, over random elements and watermarks, through a restore in the middle.
TEST(Windows, AgreeWithAModelOverRandomInput) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto build = [](TestJob& job) {
      auto input = job.input<Reading>();
      return std::pair(input, job.output(input.stream()
                                             .key_by(sensor_of)
                                             .window(sliding_event_time_windows(20ms, 10ms))
                                             .reduce(sum)
                                             .uid("w")));
    };
    auto job = std::make_unique<TestJob>(TestOptions{.parallelism = 1 + seed % 3});
    auto [input, output] = build(*job);
    std::map<std::pair<Timestamp, std::string>, std::int64_t> model;  // window start, key
    std::vector<std::pair<Reading, Timestamp>> results;
    Timestamp watermark = kNoTimestamp;
    for (int i = 0; i < 300; ++i) {
      const Timestamp time = i + static_cast<int>(random() % 40);
      const Reading reading(std::string(1, static_cast<char>('a' + random() % 5)),
                            static_cast<int>(random() % 100));
      for (Timestamp start = (time / 10 - 1) * 10; start <= time; start += 10) {
        if (start + 19 > watermark) model[{start, reading.first}] += reading.second;
      }
      input.send(reading, time);
      if (random() % 10 == 0) input.watermark(watermark = std::max<Timestamp>(watermark, i));
      if (i == 150) {
        const auto saved = job->snapshot();
        ASSERT_TRUE(saved.ok());
        for (auto& result : output.take_with_times()) results.push_back(result);
        job = std::make_unique<TestJob>(TestOptions{.parallelism = 1 + (seed + 1) % 3});
        std::tie(input, output) = build(*job);
        job->restore(*saved);
      }
    }
    input.end();
    for (auto& result : output.take_with_times()) results.push_back(result);
    std::vector<std::pair<Reading, Timestamp>> expected;
    for (const auto& [at, total] : model) expected.push_back({{at.second, total}, at.first + 19});
    std::sort(results.begin(), results.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(results, expected) << "seed " << seed;
  }
}

TEST(Connect, TwoKeyedStreamsShareStateAndTimers) {
  // Pairs an order with its payment, or complains after 10 ms of event time.
  class Match final
      : public KeyedCoProcessFunction<std::int64_t, std::int64_t, std::string, std::string> {
   public:
    void open(RuntimeContext& context) override { open_ = context.value_state<bool>("open"); }
    void process_element1(const std::int64_t&, Context& context, Collector<Out>&) override {
      open_.update(true);
      context.timers().register_event_time_timer(*context.timestamp() + 10);
    }
    void process_element2(const std::string& how, Context& context, Collector<Out>& out) override {
      out.collect(std::to_string(context.current_key()) +
                  (open_.value_or(false) ? " paid by " : " unknown ") + how.substr(1));
      open_.clear();
    }
    void on_timer(Timestamp, OnTimerContext& context, Collector<Out>& out) override {
      if (open_.value_or(false)) out.collect(std::to_string(context.current_key()) + " unpaid");
    }

   private:
    ValueState<bool> open_;
  };
  TestJob job({.parallelism = 2});
  auto orders = job.input<std::int64_t>("orders");
  auto payments = job.input<std::string>("payments");
  auto output = job.output(orders.stream()
                               .key_by([](std::int64_t id) { return id; })
                               .connect(payments.stream().key_by([](const std::string& payment) {
                                 return static_cast<std::int64_t>(payment[0] - '0');
                               }))
                               .process(Match()));
  orders.send(1, 0);
  orders.send(2, 5);
  payments.send("1cash", 3);
  payments.send("7card", 3);
  EXPECT_THAT(output.take(), UnorderedElementsAre("1 paid by cash", "7 unknown card"));
  orders.watermark(100);
  EXPECT_THAT(output.take(), IsEmpty()) << "the other input holds event time back";
  payments.watermark(14);
  EXPECT_THAT(output.take(), IsEmpty());
  payments.watermark(15);
  EXPECT_THAT(output.take(), ElementsAre("2 unpaid"));
}

const BroadcastStateDescriptor<std::string, std::int64_t> kLimits{"limits"};

class Check final
    : public KeyedBroadcastProcessFunction<std::string, Reading, Reading, std::string> {
 public:
  void process_element(const Reading& reading, ReadOnlyContext& context,
                       Collector<Out>& out) override {
    const auto limit = context.broadcast_state(kLimits).get(reading.first);
    if (limit && reading.second > *limit)
      out.collect(context.current_key() + " " + std::to_string(reading.second));
  }
  void process_broadcast_element(const Reading& limit, Context& context, Collector<Out>&) override {
    context.broadcast_state(kLimits).put(limit.first, limit.second);
  }
};

TEST(Connect, BroadcastStateReachesEveryInstanceAndIsRestored) {
  const auto build = [](TestJob& job) {
    auto readings = job.input<Reading>("readings");
    auto limits = job.input<Reading>("limits");
    auto output = job.output(readings.stream()
                                 .key_by(sensor_of)
                                 .connect(limits.stream().broadcast_state())
                                 .process(Check())
                                 .uid("check"));
    return std::tuple(readings, limits, output);
  };
  TestJob job({.parallelism = 3});
  auto [readings, limits, output] = build(job);
  const std::vector<std::string> sensors{"a", "b", "c", "d", "e", "f", "g"};
  for (const std::string& sensor : sensors) limits.send({sensor, 10});
  limits.send({"a", 20});
  for (const std::string& sensor : sensors) readings.send({sensor, 15});
  EXPECT_THAT(output.take(), UnorderedElementsAre("b 15", "c 15", "d 15", "e 15", "f 15", "g 15"));
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok());
  for (const std::uint32_t parallelism : {1U, 5U}) {
    TestJob other({.parallelism = parallelism});
    auto [readings2, limits2, output2] = build(other);
    other.restore(*saved);
    const auto again = other.snapshot();  // nobody has asked for the state yet
    ASSERT_TRUE(again.ok());
    TestJob third({.parallelism = 2});
    auto [readings3, limits3, output3] = build(third);
    third.restore(*again);
    for (const std::string& sensor : sensors) readings3.send({sensor, 25});
    EXPECT_EQ(output3.take().size(), 7U) << third.status().to_string();
    readings2.send({"g", 12});
    EXPECT_THAT(output2.take(), ElementsAre("g 12"));
  }
}

std::string restored_as(const std::string& saved, const std::function<void(TestJob&)>& build) {
  TestJob job;
  build(job);
  job.restore(saved);
  return job.status().to_string();
}

// finding 35
TEST(Restore, StateThatNoOperatorUsesIsRefusedAsByAJob) {
  const auto build = [](const std::string& uid) {
    return [uid](TestJob& job) {
      job.output(job.input<Reading>().stream().key_by(sensor_of).process(AllState()).uid(uid));
    };
  };
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(input.stream().key_by(sensor_of).process(AllState()).uid("all"));
  input.send({"a", 1});
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok()) << saved.status().to_string();
  EXPECT_EQ(restored_as(*saved, build("all")), Status().to_string());
  EXPECT_THAT(restored_as(*saved, build("other")),
              AllOf(HasSubstr("has state that this job does not use"), HasSubstr("all")));
}

// finding 1: the uid is the user's, so nothing but the type tells that the keys are others
TEST(Restore, AnotherTypeOfTheKeyIsRefused) {
  class Count final : public KeyedProcessFunction<std::int32_t, Reading, std::int64_t> {
   public:
    void process_element(const Reading&, Context&, Collector<std::int64_t>&) override {}
  };
  class WideCount final : public KeyedProcessFunction<std::int64_t, Reading, std::int64_t> {
   public:
    void process_element(const Reading&, Context&, Collector<std::int64_t>&) override {}
  };
  const auto narrow = [](TestJob& job) {
    auto input = job.input<Reading>();
    job.output(input.stream()
                   .key_by([](const Reading& r) { return static_cast<std::int32_t>(r.second); })
                   .process(Count())
                   .uid("count"));
    return input;
  };
  TestJob job;
  narrow(job).send({"a", 1});
  const auto saved = job.snapshot();
  ASSERT_TRUE(saved.ok()) << saved.status().to_string();
  EXPECT_EQ(restored_as(*saved, narrow), Status().to_string());
  EXPECT_THAT(restored_as(*saved,
                          [](TestJob& other) {
                            other.output(other.input<Reading>()
                                             .stream()
                                             .key_by([](const Reading& r) { return r.second; })
                                             .process(WideCount())
                                             .uid("count"));
                          }),
              AllOf(HasSubstr("key was saved as (f0 INT NOT NULL)"), HasSubstr("BIGINT")));
}

TEST(Process, SideOutputsUnionAndMaps) {
  const OutputTag<std::string> odd{"odd"};
  class Split final : public ProcessFunction<std::int64_t, std::int64_t> {
   public:
    void process_element(const std::int64_t& value, Context& context,
                         Collector<std::int64_t>& out) override {
      if (value % 2 == 0) {
        out.collect(value);
      } else {
        context.output(OutputTag<std::string>{"odd"}, "o" + std::to_string(value));
      }
    }
    void finish(Collector<std::int64_t>& out) override { out.collect(-1); }
  };
  TestJob job;
  auto input = job.input<std::int64_t>();
  auto evens = input.stream().process(Split());
  auto texts = evens.map([](std::int64_t value) { return "e" + std::to_string(value); });
  auto output = job.output(texts.union_with(evens.side_output(odd)));
  for (int i = 1; i <= 4; ++i) input.send(i);
  EXPECT_THAT(output.take(), UnorderedElementsAre("o1", "e2", "o3", "e4"));
  input.end();
  EXPECT_THAT(output.take(), ElementsAre("e-1"));
}

TEST(Process, ExceptionsFailTheOperatorByName) {
  TestJob job;
  auto input = job.input<std::int64_t>();
  auto output = job.output(input.stream()
                               .map([](std::int64_t value) {
                                 if (value == 3) throw std::runtime_error("three is refused");
                                 return value;
                               })
                               .name("no threes"));
  input.send(2);
  input.send(3);
  EXPECT_THAT(output.take(), ElementsAre(2));
  EXPECT_THAT(job.status().to_string(),
              AllOf(HasSubstr("no threes"), HasSubstr("three is refused")));
}

TEST(Time, WatermarksFollowTheStrategyOfTheStream) {
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(input.stream().assign_timestamps_and_watermarks(
      WatermarkStrategy<Reading>::for_bounded_out_of_orderness(5ms).with_timestamp_assigner(
          [](const Reading& reading) { return reading.second; })));
  input.send({"a", 10});
  input.send({"a", 7});
  input.watermark(1'000);  // ends at the assigner
  input.send({"a", 20});
  EXPECT_THAT(output.take_with_times(), ElementsAre(std::pair<Reading, Timestamp>({"a", 10}, 10),
                                                    std::pair<Reading, Timestamp>({"a", 7}, 7),
                                                    std::pair<Reading, Timestamp>({"a", 20}, 20)));
  EXPECT_THAT(output.take_watermarks(), ElementsAre(4, 14));
  input.end();
  EXPECT_THAT(output.take_watermarks(), ElementsAre(kEndOfTime));
}

TEST(Time, AGeneratorOfOnesOwnDecides) {
  class EveryThird final : public WatermarkGenerator<std::int64_t> {
   public:
    void on_event(const std::int64_t&, Timestamp time) override {
      if (++seen_ % 3 == 0) watermark_ = time;
    }
    Timestamp current_watermark() override { return watermark_; }

   private:
    int seen_ = 0;
    Timestamp watermark_ = kNoTimestamp;
  };
  TestJob job;
  auto input = job.input<std::int64_t>();
  auto output = job.output(input.stream().assign_timestamps_and_watermarks(
      WatermarkStrategy<std::int64_t>::for_generator([] {
        return std::make_unique<EveryThird>();
      }).with_timestamp_assigner([](std::int64_t value) { return value; })));
  for (int i = 1; i <= 7; ++i) input.send(i);
  EXPECT_THAT(output.take_watermarks(), ElementsAre(3, 6));
}

TEST(Time, AnEventTimeWindowWithoutTimesIsRefused) {
  TestJob job;
  auto input = job.input<Reading>();
  auto output = job.output(
      input.stream().key_by(sensor_of).window(tumbling_event_time_windows(1s)).reduce(sum));
  input.send({"a", 1});
  EXPECT_THAT(job.status().to_string(), HasSubstr("assign_timestamps_and_watermarks"));
}

}  // namespace
}  // namespace slipstream::stream
