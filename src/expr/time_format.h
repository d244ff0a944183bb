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
// (AM/PM), H k (0-23, 1-24), h K (1-12, 0-11), m, s, S (fraction of a second); text in quotes;
// other letters are refused.
class TimeFormat {
 public:
  static Result<TimeFormat> compile(std::string_view pattern);

  void append(const text::CivilTime& time, std::string& out) const;
  // What happens to a day 29 to 31 that the month lacks, and to text behind the pattern.
  enum class Leniency : std::uint8_t {
    kStrict,  // both are a mismatch
    kSmart,   // the last day of the month; text behind is a mismatch
    kPrefix,  // the last day of the month; text behind is passed over
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
  static void append_part(const Part& part, const text::CivilTime& time, std::string& out);

  std::vector<Part> parts_;
};

}  // namespace slipstream::expr
