// When consumers may see what is written: the options deliveryTimestamp*.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/options.h"

namespace slipstream::rocketmq_connector {

enum class DeliveryMode : std::uint8_t { kFixed, kRelative, kField };

// What the options say.
struct DeliveryTime {
  std::optional<DeliveryMode> mode;  // none: at once
  bool after_event_time = false;     // kRelative: else after the time of writing
  std::int64_t value_ms = 0;         // kFixed: since 1970; kRelative: a delay
  std::string field;                 // kField
};

std::vector<OptionSpec> delivery_time_options();
// kInvalidArgument names the table, the option and the fix.
Result<DeliveryTime> read_delivery_time(const std::string& table, const Options& options);

// The column that a delivery time needs: kField's, or for a relative one the event time of rows, of
// which `time_columns` of the sink's schema there must be one. None for the others.
Result<std::optional<std::size_t>> resolve_delivery_column(
    const std::string& table, const DeliveryTime& delivery, const Schema& schema,
    const std::vector<std::size_t>& time_columns);

// Milliseconds since 1970; 0 = at once, which is also what a time that has passed means.
std::int64_t deliver_at_ms(const DeliveryTime& delivery, const Column* column, std::size_t row,
                           std::int64_t wall_ms);

}  // namespace slipstream::rocketmq_connector
