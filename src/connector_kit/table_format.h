// The formats of a table's bodies and keys, and what becomes of bodies that they refuse.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector/sink.h"
#include "slipstream/connector/source.h"
#include "slipstream/options.h"

#include "format/format.h"

namespace slipstream::connector_kit {

// How a message's key, text beside its body, holds columns of the table.
struct KeyFormat {
  const format::Format* format = nullptr;
  Options options;                  // of the format
  std::vector<std::size_t> fields;  // physical columns, ascending
  bool in_value = true;             // the body holds them too
};

// Whether the messages of a table are rows by key, whatever its format.
enum class ChangelogMode : std::uint8_t {
  kFormat,  // new rows, or the changes that a changelog format holds
  kUpsert,  // the row that a key has now; a body of no bytes: the key is gone
};

struct TableFormat {
  const format::Format* format = nullptr;
  Options options;  // of connector and format together
  std::optional<KeyFormat> key;
  std::optional<ChangelogMode> changelog_mode;  // none: the connector has no such option

  const std::string& name() const { return format->name; }
  // `key` holds the columns of the PRIMARY KEY then.
  bool upsert() const { return changelog_mode == ChangelogMode::kUpsert; }
  // Those of the table's `columns` physical ones that the body holds, ascending.
  std::vector<std::size_t> value_fields(std::size_t columns) const;
};

// Options of a connector whose messages have a key: see message_format_options().
enum class ValueFields : std::uint8_t { kAll, kExceptKey };
inline constexpr auto kValueFieldWords = std::to_array<OptionWord<ValueFields>>(
    {{"ALL", ValueFields::kAll}, {"EXCEPT_KEY", ValueFields::kExceptKey}});
namespace key_option {
inline constexpr Option<std::string> kFormat{
    .name = "key.format",
    .description = "How a key holds the columns of key.fields; none: keys are not looked at."};
inline constexpr Option<std::string> kFields{.name = "key.fields",
                                             .description = "Columns that a key holds: a;b."};
inline constexpr Option<ValueFields> kValueFieldsInclude{
    .name = "value.fields-include",
    .default_value = "ALL",
    .description =
        "Whether the body holds the columns of key.fields too: ALL = it does, and they "
        "are read from it; EXCEPT_KEY = only the key does.",
    .limits = {kValueFieldWords}};
}  // namespace key_option

// 'changelog.mode' of a connector whose messages have a key, beside the options of
// message_format_options().
inline constexpr auto kChangelogModeWords = std::to_array<OptionWord<ChangelogMode>>(
    {{"format", ChangelogMode::kFormat}, {"upsert", ChangelogMode::kUpsert}});
inline constexpr Option<ChangelogMode> kChangelogMode{
    .name = "changelog.mode",
    .default_value = "format",
    .description =
        "What messages are: format = what the format holds, new rows or changes; upsert = the row "
        "that a PRIMARY KEY has now, and an empty body for one that is gone.",
    .limits = {kChangelogModeWords}};

// What a connector whose messages have a key says of formats: `format`, that of bodies, which
// 'value.format' names too, then those of key_option. The key format's own options have "key." in
// front; those of bodies may have "value.".
std::vector<OptionSpec> message_format_options(const Option<std::string>& format);

// The connector's options with those of the formats that `given` names or that it has by default. A
// format that there is none of adds nothing.
OptionTable with_format_options(const OptionTable& connector_options, const OptionMap& given);

// The formats that the table names, or `default_format`. kNotFound and kInvalidArgument name the
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

// 'columnErrorDebug' of a connector.
inline constexpr Option<bool> kColumnErrorDebug{
    .name = "columnErrorDebug",
    .default_value = "false",
    .description =
        "Log each body or line that is no row, with its place and the text of it that is "
        "wrong.",
    .aliases = {"rocketmq.source.column.error.debug"},
    .scope = OptionScope::kSource};

// What a reader of bodies needs to know of its table.
struct DecodedTable {
  // What a body or a key holds, and what is wanted of it.
  struct Part {
    const format::Format* format = nullptr;
    Options options;
    Schema schema;                        // all that it holds
    std::vector<std::size_t> projection;  // into `schema`
    std::vector<std::size_t> columns;     // of the batches: where the projection goes

    Result<std::unique_ptr<format::RowDecoder>> make_decoder() const {
      return format->make_decoder(schema, projection, options);
    }
  };
  std::string name;
  DecodeErrors errors = DecodeErrors::kFail;
  bool log_failures = false;  // each of them, with its reason; those that fail the job are not
  Part value;
  std::optional<Part> key;   // only when a wanted column comes from it
  std::size_t physical = 0;  // so many wanted columns are physical: the first ones of `schema`
  Schema schema;             // of the batches: projected columns, then metadata
};

// The projection of the request; refuses what the formats cannot hold.
Result<DecodedTable> plan_decoding(const SourceRequest& request, const TableFormat& format,
                                   DecodeErrors errors);

// Refuses rows other than +I where the table holds new rows only.
Status require_changelog(const SinkRequest& request, const TableFormat& format);

}  // namespace slipstream::connector_kit
