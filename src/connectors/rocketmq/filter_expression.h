// What brokers can check of WHERE.
#pragma once

#include <span>
#include <string>

#include "slipstream/connector/element_condition.h"

namespace slipstream::rocketmq_connector {

// SQL92 as brokers parse it, for conditions on user properties. It holds for every message for which
// all conditions hold, and for others: those that brokers cannot check are left away. Empty: nothing
// is left.
// Bounds: kFilterBytesMax, since each pull carries it.
inline constexpr std::size_t kFilterBytesMax = 2'000;
std::string filter_expression(std::span<const ElementCondition> conditions);

}  // namespace slipstream::rocketmq_connector
