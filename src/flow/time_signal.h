// What one task sends to the tasks behind it about event time.
#pragma once

#include <cstdint>
#include <limits>
#include <variant>

namespace slipstream::flow {

using EventTime = std::int64_t;  // milliseconds since the epoch
inline constexpr EventTime kMinWatermark = std::numeric_limits<EventTime>::min();
inline constexpr EventTime kMaxWatermark = std::numeric_limits<EventTime>::max();  // end of input
inline constexpr std::int64_t kAlwaysIdle = std::numeric_limits<std::int64_t>::max();

// `as_of_ms` and `proven_ms` are moments of Clock::now_ms().

// No row at or below `time_ms` follows, save late ones.
struct Watermark {
  EventTime time_ms = kMinWatermark;
  std::int64_t as_of_ms = 0;  // all rows that it follows from had been received by then
};

// The sender has nothing that could hold event time back (no split, or all proven empty): what it
// gets later was written after `proven_ms`. Until its next batch, Watermark or Active the receiver
// leaves it out of its minimum for watermarks as of `proven_ms` or before.
struct Idle {
  std::int64_t proven_ms = kAlwaysIdle;  // kAlwaysIdle: it never holds event time back
};

// Idle no longer holds.
struct Active {};

using TimeSignal = std::variant<Watermark, Idle, Active>;

}  // namespace slipstream::flow
