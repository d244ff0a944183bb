#include "connector_kit/table_format.h"

#include <utility>

#include "base/try.h"

namespace slipstream::connector_kit {

Result<TableFormat> read_table_format(const TableDefinition& table,
                                      const OptionTable& connector_options,
                                      std::string_view default_format) {
  const std::string subject = "table '" + table.name + "'";
  std::string name(default_format);
  for (const auto& [given, value] : table.options) {
    const OptionSpec* spec = connector_options.find(given);
    if (spec != nullptr && spec->name == "format") name = value;
  }
  const auto found = format::find_format(name);
  if (!found.ok()) return found.error().with_context(subject + ": option 'format'");
  TableFormat result;
  result.format = *found;
  TRY_ASSIGN(result.options,
             connector_options.merged(result.format->options).parse(table.options, subject));
  return result;
}

Result<DecodedTable> plan_decoding(const SourceRequest& request, TableFormat format,
                                   DecodeErrors errors) {
  DecodedTable plan;
  plan.name = request.table.name;
  plan.format = std::move(format);
  plan.errors = errors;
  plan.physical = request.table.physical;
  plan.projection = request.physical;
  for (const std::size_t index : plan.projection)
    plan.schema.add(plan.physical[index].name, plan.physical[index].type);
  for (const std::size_t index : request.metadata) {
    const TableDefinition::MetadataColumn& column = request.table.metadata[index];
    plan.schema.add(column.name, column.type);
  }
  const auto decoder = make_decoder(plan);
  if (!decoder.ok()) return decoder.error().with_context("table '" + plan.name + "'");
  return plan;
}

Result<std::unique_ptr<format::RowDecoder>> make_decoder(const DecodedTable& table) {
  return table.format.format->make_decoder(table.physical, table.projection, table.format.options);
}

Status require_changelog(const SinkRequest& request, const TableFormat& format) {
  if (!request.updating || format.format->changelog) return {};
  return Error{ErrorCode::kUnsupported,
               "table '" + request.table.name +
                   "': the query's result changes rows that it gave before, but format '" +
                   format.name() +
                   "' writes new rows only; aggregate over a window (TUMBLE, HOP), whose results "
                   "are final, or write changes with 'format' = 'debezium-json'"};
}

}  // namespace slipstream::connector_kit
