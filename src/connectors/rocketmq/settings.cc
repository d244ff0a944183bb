#include "connectors/rocketmq/settings.h"

#include <algorithm>
#include <charconv>

#include "base/try.h"
#include "connectors/rocketmq/access_options.h"
#include "data/text/temporal.h"
#include "data/text/time_zone.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::string_view kDefaultFormat = "delimited";
constexpr std::string_view kDiscoveryInterval = "scan.topic-partition-discovery.interval";

Error bad(const std::string& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
}

std::vector<OptionSpec> shared_options() {
  return {
      OptionSpec{.name = "topic",
                 .description = "Topic to read or write.",
                 .aliases = {"rocketmq.source.topic", "rocketmq.sink.topic"},
                 .required = true},
      OptionSpec{
          .name = "nameServerAddress",
          .description = "Name servers: host:port;host:port; else SLIPSTREAM_NAMESERVER.",
          .aliases = {"name-server-address", "endPoint", "endpoint", "rocketmq.client.endpoints"},
          .required = true},
      OptionSpec{.name = "format",
                 .default_value = std::string(kDefaultFormat),
                 .description = "How a body holds rows.",
                 .aliases = {"value.format"}},
      OptionSpec{.name = "tag",
                 .description = "Source: tags to read, 'a || b', compared by the broker. Sink: tag "
                                "of messages without one of their own.",
                 .aliases = {"rocketmq.source.filter.tag", "rocketmq.sink.tag"}},
      OptionSpec{.name = "timeZone",
                 .default_value = "UTC",
                 .description = "Zone of startTime and endTime.",
                 .aliases = {"time-zone", "rocketmq.client.timeZone"}},
  };
}

std::vector<OptionSpec> start_options() {
  return {
      OptionSpec{.name = "consumerGroup",
                 .description = "Consumer group; required to read.",
                 .aliases = {"consumer-group", "rocketmq.source.group"}},
      OptionSpec{.name = "scan.startup.mode",
                 .type = OptionType::kEnum,
                 .default_value = "group-offsets",
                 .description = "Where a start without restored state begins.",
                 .aliases = {"scanStartupMode", "rocketmq.source.startup.scan.mode"},
                 .values = {"group-offsets", "earliest", "latest", "timestamp", "specific-offsets",
                            "earliest-offset", "latest-offset", "group", "specific"}},
      OptionSpec{.name = "scan.startup.group-offsets.reset",
                 .type = OptionType::kEnum,
                 .default_value = "latest",
                 .description = "Where to begin when the group has no offset for a queue.",
                 .aliases = {"rocketmq.source.startup.offset.strategy"},
                 .values = {"latest", "earliest", "latest-offset", "earliest-offset"}},
      OptionSpec{.name = "scan.startup.timestamp-millis",
                 .type = OptionType::kInt,
                 .description = "Mode timestamp: first message stored at or after this time.",
                 .aliases = {"startTimeMs", "offsetFromTimestamp",
                             "rocketmq.source.startup.offset.timestamp"}},
      OptionSpec{.name = "startTime",
                 .description = "The same as text: yyyy-MM-dd HH:mm:ss in timeZone.",
                 .aliases = {"start-time", "rocketmq.source.startup.offset.date"}},
      OptionSpec{.name = "startMessageOffset",
                 .type = OptionType::kInt,
                 .description = "One offset to begin at in every queue; wins over a start time.",
                 .aliases = {"start-message-offset", "rocketmq.source.startup.offset.specific"}},
      OptionSpec{.name = "scan.startup.specific-offsets",
                 .description = "Mode specific-offsets: broker:queue:offset;...; other queues "
                                "begin at the group's offset."},
  };
}

std::vector<OptionSpec> scan_options() {
  return {
      OptionSpec{
          .name = "scan.bounded.mode",
          .type = OptionType::kEnum,
          .default_value = "unbounded",
          .description = "Where reading ends.",
          .values = {"unbounded", "latest-offset", "timestamp", "specific-offsets", "latest"}},
      OptionSpec{
          .name = "scan.bounded.timestamp-millis",
          .type = OptionType::kInt,
          .description = "Bounded mode timestamp: messages stored before this time are read."},
      OptionSpec{.name = "endTime",
                 .description = "The same as text: yyyy-MM-dd HH:mm:ss in timeZone.",
                 .aliases = {"end-time", "rocketmq.source.stop.offset.timestamp"}},
      OptionSpec{
          .name = "scan.bounded.specific-offsets",
          .description =
              "Bounded mode specific-offsets: broker:queue:offset;..., the first offset not read."},
      OptionSpec{.name = "scan.topic-partition-discovery.interval",
                 .type = OptionType::kDuration,
                 .default_value = "5 s",
                 .description = "How often new queues are looked for; 0 or less = never.",
                 .aliases = {"partitionDiscoveryIntervalMs",
                             "rocketmq.client.partition.discovery.interval.ms"}},
      OptionSpec{.name = "scan.offset-out-of-range",
                 .type = OptionType::kEnum,
                 .default_value = "fail",
                 .description = "What to do when the wanted offset does not exist any more.",
                 .values = {"fail", "earliest", "latest", "nearest"}},
      connector_kit::decode_errors_option(
          "a body that is no row of the table, or is stored damaged"),
      OptionSpec{.name = "dead-letter.topic",
                 .description = "Where decode.errors = dead-letter writes, as JSON."},
      OptionSpec{.name = "pullBatchSize",
                 .type = OptionType::kInt,
                 .default_value = "1024",
                 .description = "Most messages of one pull, 1 to 1024.",
                 .aliases = {"pull-batch-size", "rocketmq.source.pull.batch.size"}},
      OptionSpec{.name = "scan.filter.sql",
                 .description = "SQL92 expression over properties that brokers filter by, where "
                                "enablePropertyFilter is on; not together with 'tag'.",
                 .aliases = {"rocketmq.source.filter.sql"}},
      OptionSpec{.name = "scan.pull.concurrency",
                 .type = OptionType::kInt,
                 .default_value = "8",
                 .description = "Most pulls under way for one queue, 1 to 64."},
      OptionSpec{.name = "scan.pull.wait",
                 .type = OptionType::kDuration,
                 .default_value = "15 s",
                 .description = "How long a pull waits at the broker for a message."},
      OptionSpec{.name = "scan.pull.pause-when-empty",
                 .type = OptionType::kDuration,
                 .default_value = "0 s",
                 .description = "Between a pull that found nothing and the next."},
  };
}

std::vector<OptionSpec> sink_options() {
  return {
      OptionSpec{
          .name = "produceGroup",
          .description = "Producer group; one per job when not given.",
          .aliases = {"producerGroup", "produce-group", "producer-group", "rocketmq.sink.group"}},
      OptionSpec{
          .name = "sink.delivery-guarantee",
          .type = OptionType::kEnum,
          .default_value = "at-least-once",
          .description = "What holds after failures.",
          .aliases = {"rocketmq.sink.delivery.guarantee"},
          .values = {"at-least-once", "exactly-once", "none", "at_least_once", "exactly_once"}},
      OptionSpec{.name = "sink.send-timeout",
                 .type = OptionType::kDuration,
                 .default_value = "60 s",
                 .description =
                     "At-least-once: a send that is not acknowledged in this time fails the job."},
      OptionSpec{.name = "sink.scan-group",
                 .default_value = "slipstream_scan",
                 .description = "Exactly-once: group that reads the output queues after a crash."},
      OptionSpec{.name = "sink.fence-wait",
                 .type = OptionType::kDuration,
                 .default_value = "2 s",
                 .description = "Exactly-once: how long a broker may take to store what it "
                                "received, before a recovery looks."},
  };
}

// Flink's connectors know -1 as "off".
bool is_negative(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && value < 0;
}

Result<TableFormat> read_format(const TableDefinition& table) {
  const OptionTable known = rocketmq_options();
  TableDefinition given = table;
  for (auto& [name, value] : given.options) {
    const OptionSpec* spec = known.find(name);
    if (spec != nullptr && spec->name == kDiscoveryInterval && is_negative(value)) value = "0";
  }
  return connector_kit::read_table_format(given, known, kDefaultFormat);
}

Result<QueueOffsets> parse_queue_offsets(const std::string& table, const std::string& option,
                                         std::string_view text) {
  QueueOffsets offsets;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (part.empty()) continue;
    const std::size_t last = part.rfind(':');
    const std::size_t middle = last == 0 || last == std::string_view::npos
                                   ? std::string_view::npos
                                   : part.rfind(':', last - 1);
    std::int32_t id = -1;
    std::int64_t offset = -1;
    const auto number = [](std::string_view digits, auto& value) {
      const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && value >= 0;
    };
    if (middle == std::string_view::npos || middle == 0 ||
        !number(part.substr(middle + 1, last - middle - 1), id) ||
        !number(part.substr(last + 1), offset)) {
      return bad(table,
                 "option '" + option + "': '" + std::string(part) +
                     "' is not broker:queue:offset, such as 'broker-a:1:201;broker-c:3:123'");
    }
    if (!offsets.emplace(std::pair(std::string(part.substr(0, middle)), id), offset).second) {
      return bad(table, "option '" + option + "' names queue " + std::string(part.substr(0, last)) +
                            " twice");
    }
  }
  if (offsets.empty())
    return bad(table, "option '" + option + "' names no queue; write broker:queue:offset;...");
  return offsets;
}

// The time of the millisecond option or of the text one.
Result<std::int64_t> read_time(const SourceSettings& settings, const char* millis,
                               const char* text) {
  const Options& options = settings.format.options;
  if (options.has(millis)) return options.integer(millis);
  if (!options.has(text)) {
    return bad(settings.table,
               std::string("option '") + millis + "' is missing: the mode 'timestamp' needs it");
  }
  TRY_ASSIGN(const TimeZone zone, TimeZone::from_name(options.text("timeZone")));
  const auto local = text::parse_timestamp(options.text(text), 3);
  if (!local) {
    return bad(settings.table, std::string("option '") + text + "': '" + options.text(text) +
                                   "' is no time; write it as 2024-01-31 23:59:59");
  }
  return zone.from_local(*local, 1'000'000) / 1'000;
}

Status read_start(SourceSettings& settings) {
  const Options& options = settings.format.options;
  std::string mode = options.text("scan.startup.mode");
  const bool chosen = options.has("scan.startup.mode");
  if (!chosen && options.has("startMessageOffset") && options.integer("startMessageOffset") >= 0)
    mode = "one-offset";
  else if (!chosen && (options.has("scan.startup.timestamp-millis") || options.has("startTime")))
    mode = "timestamp";
  else if (!chosen && options.has("scan.startup.specific-offsets"))
    mode = "specific-offsets";
  settings.reset_to_earliest =
      options.text("scan.startup.group-offsets.reset").starts_with("earliest");
  if (mode.starts_with("earliest")) {
    settings.start = StartMode::kEarliest;
  } else if (mode.starts_with("latest")) {
    settings.start = StartMode::kLatest;
  } else if (mode == "timestamp") {
    settings.start = StartMode::kTimestamp;
    TRY_ASSIGN(settings.start_ms,
               read_time(settings, "scan.startup.timestamp-millis", "startTime"));
  } else if (mode.starts_with("specific")) {
    settings.start = StartMode::kSpecificOffsets;
    TRY_ASSIGN(settings.start_offsets,
               parse_queue_offsets(settings.table, "scan.startup.specific-offsets",
                                   options.text("scan.startup.specific-offsets")));
  } else if (mode == "one-offset") {
    settings.start = StartMode::kOneOffset;
    settings.start_offset = options.integer("startMessageOffset");
  }
  return {};
}

Status read_bound(SourceSettings& settings) {
  const Options& options = settings.format.options;
  std::string mode = options.text("scan.bounded.mode");
  if (!options.has("scan.bounded.mode") && options.has("endTime")) mode = "timestamp";
  if (mode.starts_with("latest")) {
    settings.bound = BoundMode::kLatest;
  } else if (mode == "timestamp") {
    settings.bound = BoundMode::kTimestamp;
    TRY_ASSIGN(settings.bound_ms, read_time(settings, "scan.bounded.timestamp-millis", "endTime"));
    if (settings.start == StartMode::kTimestamp && settings.bound_ms < settings.start_ms) {
      return bad(settings.table, "the end time lies before the start time; nothing would be read");
    }
  } else if (mode == "specific-offsets") {
    settings.bound = BoundMode::kSpecificOffsets;
    TRY_ASSIGN(settings.bound_offsets,
               parse_queue_offsets(settings.table, "scan.bounded.specific-offsets",
                                   options.text("scan.bounded.specific-offsets")));
  }
  return {};
}

Status read_dead_letters(SourceSettings& settings) {
  const Options& options = settings.format.options;
  settings.dead_letter_topic = options.text("dead-letter.topic");
  settings.decode_errors = connector_kit::read_decode_errors(options);
  if (settings.decode_errors == DecodeErrors::kDeadLetter) {
    if (settings.dead_letter_topic.empty()) {
      return bad(
          settings.table,
          "'decode.errors' = 'dead-letter' needs 'dead-letter.topic', the topic to write them to");
    }
    if (settings.dead_letter_topic == settings.topic) {
      return bad(settings.table, "'dead-letter.topic' is the topic that is read; name another one");
    }
  } else if (!settings.dead_letter_topic.empty()) {
    return bad(settings.table,
               "'dead-letter.topic' has no effect without 'decode.errors' = 'dead-letter'");
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

OptionTable rocketmq_options() {
  std::vector<OptionSpec> all = shared_options();
  for (auto&& part : {access_options(), start_options(), scan_options(), sink_options()})
    all.insert(all.end(), part.begin(), part.end());
  return OptionTable(std::move(all));
}

std::vector<std::string> topic_endpoints(const std::string& name_servers,
                                         const std::string& topic) {
  std::vector<std::string> places;
  std::string_view rest = name_servers;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(";, "), rest.size());
    if (end > 0) places.push_back("topic '" + topic + "' at " + std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return places;
}

Result<SourceSettings> read_source_settings(const TableDefinition& table) {
  SourceSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.client, read_client(table.name, options));
  settings.access = access_options_of(table.options);
  settings.topic = options.text("topic");
  settings.group = options.text("consumerGroup");
  if (settings.group.empty()) {
    return bad(table.name,
               "missing option 'consumerGroup': a table that is read needs a consumer group, "
               "such as 'consumerGroup' = 'my_group'");
  }
  TRY(rocketmq::validate_topic(settings.topic)
          .with_context("table '" + table.name + "': option 'topic'"));
  TRY(rocketmq::validate_group(settings.group)
          .with_context("table '" + table.name + "': option 'consumerGroup'"));
  settings.tags = rocketmq::parse_tag_expression(options.text("tag"));
  settings.sql = options.text("scan.filter.sql");
  if (!settings.sql.empty() && !settings.tags.empty())
    return bad(table.name, "options 'tag' and 'scan.filter.sql' exclude each other");
  TRY(read_start(settings));
  TRY(read_bound(settings));
  TRY(read_dead_letters(settings));
  settings.discovery_ms = options.duration(kDiscoveryInterval).count();
  const std::string& moved = options.text("scan.offset-out-of-range");
  using rocketmq::OffsetOutOfRange;
  if (moved == "earliest") settings.out_of_range = OffsetOutOfRange::kEarliest;
  if (moved == "latest") settings.out_of_range = OffsetOutOfRange::kLatest;
  if (moved == "nearest") settings.out_of_range = OffsetOutOfRange::kNearest;
  const std::int64_t pull = options.integer("pullBatchSize");
  if (pull < 1 || pull > 1'024)
    return bad(table.name, "option 'pullBatchSize' must be from 1 to 1024");
  settings.pull_messages_max = static_cast<std::int32_t>(pull);
  const std::int64_t concurrency = options.integer("scan.pull.concurrency");
  if (concurrency < 1 || concurrency > 64)
    return bad(table.name, "option 'scan.pull.concurrency' must be from 1 to 64");
  settings.pulls_per_queue_max = static_cast<int>(concurrency);
  settings.pull_wait_ms = options.duration("scan.pull.wait").count();
  if (settings.pull_wait_ms < 1)
    return bad(table.name, "option 'scan.pull.wait' must be at least 1 ms");
  settings.pull_pause_ms = options.duration("scan.pull.pause-when-empty").count();
  return settings;
}

Result<SinkSettings> read_sink_settings(const TableDefinition& table, const std::string& job_name,
                                        const std::string& uid) {
  SinkSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.client, read_client(table.name, options));
  settings.topic = options.text("topic");
  settings.group = options.has("produceGroup") ? options.text("produceGroup")
                                               : group_name_of(job_name.empty() ? uid : job_name);
  settings.scan_group = options.text("sink.scan-group");
  TRY(rocketmq::validate_writable_topic(settings.topic)
          .with_context("table '" + table.name + "': option 'topic'"));
  TRY(rocketmq::validate_group(settings.group)
          .with_context("table '" + table.name + "': option 'produceGroup'"));
  TRY(rocketmq::validate_group(settings.scan_group)
          .with_context("table '" + table.name + "': option 'sink.scan-group'"));
  const std::vector<std::string> tags = rocketmq::parse_tag_expression(options.text("tag"));
  if (tags.size() > 1)
    return bad(table.name, "option 'tag': a message that is written has one tag, not several");
  if (!tags.empty()) settings.tag = tags.front();
  const std::string& guarantee = options.text("sink.delivery-guarantee");
  if (guarantee.starts_with("exactly")) settings.guarantee = Guarantee::kExactlyOnce;
  if (guarantee == "none") settings.guarantee = Guarantee::kNone;
  settings.fence_wait_ms = options.duration("sink.fence-wait").count();
  settings.send_timeout_ms = options.duration("sink.send-timeout").count();
  return settings;
}

}  // namespace slipstream::rocketmq_connector
