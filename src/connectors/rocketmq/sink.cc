#include <algorithm>

#include "base/try.h"
#include "connectors/rocketmq/check_sink.h"
#include "connectors/rocketmq/committer.h"
#include "connectors/rocketmq/epoch_writer.h"
#include "connectors/rocketmq/shared_client.h"
#include "connectors/rocketmq/source_sink.h"
#include "connectors/rocketmq/writer.h"

namespace slipstream::rocketmq_connector {
namespace {

class QueueSink final : public Sink {
 public:
  explicit QueueSink(std::shared_ptr<const SinkPlan> plan) : plan_(std::move(plan)) {}

  Schema schema() const override { return plan_->schema; }
  Guarantee guarantee() const override { return plan_->settings.guarantee; }
  std::vector<std::string> endpoints() const override {
    return topic_endpoints(plan_->settings.client.name_servers, plan_->settings.topic);
  }
  std::vector<std::string> explain() const override {
    std::vector<std::string> lines{
        "topic=" + plan_->settings.topic, "format=" + plan_->settings.format.format->name,
        "guarantee=" + std::string(guarantee_name(plan_->settings.guarantee))};
    std::string tags;
    for (const std::string& tag : plan_->settings.tags) tags += (tags.empty() ? "" : ",") + tag;
    if (!tags.empty()) lines.push_back("tag=" + tags);
    if (plan_->partition_column)
      lines.push_back("order=per " + plan_->settings.partition_field);
    else if (plan_->ordered)
      lines.emplace_back("order=per key");
    return lines;
  }
  Status check_before_start() override {
    TRY_ASSIGN(const auto client, shared_client(plan_->settings.client));
    return check_output_topic(*client, *plan_);
  }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    if (plan_->settings.guarantee == Guarantee::kExactlyOnce)
      return EpochWriter::make(plan_, std::move(context));
    return QueueWriter::make(plan_, std::move(context));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override {
    if (plan_->settings.guarantee != Guarantee::kExactlyOnce)
      return std::unique_ptr<SinkCommitter>();
    return EpochCommitter::make(plan_, context);
  }

 private:
  std::shared_ptr<const SinkPlan> plan_;
};

Status check_exactly_once(const SinkPlan& plan) {
  if (plan.settings.guarantee != Guarantee::kExactlyOnce) return {};
  if (plan.settings.delivery.mode) {
    return Error{ErrorCode::kUnsupported,
                 "table '" + plan.settings.table +
                     "': option 'deliveryTimestampMode': delayed messages cannot be looked for "
                     "after a crash, so exactly-once is not possible; leave the option out or use "
                     "'sink.delivery-guarantee' = 'at-least-once'"};
  }
  for (const WriteColumn& column : plan.metadata) {
    if (column.key != MetadataKey::kDeliveryTime) continue;
    return Error{ErrorCode::kUnsupported, "table '" + plan.settings.table + "': column '" +
                                              column.name +
                                              "' sets a delivery time, and delayed messages cannot "
                                              "be looked for after a crash, so exactly-once is "
                                              "not possible; leave the column out or use "
                                              "'sink.delivery-guarantee' = 'at-least-once'"};
  }
  return {};
}

// The index keys of a message are one property, and it is text.
Status check_keys(const SinkPlan& plan) {
  const auto& key = plan.settings.format.key;
  if (!key) return {};
  for (const std::size_t field : key->fields) {
    if (key->format->name != "raw" || plan.physical[field].type.is_text()) continue;
    return Error{ErrorCode::kUnsupported,
                 "table '" + plan.settings.table + "': column '" + plan.physical[field].name +
                     "' is " + plan.physical[field].type.to_string() +
                     ": keys of messages are text, and 'key.format' = 'raw' would write its bytes; "
                     "use 'json'"};
  }
  for (const WriteColumn& column : plan.metadata) {
    if (column.key != MetadataKey::kKeys) continue;
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + plan.settings.table + "': column '" + column.name +
                     "' and 'key.format' both write the keys of messages; declare the column "
                     "METADATA VIRTUAL, or leave the option out"};
  }
  return {};
}

// Changes of a row go to one queue only if the field belongs to its key.
Status resolve_partition_field(const SinkRequest& request, SinkPlan& plan) {
  const std::string& field = plan.settings.partition_field;
  if (field.empty()) return {};
  const auto bad = [&](const std::string& text) {
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + plan.settings.table + "': option 'partitionField': " + text};
  };
  plan.partition_column = plan.schema.find(field);
  if (!plan.partition_column) {
    return bad("'" + field + "' is no column that is written; columns are " +
               plan.schema.to_string());
  }
  if (plan.schema[*plan.partition_column].type.layout() == Layout::kNested)
    return bad("'" + field + "' is a nested column; take one that has a text");
  const auto& key = request.table.primary_key;
  if (request.updating && std::find(key.begin(), key.end(), field) == key.end()) {
    return bad("the query's result changes rows, and '" + field +
               "' is not in the PRIMARY KEY: changes of one row could go to different queues");
  }
  plan.ordered = true;
  return {};
}

Status resolve_delivery_time(const SinkRequest& request, SinkPlan& plan) {
  TRY_ASSIGN(plan.delivery_column,
             resolve_delivery_column(plan.settings.table, plan.settings.delivery, plan.schema,
                                     request.time_columns));
  if (!plan.settings.delivery.mode) return {};
  for (const WriteColumn& column : plan.metadata) {
    if (column.key != MetadataKey::kDeliveryTime) continue;
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + plan.settings.table + "': column '" + column.name +
                     "' and 'deliveryTimestampMode' both say when messages are delivered; leave "
                     "one of them out"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Sink>> make_queue_sink(const SinkRequest& request) {
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
  TRY(MessageEncoder::make(plan, MessageEncoder::Largest::kInBatch));
  plan->ordered = request.updating;
  TRY(resolve_partition_field(request, *plan));
  TRY(resolve_delivery_time(request, *plan));
  for (const std::string& key : table.primary_key) {
    if (const auto column = plan->schema.find(key)) plan->order_key.push_back(*column);
  }
  // Without a key all changes go one way, in order.
  return std::unique_ptr<Sink>(std::make_unique<QueueSink>(std::move(plan)));
}

}  // namespace slipstream::rocketmq_connector
