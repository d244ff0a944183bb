#include "cli/audit_command.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/try.h"
#include "cli/job_audit.h"
#include "cli/listing.h"
#include "cli/message_balance.h"
#include "cli/message_flow.h"
#include "cli/message_format.h"
#include "cli/message_identity.h"
#include "cli/position.h"
#include "cli/report.h"
#include "data/digest.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;
using Side = MessageBalance::Side;

constexpr std::size_t kIdentityBytesShown = 80;
constexpr std::size_t kRangesMax = 10'000;

std::string minute_text(std::int64_t begin_ms) {
  if (begin_ms == MessageIdentity::kNoTime) return "no time";
  std::string text = time_text(begin_ms);
  constexpr std::string_view kSeconds = ":00.000";
  if (text.ends_with(kSeconds)) text.resize(text.size() - kSeconds.size());
  return text;
}

// Not in the middle of a character.
std::string shortened(const std::string& text) {
  if (text.size() <= kIdentityBytesShown) return text;
  std::size_t size = kIdentityBytesShown;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size) + "...";
}

std::string in_words(const MinuteBalance& total) {
  return "in " + grouped(total.in.count) + ", out " + grouped(total.out.count) + ", minus " +
         grouped(total.minus.count);
}

// The places of what is missing or too many: ranges of offsets by minute and queue, and single
// messages of each kind.
// Bounds: kRangesMax ranges, shown_max messages of a kind.
class Differences {
 public:
  explicit Differences(std::int64_t shown_max) : shown_max_(shown_max) {}

  // True: the message is to be shown, too.
  bool add(const char* what, std::int64_t minute_ms, const mq::MessageQueue& queue,
           std::int64_t offset) {
    const auto key = std::tuple(std::string(what), minute_ms, queue);
    auto found = ranges_.find(key);
    if (found == ranges_.end() && ranges_.size() < kRangesMax)
      found = ranges_.emplace(key, Range{0, offset, offset}).first;
    if (found == ranges_.end()) {
      ++without_range_;
    } else {
      Range& range = found->second;
      ++range.count;
      range.first = std::min(range.first, offset);
      range.last = std::max(range.last, offset);
    }
    return ++counts_[what] <= shown_max_;
  }
  void show(const char* what, const mq::ReceivedMessage& message,
            const MessageIdentity::Identity& identity) {
    messages_.add(
        {what,
         identity.time_ms == MessageIdentity::kNoTime ? "no time" : time_text(identity.time_ms),
         message.topic, message.broker, message.queue_id, message.queue_offset, message.message_id,
         joined_keys(message), shortened(mq::printable(identity.text))});
    any_shown_ = true;
  }
  Status print(OutputFormat output) {
    Listing ranges(
        {"what", "minute", "topic", "broker", "queue", "count", "first offset", "last offset"});
    for (const auto& [key, range] : ranges_) {
      const auto& [what, minute_ms, queue] = key;
      ranges.add({what, minute_text(minute_ms), queue.topic, queue.broker, queue.id, range.count,
                  range.first, range.last});
    }
    if (!ranges_.empty()) TRY(ranges.print(output));
    if (any_shown_) TRY(messages_.print(output));
    if (without_range_ > 0) {
      notify("the places of " + grouped(without_range_) + " more are left out: only " +
             grouped(kRangesMax) + " are listed");
    }
    for (const auto& [what, count] : counts_) {
      if (count > shown_max_ && shown_max_ > 0)
        notify(grouped(count - shown_max_) + " more are " + what + "; see --show");
    }
    return {};
  }

 private:
  struct Range {
    std::int64_t count;
    std::int64_t first;
    std::int64_t last;
  };
  const std::int64_t shown_max_;
  std::map<std::tuple<std::string, std::int64_t, mq::MessageQueue>, Range> ranges_;
  std::map<std::string, std::int64_t> counts_;
  std::int64_t without_range_ = 0;
  Listing messages_{
      {"what", "time", "topic", "broker", "queue", "offset", "id", "keys", "message"}};
  bool any_shown_ = false;
};

struct Slice {
  Position from;
  Position to;
  bool is_all() const {
    return from.start.kind == mq::StartPosition::Kind::kEarliest &&
           to.start.kind == mq::StartPosition::Kind::kLatest;
  }
};

class Audit {
 public:
  Audit(mq::Admin* admin, const AuditArguments& arguments, Slice slice)
      : admin_(admin),
        arguments_(arguments),
        slice_(std::move(slice)),
        identity_({arguments.columns, arguments.keys, arguments.time}),
        differences_(arguments.show_max) {}

  Status run() {
    TRY(open());
    {
      Rate rate;
      const Progress progress(arguments_.progress, [&]() -> ProgressFacts {
        rate.observe(SystemClock().now_ms(), read_);
        return {counted(read_, "message") + " read", grouped(rate.per_second()) + "/s",
                again_ ? "for what differs" : "for totals"};
      });
      TRY(compare());
    }
    TRY(print_minutes());
    TRY(differences_.print(arguments_.output));
    return verdict();
  }

 private:
  struct Flow {
    Side side = Side::kIn;
    MessageFlow messages;
  };
  using Visitor = std::function<Status(const mq::ReceivedMessage&, const MessageIdentity::Identity&,
                                       const CountedMessage&)>;

  // Without a time in messages only what goes in can be cut: nobody knows when that came out.
  bool is_slice() const { return arguments_.time.empty() && !slice_.is_all(); }

  // What goes in first: what comes out of it while the others are opened is no surplus.
  Status open() {
    MessageFlow::Slice cut;
    if (is_slice()) cut = {slice_.from, slice_.to};
    for (const auto& [side, names] :
         {std::pair(Side::kIn, &arguments_.in), std::pair(Side::kOut, &arguments_.out),
          std::pair(Side::kMinus, &arguments_.minus)}) {
      for (const std::string& name : *names) {
        TRY_ASSIGN(MessageFlow flow,
                   MessageFlow::open(admin_, name, side == Side::kIn ? cut : MessageFlow::Slice{}));
        flows_.push_back(Flow{side, std::move(flow)});
      }
    }
    return {};
  }

  Status compare() {
    const auto count_one = [this](Side side) -> Visitor {
      return [this, side](const mq::ReceivedMessage&, const MessageIdentity::Identity& identity,
                          const CountedMessage& message) {
        if (identity.by_body) ++by_body_[side];
        return balance_.count(side, message);
      };
    };
    TRY(visit(Side::kIn, count_one(Side::kIn)));
    TRY(check_identities());
    if (is_slice()) {
      TRY(balance_.choose_all());
    } else {
      TRY(visit(Side::kOut, count_one(Side::kOut)));
      TRY(visit(Side::kMinus, count_one(Side::kMinus)));
      if (!balance_.choose_parts()) return {};
    }
    again_ = true;
    return look_into_differences();
  }

  // Of what went in, before anything else was read.
  Status check_identities() {
    if (without_time_[Side::kIn] > 0 && without_time_[Side::kIn] == read_) {
      return Error{ErrorCode::kDataError,
                   "no message that went in has a time in '" + arguments_.time +
                       "', the field of --time; milliseconds since 1970 or a timestamp is one"};
    }
    const std::int64_t all = balance_.total().in.count;
    if (all == 0 || by_body_[Side::kIn] < all) return {};
    return Error{ErrorCode::kDataError, arguments_.keys
                                            ? "no message that went in has a key"
                                            : "no message that went in has all the fields of "
                                              "--column as values of a JSON object"};
  }

  Status visit(Side side, const Visitor& visitor) {
    for (const Flow& flow : flows_) {
      if (flow.side != side) continue;
      TRY(flow.messages.visit([&](const mq::ReceivedMessage& found) -> Status {
        ++read_;
        mq::ReceivedMessage restored;
        if (side == Side::kMinus) restore_dead_letter(restored = found);
        const mq::ReceivedMessage& message = side == Side::kMinus ? restored : found;
        const MessageIdentity::Identity identity = identity_.of(message);
        if (!arguments_.time.empty() && !again_ && identity.time_ms == MessageIdentity::kNoTime)
          ++without_time_[side];
        if (!is_wanted(identity.time_ms)) return {};
        return visitor(message, identity, identity_.counted(message, identity));
      }));
    }
    return {};
  }

  bool is_wanted(std::int64_t time_ms) const {
    using Kind = mq::StartPosition::Kind;
    if (arguments_.time.empty()) return true;
    return (slice_.from.start.kind != Kind::kTimestamp || time_ms >= slice_.from.start.value) &&
           (slice_.to.start.kind != Kind::kTimestamp ||
            (time_ms != MessageIdentity::kNoTime && time_ms < slice_.to.start.value));
  }

  Status hold_what_went_in() {
    TRY(visit(Side::kIn, [this](const mq::ReceivedMessage& message, const auto&,
                                const CountedMessage& counted) {
      if (balance_.is_chosen(counted.hash))
        balance_.hold(counted, number_of(message.queue()), message.queue_offset);
      return Status();
    }));
    TRY(balance_.all_held());
    if (!is_slice()) return {};
    for (const Flow& flow : flows_) {
      if (flow.side != Side::kIn) continue;
      TRY(flow.messages.visit_rest([this](const mq::ReceivedMessage& message) {
        ++read_;
        balance_.count_elsewhere(identity_.counted(message, identity_.of(message)).hash);
        return Status();
      }));
    }
    return {};
  }

  Status look_into_differences() {
    TRY(hold_what_went_in());
    for (const Side side : {Side::kOut, Side::kMinus}) {
      TRY(visit(side, [this, side](const mq::ReceivedMessage& message,
                                   const MessageIdentity::Identity& identity,
                                   const CountedMessage& counted) {
        if (!balance_.is_chosen(counted.hash)) return Status();
        const MessageBalance::Match match = balance_.match(side, counted);
        if (match == MessageBalance::Match::kExpected) return Status();
        if (match == MessageBalance::Match::kUnexpected && is_slice()) return Status();
        const char* what = match == MessageBalance::Match::kDoubled ? "doubled" : "unexpected";
        if (differences_.add(what, counted.minute_ms, message.queue(), message.queue_offset))
          differences_.show(what, message, identity);
        return Status();
      }));
    }
    TRY(balance_.all_matched());
    return find_missing();
  }

  Status find_missing() {
    std::vector<MessageFlow::Location> shown;
    balance_.count_missing([&](const MessageBalance::Missing& missing) {
      const mq::MessageQueue& queue = queues_[missing.queue];
      if (differences_.add("missing", missing.minute_ms, queue, missing.offset))
        shown.push_back({queue, missing.offset});
    });
    for (const Flow& flow : flows_) {
      if (flow.side != Side::kIn) continue;
      TRY(flow.messages.visit_at(shown, [this](const mq::ReceivedMessage& message) {
        differences_.show("missing", message, identity_.of(message));
        return Status();
      }));
    }
    return {};
  }

  std::uint32_t number_of(const mq::MessageQueue& queue) {
    const auto [known, added] =
        numbers_.try_emplace(queue, static_cast<std::uint32_t>(queues_.size()));
    if (added) queues_.push_back(queue);
    return known->second;
  }

  // By the time of messages the tallies of a minute can be compared; by store times only single
  // messages can.
  bool is_equal(const MinuteBalance& minute) const {
    if (minute.has_difference()) return false;
    if (arguments_.time.empty()) return true;
    MessageTally out = minute.out;
    out.add(minute.minus);
    return minute.in.same_messages(out);
  }

  Status print_minutes() {
    const bool for_people = arguments_.output == OutputFormat::kTable;
    std::vector<std::string> header = {"minute", "in",      "in bytes", "out",        "out bytes",
                                       "minus",  "missing", "doubled",  "unexpected", "verdict"};
    if (!for_people) {
      for (const char* side : {"in", "out", "minus"}) {
        header.push_back(std::string(side) + " sum");
        header.push_back(std::string(side) + " xor");
      }
    }
    Listing listing(header);
    bool any = false;
    for (const auto& [begin_ms, minute] : balance_.minutes()) {
      const bool equal = is_equal(minute);
      if (equal && !arguments_.all_minutes) continue;
      std::vector<Listing::Cell> row = {minute_text(begin_ms), minute.in.count,
                                        minute.in.bytes,       minute.out.count,
                                        minute.out.bytes,      minute.minus.count,
                                        minute.missing,        minute.doubled,
                                        minute.unexpected,     equal ? "equal" : "different"};
      if (!for_people) {
        for (const MessageTally* tally : {&minute.in, &minute.out, &minute.minus}) {
          row.emplace_back(hex_text(tally->sum));
          row.emplace_back(hex_text(tally->exclusive_or));
        }
      }
      listing.add(std::move(row));
      any = true;
    }
    return any ? listing.print(arguments_.output) : Status();
  }

  void notify_of_what_lacks() {
    const auto notify_of = [](const std::map<Side, std::int64_t>& counts, const std::string& how,
                              const std::string& what) {
      static constexpr const char* kSides[] = {"in", "out", "minus"};
      for (const auto& [side, count] : counts) {
        if (count == 0) continue;
        notify(how + ": " + counted(count, "message") + " of --" +
               kSides[static_cast<std::size_t>(side)] + " without " + what);
      }
    };
    notify_of(by_body_, "compared by their bodies",
              arguments_.keys ? "a key" : "the fields of --column");
    notify_of(without_time_, slice_.is_all() ? "compared without a minute" : "left out",
              "a time in the field of --time");
  }

  Status verdict() {
    notify_of_what_lacks();
    const MinuteBalance total = balance_.total();
    if (balance_.parts_left_out() > 0) {
      notify("more differs than fits: " +
             grouped(static_cast<std::int64_t>(balance_.parts_left_out())) +
             " of 65,536 parts of the messages are counted as different and not looked into");
    }
    if (total.in.count + total.out.count + total.minus.count == 0 && read_ > 0) {
      return Error{ErrorCode::kDataError, "nothing was compared: no message of " +
                                              std::string(is_slice() ? "--in" : "either side") +
                                              " is between --from and --to"};
    }
    if (!total.has_difference() && balance_.parts_left_out() == 0) {
      notify("equal: " + in_words(total));
      return {};
    }
    return Error{ErrorCode::kDataError,
                 "different: " + in_words(total) + "; missing " + grouped(total.missing) +
                     ", doubled " + grouped(total.doubled) + ", unexpected " +
                     (is_slice() ? "not counted for a slice" : grouped(total.unexpected))};
  }

  mq::Admin* admin_;
  const AuditArguments& arguments_;
  const Slice slice_;
  const MessageIdentity identity_;
  std::vector<Flow> flows_;
  MessageBalance balance_;
  Differences differences_;
  std::map<Side, std::int64_t> by_body_;       // messages that lack what identifies them
  std::map<Side, std::int64_t> without_time_;  // where --time names a field
  std::map<mq::MessageQueue, std::uint32_t> numbers_;
  std::vector<mq::MessageQueue> queues_;  // by number
  std::atomic<std::int64_t> read_{0};
  std::atomic<bool> again_{false};
};

Result<Slice> slice_of(const AuditArguments& arguments) {
  TRY_ASSIGN(Position from, parse_position(arguments.from));
  TRY_ASSIGN(Position to, parse_position(arguments.to));
  const bool by_queue = from.queue.has_value() || to.queue.has_value();
  if (by_queue && (arguments.in.size() > 1 || !arguments.time.empty())) {
    return Error{ErrorCode::kInvalidArgument,
                 "--from and --to name a queue only with one --in and without --time"};
  }
  if (by_queue && MessageFlow::is_recording(arguments.in.front())) {
    return Error{ErrorCode::kInvalidArgument, "a slice of the recording '" + arguments.in.front() +
                                                  "' is given by times, not by offsets"};
  }
  using Kind = mq::StartPosition::Kind;
  if (!arguments.time.empty() &&
      (from.start.kind == Kind::kLatest || to.start.kind == Kind::kEarliest)) {
    return Error{ErrorCode::kInvalidArgument,
                 "--from latest and --to earliest leave nothing to compare by --time; give times"};
  }
  return Slice{std::move(from), std::move(to)};
}

}  // namespace

int audit_command(const AuditArguments& arguments) {
  if (!arguments.job.empty()) return audit_job(arguments);
  if (arguments.in.empty() || arguments.out.empty()) {
    return fail(Error{ErrorCode::kInvalidArgument,
                      "--in and --out are needed, or --job for the edges of a job of a server"},
                kExitUsage);
  }
  const auto slice = slice_of(arguments);
  if (!slice.ok()) return fail(slice.error(), kExitUsage);
  bool needs_cluster = false;
  for (const auto* names : {&arguments.in, &arguments.out, &arguments.minus}) {
    for (const std::string& name : *names) {
      if (!MessageFlow::is_recording(name)) {
        needs_cluster = true;
      } else if (const Status found = MessageFlow::check_recording(name); !found.ok()) {
        return fail(found.error(), kExitUsage);
      }
    }
  }
  if (!needs_cluster) return report(Audit(nullptr, arguments, *slice).run());
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return Audit(&admin, arguments, *slice).run(); });
}

}  // namespace slipstream::cli
