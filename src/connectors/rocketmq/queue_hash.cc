#include "connectors/rocketmq/queue_hash.h"

#include <string>

#include "slipstream/rocketmq/producer.h"

#include "data/hash.h"
#include "data/text/time_zone.h"
#include "data/text/value.h"

namespace slipstream::rocketmq_connector {
namespace {

// Of more queues than there are hashes of 32 bits: the remainder is the hash without its sign, and
// |hash| % n = |hash % n|.
constexpr std::size_t kAllHashes = std::size_t{1} << 32;

}  // namespace

std::vector<std::uint64_t> queue_hashes(const SinkPlan& plan, const Batch& batch) {
  if (!plan.ordered) return {};
  if (!plan.partition_column) return hash_rows(batch, plan.order_key);
  const Column& column = *batch.column(*plan.partition_column);
  std::vector<std::uint64_t> hashes;
  hashes.reserve(batch.rows());
  std::string text;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    text.clear();
    if (!column.is_null(row)) text::to_text(column, row, TimeZone(), text);
    hashes.push_back(rocketmq::Producer::queue_of_key(text, kAllHashes));
  }
  return hashes;
}

}  // namespace slipstream::rocketmq_connector
