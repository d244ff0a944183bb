#include "cli/message_balance.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace slipstream::cli {
namespace {

constexpr int kPartBits = 16;

std::size_t part_of(std::uint64_t hash) { return hash >> (64 - kPartBits); }

Status same_count(const char* what, std::int64_t first, std::int64_t second) {
  if (first == second) return {};
  return Error{ErrorCode::kDataError,
               std::string(what) + " changed while it was compared: " + std::to_string(first) +
                   " messages the first time it was read, " + std::to_string(second) +
                   " the second time"};
}

}  // namespace

void MessageTally::add(std::uint64_t hash, std::int64_t body_bytes) {
  ++count;
  bytes += body_bytes;
  sum += hash;
  exclusive_or ^= hash;
}

void MessageTally::add(const MessageTally& other) {
  count += other.count;
  bytes += other.bytes;
  sum += other.sum;
  exclusive_or ^= other.exclusive_or;
}

bool MessageTally::same_messages(const MessageTally& other) const {
  return count == other.count && sum == other.sum && exclusive_or == other.exclusive_or;
}

MessageBalance::MessageBalance(Limits limits)
    : limits_(limits), parts_(std::size_t{1} << kPartBits) {}

Status MessageBalance::count(Side side, const CountedMessage& message) {
  Part& part = parts_[part_of(message.hash)];
  if (side == Side::kIn) {
    ++part.messages_in;
    ++part.count;
    part.sum += message.hash;
  } else {
    --part.count;
    part.sum -= message.hash;
  }
  part.exclusive_or ^= message.hash;
  MinuteBalance& minute = minutes_[message.minute_ms];
  (side == Side::kIn    ? minute.in
   : side == Side::kOut ? minute.out
                        : minute.minus)
      .add(message.hash, message.bytes);
  if (minutes_.size() <= limits_.minutes_max) return {};
  return Error{ErrorCode::kResourceExhausted,
               "the messages are of more than " + std::to_string(limits_.minutes_max) +
                   " different minutes; compare a slice of them, by --from and --to"};
}

bool MessageBalance::choose_parts() {
  bool any = false;
  std::size_t held = 0;
  for (Part& part : parts_) {
    if (!part.differs()) continue;
    any = true;
    const auto more = static_cast<std::size_t>(part.messages_in);
    part.chosen = held + more <= limits_.held_max;
    if (part.chosen) {
      held += more;
      counted_in_ += part.messages_in;
      counted_out_ += part.messages_in - part.count;
    }
    parts_left_out_ += part.chosen ? 0 : 1;
  }
  held_.reserve(held);
  return any;
}

Status MessageBalance::choose_all() {
  const std::int64_t held = total().in.count;
  if (held > static_cast<std::int64_t>(limits_.held_max)) {
    return Error{
        ErrorCode::kResourceExhausted,
        "the slice has " + std::to_string(held) + " messages, and " +
            std::to_string(limits_.held_max) +
            " at most are compared; take a smaller one, or name the field with the time of "
            "a message by --time"};
  }
  all_chosen_ = true;
  counted_in_ = held;
  held_.reserve(static_cast<std::size_t>(held));
  return {};
}

bool MessageBalance::is_chosen(std::uint64_t hash) const {
  return all_chosen_ || parts_[part_of(hash)].chosen;
}

void MessageBalance::hold(const CountedMessage& message, std::uint32_t queue, std::int64_t offset) {
  held_.push_back(Held{message.hash, message.minute_ms, offset, queue, 0});
  ++held_in_;
}

Status MessageBalance::all_held() const {
  return same_count("what went in", counted_in_, held_in_);
}

Status MessageBalance::all_matched() const {
  if (all_chosen_) return {};  // read once
  return same_count("what came out", counted_out_, matched_out_);
}

void MessageBalance::count_elsewhere(std::uint64_t hash) {
  const auto [first, last] = held_of(hash);
  if (first != last) ++elsewhere_[hash];
}

void MessageBalance::sort_held() {
  std::sort(held_.begin(), held_.end(), [](const Held& a, const Held& b) {
    return std::tie(a.hash, a.queue, a.offset) < std::tie(b.hash, b.queue, b.offset);
  });
  sorted_ = true;
}

std::pair<std::vector<MessageBalance::Held>::iterator, std::vector<MessageBalance::Held>::iterator>
MessageBalance::held_of(std::uint64_t hash) {
  if (!sorted_) sort_held();
  const auto by_hash = [](const Held& a, const Held& b) { return a.hash < b.hash; };
  return std::equal_range(held_.begin(), held_.end(), Held{.hash = hash}, by_hash);
}

MessageBalance::Match MessageBalance::match(Side side, const CountedMessage& message) {
  ++matched_out_;
  const auto [first, last] = held_of(message.hash);
  if (first == last) {
    if (!all_chosen_) ++minutes_[message.minute_ms].unexpected;
    return Match::kUnexpected;
  }
  const bool expected = first->matched < static_cast<std::size_t>(last - first);
  if (const auto other = elsewhere_.find(message.hash);
      !expected && other != elsewhere_.end() && other->second > 0) {
    --other->second;
    return Match::kUnexpected;
  }
  const Held& in = expected ? *(first + first->matched) : *first;
  MinuteBalance& minute = minutes_[all_chosen_ ? in.minute_ms : message.minute_ms];
  if (all_chosen_)
    (side == Side::kOut ? minute.out : minute.minus).add(message.hash, message.bytes);
  if (!expected) {
    ++minute.doubled;
    return Match::kDoubled;
  }
  ++first->matched;
  return Match::kExpected;
}

void MessageBalance::count_missing(const std::function<void(const Missing&)>& visit) {
  if (!sorted_) sort_held();
  auto missing = held_.begin();  // those that are go to the front
  for (auto first = held_.begin(); first != held_.end();) {
    auto last = first;
    while (last != held_.end() && last->hash == first->hash) ++last;
    missing = std::copy(first + first->matched, last, missing);
    first = last;
  }
  held_.erase(missing, held_.end());
  std::sort(held_.begin(), held_.end(), [](const Held& a, const Held& b) {
    return std::tie(a.queue, a.offset) < std::tie(b.queue, b.offset);
  });
  for (const Held& each : held_) {
    ++minutes_[each.minute_ms].missing;
    visit(Missing{each.minute_ms, each.queue, each.offset});
  }
  held_.clear();
}

MinuteBalance MessageBalance::total() const {
  MinuteBalance total;
  for (const auto& [begin_ms, minute] : minutes_) {
    total.in.add(minute.in);
    total.out.add(minute.out);
    total.minus.add(minute.minus);
    total.missing += minute.missing;
    total.doubled += minute.doubled;
    total.unexpected += minute.unexpected;
  }
  return total;
}

}  // namespace slipstream::cli
