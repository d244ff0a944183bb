#include "cli/test_tables.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/try.h"
#include "connector_kit/factory_behind.h"
#include "data/text/time_zone.h"
#include "rocketmq/message/envelope.h"
#include "sql/row_json.h"

namespace slipstream::cli {
namespace {

constexpr const char* kRecording = "scan.recording";
// Of files: they look for more than the one that is given.
constexpr const char* kFolderOptions[] = {"source.monitor-interval", "source.path.regex-pattern"};

class CollectingWriter final : public SinkWriter {
 public:
  CollectingWriter(TestTables& tables, std::string table, Schema schema, bool updating)
      : tables_(tables),
        table_(std::move(table)),
        schema_(std::move(schema)),
        updating_(updating) {}

  Result<Write> write(const Batch& batch, EpochFile* file) override {
    static_cast<void>(file);
    TRY(check_texts(batch));
    std::vector<std::string> rows(batch.rows());
    for (std::size_t row = 0; row < batch.rows(); ++row)
      sql::append_json_row(batch, row, schema_, updating_, TimeZone(), rows[row]);
    TRY(tables_.collect(table_, std::move(rows)));
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override {
    static_cast<void>(checkpoint), static_cast<void>(file);
    return std::optional<std::string>("");
  }

 private:
  // What is shown with U+FFFD could be something else.
  Status check_texts(const Batch& batch) const {
    for (std::size_t i = 0; i < schema_.size(); ++i) {
      const Column& column = *batch.column(i);
      if (!column.type().is_text()) continue;
      for (std::size_t row = 0; row < batch.rows(); ++row) {
        if (column.is_null(row) || rocketmq::is_utf8(column.text(row))) continue;
        return Error{ErrorCode::kUnsupported, "table '" + table_ + "': column '" + schema_[i].name +
                                                  "' has text that is not UTF-8, which a test "
                                                  "cannot compare; write BYTES"};
      }
    }
    return {};
  }

  TestTables& tables_;
  const std::string table_;
  const Schema schema_;
  const bool updating_;
};

class CollectingSink final : public Sink {
 public:
  CollectingSink(TestTables& tables, std::string table, Schema schema, bool updating)
      : tables_(tables),
        table_(std::move(table)),
        schema_(std::move(schema)),
        updating_(updating) {}

  Schema schema() const override { return schema_; }
  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    static_cast<void>(context);
    return std::unique_ptr<SinkWriter>(
        std::make_unique<CollectingWriter>(tables_, table_, schema_, updating_));
  }

 private:
  TestTables& tables_;
  const std::string table_;
  const Schema schema_;
  const bool updating_;
};

// Its queues are found before anything runs, for which every line is read.
Status check_recording(Source& source) {
  TRY_ASSIGN(const auto enumerator, source.make_enumerator({}));
  return enumerator->discover().status();
}

class TestConnector final : public connector_kit::FactoryBehind {
 public:
  TestConnector(std::shared_ptr<const ConnectorFactory> factory, const ConnectorRegistry& real,
                TestTables& tables)
      : FactoryBehind(std::move(factory)), real_(real), tables_(tables) {}

  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    TRY_ASSIGN(const TestTables::Input input, tables_.input_of(request.table.name));
    SourceRequest replaced = request;
    OptionMap& options = replaced.table.options;
    const OptionTable known = this->options();
    if (known.find(kRecording) != nullptr) {
      options[kRecording] = input.file;
      TRY_ASSIGN(auto source, FactoryBehind::make_source(replaced));
      if (input.first) TRY(check_recording(*source));
      return source;
    }
    if (known.find("path") != nullptr) {
      for (const char* option : kFolderOptions) options.erase(option);
      options["path"] = input.file;
      return FactoryBehind::make_source(replaced);
    }
    options = {{"path", input.file}, {"format", "json"}};
    TRY_ASSIGN(const ConnectorFactory* files, real_.find("filesystem"));
    return files->make_source(replaced);
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    TRY_ASSIGN(const auto sink, FactoryBehind::make_sink(request));
    if (request.updating && sink->schema().find("op")) {
      return Error{ErrorCode::kUnsupported,
                   "table '" + request.table.name +
                       "': rows change, and their kind is shown as 'op'; a test needs another name "
                       "for the column 'op'"};
    }
    tables_.begin(request.table.name);
    return std::unique_ptr<Sink>(std::make_unique<CollectingSink>(
        tables_, request.table.name, sink->schema(), request.updating));
  }
  Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const override {
    return Error{ErrorCode::kUnsupported, "table '" + request.table.name +
                                              "': a test has no rows that are looked up by key"};
  }

 private:
  const ConnectorRegistry& real_;
  TestTables& tables_;
};

}  // namespace

std::unique_ptr<ConnectorRegistry> TestTables::registry(
    std::shared_ptr<const ConnectorRegistry> real) {
  auto made = std::make_unique<ConnectorRegistry>();
  for (const ConnectorFactory* factory : real->all()) {
    made->add(std::make_unique<TestConnector>(
        std::shared_ptr<const ConnectorFactory>(real, factory), *real, *this));
  }
  return made;
}

std::map<std::string, std::vector<std::string>> TestTables::written() const {
  MutexLock lock(mutex_);
  return written_;
}

std::vector<std::string> TestTables::outputs() const {
  MutexLock lock(mutex_);
  std::vector<std::string> tables;
  for (const auto& [table, rows] : written_) tables.push_back(table);
  return tables;
}

std::vector<std::string> TestTables::unused_inputs() const {
  MutexLock lock(mutex_);
  std::vector<std::string> unused;
  for (const auto& [table, file] : inputs_) {
    if (!used_.contains(table)) unused.push_back(table);
  }
  return unused;
}

Result<TestTables::Input> TestTables::input_of(const std::string& table) {
  const auto found = inputs_.find(table);
  if (found == inputs_.end()) {
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + table + "' is read and the test has no input for it: --input " +
                     table + "=FILE, or a file input/" + table +
                     ".jsonl in the folder of the test"};
  }
  if (!std::ifstream(found->second).is_open()) {
    return Error{ErrorCode::kInvalidArgument, "input '" + found->second + "' of table '" + table +
                                                  "' cannot be opened: " + std::strerror(errno)};
  }
  MutexLock lock(mutex_);
  return Input{found->second, used_.insert(table).second};
}

void TestTables::begin(const std::string& table) {
  MutexLock lock(mutex_);
  written_.try_emplace(table);
}

Status TestTables::collect(const std::string& table, std::vector<std::string> rows) {
  MutexLock lock(mutex_);
  std::vector<std::string>& all = written_[table];
  for (std::string& row : rows) {
    bytes_ += row.size();
    all.push_back(std::move(row));
  }
  if (bytes_ <= kBytesMax) return {};
  return Error{ErrorCode::kResourceExhausted, "the test writes more than " +
                                                  std::to_string(kBytesMax >> 20) +
                                                  " MiB of rows; give it a smaller input"};
}

}  // namespace slipstream::cli
