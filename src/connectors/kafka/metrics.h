// What the kafka connector counts.
#pragma once

#include <array>

#include "slipstream/metrics.h"

namespace slipstream::kafka_connector {

inline constexpr MetricFamily kSourceMessages{"kafka_source_messages_total", kTaskLabels,
                                              "messages read"};
inline constexpr MetricFamily kSourceBodyBytes{"kafka_source_body_bytes_total", kTaskLabels,
                                               "bytes of bodies read"};
inline constexpr MetricFamily kSourceDecodeErrors{"kafka_source_decode_errors_total", kTaskLabels,
                                                  "bodies or lines that were no row of the table",
                                                  MetricRole::kSkipped};
inline constexpr MetricFamily kSourceIgnored{
    "kafka_source_ignored_total", kTaskLabels,
    "bodies, lines or fields given up by options of the format", MetricRole::kSkipped};
inline constexpr MetricFamily kSourceOutOfRange{"kafka_source_offset_out_of_range_total",
                                                kTaskLabels,
                                                "wanted offsets that did not exist any more"};
inline constexpr MetricFamily kSourceCommits{"kafka_source_commits_total", kTaskLabels,
                                             "commits of group offsets that succeeded"};
inline constexpr MetricFamily kSourceCommitFailures{
    "kafka_source_commit_failures_total", kTaskLabels, "commits of group offsets that failed"};
inline constexpr std::array kKafkaMetrics{
    kSourceMessages,   kSourceBodyBytes, kSourceDecodeErrors,  kSourceIgnored,
    kSourceOutOfRange, kSourceCommits,   kSourceCommitFailures};

}  // namespace slipstream::kafka_connector
