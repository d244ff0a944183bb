#include "cli/dead_letter_commands.h"

#include <algorithm>
#include <atomic>
#include <set>

#include <unistd.h>

#include "slipstream/rocketmq/producer.h"

#include "base/output.h"
#include "base/suggest.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/message_format.h"
#include "cli/position.h"
#include "cli/progress.h"
#include "cli/queue_scan.h"
#include "cli/report.h"
#include "cli/stop_signal.h"
#include "rocketmq/message/properties.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

// Says which dead letter a copy was made of.
constexpr std::string_view kRedrivenFrom = "redriven_from";
constexpr std::int64_t kRowsTogether = 1'000;  // of a list that are printed at a time

std::string property_of(const mq::ReceivedMessage& message, std::string_view name) {
  return std::string(message.property(name).value_or(""));
}

// The topic that the group read it from, or pops: what is popped again is in %RETRY%group_topic or
// %RETRY%group+topic.
std::string origin_of(const mq::ReceivedMessage& message, const std::string& group) {
  std::string topic = property_of(message, "DLQ_ORIGIN_TOPIC");
  if (topic.empty()) topic = property_of(message, mq::property::kRetryTopic);
  for (const char* separator : {"_", "+"}) {
    const std::string prefix = "%RETRY%" + group + separator;
    if (topic.starts_with(prefix)) return topic.substr(prefix.size());
  }
  return topic;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Error no_dead_letters(mq::Admin& admin, const std::string& group, Error error) {
  if (error.code != ErrorCode::kNotFound) return error;
  std::vector<std::string> names;
  if (const auto groups = admin.list_groups(); groups.ok()) {
    for (const auto& [name, topics] : *groups) names.push_back(name);
  }
  const bool known = std::find(names.begin(), names.end(), group) != names.end();
  return Error{ErrorCode::kNotFound, "group '" + group +
                                         "' has no dead letters: there is no topic '%DLQ%" + group +
                                         "', which the broker makes with the first one" +
                                         (known ? "" : did_you_mean(group, names))};
}

// A queue, and the next offset of it that is not done.
struct OpenQueue {
  mq::OffsetRange range;
  std::int64_t next = 0;
};

Result<std::vector<Position>> parse_positions(const DeadLetterArguments& arguments) {
  std::vector<Position> positions;
  for (const std::string& text : arguments.from) {
    TRY_ASSIGN(Position position, parse_position(text));
    if (!position.queue && arguments.from.size() > 1) {
      return Error{ErrorCode::kInvalidArgument,
                   "position '" + text + "': with several --from each names a queue"};
    }
    positions.push_back(std::move(position));
  }
  if (positions.empty()) positions.emplace_back();
  return positions;
}

// The queues that the positions name, or all, each from its position on.
Result<std::vector<OpenQueue>> open_queues(mq::Admin& admin, const DeadLetterArguments& arguments) {
  TRY_ASSIGN(const std::vector<Position> positions, parse_positions(arguments));
  const std::string topic = "%DLQ%" + arguments.group;
  auto ranges = admin.bounds(topic);
  if (!ranges.ok()) return no_dead_letters(admin, arguments.group, std::move(ranges).error());
  if (ranges->empty()) {
    return Error{
        ErrorCode::kPermissionDenied,
        "topic '" + topic + "' may not be read: old brokers make it so; set its perm to 6"};
  }
  std::vector<OpenQueue> open;
  for (const Position& position : positions) {
    std::vector<mq::OffsetRange> queues = *ranges;
    TRY(keep_queue(position, topic, queues));
    for (mq::OffsetRange& range : queues) {
      if (std::any_of(open.begin(), open.end(),
                      [&](const OpenQueue& each) { return each.range.queue == range.queue; })) {
        return Error{ErrorCode::kInvalidArgument,
                     "--from names " + range.queue.to_string() + " twice"};
      }
      TRY_ASSIGN(range.min_offset, offset_of(admin, position, range));
      open.push_back({range, range.min_offset});
    }
  }
  return open;
}

// Visits what is left of the queues, and moves their next offsets; false: the visitor wants no more, the message
// that it was asked about is not done.
Status visit_dead_letters(mq::Admin& admin, std::vector<OpenQueue>& open,
                          const MessageVisitor& visit) {
  for (OpenQueue& queue : open) {
    const auto visit_one = [&](const mq::ReceivedMessage& message) -> Result<bool> {
      TRY_ASSIGN(const bool more, visit(message));
      if (more) queue.next = message.queue_offset + 1;
      return more;
    };
    TRY_ASSIGN(const bool more, scan_queue(admin, queue.range, visit_one));
    if (!more) return {};
    queue.next = std::max(queue.next, queue.range.max_offset);
  }
  return {};
}

Status list(mq::Admin& admin, const DeadLetterArguments& arguments) {
  TRY_ASSIGN(std::vector<OpenQueue> open, open_queues(admin, arguments));
  Listing listing({"broker", "queue", "offset", "stored", "from topic", "id", "tries", "tags",
                   "keys", "bytes"});
  std::int64_t listed = 0;
  const auto add = [&](const mq::ReceivedMessage& message) -> Result<bool> {
    if (listed == arguments.count) return false;
    listing.add({message.broker, message.queue_id, message.queue_offset,
                 time_text(message.stored_ms), origin_of(message, arguments.group),
                 message.message_id, message.reconsume_times, message.tags, joined(message.keys),
                 std::ssize(message.body)});
    if (++listed % kRowsTogether == 0) TRY(listing.flush(arguments.output));
    return true;
  };
  TRY(visit_dead_letters(admin, open, add));
  return listing.flush(arguments.output);
}

Result<mq::Message> copy_of(const mq::ReceivedMessage& dead, const std::string& topic) {
  if (topic.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "message '" + dead.message_id +
                     "' does not say which topic it came from; name one with --to TOPIC"};
  }
  mq::Message message;
  message.topic = topic;
  message.body = dead.body;
  message.tags = dead.tags;
  message.keys = dead.keys;
  message.sharding_key = dead.sharding_key;
  message.flag = dead.flag;
  for (const mq::Property& property : dead.properties) {
    if (!mq::is_reserved_property(property.name) && property.name != kRedrivenFrom)
      message.properties.push_back(property);
  }
  message.properties.push_back({std::string(kRedrivenFrom), dead.message_id});
  return message;
}

// " --from a:0:5 --from b:0:0": none of them is left out, whatever was done of each.
std::string goes_on_from(const std::vector<OpenQueue>& open) {
  std::string text;
  for (const OpenQueue& queue : open) {
    text += " --from " + queue.range.queue.broker + ":" + std::to_string(queue.range.queue.id) +
            ":" + std::to_string(queue.next);
  }
  return text;
}

// Sends copies of the dead letters that are wanted.
class Redrive {
 public:
  Redrive(mq::Client& client, const DeadLetterArguments& arguments)
      : producer_(client, {.group = "slipstream_cli"}),
        arguments_(arguments),
        wanted_(arguments.ids.begin(), arguments.ids.end()) {}

  Status send(const mq::ReceivedMessage& dead) {
    const std::string topic =
        arguments_.to.empty() ? origin_of(dead, arguments_.group) : arguments_.to;
    TRY_ASSIGN(mq::Message message, copy_of(dead, topic));
    if (!arguments_.dry_run) {
      const mq::SendResult result = producer_.send_and_wait(std::move(message));
      if (!result.stored()) {
        Error error =
            result.error.with_context("message '" + dead.message_id + "' to topic '" + topic + "'");
        if (result.outcome == mq::SendOutcome::kUnknown)
          error.message += "; the broker may have stored it";
        return error;
      }
    }
    ++sent_;
    listing_.add({dead.broker, dead.queue_id, dead.queue_offset, dead.message_id, topic});
    return {};
  }
  // True once for each message.
  bool wants(const mq::ReceivedMessage& dead) {
    return arguments_.all || wanted_.erase(dead.message_id) != 0;
  }
  bool complete() const {
    return sent_ == arguments_.count || (!arguments_.all && wanted_.empty());
  }
  Status show() { return listing_.flush(arguments_.output); }
  std::int64_t sent() const { return sent_; }
  const std::set<std::string>& missing() const { return wanted_; }

 private:
  mq::Producer producer_;
  const DeadLetterArguments& arguments_;
  std::set<std::string> wanted_;
  Listing listing_{{"broker", "queue", "offset", "id", "to topic"}};
  std::int64_t sent_ = 0;
};

Status redrive(mq::Client& client, const DeadLetterArguments& arguments,
               const std::atomic<bool>& stop) {
  mq::Admin admin(client);
  TRY_ASSIGN(std::vector<OpenQueue> open, open_queues(admin, arguments));
  Redrive redrive(client, arguments);
  Status shown;
  bool stopped = false;
  const Status done =
      visit_dead_letters(admin, open, [&](const mq::ReceivedMessage& dead) -> Result<bool> {
        if (!shown.ok() || redrive.complete()) return false;
        stopped = stop;
        if (stopped) return false;
        if (!redrive.wants(dead)) return true;
        TRY(redrive.send(dead));
        shown = redrive.show();
        return true;
      });
  if (shown.ok()) shown = redrive.show();
  if (arguments.dry_run) {
    notify(counted(redrive.sent(), "message") +
           " would be sent again; nothing was sent (--dry-run)");
  } else {
    notify(counted(redrive.sent(), "message") +
           " sent again; they stay in the dead-letter topic, too" +
           (arguments.all ? ":" + goes_on_from(open) + " goes on behind them" : ""));
  }
  TRY(done);
  TRY(shown);
  if (stopped) return Error{ErrorCode::kCancelled, "stopped before the end"};
  if (arguments.all || redrive.missing().empty()) return {};
  return Error{ErrorCode::kNotFound, "group '" + arguments.group +
                                         "' has no dead letter with the id '" +
                                         *redrive.missing().begin() + "'"};
}

}  // namespace

int dead_letters_list_command(const DeadLetterArguments& arguments) {
  const auto from = parse_positions(arguments);
  if (!from.ok()) return fail(from.error(), kExitUsage);
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return list(admin, arguments); });
}

int dead_letters_redrive_command(const DeadLetterArguments& arguments) {
  const auto from = parse_positions(arguments);
  if (!from.ok()) return fail(from.error(), kExitUsage);
  if (arguments.all != arguments.ids.empty()) {
    return fail(Error{ErrorCode::kInvalidArgument, "either --id or --all is needed"}, kExitUsage);
  }
  if (arguments.all && arguments.from.empty() && !arguments.yes && !arguments.dry_run) {
    return fail(
        Error{ErrorCode::kInvalidArgument,
              "--all from the first one on sends again what earlier runs sent, too: say --from "
              "POSITION, which such a run printed, or --yes; --dry-run says how many there are"},
        kExitUsage);
  }
  std::atomic<bool> stop{false};
  const StopSignal signals([&stop](int count) {
    stop = true;
    if (count > 1) _exit(130);
  });
  return with_client(arguments.cluster,
                     [&](mq::Client& client) { return redrive(client, arguments, stop); });
}

}  // namespace slipstream::cli
