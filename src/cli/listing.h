// A list of things on standard output: a table for people, a JSON object per line or CSV for
// programs.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "slipstream/status.h"

#include "cli/row_printer.h"

namespace slipstream::cli {

class Listing {
 public:
  using Cell = std::variant<std::string, std::int64_t>;
  explicit Listing(std::vector<std::string> header) : header_(std::move(header)) {}

  // REQUIRES: as many cells as the header has
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  // In JSON a space of the header is '_'.
  Status print(OutputFormat format) const;

 private:
  std::string json() const;
  std::string csv() const;

  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace slipstream::cli
