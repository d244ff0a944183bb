// The two kinds of message id.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::rocketmq {

// Made by the broker: where the message is stored. 32 (IPv4) or 56 (IPv6) upper-case hex digits.
struct OffsetMessageId {
  std::array<std::uint8_t, 16> ip{};
  bool v6 = false;
  std::int32_t port = 0;
  std::uint64_t physical_offset = 0;

  std::span<const std::uint8_t> ip_bytes() const {
    return std::span<const std::uint8_t>(ip).first(v6 ? 16 : 4);
  }
};
// REQUIRES: 4 or 16 bytes of ip
std::string encode_offset_message_id(std::span<const std::uint8_t> ip, std::int32_t port,
                                     std::uint64_t physical_offset);
Result<OffsetMessageId> decode_offset_message_id(std::string_view text);

// Makes UNIQ_KEYs in the form that tools read the time out of: ip, process id, a hash, milliseconds
// since the start of the month (UTC), counter.
//
// Thread: one. Unique within a process as long as the clock makes 65,536 keys per millisecond
// impossible.
class UniqueKeyMaker {
 public:
  struct Identity {
    std::span<const std::uint8_t> ip;  // 4 or 16 bytes
    std::uint16_t process_id = 0;
    std::uint32_t hash = 0;  // tells makers of one process apart
  };
  explicit UniqueKeyMaker(const Identity& identity);

  // Valid until the next call.
  const std::string& make(std::int64_t now_ms);

 private:
  std::string key_;  // the fixed part stays
  std::uint16_t counter_ = 0;
  std::int64_t month_begin_ms_ = 0;
  std::int64_t month_end_ms_ = 0;  // exclusive
};

// 32 or 56 upper-case hex digits.
bool is_unique_key_form(std::string_view text);

}  // namespace slipstream::rocketmq
