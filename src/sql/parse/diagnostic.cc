#include "sql/parse/diagnostic.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

#include "base/utf8.h"
#include "sql/parse/hide_secrets.h"

namespace slipstream::sql {

namespace {

// Cells shown before and after the place when a line is cut.
constexpr std::size_t kCellsBefore = 60;
constexpr std::size_t kCellsAfter = 100;

std::string_view line_of(std::string_view source, std::uint32_t line) {
  std::size_t begin = 0;
  for (std::uint32_t current = 1; current < line; ++current) {
    const std::size_t newline = source.find('\n', begin);
    if (newline == std::string_view::npos) return {};
    begin = newline + 1;
  }
  std::string_view text = source.substr(begin);
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Bytes that would move the cursor or are not UTF-8 are drawn as '?'; a tab as one blank.
struct Cell {
  std::string text;
  std::size_t width = 1;
  std::size_t offset = 0;
};

std::vector<Cell> cells_of(std::string_view line) {
  std::vector<Cell> cells;
  std::size_t position = 0;
  while (position < line.size()) {
    const std::size_t start = position;
    const char32_t code_point = decode_utf8(line, position);
    Cell cell{std::string(line.substr(start, position - start)), 1, start};
    if (code_point == U'\t') {
      cell.text = " ";
    } else if (code_point == kInvalidCodePoint || code_point < 0x20 ||
               (code_point >= 0x7F && code_point < 0xA0)) {
      cell.text = "?";
    } else {
      cell.width = static_cast<std::size_t>(display_width(code_point));
    }
    cells.push_back(std::move(cell));
  }
  return cells;
}

// The two lines "code" and "carets".
std::pair<std::string, std::string> draw(std::string_view line, std::uint32_t column,
                                         std::uint32_t length) {
  const std::vector<Cell> cells = cells_of(line);
  const std::size_t place = std::min<std::size_t>(column - 1, cells.size());
  const std::size_t first = place > kCellsBefore ? place - kCellsBefore : 0;
  const std::size_t last = std::min(cells.size(), place + kCellsAfter);
  std::string code = first > 0 ? "..." : "";
  std::string carets(code.size(), ' ');
  const std::size_t start_offset = place < cells.size() ? cells[place].offset : line.size();
  for (std::size_t i = first; i < last; ++i) {
    code += cells[i].text;
    if (i < place) carets.append(cells[i].width, ' ');
    if (i > place && cells[i].offset < start_offset + length) carets.append(cells[i].width, '~');
    if (i == place) {
      carets += '^';
      if (cells[i].width == 2) carets += '~';
    }
  }
  if (place == cells.size()) carets += '^';
  if (last < cells.size()) code += "...";
  return {std::move(code), std::move(carets)};
}

}  // namespace

SourceSpan join(const SourceSpan& first, const SourceSpan& last) {
  SourceSpan span = first;
  if (last.end() > first.offset) span.length = last.end() - first.offset;
  return span;
}

Diagnostic Diagnostic::at(const SourceSpan& span, std::string message, std::string fix) {
  return Diagnostic{span.line, span.column, span.length, std::move(message), std::move(fix)};
}

void sort_by_place(std::vector<Diagnostic>& diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [](const Diagnostic& left, const Diagnostic& right) {
                     return std::tie(left.line, left.column) < std::tie(right.line, right.column);
                   });
}

std::string render_diagnostic(std::string_view source, std::string_view file_name,
                              const Diagnostic& diagnostic) {
  std::string text(file_name);
  if (diagnostic.line > 0) {
    text += ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column);
  }
  text += ": error: " + diagnostic.message + '\n';
  if (diagnostic.line > 0 && diagnostic.column > 0) {
    const std::string shown = hide_secrets(source);
    const auto [code, carets] =
        draw(line_of(shown, diagnostic.line), diagnostic.column, diagnostic.length);
    const std::string number = std::to_string(diagnostic.line);
    text += "  " + number + " | " + code + '\n';
    text += "  " + std::string(number.size(), ' ') + " | " + carets + '\n';
  }
  if (!diagnostic.fix.empty()) text += "  fix: " + diagnostic.fix + '\n';
  return text;
}

}  // namespace slipstream::sql
