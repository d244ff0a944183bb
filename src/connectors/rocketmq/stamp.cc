#include "connectors/rocketmq/stamp.h"

#include <array>
#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace slipstream::rocketmq_connector {
namespace {

// Two digits for each value of a byte.
constexpr std::array<char, 512> kHexOfByte = [] {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::array<char, 512> pairs{};
  for (std::size_t value = 0; value < 256; ++value) {
    pairs[value * 2] = kDigits[value >> 4U];
    pairs[value * 2 + 1] = kDigits[value & 0xFU];
  }
  return pairs;
}();

}  // namespace

std::string stamp_prefix(const StampSeries& series) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.u64(series.token);
  writer.u32(series.sink);
  writer.u16(static_cast<std::uint16_t>(series.epoch >> 32U));
  writer.u32(static_cast<std::uint32_t>(series.epoch));
  writer.u16(series.subtask);
  return to_hex(as_bytes(bytes));
}

void make_stamp(std::string_view prefix, std::uint64_t sequence, std::string& out) {
  out.resize(kStampSize);
  std::memcpy(out.data(), prefix.data(), kStampPrefix);
  for (std::size_t at = kStampSize; at > kStampPrefix; at -= 2, sequence >>= 8U)
    std::memcpy(&out[at - 2], &kHexOfByte[(sequence & 0xFFU) * 2], 2);
}

std::optional<std::uint64_t> stamp_sequence(std::string_view key) {
  if (key.size() != kStampSize) return std::nullopt;
  std::uint64_t sequence = 0;
  const auto parsed =
      std::from_chars(key.data() + kStampPrefix, key.data() + kStampSize, sequence, 16);
  if (parsed.ec != std::errc() || parsed.ptr != key.data() + kStampSize) return std::nullopt;
  return sequence;
}

std::uint32_t sink_hash(std::string_view uid) {
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a
  for (const char c : uid) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
  return hash;
}

}  // namespace slipstream::rocketmq_connector
