#include "cli/listing.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <unistd.h>

namespace slipstream::cli {
namespace {

std::string text_of(const Listing::Cell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  return std::get<std::string>(cell);
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
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
  for (std::size_t i = 0; i < header_.size(); ++i) text += (i == 0 ? "" : ",") + quoted(header_[i]);
  text += '\n';
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += (i == 0 ? "" : ",") + quoted(text_of(row[i]));
    text += '\n';
  }
  return text;
}

Status Listing::print(OutputFormat format) const {
  if (format == OutputFormat::kJson) return write_all(STDOUT_FILENO, json());
  if (format == OutputFormat::kCsv) return write_all(STDOUT_FILENO, csv());
  std::vector<std::vector<std::string>> texts;
  for (const auto& row : rows_) {
    std::vector<std::string>& line = texts.emplace_back();
    for (const Cell& cell : row) line.push_back(text_of(cell));
  }
  return write_all(STDOUT_FILENO, format_table(header_, texts));
}

}  // namespace slipstream::cli
