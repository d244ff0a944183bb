// Tables that read a recording.
#include <fstream>

#include <gmock/gmock.h>

#include "base/testing/temporary_folder.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/rocketmq_connector.h"

namespace slipstream::rocketmq_connector {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ReaderHarness;
using ::testing::UnorderedElementsAre;
using Poll = SourceReader::Poll;

class RecordedSourceTest : public ::testing::Test {
 protected:
  void record(const std::string& lines) { std::ofstream(file_) << lines; }
  Result<std::unique_ptr<Source>> make(OptionMap options = {},
                                       std::vector<TableDefinition::MetadataColumn> metadata = {}) {
    options.insert({{"topic", "T"},
                    {"nameServerAddress", "127.0.0.1:1"},
                    {"consumerGroup", "g"},
                    {"format", "json"},
                    {"scan.recording", file_}});
    TableDefinition table = testing::table_of(Schema({{"n", Type::integer()}}), std::move(options));
    table.metadata = std::move(metadata);
    return make_factory()->make_source(testing::source_request(std::move(table)));
  }
  static Status read(ReaderHarness& reader) {
    while (true) {
      const auto polled = reader.poll();
      if (!polled.ok()) return polled.status();
      if (*polled != Poll::kBatch) return {};
    }
  }

  const TemporaryFolder folder_;
  const std::string file_ = folder_ / "slice.jsonl";
};

TEST_F(RecordedSourceTest, RowsComeInTheOrderOfTheFileWithWhatWasRecorded) {
  record(
      R"({"topic":"T","broker":"b","queue":1,"offset":7,"id":"7F","time":1000,"tags":"red","keys":["k"],"body":"{\"n\":1}"})"
      "\n"
      R"({"topic":"T","broker":"b","queue":0,"offset":3,"id":"80","time":2000,"properties":{"x":"y"},"body_base64":"eyJuIjoyfQ=="})"
      "\n\n"
      R"({"topic":"T","broker":"b","queue":1,"offset":9,"id":"81","time":3000,"body":"{\"n\":3}"})");
  const auto source = make({}, {{"queue-id", "queue-id", Type::integer(), true},
                                {"queue-offset", "queue-offset", Type::bigint(), true},
                                {"msg-id", "msg-id", Type::string(), true},
                                {"store-timestamp", "store-timestamp", Type::bigint(), true},
                                {"tags", "tags", Type::string(), true},
                                {"keys", "keys", Type::string(), true}});
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  EXPECT_TRUE((*source)->bounded());
  EXPECT_TRUE((*source)->endpoints().empty());
  EXPECT_THAT((*source)->explain(), Contains("recording=" + file_));
  ReaderHarness reader(**source);
  ASSERT_TRUE(reader.discover().ok());
  EXPECT_TRUE(reader.complete);
  ASSERT_TRUE(read(reader).ok());
  EXPECT_THAT(reader.rows,
              ElementsAre("+I(1, 1, 7, 7F, 1000, red, k)", "+I(2, 0, 3, 80, 2000, NULL, NULL)",
                          "+I(3, 1, 9, 81, 3000, NULL, NULL)"));
  std::vector<std::string> events;
  for (const SplitEvent& event : reader.events) events.push_back(testing::event_text(event));
  EXPECT_THAT(events, UnorderedElementsAre("0 added", "1 added", "0 ended", "1 ended"));
}

TEST_F(RecordedSourceTest, ALineNeedsABodyOnly) {
  record("{\"body\":\"{\\\"n\\\":1}\"}\n{\"body\":\"{\\\"n\\\":2}\",\"tags\":\"red\"}\n");
  const auto all = make({}, {{"queue-offset", "queue-offset", Type::bigint(), true},
                             {"topic", "topic", Type::string(), true}});
  ASSERT_TRUE(all.ok());
  ReaderHarness reader(**all);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(read(reader).ok());
  EXPECT_THAT(reader.rows, ElementsAre("+I(1, 0, T)", "+I(2, 1, T)"));
  const auto red = make({{"tag", "red || blue"}});
  ASSERT_TRUE(red.ok());
  ReaderHarness tagged(**red);
  ASSERT_TRUE(tagged.discover().ok());
  ASSERT_TRUE(read(tagged).ok());
  EXPECT_THAT(tagged.rows, ElementsAre("+I(2)"));
}

TEST_F(RecordedSourceTest, APausedQueueIsReadLaterAndACheckpointGoesOnBehindIt) {
  std::string lines;
  for (int n = 0; n < 6; ++n) {
    lines += R"({"queue":)" + std::to_string(n % 2) + R"(,"body":"{\"n\":)" + std::to_string(n) +
             "}\"}\n";
  }
  record(lines);
  const auto source = make();
  ASSERT_TRUE(source.ok());
  ReaderHarness reader(**source, 1);
  ASSERT_TRUE(reader.discover().ok());
  const std::uint32_t first = 0;
  reader.reader->pause({&first, 1});
  ASSERT_TRUE(read(reader).ok());
  EXPECT_THAT(reader.rows, ElementsAre("+I(1)", "+I(3)", "+I(5)"));
  const auto splits = reader.reader->snapshot(1);
  ASSERT_TRUE(splits.ok());
  reader.reader->pause({});
  ASSERT_TRUE(read(reader).ok());
  EXPECT_EQ(reader.rows.size(), 6U);
  EXPECT_EQ(reader.rows.back(), "+I(4)");

  ReaderHarness again(**source);
  for (std::uint32_t i = 0; i < splits->size(); ++i)
    ASSERT_TRUE(again.reader->add_split(i, (*splits)[i]).ok());
  ASSERT_TRUE(read(again).ok());
  EXPECT_THAT(again.rows, ElementsAre("+I(0)", "+I(2)", "+I(4)"));
}

// What comes before what was passed over is not read again, so that nobody sees it damaged.
TEST_F(RecordedSourceTest, AQueueThatGoesOnIsReadFromWhereItWasPaused) {
  const auto line = [](int queue, int n) {
    return R"({"queue":)" + std::to_string(queue) + R"(,"body":"{\"n\":)" + std::to_string(n) +
           "}\"}\n";
  };
  const std::string head = line(0, 1) + line(1, 2) + "\n";
  record(head + line(0, 3) + line(1, 4) + line(0, 5) + line(1, 6));
  const auto source = make({}, {{"queue-offset", "queue-offset", Type::bigint(), true}});
  ASSERT_TRUE(source.ok());
  ReaderHarness reader(**source, 1);
  ASSERT_TRUE(reader.discover().ok());
  for (int i = 0; i < 2; ++i) ASSERT_EQ(*reader.poll(), Poll::kBatch);
  const std::uint32_t first = 0;
  reader.reader->pause({&first, 1});
  ASSERT_TRUE(read(reader).ok());
  EXPECT_THAT(reader.rows, ElementsAre("+I(1, 0)", "+I(2, 0)", "+I(4, 1)", "+I(6, 2)"));
  std::fstream(file_, std::ios::in | std::ios::out) << std::string(head.size(), 'x');
  reader.reader->pause({});
  const Status status = read(reader);
  ASSERT_TRUE(status.ok()) << status.to_string();
  reader.rows.erase(reader.rows.begin(), reader.rows.begin() + 4);
  EXPECT_THAT(reader.rows, ElementsAre("+I(3, 1)", "+I(5, 2)"));
}

TEST_F(RecordedSourceTest, WhatIsNoRecordingIsRefusedWithItsLine) {
  const auto refused = [&](const std::string& lines) {
    record(lines);
    const auto source = make();
    if (!source.ok()) return source.error().message;
    ReaderHarness reader(**source);
    Status status = reader.discover();
    if (status.ok()) status = read(reader);
    return status.ok() ? std::string("read") : status.error().message;
  };
  EXPECT_THAT(refused("{\"body\":\"{}\"}\n{\"n\":1}\n"), HasSubstr("line 2: unknown field 'n'"));
  EXPECT_THAT(refused("{\"offset\":5,\"body\":\"{}\"}\n{\"offset\":5,\"body\":\"{}\"}\n"),
              HasSubstr("line 2: offset 5 of queue T/recording/0 comes behind offset 5"));
  EXPECT_THAT(refused("{\"body\":\"{}\"}\n{\"body\":\"no\"}\n"),
              HasSubstr("line 2 of recording '" + file_ + "'"));
  EXPECT_EQ(refused(""), "read");
  const auto missing = make({{"scan.recording", file_ + ".not"}});
  ASSERT_TRUE(missing.ok());
  ReaderHarness reader(**missing);
  EXPECT_THAT(reader.discover().error().message, HasSubstr("cannot be read"));
  const auto filtered = make({{"scan.filter.sql", "a = 1"}});
  ASSERT_FALSE(filtered.ok());
  EXPECT_THAT(filtered.error().message, HasSubstr("'scan.filter.sql' is for brokers"));
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
