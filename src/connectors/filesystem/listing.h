// The files of a table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "slipstream/status.h"

#include "connectors/filesystem/settings.h"

namespace slipstream::filesystem_connector {

struct FoundFile {
  std::string name;  // relative to folder_of(settings)
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
};

// The folder that names are relative to: the path, or the folder of a single file.
std::filesystem::path folder_of(const SourceSettings& settings);

// Regular files, folders inside included, sorted by name. Names that begin with '.' or '_', on any
// level below the path, are passed over: files that are being written. kNotFound when the path does
// not exist.
Result<std::vector<FoundFile>> list_files(const SourceSettings& settings);

}  // namespace slipstream::filesystem_connector
