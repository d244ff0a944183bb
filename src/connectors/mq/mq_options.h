// The options of mq and mq5 tables that rocketmq tables do not have, or have with another meaning or
// default.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "slipstream/options.h"

#include "connector_kit/table_format.h"

namespace slipstream::mq_connector {

enum class Product : std::uint8_t { kMq, kMq5 };
constexpr std::string_view name_of(Product product) {
  return product == Product::kMq ? "mq" : "mq5";
}

namespace option {

using Duration = std::chrono::milliseconds;
using Text = Option<std::string>;

inline constexpr Text kEndPoint{
    .name = "endPoint",
    .description = "TCP endpoint of the instance: host:port;host:port; else SLIPSTREAM_NAMESERVER.",
    .aliases = {"endpoint"},
    .required = true};
inline constexpr Text kAccessId{.name = "accessId",
                                .description = "AccessKey ID (4.x) or user name (5.x).",
                                .aliases = {"accessID"}};
inline constexpr Text kAccessKey{
    .name = "accessKey",
    .description = "AccessKey secret (4.x) or password (5.x): the secret itself, not its id.",
    .secret = true};
inline constexpr Text kInstanceId{
    .name = "instanceID",
    .description = "Instance that has a namespace of its own: topics and groups are of it.",
    .aliases = {"instanceId"}};
inline constexpr Text kTag{
    .name = "tag",
    .description =
        "Source: the one tag to read. Sink: tag of rows without one of their own; several, 'a,b': "
        "such a row is written once with each."};
inline constexpr Text kTagOfMq5{
    .name = "tag",
    .description = "Source: the one tag to read. Sink: none; declare 'tags STRING METADATA'."};

inline constexpr Option<std::int64_t> kPullInterval{
    .name = "pullIntervalMs",
    .description = "Required to read: milliseconds between a pull that found nothing and the next.",
    .limits = {{.min = 0}},
    .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kStartTimeMs{
    .name = "startTimeMs",
    .description =
        "Begin at the first message stored at or after this time, milliseconds since 1970; less "
        "than 0 = off.",
    .aliases = {"scan.startup.timestamp-millis"},
    .scope = OptionScope::kSource};
inline constexpr Option<std::int64_t> kPullBatchSize{.name = "pullBatchSize",
                                                     .default_value = "64",
                                                     .description = "Most messages of one pull.",
                                                     .limits = {{.min = 1, .max = 1'024}},
                                                     .scope = OptionScope::kSource};
// Not given: what the page says of lines that are no rows.
inline constexpr Option<connector_kit::DecodeErrors> kDecodeErrors{
    .name = "decode.errors",
    .description =
        "What to do with a body or line that is no row of the table. Not given: delimited text is "
        "skipped, unless lengthCheck is EXCEPTION; everything else fails the job.",
    .limits = {connector_kit::kDecodeErrorWords},
    .scope = OptionScope::kSource};

inline constexpr Text kProducerGroup{.name = "producerGroup",
                                     .description = "Producer group; required to write.",
                                     .scope = OptionScope::kSink};
inline constexpr Option<std::int64_t> kRetryTimes{
    .name = "retryTimes",
    .default_value = "10",
    .description = "At-least-once: how often a send is repeated before the job fails.",
    .limits = {{.min = 0, .max = 1'000'000}},
    .scope = OptionScope::kSink};
inline constexpr Option<Duration> kSleepTime{
    .name = "sleepTimeMs",
    .default_value = "5 s",
    .description = "At-least-once: pause before a send is repeated.",
    .scope = OptionScope::kSink};
// Not given: what all repetitions may take.
inline constexpr Option<Duration> kSendTimeout{
    .name = "sink.send-timeout",
    .description =
        "At-least-once: a send that is not acknowledged in this time fails the job. Not given: "
        "retryTimes * (sleepTimeMs + 3 s) + 3 s, but from 60 s to 365 days.",
    .scope = OptionScope::kSink};
enum class Mode : std::uint8_t { kPartition };
inline constexpr auto kModes = std::to_array<OptionWord<Mode>>({{"partition", Mode::kPartition}});
inline constexpr Option<Mode> kMode{
    .name = "mode",
    .description =
        "partition = partitionField decides about the queue; not given: queues take turns.",
    .limits = {kModes},
    .scope = OptionScope::kSink};

}  // namespace option

// All of a product's options without those of formats: its own, and those of rocketmq that mean the
// same here.
OptionTable options_of(Product product, const OptionTable& rocketmq);

}  // namespace slipstream::mq_connector
