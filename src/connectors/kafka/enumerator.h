// Finds the partitions of a table's topics, and where each begins and ends.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "connectors/kafka/client.h"
#include "connectors/kafka/settings.h"
#include "connectors/kafka/split_codec.h"

namespace slipstream::kafka_connector {

// Partitions found at the first discovery begin where the start mode says, later ones at their first
// message.
//
// Owner:   the engine.
// Bounds:  kTopicsMax topics of a pattern.
// Failure: what the client says; kNotFound for a topic that is not there, retryable once it was.
class PartitionEnumerator final : public SplitEnumerator {
 public:
  static constexpr std::size_t kTopicsMax = 10'000;

  static Result<std::unique_ptr<SplitEnumerator>> make(
      std::shared_ptr<const SourceSettings> settings, std::shared_ptr<const Client> client,
      const EnumeratorContext& context);

  Result<Discovery> discover() override;
  std::chrono::milliseconds discovery_interval() const override;
  std::string snapshot() override { return encode_known_splits(known_); }

 private:
  PartitionEnumerator(std::shared_ptr<const SourceSettings> settings,
                      std::shared_ptr<const Client> client)
      : settings_(std::move(settings)), client_(std::move(client)) {}
  bool bounded() const { return settings_->bound != BoundMode::kUnbounded; }
  Result<std::vector<Partition>> find_partitions();
  Result<std::vector<Partition>> find_matching();
  Status check_named(std::span<const Partition> partitions) const;
  Result<PartitionOffsets> starts(std::span<const Partition> partitions) const;
  Result<PartitionOffsets> group_starts(std::span<const Partition> partitions,
                                        GroupReset reset) const;
  Result<PartitionOffsets> ends(std::span<const Partition> partitions) const;
  // Where a time has no message after it, behind the last one.
  Result<PartitionOffsets> at_time(std::span<const Partition> partitions,
                                   std::int64_t time_ms) const;

  const std::shared_ptr<const SourceSettings> settings_;
  const std::shared_ptr<const Client> client_;
  std::set<std::string> known_;
  bool fresh_ = true;  // nothing was discovered yet, nor restored
  bool done_ = false;
};

}  // namespace slipstream::kafka_connector
