// What a rocketmq table that is written says, checked against the query that writes it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "connectors/rocketmq/metadata_columns.h"
#include "connectors/rocketmq/settings.h"

namespace slipstream::rocketmq_connector {

struct SinkPlan {
  SinkSettings settings;
  Schema physical;
  std::vector<WriteColumn> metadata;  // behind the physical columns
  Schema schema;
  // Rows of one queue must stay in order: one send under way per queue.
  bool ordered = false;
  // A hash decides about queues, so that their number must stay as it is.
  bool hashed = false;
  std::vector<std::size_t> order_key;           // columns of `schema`; of a changelog
  std::optional<std::size_t> partition_column;  // decides about the queue in place of the key
  std::optional<std::size_t> delivery_column;   // of settings.delivery
  std::string uid;

  // The column that writes the metadata, or null.
  const WriteColumn* find(MetadataKey key) const;
};

// kInvalidArgument and kUnsupported name the table, the columns or options that exclude each other,
// and the fix.
Result<std::shared_ptr<const SinkPlan>> make_sink_plan(const SinkRequest& request);

}  // namespace slipstream::rocketmq_connector
