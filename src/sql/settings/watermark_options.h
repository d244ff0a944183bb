// What a table can be told about its event time, whatever its connector.
#pragma once

#include <chrono>

#include "slipstream/option.h"
#include "slipstream/options.h"

namespace slipstream::sql {

// "scan.watermark.*"
OptionTable watermark_options();

namespace watermark_option {

using Duration = std::chrono::milliseconds;

inline constexpr Option<Duration> kEmptyGrace{
    .name = "scan.watermark.empty-grace",
    .default_value = "1 s",
    .description = "How long a queue must be proven empty before it stops holding the watermark."};
inline constexpr Option<Duration> kIdleTimeout{
    .name = "scan.watermark.idle-timeout",
    .default_value = "0 ms",
    .description =
        "A queue that gives neither row nor proof for so long stops holding; 0 = never."};
inline constexpr Option<Duration> kMaxDrift{
    .name = "scan.watermark.max-drift",
    .default_value = "0 ms",
    .description = "Queues further ahead than this in event time are paused; 0 = off."};

}  // namespace watermark_option

}  // namespace slipstream::sql
