// Rows that a test expects beside those that were written.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::cli {

// A row as a line of JSON, and its form for comparing: fields by name, without blanks between them.
// Digits of numbers count as they are written.
struct ComparableRow {
  std::string line;
  std::string form;
};
// Failure: kDataError for what is no JSON object.
Result<ComparableRow> comparable_row(std::string_view line);

// What two lists of rows do not have in common, each by its form.
struct RowDifference {
  std::vector<ComparableRow> missing;
  std::vector<ComparableRow> unexpected;
  // The first row that differs where only the order does; set when the order counts.
  std::optional<std::size_t> out_of_order;

  bool none() const { return missing.empty() && unexpected.empty() && !out_of_order; }
};
// A row that is there twice must be expected twice.
RowDifference compare_rows(const std::vector<ComparableRow>& expected,
                           const std::vector<ComparableRow>& written, bool ordered);

// For people: a line that counts, then "- " and what is missing, "+ " and what was not expected, rows
// that are alike beside each other, `rows_max` of them at most. Empty when nothing differs.
std::string difference_text(const std::string& table, const RowDifference& difference,
                            const std::vector<ComparableRow>& expected,
                            const std::vector<ComparableRow>& written, std::size_t rows_max);

}  // namespace slipstream::cli
