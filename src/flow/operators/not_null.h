// Keeps NULL out of NOT NULL columns of a sink.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "flow/operator.h"

namespace slipstream::flow {

// A row with NULL in one of `columns` ends the job (kDataError that names table and column), or is
// dropped and counted.
struct NotNullSpec {
  std::string table;
  Schema input;
  std::vector<std::size_t> columns;
  bool drop = false;
};
std::unique_ptr<Operator> make_not_null(NotNullSpec spec);

}  // namespace slipstream::flow
