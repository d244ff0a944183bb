// What a filesystem table says, checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "slipstream/connector.h"

#include "connector_kit/table_format.h"
#include "data/text/pattern.h"

namespace slipstream::filesystem_connector {

// The connector's options, without those of formats.
OptionTable filesystem_options();

using connector_kit::TableFormat;

struct SourceSettings {
  std::string table;                             // for errors
  std::filesystem::path path;                    // absolute: a file or a folder
  std::shared_ptr<const text::Pattern> pattern;  // of absolute paths; null = all
  std::int64_t monitor_ms = 0;                   // 0 = what is there at the start, then the end
  std::uint64_t line_bytes_max = 0;
  connector_kit::DecodeErrors decode_errors = connector_kit::DecodeErrors::kFail;
  std::filesystem::path dead_letters;  // absolute: where lines go that are no row
  TableFormat format;
};

struct SinkSettings {
  std::string table;
  std::filesystem::path folder;  // absolute
  Guarantee guarantee = Guarantee::kAtLeastOnce;
  std::uint64_t part_bytes = 0;  // a part file ends after the row that reaches this
  std::int64_t rollover_ms = 0;  // or when it has been written to for so long
  std::string extension;         // ".json"
  TableFormat format;
};

// kInvalidArgument names the table, the option, the cause and the fix.
Result<SourceSettings> read_source_settings(const TableDefinition& table);
Result<SinkSettings> read_sink_settings(const TableDefinition& table);

}  // namespace slipstream::filesystem_connector
