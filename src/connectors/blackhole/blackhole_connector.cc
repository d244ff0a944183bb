#include "connectors/blackhole/blackhole_connector.h"

#include "base/try.h"

namespace slipstream::blackhole_connector {
namespace {

class Writer : public SinkWriter {
 public:
  Result<Write> write(const Batch& batch, EpochFile* file) override {
    static_cast<void>(batch), static_cast<void>(file);
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override {
    static_cast<void>(checkpoint), static_cast<void>(file);
    return std::optional<std::string>("");
  }
};

class BlackholeSink : public Sink {
 public:
  explicit BlackholeSink(Schema schema) : schema_(std::move(schema)) {}
  Schema schema() const override { return schema_; }
  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    static_cast<void>(context);
    return std::unique_ptr<SinkWriter>(std::make_unique<Writer>());
  }

 private:
  Schema schema_;
};

class BlackholeConnector : public ConnectorFactory {
 public:
  std::string_view name() const override { return "blackhole"; }
  std::string_view description() const override { return "Takes every row and forgets it."; }
  bool can_read() const override { return false; }
  bool can_write() const override { return true; }
  OptionTable options() const override { return OptionTable(); }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    return Error{ErrorCode::kUnsupported,
                 "table '" + request.table.name + "': blackhole can only be written"};
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    TRY(options().parse(request.table.options, "table '" + request.table.name + "'"));
    return std::unique_ptr<Sink>(std::make_unique<BlackholeSink>(request.table.physical));
  }
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_factory() { return std::make_unique<BlackholeConnector>(); }

}  // namespace slipstream::blackhole_connector
