// Nexmark bids as messages carry them: what the small benchmarks read and write.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/types.h"

#include "format/format.h"

namespace slipstream::bench {

inline constexpr int kBids = 4'096;  // of one batch

Schema bid_schema();                // auction, bidder, price, channel, url, date_time, extra
std::string json_bid(long number);  // 298 bytes or nearly
std::string csv_bid(long number);   // 173 bytes or nearly

// kBids bodies in one buffer, each followed by bytes that a parser may read.
class BidBodies final : public Buffer {
 public:
  explicit BidBodies(std::string (*make)(long));
  std::size_t bytes() const override { return text_.size(); }
  const std::vector<std::string_view>& views() const { return views_; }

 private:
  std::string text_;
  std::vector<std::string_view> views_;
};

// Decodes bodies again and again into the same builders.
class BidDecoder {
 public:
  BidDecoder(const char* format, std::string (*make)(long), std::vector<std::size_t> projection);
  Batch decode();

 private:
  std::shared_ptr<BidBodies> bodies_;
  std::vector<std::unique_ptr<ColumnBuilder>> builders_;
  std::vector<ColumnBuilder*> columns_;
  std::unique_ptr<format::RowDecoder> decoder_;
};

Batch bid_batch();

}  // namespace slipstream::bench
