// The families of values that the engine counts.
#pragma once

#include <array>

#include "slipstream/metrics.h"

namespace slipstream::flow {

inline constexpr MetricFamily kJobCheckpoints{"job_checkpoints_total", "job",
                                              "completed checkpoints"};
inline constexpr MetricFamily kJobCheckpointSeconds{"job_last_checkpoint_seconds", "job",
                                                    "duration of the last completed checkpoint"};
inline constexpr MetricFamily kJobCheckpointBytes{"job_last_checkpoint_bytes", "job",
                                                  "state that the newest checkpoint refers to"};
inline constexpr MetricFamily kJobRestarts{"job_restarts_total", "job",
                                           "restarts inside the process"};
inline constexpr MetricFamily kJobRunning{"job_running", "job",
                                          "1 while it runs, 0 when it restarts or has ended"};
inline constexpr MetricFamily kTaskRowsIn{"task_rows_in_total", kTaskLabels,
                                          "rows that a task took"};
inline constexpr MetricFamily kTaskRowsOut{"task_rows_out_total", kTaskLabels,
                                           "rows that a task gave on, or wrote"};
inline constexpr MetricFamily kTaskBusy{"task_busy_seconds_total", kTaskLabels, "time at work"};
inline constexpr MetricFamily kTaskIdle{"task_idle_seconds_total", kTaskLabels,
                                        "time waiting for input"};
inline constexpr MetricFamily kTaskBackPressured{"task_backpressured_seconds_total", kTaskLabels,
                                                 "time waiting for the next task"};
inline constexpr MetricFamily kEdgeRows{"edge_rows_total", "job, edge, from, to",
                                        "rows that went from one group of tasks to the next"};
inline constexpr MetricFamily kEdgeQueued{"edge_queued_bytes", "job, edge, from, to",
                                          "bytes that wait between two groups of tasks"};
inline constexpr MetricFamily kLateRows{"late_rows_total", kTaskLabels,
                                        "rows that came after all their windows had fired"};
inline constexpr MetricFamily kNullRowsDropped{
    "null_rows_dropped_total", kTaskLabels,
    "rows with NULL for a NOT NULL column, dropped by 'table.exec.sink.not-null-enforcer'"};
inline constexpr MetricFamily kCurrentWatermark{"current_watermark", kTaskLabels,
                                                "event time reached, milliseconds since 1970"};
inline constexpr MetricFamily kPausedSplits{"paused_splits", kTaskLabels,
                                            "splits that wait because they are far ahead"};

inline constexpr MetricFamily kSourceLag{"source_lag", kTaskLabels,
                                         "messages behind the ends of all splits that it reads"};
inline constexpr MetricFamily kSplitLag{
    "source_split_lag", "job, task, subtask, split",
    "messages behind the end of a split; 0 where another subtask reads it now"};

inline constexpr std::array kEngineMetrics{
    kJobCheckpoints,     kJobCheckpointSeconds,
    kJobCheckpointBytes, kJobRestarts,
    kJobRunning,         kTaskRowsIn,
    kTaskRowsOut,        kTaskBusy,
    kTaskIdle,           kTaskBackPressured,
    kEdgeRows,           kEdgeQueued,
    kLateRows,           kNullRowsDropped,
    kCurrentWatermark,   kPausedSplits,
    kSourceLag,          kSplitLag,
};

}  // namespace slipstream::flow
