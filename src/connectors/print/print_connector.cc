#include "connectors/print/print_connector.h"

#include <unistd.h>

#include "base/output.h"
#include "base/try.h"
#include "data/text/value.h"

namespace slipstream::print_connector {
namespace {

constexpr Option<std::string> kPrefix{.name = "print-identifier",
                                      .description = "Text in front of every row."};
constexpr Option<bool> kStandardError{
    .name = "standard-error",
    .default_value = "false",
    .description = "Print to standard error instead of standard output."};

OptionTable print_options() { return OptionTable(option_specs(kPrefix, kStandardError)); }

class Writer : public SinkWriter {
 public:
  Writer(std::string prefix, int descriptor)
      : prefix_(std::move(prefix)), descriptor_(descriptor) {}

  Result<Write> write(const Batch& batch, EpochFile* file) override {
    static_cast<void>(file);
    text_.clear();
    for (std::size_t row = 0; row < batch.rows(); ++row) append_row(batch, row);
    TRY(write_output(descriptor_, text_).with_context("printing rows"));
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override {
    static_cast<void>(checkpoint), static_cast<void>(file);
    return std::optional<std::string>("");
  }

 private:
  void append_row(const Batch& batch, std::size_t row) {
    text_ += prefix_;
    text_ += row_kind_name(batch.kind(row));
    text_ += '[';
    for (std::size_t column = 0; column < batch.columns().size(); ++column) {
      if (column != 0) text_ += ", ";
      const Column& cells = *batch.column(column);
      if (cells.is_null(row)) {
        text_ += "null";
      } else {
        text::to_text(cells, row, TimeZone(), text_);
      }
    }
    text_ += "]\n";
  }

  std::string prefix_;
  int descriptor_;
  std::string text_;
};

class PrintSink : public Sink {
 public:
  PrintSink(Schema schema, std::string identifier, int descriptor)
      : schema_(std::move(schema)), identifier_(std::move(identifier)), descriptor_(descriptor) {}
  Schema schema() const override { return schema_; }
  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    std::string prefix = identifier_;
    if (context.parallelism > 1) {
      if (!prefix.empty()) prefix += ':';
      prefix += std::to_string(context.subtask + 1);
    }
    if (!prefix.empty()) prefix += "> ";
    return std::unique_ptr<SinkWriter>(std::make_unique<Writer>(std::move(prefix), descriptor_));
  }

 private:
  Schema schema_;
  std::string identifier_;
  int descriptor_;
};

class PrintConnector : public ConnectorFactory {
 public:
  std::string_view name() const override { return "print"; }
  std::string_view description() const override { return "Rows on standard output."; }
  bool can_read() const override { return false; }
  bool can_write() const override { return true; }
  OptionTable options() const override { return print_options(); }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    return Error{ErrorCode::kUnsupported,
                 "table '" + request.table.name + "': print can only be written"};
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    TRY_ASSIGN(const Options options,
               print_options().parse(request.table.options, "table '" + request.table.name + "'"));
    const int descriptor = options[kStandardError] ? STDERR_FILENO : STDOUT_FILENO;
    return std::unique_ptr<Sink>(
        std::make_unique<PrintSink>(request.table.physical, options[kPrefix], descriptor));
  }
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_factory() { return std::make_unique<PrintConnector>(); }

}  // namespace slipstream::print_connector
