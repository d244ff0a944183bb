#include "cli/topic_commands.h"

#include <algorithm>

#include <unistd.h>

#include "base/output.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/progress.h"
#include "cli/report.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

constexpr int kQueuesOfNewTopics = 4;

std::string quoted(const std::string& topic) { return "topic '" + topic + "'"; }

// "4 queues on broker-a, 2 on broker-b"
std::string queues_text(const mq::TopicDescription& topic) {
  std::string text;
  for (const mq::TopicDescription::Broker& broker : topic.brokers) {
    text += text.empty() ? counted(broker.read_queues, "queue")
                         : ", " + std::to_string(broker.read_queues);
    if (broker.write_queues != broker.read_queues)
      text += " (" + std::to_string(broker.write_queues) + " to write)";
    text += " on " + broker.name;
  }
  return text;
}

Status print_description(mq::Admin& admin, const TopicArguments& arguments) {
  TRY_ASSIGN(const auto bounds, admin.bounds(arguments.topic));
  Listing listing({"broker", "queue", "min offset", "max offset"});
  std::int64_t total = 0;
  for (const mq::OffsetRange& range : bounds) {
    listing.add({range.queue.broker, range.queue.id, range.min_offset, range.max_offset});
    total += range.max_offset - range.min_offset;
  }
  TRY(listing.print(arguments.output));
  if (arguments.output != OutputFormat::kTable) return {};
  return write_output(STDOUT_FILENO, std::to_string(total) + " messages\n");
}

// Creating what exists changes nothing, and hides nothing.
Status compare(const mq::TopicDescription& topic, const TopicArguments& arguments) {
  const int wanted = arguments.queues;
  for (const mq::TopicDescription::Broker& broker : topic.brokers) {
    const std::int32_t most = std::max(broker.read_queues, broker.write_queues);
    const std::int32_t least = std::min(broker.read_queues, broker.write_queues);
    if (wanted == 0 || (most == wanted && least == wanted)) continue;
    const char* verb = most > wanted ? "shrink" : "widen";
    return Error{ErrorCode::kAlreadyExists,
                 quoted(topic.topic) + " exists already, with " + queues_text(topic) + "; " +
                     (most > wanted ? "`topic widen` gives it more, `topic shrink` fewer"
                                    : "`topic widen` gives it more") +
                     ": slipstream topic " + verb + " " + topic.topic + " --queues " +
                     std::to_string(wanted)};
  }
  notify(quoted(topic.topic) + " exists already: " + queues_text(topic));
  return {};
}

Status create(mq::Admin& admin, const TopicArguments& arguments) {
  TRY(admin.wait_for_brokers());
  const auto there = admin.describe_topic(arguments.topic);
  if (there.ok()) return compare(*there, arguments);
  if (there.error().code != ErrorCode::kNotFound) return there.status();
  mq::TopicSpec spec;
  spec.topic = arguments.topic;
  spec.read_queues = spec.write_queues =
      arguments.queues == 0 ? kQueuesOfNewTopics : arguments.queues;
  TRY(admin.create_topic(spec));
  TRY_ASSIGN(const auto made, admin.describe_topic(arguments.topic));
  notify(quoted(arguments.topic) + " created: " + queues_text(made));
  return {};
}

Status widen(mq::Admin& admin, const TopicArguments& arguments) {
  TRY_ASSIGN(const auto before, admin.describe_topic(arguments.topic));
  const bool enough =
      std::all_of(before.brokers.begin(), before.brokers.end(), [&](const auto& each) {
        return std::min(each.read_queues, each.write_queues) >= arguments.queues;
      });
  if (enough) {
    notify(quoted(arguments.topic) + " has that many already: " + queues_text(before));
    return {};
  }
  TRY(admin.widen_topic(arguments.topic, arguments.queues));
  TRY_ASSIGN(const auto after, admin.describe_topic(arguments.topic));
  notify(quoted(arguments.topic) + " widened: " + queues_text(after) +
         "; before: " + queues_text(before));
  return {};
}

Status shrink(mq::Admin& admin, const TopicArguments& arguments) {
  const int queues = arguments.queues;
  TRY_ASSIGN(const auto before, admin.describe_topic(arguments.topic));
  const bool few = std::all_of(before.brokers.begin(), before.brokers.end(), [&](const auto& each) {
    return std::max(each.read_queues, each.write_queues) <= queues;
  });
  if (few) {
    notify(quoted(arguments.topic) + " has no more than that: " + queues_text(before));
    return {};
  }
  TRY_ASSIGN(const auto bounds, admin.bounds(arguments.topic));
  std::int64_t messages = 0;
  std::string hidden;
  for (const mq::OffsetRange& range : bounds) {
    const std::int64_t held = range.max_offset - range.min_offset;
    if (range.queue.id < queues || held == 0) continue;
    messages += held;
    hidden += (hidden.empty() ? "" : ", ") + grouped(held) + " in queue " + range.queue.broker +
              ":" + std::to_string(range.queue.id);
  }
  const std::string what = counted(messages, "message") + " (" + hidden + ")";
  if (messages > 0 && !arguments.yes) {
    return Error{ErrorCode::kInvalidArgument,
                 "shrinking " + quoted(arguments.topic) + " to " + counted(queues, "queue") +
                     " per broker hides " + what +
                     ": nobody can read them until it is widened again, and the broker deletes "
                     "them in time; add --yes to do it"};
  }
  TRY(admin.shrink_topic(arguments.topic, queues));
  TRY_ASSIGN(const auto after, admin.describe_topic(arguments.topic));
  notify(quoted(arguments.topic) + " shrunk: " + queues_text(after) +
         "; before: " + queues_text(before) + (messages > 0 ? "; out of reach: " + what : ""));
  return {};
}

}  // namespace

int topic_list_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    TRY_ASSIGN(const auto topics, admin.list_topics());
    if (arguments.output != OutputFormat::kTable) {
      Listing listing({"topic"});
      for (const std::string& topic : topics) listing.add({topic});
      return listing.print(arguments.output);
    }
    std::string text;
    for (const std::string& topic : topics) text += topic + "\n";
    return write_output(STDOUT_FILENO, text);
  });
}

int topic_create_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return create(admin, arguments); });
}

int topic_describe_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return print_description(admin, arguments); });
}

int topic_delete_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    TRY_ASSIGN(const auto before, admin.describe_topic(arguments.topic));
    TRY(admin.delete_topic(arguments.topic));
    notify(quoted(arguments.topic) + " deleted: " + queues_text(before));
    return {};
  });
}

int topic_widen_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return widen(admin, arguments); });
}

int topic_shrink_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) { return shrink(admin, arguments); });
}

}  // namespace slipstream::cli
