#include "connectors/filesystem/settings.h"

#include <re2/re2.h>

#include "base/try.h"

namespace slipstream::filesystem_connector {
namespace {

namespace fs = std::filesystem;

Error bad(const std::string& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
}

std::vector<OptionSpec> source_options() {
  return {
      OptionSpec{.name = "source.monitor-interval",
                 .type = OptionType::kDuration,
                 .description = "How often the folder is looked through for new files; without it "
                                "the files found at the start are read once and the table ends."},
      OptionSpec{.name = "source.path.regex-pattern",
                 .description = "Only files whose absolute path matches as a whole are read."},
      OptionSpec{.name = "source.line-bytes-max",
                 .type = OptionType::kBytes,
                 .default_value = "16 mb",
                 .description = "Longest line; a longer one is an error."},
      connector_kit::decode_errors_option("a line that is no row of the table"),
      OptionSpec{.name = "dead-letter.path",
                 .description = "Where decode.errors = dead-letter writes: a folder, as lines of "
                                "JSON."},
  };
}

std::vector<OptionSpec> sink_options() {
  return {
      OptionSpec{
          .name = "sink.delivery-guarantee",
          .type = OptionType::kEnum,
          .default_value = "at-least-once",
          .description = "What holds after failures.",
          .values = {"at-least-once", "exactly-once", "none", "at_least_once", "exactly_once"}},
      OptionSpec{.name = "sink.rolling-policy.file-size",
                 .type = OptionType::kBytes,
                 .default_value = "128 mb",
                 .description = "A part file ends after the row that reaches this size; it ends "
                                "at every checkpoint in any case."},
      OptionSpec{.name = "sink.rolling-policy.rollover-interval",
                 .type = OptionType::kDuration,
                 .default_value = "30 min",
                 .description = "A part file ends with the first rows that come so long after it "
                                "was begun. Exactly-once: no effect, the checkpoint ends it."},
  };
}

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
  settings.decode_errors = connector_kit::read_decode_errors(options);
  const bool given = options.has("dead-letter.path");
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
  TRY_ASSIGN(settings.dead_letters, read_path(settings.table, options.text("dead-letter.path")));
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
  std::vector<OptionSpec> all = {
      OptionSpec{.name = "path",
                 .description = "A folder, or in a source a single file.",
                 .required = true},
      OptionSpec{.name = "format", .description = "How a line holds a row.", .required = true},
  };
  for (auto&& part : {source_options(), sink_options()})
    all.insert(all.end(), part.begin(), part.end());
  return OptionTable(std::move(all));
}

Result<SourceSettings> read_source_settings(const TableDefinition& table) {
  SourceSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.path, read_path(table.name, options.text("path")));
  if (options.has("source.monitor-interval")) {
    settings.monitor_ms = options.duration("source.monitor-interval").count();
    if (settings.monitor_ms <= 0) {
      return bad(table.name,
                 "option 'source.monitor-interval' must be longer than 0; leave it out to read "
                 "the files once");
    }
  }
  if (options.has("source.path.regex-pattern")) {
    const std::string& text = options.text("source.path.regex-pattern");
    auto pattern = std::make_shared<re2::RE2>(text, re2::RE2::Quiet);
    if (!pattern->ok()) {
      return bad(table.name, "option 'source.path.regex-pattern': '" + text +
                                 "' is no regular expression: " + pattern->error());
    }
    settings.pattern = std::move(pattern);
  }
  const std::int64_t line = options.bytes("source.line-bytes-max");
  if (line < 1 || line > (std::int64_t{1} << 30))
    return bad(table.name, "option 'source.line-bytes-max' must be from 1 byte to 1 gb");
  settings.line_bytes_max = static_cast<std::uint64_t>(line);
  TRY(read_dead_letters(settings));
  return settings;
}

Result<SinkSettings> read_sink_settings(const TableDefinition& table) {
  SinkSettings settings;
  settings.table = table.name;
  TRY_ASSIGN(settings.format, read_format(table));
  const Options& options = settings.format.options;
  TRY_ASSIGN(settings.folder, read_path(table.name, options.text("path")));
  const std::string& guarantee = options.text("sink.delivery-guarantee");
  if (guarantee.starts_with("exactly")) settings.guarantee = Guarantee::kExactlyOnce;
  if (guarantee == "none") settings.guarantee = Guarantee::kNone;
  const std::int64_t size = options.bytes("sink.rolling-policy.file-size");
  if (size < 1) return bad(table.name, "option 'sink.rolling-policy.file-size' must be above 0");
  settings.part_bytes = static_cast<std::uint64_t>(size);
  settings.rollover_ms = options.duration("sink.rolling-policy.rollover-interval").count();
  if (settings.rollover_ms < 1)
    return bad(table.name, "option 'sink.rolling-policy.rollover-interval' must be above 0");
  settings.extension = extension_of(settings.format.format->name);
  return settings;
}

}  // namespace slipstream::filesystem_connector
