// Metadata columns: values of a message besides its body.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/connector.h"

#include "rocketmq/message/record.h"

namespace slipstream::rocketmq_connector {

enum class MetadataKey : std::uint8_t {
  kTopic,
  kBroker,
  kQueueId,
  kQueueOffset,
  kMessageId,
  kStoreTime,
  kBornTime,
  kStoreHost,
  kBornHost,
  kKeys,
  kTags,
  kProperties,
  kReconsumeTimes,
  kDeliveryTime,
  kShardingKey,
  kDelayLevel,
};

// What DESCRIBE and docs list; other spellings of a key ("__queue_id__", "message_id") are among
// it.
std::vector<MetadataSpec> rocketmq_metadata();
std::optional<MetadataKey> find_metadata_key(std::string_view key);

// One metadata column that is read.
struct ReadColumn {
  MetadataKey key;
  Type type;
};
// kInvalidArgument: unknown key (with the nearest), not readable, or of a type that it cannot have.
Result<ReadColumn> resolve_read_column(const TableDefinition& table,
                                       const TableDefinition::MetadataColumn& column);

// One metadata column that is written. `index` in the sink's batches.
struct WriteColumn {
  MetadataKey key;
  Type type;
  std::size_t index = 0;
  std::string name;
};
// Those that are not VIRTUAL. kInvalidArgument: unknown key, read-only, or of a wrong type.
Result<std::vector<WriteColumn>> resolve_write_columns(const TableDefinition& table);

// A message where it was read.
struct MessageOrigin {
  const rocketmq::MessageQueue* queue = nullptr;
  const rocketmq::RecordView* record = nullptr;
  std::string_view name_space{};  // that topics are shown without
};
// Appends the value. Text refers to the record where it lies there: pin its buffer to the builder.
void append_metadata(const ReadColumn& column, const MessageOrigin& origin, ColumnBuilder& out);

// The value of an INT or BIGINT column.
std::int64_t integer_of(const Column& column, std::size_t row);
// Milliseconds since 1970 of a value of a TIMESTAMP, TIMESTAMP_LTZ or BIGINT column.
std::int64_t epoch_millis(const Column& column, std::size_t row);

}  // namespace slipstream::rocketmq_connector
