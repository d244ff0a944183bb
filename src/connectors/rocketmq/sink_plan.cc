#include "connectors/rocketmq/sink_plan.h"

#include <algorithm>

#include "base/try.h"

namespace slipstream::rocketmq_connector {
namespace {

Error unsupported(const SinkPlan& plan, const std::string& text) {
  return Error{ErrorCode::kUnsupported, "table '" + plan.settings.table + "': " + text};
}

Error invalid(const SinkPlan& plan, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + plan.settings.table + "': " + text};
}

// Messages change rows that others have written: those of one key must stay in order.
bool is_by_key(const SinkRequest& request, const SinkPlan& plan) {
  return request.updating || plan.settings.format.upsert();
}

Status check_exactly_once(const SinkPlan& plan) {
  if (plan.settings.guarantee != Guarantee::kExactlyOnce) return {};
  const std::string text =
      "delayed messages cannot be looked for after a crash, so exactly-once is not possible; leave "
      "the ";
  const std::string fix = " out or use 'sink.delivery-guarantee' = 'at-least-once'";
  if (plan.settings.delivery.mode)
    return unsupported(plan, "option 'deliveryTimestampMode': " + text + "option" + fix);
  const auto refuse = [&](const WriteColumn& column, const std::string& what) {
    return unsupported(
        plan, "column '" + column.name + "' sets a " + what + ", and " + text + "column" + fix);
  };
  if (const WriteColumn* time = plan.find(MetadataKey::kDeliveryTime))
    return refuse(*time, "delivery time");
  if (const WriteColumn* level = plan.find(MetadataKey::kDelayLevel))
    return refuse(*level, "delay level");
  return {};
}

// The index keys of a message are one property, and it is text.
Status check_keys(const SinkPlan& plan) {
  const auto& key = plan.settings.format.key;
  if (!key) return {};
  for (const std::size_t field : key->fields) {
    if (key->format->name != "raw" || plan.physical[field].type.is_text()) continue;
    return unsupported(
        plan, "column '" + plan.physical[field].name + "' is " +
                  plan.physical[field].type.to_string() +
                  ": keys of messages are text, and 'key.format' = 'raw' would write its bytes; "
                  "use 'json'");
  }
  const WriteColumn* keys = plan.find(MetadataKey::kKeys);
  if (keys == nullptr) return {};
  return invalid(
      plan, "column '" + keys->name + "' and " +
                (plan.settings.format.upsert() ? "'changelog.mode' = 'upsert'" : "'key.format'") +
                " both write the keys of messages; declare the column METADATA VIRTUAL, "
                "or leave the option out");
}

// Changes of a row go to one queue only if the field belongs to its key.
Status resolve_partition_field(const SinkRequest& request, SinkPlan& plan) {
  const std::string& field = plan.settings.partition_field;
  if (field.empty()) return {};
  const auto bad = [&](const std::string& text) {
    return invalid(plan, "option 'partitionField': " + text);
  };
  plan.partition_column = plan.schema.find(field);
  if (!plan.partition_column) {
    return bad("'" + field + "' is no column that is written; columns are " +
               plan.schema.to_string());
  }
  if (plan.schema[*plan.partition_column].type.layout() == Layout::kNested)
    return bad("'" + field + "' is a nested column; take one that has a text");
  const auto& key = request.table.primary_key;
  if (is_by_key(request, plan) && std::find(key.begin(), key.end(), field) == key.end()) {
    return bad("messages change rows, and '" + field +
               "' is not in the PRIMARY KEY: changes of one row could go to different queues");
  }
  return {};
}

// Metadata columns that decide about the queue. What the query says of a row may change, its queue
// must not.
Status check_queue_columns(const SinkRequest& request, const SinkPlan& plan) {
  for (const MetadataKey key : {MetadataKey::kQueueId, MetadataKey::kShardingKey}) {
    const WriteColumn* column = plan.find(key);
    if (column == nullptr) continue;
    if (plan.partition_column) {
      return invalid(plan, "column '" + column->name +
                               "' and option 'partitionField' both decide about the queue of a "
                               "message; declare the column METADATA VIRTUAL, or leave the option "
                               "out");
    }
    if (is_by_key(request, plan)) {
      return invalid(plan, "messages change rows, and column '" + column->name +
                               "' decides about the queue: changes of one row could go to "
                               "different queues; declare it METADATA VIRTUAL");
    }
  }
  const WriteColumn* broker = plan.find(MetadataKey::kBroker);
  if (broker == nullptr || plan.find(MetadataKey::kQueueId) != nullptr) return {};
  return invalid(plan, "column '" + broker->name +
                           "' says at which broker the queue is that metadata 'queue-id' names; "
                           "declare a column for that too, or this one METADATA VIRTUAL");
}

// The last message of a key must be the last one that is seen, where all others of it are.
Status check_upsert(const SinkPlan& plan) {
  if (!plan.settings.format.upsert()) return {};
  const auto refuse = [&](const std::string& what, const std::string& why) {
    return invalid(plan, what + " " + why +
                             ", and with 'changelog.mode' = 'upsert' the last message "
                             "of a key must be the last one that is seen; leave it out");
  };
  if (plan.settings.delivery.mode)
    return refuse("option 'deliveryTimestampMode'", "delays messages");
  for (const MetadataKey key : {MetadataKey::kDeliveryTime, MetadataKey::kDelayLevel}) {
    if (const WriteColumn* column = plan.find(key))
      return refuse("column '" + column->name + "'", "delays messages");
  }
  if (const WriteColumn* topic = plan.find(MetadataKey::kTopic))
    return refuse("column '" + topic->name + "'", "can send those of one key to several topics");
  return {};
}

Status resolve_delivery_time(const SinkRequest& request, SinkPlan& plan) {
  TRY_ASSIGN(plan.delivery_column,
             resolve_delivery_column(plan.settings.table, plan.settings.delivery, plan.schema,
                                     request.time_columns));
  const WriteColumn* time = plan.find(MetadataKey::kDeliveryTime);
  const WriteColumn* level = plan.find(MetadataKey::kDelayLevel);
  if (time != nullptr && level != nullptr) {
    return invalid(plan, "columns '" + time->name + "' and '" + level->name +
                             "' both say when messages are delivered; declare one of them "
                             "METADATA VIRTUAL");
  }
  const WriteColumn* column = time != nullptr ? time : level;
  if (!plan.settings.delivery.mode || column == nullptr) return {};
  return invalid(plan, "column '" + column->name +
                           "' and 'deliveryTimestampMode' both say when messages are delivered; "
                           "leave one of them out");
}

}  // namespace

const WriteColumn* SinkPlan::find(MetadataKey key) const {
  const auto found = std::find_if(metadata.begin(), metadata.end(),
                                  [key](const WriteColumn& column) { return column.key == key; });
  return found == metadata.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const SinkPlan>> make_sink_plan(const SinkRequest& request) {
  const TableDefinition& table = request.table;
  auto plan = std::make_shared<SinkPlan>();
  TRY_ASSIGN(plan->settings, read_sink_settings(table, request.job_name, request.uid));
  plan->physical = table.physical;
  plan->schema = table.physical;
  plan->uid = request.uid;
  TRY_ASSIGN(plan->metadata, resolve_write_columns(table));
  for (const WriteColumn& column : plan->metadata) plan->schema.add(column.name, column.type);
  TRY(connector_kit::require_changelog(request, plan->settings.format));
  TRY(check_exactly_once(*plan));
  TRY(check_keys(*plan));
  TRY(resolve_partition_field(request, *plan));
  TRY(check_queue_columns(request, *plan));
  TRY(resolve_delivery_time(request, *plan));
  TRY(check_upsert(*plan));
  plan->hashed = is_by_key(request, *plan) || plan->partition_column ||
                 plan->find(MetadataKey::kShardingKey) != nullptr;
  plan->ordered = plan->hashed || plan->find(MetadataKey::kQueueId) != nullptr;
  if (request.updating && !plan->settings.format.upsert()) {
    // Without a key all changes go one way, in order.
    for (const std::string& key : table.primary_key) {
      if (const auto column = plan->schema.find(key)) plan->order_key.push_back(*column);
    }
  }
  return std::shared_ptr<const SinkPlan>(std::move(plan));
}

}  // namespace slipstream::rocketmq_connector
