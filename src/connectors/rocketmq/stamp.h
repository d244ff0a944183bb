// What tells the messages of an exactly-once sink apart: the UNIQ_KEY of each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipstream::rocketmq_connector {

// The messages of one writer in one epoch.
struct StampSeries {
  std::uint64_t token = 0;  // of the attempt
  std::uint32_t sink = 0;   // hash of the sink's uid
  std::uint64_t epoch = 0;  // 48 bits: counted by the writer within the attempt
  std::uint16_t subtask = 0;

  friend bool operator==(const StampSeries&, const StampSeries&) = default;
};

inline constexpr std::size_t kStampPrefix = 40;  // digits of the series
inline constexpr std::size_t kStampSize = 56;    // with the sequence

std::string stamp_prefix(const StampSeries& series);
// Makes `out` the stamp of one message: prefix and sequence, upper-case hex.
// REQUIRES: `prefix` is one of stamp_prefix()
void make_stamp(std::string_view prefix, std::uint64_t sequence, std::string& out);
// The sequence, when `key` has the form of a stamp; its first kStampPrefix digits are the series.
std::optional<std::uint64_t> stamp_sequence(std::string_view key);

// Stable.
std::uint32_t sink_hash(std::string_view uid);

}  // namespace slipstream::rocketmq_connector
