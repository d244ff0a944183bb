#include "connectors/rocketmq/delivery_time.h"

#include <array>

#include "base/try.h"
#include "connectors/rocketmq/metadata_columns.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr auto kModes = std::to_array<OptionWord<DeliveryMode>>({
    {"fixed", DeliveryMode::kFixed},
    {"relative", DeliveryMode::kRelative},
    {"field", DeliveryMode::kField},
});
constexpr Option<DeliveryMode> kMode{
    .name = "deliveryTimestampMode",
    .description =
        "When consumers may see a message (brokers from 5.0): fixed = at deliveryTimestampValue, "
        "relative = that long after deliveryTimestampType, field = when deliveryTimestampField "
        "says; not given: at once.",
    .limits = {kModes},
    .scope = OptionScope::kSink};
enum class Base : std::uint8_t { kProcessingTime, kEventTime };
constexpr auto kBases = std::to_array<OptionWord<Base>>({
    {"processing_time", Base::kProcessingTime},
    {"event_time", Base::kEventTime},
});
constexpr Option<Base> kType{
    .name = "deliveryTimestampType",
    .default_value = "processing_time",
    .description =
        "Mode relative: after the time of writing, or after the event time of the row, the column "
        "of the query that has a WATERMARK.",
    .limits = {kBases},
    .scope = OptionScope::kSink};
constexpr Option<std::int64_t> kValue{
    .name = "deliveryTimestampValue",
    .description =
        "Mode fixed: milliseconds since 1970; a time that has passed means at once. Mode relative: "
        "milliseconds to wait.",
    .limits = {{.min = 0}},
    .scope = OptionScope::kSink};
constexpr Option<std::string> kField{
    .name = "deliveryTimestampField",
    .description = "Mode field: BIGINT column of milliseconds since 1970; NULL means at once.",
    .scope = OptionScope::kSink};

Error bad(const std::string& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
}

}  // namespace

std::vector<OptionSpec> delivery_time_options() {
  return option_specs(kMode, kType, kValue, kField);
}

Result<DeliveryTime> read_delivery_time(const std::string& table, const Options& options) {
  DeliveryTime delivery;
  delivery.mode = options.find(kMode);
  if (!delivery.mode) {
    for (const std::string_view name : {kType.name, kValue.name, kField.name}) {
      if (!options.has(name)) continue;
      return bad(table, "option '" + std::string(name) +
                            "' has no effect without 'deliveryTimestampMode'");
    }
    return delivery;
  }
  delivery.after_event_time = options[kType] == Base::kEventTime;
  delivery.field = options[kField];
  if (*delivery.mode == DeliveryMode::kField) {
    if (!delivery.field.empty()) return delivery;
    return bad(table,
               "'deliveryTimestampMode' = 'field' needs 'deliveryTimestampField', a BIGINT column");
  }
  if (!options.has(kValue)) {
    return bad(table, "'deliveryTimestampMode' needs 'deliveryTimestampValue', in milliseconds");
  }
  delivery.value_ms = options[kValue];
  return delivery;
}

Result<std::optional<std::size_t>> resolve_delivery_column(
    const std::string& table, const DeliveryTime& delivery, const Schema& schema,
    const std::vector<std::size_t>& time_columns) {
  if (delivery.mode == DeliveryMode::kField) {
    const auto column = schema.find(delivery.field);
    if (column && schema[*column].type.kind() == TypeKind::kBigInt) return column;
    return bad(table, "option 'deliveryTimestampField': '" + delivery.field +
                          (column ? "' is no BIGINT column" : "' is no column that is written") +
                          "; columns are " + schema.to_string());
  }
  if (delivery.mode != DeliveryMode::kRelative || !delivery.after_event_time)
    return std::optional<std::size_t>();
  if (time_columns.size() == 1) return std::optional<std::size_t>(time_columns.front());
  return bad(table, std::string("'deliveryTimestampType' = 'event_time' needs one column of the "
                                "query that has a WATERMARK among those that are written; ") +
                        (time_columns.empty() ? "there is none" : "there are several"));
}

std::int64_t deliver_at_ms(const DeliveryTime& delivery, const Column* column, std::size_t row,
                           std::int64_t wall_ms) {
  if (!delivery.mode) return 0;
  std::int64_t at_ms = delivery.value_ms;
  if (column != nullptr && column->is_null(row)) return 0;
  if (*delivery.mode == DeliveryMode::kField) at_ms = epoch_millis(*column, row);
  if (*delivery.mode == DeliveryMode::kRelative)
    at_ms += column != nullptr ? epoch_millis(*column, row) : wall_ms;
  return at_ms > wall_ms ? at_ms : 0;
}

}  // namespace slipstream::rocketmq_connector
