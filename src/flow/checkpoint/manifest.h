// What a checkpoint consists of. Bytes: docs/formats/checkpoint.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/status.h"

#include "flow/checkpoint/barrier.h"
#include "flow/state_schema.h"

namespace slipstream::flow {

// A file with operator state. May lie in the folder of an older checkpoint.
struct StateFile {
  std::string name;  // in the storage: "chk-7/state"
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
};

// Consecutive pieces of one name and key group.
struct Section {
  std::uint32_t subtask = 0;
  std::string name;
  std::uint32_t key_group = 0;  // kOperatorState: not keyed
  std::uint32_t file = 0;       // index into Manifest::files
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
};

struct OperatorState {
  std::string uid;
  std::string name;
  std::uint32_t parallelism = 1;
  // Those of one subtask and name: from the newest to the oldest.
  std::vector<Section> sections;
  StateSchema schema = {};  // empty: nothing is known of it (version 1)
};

struct SplitState {
  std::uint32_t index = 0;  // never given to another split of this source
  Split split;
};

struct SourceState {
  std::string uid;
  std::string enumerator;
  bool complete = false;  // no more splits will be found
  std::uint32_t next_index = 0;
  std::vector<SplitState> splits;
};

// A sealed epoch of a sink that is not known to be published.
struct Epoch {
  std::string sink;             // uid
  CheckpointId checkpoint = 0;  // in which it was sealed
  std::uint32_t subtask = 0;
  std::string handle;
  std::string file;  // in the storage; empty = none
  std::uint64_t file_size = 0;
  std::uint64_t file_checksum = 0;
};

// Of an operator, a source or an exactly-once sink.
struct StateOwner {
  std::string uid;
  std::string content;
  std::vector<std::string> uses;
};

struct Manifest {
  CheckpointId id = 0;
  CheckpointKind kind = CheckpointKind::kPeriodic;
  bool finished = false;  // all input was read and every epoch is published
  std::string job;
  std::int64_t created_ms = 0;
  std::uint32_t max_parallelism = 128;
  std::vector<StateFile> files;
  std::vector<OperatorState> operators;
  std::vector<SourceState> sources;
  std::vector<std::string> exactly_once_sinks;  // uids
  std::vector<Epoch> epochs;                    // unconfirmed, in commit order
  std::vector<StateOwner> owners;               // those whose uid the planner chose
};

// In the newest version of the format.
std::string encode_manifest(const Manifest& manifest);
// kCorrupt or kUnsupported (a newer version).
Result<Manifest> decode_manifest(std::string_view bytes);

// Of all sections, and of the file that this checkpoint added.
std::uint64_t state_bytes(const Manifest& manifest);
std::uint64_t written_bytes(const Manifest& manifest);

std::string checkpoint_folder(CheckpointId id);  // "chk-7"
// 0 when the name is not one of a checkpoint folder.
CheckpointId checkpoint_of_folder(std::string_view name);

}  // namespace slipstream::flow
