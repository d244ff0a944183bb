// Date and time patterns as in Java's DateTimeFormatter: "yyyy-MM-dd HH:mm:ss.SSS".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

#include "data/text/civil.h"

namespace slipstream::expr {

// A compiled pattern: prints and reads wall-clock times. English names.
//
// Letters: y u (year), M L (month: M MM MMM MMMM), d (day), D (day of year), E (weekday), a
// (AM/PM), H k (0-23, 1-24), h K (1-12, 0-11), m, s, S (fraction of a second); text in quotes.
// Only printed: Y w W (week year, week of year, of month: weeks start on Sunday), G (era), and the
// letters of one dialect. Other letters are refused.
class TimeFormat {
 public:
  // Whose letters a pattern has.
  enum class Dialect : std::uint8_t {
    kFormatter,  // java.time's DateTimeFormatter; also Q q (quarter), e c (day of week), n (nanos
                 // of the second), A N (milliseconds, nanoseconds of the day)
    kSimple,     // java.text's SimpleDateFormat: u is the weekday from Monday = 1, S milliseconds
  };
  enum class Use : std::uint8_t { kPrint, kRead };
  static Result<TimeFormat> compile(std::string_view pattern, Dialect dialect, Use use);

  void append(const text::CivilTime& time, std::string& out) const;
  enum class Leniency : std::uint8_t {
    kSmart,    // a day that the month lacks is its last; text behind is a mismatch
    kLenient,  // fields beyond their range carry over (Feb 30 is Mar 1), numbers may have fewer or
               // more digits, text behind is passed over; two-digit years lie in 1950-2049
  };
  // Fields that the pattern lacks are those of 1970-01-01 00:00:00. Nothing when the text does not
  // match.
  std::optional<text::CivilTime> parse(std::string_view text, Leniency leniency) const;

 private:
  struct Part {
    char letter = 0;  // 0: literal text
    int width = 0;
    std::string literal;
    bool fixed = false;  // another number follows at once: exactly `width` digits are read
  };
  class Reader;
  void append_part(const Part& part, const text::CivilTime& time, std::string& out) const;
  void append_name_or_number(const Part& part, const text::CivilTime& time, std::string& out) const;

  Dialect dialect_ = Dialect::kFormatter;
  std::vector<Part> parts_;
};

}  // namespace slipstream::expr
