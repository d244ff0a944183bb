// What a script comes to.
#pragma once

#include <string>
#include <vector>

#include "sql/parse/diagnostic.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

// What one statement comes to.
struct Step {
  enum class Kind : std::uint8_t {
    kText,    // text: a message, a plan
    kNote,    // text: what a statement does not do; beside the results
    kTable,   // header and rows: SHOW, DESCRIBE
    kInsert,  // plan: part of the job of its script
    kSelect,  // plan: a query whose rows go to a person
  } kind = Kind::kText;
  std::string text;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  RelPtr plan;  // made: sources and sinks exist
  std::uint32_t line = 0;
};

// Everything a script says, or everything that is wrong with it.
struct Compiled {
  std::vector<Step> steps;
  std::vector<Diagnostic> diagnostics;
  bool ok() const { return diagnostics.empty(); }
};

}  // namespace slipstream::sql
