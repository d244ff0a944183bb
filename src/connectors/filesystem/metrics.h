// What the filesystem connector counts.
#pragma once

#include <array>

#include "slipstream/metrics.h"

namespace slipstream::filesystem_connector {

inline constexpr MetricFamily kSourceLines{"filesystem_source_lines_total", kTaskLabels,
                                           "lines read"};
inline constexpr MetricFamily kSourceBytes{"filesystem_source_bytes_total", kTaskLabels,
                                           "bytes of lines read"};
inline constexpr MetricFamily kSourceFiles{"filesystem_source_files_total", kTaskLabels,
                                           "files read to their end"};
inline constexpr MetricFamily kSourceDecodeErrors{
    "filesystem_source_decode_errors_total", kTaskLabels,
    "lines that were no row of the table and were skipped", MetricRole::kSkipped};
inline constexpr MetricFamily kSourceIgnored{"filesystem_source_ignored_total", kTaskLabels,
                                             "lines or fields given up by options of the format",
                                             MetricRole::kSkipped};
inline constexpr MetricFamily kSinkRows{"filesystem_sink_rows_total", kTaskLabels, "rows written"};
inline constexpr MetricFamily kSinkFiles{"filesystem_sink_files_total",
                                         "job, task, subtask or job, sink", "part files published"};
inline constexpr std::array kFilesystemMetrics{kSourceLines,        kSourceBytes,   kSourceFiles,
                                               kSourceDecodeErrors, kSourceIgnored, kSinkRows,
                                               kSinkFiles};

}  // namespace slipstream::filesystem_connector
