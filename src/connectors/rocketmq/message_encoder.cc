#include "connectors/rocketmq/message_encoder.h"

#include "base/try.h"
#include "base/utf8.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr char kNameEnd = 1;
constexpr char kPairEnd = 2;

void append_pair(std::string_view name, std::string_view value, std::string& out) {
  out.append(name);
  out.push_back(kNameEnd);
  out.append(value);
  out.push_back(kPairEnd);
}

bool has_separator(std::string_view text) {
  return text.find(kNameEnd) != std::string_view::npos ||
         text.find(kPairEnd) != std::string_view::npos;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (decode_utf8(text, at) == kInvalidCodePoint) return false;
  }
  return true;
}

}  // namespace

MessageEncoder::MessageEncoder(std::shared_ptr<const SinkPlan> plan, Largest largest,
                               std::unique_ptr<connector_kit::RowSerializer> rows)
    : plan_(std::move(plan)), largest_(largest), rows_(std::move(rows)) {}

Result<std::unique_ptr<MessageEncoder>> MessageEncoder::make(std::shared_ptr<const SinkPlan> plan,
                                                             Largest largest) {
  const SinkSettings& settings = plan->settings;
  TRY_ASSIGN(auto rows,
             connector_kit::RowSerializer::make(settings.table, settings.format, plan->physical));
  return std::unique_ptr<MessageEncoder>(
      new MessageEncoder(std::move(plan), largest, std::move(rows)));
}

Error MessageEncoder::refuse(const std::string& text) const {
  return Error{ErrorCode::kDataError, "table '" + plan_->settings.table + "': " + text};
}

Status MessageEncoder::encode(const Batch& batch, std::int64_t wall_ms) {
  batch_ = &batch;
  wall_ms_ = wall_ms;
  TRY(rows_->encode(batch));
  make_copies();
  return {};
}

void MessageEncoder::make_copies() {
  copies_.clear();
  const std::size_t tags = plan_->settings.tags.size();
  if (tags < 2) return;
  const WriteColumn* column = plan_->find(MetadataKey::kTags);
  const Column* own = column == nullptr ? nullptr : batch_->column(column->index).get();
  for (std::size_t body = 0; body < rows_->bodies().size(); ++body) {
    const bool has_own = own != nullptr && !own->is_null(rows_->bodies().rows[body]);
    for (std::size_t tag = 0; tag < (has_own ? 1 : tags); ++tag) copies_.push_back({body, tag});
  }
}

void MessageEncoder::set_delivery_time(std::int64_t at_ms, OutMessage& out) {
  out.deliver_at_ms = at_ms;
  if (at_ms > 0)
    append_pair(rocketmq::property::kTimerDeliverMs, std::to_string(at_ms), properties_);
}

Status MessageEncoder::message(std::size_t index, std::string_view unique_key, OutMessage& out) {
  const SinkSettings& settings = plan_->settings;
  const Copy copy = copies_.empty() ? Copy{index, 0} : copies_[index];
  const std::string_view tag =
      settings.tags.empty() ? std::string_view() : std::string_view(settings.tags[copy.tag]);
  out = OutMessage{};
  out.topic = settings.topic;
  out.body = rows_->bodies()[copy.body];
  out.row = rows_->bodies().rows[copy.body];
  properties_.clear();
  if (out.body.empty() && !rows_->is_deletion(copy.body)) {
    return refuse(
        plan_->settings.format.upsert()
            ? "a row has an empty body, which would mean that its key is gone; write a value, or "
              "filter such rows out"
            : "a row has an empty body, which brokers refuse; write a value, or filter such rows "
              "out");
  }
  if (plan_->metadata.empty()) {
    if (!tag.empty()) append_pair(rocketmq::property::kTags, tag, properties_);
  } else {
    TRY(add_metadata(out.row, tag, out));
  }
  if (settings.delivery.mode) {
    const Column* column =
        plan_->delivery_column ? batch_->column(*plan_->delivery_column).get() : nullptr;
    set_delivery_time(deliver_at_ms(settings.delivery, column, out.row, wall_ms_), out);
  }
  if (const std::string_view key = rows_->key(copy.body); !key.empty()) {
    if (has_separator(key) || !is_utf8(key)) {
      return refuse(
          "the key of a row is not UTF-8 without the characters 1 and 2, and keys of messages hold "
          "nothing else; use 'key.format' = 'json', or another delimiter");
    }
    append_pair(rocketmq::property::kKeys, key, properties_);
    out.key = key;
  }
  append_pair(rocketmq::property::kUniqueKey, unique_key, properties_);
  append_pair(rocketmq::property::kWait, "true", properties_);
  if (properties_.size() > rocketmq::kPropertiesBytesMax) {
    return refuse("keys, tags and properties of a row take " + std::to_string(properties_.size()) +
                  " bytes; a message holds " + std::to_string(rocketmq::kPropertiesBytesMax));
  }
  const std::size_t bytes = largest_ == Largest::kAlone ? out.body.size()
                                                        : rocketmq::BatchEncoder::entry_size(
                                                              out.body.size(), properties_.size());
  if (bytes > rocketmq::kMessageBytesMax) {
    return refuse("a row has a body of " + std::to_string(out.body.size()) +
                  " bytes; a message holds 4 MiB" +
                  (largest_ == Largest::kAlone ? "" : " with its properties"));
  }
  out.properties = properties_;
  return {};
}

Status MessageEncoder::add_metadata(std::size_t row, std::string_view tag, OutMessage& out) {
  for (const WriteColumn& column : plan_->metadata) {
    const Column& values = *batch_->column(column.index);
    if (values.is_null(row)) continue;
    switch (column.key) {
      case MetadataKey::kTopic: {
        out.topic = values.text(row);
        if (!plan_->settings.name_space.empty()) {
          topic_ = with_namespace(plan_->settings.name_space, out.topic);
          out.topic = topic_;
        }
        if (out.topic == checked_topic_ || out.topic == plan_->settings.topic) break;
        TRY(rocketmq::validate_writable_topic(out.topic).with_context(
            "table '" + plan_->settings.table + "': column '" + column.name + "'"));
        checked_topic_ = out.topic;
        break;
      }
      case MetadataKey::kTags:
        tag = values.text(row);
        break;
      case MetadataKey::kKeys:
        TRY(add_text(column, rocketmq::property::kKeys, values.text(row)));
        break;
      case MetadataKey::kShardingKey:
        TRY(add_text(column, rocketmq::property::kShardingKey, values.text(row)));
        break;
      case MetadataKey::kDelayLevel:
        TRY(add_delay_level(column, integer_of(values, row), out));
        break;
      case MetadataKey::kDeliveryTime:
        set_delivery_time(epoch_millis(values, row), out);
        break;
      case MetadataKey::kProperties:
        TRY(add_properties(values, row));
        break;
      default:
        break;
    }
  }
  if (has_separator(tag)) return refuse("a tag cannot hold the characters 1 and 2");
  if (!tag.empty()) append_pair(rocketmq::property::kTags, tag, properties_);
  return {};
}

Status MessageEncoder::add_text(const WriteColumn& column, std::string_view property,
                                std::string_view text) {
  if (has_separator(text)) {
    const bool keys = column.key == MetadataKey::kKeys;
    return refuse("column '" + column.name + "': " + (keys ? "keys" : "a sharding key") +
                  " cannot hold the characters 1 and 2");
  }
  if (!text.empty()) append_pair(property, text, properties_);
  return {};
}

Status MessageEncoder::add_delay_level(const WriteColumn& column, std::int64_t level,
                                       OutMessage& out) {
  if (level < 0 || level > rocketmq::kDelayLevelMax) {
    return refuse("column '" + column.name + "': " + std::to_string(level) +
                  " is no delay level; write 1 to " + std::to_string(rocketmq::kDelayLevelMax) +
                  ", or NULL for none");
  }
  out.delay_level = static_cast<std::int32_t>(level);
  if (level > 0) append_pair(rocketmq::property::kDelay, std::to_string(level), properties_);
  return {};
}

Status MessageEncoder::add_properties(const Column& column, std::size_t row) {
  const Column& names = *column.children()[0];
  const Column& values = *column.children()[1];
  const auto begin = static_cast<std::size_t>(column.offsets()[row]);
  const auto end = static_cast<std::size_t>(column.offsets()[row + 1]);
  for (std::size_t i = begin; i < end; ++i) {
    if (names.is_null(i)) return refuse("a property has no name");
    const std::string_view name = names.text(i);
    if (name.empty() || has_separator(name))
      return refuse("property name '" + std::string(name) +
                    "' is empty or holds the characters 1 or 2");
    if (rocketmq::is_reserved_property(name)) {
      return refuse("property '" + std::string(name) +
                    "' is RocketMQ's own; use the metadata columns keys and tags, or another name");
    }
    if (values.is_null(i) || values.text(i).empty()) continue;
    if (has_separator(values.text(i)))
      return refuse("the value of property '" + std::string(name) +
                    "' holds the characters 1 or 2");
    append_pair(name, values.text(i), properties_);
  }
  return {};
}

}  // namespace slipstream::rocketmq_connector
