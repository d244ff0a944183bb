#include "connector_kit/table_format.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace slipstream::connector_kit {
namespace {

constexpr std::string_view kKeyPrefix = "key.";
constexpr std::string_view kValuePrefix = "value.";

// The text of an option as it is given under any of its names, else its default.
std::string given_text(const OptionTable& table, const OptionMap& given, std::string_view name) {
  const OptionSpec* wanted = table.find(name);
  if (wanted == nullptr) return {};
  for (const auto& [key, value] : given) {
    if (table.find(key) == wanted) return value;
  }
  return wanted->default_value;
}

// Flink writes "value.json.x" where 'value.format' is used instead of 'format'.
OptionTable with_value_names(const OptionTable& options) {
  std::vector<OptionSpec> specs = options.specs();
  for (OptionSpec& spec : specs) spec.aliases.push_back(std::string(kValuePrefix) + spec.name);
  return OptionTable(std::move(specs));
}

Error bad_option(const TableDefinition& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': " + text};
}

Result<std::vector<std::size_t>> read_key_fields(const TableDefinition& table,
                                                 std::string_view text) {
  std::vector<std::size_t> fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    const auto found = table.physical.find(name);
    if (!found) {
      return bad_option(table, "option 'key.fields' names '" + std::string(name) +
                                   "', which is no physical column; columns are " +
                                   table.physical.to_string());
    }
    if (std::find(fields.begin(), fields.end(), *found) != fields.end())
      return bad_option(table, "option 'key.fields' names '" + std::string(name) + "' twice");
    fields.push_back(*found);
  }
  std::sort(fields.begin(), fields.end());
  return fields;
}

// The key of an upsert table is that of its rows.
Result<std::vector<std::size_t>> read_upsert_fields(const TableDefinition& table,
                                                    const Options& options) {
  std::vector<std::size_t> fields;
  std::string names;
  for (const std::string& name : table.primary_key) {
    if (const auto column = table.physical.find(name)) fields.push_back(*column);
    names += (names.empty() ? "" : ";") + name;
  }
  std::sort(fields.begin(), fields.end());
  if (!options.has(key_option::kFields)) return fields;
  TRY_ASSIGN(const auto given, read_key_fields(table, options[key_option::kFields]));
  if (given == fields) return fields;
  return bad_option(table, "option 'key.fields' names other columns than the PRIMARY KEY, '" +
                               names +
                               "': with 'changelog.mode' = 'upsert' the key of a message is that "
                               "of its row; leave the option out");
}

Status check_upsert(const TableDefinition& table, const TableFormat& format) {
  if (table.primary_key.empty()) {
    return bad_option(table,
                      "'changelog.mode' = 'upsert' needs a PRIMARY KEY (...) NOT ENFORCED: its "
                      "columns are the key that a message replaces the row of");
  }
  if (!format.format->changelog) return {};
  return bad_option(table, "'changelog.mode' = 'upsert' writes rows, and format '" + format.name() +
                               "' holds changes by itself; leave the option out, or use a format "
                               "such as 'json'");
}

Result<KeyFormat> read_key_format(const TableDefinition& table, const Options& options,
                                  const OptionMap& format_options, bool upsert) {
  KeyFormat key;
  const std::string& name = options[key_option::kFormat];
  const auto found = format::find_format(name.empty() ? "json" : name);
  if (!found.ok()) return found.error().with_context("table '" + table.name + "': 'key.format'");
  key.format = *found;
  if (key.format->changelog) {
    return bad_option(table, "option 'key.format': a key of format '" + key.format->name +
                                 "' would be a change; use 'json', 'csv' or 'raw'");
  }
  TRY_ASSIGN(key.fields, upsert ? read_upsert_fields(table, options)
                                : read_key_fields(table, options[key_option::kFields]));
  if (key.fields.empty()) {
    return bad_option(table,
                      "'key.format' needs 'key.fields', the columns that a key holds: 'a;b'");
  }
  key.in_value = options[key_option::kValueFieldsInclude] == ValueFields::kAll;
  TRY_ASSIGN(key.options, key.format->options.parse(format_options, "table '" + table.name + "'"));
  return key;
}

// Those of the key's format, without "key.".
OptionMap key_format_options(const OptionTable& connector_options, const OptionMap& given) {
  OptionMap options;
  for (const auto& [name, value] : given) {
    if (name.starts_with(kKeyPrefix) && connector_options.find(name) == nullptr)
      options.emplace(name.substr(kKeyPrefix.size()), value);
  }
  return options;
}

DecodedTable::Part part_of(const SourceRequest& request, const format::Format& format,
                           const Options& options, std::span<const std::size_t> fields) {
  DecodedTable::Part part{&format, options, {}, {}, {}};
  for (const std::size_t field : fields) {
    const auto wanted = std::find(request.physical.begin(), request.physical.end(), field);
    if (wanted != request.physical.end()) {
      part.projection.push_back(part.schema.size());
      part.columns.push_back(static_cast<std::size_t>(wanted - request.physical.begin()));
    }
    part.schema.add(request.table.physical[field].name, request.table.physical[field].type);
  }
  return part;
}

}  // namespace

std::vector<std::size_t> TableFormat::value_fields(std::size_t columns) const {
  std::vector<std::size_t> fields;
  for (std::size_t i = 0; i < columns; ++i) {
    const bool only_in_key =
        key && !key->in_value &&
        std::find(key->fields.begin(), key->fields.end(), i) != key->fields.end();
    if (!only_in_key) fields.push_back(i);
  }
  return fields;
}

std::vector<OptionSpec> message_format_options(const Option<std::string>& format) {
  std::vector<OptionSpec> specs = option_specs(format, key_option::kFormat, key_option::kFields,
                                               key_option::kValueFieldsInclude);
  specs.front().aliases.push_back(std::string(kValuePrefix) + specs.front().name);
  return specs;
}

OptionTable with_format_options(const OptionTable& connector_options, const OptionMap& given) {
  OptionTable known = connector_options;
  const auto value = format::find_format(given_text(connector_options, given, "format"));
  if (value.ok()) known = known.merged(with_value_names((*value)->options));
  const auto key =
      format::find_format(given_text(connector_options, given, key_option::kFormat.name));
  if (key.ok()) known = known.merged((*key)->options, kKeyPrefix);
  return known;
}

Result<TableFormat> read_table_format(const TableDefinition& table,
                                      const OptionTable& connector_options,
                                      std::string_view default_format) {
  const std::string subject = "table '" + table.name + "'";
  std::string name = given_text(connector_options, table.options, "format");
  if (name.empty()) name = default_format;
  const auto found = format::find_format(name);
  if (!found.ok()) return found.error().with_context(subject + ": option 'format'");
  TableFormat result;
  result.format = *found;
  TRY_ASSIGN(result.options,
             with_format_options(connector_options, table.options).parse(table.options, subject));
  if (connector_options.find(key_option::kFormat.name) == nullptr) return result;
  if (connector_options.find(kChangelogMode.name) != nullptr)
    result.changelog_mode = result.options[kChangelogMode];
  if (result.upsert()) TRY(check_upsert(table, result));
  if (result.upsert() || !result.options[key_option::kFormat].empty()) {
    TRY_ASSIGN(result.key, read_key_format(table, result.options,
                                           key_format_options(connector_options, table.options),
                                           result.upsert()));
    return result;
  }
  for (const std::string_view without :
       {key_option::kFields.name, key_option::kValueFieldsInclude.name}) {
    if (!result.options.has(without)) continue;
    return bad_option(table, "option '" + std::string(without) +
                                 "' has no effect without "
                                 "'key.format'");
  }
  return result;
}

Result<DecodedTable> plan_decoding(const SourceRequest& request, const TableFormat& format,
                                   DecodeErrors errors) {
  const std::string subject = "table '" + request.table.name + "'";
  DecodedTable plan;
  plan.name = request.table.name;
  plan.errors = errors;
  plan.physical = request.physical.size();
  for (const std::size_t index : request.physical)
    plan.schema.add(request.table.physical[index].name, request.table.physical[index].type);
  for (const std::size_t index : request.metadata) {
    const TableDefinition::MetadataColumn& column = request.table.metadata[index];
    plan.schema.add(column.name, column.type);
  }
  plan.value = part_of(request, *format.format, format.options,
                       format.value_fields(request.table.physical.size()));
  TRY(plan.value.make_decoder().status().with_context(subject));
  if (!format.key) return plan;
  auto key = part_of(request, *format.key->format, format.key->options, format.key->fields);
  TRY(key.make_decoder().status().with_context(subject + ": key"));
  if (!format.key->in_value && !key.columns.empty()) plan.key = std::move(key);
  return plan;
}

Status require_changelog(const SinkRequest& request, const TableFormat& format) {
  if (!request.updating || format.format->changelog || format.upsert()) return {};
  return Error{
      ErrorCode::kUnsupported,
      "table '" + request.table.name +
          "': the query's result changes rows that it gave before, but format '" + format.name() +
          "' writes new rows only; aggregate over a window (TUMBLE, HOP), whose results "
          "are final, or write changes with 'format' = 'debezium-json'" +
          (format.changelog_mode ? ", or rows by PRIMARY KEY with 'changelog.mode' = 'upsert'"
                                 : "")};
}

}  // namespace slipstream::connector_kit
