#include "cli/dead_letter_commands.h"

#include <algorithm>
#include <functional>
#include <map>
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
#include "rocketmq/message/properties.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

// Says which dead letter a copy was made of.
constexpr std::string_view kRedrivenFrom = "redriven_from";

std::string property_of(const mq::ReceivedMessage& message, std::string_view name) {
  return std::string(message.property(name).value_or(""));
}

// The topic that the group read it from.
std::string origin_of(const mq::ReceivedMessage& message) {
  const std::string topic = property_of(message, "DLQ_ORIGIN_TOPIC");
  return topic.empty() ? property_of(message, mq::property::kRetryTopic) : topic;
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

// Visits the group's dead letters from the position on, `count` of them.
Status visit_dead_letters(mq::Admin& admin, const DeadLetterArguments& arguments,
                          const MessageVisitor& visit) {
  TRY_ASSIGN(const Position from, parse_position(arguments.from));
  const std::string topic = "%DLQ%" + arguments.group;
  auto ranges = admin.bounds(topic);
  if (!ranges.ok()) return no_dead_letters(admin, arguments.group, std::move(ranges).error());
  if (ranges->empty()) {
    return Error{
        ErrorCode::kPermissionDenied,
        "topic '" + topic + "' may not be read: old brokers make it so; set its perm to 6"};
  }
  TRY(keep_queue(from, topic, *ranges));
  std::int64_t left = arguments.count;
  for (mq::OffsetRange& range : *ranges) {
    TRY_ASSIGN(range.min_offset, offset_of(admin, from, range));
    TRY_ASSIGN(const bool more,
               scan_queue(admin, range, [&](const mq::ReceivedMessage& message) -> Result<bool> {
                 if (left == 0) return false;
                 TRY_ASSIGN(const bool taken, visit(message));
                 if (taken && left > 0) --left;
                 return true;
               }));
    if (!more) break;
  }
  return {};
}

Status list(mq::Admin& admin, const DeadLetterArguments& arguments) {
  Listing listing({"broker", "queue", "offset", "stored", "from topic", "id", "tries", "tags",
                   "keys", "bytes"});
  TRY(visit_dead_letters(admin, arguments, [&](const mq::ReceivedMessage& message) -> Result<bool> {
    listing.add({message.broker, message.queue_id, message.queue_offset,
                 time_text(message.stored_ms), origin_of(message), message.message_id,
                 message.reconsume_times, message.tags, joined(message.keys),
                 std::ssize(message.body)});
    return true;
  }));
  return listing.print(arguments.output);
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

Status redrive(mq::Client& client, const DeadLetterArguments& arguments) {
  mq::Admin admin(client);
  mq::Producer producer(client, {.group = "slipstream_cli"});
  std::set<std::string> wanted(arguments.ids.begin(), arguments.ids.end());
  Listing listing({"broker", "queue", "offset", "id", "to topic"});
  std::int64_t sent = 0;
  std::string behind;  // where a further run goes on
  const Status visited =
      visit_dead_letters(admin, arguments, [&](const mq::ReceivedMessage& dead) -> Result<bool> {
        if (!arguments.all && wanted.erase(dead.message_id) == 0) return false;
        const std::string topic = arguments.to.empty() ? origin_of(dead) : arguments.to;
        TRY_ASSIGN(mq::Message message, copy_of(dead, topic));
        if (!arguments.dry_run) {
          const mq::SendResult result = producer.send_and_wait(std::move(message));
          if (!result.stored()) {
            return result.error.with_context("message '" + dead.message_id + "' to topic '" +
                                             topic + "'");
          }
        }
        ++sent;
        behind = dead.broker + ":" + std::to_string(dead.queue_id) + ":" +
                 std::to_string(dead.queue_offset + 1);
        listing.add({dead.broker, dead.queue_id, dead.queue_offset, dead.message_id, topic});
        return true;
      });
  TRY(listing.print(arguments.output));
  if (arguments.dry_run) {
    notify(counted(sent, "message") + " would be sent again; nothing was sent (--dry-run)");
  } else {
    notify(counted(sent, "message") + " sent again; they stay in the dead-letter topic, too" +
           (behind.empty() ? "" : ": --from " + behind + " goes on behind them"));
  }
  TRY(visited);
  if (!arguments.all && !wanted.empty()) {
    return Error{
        ErrorCode::kNotFound,
        "group '" + arguments.group + "' has no dead letter with the id '" + *wanted.begin() + "'"};
  }
  return {};
}

}  // namespace

int dead_letters_list_command(const DeadLetterArguments& arguments) {
  const auto from = parse_position(arguments.from);
  if (!from.ok()) return fail(from.error(), kExitUsage);
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return list(admin, arguments); });
}

int dead_letters_redrive_command(const DeadLetterArguments& arguments) {
  const auto from = parse_position(arguments.from);
  if (!from.ok()) return fail(from.error(), kExitUsage);
  if (arguments.all != arguments.ids.empty()) {
    return fail(Error{ErrorCode::kInvalidArgument, "either --id or --all is needed"}, kExitUsage);
  }
  return with_client(arguments.cluster,
                     [&](mq::Client& client) { return redrive(client, arguments); });
}

}  // namespace slipstream::cli
