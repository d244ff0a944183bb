// Whether what went in came out, once: counts and checksums, whatever the order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::cli {

// How many messages there are, and which: equal for the same messages in any order.
struct MessageTally {
  std::int64_t count = 0;
  std::int64_t bytes = 0;  // of bodies
  std::uint64_t sum = 0;   // of 64-bit hashes
  std::uint64_t exclusive_or = 0;

  void add(std::uint64_t hash, std::int64_t body_bytes);
  void add(const MessageTally& other);
  // Bodies may differ where hashes are of parts of them.
  bool same_messages(const MessageTally& other) const;
};

// What it takes of a message: two of one hash are the same message.
struct CountedMessage {
  std::uint64_t hash = 0;
  std::int64_t minute_ms = 0;  // begin of its minute, milliseconds since 1970
  std::int64_t bytes = 0;
};

struct MinuteBalance {
  MessageTally in;
  MessageTally out;
  MessageTally minus;           // dropped on purpose, to a place of its own
  std::int64_t missing = 0;     // of `in`
  std::int64_t doubled = 0;     // of `out` and `minus`: went in, and came out before
  std::int64_t unexpected = 0;  // likewise: did not go in
  bool has_difference() const { return missing + doubled + unexpected > 0; }
};

// All messages are read once, for tallies per minute and per part of the hashes (their first 16
// bits); then once more those of the parts that differ, so that what it keeps of single messages
// stays small. Minutes alone could not say where to look: what comes out is stored later than what
// went in.
//
// Thread: one.
// Bounds: 65,536 parts, 3 MiB; minutes_max minutes of 150 bytes; held_max messages of 32 bytes, and
//         40 more for each that count_elsewhere() finds. Parts that do not fit are left out.
class MessageBalance {
 public:
  enum class Side : std::uint8_t { kIn, kOut, kMinus };
  struct Limits {
    std::size_t held_max = 4'000'000;
    std::size_t minutes_max = 100'000;
  };
  MessageBalance() : MessageBalance(Limits{}) {}
  explicit MessageBalance(Limits limits);

  // First reading.
  // Failure: kResourceExhausted, too many minutes.
  Status count(Side side, const CountedMessage& message);

  // Between the two: which parts to look into. False: all is equal.
  bool choose_parts();
  // Instead, when only kIn was read: all parts. What comes out of other messages is no fault then,
  // and counts for the minute in which it went in.
  // Failure: kResourceExhausted, they do not fit.
  Status choose_all();

  // Second reading: first all of kIn that is_chosen(), then the others. all_held() and all_matched()
  // are asked behind them.
  bool is_chosen(std::uint64_t hash) const;
  void hold(const CountedMessage& message, std::uint32_t queue, std::int64_t offset);
  // Failure: kDataError, the second reading brought fewer or more messages than the first.
  Status all_held() const;
  Status all_matched() const;
  // After hold() and before match(): a message of kIn outside of what choose_all() is for. If it is
  // one that is held, it may come out once more, as kUnexpected.
  void count_elsewhere(std::uint64_t hash);
  enum class Match : std::uint8_t { kExpected, kDoubled, kUnexpected };
  Match match(Side side, const CountedMessage& message);
  // After it, once: by queue and offset. Of equal messages the last ones are missing.
  struct Missing {
    std::int64_t minute_ms = 0;
    std::uint32_t queue = 0;
    std::int64_t offset = 0;
  };
  void count_missing(const std::function<void(const Missing&)>& visit);

  const std::map<std::int64_t, MinuteBalance>& minutes() const { return minutes_; }
  MinuteBalance total() const;
  // Parts that differ and were not chosen: their messages are in no minute's differences.
  std::size_t parts_left_out() const { return parts_left_out_; }
  std::size_t held_max() const { return limits_.held_max; }

 private:
  // In less what came out: all 0 when the messages are the same.
  struct Part {
    std::int64_t messages_in = 0;
    std::int64_t count = 0;
    std::uint64_t sum = 0;
    std::uint64_t exclusive_or = 0;
    bool chosen = false;
    bool differs() const { return count != 0 || sum != 0 || exclusive_or != 0; }
  };
  struct Held {
    std::uint64_t hash = 0;
    std::int64_t minute_ms = 0;
    std::int64_t offset = 0;
    std::uint32_t queue = 0;
    std::uint32_t matched = 0;  // in the first of one hash: how many of them came out
  };
  void sort_held();
  // The held ones of the hash.
  std::pair<std::vector<Held>::iterator, std::vector<Held>::iterator> held_of(std::uint64_t hash);

  const Limits limits_;
  std::vector<Part> parts_;
  std::map<std::int64_t, MinuteBalance> minutes_;
  std::vector<Held> held_;
  std::unordered_map<std::uint64_t, std::int64_t> elsewhere_;  // of held hashes
  // Messages of the chosen parts, in both readings.
  std::int64_t counted_in_ = 0;
  std::int64_t counted_out_ = 0;
  std::int64_t held_in_ = 0;
  std::int64_t matched_out_ = 0;
  bool sorted_ = false;
  bool all_chosen_ = false;
  std::size_t parts_left_out_ = 0;
};

}  // namespace slipstream::cli
