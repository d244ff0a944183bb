#include "bids.h"

#include <numeric>

#include "base/try.h"

namespace slipstream::bench {
namespace {

std::string clock_text(long number) {
  return "2024-05-01 12:" + std::to_string(10 + number / 60'000 % 50) + ":" +
         std::to_string(10 + number / 1'000 % 50) + "." + std::to_string(100 + number % 900);
}

std::string url_of(long number) {
  return "https://www.nexmark.com/items/" + std::to_string(number * 7'919 % 1'000'003) +
         "/item.htm?query=1&channel_id=" + std::to_string(number % 10'000);
}

}  // namespace

Schema bid_schema() {
  return Schema({{"auction", Type::bigint()},
                 {"bidder", Type::bigint()},
                 {"price", Type::bigint()},
                 {"channel", Type::string()},
                 {"url", Type::string()},
                 {"date_time", Type::timestamp(3)},
                 {"extra", Type::string()}});
}

std::string json_bid(long number) {
  return "{\"auction\":" + std::to_string(1'000 + number * 31 % 100'000) +
         ",\"bidder\":" + std::to_string(1'000 + number * 7'919 % 1'000'003) +
         ",\"price\":" + std::to_string(100 + number * 997 % 10'000'000) +
         ",\"channel\":\"channel-" + std::to_string(number % 10'000) + "\",\"url\":\"" +
         url_of(number) + "\",\"date_time\":\"" + clock_text(number) + "\",\"extra\":\"" +
         std::string(70, static_cast<char>('a' + number % 26)) + "\"}";
}

std::string csv_bid(long number) {
  return std::to_string(1'000 + number * 31 % 100'000) + "," +
         std::to_string(1'000 + number * 7'919 % 1'000'003) + "," +
         std::to_string(100 + number * 997 % 10'000'000) + ",channel-" +
         std::to_string(number % 10'000) + "," + url_of(number) + "," + clock_text(number) + "," +
         std::string(30, static_cast<char>('a' + number % 26));
}

BidBodies::BidBodies(std::string (*make)(long)) {
  std::vector<std::size_t> ends;
  for (long i = 0; i < kBids; ++i) {
    text_ += make(i);
    ends.push_back(text_.size());
  }
  text_.append(format::kBodyPadding, '\0');
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    views_.push_back(std::string_view(text_).substr(begin, end - begin));
    begin = end;
  }
}

BidDecoder::BidDecoder(const char* format, std::string (*make)(long),
                       std::vector<std::size_t> projection)
    : bodies_(std::make_shared<BidBodies>(make)) {
  const auto found = format::find_format(format);
  CHECK(found.ok());
  const auto options = (*found)->options.parse({}, format);
  CHECK(options.ok());
  const Schema schema = bid_schema();
  auto decoder = (*found)->make_decoder(schema, projection, *options);
  CHECK(decoder.ok());
  decoder_ = std::move(*decoder);
  for (const std::size_t column : projection) {
    builders_.push_back(std::make_unique<ColumnBuilder>(schema[column].type));
    columns_.push_back(builders_.back().get());
  }
}

Batch BidDecoder::decode() {
  format::DecodedRows rows;
  rows.columns = columns_;
  decoder_->decode({bodies_->views(), bodies_, true}, rows);
  CHECK(rows.failures.empty() && rows.bodies.size() == std::size_t{kBids});
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder* each : columns_) columns.push_back(each->finish());
  return Batch(kBids, std::move(columns));
}

Batch bid_batch() {
  std::vector<std::size_t> all(bid_schema().size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return BidDecoder("json", json_bid, all).decode();
}

}  // namespace slipstream::bench
