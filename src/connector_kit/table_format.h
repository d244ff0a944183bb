// The format of a table's rows, and what becomes of rows that it refuses.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector/sink.h"
#include "slipstream/connector/source.h"
#include "slipstream/options.h"

#include "format/format.h"

namespace slipstream::connector_kit {

struct TableFormat {
  const format::Format* format = nullptr;
  Options options;  // of connector and format together

  const std::string& name() const { return format->name; }
};

// The format that the table names, or `default_format`. kNotFound and kInvalidArgument name the
// table, the option and the fix.
Result<TableFormat> read_table_format(const TableDefinition& table,
                                      const OptionTable& connector_options,
                                      std::string_view default_format);

enum class DecodeErrors : std::uint8_t { kFail, kSkip, kDeadLetter };

inline constexpr auto kDecodeErrorWords = std::to_array<OptionWord<DecodeErrors>>({
    {"fail", DecodeErrors::kFail},
    {"skip", DecodeErrors::kSkip},
    {"dead-letter", DecodeErrors::kDeadLetter},
});
// 'decode.errors' of a connector; `description` says what its bodies are.
constexpr Option<DecodeErrors> decode_errors_option(std::string_view description) {
  return {.name = "decode.errors",
          .default_value = "fail",
          .description = description,
          .limits = {kDecodeErrorWords},
          .scope = OptionScope::kSource};
}

// What a reader of bodies needs to know of its table.
struct DecodedTable {
  std::string name;
  TableFormat format;
  DecodeErrors errors = DecodeErrors::kFail;
  Schema physical;                      // of the table
  std::vector<std::size_t> projection;  // into `physical`
  Schema schema;                        // of the batches: projected columns, then metadata
};

// The projection of the request; refuses what the format cannot hold.
Result<DecodedTable> plan_decoding(const SourceRequest& request, TableFormat format,
                                   DecodeErrors errors);
Result<std::unique_ptr<format::RowDecoder>> make_decoder(const DecodedTable& table);

// Refuses rows other than +I where the format writes new rows only.
Status require_changelog(const SinkRequest& request, const TableFormat& format);

}  // namespace slipstream::connector_kit
