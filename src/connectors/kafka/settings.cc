#include "connectors/kafka/settings.h"

#include <algorithm>
#include <charconv>

#include "base/try.h"
#include "connectors/kafka/table_options.h"

namespace slipstream::kafka_connector {
namespace {

Error bad(const std::string& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
}

std::optional<std::int64_t> number(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || text.size() == name.size()) return std::nullopt;
  text.remove_prefix(name.size());
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

// "partition:0,offset:42;partition:1,offset:300"
Result<PartitionOffsets> read_offsets(const SourceSettings& settings, const option::Text& option) {
  const std::string& given = settings.format.options[option];
  const std::string name = "option '" + std::string(option.name) + "'";
  if (given.empty()) {
    return bad(settings.table,
               "missing " + name + ": partition:0,offset:42;partition:1,offset:300");
  }
  if (settings.topics.names().size() != 1) {
    return bad(settings.table, name + " is for one topic, and '" + settings.topics.text() +
                                   "' are several; declare a table for each");
  }
  PartitionOffsets offsets;
  std::string_view text = given;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t comma = std::min(part.find(','), part.size());
    const auto partition = number(part.substr(0, comma), "partition:");
    const auto offset = number(part.substr(std::min(comma + 1, part.size())), "offset:");
    if (!partition || !offset || *partition > INT32_MAX) {
      return bad(settings.table,
                 name + ": '" + std::string(part) + "' is not of the form partition:0,offset:42");
    }
    const Partition key{settings.topics.names().front(), static_cast<std::int32_t>(*partition)};
    if (!offsets.emplace(key, *offset).second)
      return bad(settings.table, name + " names partition " + std::to_string(key.id) + " twice");
  }
  return offsets;
}

Status no_effect(const SourceSettings& settings, std::string_view option, bool has,
                 const std::string& needs) {
  if (!has) return {};
  return bad(settings.table,
             "'" + std::string(option) + "' has no effect without " + needs + "; add it");
}

Status read_start(SourceSettings& settings) {
  const Options& options = settings.format.options;
  settings.start = options[option::kStartupMode];
  settings.reset = options[option::kGroupReset];
  const bool timed = settings.start == StartMode::kTimestamp;
  if (timed && !options.has(option::kStartMillis)) {
    return bad(settings.table,
               "missing option 'scan.startup.timestamp-millis': the time to begin at");
  }
  if (timed) settings.start_ms = options[option::kStartMillis];
  if (!timed) {
    TRY(no_effect(settings, option::kStartMillis.name, options.has(option::kStartMillis),
                  "'scan.startup.mode' = 'timestamp'"));
  }
  if (settings.start == StartMode::kSpecificOffsets) {
    TRY_ASSIGN(settings.start_offsets, read_offsets(settings, option::kStartOffsets));
  } else {
    TRY(no_effect(settings, option::kStartOffsets.name, options.has(option::kStartOffsets),
                  "'scan.startup.mode' = 'specific-offsets'"));
  }
  if (settings.start != StartMode::kGroupOffsets || !settings.group.empty()) return {};
  return bad(settings.table,
             "'scan.startup.mode' = 'group-offsets' needs 'properties.group.id'; give it, or begin "
             "elsewhere: 'earliest-offset', 'latest-offset', 'timestamp', 'specific-offsets'");
}

Status read_bound(SourceSettings& settings) {
  const Options& options = settings.format.options;
  settings.bound = options[option::kBoundedMode];
  const bool timed = settings.bound == BoundMode::kTimestamp;
  if (timed && !options.has(option::kBoundMillis))
    return bad(settings.table,
               "missing option 'scan.bounded.timestamp-millis': the time to end at");
  if (timed) settings.bound_ms = options[option::kBoundMillis];
  if (!timed) {
    TRY(no_effect(settings, option::kBoundMillis.name, options.has(option::kBoundMillis),
                  "'scan.bounded.mode' = 'timestamp'"));
  }
  if (settings.bound == BoundMode::kSpecificOffsets) {
    TRY_ASSIGN(settings.bound_offsets, read_offsets(settings, option::kBoundOffsets));
  } else {
    TRY(no_effect(settings, option::kBoundOffsets.name, options.has(option::kBoundOffsets),
                  "'scan.bounded.mode' = 'specific-offsets'"));
  }
  if (settings.bound != BoundMode::kGroupOffsets || !settings.group.empty()) return {};
  return bad(settings.table,
             "'scan.bounded.mode' = 'group-offsets' needs 'properties.group.id'; give it");
}

Status read_dead_letters(SourceSettings& settings) {
  const Options& options = settings.format.options;
  settings.dead_letter_topic = options[option::kDeadLetterTopic];
  settings.decode_errors = options[option::kDecodeErrors];
  if (settings.decode_errors != connector_kit::DecodeErrors::kDeadLetter) {
    return no_effect(settings, option::kDeadLetterTopic.name, !settings.dead_letter_topic.empty(),
                     "'decode.errors' = 'dead-letter'");
  }
  if (settings.dead_letter_topic.empty()) {
    return bad(settings.table,
               "'decode.errors' = 'dead-letter' needs 'dead-letter.topic', the topic to write to");
  }
  TRY_ASSIGN(const bool read, settings.topics.selects(settings.dead_letter_topic));
  if (!read) return {};
  return bad(settings.table, "'dead-letter.topic' is read by the table itself; name another one");
}

// Those of librdkafka, and the options that a second table of the same cluster needs.
void read_properties(const TableDefinition& table, SourceSettings& settings) {
  const Options& options = settings.format.options;
  settings.servers = options[option::kServers];
  settings.group = options[option::kGroup];
  settings.properties = options.with_prefix(option::kPropertiesPrefix);
  for (const auto& [name, value] : settings.properties)
    settings.access.emplace(std::string(option::kPropertiesPrefix) + name, value);
  settings.access.emplace(option::kServers.name, settings.servers);
  settings.properties["bootstrap.servers"] = settings.servers;
  if (!settings.group.empty()) settings.properties["group.id"] = settings.group;
  settings.table = table.name;
}

OptionSpec family(std::string_view prefix, std::string description, bool secret) {
  OptionSpec spec;
  spec.name = prefix;
  spec.description = std::move(description);
  spec.prefix = true;
  spec.secret = secret;
  return spec;
}

}  // namespace

OptionTable kafka_options() {
  std::vector<OptionSpec> all =
      option_specs(option::kTopic, option::kTopicPattern, option::kServers);
  const auto add = [&all](std::vector<OptionSpec> part) {
    all.insert(all.end(), part.begin(), part.end());
  };
  add(connector_kit::message_format_options(option::kFormat));
  add(option_specs(option::kGroup, option::kStartupMode, option::kGroupReset, option::kStartMillis,
                   option::kStartOffsets));
  add(option_specs(option::kBoundedMode, option::kBoundMillis, option::kBoundOffsets,
                   option::kDiscoveryInterval, option::kOutOfRange, option::kCommit,
                   option::kDecodeErrors, connector_kit::kColumnErrorDebug,
                   option::kDeadLetterTopic));
  all.push_back(family(option::kSaslPrefix,
                       "How the client shows who it is, as librdkafka calls it: mechanism, "
                       "username, password. Never printed.",
                       true));
  all.push_back(family(option::kSslPrefix,
                       "TLS, as librdkafka calls it: ca.location, certificate.location, "
                       "key.location, key.password. Never printed.",
                       true));
  all.push_back(family(option::kPropertiesPrefix,
                       "Any other property of librdkafka: security.protocol, client.id, "
                       "isolation.level, fetch.wait.max.ms.",
                       false));
  return OptionTable(std::move(all));
}

Result<SourceSettings> read_source_settings(const TableDefinition& table) {
  const std::string subject = "table '" + table.name + "'";
  SourceSettings settings;
  TRY_ASSIGN(settings.format, connector_kit::read_table_format(table, kafka_options(), ""));
  const Options& options = settings.format.options;
  read_properties(table, settings);
  auto topics = TopicSelection::read(options);
  if (!topics.ok()) return topics.error().with_context(subject);
  settings.topics = std::move(*topics);
  TRY(check_properties(ClientRole::kConsumer, settings.properties).with_context(subject));
  TRY(read_start(settings));
  TRY(read_bound(settings));
  TRY(read_dead_letters(settings));
  settings.discovery_ms = options[option::kDiscoveryInterval].count();
  settings.out_of_range = options[option::kOutOfRange];
  settings.commit = options[option::kCommit];
  settings.log_decode_errors = options[connector_kit::kColumnErrorDebug];
  return settings;
}

std::vector<std::string> endpoints_of(const std::string& what, const std::string& servers) {
  std::vector<std::string> all;
  std::string_view text = servers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    std::string_view server = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!server.empty() && server.front() == ' ') server.remove_prefix(1);
    while (!server.empty() && server.back() == ' ') server.remove_suffix(1);
    if (!server.empty()) all.push_back(what + " at " + std::string(server));
  }
  return all;
}

}  // namespace slipstream::kafka_connector
