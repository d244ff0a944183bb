#include "cli/row_difference.h"

#include <algorithm>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/progress.h"

namespace slipstream::cli {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The fields of an object, each as "name" and its value, without blanks outside of texts.
// REQUIRES: `line` is an object in correct JSON.
std::vector<std::pair<std::string, std::string>> fields_of(std::string_view line) {
  std::vector<std::pair<std::string, std::string>> fields(1);
  std::string* part = &fields.back().first;
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text) {
      *part += c;
      if (c == '\\') *part += line[++i];
      in_text = c != '"';
      continue;
    }
    if (is_blank(c)) continue;
    if (c == '{' || c == '[') {
      if (++depth == 1) continue;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) break;
    } else if (depth == 1 && c == ',') {
      part = &fields.emplace_back().first;
      continue;
    } else if (depth == 1 && c == ':') {
      part = &fields.back().second;
      continue;
    }
    in_text = c == '"';
    *part += c;
  }
  return fields;
}

}  // namespace

Result<ComparableRow> comparable_row(std::string_view line) {
  const auto parsed = nlohmann::json::parse(line, nullptr, false);
  if (!parsed.is_object())
    return Error{ErrorCode::kDataError, "'" + std::string(line) + "' is no JSON object"};
  auto fields = fields_of(line);
  std::sort(fields.begin(), fields.end());
  ComparableRow row{std::string(line), {}};
  for (const auto& [name, value] : fields) row.form += name + ":" + value + ",";
  return row;
}

RowDifference compare_rows(const std::vector<ComparableRow>& expected,
                           const std::vector<ComparableRow>& written, bool ordered) {
  std::map<std::string_view, std::vector<const ComparableRow*>> open;
  for (const ComparableRow& row : expected) open[row.form].push_back(&row);
  RowDifference difference;
  for (const ComparableRow& row : written) {
    const auto found = open.find(row.form);
    if (found == open.end() || found->second.empty()) {
      difference.unexpected.push_back(row);
    } else {
      found->second.pop_back();
    }
  }
  for (const auto& [form, rows] : open) {
    for (const ComparableRow* row : rows) difference.missing.push_back(*row);
  }
  if (!ordered || !difference.none()) return difference;
  for (std::size_t i = 0; i < expected.size() && !difference.out_of_order; ++i) {
    if (expected[i].form != written[i].form) difference.out_of_order = i;
  }
  return difference;
}

std::string difference_text(const std::string& table, const RowDifference& difference,
                            const std::vector<ComparableRow>& expected,
                            const std::vector<ComparableRow>& written, std::size_t rows_max) {
  if (difference.none()) return {};
  if (difference.out_of_order) {
    const std::size_t at = *difference.out_of_order;
    return table + ": the rows are right, their order is not; the first that differs is row " +
           std::to_string(at + 1) + "\n  - " + expected[at].line + "\n  + " + written[at].line +
           "\n";
  }
  struct Line {
    const ComparableRow* row;
    char sign;
  };
  std::vector<Line> lines;
  for (const ComparableRow& row : difference.missing) lines.push_back({&row, '-'});
  for (const ComparableRow& row : difference.unexpected) lines.push_back({&row, '+'});
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.row->form < b.row->form; });
  std::string text = table + ": " + counted(std::ssize(expected), "row") + " expected, " +
                     std::to_string(written.size()) + " written; " +
                     std::to_string(difference.missing.size()) + " missing (-), " +
                     std::to_string(difference.unexpected.size()) + " not expected (+)\n";
  for (std::size_t i = 0; i < std::min(lines.size(), rows_max); ++i)
    text += std::string("  ") + lines[i].sign + " " + lines[i].row->line + "\n";
  if (lines.size() > rows_max)
    text += "  ... and " + counted(std::ssize(lines) - static_cast<std::int64_t>(rows_max), "row") +
            " more\n";
  return text;
}

}  // namespace slipstream::cli
