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
  // The whole list. In JSON a space of the header is '_'; a table escapes control characters.
  Status print(OutputFormat format);
  // For lists that grow while they are shown: the rows since the last flush(), below one header.
  // Columns of a table get wider where a later row needs it.
  Status flush(OutputFormat format);

 private:
  std::string json() const;
  std::string csv() const;
  std::string table();

  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
  std::vector<std::size_t> widths_;  // of a table
  bool header_shown_ = false;
};

}  // namespace slipstream::cli
