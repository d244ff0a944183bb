#include "cli/row_printer.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "base/output.h"
#include "base/utf8.h"
#include "data/text/value.h"
#include "sql/row_json.h"

namespace slipstream::cli {
namespace {

bool is_wide(std::uint32_t point) {
  constexpr std::pair<std::uint32_t, std::uint32_t> kWide[] = {
      {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},
      {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
  return std::any_of(std::begin(kWide), std::end(kWide), [point](const auto& range) {
    return point >= range.first && point <= range.second;
  });
}

// Terminal cells of a text: East Asian wide characters take two.
std::size_t cells(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    std::uint32_t point = length == 1 ? byte : byte & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k) {
      point = (point << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    }
    width += is_wide(point) ? 2 : 1;
    i += length;
  }
  return width;
}

void append_padded(std::string_view text, std::size_t width, bool right, std::string& out) {
  const std::size_t used = cells(text);
  const std::size_t pad = used < width ? width - used : 0;
  if (right) out.append(pad, ' ');
  out += text;
  if (!right) out.append(pad, ' ');
}

bool is_control(char32_t point) {
  return (point < 0x20 && point != '\n' && point != '\t') || (point >= 0x7F && point < 0xA0);
}

std::size_t natural_width(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return 5;
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
      return 6;
    case TypeKind::kInt:
      return 11;
    case TypeKind::kBigInt:
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      return 14;
    case TypeKind::kDate:
      return 10;
    case TypeKind::kTime:
      return 8;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return 23;
    default:
      return 16;
  }
}

bool is_number(const Type& type) { return type.is_numeric(); }

}  // namespace

std::string for_terminal(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t point = decode_utf8(text, at);
    if (point == kInvalidCodePoint) {
      append_utf8(0xFFFD, shown);
    } else if (is_control(point)) {
      shown += "\\u00";
      shown += kHex[point >> 4U];
      shown += kHex[point & 0xFU];
    } else {
      shown.append(text.substr(begin, at - begin));
    }
  }
  return shown;
}

RowPrinter::RowPrinter(OutputFormat format, Schema schema, bool updating, TimeZone zone)
    : format_(format), schema_(std::move(schema)), updating_(updating), zone_(std::move(zone)) {
  for (const Field& field : schema_.fields())
    widths_.push_back(std::max(cells(field.name), natural_width(field.type)));
}

void RowPrinter::append_header() {
  if (header_done_) return;
  header_done_ = true;
  if (format_ == OutputFormat::kJson) return;
  if (format_ == OutputFormat::kCsv) {
    if (updating_) text_ += "op,";
    for (std::size_t i = 0; i < schema_.size(); ++i) text_ += (i == 0 ? "" : ",") + schema_[i].name;
    text_ += '\n';
    return;
  }
  std::string rule;
  if (updating_) text_ += "op | ", rule += "---+-";
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    if (i != 0) text_ += " | ", rule += "-+-";
    append_padded(schema_[i].name, widths_[i], is_number(schema_[i].type), text_);
    rule.append(widths_[i], '-');
  }
  text_ += '\n' + rule + '\n';
}

void RowPrinter::append_table_row(const Batch& batch, std::size_t row) {
  if (updating_) {
    text_ += row_kind_name(batch.kind(row));
    text_ += " | ";
  }
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    if (i != 0) text_ += " | ";
    const Column& column = *batch.column(i);
    append_padded(column.is_null(row) ? "NULL" : for_terminal(text::to_text(column, row, zone_)),
                  widths_[i], is_number(schema_[i].type), text_);
  }
  while (!text_.empty() && text_.back() == ' ') text_.pop_back();
  text_ += '\n';
}

void RowPrinter::append_json_row(const Batch& batch, std::size_t row) {
  sql::append_json_row(batch, row, schema_, updating_, zone_, text_);
  text_ += '\n';
}

void RowPrinter::append_csv_row(const Batch& batch, std::size_t row) {
  if (updating_) {
    text_ += row_kind_name(batch.kind(row));
    text_ += ',';
  }
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    if (i != 0) text_ += ',';
    const Column& column = *batch.column(i);
    if (column.is_null(row)) continue;
    const std::string cell = sql::cell_text(column, row, zone_);
    append_csv_cell(cell, cell.empty(), text_);
  }
  text_ += '\n';
}

Status RowPrinter::flush() {
  Status status = write_output(STDOUT_FILENO, text_);
  text_.clear();
  return status;
}

Status RowPrinter::print(const Batch& batch) {
  append_header();
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    switch (format_) {
      case OutputFormat::kTable:
        append_table_row(batch, row);
        break;
      case OutputFormat::kJson:
        append_json_row(batch, row);
        break;
      case OutputFormat::kCsv:
        append_csv_row(batch, row);
        break;
    }
  }
  rows_ += static_cast<std::int64_t>(batch.rows());
  return flush();
}

Status RowPrinter::finish() {
  append_header();
  return flush();
}

void append_csv_cell(std::string_view cell, bool quote, std::string& out) {
  if (!quote && cell.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += cell;
    return;
  }
  out += '"';
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows, bool with_header,
                  std::vector<std::size_t>& widths, std::string& out) {
  widths.resize(header.size());
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], cells(row[i]));
  };
  measure(header);
  for (const auto& row : rows) measure(row);
  const auto append = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) out += " | ";
      append_padded(row[i], widths[i], false, out);
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
  };
  if (with_header) {
    append(header);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (i != 0) out += "-+-";
      out.append(widths[i], '-');
    }
    out += '\n';
  }
  for (const auto& row : rows) append(row);
}

std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::string text;
  append_table(header, rows, true, widths, text);
  return text;
}

}  // namespace slipstream::cli
