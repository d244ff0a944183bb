#include "format/json_row.h"

#include <charconv>
#include <cstring>

#include "data/text/civil.h"
#include "data/text/temporal.h"
#include "format/byte_block.h"

namespace slipstream::format {

namespace {

ByteBlock specials(ByteBlock block) { return (block < 0x20) | (block == '"') | (block == '\\'); }

ByteBlock copy_block(const char* from, char* to) {
  const ByteBlock block = load_block(from);
  std::memcpy(to, &block, sizeof block);
  return specials(block);
}

// Copies and says whether every byte is ASCII that stands for itself in JSON.
bool copy_plain(std::string_view text, char* to) {
  const std::size_t size = text.size();
  const char* from = text.data();
  ByteBlock found = {};
  if (size < sizeof(ByteBlock)) {
    std::array<char, sizeof(ByteBlock)> padded;
    padded.fill(' ');
    std::memcpy(padded.data(), from, size);
    return !any(copy_block(padded.data(), to));
  }
  for (std::size_t at = 0; at + sizeof(ByteBlock) <= size; at += sizeof(ByteBlock))
    found |= copy_block(from + at, to + at);
  const std::size_t last = size - sizeof(ByteBlock);
  return !any(found | copy_block(from + last, to + last));
}

char* put_two(char* at, std::int64_t value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
  return at + 2;
}

}  // namespace

void JsonRow::grow(std::size_t bytes) {
  const auto used = static_cast<std::size_t>(at_ - room_.data());
  room_.resize((used + bytes) * 2);
  at_ = room_.data() + used;
}

void JsonRow::put(std::string_view text) {
  reserve(text.size());
  std::memcpy(at_, text.data(), text.size());
  at_ += text.size();
}

void JsonRow::put_integer(std::int64_t value) {
  constexpr std::size_t kLongest = 20;
  reserve(kLongest);
  at_ = std::to_chars(at_, at_ + kLongest, value).ptr;
}

bool JsonRow::put_string(std::string_view text) {
  reserve(text.size() + 2 + sizeof(ByteBlock));
  if (!copy_plain(text, at_ + 1)) return false;
  at_[0] = '"';
  at_ += text.size() + 2;
  at_[-1] = '"';
  return true;
}

void JsonRow::put_clock(std::int64_t micros_of_day, int precision) {
  const std::int64_t second = micros_of_day / 1'000'000;
  at_ = put_two(at_, second / 3600);
  *at_++ = ':';
  at_ = put_two(at_, second / 60 % 60);
  *at_++ = ':';
  at_ = put_two(at_, second % 60);
  const std::int64_t micros = micros_of_day - second * 1'000'000;
  at_[0] = '.';
  put_two(at_ + 1, micros / 10'000);
  put_two(at_ + 3, micros / 100 % 100);
  put_two(at_ + 5, micros % 100);
  while (precision > 0 && at_[precision] == '0') --precision;
  if (precision > 0) at_ += precision + 1;
}

bool JsonRow::put_timestamp(std::int64_t value, int precision, char separator, char behind) {
  if (precision > 6) return false;
  constexpr std::int64_t kMicrosPerDay = text::kSecondsPerDay * 1'000'000;
  const std::int64_t day = text::floor_div(value, kMicrosPerDay);
  if (day != day_) {
    day_ = day;
    day_text_.clear();
    text::append_date(static_cast<std::int32_t>(day), day_text_);
  }
  reserve(64);
  *at_++ = '"';
  put(day_text_);
  *at_++ = separator;
  put_clock(value - day * kMicrosPerDay, precision);
  if (behind != '\0') *at_++ = behind;
  *at_++ = '"';
  return true;
}

}  // namespace slipstream::format
