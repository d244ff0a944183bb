#include <algorithm>

#include "base/suggest.h"
#include "base/utf8.h"
#include "format/formats.h"

namespace slipstream::format {

namespace {

const std::vector<Format>& formats() {
  static const std::vector<Format> kKnown = {csv_format(), debezium_json_format(),
                                             delimited_format(), json_format(), raw_format()};
  return kKnown;
}

}  // namespace

Result<const Format*> find_format(std::string_view name) {
  std::vector<std::string> names;
  for (const Format& format : formats()) {
    if (format.name == name) return &format;
    names.push_back(format.name);
  }
  std::string message =
      "no format '" + std::string(name) + "'" + did_you_mean(name, names) + " Known:";
  for (const std::string& known : names) message += " " + known;
  return Error{ErrorCode::kNotFound, std::move(message)};
}

std::vector<const Format*> all_formats() {
  std::vector<const Format*> result;
  for (const Format& format : formats()) result.push_back(&format);
  std::sort(result.begin(), result.end(),
            [](const Format* a, const Format* b) { return a->name < b->name; });
  return result;
}

std::vector<Field> projected_fields(const Schema& schema, std::span<const std::size_t> projection) {
  std::vector<Field> fields;
  fields.reserve(projection.size());
  for (const std::size_t index : projection) fields.push_back(schema[index]);
  return fields;
}

void pin_text(std::span<ColumnBuilder* const> columns, const BufferPtr& buffer) {
  if (!buffer) return;
  for (ColumnBuilder* column : columns) {
    if (column->type().layout() == Layout::kString) column->pin(buffer);
    std::vector<ColumnBuilder*> children;
    for (std::size_t i = 0; i < column->type().children().size(); ++i)
      children.push_back(&column->child(i));
    pin_text(children, buffer);
  }
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// \uXXXX at `at`; false when it is none.
bool decode_unicode(std::string_view text, std::size_t at, std::string& out) {
  if (text.size() - at < 6 || text[at + 1] != 'u') return false;
  unsigned code = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return false;
    code = code * 16 + static_cast<unsigned>(digit);
  }
  append_utf8(code, out);
  return true;
}

}  // namespace

std::string decode_escapes(std::string_view text) {
  constexpr std::string_view kLetters = "ntrbf\\\"'0";
  constexpr std::string_view kMeanings("\n\t\r\b\f\\\"'\0", 9);
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && decode_unicode(text, at, out)) {
      at += 5;
      continue;
    }
    const std::size_t letter = text[at] == '\\' && at + 1 < text.size()
                                   ? kLetters.find(text[at + 1])
                                   : std::string_view::npos;
    if (letter == std::string_view::npos) {
      out += text[at];
    } else {
      out += kMeanings[letter];
      ++at;
    }
  }
  return out;
}

std::string shown_text(std::string_view text) {
  constexpr std::size_t kMost = 64;
  std::string shown(text.substr(0, kMost));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text.size() > kMost ? shown + "..." : shown;
}

}  // namespace slipstream::format
