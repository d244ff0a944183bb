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

// The bytes of a line, without its end.
std::pair<std::size_t, std::size_t> bounds_of(std::string_view source, std::uint32_t line) {
  std::size_t begin = 0;
  for (std::uint32_t current = 1; current < line; ++current) {
    const std::size_t newline = source.find('\n', begin);
    if (newline == std::string_view::npos) return {source.size(), source.size()};
    begin = newline + 1;
  }
  std::size_t end = std::min(source.find('\n', begin), source.size());
  if (end > begin && source[end - 1] == '\r') --end;
  return {begin, end};
}

// A line as it may be shown, and where in it a stretch of it is.
struct ShownLine {
  std::string text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// `begin` and `end` are bytes of the source. Secrets are hidden: what is behind them moves.
ShownLine show_line(std::string_view source, std::pair<std::size_t, std::size_t> line,
                    std::size_t begin, std::size_t end) {
  ShownLine shown;
  std::size_t at = line.first;
  const auto append = [&](std::string_view text, std::size_t until) {
    const auto moved = [&](std::size_t place) {
      return shown.text.size() + std::min(place - at, text.size());
    };
    if (begin >= at) shown.begin = moved(begin);
    if (end >= at) shown.end = moved(end);
    shown.text += text;
    at = until;
  };
  for (const Secret& secret : find_secrets(source)) {
    const std::size_t from = std::max(secret.begin, line.first);
    const std::size_t to = std::min(secret.end, line.second);
    if (from > to || secret.begin > line.second || secret.end < line.first) continue;
    append(source.substr(at, from - at), from);
    append(kHidden, to);
  }
  append(source.substr(at, line.second - at), line.second);
  return shown;
}

// Where the code point of that number begins; the end of the line when it has fewer.
std::size_t offset_of(std::string_view line, std::uint32_t column) {
  std::size_t at = 0;
  for (std::uint32_t current = 1; current < column && at < line.size(); ++current)
    decode_utf8(line, at);
  return at;
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
std::pair<std::string, std::string> draw(const ShownLine& line) {
  const std::vector<Cell> cells = cells_of(line.text);
  const auto at = std::find_if(cells.begin(), cells.end(),
                               [&](const Cell& cell) { return cell.offset >= line.begin; });
  const auto place = static_cast<std::size_t>(at - cells.begin());
  const std::size_t first = place > kCellsBefore ? place - kCellsBefore : 0;
  const std::size_t last = std::min(cells.size(), place + kCellsAfter);
  std::string code = first > 0 ? "..." : "";
  std::string carets(code.size(), ' ');
  for (std::size_t i = first; i < last; ++i) {
    code += cells[i].text;
    if (i < place) carets.append(cells[i].width, ' ');
    if (i > place && cells[i].offset < line.end) carets.append(cells[i].width, '~');
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
    const auto line = bounds_of(source, diagnostic.line);
    const std::size_t begin =
        line.first +
        offset_of(source.substr(line.first, line.second - line.first), diagnostic.column);
    const auto [code, carets] = draw(show_line(source, line, begin, begin + diagnostic.length));
    const std::string number = std::to_string(diagnostic.line);
    text += "  " + number + " | " + code + '\n';
    text += "  " + std::string(number.size(), ' ') + " | " + carets + '\n';
  }
  if (!diagnostic.fix.empty()) text += "  fix: " + diagnostic.fix + '\n';
  return text;
}

}  // namespace slipstream::sql
