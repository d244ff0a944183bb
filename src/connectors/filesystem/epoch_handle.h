// What an epoch of the filesystem sink will become: names and sizes of its part files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::filesystem_connector {

// Who writes: part of every file name, so that two writers, two jobs or two starts of one job never
// choose the same name.
struct PartSeries {
  std::string sink;         // hash of the sink's uid, 8 hex digits
  std::uint64_t token = 0;  // of the attempt
  std::uint32_t subtask = 0;
};

// "part-SINK-TOKEN-SUBTASK-NUMBER", number padded so that names sort as they were written.
std::string part_name(const PartSeries& series, std::uint64_t number);
// The name of a file that is being written: hidden from readers of the folder.
std::string hidden_name(std::string_view name);
// Whether `name` is a hidden name of the sink `sink`, of any start.
bool is_hidden_part(std::string_view name, std::string_view sink);
std::string hash_of_sink(std::string_view uid);

// The rows of one writer in one epoch, cut into files.
struct EpochHandle {
  std::string name;                 // of the only file; several have "-1", "-2", ... behind it
  std::string extension;            // ".json"
  std::vector<std::uint64_t> ends;  // of the files in the epoch's bytes, ascending

  std::string file_name(std::size_t index) const;
};

// "1\nNAME\nEXTENSION\nEND,END,...".
std::string encode_epoch_handle(const EpochHandle& handle);
Result<EpochHandle> decode_epoch_handle(std::string_view text);

}  // namespace slipstream::filesystem_connector
