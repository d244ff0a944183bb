#include "connectors/filesystem/settings.h"

#include "base/try.h"
#include "connector_kit/delivery_guarantee.h"

namespace slipstream::filesystem_connector {
namespace {

namespace fs = std::filesystem;

Error bad(const std::string& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
}

using Duration = std::chrono::milliseconds;
using Text = Option<std::string>;

constexpr Text kPath{
    .name = "path", .description = "A folder, or in a source a single file.", .required = true};
constexpr Text kFormat{
    .name = "format", .description = "How a line holds a row.", .required = true};

constexpr Option<Duration> kMonitorInterval{
    .name = "source.monitor-interval",
    .description =
        "How often the folder is looked through for new files; without it the files "
        "found at the start are read once and the table ends.",
    .limits = {{.min = Duration(1)}},
    .scope = OptionScope::kSource};
constexpr Text kPathPattern{
    .name = "source.path.regex-pattern",
    .description = "Only files whose absolute path matches as a whole are read.",
    .scope = OptionScope::kSource};
constexpr Option<ByteSize> kLineBytesMax{
    .name = "source.line-bytes-max",
    .default_value = "16 mb",
    .description = "Longest line; a longer one is an error.",
    .limits = {{.min = ByteSize{1}, .max = ByteSize{std::int64_t{1} << 30}}},
    .scope = OptionScope::kSource};
constexpr Option<connector_kit::DecodeErrors> kDecodeErrors =
    connector_kit::decode_errors_option("What to do with a line that is no row of the table.");
constexpr Text kDeadLetterPath{
    .name = "dead-letter.path",
    .description = "Where decode.errors = dead-letter writes: a folder, as lines of JSON.",
    .scope = OptionScope::kSource};

constexpr Option<Guarantee> kGuarantee{.name = "sink.delivery-guarantee",
                                       .default_value = "at-least-once",
                                       .description = "What holds after failures.",
                                       .limits = {connector_kit::kGuaranteeWords},
                                       .scope = OptionScope::kSink};
constexpr Option<ByteSize> kFileSize{
    .name = "sink.rolling-policy.file-size",
    .default_value = "128 mb",
    .description =
        "A part file ends after the row that reaches this size; it ends at every "
        "checkpoint in any case.",
    .limits = {{.min = ByteSize{1}}},
    .scope = OptionScope::kSink};
constexpr Option<Duration> kRolloverInterval{
    .name = "sink.rolling-policy.rollover-interval",
    .default_value = "30 min",
    .description =
        "A part file ends with the first rows that come so long after it was begun. "
        "Exactly-once: no effect, the checkpoint ends it.",
    .limits = {{.min = Duration(1)}},
    .scope = OptionScope::kSink};

Result<TableFormat> read_format(const TableDefinition& table) {
  if (!table.options.contains("format")) {
    return bad(table.name,
               "missing option 'format': how a line holds a row, such as 'format' = 'json' or "
               "'csv'");
  }
  return connector_kit::read_table_format(table, filesystem_options(), {});
}

Result<fs::path> read_path(const std::string& table, std::string text) {
  const std::size_t scheme = text.find("://");
  if (text.starts_with("file:")) {
    text.erase(0, 5);
    if (text.starts_with("//")) text.erase(0, 2);
    if (!text.starts_with('/')) {
      return bad(table, "option 'path': 'file:" + text +
                            "' names another host or no absolute path; write 'file:///folder' or "
                            "'/folder'");
    }
  } else if (scheme != std::string::npos) {
    return bad(table, "option 'path': '" + text + "' is in the file system '" +
                          text.substr(0, scheme) + "'; only local files can be read and written");
  }
  if (text.empty()) return bad(table, "option 'path' is empty; name a file or a folder");
  std::error_code error;
  fs::path path = fs::absolute(text, error).lexically_normal();
  if (error) return bad(table, "option 'path': '" + text + "': " + error.message());
  if (!path.has_filename()) path = path.parent_path();  // "/folder/"
  return path;
}

Status read_dead_letters(SourceSettings& settings) {
  using connector_kit::DecodeErrors;
  const Options& options = settings.format.options;
  settings.decode_errors = options[kDecodeErrors];
  const bool given = options.has(kDeadLetterPath);
  if (settings.decode_errors != DecodeErrors::kDeadLetter) {
    if (!given) return {};
    return bad(settings.table,
               "'dead-letter.path' has no effect without 'decode.errors' = 'dead-letter'");
  }
  if (!given) {
    return bad(settings.table,
               "'decode.errors' = 'dead-letter' needs 'dead-letter.path', the folder to write them "
               "to");
  }
  TRY_ASSIGN(settings.dead_letters, read_path(settings.table, options[kDeadLetterPath]));
  for (fs::path at = settings.dead_letters; at.has_relative_path(); at = at.parent_path()) {
    if (at != settings.path) continue;
    return bad(settings.table,
               "'dead-letter.path' lies in the folder that is read; name another one");
  }
  return {};
}

std::string extension_of(std::string_view format) {
  if (format.ends_with("json")) return ".json";
  return format == "csv" ? ".csv" : ".txt";
}

}  // namespace

OptionTable filesystem_options() {
  return OptionTable(option_specs(kPath, kFormat, kMonitorInterval, kPathPattern, kLineBytesMax,
                                  kDecodeErrors, kDeadLetterPath, kGuarantee, kFileSize,
                                  kRolloverInterval));
}

Result<SourceSettings> read_source_settings(const TableDefinition& table) {
  SourceSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.path, read_path(table.name, options[kPath]));
  if (const auto interval = options.find(kMonitorInterval)) settings.monitor_ms = interval->count();
  if (options.has(kPathPattern)) {
    auto pattern =
        std::make_shared<const text::Pattern>(text::PatternKind::kJava, options[kPathPattern], "");
    if (pattern->fault()) {
      return pattern->fault()->with_context("table '" + table.name +
                                            "': option 'source.path.regex-pattern'");
    }
    settings.pattern = std::move(pattern);
  }
  settings.line_bytes_max = static_cast<std::uint64_t>(options[kLineBytesMax].bytes);
  TRY(read_dead_letters(settings));
  return settings;
}

Result<SinkSettings> read_sink_settings(const TableDefinition& table) {
  SinkSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.folder, read_path(table.name, options[kPath]));
  settings.guarantee = options[kGuarantee];
  settings.part_bytes = static_cast<std::uint64_t>(options[kFileSize].bytes);
  settings.rollover_ms = options[kRolloverInterval].count();
  settings.extension = extension_of(settings.format.format->name);
  return settings;
}

}  // namespace slipstream::filesystem_connector
