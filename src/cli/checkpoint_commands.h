// slipstream checkpoints: what a checkpoint directory holds.
#pragma once

#include <cstdint>
#include <string>

#include "cli/row_printer.h"

namespace slipstream::cli {

struct CheckpointArguments {
  std::string directory;  // of a job, or the folder of one checkpoint
  std::uint64_t id = 0;   // 0 = the newest that is whole
  OutputFormat output = OutputFormat::kTable;
};
// Every checkpoint is read and its checksums are compared; a damaged one is listed with its fault.
// Works while the job runs: nothing is locked, nothing is written.
int checkpoints_list_command(const CheckpointArguments& arguments);
// State per operator, positions of the sources, epochs that wait to be published.
int checkpoints_inspect_command(const CheckpointArguments& arguments);

}  // namespace slipstream::cli
