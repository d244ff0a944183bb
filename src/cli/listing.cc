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
  append_line(header_, [](const std::string& name) { return name; });
  for (const auto& row : rows_) append_line(row, text_of);
  return text;
}

Status Listing::print(OutputFormat format) const {
  if (format == OutputFormat::kJson) return write_output(STDOUT_FILENO, json());
  if (format == OutputFormat::kCsv) return write_output(STDOUT_FILENO, csv());
  std::vector<std::vector<std::string>> texts;
  for (const auto& row : rows_) {
    std::vector<std::string>& line = texts.emplace_back();
    for (const Cell& cell : row) line.push_back(text_of(cell));
  }
  return write_output(STDOUT_FILENO, format_table(header_, texts));
}

}  // namespace slipstream::cli
