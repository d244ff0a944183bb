// What a cluster says of its topics and groups, as rows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq_connector {

enum class AdminTable : std::uint8_t { kTopics, kQueues, kGroups, kLag };

struct AdminColumn {
  enum class Shape : std::uint8_t { kText, kNumber, kFlag, kTexts };
  std::string_view name;
  Shape shape;
};
// In the order of the cells of a row.
std::span<const AdminColumn> columns_of(AdminTable table);

// monostate: NULL.
using AdminCell =
    std::variant<std::monostate, std::string, std::int64_t, bool, std::vector<std::string>>;
using AdminRow = std::vector<AdminCell>;

// Names that are asked for only; none: all that there are.
struct AdminFilter {
  std::optional<std::set<std::string>> topics;
  std::optional<std::set<std::string>> groups;
};

// Gives each row to `emit`, whose error ends it. A topic or group that is deleted meanwhile has no
// rows.
// Thread:  blocks for several requests per topic and group.
// Failure: as Admin's; a server that does not answer is one.
Status scan_cluster(rocketmq::Admin& admin, AdminTable table, const AdminFilter& filter,
                    const std::function<Status(AdminRow)>& emit);

}  // namespace slipstream::rocketmq_connector
