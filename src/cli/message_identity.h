// Which message it is, of two copies whose places, and perhaps bodies, differ.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "slipstream/rocketmq/message.h"

#include "cli/message_balance.h"

namespace slipstream::cli {

// By the whole body, by fields of its JSON, or by the keys of the message. A message without them is
// known by its body all the same, as one that is no JSON must be.
//
// Thread: one.
class MessageIdentity {
 public:
  static constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

  struct Options {
    std::vector<std::string> columns;  // "id", "order.id"; each a text, a number, a boolean or null
    bool keys = false;
    // Field with the time of the message: milliseconds since 1970, or a timestamp in UTC; empty:
    // when it was stored.
    std::string time;
  };
  explicit MessageIdentity(Options options) : options_(std::move(options)) {}

  struct Identity {
    std::string text;
    bool by_body = false;            // it lacks what the options name
    std::int64_t time_ms = kNoTime;  // also for what is outside of the years 1 to 9999
  };
  Identity of(const rocketmq::ReceivedMessage& message) const;
  // With a time field the same message in another minute is another one. The minute of no time is
  // kNoTime.
  CountedMessage counted(const rocketmq::ReceivedMessage& message, const Identity& identity) const;

 private:
  Options options_;
};

// A dead letter as a table with 'dead-letter.topic' writes it gets the body that was no row;
// everything else stays as it is.
void restore_dead_letter(rocketmq::ReceivedMessage& message);

}  // namespace slipstream::cli
