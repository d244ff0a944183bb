// What the filesystem connector counts.
#pragma once

#include <array>

#include "flow/metrics.h"

namespace slipstream::connectors::filesystem {

inline constexpr flow::MetricFamily kSourceLines{"filesystem_source_lines_total", flow::kTaskLabels,
                                                 "lines read"};
inline constexpr flow::MetricFamily kSourceBytes{"filesystem_source_bytes_total", flow::kTaskLabels,
                                                 "bytes of lines read"};
inline constexpr flow::MetricFamily kSourceFiles{"filesystem_source_files_total", flow::kTaskLabels,
                                                 "files read to their end"};
inline constexpr flow::MetricFamily kSourceDecodeErrors{
    "filesystem_source_decode_errors_total", flow::kTaskLabels,
    "lines that were no row of the table and were skipped"};
inline constexpr flow::MetricFamily kSourceIgnored{
    "filesystem_source_ignored_total", flow::kTaskLabels,
    "lines or fields given up by options of the format"};
inline constexpr flow::MetricFamily kSinkRows{"filesystem_sink_rows_total", flow::kTaskLabels,
                                              "rows written"};
inline constexpr flow::MetricFamily kSinkFiles{
    "filesystem_sink_files_total", "job, task, subtask or job, sink", "part files published"};
inline constexpr std::array kFilesystemMetrics{kSourceLines,        kSourceBytes,   kSourceFiles,
                                               kSourceDecodeErrors, kSourceIgnored, kSinkRows,
                                               kSinkFiles};

}  // namespace slipstream::connectors::filesystem
