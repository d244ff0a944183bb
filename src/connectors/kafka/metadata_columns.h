// Metadata columns: values of a message besides its body.
#pragma once

#include <cstdint>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/connector.h"

struct rd_kafka_message_s;

namespace slipstream::kafka_connector {

enum class MetadataKey : std::uint8_t {
  kTopic,
  kPartition,
  kOffset,
  kTimestamp,
  kTimestampType,
  kHeaders
};

// What DESCRIBE and docs list.
std::vector<MetadataSpec> kafka_metadata();

// One metadata column that is read.
struct ReadColumn {
  MetadataKey key;
  Type type;
};
// kInvalidArgument: unknown key (with the nearest), or of a type that it cannot have.
Result<ReadColumn> resolve_read_column(const TableDefinition& table,
                                       const TableDefinition::MetadataColumn& column);

// Appends the value, copied.
void append_metadata(const ReadColumn& column, const std::string& topic,
                     const rd_kafka_message_s& message, ColumnBuilder& out);

}  // namespace slipstream::kafka_connector
