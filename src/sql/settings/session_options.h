// What SET can say.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

#include "slipstream/option.h"
#include "slipstream/options.h"

namespace slipstream::sql {

// What a row with NULL for a NOT NULL column of the sink does.
enum class NullRow : std::uint8_t { kError, kDrop };

// Flink's keys where Flink has them.
OptionTable session_options();

namespace session_option {

using Duration = std::chrono::milliseconds;
using Count = Option<std::int64_t>;

inline constexpr std::int64_t kKeyGroupsMax = 32'768;
// What a script sets that means "forever".
inline constexpr std::int64_t kCountMax = std::numeric_limits<std::int32_t>::max();

// --- the job ---

inline constexpr Option<std::string> kJobName{
    .name = "pipeline.name", .default_value = "job", .description = "Name of the next job."};
inline constexpr Count kParallelism{.name = "parallelism.default",
                                    .default_value = "0",
                                    .description = "Subtasks per operator; 0 = number of cores.",
                                    .limits = {{.min = 0, .max = kKeyGroupsMax}},
                                    .aliases = {"table.exec.resource.default-parallelism"}};
inline constexpr Count kMaxParallelism{
    .name = "pipeline.max-parallelism",
    .default_value = "128",
    .description = "Key groups; fixed for the life of a checkpoint directory.",
    .limits = {{.min = 1, .max = kKeyGroupsMax}}};

// --- checkpoints ---

inline constexpr Option<Duration> kCheckpointInterval{
    .name = "execution.checkpointing.interval",
    .default_value = "10 s",
    .description = "Time between checkpoints; 0 = off."};
inline constexpr Option<Duration> kCheckpointTimeout{
    .name = "execution.checkpointing.timeout",
    .default_value = "10 min",
    .description = "A checkpoint that takes longer is aborted."};
inline constexpr Option<std::string> kCheckpointDir{
    .name = "execution.checkpointing.dir",
    .description = "Where checkpoints are kept; --checkpoint-dir wins.",
    .aliases = {"state.checkpoints.dir"}};
inline constexpr Count kCheckpointsRetained{.name = "execution.checkpointing.num-retained",
                                            .default_value = "3",
                                            .description = "Completed checkpoints to keep.",
                                            .limits = {{.min = 1, .max = kCountMax}},
                                            .aliases = {"state.checkpoints.num-retained"}};
inline constexpr Option<bool> kIncrementalCheckpoints{
    .name = "execution.checkpointing.incremental",
    .default_value = "true",
    .description =
        "A checkpoint writes what changed and refers to files of older ones for the "
        "rest; 'false': every checkpoint stands for itself.",
    .aliases = {"state.backend.incremental"}};

// --- restarts ---

inline constexpr Count kRestartAttempts{
    .name = "restart-strategy.attempts",
    .default_value = "10",
    .description = "Restarts in a row without a completed checkpoint between; then the job fails.",
    .limits = {{.min = 0, .max = kCountMax}},
    .aliases = {"restart-strategy.fixed-delay.attempts"}};
inline constexpr Option<Duration> kRestartDelay{
    .name = "restart-strategy.delay",
    .default_value = "200 ms",
    .description = "Pause before the first restart; doubled each time.",
    .aliases = {"restart-strategy.fixed-delay.delay"}};

// --- tables ---

inline constexpr Option<std::string> kTimeZone{
    .name = "table.local-time-zone", .default_value = "UTC", .description = "Session time zone."};
inline constexpr auto kNullRowWords = std::to_array<OptionWord<NullRow>>({
    {"error", NullRow::kError},
    {"drop", NullRow::kDrop},
});
inline constexpr Option<NullRow> kNotNullEnforcer{
    .name = "table.exec.sink.not-null-enforcer",
    .default_value = "error",
    .description =
        "What a row with NULL for a NOT NULL column of the sink does: 'error' ends the "
        "job, 'drop' drops and counts the row.",
    .limits = {kNullRowWords}};
inline constexpr Option<Duration> kStateTtl{
    .name = "table.exec.state.ttl",
    .default_value = "0 ms",
    .description =
        "State of updating GROUP BY and joins that was not written for so long is "
        "dropped; 0 = never."};

// --- the process ---

inline constexpr Option<ByteSize> kMemory{
    .name = "slipstream.memory",
    .default_value = "1 gb",
    .description = "Memory budget of the process for state and buffers."};
inline constexpr Count kBatchRows{.name = "slipstream.batch-rows",
                                  .default_value = "4096",
                                  .description = "Rows per batch.",
                                  .limits = {{.min = 1}}};
inline constexpr Option<bool> kAudit{
    .name = "slipstream.audit",
    .default_value = "false",
    .description =
        "Both ends of each edge of a job add up checksums of the rows, and 'slipstream audit "
        "--job' compares them, not only numbers of rows."};

}  // namespace session_option

}  // namespace slipstream::sql
