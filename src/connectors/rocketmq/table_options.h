// The options of a rocketmq table, in the order in which they are listed; those of access are in
// access_options.cc.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "slipstream/option.h"

#include "connector_kit/delivery_guarantee.h"
#include "connector_kit/table_format.h"
#include "connectors/rocketmq/settings.h"

namespace slipstream::rocketmq_connector::option {

using Duration = std::chrono::milliseconds;
using Text = Option<std::string>;

inline constexpr Text kTopic{.name = "topic",
                             .description =
                                 "Topic to read or write; several to read, 'a;b'. Required to "
                                 "write, and to read without topic-pattern.",
                             .aliases = {"rocketmq.source.topic", "rocketmq.sink.topic"}};
inline constexpr Text kTopicPattern{
    .name = "topic-pattern",
    .description =
        "Instead of topic: read all topics whose whole names match this regular expression "
        "(Java's), and later ones as they are found.",
    .scope = OptionScope::kSource};
inline constexpr Text kNameServers{
    .name = "nameServerAddress",
    .description = "Name servers: host:port;host:port; else SLIPSTREAM_NAMESERVER.",
    .aliases = {"name-server-address", "endPoint", "endpoint", "rocketmq.client.endpoints"},
    .required = true};
inline constexpr Text kFormat{
    .name = "format", .default_value = "delimited", .description = "How a body holds rows."};
inline constexpr Text kTag{
    .name = "tag",
    .description =
        "Source: tags to read, 'a || b', compared by the broker. Sink: tag of messages "
        "without one of their own.",
    .aliases = {"rocketmq.source.filter.tag", "rocketmq.sink.tag",
                "rocketmq.source.filter-expression"}};
inline constexpr Text kTimeZone{.name = "timeZone",
                                .default_value = "UTC",
                                .description = "Zone of startTime and endTime.",
                                .aliases = {"time-zone", "rocketmq.client.timeZone"},
                                .scope = OptionScope::kSource};

// --- where reading begins ---

inline constexpr Text kConsumerGroup{
    .name = "consumerGroup",
    .description = "Consumer group; required to read.",
    .aliases = {"consumer-group", "rocketmq.source.group", "rocketmq.source.consumer-group"},
    .scope = OptionScope::kSource};
inline constexpr auto kStartModes = std::to_array<OptionWord<StartMode>>({
    {"group-offsets", StartMode::kGroupOffsets},
    {"earliest", StartMode::kEarliest},
    {"latest", StartMode::kLatest},
    {"timestamp", StartMode::kTimestamp},
    {"specific-offsets", StartMode::kSpecificOffsets},
    {"earliest-offset", StartMode::kEarliest},
    {"latest-offset", StartMode::kLatest},
    {"group", StartMode::kGroupOffsets},
    {"specific", StartMode::kSpecificOffsets},
});
inline constexpr Option<StartMode> kStartupMode{
    .name = "scan.startup.mode",
    .default_value = "group-offsets",
    .description = "Where a start without restored state begins.",
    .limits = {kStartModes},
    .aliases = {"scanStartupMode", "rocketmq.source.startup.scan.mode"},
    .scope = OptionScope::kSource};
enum class GroupReset : std::uint8_t { kLatest, kEarliest };
inline constexpr auto kGroupResets = std::to_array<OptionWord<GroupReset>>({
    {"latest", GroupReset::kLatest},
    {"earliest", GroupReset::kEarliest},
    {"latest-offset", GroupReset::kLatest},
    {"earliest-offset", GroupReset::kEarliest},
});
inline constexpr Option<GroupReset> kGroupReset{
    .name = "scan.startup.group-offsets.reset",
    .default_value = "latest",
    .description = "Where to begin when the group has no offset for a queue.",
    .limits = {kGroupResets},
    .aliases = {"rocketmq.source.startup.offset.strategy"},
    .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kStartMillis{
    .name = "scan.startup.timestamp-millis",
    .description =
        "Mode timestamp: first message stored at or after this time; less than 0 = not given.",
    .aliases = {"startTimeMs", "offsetFromTimestamp", "rocketmq.source.startup.offset.timestamp"},
    .scope = OptionScope::kSource};
inline constexpr Text kStartTime{
    .name = "startTime",
    .description = "The same as text: yyyy-MM-dd HH:mm:ss in timeZone.",
    .aliases = {"start-time", "rocketmq.source.startup.offset.date"},
    .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kStartOffset{
    .name = "startMessageOffset",
    .description =
        "One offset to begin at in every queue; wins over a start time. Not together with a "
        "scan.startup.mode other than specific-offsets.",
    .aliases = {"start-message-offset", "rocketmq.source.startup.offset.specific"},
    .scope = OptionScope::kSource};
inline constexpr Text kStartOffsets{
    .name = "scan.startup.specific-offsets",
    .description =
        "Mode specific-offsets: broker:queue:offset;..., of several topics "
        "topic:broker:queue:offset; other queues begin at the group's offset.",
    .scope = OptionScope::kSource};

// --- where it ends, and how it goes on ---

inline constexpr auto kBoundModes = std::to_array<OptionWord<BoundMode>>({
    {"unbounded", BoundMode::kUnbounded},
    {"latest-offset", BoundMode::kLatest},
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
    .description = "Bounded mode timestamp: messages stored before this time are read.",
    .scope = OptionScope::kSource};
inline constexpr Text kEndTime{.name = "endTime",
                               .description = "The same as text: yyyy-MM-dd HH:mm:ss in timeZone.",
                               .aliases = {"end-time", "rocketmq.source.stop.offset.timestamp"},
                               .scope = OptionScope::kSource};
inline constexpr Text kBoundOffsets{.name = "scan.bounded.specific-offsets",
                                    .description =
                                        "Bounded mode specific-offsets: as "
                                        "scan.startup.specific-offsets, the first offset not read.",
                                    .scope = OptionScope::kSource};
inline constexpr Option<Duration> kDiscoveryInterval{
    .name = "scan.topic-partition-discovery.interval",
    .default_value = "5 s",
    .description =
        "How often new queues, and topics of topic-pattern, are looked for; 0 and -1 = never.",
    .limits = {{.min = Duration(-1)}},
    .aliases = {"partitionDiscoveryIntervalMs", "rocketmq.client.partition.discovery.interval.ms"},
    .scope = OptionScope::kSource};
inline constexpr auto kOutOfRangeWords = std::to_array<OptionWord<rocketmq::OffsetOutOfRange>>({
    {"fail", rocketmq::OffsetOutOfRange::kFail},
    {"earliest", rocketmq::OffsetOutOfRange::kEarliest},
    {"latest", rocketmq::OffsetOutOfRange::kLatest},
    {"nearest", rocketmq::OffsetOutOfRange::kNearest},
});
inline constexpr Option<rocketmq::OffsetOutOfRange> kOutOfRange{
    .name = "scan.offset-out-of-range",
    .default_value = "fail",
    .description = "What to do when the wanted offset does not exist any more.",
    .limits = {kOutOfRangeWords},
    .scope = OptionScope::kSource};
inline constexpr Option<DecodeErrors> kDecodeErrors = connector_kit::decode_errors_option(
    "What to do with a body that is no row of the table, or is stored damaged.");
inline constexpr Text kDeadLetterTopic{
    .name = "dead-letter.topic",
    .description = "Where decode.errors = dead-letter writes, as JSON.",
    .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kPullMessages{
    .name = "pullBatchSize",
    .default_value = "1024",
    .description = "Most messages of one pull.",
    .limits = {{.min = 1, .max = 1'024}},
    .aliases = {"pull-batch-size", "rocketmq.source.pull.batch.size",
                "rocketmq.source.max-message-num"},
    .scope = OptionScope::kSource};
inline constexpr Text kRecording{
    .name = "scan.recording",
    .description =
        "A file of 'slipstream record' that is read in place of the topic; the table ends with it.",
    .scope = OptionScope::kSource};
inline constexpr Text kFilterSql{
    .name = "scan.filter.sql",
    .description =
        "SQL92 expression over properties that brokers filter by, where "
        "enablePropertyFilter is on; not together with 'tag'.",
    .aliases = {"sql", "rocketmq.source.filter.sql"},
    .scope = OptionScope::kSource};
inline constexpr Option<bool> kFilterPushDown{
    .name = "scan.filter.push-down",
    .default_value = "true",
    .description =
        "Whether brokers get what WHERE says of tags and properties, so that they need not send "
        "every message. Where they do not filter, everything is read.",
    .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kPullConcurrency{
    .name = "scan.pull.concurrency",
    .default_value = "0",
    .description = "Most pulls under way for one queue; 0: 8, and up to 128 for brokers far away.",
    .limits = {{.min = 0, .max = 128}},
    .aliases = {"rocketmq.source.fetch-concurrency"},
    .scope = OptionScope::kSource};
inline constexpr Option<Duration> kPullWait{
    .name = "scan.pull.wait",
    .default_value = "15 s",
    .description = "How long a pull waits at the broker for a message.",
    .limits = {{.min = Duration(1)}},
    .aliases = {"rocketmq.source.pull.suspend.timeout", "rocketmq.source.await-duration"},
    .scope = OptionScope::kSource};
inline constexpr Option<Duration> kPullPause{
    .name = "scan.pull.pause-when-empty",
    .default_value = "0 s",
    .description = "Between a pull that found nothing and the next.",
    .scope = OptionScope::kSource};

// --- writing ---

inline constexpr Text kProducerGroup{
    .name = "produceGroup",
    .description = "Producer group; one per job when not given.",
    .aliases = {"producerGroup", "produce-group", "producer-group", "rocketmq.sink.group"},
    .scope = OptionScope::kSink};
inline constexpr Option<Guarantee> kGuarantee{.name = "sink.delivery-guarantee",
                                              .default_value = "at-least-once",
                                              .description = "What holds after failures.",
                                              .limits = {connector_kit::kGuaranteeWords},
                                              .aliases = {"rocketmq.sink.delivery.guarantee"},
                                              .scope = OptionScope::kSink};
inline constexpr Option<Duration> kSendTimeout{
    .name = "sink.send-timeout",
    .default_value = "60 s",
    .description = "At-least-once: a send that is not acknowledged in this time fails the job.",
    .scope = OptionScope::kSink};
inline constexpr Text kScanGroup{
    .name = "sink.scan-group",
    .default_value = "slipstream_scan",
    .description = "Exactly-once: group that reads the output queues after a crash.",
    .scope = OptionScope::kSink};
inline constexpr Option<Duration> kFenceWait{
    .name = "sink.fence-wait",
    .default_value = "2 s",
    .description =
        "Exactly-once: how long a broker may take to store what it received, before a "
        "recovery looks.",
    .scope = OptionScope::kSink};

inline constexpr Text kSinkTags{
    .name = "sink.tags",
    .description =
        "Several tags, 'a,b': a row without a tag of its own is written once with each; not "
        "together with 'tag'.",
    .scope = OptionScope::kSink};
inline constexpr Option<std::int64_t> kRetryTimes{
    .name = "retryTimes",
    .description =
        "At-least-once: how often a send is repeated, within sink.send-timeout; not given: as "
        "often as fits into it.",
    .limits = {{.min = 0, .max = 1'000'000}},
    .aliases = {"rocketmq.sink.retry.times", "rocketmq.sink.send.retry.times"},
    .scope = OptionScope::kSink};
inline constexpr Option<Duration> kRetryPause{
    .name = "sleepTimeMs",
    .description =
        "At-least-once: pause before a send is repeated; not given: 50 ms, growing to 2 s.",
    .aliases = {"rocketmq.sink.retry.sleep.ms"},
    .scope = OptionScope::kSink};
inline constexpr Text kPartitionField{
    .name = "partitionField",
    .description =
        "Column whose value decides about the queue, as Java's hash of its text; rows with one "
        "value stay in order.",
    .aliases = {"sink.partition-field"},
    .scope = OptionScope::kSink};

}  // namespace slipstream::rocketmq_connector::option
