// A row of JSON while it is written.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipstream::format {

// Text that grows at its end; made for the usual values, which it writes with one look at the room.
//
// Failure: what is not usual is not put: false, and nothing was written.
class JsonRow {
 public:
  JsonRow() : room_(1024, '\0'), at_(room_.data()) {}
  JsonRow(const JsonRow&) = delete;
  JsonRow& operator=(const JsonRow&) = delete;

  std::string_view text() const {
    return {room_.data(), static_cast<std::size_t>(at_ - room_.data())};
  }
  void clear() { at_ = room_.data(); }
  void put(char c) {
    reserve(1);
    *at_++ = c;
  }
  void put(std::string_view text);
  void put_integer(std::int64_t value);
  // In quotes. Only ASCII that needs no escapes.
  bool put_string(std::string_view text);
  // In quotes, with as many digits as needed, and `behind` unless it is '\0'. Not finer than
  // microseconds.
  bool put_timestamp(std::int64_t value, int precision, char separator, char behind);

 private:
  void reserve(std::size_t bytes) {
    if (static_cast<std::size_t>(room_.data() + room_.size() - at_) < bytes) grow(bytes);
  }
  void grow(std::size_t bytes);
  void put_clock(std::int64_t micros_of_day, int precision);

  std::string room_;
  char* at_;
  // Most rows are of the day of the row before.
  std::int64_t day_ = 0;
  std::string day_text_ = "1970-01-01";
};

}  // namespace slipstream::format
