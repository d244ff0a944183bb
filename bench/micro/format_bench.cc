// Text to columns and back.
#include <benchmark/benchmark.h>

#include "base/try.h"
#include "bids.h"

namespace slipstream::bench {
namespace {

const std::vector<std::size_t> kAll = {0, 1, 2, 3, 4, 5, 6};
const std::vector<std::size_t> kThree = {0, 1, 2};

void decode(benchmark::State& state, const char* format, std::string (*make)(long),
            const std::vector<std::size_t>& projection) {
  BidDecoder decoder(format, make, projection);
  for ([[maybe_unused]] auto round : state) benchmark::DoNotOptimize(decoder.decode());
  state.SetItemsProcessed(state.iterations() * kBids);
}

void encode(benchmark::State& state, const char* format) {
  const auto found = format::find_format(format);
  CHECK(found.ok());
  const auto options = (*found)->options.parse({}, format);
  CHECK(options.ok());
  const auto encoder = (*found)->make_encoder(bid_schema(), *options);
  CHECK(encoder.ok());
  const Batch batch = bid_batch();
  format::EncodedBodies bodies;
  for ([[maybe_unused]] auto round : state) {
    bodies.clear();
    CHECK((*encoder)->encode(batch, 0, batch.rows(), bodies).ok());
    benchmark::DoNotOptimize(bodies.bytes.data());
  }
  state.SetItemsProcessed(state.iterations() * kBids);
}

BENCHMARK_CAPTURE(decode, json_7_columns, "json", json_bid, kAll);
BENCHMARK_CAPTURE(decode, json_3_of_7_columns, "json", json_bid, kThree);
BENCHMARK_CAPTURE(decode, csv_7_columns, "csv", csv_bid, kAll);
BENCHMARK_CAPTURE(encode, json_7_columns, "json");
BENCHMARK_CAPTURE(encode, csv_7_columns, "csv");

}  // namespace
}  // namespace slipstream::bench
