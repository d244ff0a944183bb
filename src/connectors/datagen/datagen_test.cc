#include <algorithm>
#include <chrono>
#include <set>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/datagen/datagen_connector.h"

namespace slipstream::datagen_connector {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using testing::ReaderHarness;
using ::testing::SizeIs;
using Poll = SourceReader::Poll;

Result<std::unique_ptr<Source>> source_of(Schema schema, OptionMap options) {
  options.try_emplace("rows-per-second", "0");
  return make_factory()->make_source(
      testing::source_request(testing::table_of(std::move(schema), std::move(options))));
}

// All rows of a bounded table, sorted by nothing: as one reader deals them.
std::vector<std::string> rows_of(Schema schema, OptionMap options, std::size_t batch_rows = 4096) {
  const auto source = source_of(std::move(schema), std::move(options));
  EXPECT_TRUE(source.ok()) << source.status().to_string();
  EXPECT_TRUE((*source)->bounded());
  ReaderHarness bench(**source, batch_rows);
  EXPECT_TRUE(bench.discover().ok());
  EXPECT_EQ(*bench.drain(), Poll::kEnd);
  EXPECT_THAT(bench.batch_sizes, Each(Le(batch_rows)));
  return bench.rows;
}

// The values of a one-column table of so many rows, without +I( and ).
std::vector<std::string> values_of(const Type& type, OptionMap field, int rows = 1'000) {
  OptionMap options{{"number-of-rows", std::to_string(rows)}};
  for (auto& [name, value] : field) options["fields.f." + name] = value;
  std::vector<std::string> values = rows_of(Schema({{"f", type}}), std::move(options));
  for (std::string& value : values) value = value.substr(3, value.size() - 4);
  return values;
}

std::vector<double> numbers_of(const Type& type, OptionMap field, int rows = 1'000) {
  std::vector<double> numbers;
  for (const std::string& value : values_of(type, std::move(field), rows))
    numbers.push_back(std::stod(value));
  return numbers;
}

std::string problem_of(const Type& type, const OptionMap& options) {
  const auto source = source_of(Schema({{"f", type}}), options);
  return source.ok() ? "" : source.error().to_string();
}

TEST(Datagen, MakesSoManyRows) {
  for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{4096}})
    EXPECT_THAT(rows_of(Schema({{"f", Type::integer()}}), {{"number-of-rows", "1001"}}, batch),
                SizeIs(1'001));
  EXPECT_THAT(rows_of(Schema({{"f", Type::integer()}}), {{"number-of-rows", "3"}}), SizeIs(3));
  EXPECT_THAT(rows_of(Schema({{"f", Type::integer()}}), {{"number-of-rows", "0"}}), SizeIs(0));
}

// A job with a slow source costs nothing between its rows.
TEST(Datagen, SleepsUntilItsNextRowIsDue) {
  const auto source = source_of(Schema({{"f", Type::integer()}}),
                                {{"number-of-rows", "3"}, {"rows-per-second", "2"}});
  ASSERT_TRUE(source.ok());
  FakeClock clock;
  std::int64_t sleep_ms = 0;
  ReaderContext context;
  context.clock = &clock;
  context.wake_after = [&](std::int64_t ms) { sleep_ms = ms; };
  const auto reader = (*source)->make_reader(std::move(context));
  ASSERT_TRUE(reader.ok());
  const auto enumerator = (*source)->make_enumerator({});
  ASSERT_TRUE(enumerator.ok());
  const auto found = (*enumerator)->discover();
  ASSERT_TRUE(found.ok());
  for (std::uint32_t i = 0; i < found->added.size(); ++i)
    ASSERT_TRUE((*reader)->add_split(i, found->added[i]).ok());
  std::size_t made = 0;
  const auto drain = [&] {
    while (true) {
      SourceBatch batch;
      const auto polled = (*reader)->poll(&batch, nullptr);
      if (!polled.ok() || *polled != Poll::kBatch) return polled;
      made += batch.rows.rows();
    }
  };
  std::vector<std::int64_t> slept;
  while (*drain() == Poll::kNothing) {
    ASSERT_EQ(made, slept.size());
    slept.push_back(sleep_ms);
    clock.advance_ms(sleep_ms - 1);
    ASSERT_EQ(*drain(), Poll::kNothing);
    ASSERT_EQ(made, slept.size() - 1);
    clock.advance_ms(1);
  }
  EXPECT_EQ(made, 3U);
  EXPECT_THAT(slept, ElementsAre(480, 500, 500));
}

TEST(Datagen, SequencesAreWholeAndEndTheTable) {
  std::vector<double> numbers =
      numbers_of(Type::bigint(), {{"kind", "sequence"}, {"start", "5"}, {"end", "104"}});
  std::sort(numbers.begin(), numbers.end());
  ASSERT_THAT(numbers, SizeIs(100));
  EXPECT_EQ(numbers.front(), 5);
  EXPECT_EQ(numbers.back(), 104);
  EXPECT_EQ(std::set<double>(numbers.begin(), numbers.end()).size(), 100U);
  // Of several bounds the first one met counts.
  EXPECT_THAT(numbers_of(Type::bigint(), {{"kind", "sequence"}, {"start", "1"}, {"end", "9"}}, 4),
              SizeIs(4));
  // Any type that numbers fit into.
  EXPECT_THAT(values_of(Type::string(), {{"kind", "sequence"}, {"start", "-1"}, {"end", "0"}}),
              ::testing::UnorderedElementsAre("-1", "0"));
  EXPECT_THAT(values_of(Type::decimal(10, 2), {{"kind", "sequence"}, {"start", "3"}, {"end", "3"}}),
              ElementsAre("3.00"));
  EXPECT_THAT(values_of(Type::float64(), {{"kind", "sequence"}, {"start", "3"}, {"end", "3"}}),
              ElementsAre("3.0"));
}

TEST(Datagen, RandomNumbersKeepTheirBounds) {
  for (const Type& type : {Type::tinyint(), Type::smallint(), Type::integer(), Type::bigint()}) {
    const std::vector<double> numbers = numbers_of(type, {{"min", "-3"}, {"max", "4"}});
    EXPECT_THAT(numbers, Each(AllOf(Ge(-3), Le(4))));
    EXPECT_EQ(std::set<double>(numbers.begin(), numbers.end()).size(), 8U) << type.to_string();
  }
  EXPECT_THAT(numbers_of(Type::float64(), {{"min", "1.5"}, {"max", "2"}}),
              Each(AllOf(Ge(1.5), Le(2))));
  const std::vector<double> decimals =
      numbers_of(Type::decimal(10, 2), {{"min", "1"}, {"max", "3"}});
  EXPECT_THAT(decimals, Each(AllOf(Ge(1), Le(3))));
  EXPECT_GT(*std::max_element(decimals.begin(), decimals.end()), 2);
  EXPECT_THAT(numbers_of(Type::tinyint(), {}), Each(AllOf(Ge(-128), Le(127))));
}

TEST(Datagen, OtherTypes) {
  EXPECT_THAT(values_of(Type::string(), {}, 10), Each(SizeIs(100)));
  EXPECT_THAT(values_of(Type::string(), {{"length", "7"}}, 10), Each(SizeIs(7)));
  EXPECT_THAT(values_of(Type::character(5), {}, 10), Each(SizeIs(5)));
  const std::vector<std::string> booleans = values_of(Type::boolean(), {});
  EXPECT_EQ(std::set<std::string>(booleans.begin(), booleans.end()).size(), 2U);
  EXPECT_THAT(values_of(Type::date(), {}, 10), Each(SizeIs(10)));
  EXPECT_THAT(values_of(Type::time(0), {}, 10), Each(SizeIs(8)));
}

TEST(Datagen, NullRateIsARate) {
  const std::vector<std::string> values =
      values_of(Type::string(), {{"null-rate", "0.25"}, {"length", "3"}}, 4'000);
  EXPECT_THAT(std::count(values.begin(), values.end(), "NULL"), AllOf(Ge(800), Le(1'200)));
}

TEST(Datagen, TimesAreNowOrShortlyBefore) {
  const auto source = source_of(Schema({{"f", Type::timestamp(3)}}),
                                {{"number-of-rows", "100"}, {"fields.f.max-past", "10 s"}});
  ReaderHarness bench(**source);
  ASSERT_TRUE(bench.discover().ok());
  const std::int64_t now = SystemClock().wall_ms();
  std::int64_t least = now * 1'000;
  while (true) {
    SourceBatch batch;
    if (*bench.reader->poll(&batch, nullptr) != Poll::kBatch) break;
    for (std::size_t row = 0; row < batch.rows.rows(); ++row) {
      const std::int64_t micros = batch.rows.column(0)->data<std::int64_t>()[row];
      EXPECT_LE(micros, now * 1'000);
      EXPECT_GT(micros, (now - 30'000) * 1'000);
      least = std::min(least, micros);
    }
  }
  EXPECT_LT(least, (now - 5'000) * 1'000);
}

TEST(Datagen, TimesGoOnWithTheClock) {
  const auto source = source_of(Schema({{"f", Type::timestamp(3)}}), {});
  ReaderHarness bench(**source, 1);
  ASSERT_TRUE(bench.discover().ok());
  const SystemClock clock;
  const std::int64_t begin = clock.now_ms();
  while (bench.rows.empty() || bench.rows.back() == bench.rows.front()) {
    ASSERT_EQ(*bench.poll(), Poll::kBatch);
    ASSERT_LT(clock.now_ms() - begin, 120'000);
  }
}

// Rows of one split must not let the time of others pass.
TEST(Datagen, AllSplitsAreKnownBeforeTheFirstRow) {
  const auto source = source_of(Schema({{"f", Type::integer()}}), {{"number-of-rows", "3"}});
  ReaderHarness bench(**source);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(bench.poll().ok());
  EXPECT_THAT(bench.rows, SizeIs(0));
  const auto count = [&](auto kind) {
    return std::count_if(bench.events.begin(), bench.events.end(),
                         [](const SplitEvent& event) { return event.is<decltype(kind)>(); });
  };
  EXPECT_EQ(count(SplitAdded{}), kDatagenSplits);
  EXPECT_EQ(count(SplitEnded{}), kDatagenSplits - 3);
  ASSERT_EQ(*bench.drain(), Poll::kEnd);
  EXPECT_EQ(count(SplitEnded{}), kDatagenSplits);
}

TEST(Datagen, EverySplitOfAnUnboundedTableGivesRows) {
  const auto source = source_of(Schema({{"f", Type::integer()}}), {});
  ReaderHarness bench(**source, 1);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_EQ(*bench.poll(), Poll::kBatch) << "the splits are told";
  for (std::size_t i = 1; i <= kDatagenSplits; ++i) {
    ASSERT_EQ(*bench.poll(), Poll::kBatch);
    EXPECT_THAT(bench.rows, SizeIs(i));
  }
}

TEST(Datagen, ARestoreRepeatsNothingAndLosesNothing) {
  const OptionMap options = {{"number-of-rows", "500"},
                             {"fields.id.kind", "sequence"},
                             {"fields.id.start", "0"},
                             {"fields.id.end", "499"},
                             {"fields.name.length", "8"}};
  const Schema schema({{"id", Type::bigint()}, {"name", Type::string()}});
  std::vector<std::string> whole = rows_of(schema, options);
  const auto source = source_of(schema, options);
  ReaderHarness before(**source, 7);
  ASSERT_TRUE(before.discover().ok());
  for (int i = 0; i < 20; ++i) ASSERT_EQ(*before.poll(), Poll::kBatch);
  const auto state = before.reader->snapshot(1);
  // On two readers.
  ReaderHarness first(**source, 10);
  ReaderHarness second(**source, 100);
  ASSERT_TRUE(first.discover(before.enumerator->snapshot(), true).ok());
  EXPECT_EQ(first.next_index, 0U);
  ASSERT_TRUE(first.add({state->begin(), state->begin() + 3}).ok());
  ASSERT_TRUE(second.add({state->begin() + 3, state->end()}).ok());
  ASSERT_EQ(*first.drain(), Poll::kEnd);
  ASSERT_EQ(*second.drain(), Poll::kEnd);
  std::vector<std::string> rows = before.rows;
  rows.insert(rows.end(), first.rows.begin(), first.rows.end());
  rows.insert(rows.end(), second.rows.begin(), second.rows.end());
  std::sort(rows.begin(), rows.end());
  std::sort(whole.begin(), whole.end());
  EXPECT_EQ(rows, whole);
  EXPECT_EQ(first.add({Split{"datagen/0", "x"}}).error().code, ErrorCode::kCorrupt);
}

TEST(Datagen, RateHoldsRowsBackAndWakes) {
  const auto source = source_of(Schema({{"f", Type::integer()}}), {{"rows-per-second", "100"}});
  EXPECT_FALSE((*source)->bounded());
  ReaderHarness bench(**source);
  ASSERT_TRUE(bench.discover().ok());
  const SystemClock clock;
  const std::int64_t begin = clock.now_ms();
  while (bench.rows.size() < 30) {
    const auto polled = bench.poll();
    ASSERT_TRUE(polled.ok());
    ASSERT_NE(*polled, Poll::kEnd);
    ASSERT_LT(clock.now_ms() - begin, 120'000);
  }
  // 30 rows at 100 per second, of which 20 ms may be ahead.
  EXPECT_GE(clock.now_ms() - begin, 250);
  EXPECT_LT(bench.rows.size(), 60U);
  const int wakes = bench.wakes;
  while (*bench.poll() != Poll::kNothing) ASSERT_LT(clock.now_ms() - begin, 120'000);
  EXPECT_EQ(bench.wakes, wakes + 1) << "it is to be woken when there is something again";
}

TEST(Datagen, ProjectsColumnsWithoutChangingThem) {
  const Schema schema({{"a", Type::integer()}, {"b", Type::integer()}});
  const OptionMap options = {{"number-of-rows", "50"}, {"rows-per-second", "0"}};
  SourceRequest request = testing::source_request(testing::table_of(schema, options));
  const auto both = make_factory()->make_source(request);
  request.physical = {1};
  const auto one = make_factory()->make_source(request);
  ReaderHarness all(**both);
  ReaderHarness some(**one);
  ASSERT_TRUE(all.discover().ok() && some.discover().ok());
  ASSERT_TRUE(all.drain().ok() && some.drain().ok());
  ASSERT_EQ(all.rows.size(), some.rows.size());
  for (std::size_t i = 0; i < all.rows.size(); ++i)
    EXPECT_THAT(all.rows[i], HasSubstr(", " + some.rows[i].substr(3)));
  EXPECT_EQ((*one)->schema().to_string(), "(b INT)");
}

TEST(Datagen, SaysWhatIsWrong) {
  EXPECT_THAT(problem_of(Type::integer(), {{"fields.g.min", "1"}}),
              AllOf(HasSubstr("table 't'"), HasSubstr("names no column")));
  EXPECT_THAT(problem_of(Type::integer(), {{"fields.f.minimum", "1"}}),
              HasSubstr("kind, min, max"));
  EXPECT_THAT(problem_of(Type::integer(), {{"fields.f.min", "x"}}), HasSubstr("whole number"));
  EXPECT_THAT(problem_of(Type::float64(), {{"fields.f.min", "x"}}), HasSubstr("a number"));
  EXPECT_THAT(problem_of(Type::integer(), {{"fields.f.min", "5"}, {"fields.f.max", "4"}}),
              HasSubstr("must not be below min"));
  // Above the type's own greatest value, which is the default of max.
  EXPECT_THAT(problem_of(Type::tinyint(), {{"fields.f.min", "200"}}), HasSubstr("fields.f.min"));
  EXPECT_THAT(problem_of(Type::tinyint(), {{"fields.f.max", "300"}}), HasSubstr("TINYINT"));
  EXPECT_THAT(problem_of(Type::integer(), {{"fields.f.kind", "sequence"}}),
              HasSubstr("'start' and 'end'"));
  EXPECT_THAT(problem_of(Type::integer(), {{"fields.f.kind", "other"}}),
              HasSubstr("'random' or 'sequence'"));
  EXPECT_THAT(
      problem_of(Type::integer(),
                 {{"fields.f.kind", "sequence"}, {"fields.f.start", "2"}, {"fields.f.end", "1"}}),
      HasSubstr("must not be below start"));
  EXPECT_THAT(
      problem_of(Type::tinyint(),
                 {{"fields.f.kind", "sequence"}, {"fields.f.start", "1"}, {"fields.f.end", "128"}}),
      HasSubstr("TINYINT"));
  EXPECT_THAT(
      problem_of(Type::boolean(),
                 {{"fields.f.kind", "sequence"}, {"fields.f.start", "1"}, {"fields.f.end", "2"}}),
      HasSubstr("BOOLEAN"));
  EXPECT_THAT(problem_of(Type::string(), {{"fields.f.length", "-1"}}), HasSubstr("between 0 and"));
  EXPECT_THAT(problem_of(Type::string(), {{"fields.f.null-rate", "1.5"}}),
              HasSubstr("between 0 and 1"));
  EXPECT_THAT(problem_of(Type::timestamp(3), {{"fields.f.max-past", "soon"}}),
              HasSubstr("fields.f.max-past"));
  EXPECT_THAT(problem_of(Type::integer(), {{"number-of-rows", "-1"}}), HasSubstr("number-of-rows"));
  EXPECT_THAT(problem_of(Type::integer(), {{"rows-per-second", "-1"}}),
              HasSubstr("rows-per-second"));
  EXPECT_THAT(problem_of(Type::integer(), {{"number-of-row", "1"}}), HasSubstr("number-of-rows"));
  EXPECT_THAT(problem_of(Type::array(Type::integer()), {}), HasSubstr("which datagen cannot make"));
  EXPECT_THAT(make_factory()->make_sink(testing::sink_request({})).error().message,
              HasSubstr("can only be read"));
}

}  // namespace
}  // namespace slipstream::datagen_connector
