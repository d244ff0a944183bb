// What names mean inside one query.
#pragma once

#include <string>
#include <vector>

#include "sql/plan/rel.h"

namespace slipstream::sql {

struct ScopeColumn {
  std::string qualifier;  // table or alias; empty = none
  std::string name;
  Type type;
  ColumnTrait trait;
};

// The columns that expressions may name, in the order of the node they stand over.
struct Scope {
  std::vector<ScopeColumn> columns;

  static Scope of(const Rel& rel, const std::string& qualifier) {
    Scope scope;
    for (std::size_t i = 0; i < rel.schema.size(); ++i) {
      scope.columns.push_back(
          ScopeColumn{qualifier, rel.schema[i].name, rel.schema[i].type, rel.traits[i]});
    }
    return scope;
  }
};

}  // namespace slipstream::sql
