#include "connector_kit/row_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connector_kit/testing/connector_harness.h"

namespace slipstream::connector_kit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A body as a reader has it: in a buffer of its own.
class Text final : public Buffer {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {
    text_.append(format::kBodyPadding, ' ');
  }
  std::size_t bytes() const override { return text_.size(); }
  std::string_view view() const {
    return std::string_view(text_).substr(0, text_.size() - format::kBodyPadding);
  }

 private:
  std::string text_;
};

class RowAssemblerTest : public ::testing::Test {
 protected:
  void open(DecodeErrors errors, std::size_t batch_rows = 4096) {
    SourceRequest request = testing::source_request(
        testing::table_of(Schema({{"n", Type::integer()}}), {{"format", "json"}}));
    request.table.metadata = {{"at", "at", Type::bigint(), true}};
    request.metadata = {0};
    const OptionTable options({OptionSpec{.name = "format"}});
    auto plan = plan_decoding(request, *read_table_format(request.table, options, ""), errors);
    ASSERT_TRUE(plan.ok()) << plan.status().to_string();
    const Metrics metrics = counters_.metrics();
    auto made =
        RowAssembler::make(std::make_shared<const DecodedTable>(std::move(*plan)), batch_rows,
                           {metrics.value("bodies", ""), metrics.value("bytes", ""),
                            metrics.value("failed", ""), metrics.value("ignored", "")},
                           "; do something");
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    rows_ = std::move(*made);
    rows_->begin();
  }
  // Bodies at positions [at, ...), of which `padded` may be read in place.
  Status add(std::uint32_t split, std::int64_t at, const std::vector<std::string>& texts,
             std::size_t padded) {
    BodyChunk chunk;
    std::vector<std::string_view> bodies;
    for (const std::string& text : texts) {
      texts_.push_back(std::make_shared<const Text>(text));
      bodies.push_back(texts_.back()->view());
      chunk.bytes += text.size();
    }
    chunk.split = split;
    chunk.bodies = bodies;
    chunk.buffer = texts_.back();
    chunk.padded_count = padded;
    const std::vector<RowAssembler::AppendMetadata> metadata{
        [at](std::span<const std::uint32_t> of, ColumnBuilder& out) {
          for (const std::uint32_t body : of) out.append<std::int64_t>(at + body);
        }};
    return rows_->add(chunk, metadata, [at, split](std::uint32_t body) {
      const std::string position = std::to_string(at + body);
      return BodyOrigin{"s" + std::to_string(split), position, "body " + position, {{"k", "v"}}};
    });
  }

  testing::Counters counters_;
  std::vector<std::shared_ptr<const Text>> texts_;
  std::unique_ptr<RowAssembler> rows_;
};

TEST_F(RowAssemblerTest, RunsSayWhichRowsCameFromWhichSplit) {
  open(DecodeErrors::kFail);
  ASSERT_TRUE(add(4, 10, {R"({"n":1})", R"({"n":2})"}, 1).ok());
  ASSERT_TRUE(add(4, 12, {R"({"n":3})"}, 0).ok());
  ASSERT_TRUE(add(7, 90, {R"({"n":4})"}, 1).ok());
  rows_->event({7, SplitEnded{}});
  SourceBatch batch;
  rows_->finish(&batch);
  EXPECT_THAT(testing::row_texts(batch.rows),
              ElementsAre("+I(1, 10)", "+I(2, 11)", "+I(3, 12)", "+I(4, 90)"));
  ASSERT_EQ(batch.runs.size(), 2U);
  EXPECT_EQ(batch.runs[1].split, 7U);
  EXPECT_EQ(batch.runs[1].begin, 3U);
  EXPECT_EQ(batch.events.size(), 1U);
  EXPECT_EQ(counters_["bodies"], 4);
  rows_->begin();
  EXPECT_TRUE(rows_->empty());
}

TEST_F(RowAssemblerTest, ABatchIsFullByRowsOrByBytes) {
  open(DecodeErrors::kFail, 2);
  EXPECT_EQ(rows_->room(), 2U);
  ASSERT_TRUE(add(0, 0, {R"({"n":1})"}, 0).ok());
  EXPECT_FALSE(rows_->full());
  ASSERT_TRUE(add(0, 1, {R"({"n":1})"}, 0).ok());
  EXPECT_TRUE(rows_->full());
  open(DecodeErrors::kSkip);
  ASSERT_TRUE(add(0, 0, {std::string(RowAssembler::kBytesMax, 'x')}, 0).ok());
  EXPECT_TRUE(rows_->full()) << "without a row";
  EXPECT_TRUE(rows_->empty());
}

TEST_F(RowAssemblerTest, UnderFailTheFirstBadBodyIsAnErrorWithPlaceAndAdvice) {
  open(DecodeErrors::kFail);
  const Status status = add(0, 5, {R"({"n":1})", "{", "["}, 2);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kDataError);
  EXPECT_THAT(status.error().message, HasSubstr("table 't': body 6 is no row of the table: "));
  EXPECT_THAT(status.error().message, HasSubstr("; do something"));
}

TEST_F(RowAssemblerTest, BadBodiesAreSkippedAndCounted) {
  open(DecodeErrors::kSkip);
  ASSERT_TRUE(add(0, 5, {"{", R"({"n":1})", "["}, 1).ok());
  SourceBatch batch;
  Batch rejected;
  rows_->give_rejected(&rejected);
  rows_->finish(&batch);
  EXPECT_THAT(testing::row_texts(batch.rows), ElementsAre("+I(1, 6)"));
  EXPECT_EQ(rejected.rows(), 0U);
  EXPECT_EQ(counters_["failed"], 2);
}

TEST_F(RowAssemblerTest, DeadLettersHaveBodyReasonAndOrigin) {
  open(DecodeErrors::kDeadLetter);
  ASSERT_TRUE(add(3, 5, {R"({"n":1})", "no json"}, 0).ok());
  rows_->reject("broken", "damaged", [](std::uint32_t) { return BodyOrigin{"s9", "1", "", {}}; });
  Batch rejected;
  rows_->give_rejected(&rejected);
  ASSERT_EQ(rejected.rows(), 2U);
  EXPECT_EQ(rejected.column(0)->text(0), "no json");
  EXPECT_EQ(rejected.column(2)->text(0), "s3");
  EXPECT_EQ(rejected.column(3)->text(0), "6");
  EXPECT_EQ(testing::row_texts(rejected)[1], "+I(broken, damaged, s9, 1, {})");
  Batch none;
  rows_->give_rejected(&none);
  EXPECT_EQ(none.rows(), 0U);
  EXPECT_EQ(counters_["failed"], 2);
}

}  // namespace
}  // namespace slipstream::connector_kit
