#include "cli/system_tables.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/try.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

constexpr const char* kConnector = "rocketmq-admin";
constexpr const char* kTables = R"(
CREATE TABLE rmq_topics (
  topic STRING, broker STRING, read_queues BIGINT, write_queues BIGINT, readable BOOLEAN, writable BOOLEAN
) WITH ('connector' = 'rocketmq-admin', 'table' = 'topics');
CREATE TABLE rmq_queues (
  topic STRING, broker STRING, queue BIGINT, min_offset BIGINT, max_offset BIGINT
) WITH ('connector' = 'rocketmq-admin', 'table' = 'queues');
CREATE TABLE rmq_groups (
  group_name STRING, topics ARRAY<STRING>, members BIGINT, consume_type STRING, message_model STRING
) WITH ('connector' = 'rocketmq-admin', 'table' = 'groups');
CREATE TABLE rmq_lag (
  group_name STRING, topic STRING, broker STRING, queue BIGINT, group_offset BIGINT,
  max_offset BIGINT, behind BIGINT
) WITH ('connector' = 'rocketmq-admin', 'table' = 'lag');
)";

bool cluster_is_named() {
  const char* set = std::getenv("SLIPSTREAM_NAMESERVER");
  return set != nullptr && *set != '\0';
}

// In `catalog` all are marked as the system's.
Status declare(const ConnectorRegistry& registry, flow::Runtime& runtime,
               sql::MemoryCatalog& catalog) {
  sql::MemoryCatalog declared;
  sql::Session session(registry, runtime, declared);
  const sql::Compiled compiled = session.compile(kTables);
  if (!compiled.ok()) return Error{ErrorCode::kInternal, compiled.diagnostics.front().message};
  TRY_ASSIGN(const auto names, declared.list());
  for (const sql::CatalogName& each : names) {
    TRY_ASSIGN(const sql::CatalogEntryPtr entry, declared.find(each.name));
    sql::CatalogTable table = *sql::as_table(entry);
    table.system = true;
    TRY(catalog.create(std::move(table)));
  }
  return {};
}

}  // namespace

SystemTables::SystemTables(const ConnectorRegistry& registry, flow::Runtime& runtime) {
  if (cluster_is_named() && registry.find(kConnector).ok())
    CHECK(declare(registry, runtime, system_).ok());
}

Result<sql::CatalogEntryPtr> SystemTables::find(std::string_view name) const {
  TRY_ASSIGN(sql::CatalogEntryPtr created, created_.find(name));
  return created ? created : system_.find(name);
}

Result<std::vector<sql::CatalogName>> SystemTables::list() const {
  TRY_ASSIGN(std::vector<sql::CatalogName> names, created_.list());
  TRY_ASSIGN(const std::vector<sql::CatalogName> system, system_.list());
  for (const sql::CatalogName& each : system) {
    const bool hidden = std::any_of(names.begin(), names.end(), [&](const sql::CatalogName& name) {
      return name.name == each.name;
    });
    if (!hidden) names.push_back(each);
  }
  std::sort(names.begin(), names.end(),
            [](const sql::CatalogName& a, const sql::CatalogName& b) { return a.name < b.name; });
  return names;
}

}  // namespace slipstream::cli
