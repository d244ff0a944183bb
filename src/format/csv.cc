#include "format/csv.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "format/byte_block.h"

namespace slipstream::format {

namespace {

constexpr std::size_t kLongestUnquoted = 24;  // Jackson does not look into longer texts

bool is_line_break(char c) { return c == '\n' || c == '\r'; }

constexpr std::uint64_t every_byte(char c) {
  return 0x0101010101010101ULL * static_cast<unsigned char>(c);
}
// Not 0 if a byte of the word is zero.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - every_byte('\x01')) & ~word & every_byte('\x80');
}

// Whether the text holds one of four characters; it is looked at once, as a whole.
bool holds_any(std::string_view text, const char (&wanted)[4]) {
  if (text.size() < sizeof(ByteBlock))
    return text.find_first_of(wanted, 0, 4) != std::string_view::npos;
  ByteBlock found = {};
  const auto look_at = [&found, &wanted](const char* at) {
    const ByteBlock block = load_block(at);
    found |= (block == static_cast<signed char>(wanted[0])) |
             (block == static_cast<signed char>(wanted[1])) |
             (block == static_cast<signed char>(wanted[2])) |
             (block == static_cast<signed char>(wanted[3]));
  };
  for (std::size_t at = 0; at + sizeof(ByteBlock) <= text.size(); at += sizeof(ByteBlock))
    look_at(text.data() + at);
  look_at(text.data() + text.size() - sizeof(ByteBlock));
  return any(found);
}

}  // namespace

void CsvScanner::start(std::string_view text) {
  rest_ = text;
  broken_ = false;
  plain_ = is_one_plain_record(text);
}

bool CsvScanner::is_one_plain_record(std::string_view text) const {
  if (text.empty() || syntax_.comments) return false;
  const char ends[] = {'\n', '\r', syntax_.quote != '\0' ? syntax_.quote : '\n',
                       syntax_.escape != '\0' ? syntax_.escape : '\n'};
  return !holds_any(text, ends);
}

void CsvScanner::split(std::vector<CsvField>& fields) {
  const char* at = rest_.data();
  const char* const end = at + rest_.size();
  while (true) {
    const auto left = static_cast<std::size_t>(end - at);
    const auto* stop = static_cast<const char*>(std::memchr(at, syntax_.delimiter, left));
    fields.emplace_back().text = {at, static_cast<std::size_t>((stop ? stop : end) - at)};
    if (stop == nullptr) break;
    at = stop + 1;
  }
  record_ = rest_;
  rest_ = {};
  plain_ = false;
}

bool CsvScanner::skip_lines() {
  while (!rest_.empty()) {
    if (is_line_break(rest_.front())) {
      rest_.remove_prefix(1);
    } else if (syntax_.comments && rest_.front() == '#') {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    } else {
      return true;
    }
  }
  return false;
}

bool CsvScanner::at_end_of_field() const {
  return rest_.empty() || rest_.front() == syntax_.delimiter || is_line_break(rest_.front());
}

// REQUIRES: the opening quote was taken. False when the closing one is missing or text follows it.
bool CsvScanner::scan_quoted(CsvField& field) {
  field.quoted = true;
  const std::size_t copy_begin = unescaped_.size();
  std::size_t piece = 0;
  std::size_t at = 0;
  for (; at < rest_.size(); ++at) {
    const char c = rest_[at];
    const bool doubled =
        c == syntax_.quote && at + 1 < rest_.size() && rest_[at + 1] == syntax_.quote;
    const bool escaped = syntax_.escape != '\0' && c == syntax_.escape && at + 1 < rest_.size();
    if (doubled || escaped) {
      field.copied = true;
      unescaped_.append(rest_, piece, at - piece);
      piece = ++at;
    } else if (c == syntax_.quote) {
      break;
    }
  }
  if (at == rest_.size()) return false;
  if (field.copied) {
    unescaped_.append(rest_, piece, at - piece);
    field.text = std::string_view(unescaped_).substr(copy_begin);
  } else {
    field.text = rest_.substr(0, at);
  }
  rest_.remove_prefix(at + 1);
  return at_end_of_field();
}

// Bytes in front, in words of eight, that hold no delimiter, line break or escape character.
std::size_t CsvScanner::plain_prefix() const {
  const std::uint64_t delimiter = every_byte(syntax_.delimiter);
  const std::uint64_t escape =
      every_byte(syntax_.escape != '\0' ? syntax_.escape : syntax_.delimiter);
  std::size_t at = 0;
  for (; at + 8 <= rest_.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, rest_.data() + at, sizeof word);
    if ((zero_bytes(word ^ delimiter) | zero_bytes(word ^ escape) |
         zero_bytes(word ^ every_byte('\n')) | zero_bytes(word ^ every_byte('\r'))) != 0)
      break;
  }
  return at;
}

void CsvScanner::scan_plain(CsvField& field) {
  const std::size_t copy_begin = unescaped_.size();
  std::size_t piece = 0;
  std::size_t at = plain_prefix();
  for (; at < rest_.size(); ++at) {
    const char c = rest_[at];
    if (c == syntax_.delimiter || is_line_break(c)) break;
    if (syntax_.escape != '\0' && c == syntax_.escape && at + 1 < rest_.size()) {
      field.copied = true;
      unescaped_.append(rest_, piece, at - piece);
      piece = ++at;
    }
  }
  if (field.copied) {
    unescaped_.append(rest_, piece, at - piece);
    field.text = std::string_view(unescaped_).substr(copy_begin);
  } else {
    field.text = rest_.substr(0, at);
  }
  rest_.remove_prefix(at);
}

bool CsvScanner::next(std::vector<CsvField>& fields) {
  fields.clear();
  if (plain_) {
    split(fields);
    return true;
  }
  if (broken_ || !skip_lines()) return false;
  unescaped_.clear();
  unescaped_.reserve(rest_.size());
  const std::string_view begin = rest_;
  while (true) {
    CsvField field;
    if (!rest_.empty() && syntax_.quote != '\0' && rest_.front() == syntax_.quote) {
      rest_.remove_prefix(1);
      if (!scan_quoted(field)) broken_ = true;
    } else {
      scan_plain(field);
    }
    fields.push_back(field);
    if (broken_ || rest_.empty() || rest_.front() != syntax_.delimiter) break;
    rest_.remove_prefix(1);
  }
  record_ = begin.substr(0, begin.size() - rest_.size());
  if (broken_) record_ = begin;
  return !broken_;
}

void append_csv_field(const CsvSyntax& syntax, std::string_view text, bool force_quotes,
                      std::string& out) {
  if (syntax.quote == '\0') {
    for (const char c : text) {
      const bool special = c == syntax.delimiter || is_line_break(c) || c == syntax.escape;
      if (special && syntax.escape != '\0') out += syntax.escape;
      out += c;
    }
    return;
  }
  const auto limit = static_cast<unsigned char>(std::max(
      {static_cast<unsigned char>(syntax.delimiter), static_cast<unsigned char>(syntax.quote),
       static_cast<unsigned char>('\r'), static_cast<unsigned char>(syntax.escape)}));
  const bool quotes = force_quotes || text.size() > kLongestUnquoted ||
                      std::any_of(text.begin(), text.end(), [limit](char c) {
                        return static_cast<unsigned char>(c) <= limit;
                      });
  if (!quotes) {
    out += text;
    return;
  }
  out += syntax.quote;
  const bool escapes = syntax.escape != '\0';
  const char specials[] = {syntax.quote, escapes ? syntax.escape : syntax.quote};
  while (true) {
    const std::size_t special =
        escapes ? text.find_first_of(std::string_view(specials, 2)) : text.find(syntax.quote);
    out += text.substr(0, special);
    if (special == std::string_view::npos) break;
    out += escapes ? syntax.escape : syntax.quote;
    out += text[special];
    text.remove_prefix(special + 1);
  }
  out += syntax.quote;
}

}  // namespace slipstream::format
