// Messages as lines of text, and lines as messages.
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

bool is_utf8(std::string_view text);
// "2026-11-21 10:00:00.123", UTC.
std::string time_text(std::int64_t ms);
// The bytes as they are where they are UTF-8 without control characters; else base64, marked as such.
std::string printable(std::string_view bytes);

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

// One object and a line end: topic, broker, queue, offset, id, time; tags, keys, properties (the
// user's own); sharding_key and flag where there is one; body, or body_base64 where it is not UTF-8.
// Failure: kUnsupported, names message and part: what is not UTF-8 besides the body has no place in
//          JSON. Nothing is appended.
Status append_envelope(const rocketmq::ReceivedMessage& message, std::string& out);

// What an envelope says a message has: tags, keys, properties, sharding key, flag and the body. Where
// the message was found does not count.
// Failure: kInvalidArgument, names the field.
Status read_envelope(std::string_view line, rocketmq::Message& message);

}  // namespace slipstream::cli
