#include "sql/settings/session_options.h"

#include <utility>
#include <vector>

namespace slipstream::sql {

namespace {

using Specs = std::vector<OptionSpec>;

Specs job_options() {
  return {
      OptionSpec{
          .name = "pipeline.name", .default_value = "job", .description = "Name of the next job."},
      OptionSpec{.name = "parallelism.default",
                 .type = OptionType::kInt,
                 .default_value = "0",
                 .description = "Subtasks per operator; 0 = number of cores.",
                 .aliases = {"table.exec.resource.default-parallelism"}},
      OptionSpec{.name = "pipeline.max-parallelism",
                 .type = OptionType::kInt,
                 .default_value = "128",
                 .description = "Key groups; fixed for the life of a checkpoint directory."},
  };
}

Specs checkpoint_options() {
  return {
      OptionSpec{.name = "execution.checkpointing.interval",
                 .type = OptionType::kDuration,
                 .default_value = "10 s",
                 .description = "Time between checkpoints; 0 = off."},
      OptionSpec{.name = "execution.checkpointing.timeout",
                 .type = OptionType::kDuration,
                 .default_value = "10 min",
                 .description = "A checkpoint that takes longer is aborted."},
      OptionSpec{.name = "execution.checkpointing.dir",
                 .description = "Where checkpoints are kept; --checkpoint-dir wins.",
                 .aliases = {"state.checkpoints.dir"}},
      OptionSpec{.name = "execution.checkpointing.num-retained",
                 .type = OptionType::kInt,
                 .default_value = "3",
                 .description = "Completed checkpoints to keep.",
                 .aliases = {"state.checkpoints.num-retained"}},
      OptionSpec{.name = "execution.checkpointing.incremental",
                 .type = OptionType::kBool,
                 .default_value = "true",
                 .description = "A checkpoint writes what changed and refers to files of older "
                                "ones for the rest; 'false': every checkpoint stands for itself.",
                 .aliases = {"state.backend.incremental"}},
  };
}

Specs restart_options() {
  return {
      OptionSpec{
          .name = "restart-strategy.attempts",
          .type = OptionType::kInt,
          .default_value = "10",
          .description =
              "Restarts in a row without a completed checkpoint between; then the job fails.",
          .aliases = {"restart-strategy.fixed-delay.attempts"}},
      OptionSpec{.name = "restart-strategy.delay",
                 .type = OptionType::kDuration,
                 .default_value = "200 ms",
                 .description = "Pause before the first restart; doubled each time.",
                 .aliases = {"restart-strategy.fixed-delay.delay"}},
  };
}

Specs table_options() {
  return {
      OptionSpec{.name = "table.local-time-zone",
                 .default_value = "UTC",
                 .description = "Session time zone."},
      OptionSpec{.name = "table.exec.sink.not-null-enforcer",
                 .type = OptionType::kEnum,
                 .default_value = "error",
                 .description = "What a row with NULL for a NOT NULL column of the sink does: "
                                "'error' ends the job, 'drop' drops and counts the row.",
                 .values = {"error", "drop"}},
      OptionSpec{.name = "table.exec.state.ttl",
                 .type = OptionType::kDuration,
                 .default_value = "0 ms",
                 .description = "State of updating GROUP BY and joins that was not written for so "
                                "long is dropped; 0 = never."},
  };
}

Specs process_options() {
  return {
      OptionSpec{.name = "slipstream.memory",
                 .type = OptionType::kBytes,
                 .default_value = "1 gb",
                 .description = "Memory budget of the process for state and buffers."},
      OptionSpec{.name = "slipstream.batch-rows",
                 .type = OptionType::kInt,
                 .default_value = "4096",
                 .description = "Rows per batch."},
  };
}

}  // namespace

OptionTable session_options() {
  Specs all;
  for (const auto part :
       {job_options, checkpoint_options, restart_options, table_options, process_options}) {
    Specs specs = part();
    all.insert(all.end(), specs.begin(), specs.end());
  }
  return OptionTable(std::move(all));
}

}  // namespace slipstream::sql
