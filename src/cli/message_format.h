// Messages as lines of text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::cli {

// \n, \t, \0 and \\ as the bytes they stand for.
std::string unescaped(std::string_view text);

// "2026-11-21 10:00:00.123", UTC; the number outside of the years 1 to 9999.
std::string time_text(std::int64_t ms);

// Whether it is of the years 1 to 9999.
bool is_calendar_time(std::int64_t ms);
// The keys of a message, a blank between them.
std::string joined_keys(const rocketmq::ReceivedMessage& message);

// A text with places for parts of a message: "%t topic %b broker %q queue %o offset %k keys %g tags
// %i id %T store time %s body %% percent".
class MessageFormat {
 public:
  // Failure: kInvalidArgument, names the letter and what there is.
  static Result<MessageFormat> parse(std::string_view text);
  void append(const rocketmq::ReceivedMessage& message, std::string& out) const;

 private:
  struct Part {
    char letter = 0;  // one of above; 0 = text
    std::string text;
  };
  std::vector<Part> parts_;
};

}  // namespace slipstream::cli
