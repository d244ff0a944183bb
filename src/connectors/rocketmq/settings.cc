#include "connectors/rocketmq/settings.h"

#include <algorithm>
#include <charconv>

#include "base/try.h"
#include "connectors/rocketmq/access_options.h"
#include "connectors/rocketmq/former_options.h"
#include "connectors/rocketmq/table_options.h"
#include "data/text/temporal.h"
#include "data/text/time_zone.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {
namespace {

Error bad(const std::string& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
}

// Lists may stand on several lines.
std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

Result<TableFormat> read_format(const TableDefinition& table, OptionScope side) {
  TRY_ASSIGN(const TableDefinition known, without_former_options(table, side));
  return connector_kit::read_table_format(known, rocketmq_options(), option::kFormat.default_value);
}

// "broker-a:1:201", or "orders:broker-a:1:201" where several topics are read.
Result<rocketmq::GroupOffset> parse_queue_offset(const SourceSettings& settings,
                                                 const std::string& option, std::string_view text) {
  const bool several = settings.topics.several();
  const std::size_t last = text.rfind(':');
  const std::size_t middle = last == 0 || last == std::string_view::npos
                                 ? std::string_view::npos
                                 : text.rfind(':', last - 1);
  const auto number = [](std::string_view digits, auto& value) {
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && value >= 0;
  };
  rocketmq::GroupOffset parsed;
  bool sound = middle != std::string_view::npos &&
               number(text.substr(middle + 1, last - middle - 1), parsed.queue.id) &&
               number(text.substr(last + 1), parsed.offset);
  std::string_view broker = sound ? text.substr(0, middle) : std::string_view();
  const std::size_t first = broker.find(':');
  std::string topic = with_namespace(settings.name_space, broker.substr(0, first));
  if (several || (first != std::string_view::npos && topic == settings.topics.text())) {
    sound = sound && first != std::string_view::npos && first > 0;
    if (sound) broker.remove_prefix(first + 1);
  } else {
    topic = settings.topics.text();
  }
  if (!sound || broker.empty()) {
    return bad(settings.table,
               "option '" + option + "': '" + std::string(text) + "' is not " +
                   (several ? "topic:broker:queue:offset, such as 'orders:broker-a:1:201'"
                            : "broker:queue:offset, such as 'broker-a:1:201;broker-c:3:123'"));
  }
  TRY_ASSIGN(const bool read, settings.topics.selects(topic));
  if (!read) {
    return bad(settings.table, "option '" + option + "' names a queue of topic '" + topic +
                                   "', which the table does not read");
  }
  parsed.queue.topic = std::move(topic);
  parsed.queue.broker = broker;
  return parsed;
}

Result<QueueOffsets> parse_queue_offsets(const SourceSettings& settings,
                                         const Option<std::string>& of) {
  const std::string option(of.name);
  std::string_view text = settings.format.options[of];
  QueueOffsets offsets;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    TRY_ASSIGN(const rocketmq::GroupOffset parsed, parse_queue_offset(settings, option, part));
    if (!offsets.emplace(parsed.queue, parsed.offset).second) {
      return bad(settings.table, "option '" + option + "' names queue " +
                                     std::string(part.substr(0, part.rfind(':'))) + " twice");
    }
  }
  if (offsets.empty()) {
    return bad(settings.table,
               "option '" + option + "' names no queue; write broker:queue:offset;...");
  }
  return offsets;
}

Error exclude(const SourceSettings& settings, std::string_view one, std::string_view other) {
  return bad(settings.table, "options '" + std::string(one) + "' and '" + std::string(other) +
                                 "' exclude each other; leave one of them out");
}

// Of a time in milliseconds: less than 0 is "not given", as in rocketmq-flink.
bool gives_time(const Options& options, const Option<std::int64_t>& millis) {
  return options.find(millis).value_or(-1) >= 0;
}

// The time of the millisecond option or of the text one.
Result<std::int64_t> read_time(const SourceSettings& settings, const Option<std::int64_t>& millis,
                               const Option<std::string>& text) {
  const Options& options = settings.format.options;
  const bool in_millis = gives_time(options, millis);
  if (in_millis && options.has(text)) return exclude(settings, millis.name, text.name);
  if (in_millis) return options[millis];
  if (!options.has(text)) {
    return bad(settings.table, "option '" + std::string(millis.name) +
                                   "' is missing: the mode 'timestamp' needs it");
  }
  TRY_ASSIGN(const TimeZone zone, TimeZone::from_name(options[option::kTimeZone]));
  const auto local = text::parse_timestamp(options[text], 3);
  if (!local) {
    return bad(settings.table, "option '" + std::string(text.name) + "': '" + options[text] +
                                   "' is no time; write it as 2024-01-31 23:59:59");
  }
  return zone.from_local(*local, 1'000'000) / 1'000;
}

// The mode as given, or the one that the options of another mode mean. One offset for all queues is
// a mode of its own: with another one, nobody can tell which is meant.
Result<StartMode> start_mode(const SourceSettings& settings) {
  const Options& options = settings.format.options;
  const bool one_offset = options.has(option::kStartOffset) && options[option::kStartOffset] >= 0;
  const bool millis = gives_time(options, option::kStartMillis);
  const bool time = millis || options.has(option::kStartTime);
  const bool offsets = options.has(option::kStartOffsets);
  if (one_offset && offsets)
    return exclude(settings, option::kStartOffsets.name, option::kStartOffset.name);
  if (options.has(option::kStartupMode)) {
    const StartMode mode = options[option::kStartupMode];
    if (!one_offset) return mode;
    if (mode == StartMode::kSpecificOffsets) return StartMode::kOneOffset;
    return exclude(settings, option::kStartupMode.name, option::kStartOffset.name);
  }
  if (one_offset) return StartMode::kOneOffset;
  if (time && offsets) {
    return exclude(settings, option::kStartOffsets.name,
                   millis ? option::kStartMillis.name : option::kStartTime.name);
  }
  if (time) return StartMode::kTimestamp;
  return offsets ? StartMode::kSpecificOffsets : options[option::kStartupMode];
}

Status read_start(SourceSettings& settings) {
  const Options& options = settings.format.options;
  settings.reset_to_earliest = options[option::kGroupReset] == option::GroupReset::kEarliest;
  TRY_ASSIGN(settings.start, start_mode(settings));
  if (settings.start == StartMode::kTimestamp) {
    TRY_ASSIGN(settings.start_ms, read_time(settings, option::kStartMillis, option::kStartTime));
  } else if (settings.start == StartMode::kSpecificOffsets) {
    TRY_ASSIGN(settings.start_offsets, parse_queue_offsets(settings, option::kStartOffsets));
  } else if (settings.start == StartMode::kOneOffset) {
    settings.start_offset = options[option::kStartOffset];
  }
  return {};
}

Result<BoundMode> bound_mode(const SourceSettings& settings) {
  const Options& options = settings.format.options;
  if (options.has(option::kBoundedMode)) return options[option::kBoundedMode];
  const bool millis = gives_time(options, option::kBoundMillis);
  const bool time = millis || options.has(option::kEndTime);
  const bool offsets = options.has(option::kBoundOffsets);
  if (time && offsets) {
    return exclude(settings, option::kBoundOffsets.name,
                   millis ? option::kBoundMillis.name : option::kEndTime.name);
  }
  if (time) return BoundMode::kTimestamp;
  return offsets ? BoundMode::kSpecificOffsets : options[option::kBoundedMode];
}

Status read_bound(SourceSettings& settings) {
  TRY_ASSIGN(settings.bound, bound_mode(settings));
  if (settings.bound == BoundMode::kTimestamp) {
    TRY_ASSIGN(settings.bound_ms, read_time(settings, option::kBoundMillis, option::kEndTime));
    if (settings.start == StartMode::kTimestamp && settings.bound_ms < settings.start_ms) {
      return bad(settings.table, "the end time lies before the start time; nothing would be read");
    }
  } else if (settings.bound == BoundMode::kSpecificOffsets) {
    TRY_ASSIGN(settings.bound_offsets, parse_queue_offsets(settings, option::kBoundOffsets));
  }
  return {};
}

Status read_dead_letters(SourceSettings& settings) {
  const Options& options = settings.format.options;
  settings.dead_letter_topic = options[option::kDeadLetterTopic];
  settings.decode_errors = options[option::kDecodeErrors];
  if (settings.decode_errors == DecodeErrors::kDeadLetter) {
    if (settings.dead_letter_topic.empty()) {
      return bad(
          settings.table,
          "'decode.errors' = 'dead-letter' needs 'dead-letter.topic', the topic to write them to");
    }
    TRY_ASSIGN(const bool read, settings.topics.selects(with_namespace(
                                    settings.name_space, settings.dead_letter_topic)));
    if (read) {
      return bad(settings.table, std::string("'dead-letter.topic' is ") +
                                     (settings.topics.several() ? "one of the topics that are read"
                                                                : "the topic that is read") +
                                     "; name another one");
    }
  } else if (!settings.dead_letter_topic.empty()) {
    return bad(settings.table,
               "'dead-letter.topic' has no effect without 'decode.errors' = 'dead-letter'");
  }
  return {};
}

Result<std::string> read_sink_topic(const std::string& table, const Options& options) {
  const auto names = rocketmq::parse_topic_list(options[option::kTopic]);
  if (names.empty()) {
    return bad(table,
               "missing option 'topic': the topic to write ('topic-pattern' is for reading only)");
  }
  if (names.size() > 1) {
    return bad(table, "option 'topic': a table that is written has one topic, and '" +
                          options[option::kTopic] +
                          "' are several; declare one with the first, and a column 'topic STRING "
                          "METADATA' that says where each row goes");
  }
  return with_namespace(namespace_of(options), names.front());
}

Status read_sink_tags(SinkSettings& settings) {
  const Options& options = settings.format.options;
  settings.tags = rocketmq::parse_tag_expression(options[option::kTag]);
  if (settings.tags.size() > 1) {
    return bad(settings.table,
               "option 'tag': a message that is written has one tag, not several; 'sink.tags' "
               "writes a row once for each of several tags");
  }
  if (!options.has(option::kSinkTags)) return {};
  if (!settings.tags.empty())
    return bad(settings.table, "options 'tag' and 'sink.tags' exclude each other");
  std::string_view rest = options[option::kSinkTags];
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view tag = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (tag.empty()) continue;
    if (std::find(settings.tags.begin(), settings.tags.end(), tag) != settings.tags.end())
      return bad(settings.table, "option 'sink.tags' names tag '" + std::string(tag) + "' twice");
    settings.tags.emplace_back(tag);
  }
  if (settings.tags.empty()) {
    return bad(settings.table,
               "option 'sink.tags': '" + options[option::kSinkTags] + "' names no tag");
  }
  return {};
}

constexpr std::string_view kOwnPrefixes[] = {"%RETRY%", "%DLQ%"};

// %RETRY% or %DLQ% in front of a name, which a namespace stands behind.
std::string_view own_prefix(std::string_view name) {
  for (const std::string_view prefix : kOwnPrefixes) {
    if (name.starts_with(prefix)) return prefix;
  }
  return {};
}

std::string group_name_of(std::string_view text) {
  std::string name = "slipstream_";
  for (const char c : text.substr(0, 80)) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
    name.push_back(fine ? c : '_');
  }
  return name;
}

}  // namespace

std::string with_namespace(std::string_view name_space, std::string_view name) {
  if (name_space.empty() || without_namespace(name_space, name) != name) return std::string(name);
  const std::string_view prefix = own_prefix(name);
  return std::string(prefix) + std::string(name_space) + "%" +
         std::string(name.substr(prefix.size()));
}

// Retry and dead-letter topics keep theirs: what is behind it belongs to their own prefix.
std::string_view without_namespace(std::string_view name_space, std::string_view name) {
  const std::string_view rest = name.substr(own_prefix(name).size());
  const bool has_it = !name_space.empty() && rest.size() > name_space.size() + 1 &&
                      rest.starts_with(name_space) && rest[name_space.size()] == '%';
  if (!has_it) return name;
  return rest.substr(name_space.size() + 1);
}

OptionTable rocketmq_options() {
  std::vector<OptionSpec> all =
      option_specs(option::kTopic, option::kTopicPattern, option::kNameServers);
  const auto add = [&all](std::vector<OptionSpec> part) {
    all.insert(all.end(), part.begin(), part.end());
  };
  add(connector_kit::message_format_options(option::kFormat));
  add(option_specs(option::kTag, option::kTimeZone));
  add(access_options());
  add(option_specs(option::kConsumerGroup, option::kStartupMode, option::kGroupReset,
                   option::kStartMillis, option::kStartTime, option::kStartOffset,
                   option::kStartOffsets));
  add(option_specs(option::kBoundedMode, option::kBoundMillis, option::kEndTime,
                   option::kBoundOffsets, option::kDiscoveryInterval, option::kOutOfRange,
                   option::kDecodeErrors, connector_kit::kColumnErrorDebug,
                   option::kDeadLetterTopic, option::kPullMessages, option::kFilterSql,
                   option::kFilterPushDown, option::kPullConcurrency, option::kPullWait,
                   option::kPullPause, option::kRecording));
  add(option_specs(option::kProducerGroup, option::kGuarantee, option::kSendTimeout,
                   option::kScanGroup, option::kFenceWait));
  add(option_specs(option::kSinkTags, option::kRetryTimes, option::kRetryPause,
                   option::kPartitionField, connector_kit::kChangelogMode));
  add(delivery_time_options());
  add(former_options());
  return OptionTable(std::move(all));
}

std::vector<std::string> topic_endpoints(const std::string& name_servers,
                                         const std::string& topic) {
  return endpoints_of("topic '" + topic + "'", name_servers);
}

std::vector<std::string> endpoints_of(const std::string& what, const std::string& name_servers) {
  std::vector<std::string> places;
  std::string_view rest = name_servers;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(";, \t\r\n"), rest.size());
    if (end > 0) places.push_back(what + " at " + std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return places;
}

Result<SourceSettings> read_source_settings(const TableDefinition& table) {
  SourceSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table, OptionScope::kSource));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.client, read_client(table.name, options));
  settings.access = access_options_of(table.options);
  settings.name_space = namespace_of(options);
  auto topics = TopicSelection::read(options, settings.name_space);
  if (!topics.ok()) return topics.error().with_context("table '" + table.name + "'");
  settings.topics = std::move(*topics);
  settings.group = options[option::kConsumerGroup];
  if (settings.group.empty()) {
    return bad(table.name,
               "missing option 'consumerGroup': a table that is read needs a consumer group, "
               "such as 'consumerGroup' = 'my_group'");
  }
  settings.group = with_namespace(settings.name_space, settings.group);
  TRY(rocketmq::validate_group(settings.group)
          .with_context("table '" + table.name + "': option 'consumerGroup'"));
  settings.tags = rocketmq::parse_tag_expression(options[option::kTag]);
  settings.sql = options[option::kFilterSql];
  if (!settings.sql.empty() && !settings.tags.empty())
    return bad(table.name, "options 'tag' and 'scan.filter.sql' exclude each other");
  settings.recording = options[option::kRecording];
  if (!settings.sql.empty() && !settings.recording.empty()) {
    return bad(
        table.name,
        "option 'scan.filter.sql' is for brokers: with 'scan.recording' nobody evaluates it");
  }
  TRY(read_start(settings));
  TRY(read_bound(settings));
  TRY(read_dead_letters(settings));
  settings.log_decode_errors = options[connector_kit::kColumnErrorDebug];
  settings.discovery_ms = std::max<std::int64_t>(options[option::kDiscoveryInterval].count(), 0);
  settings.out_of_range = options[option::kOutOfRange];
  settings.pull_messages_max = static_cast<std::int32_t>(options[option::kPullMessages]);
  settings.pulls_per_queue_max = static_cast<int>(options[option::kPullConcurrency]);
  settings.pull_wait_ms = options[option::kPullWait].count();
  settings.pause_when_empty_ms = options[option::kPullPause].count();
  return settings;
}

Result<SinkSettings> read_sink_settings(const TableDefinition& table, const std::string& job_name,
                                        const std::string& uid) {
  SinkSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table, OptionScope::kSink));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.client, read_client(table.name, options));
  settings.name_space = namespace_of(options);
  TRY_ASSIGN(settings.topic, read_sink_topic(table.name, options));
  settings.group =
      with_namespace(settings.name_space, options.has(option::kProducerGroup)
                                              ? options[option::kProducerGroup]
                                              : group_name_of(job_name.empty() ? uid : job_name));
  settings.scan_group = with_namespace(settings.name_space, options[option::kScanGroup]);
  TRY(rocketmq::validate_writable_topic(settings.topic)
          .with_context("table '" + table.name + "': option 'topic'"));
  TRY(rocketmq::validate_group(settings.group)
          .with_context("table '" + table.name + "': option 'produceGroup'"));
  TRY(rocketmq::validate_group(settings.scan_group)
          .with_context("table '" + table.name + "': option 'sink.scan-group'"));
  TRY(read_sink_tags(settings));
  settings.guarantee = options[option::kGuarantee];
  settings.fence_wait_ms = options[option::kFenceWait].count();
  settings.send_timeout_ms = options[option::kSendTimeout].count();
  settings.retries_max = options.find(option::kRetryTimes);
  if (const auto pause = options.find(option::kRetryPause))
    settings.retry_backoff_ms = pause->count();
  settings.partition_field = options[option::kPartitionField];
  TRY_ASSIGN(settings.delivery, read_delivery_time(table.name, options));
  return settings;
}

}  // namespace slipstream::rocketmq_connector
