// Rows of a query on standard output: a table for people, JSON or CSV for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/status.h"

#include "data/text/time_zone.h"

namespace slipstream::cli {

enum class OutputFormat : std::uint8_t { kTable, kJson, kCsv };

// Writes batches as they come. kTable: aligned columns, for_terminal(), the header once, a column with the row kind
// first when the result is updating. kJson: one object per row, with "op" when updating. kCsv: a
// header line, RFC 4180 quoting.
// Thread: one at a time. A closed pipe is kCancelled.
class RowPrinter {
 public:
  RowPrinter(OutputFormat format, Schema schema, bool updating, TimeZone zone);

  Status print(const Batch& batch);
  Status finish();  // the table's header, when no row came
  std::int64_t rows() const { return rows_; }

 private:
  void append_table_row(const Batch& batch, std::size_t row);
  void append_json_row(const Batch& batch, std::size_t row);
  void append_csv_row(const Batch& batch, std::size_t row);
  void append_header();
  Status flush();

  OutputFormat format_;
  Schema schema_;
  bool updating_;
  TimeZone zone_;
  std::vector<std::size_t> widths_;
  std::string text_;
  bool header_done_ = false;
  std::int64_t rows_ = 0;
};

// What comes from messages must not steer the terminal: "\u001B" for control characters but line
// ends and tabs. Bytes that are not UTF-8 become U+FFFD.
std::string for_terminal(std::string_view text);
// As RFC 4180 quotes it: when it must be, or `quote` says so.
void append_csv_cell(std::string_view cell, bool quote, std::string& out);
// Rows of short texts as a table, with the header on top when asked for. `widths` are those of the
// columns so far, empty at first; they grow with the rows.
void append_table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows, bool with_header,
                  std::vector<std::size_t>& widths, std::string& out);
// Columns of short texts as an aligned table.
std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows);

}  // namespace slipstream::cli
