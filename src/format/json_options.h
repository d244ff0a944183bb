// Options that json and debezium-json share.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/options.h"

#include "format/json_reader.h"
#include "format/json_writer.h"

namespace slipstream::format {

// Names without the prefix of the format, "json." or "debezium-json.".
namespace json_option {

inline constexpr Option<bool> kIgnoreParseErrors{
    .name = "ignore-parse-errors",
    .default_value = "false",
    .description =
        "A field that cannot be read becomes NULL and a body that is no JSON is "
        "dropped; both are counted."};
enum class TimestampStandard : std::uint8_t { kSql, kIso8601 };
inline constexpr auto kTimestampStandards = std::to_array<OptionWord<TimestampStandard>>(
    {{"SQL", TimestampStandard::kSql}, {"ISO-8601", TimestampStandard::kIso8601}});
inline constexpr Option<TimestampStandard> kTimestampFormat{
    .name = "timestamp-format.standard",
    .default_value = "SQL",
    .description =
        "SQL: '2024-01-31 23:59:59.123'; ISO-8601: '2024-01-31T23:59:59.123'. "
        "TIMESTAMP_LTZ with 'Z' behind.",
    .limits = {kTimestampStandards}};
inline constexpr auto kNullKeyModes =
    std::to_array<OptionWord<NullKeyMode>>({{"FAIL", NullKeyMode::kFail},
                                            {"DROP", NullKeyMode::kDrop},
                                            {"LITERAL", NullKeyMode::kLiteral}});
inline constexpr Option<NullKeyMode> kNullKeyMode{
    .name = "map-null-key.mode",
    .default_value = "FAIL",
    .description = "What to do with a NULL key of a MAP when writing.",
    .limits = {kNullKeyModes}};
inline constexpr Option<std::string> kNullKeyLiteral{
    .name = "map-null-key.literal",
    .default_value = "null",
    .description = "The key written for NULL in mode LITERAL."};
inline constexpr Option<bool> kPlainDecimals{
    .name = "encode.decimal-as-plain-number",
    .default_value = "false",
    .description = "DECIMAL as 1500.00 instead of the shortest form, 1.5E+3."};
inline constexpr Option<bool> kIgnoreNullFields{
    .name = "encode.ignore-null-fields",
    .default_value = "false",
    .description = "Leaves NULL fields out when writing."};

}  // namespace json_option

std::vector<OptionSpec> json_option_specs(std::string_view prefix);
JsonRules json_rules(const Options& options, std::string_view prefix);
JsonStyle json_style(const Options& options, std::string_view prefix);

}  // namespace slipstream::format
