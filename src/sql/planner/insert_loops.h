// INSERTs whose rows would come back to them.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sql/plan/rel.h"

namespace slipstream::sql {

// The INSERTs of one script, which run as one job. Their plans have sources and sinks.
// Thread: one.
class InsertLoops {
 public:
  // The endpoint that an INSERT both reads, at any depth, and writes.
  static std::optional<std::string> within(const Rel& insert);
  // Adds an INSERT; or answers the line of the one through which what it writes would come back to
  // it, and does not add it.
  std::optional<std::size_t> add(const Rel& insert);

 private:
  // What an INSERT reads, at any depth, and where it writes.
  struct Endpoints {
    std::size_t line = 0;
    std::set<std::string> reads = {};
    std::set<std::string> writes = {};
  };
  static Endpoints endpoints_of(const Rel& insert);
  std::optional<std::size_t> find_way_back(const Endpoints& last) const;

  std::vector<Endpoints> inserts_;
};

}  // namespace slipstream::sql
