// The options of a kafka table, in the order in which they are listed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "slipstream/option.h"

#include "connector_kit/table_format.h"
#include "connectors/kafka/settings.h"

namespace slipstream::kafka_connector::option {

using Duration = std::chrono::milliseconds;
using Text = Option<std::string>;

inline constexpr Text kTopic{
    .name = "topic",
    .description = "Topic to read; several, 'a;b'. Required without topic-pattern."};
inline constexpr Text kTopicPattern{
    .name = "topic-pattern",
    .description =
        "Instead of topic: read all topics whose whole names match this regular expression "
        "(Java's), and later ones as they are found.",
    .scope = OptionScope::kSource};
inline constexpr Text kServers{.name = "properties.bootstrap.servers",
                               .description = "Brokers to begin with: host:port,host:port.",
                               .required = true};
inline constexpr Text kFormat{
    .name = "format", .description = "How a body holds rows.", .required = true};
inline constexpr Text kGroup{
    .name = "properties.group.id",
    .description =
        "Consumer group: its offsets are where mode group-offsets begins, and are committed with "
        "checkpoints. Not needed otherwise.",
    .scope = OptionScope::kSource};

// --- where reading begins ---

inline constexpr auto kStartModes = std::to_array<OptionWord<StartMode>>({
    {"group-offsets", StartMode::kGroupOffsets},
    {"earliest-offset", StartMode::kEarliest},
    {"latest-offset", StartMode::kLatest},
    {"timestamp", StartMode::kTimestamp},
    {"specific-offsets", StartMode::kSpecificOffsets},
    {"earliest", StartMode::kEarliest},
    {"latest", StartMode::kLatest},
});
inline constexpr Option<StartMode> kStartupMode{
    .name = "scan.startup.mode",
    .default_value = "group-offsets",
    .description = "Where a start without restored state begins.",
    .limits = {kStartModes},
    .scope = OptionScope::kSource};
inline constexpr auto kResets = std::to_array<OptionWord<GroupReset>>({
    {"none", GroupReset::kNone},
    {"earliest", GroupReset::kEarliest},
    {"latest", GroupReset::kLatest},
});
inline constexpr Option<GroupReset> kGroupReset{
    .name = "properties.auto.offset.reset",
    .default_value = "none",
    .description =
        "Mode group-offsets: where to begin when the group has no offset for a partition; none = "
        "that is an error.",
    .limits = {kResets},
    .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kStartMillis{
    .name = "scan.startup.timestamp-millis",
    .description = "Mode timestamp: first message at or after this time.",
    .limits = {{.min = 0}},
    .scope = OptionScope::kSource};
inline constexpr Text kStartOffsets{
    .name = "scan.startup.specific-offsets",
    .description =
        "Mode specific-offsets: partition:0,offset:42;partition:1,offset:300, of one topic. Other "
        "partitions begin at the group's offset, else at their first message.",
    .scope = OptionScope::kSource};

// --- where it ends, and how it goes on ---

inline constexpr auto kBoundModes = std::to_array<OptionWord<BoundMode>>({
    {"unbounded", BoundMode::kUnbounded},
    {"latest-offset", BoundMode::kLatest},
    {"group-offsets", BoundMode::kGroupOffsets},
    {"timestamp", BoundMode::kTimestamp},
    {"specific-offsets", BoundMode::kSpecificOffsets},
    {"latest", BoundMode::kLatest},
});
inline constexpr Option<BoundMode> kBoundedMode{.name = "scan.bounded.mode",
                                                .default_value = "unbounded",
                                                .description = "Where reading ends.",
                                                .limits = {kBoundModes},
                                                .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kBoundMillis{
    .name = "scan.bounded.timestamp-millis",
    .description = "Bounded mode timestamp: up to the first message at or after this time.",
    .limits = {{.min = 0}},
    .scope = OptionScope::kSource};
inline constexpr Text kBoundOffsets{.name = "scan.bounded.specific-offsets",
                                    .description =
                                        "Bounded mode specific-offsets: as "
                                        "scan.startup.specific-offsets, the first offset not read "
                                        "of each partition.",
                                    .scope = OptionScope::kSource};
inline constexpr Option<Duration> kDiscoveryInterval{
    .name = "scan.topic-partition-discovery.interval",
    .default_value = "5 min",
    .description =
        "How often new partitions, and topics of topic-pattern, are looked for; 0 = never.",
    .limits = {{.min = Duration(0)}},
    .scope = OptionScope::kSource};
inline constexpr auto kOutOfRangeWords = std::to_array<OptionWord<OffsetOutOfRange>>({
    {"fail", OffsetOutOfRange::kFail},
    {"earliest", OffsetOutOfRange::kEarliest},
    {"latest", OffsetOutOfRange::kLatest},
});
inline constexpr Option<OffsetOutOfRange> kOutOfRange{
    .name = "scan.offset-out-of-range",
    .default_value = "fail",
    .description = "What to do when the wanted offset does not exist any more.",
    .limits = {kOutOfRangeWords},
    .scope = OptionScope::kSource};
inline constexpr Option<bool> kCommit{
    .name = "properties.commit.offsets.on.checkpoint",
    .default_value = "true",
    .description = "Whether the group's offsets are committed with checkpoints.",
    .scope = OptionScope::kSource};
inline constexpr Option<connector_kit::DecodeErrors> kDecodeErrors =
    connector_kit::decode_errors_option("What to do with a body that is no row of the table.");
inline constexpr Text kDeadLetterTopic{
    .name = "dead-letter.topic",
    .description = "Where decode.errors = dead-letter writes, as JSON.",
    .scope = OptionScope::kSource};

// --- what goes to librdkafka as it is ---

inline constexpr std::string_view kPropertiesPrefix = "properties.";
inline constexpr std::string_view kSaslPrefix = "properties.sasl.";
inline constexpr std::string_view kSslPrefix = "properties.ssl.";

}  // namespace slipstream::kafka_connector::option
