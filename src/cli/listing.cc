#include "cli/listing.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/output.h"

namespace slipstream::cli {
namespace {

std::string text_of(const Listing::Cell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  return std::get<std::string>(cell);
}

}  // namespace

std::string Listing::json() const {
  std::string text;
  for (const auto& row : rows_) {
    nlohmann::ordered_json object;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string key = header_[i];
      std::replace(key.begin(), key.end(), ' ', '_');
      std::visit([&](const auto& value) { object[key] = value; }, row[i]);
    }
    text += object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  return text;
}

std::string Listing::csv() const {
  std::string text;
  const auto append_line = [&text](const auto& cells, const auto& as_text) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i != 0) text += ',';
      append_csv_cell(as_text(cells[i]), false, text);
    }
    text += '\n';
  };
  if (!header_shown_) append_line(header_, [](const std::string& name) { return name; });
  for (const auto& row : rows_) append_line(row, text_of);
  return text;
}

std::string Listing::table() {
  std::vector<std::vector<std::string>> texts;
  for (const auto& row : rows_) {
    std::vector<std::string>& line = texts.emplace_back();
    for (const Cell& cell : row) line.push_back(for_terminal(text_of(cell)));
  }
  std::string text;
  append_table(header_, texts, !header_shown_, widths_, text);
  return text;
}

Status Listing::print(OutputFormat format) {
  header_shown_ = false;
  return flush(format);
}

Status Listing::flush(OutputFormat format) {
  const std::string text = format == OutputFormat::kJson  ? json()
                           : format == OutputFormat::kCsv ? csv()
                                                          : table();
  header_shown_ = true;
  rows_.clear();
  return write_output(STDOUT_FILENO, text);
}

}  // namespace slipstream::cli
