// What a kafka table says, checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "connector_kit/table_format.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/topic_selection.h"

namespace slipstream::kafka_connector {

// The connector's options, without those of formats.
OptionTable kafka_options();

enum class StartMode : std::uint8_t {
  kGroupOffsets,
  kEarliest,
  kLatest,
  kTimestamp,
  kSpecificOffsets
};
enum class GroupReset : std::uint8_t { kNone, kEarliest, kLatest };
enum class BoundMode : std::uint8_t {
  kUnbounded,
  kLatest,
  kGroupOffsets,
  kTimestamp,
  kSpecificOffsets
};
enum class OffsetOutOfRange : std::uint8_t { kFail, kEarliest, kLatest };

struct SourceSettings {
  std::string table;  // for errors
  std::string servers;
  OptionMap properties;  // of librdkafka
  TopicSelection topics;
  std::string group;  // empty = none
  StartMode start = StartMode::kGroupOffsets;
  GroupReset reset = GroupReset::kNone;
  std::int64_t start_ms = 0;
  PartitionOffsets start_offsets;
  BoundMode bound = BoundMode::kUnbounded;
  std::int64_t bound_ms = 0;
  PartitionOffsets bound_offsets;
  std::int64_t discovery_ms = 0;
  OffsetOutOfRange out_of_range = OffsetOutOfRange::kFail;
  bool commit = true;
  connector_kit::DecodeErrors decode_errors = connector_kit::DecodeErrors::kFail;
  bool log_decode_errors = false;
  std::string dead_letter_topic;
  OptionMap access;  // options of the table that say how its cluster is reached
  connector_kit::TableFormat format;
};

// Asks no server. kInvalidArgument names the table, the option, the cause and the fix.
Result<SourceSettings> read_source_settings(const TableDefinition& table);

// As Source::endpoints() wants it: "topic 't' at host:9092", for each of the servers.
std::vector<std::string> endpoints_of(const std::string& what, const std::string& servers);

}  // namespace slipstream::kafka_connector
