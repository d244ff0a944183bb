// The words of 'sink.delivery-guarantee'.
#pragma once

#include <array>

#include "slipstream/connector/sink.h"
#include "slipstream/option.h"

namespace slipstream::connector_kit {

inline constexpr auto kGuaranteeWords = std::to_array<OptionWord<Guarantee>>({
    {"at-least-once", Guarantee::kAtLeastOnce},
    {"exactly-once", Guarantee::kExactlyOnce},
    {"none", Guarantee::kNone},
    {"at_least_once", Guarantee::kAtLeastOnce},
    {"exactly_once", Guarantee::kExactlyOnce},
});

}  // namespace slipstream::connector_kit
