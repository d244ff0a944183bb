// What the rocketmq connector counts.
#pragma once

#include <array>

#include "flow/metrics.h"

namespace slipstream::connectors {

inline constexpr std::string_view kSinkLabels = "job, task, subtask or job, sink";
inline constexpr flow::MetricFamily kSourceMessages{"rocketmq_source_messages_total",
                                                    flow::kTaskLabels, "messages read"};
inline constexpr flow::MetricFamily kSourceBodyBytes{"rocketmq_source_body_bytes_total",
                                                     flow::kTaskLabels, "bytes of bodies read"};
inline constexpr flow::MetricFamily kSourceDecodeErrors{
    "rocketmq_source_decode_errors_total", flow::kTaskLabels,
    "bodies or lines that were no row of the table"};
inline constexpr flow::MetricFamily kSourceIgnored{
    "rocketmq_source_ignored_total", flow::kTaskLabels,
    "bodies, lines or fields given up by options of the format"};
inline constexpr flow::MetricFamily kSourceOutOfRange{"rocketmq_source_offset_out_of_range_total",
                                                      flow::kTaskLabels,
                                                      "wanted offsets that did not exist any more"};
inline constexpr flow::MetricFamily kSourceLag{"rocketmq_source_lag_messages", flow::kTaskLabels,
                                               "messages behind the ends of the queues"};
inline constexpr flow::MetricFamily kSourceQueueLag{
    "rocketmq_source_queue_lag_messages", "job, task, subtask, topic, broker, queue",
    "messages behind the end of a queue; 0 where another subtask reads it now"};
inline constexpr flow::MetricFamily kSinkMessages{"rocketmq_sink_messages_total", kSinkLabels,
                                                  "messages acknowledged by brokers"};
inline constexpr flow::MetricFamily kSinkBytes{"rocketmq_sink_bytes_total", flow::kTaskLabels,
                                               "bytes acknowledged by brokers"};
inline constexpr flow::MetricFamily kSinkRetries{"rocketmq_sink_retries_total", kSinkLabels,
                                                 "sends that were tried again"};
inline constexpr flow::MetricFamily kSinkFailures{"rocketmq_sink_failures_total", flow::kTaskLabels,
                                                  "messages that were given up"};
inline constexpr flow::MetricFamily kSinkSealed{"rocketmq_sink_sealed_messages_total",
                                                flow::kTaskLabels,
                                                "messages sealed for exactly-once publishing"};
inline constexpr flow::MetricFamily kSinkScans{
    "rocketmq_sink_scans_total", "job, sink",
    "looks into output queues after an unknown outcome or a crash"};
inline constexpr flow::MetricFamily kSinkFound{
    "rocketmq_sink_found_messages_total", "job, sink",
    "messages that a look into the queues found published"};
inline constexpr flow::MetricFamily kSinkTwice{
    "rocketmq_sink_duplicates_total", "job, sink",
    "messages that were found twice in the output queues"};
inline constexpr std::array kRocketmqMetrics{
    kSourceMessages, kSourceBodyBytes, kSourceDecodeErrors, kSourceIgnored, kSourceOutOfRange,
    kSourceLag,      kSourceQueueLag,  kSinkMessages,       kSinkBytes,     kSinkRetries,
    kSinkFailures,   kSinkSealed,      kSinkScans,          kSinkFound,     kSinkTwice};

}  // namespace slipstream::connectors
