#include "connectors/filesystem/filesystem_connector.h"

#include <unistd.h>

#include "base/try.h"
#include "connector_kit/full_lookup.h"
#include "connectors/filesystem/enumerator.h"
#include "connectors/filesystem/listing.h"
#include "connectors/filesystem/metrics.h"
#include "connectors/filesystem/part_writers.h"
#include "connectors/filesystem/publisher.h"
#include "connectors/filesystem/reader.h"
#include "connectors/filesystem/settings.h"
#include "io/files.h"

namespace slipstream::filesystem_connector {
namespace {

std::string endpoint_of(const std::filesystem::path& folder) {
  return "folder '" + folder.string() + "'";
}

class FileSource final : public Source {
 public:
  explicit FileSource(std::shared_ptr<const RowPlan> plan) : plan_(std::move(plan)) {}

  Schema schema() const override { return plan_->rows->schema; }
  bool bounded() const override { return settings().monitor_ms == 0; }
  bool updating() const override { return settings().format.format->changelog; }
  std::vector<std::string> explain() const override {
    std::vector<std::string> lines{"path=" + settings().path.string(),
                                   "format=" + settings().format.format->name};
    if (!bounded()) lines.push_back("monitor=" + std::to_string(settings().monitor_ms) + " ms");
    return lines;
  }
  // Files found once do not grow by what is written; a pattern tells input from output.
  std::vector<std::string> endpoints() const override {
    if (bounded() || settings().pattern) return {};
    return {endpoint_of(settings().path)};
  }
  std::optional<DeadLetterTable> dead_letters() const override {
    if (settings().decode_errors != connector_kit::DecodeErrors::kDeadLetter) return std::nullopt;
    TableDefinition table;
    table.name = settings().table + " dead letters";
    table.physical = rejected_schema();
    table.options = {{"path", settings().dead_letters.string()}, {"format", "json"}};
    return DeadLetterTable{"filesystem", std::move(table)};
  }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return FileEnumerator::make(plan_->settings, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return FileRowReader::make(plan_, std::move(context));
  }

 private:
  const SourceSettings& settings() const { return *plan_->settings; }

  std::shared_ptr<const RowPlan> plan_;
};

class FileSink final : public Sink {
 public:
  explicit FileSink(std::shared_ptr<const SinkPlan> plan) : plan_(std::move(plan)) {}

  Schema schema() const override { return plan_->schema; }
  Guarantee guarantee() const override { return plan_->settings.guarantee; }
  std::vector<std::string> explain() const override {
    return {"path=" + plan_->settings.folder.string(),
            "format=" + plan_->settings.format.format->name,
            "guarantee=" + std::string(guarantee_name(guarantee()))};
  }
  // Folders are read with those inside them.
  std::vector<std::string> endpoints() const override {
    std::vector<std::string> all;
    std::filesystem::path folder = plan_->settings.folder;
    all.push_back(endpoint_of(folder));
    while (folder.has_relative_path()) {
      folder = folder.parent_path();
      all.push_back(endpoint_of(folder));
    }
    return all;
  }
  Status check_before_start() override {
    return prepare_folder().with_context("table '" + plan_->settings.table + "': option 'path'");
  }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    if (guarantee() == Guarantee::kExactlyOnce)
      return EpochLineWriter::make(plan_, std::move(context));
    return PartWriter::make(plan_, std::move(context));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override {
    if (guarantee() != Guarantee::kExactlyOnce) return std::unique_ptr<SinkCommitter>();
    return std::unique_ptr<SinkCommitter>(std::make_unique<Publisher>(plan_, context));
  }

 private:
  Status prepare_folder() {
    const std::filesystem::path& folder = plan_->settings.folder;
    std::error_code error;
    if (std::filesystem::exists(folder, error) && !std::filesystem::is_directory(folder, error)) {
      return Error{ErrorCode::kInvalidArgument,
                   "'" + folder.string() + "' is a file; a table is written into a folder"};
    }
    TRY(io::make_directories(folder));
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      return Error{
          ErrorCode::kPermissionDenied,
          "'" + folder.string() + "' cannot be written to; allow it to the user that runs the job"};
    }
    return remove_left_overs(folder, plan_->sink);
  }

  std::shared_ptr<const SinkPlan> plan_;
};

class FilesystemConnector final : public ConnectorFactory {
 public:
  std::string_view name() const override { return "filesystem"; }
  std::string_view description() const override {
    return "Local files of lines: JSON, CSV and other text.";
  }
  bool can_read() const override { return true; }
  bool can_write() const override { return true; }
  OptionTable options() const override { return filesystem_options(); }
  std::vector<MetadataSpec> metadata() const override { return filesystem_metadata(); }
  std::vector<std::string> identity_options() const override { return {"path"}; }
  std::vector<MetricFamily> metrics() const override {
    return {kFilesystemMetrics.begin(), kFilesystemMetrics.end()};
  }

  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    const TableDefinition& table = request.table;
    TRY_ASSIGN(SourceSettings settings, read_source_settings(table));
    auto plan = std::make_shared<RowPlan>();
    for (const std::size_t index : request.metadata) {
      TRY_ASSIGN(const FileProperty property, resolve_property(table, table.metadata[index]));
      plan->properties.push_back(property);
    }
    TRY_ASSIGN(auto rows,
               connector_kit::plan_decoding(request, settings.format, settings.decode_errors));
    plan->rows = std::make_shared<const connector_kit::DecodedTable>(std::move(rows));
    plan->settings = std::make_shared<const SourceSettings>(std::move(settings));
    return std::unique_ptr<Source>(std::make_unique<FileSource>(std::move(plan)));
  }

  Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const override {
    TRY_ASSIGN(auto source, make_source(connector_kit::source_of_lookup(request)));
    return connector_kit::make_full_lookup(request, std::move(source));
  }

  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    const TableDefinition& table = request.table;
    auto plan = std::make_shared<SinkPlan>();
    TRY_ASSIGN(plan->settings, read_sink_settings(table));
    plan->schema = table.physical;
    plan->sink = hash_of_sink(request.uid);
    for (const TableDefinition::MetadataColumn& column : table.metadata) {
      TRY(resolve_property(table, column));
      if (column.is_virtual) continue;
      return Error{ErrorCode::kInvalidArgument,
                   "table '" + table.name + "': column '" + column.name + "': metadata '" +
                       column.key + "' cannot be written; declare the column VIRTUAL"};
    }
    TRY(connector_kit::require_changelog(request, plan->settings.format));
    TRY(LineEncoder::make(plan));
    return std::unique_ptr<Sink>(std::make_unique<FileSink>(std::move(plan)));
  }
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_factory() { return std::make_unique<FilesystemConnector>(); }

}  // namespace slipstream::filesystem_connector
