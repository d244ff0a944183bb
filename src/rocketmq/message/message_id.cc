#include "rocketmq/message/message_id.h"

#include <algorithm>
#include <chrono>

#include "base/bytes.h"

namespace slipstream::rocketmq {

namespace {

constexpr std::size_t kDigitsV4 = 32;
constexpr std::size_t kDigitsV6 = 56;
constexpr std::size_t kTailDigits = 12;  // milliseconds and counter of a unique key

// [begin, end) of the UTC month that holds `now_ms`.
std::pair<std::int64_t, std::int64_t> month_around(std::int64_t now_ms) {
  using std::chrono::days;
  using std::chrono::milliseconds;
  using std::chrono::sys_days;
  const auto day =
      std::chrono::floor<days>(std::chrono::sys_time<milliseconds>(milliseconds(now_ms)));
  const std::chrono::year_month_day date(day);
  const std::chrono::year_month month(date.year(), date.month());
  const auto begin = sys_days(month / 1);
  const auto end = sys_days((month + std::chrono::months(1)) / 1);
  return {milliseconds(begin.time_since_epoch()).count(),
          milliseconds(end.time_since_epoch()).count()};
}

}  // namespace

std::string encode_offset_message_id(std::span<const std::uint8_t> ip, std::int32_t port,
                                     std::uint64_t physical_offset) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.bytes(ip);
  writer.i32(port);
  writer.u64(physical_offset);
  return to_hex(as_bytes(bytes));
}

Result<OffsetMessageId> decode_offset_message_id(std::string_view text) {
  std::string bytes;
  if ((text.size() != kDigitsV4 && text.size() != kDigitsV6) || !from_hex(text, bytes)) {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + std::string(text) +
                     "' is not an offset message id: expected 32 or 56 hexadecimal digits"};
  }
  OffsetMessageId id;
  id.v6 = text.size() == kDigitsV6;
  ByteReader reader(as_bytes(bytes));
  const std::span<const std::uint8_t> ip = reader.bytes(id.v6 ? 16 : 4);
  std::copy(ip.begin(), ip.end(), id.ip.begin());
  id.port = reader.i32();
  id.physical_offset = reader.u64();
  return id;
}

UniqueKeyMaker::UniqueKeyMaker(const Identity& identity) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.bytes(identity.ip);
  writer.u16(identity.process_id);
  writer.u32(identity.hash);
  key_ = to_hex(as_bytes(bytes));
  key_.resize(key_.size() + kTailDigits);
}

const std::string& UniqueKeyMaker::make(std::int64_t now_ms) {
  if (now_ms < month_begin_ms_ || now_ms >= month_end_ms_) {
    const auto [begin, end] = month_around(now_ms);
    month_begin_ms_ = begin;
    month_end_ms_ = end;
  }
  constexpr char kDigits[] = "0123456789ABCDEF";
  auto tail = static_cast<std::uint64_t>(now_ms - month_begin_ms_) << 16U | counter_++;
  for (std::size_t i = 0; i < kTailDigits; ++i, tail >>= 4U)
    key_[key_.size() - 1 - i] = kDigits[tail & 0xFU];
  return key_;
}

bool is_unique_key_form(std::string_view text) {
  return (text.size() == kDigitsV4 || text.size() == kDigitsV6) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

}  // namespace slipstream::rocketmq
