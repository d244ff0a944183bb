#include "cli/message_commands.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/output.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/message_format.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// The places of one message, its properties and its body.
Status print_message(const mq::ReceivedMessage& message, OutputFormat output) {
  if (output == OutputFormat::kJson) {
    std::string text;
    TRY(mq::append_envelope(message, text));
    return write_output(STDOUT_FILENO, text);
  }
  Listing listing({"part", "value"});
  listing.add({"topic", message.topic});
  listing.add({"broker", message.broker});
  listing.add({"queue", std::to_string(message.queue_id)});
  listing.add({"offset", std::to_string(message.queue_offset)});
  listing.add({"id", message.message_id});
  listing.add({"offset id", message.offset_message_id});
  listing.add({"born", time_text(message.born_ms) + " on " + message.born_host});
  listing.add({"stored", time_text(message.stored_ms) + " on " + message.store_host});
  listing.add({"tags", message.tags});
  listing.add({"keys", joined(message.keys)});
  if (message.reconsume_times > 0)
    listing.add({"given again", std::to_string(message.reconsume_times)});
  for (const mq::Property& property : message.properties)
    listing.add({"property " + property.name, property.value});
  listing.add({"body", mq::printable(message.body)});
  return listing.print(output);
}

Status print_messages(const std::vector<mq::ReceivedMessage>& messages, OutputFormat output) {
  if (output == OutputFormat::kJson) {
    std::string text;
    for (const mq::ReceivedMessage& message : messages) TRY(mq::append_envelope(message, text));
    return write_output(STDOUT_FILENO, text);
  }
  Listing listing(
      {"broker", "queue", "offset", "stored", "id", "offset id", "tags", "keys", "bytes"});
  for (const mq::ReceivedMessage& message : messages) {
    listing.add({message.broker, message.queue_id, message.queue_offset,
                 time_text(message.stored_ms), message.message_id, message.offset_message_id,
                 message.tags, joined(message.keys), std::ssize(message.body)});
  }
  return listing.print(output);
}

Status get(mq::Admin& admin, const MessageArguments& arguments) {
  auto stored = admin.message_at(arguments.id, arguments.topic);
  if (stored.ok()) return print_message(*stored, arguments.output);
  if (arguments.topic.empty()) {
    if (stored.error().code != ErrorCode::kNotFound &&
        stored.error().code != ErrorCode::kInvalidArgument)
      return stored.status();
    Error error = stored.error();
    error.message += "; if it is a unique key of a producer, say in which topic: --topic TOPIC";
    return error;
  }
  auto found = admin.find_by_unique_key(arguments.topic, arguments.id);
  if (!found.ok()) return with_nearest_topic(admin, arguments.topic, std::move(found).error());
  if (found->empty()) {
    return Error{ErrorCode::kNotFound, "topic '" + arguments.topic +
                                           "' has no message with the unique key '" + arguments.id +
                                           "', and as an offset id: " + stored.error().message};
  }
  for (const mq::ReceivedMessage& message : *found) TRY(print_message(message, arguments.output));
  return {};
}

Status find(mq::Admin& admin, const MessageArguments& arguments) {
  const bool unique = !arguments.unique_key.empty();
  const auto found =
      admin.find_messages({.topic = arguments.topic,
                           .key = unique ? arguments.unique_key : arguments.key,
                           .messages_max = static_cast<std::int32_t>(arguments.count),
                           .unique_key = unique});
  if (!found.ok()) return with_nearest_topic(admin, arguments.topic, found.error());
  TRY(print_messages(*found, arguments.output));
  if (found->empty()) {
    notify("topic '" + arguments.topic + "' has no message with that " +
           (unique ? "unique key" : "key") + " in the brokers' index");
  }
  return {};
}

std::string event_text(mq::TraceEvent::Kind kind) {
  switch (kind) {
    case mq::TraceEvent::Kind::kSent:
      return "sent";
    case mq::TraceEvent::Kind::kDelivered:
      return "delivered";
    case mq::TraceEvent::Kind::kConsumed:
      return "consumed";
    case mq::TraceEvent::Kind::kTransactionEnded:
      return "transaction ended";
    case mq::TraceEvent::Kind::kRecalled:
      break;
  }
  return "recalled";
}

std::string detail_of(const mq::TraceEvent& event) {
  switch (event.kind) {
    case mq::TraceEvent::Kind::kSent:
      return event.message_type + ", " + std::to_string(event.body_bytes) + " bytes, stored on " +
             event.store_host;
    case mq::TraceEvent::Kind::kDelivered:
      return "given before: " + std::to_string(event.retries) + " times";
    case mq::TraceEvent::Kind::kConsumed:
      return event.consume_outcome;
    case mq::TraceEvent::Kind::kTransactionEnded:
      return event.transaction_state;
    case mq::TraceEvent::Kind::kRecalled:
      break;
  }
  return "";
}

Status trace(mq::Admin& admin, const MessageArguments& arguments) {
  const std::string topic =
      arguments.trace_topic.empty() ? std::string(mq::kTraceTopic) : arguments.trace_topic;
  const auto records = admin.trace(arguments.id, topic);
  if (!records.ok()) {
    Error error = records.error();
    if (error.code == ErrorCode::kNotFound && arguments.trace_topic.empty()) {
      error.message = "the cluster has no topic '" + topic +
                      "': brokers make it when traceTopicEnable is true, and clients write to it "
                      "when their message trace is on; --trace-topic names another";
    }
    return error;
  }
  Listing listing({"time", "event", "topic", "group", "client", "result", "took ms", "detail"});
  for (const mq::TraceEvent& event : records->events) {
    const std::string result = !event.success ? "" : *event.success ? "ok" : "failed";
    listing.add({event.time_ms == 0 ? "" : time_text(event.time_ms), event_text(event.kind),
                 event.topic, event.group, event.client_host, result, event.took_ms,
                 detail_of(event)});
  }
  TRY(listing.print(arguments.output));
  if (records->unreadable > 0) {
    notify(counted(static_cast<std::int64_t>(records->unreadable), "record") +
           " of the trace could not be read");
  }
  if (records->events.empty()) {
    notify("no client reported anything of '" + arguments.id + "' to topic '" + topic +
           "'; reports come some seconds after what they tell");
  }
  return {};
}

}  // namespace

int message_get_command(const MessageArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return get(admin, arguments); });
}

int message_find_command(const MessageArguments& arguments) {
  if (arguments.key.empty() == arguments.unique_key.empty()) {
    return fail(Error{ErrorCode::kInvalidArgument, "one of --key and --unique-key is needed"},
                kExitUsage);
  }
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return find(admin, arguments); });
}

int message_trace_command(const MessageArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return trace(admin, arguments); });
}

}  // namespace slipstream::cli
