// Connectors by name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector/lookup.h"
#include "slipstream/connector/sink.h"
#include "slipstream/connector/source.h"
#include "slipstream/connector/table.h"
#include "slipstream/metrics.h"
#include "slipstream/options.h"
#include "slipstream/status.h"

namespace slipstream {

// One connector ('connector' = name()): checks declarations, makes sources, sinks and lookups. Stateless.
// Thread: any.
class ConnectorFactory {
 public:
  virtual ~ConnectorFactory() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;
  virtual bool can_read() const = 0;
  virtual bool can_write() const = 0;
  virtual OptionTable options() const = 0;  // without those of formats
  virtual std::vector<MetadataSpec> metadata() const { return {}; }
  virtual std::vector<MetricFamily> metrics() const { return {}; }
  // Options that say what is read or written ("topic"): state belongs to it and to the table's name.
  virtual std::vector<std::string> identity_options() const { return {}; }
  // Rows come with the watermarks of where they come from: a table's WATERMARK names the column, no
  // more.
  virtual bool gives_watermarks() const { return false; }
  // A split of a checkpoint, for people: where it stands. nullopt: it is no split of this connector.
  virtual std::optional<std::string> describe(const Split& split) const {
    static_cast<void>(split);
    return std::nullopt;
  }
  virtual Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const = 0;
  virtual Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const = 0;
  // kUnsupported unless the connector says otherwise: its rows cannot be found by key.
  virtual Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const;
};

// Names to factories. Built once at start, then read only.
// Thread: any after that.
class ConnectorRegistry {
 public:
  void add(std::unique_ptr<const ConnectorFactory> factory);
  // Those of another registry, shared with it.
  void add_all(const ConnectorRegistry& other);
  // An error with the nearest name when there is none.
  Result<const ConnectorFactory*> find(std::string_view name) const;
  std::vector<const ConnectorFactory*> all() const;

 private:
  std::vector<std::shared_ptr<const ConnectorFactory>> factories_;
};

}  // namespace slipstream
