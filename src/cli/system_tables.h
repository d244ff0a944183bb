// Tables over the cluster of SLIPSTREAM_NAMESERVER that are there without CREATE TABLE.
#pragma once

#include "slipstream/connector.h"

#include "sql/catalog/catalog.h"
#include "sql/catalog/memory_catalog.h"

namespace slipstream::flow {
class Runtime;
}

namespace slipstream::cli {

// A catalog that ends with its process, with rmq_topics, rmq_queues, rmq_groups and rmq_lag where the
// environment names a cluster and the program has the connector. A table or view that a script
// creates under such a name counts in its place, until it is dropped.
// Thread: one at a time.
class SystemTables final : public sql::Catalog {
 public:
  SystemTables(const ConnectorRegistry& registry, flow::Runtime& runtime);

  Result<sql::CatalogEntryPtr> find(std::string_view name) const override;
  Result<std::vector<sql::CatalogName>> list() const override;
  Status create(sql::CatalogEntry entry) override { return created_.create(std::move(entry)); }
  Status drop(std::string_view name) override { return created_.drop(name); }

 private:
  sql::MemoryCatalog created_;
  sql::MemoryCatalog system_;
};

}  // namespace slipstream::cli
