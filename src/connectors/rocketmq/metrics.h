// What the rocketmq connector counts.
#pragma once

#include <array>

#include "slipstream/metrics.h"

namespace slipstream::rocketmq_connector {

inline constexpr std::string_view kSinkLabels = "job, task, subtask or job, sink";
inline constexpr MetricFamily kSourceMessages{"rocketmq_source_messages_total", kTaskLabels,
                                              "messages read"};
inline constexpr MetricFamily kSourceBodyBytes{"rocketmq_source_body_bytes_total", kTaskLabels,
                                               "bytes of bodies read"};
inline constexpr MetricFamily kSourceDecodeErrors{
    "rocketmq_source_decode_errors_total", kTaskLabels,
    "bodies or lines that were no row of the table", MetricRole::kSkipped};
inline constexpr MetricFamily kSourceIgnored{
    "rocketmq_source_ignored_total", kTaskLabels,
    "bodies, lines or fields given up by options of the format", MetricRole::kSkipped};
inline constexpr MetricFamily kSourceOutOfRange{"rocketmq_source_offset_out_of_range_total",
                                                kTaskLabels,
                                                "wanted offsets that did not exist any more"};
inline constexpr MetricFamily kSinkMessages{"rocketmq_sink_messages_total", kSinkLabels,
                                            "messages acknowledged by brokers"};
inline constexpr MetricFamily kSinkBytes{"rocketmq_sink_bytes_total", kTaskLabels,
                                         "bytes acknowledged by brokers"};
inline constexpr MetricFamily kSinkRetries{"rocketmq_sink_retries_total", kSinkLabels,
                                           "sends that were tried again"};
inline constexpr MetricFamily kSinkFailures{"rocketmq_sink_failures_total", kTaskLabels,
                                            "messages that were given up"};
inline constexpr MetricFamily kSinkSealed{"rocketmq_sink_sealed_messages_total", kTaskLabels,
                                          "messages sealed for exactly-once publishing"};
inline constexpr MetricFamily kSinkScans{
    "rocketmq_sink_scans_total", "job, sink",
    "looks into output queues after an unknown outcome or a crash"};
inline constexpr MetricFamily kSinkFound{"rocketmq_sink_found_messages_total", "job, sink",
                                         "messages that a scan of the queues found published"};
inline constexpr MetricFamily kSinkDuplicates{
    "rocketmq_sink_duplicates_total", "job, sink",
    "messages that were found twice in the output queues"};
// Names of Flink's connectors.
inline constexpr MetricFamily kNumRecordsIn{"numRecordsIn", kTaskLabels, "rows read"};
inline constexpr MetricFamily kNumRecordsInPerSecond{"numRecordsInPerSecond", kTaskLabels,
                                                     "rows read in the last second"};
inline constexpr MetricFamily kNumBytesIn{"numBytesIn", kTaskLabels, "bytes of bodies read"};
inline constexpr MetricFamily kNumBytesInPerSecond{"numBytesInPerSecond", kTaskLabels,
                                                   "bytes of bodies read in the last second"};
inline constexpr MetricFamily kFetchLag{
    "currentFetchEventTimeLag", kTaskLabels,
    "milliseconds from the birth of the message that was read last to its arrival here"};
inline constexpr MetricFamily kEmitLag{
    "currentEmitEventTimeLag", kTaskLabels,
    "milliseconds from the birth of the message that was read last to when its rows went on"};
inline constexpr MetricFamily kIdleTime{"sourceIdleTime", kTaskLabels,
                                        "milliseconds since a row was read"};
inline constexpr MetricFamily kNumRecordsOut{"numRecordsOut", kSinkLabels,
                                             "messages acknowledged by brokers"};
inline constexpr MetricFamily kNumRecordsOutPerSecond{
    "numRecordsOutPerSecond", kSinkLabels, "messages acknowledged by brokers in the last second"};
inline constexpr MetricFamily kNumBytesOut{"numBytesOut", kSinkLabels,
                                           "bytes acknowledged by brokers"};
inline constexpr MetricFamily kNumBytesOutPerSecond{
    "numBytesOutPerSecond", kSinkLabels, "bytes acknowledged by brokers in the last second"};
inline constexpr MetricFamily kSendTime{
    "currentSendTime", kSinkLabels,
    "milliseconds from the last acknowledged send to its acknowledgement"};
inline constexpr std::array kRocketmqMetrics{kSourceMessages,
                                             kSourceBodyBytes,
                                             kSourceDecodeErrors,
                                             kSourceIgnored,
                                             kSourceOutOfRange,
                                             kSinkMessages,
                                             kSinkBytes,
                                             kSinkRetries,
                                             kSinkFailures,
                                             kSinkSealed,
                                             kSinkScans,
                                             kSinkFound,
                                             kSinkDuplicates,
                                             kNumRecordsIn,
                                             kNumRecordsInPerSecond,
                                             kNumBytesIn,
                                             kNumBytesInPerSecond,
                                             kFetchLag,
                                             kEmitLag,
                                             kIdleTime,
                                             kNumRecordsOut,
                                             kNumRecordsOutPerSecond,
                                             kNumBytesOut,
                                             kNumBytesOutPerSecond,
                                             kSendTime};

}  // namespace slipstream::rocketmq_connector
