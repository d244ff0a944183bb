#include "sql/planner/insert_loops.h"

#include <utility>

namespace slipstream::sql {
namespace {

void add_endpoints_read(const Rel& rel, std::set<std::string>& endpoints) {
  if (rel.scan && rel.scan->source) {
    for (std::string& each : rel.scan->source->endpoints()) endpoints.insert(std::move(each));
  }
  for (const RelPtr& input : rel.inputs) add_endpoints_read(*input, endpoints);
}

std::optional<std::string> one_of_both(const std::set<std::string>& a,
                                       const std::set<std::string>& b) {
  for (const std::string& each : a) {
    if (b.contains(each)) return each;
  }
  return std::nullopt;
}

}  // namespace

InsertLoops::Endpoints InsertLoops::endpoints_of(const Rel& insert) {
  Endpoints endpoints;
  endpoints.line = insert.span.line;
  add_endpoints_read(insert, endpoints.reads);
  if (insert.sink) {
    for (std::string& each : insert.sink->endpoints()) endpoints.writes.insert(std::move(each));
  }
  return endpoints;
}

std::optional<std::size_t> InsertLoops::find_way_back(const Endpoints& last) const {
  std::set<std::string> reached = last.writes;
  std::vector<bool> passed(inserts_.size());
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < inserts_.size(); ++i) {
      if (passed[i] || !one_of_both(inserts_[i].reads, reached)) continue;
      passed[i] = more = true;
      reached.insert(inserts_[i].writes.begin(), inserts_[i].writes.end());
      if (one_of_both(last.reads, inserts_[i].writes)) return inserts_[i].line;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> InsertLoops::add(const Rel& insert) {
  Endpoints endpoints = endpoints_of(insert);
  const auto line = find_way_back(endpoints);
  if (!line) inserts_.push_back(std::move(endpoints));
  return line;
}

std::optional<std::string> InsertLoops::within(const Rel& insert) {
  const Endpoints endpoints = endpoints_of(insert);
  return one_of_both(endpoints.reads, endpoints.writes);
}

}  // namespace slipstream::sql
