#include "rocketmq/protocol/tolerant_json.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/try.h"

namespace slipstream::rocketmq {

namespace {

void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6U));
    put(0x80 | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12U));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  } else {
    put(0xF0 | (point >> 18U));
    put(0x80 | ((point >> 12U) & 0x3FU));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  }
}

bool is_bare(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '+' || c == '.' || c == '_';
}

bool is_number(std::string_view bare) {
  double value = 0;
  const auto [end, error] = std::from_chars(bare.data(), bare.data() + bare.size(), value);
  return !bare.empty() && error != std::errc::invalid_argument &&
         end == bare.data() + bare.size() && (bare[0] == '-' || (bare[0] >= '0' && bare[0] <= '9'));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : scanner_(text) {}

  Result<JsonValue> run() {
    JsonValue value = parse(0);
    if (!scanner_.failed() && scanner_.peek() != 0) scanner_.fail();
    if (scanner_.failed()) {
      return Error{ErrorCode::kCorrupt,
                   "malformed JSON at byte " + std::to_string(scanner_.position())};
    }
    return value;
  }

 private:
  JsonValue parse(int depth) {
    JsonValue value;
    if (depth > kJsonDepthMax) scanner_.fail();
    if (scanner_.failed())
      return value;  // else a failed key would still have its value tried: 2^depth calls
    switch (scanner_.peek()) {
      case '{':
        parse_object(depth, value);
        break;
      case '[':
        parse_array(depth, value);
        break;
      case '"':
        value.kind = JsonValue::Kind::kString;
        scanner_.string(value.text);
        break;
      default:
        parse_bare(value);
        break;
    }
    return value;
  }

  void parse_bare(JsonValue& value) {
    const std::string_view bare = scanner_.bare();
    if (bare == "true" || bare == "false") {
      value.kind = JsonValue::Kind::kBool;
      value.boolean = bare == "true";
    } else if (is_number(bare)) {
      value.kind = JsonValue::Kind::kNumber;
      value.text = bare;
    } else if (bare == "NaN" || bare == "Infinity" || bare == "-Infinity") {
      value.kind = JsonValue::Kind::kNull;  // Java text of a rate that was divided by zero
    } else if (bare != "null") {
      scanner_.fail();
    }
  }

  void parse_array(int depth, JsonValue& value) {
    value.kind = JsonValue::Kind::kArray;
    scanner_.expect('[');
    if (scanner_.accept(']')) return;
    do {
      value.items.push_back(parse(depth + 1));
    } while (!scanner_.failed() && scanner_.accept(','));
    scanner_.expect(']');
  }

  void parse_object(int depth, JsonValue& value) {
    value.kind = JsonValue::Kind::kObject;
    scanner_.expect('{');
    if (scanner_.accept('}')) return;
    do {
      JsonMember member;
      member.key = parse(depth + 1);
      if (member.key.is_string() || member.key.kind == JsonValue::Kind::kNumber) {
        member.name = member.key.text;
        if (!member.name.empty() && member.name.front() == '{') {
          Result<JsonValue> nested = parse_tolerant_json(member.name);
          if (nested.ok()) member.key = std::move(*nested);
        }
      } else if (!member.key.is_object()) {
        scanner_.fail();
      }
      scanner_.expect(':');
      member.value = parse(depth + 1);
      value.members.push_back(std::move(member));
    } while (!scanner_.failed() && scanner_.accept(','));
    scanner_.expect('}');
  }

  JsonScanner scanner_;
};

}  // namespace

const JsonValue& JsonValue::operator[](std::string_view name) const {
  static const JsonValue kAbsent;
  for (const JsonMember& member : members) {
    if (member.name == name) return member.value;
  }
  return kAbsent;
}

std::optional<std::int64_t> JsonValue::integer() const {
  if (kind != Kind::kNumber && kind != Kind::kString) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> JsonValue::number() const {
  if (kind != Kind::kNumber && kind != Kind::kString) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::int64_t JsonValue::integer_or(std::int64_t other) const { return integer().value_or(other); }

double JsonValue::number_or(double other) const { return number().value_or(other); }

bool JsonValue::bool_or(bool other) const {
  if (kind == Kind::kBool) return boolean;
  if (kind == Kind::kString && (text == "true" || text == "false")) return text == "true";
  return other;
}

std::string JsonValue::string_or(std::string_view other) const {
  if (kind == Kind::kString || kind == Kind::kNumber) return text;
  return std::string(other);
}

Result<JsonValue> parse_tolerant_json(std::string_view text) { return Parser(text).run(); }

void JsonWriter::separate() {
  if (comma_) out_->push_back(',');
  comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_->push_back('{');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_->push_back('}');
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_->push_back('[');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_->push_back(']');
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(name, *out_);
  out_->push_back(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
  separate();
  append_json_string(value, *out_);
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  separate();
  out_->append(std::to_string(value));
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  separate();
  out_->append(value ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  out_->append("null");
  return *this;
}

void append_json_string(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text.substr(plain_from, i - plain_from));
    plain_from = i + 1;
    out.push_back('\\');
    switch (text[i]) {
      case '"':
        out.push_back('"');
        break;
      case '\\':
        out.push_back('\\');
        break;
      case '\n':
        out.push_back('n');
        break;
      case '\r':
        out.push_back('r');
        break;
      case '\t':
        out.push_back('t');
        break;
      default:
        out.append("u00");
        out.push_back(kHex[byte >> 4U]);
        out.push_back(kHex[byte & 0xFU]);
    }
  }
  out.append(text.substr(plain_from));
  out.push_back('"');
}

char JsonScanner::peek() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return c == 0 ? '\1' : c;
    ++position_;
  }
  return 0;
}

bool JsonScanner::accept(char expected) {
  if (failed_ || peek() != expected) return false;
  ++position_;
  return true;
}

void JsonScanner::expect(char expected) {
  if (!accept(expected)) failed_ = true;
}

void JsonScanner::string(std::string& out) {
  expect('"');
  // Two searches of one character each: find_first_of() looks at every character by itself.
  std::size_t quote = text_.find('"', position_);
  while (!failed_ && quote != std::string_view::npos) {
    const std::size_t backslash = text_.substr(position_, quote - position_).find('\\');
    const std::size_t special = backslash == std::string_view::npos ? quote : position_ + backslash;
    out.append(text_.substr(position_, special - position_));
    position_ = special + 1;
    if (special == quote) return;
    escape(out);
    if (position_ > quote) quote = text_.find('"', position_);
  }
  failed_ = true;
}

void JsonScanner::escape(std::string& out) {
  if (position_ >= text_.size()) {
    failed_ = true;
    return;
  }
  const char kind = text_[position_++];
  switch (kind) {
    case '"':
    case '\\':
    case '/':
    case '\'':
      out.push_back(kind);
      return;
    case 'b':
      out.push_back('\b');
      return;
    case 'f':
      out.push_back('\f');
      return;
    case 'n':
      out.push_back('\n');
      return;
    case 'r':
      out.push_back('\r');
      return;
    case 't':
      out.push_back('\t');
      return;
    case 'u':
      break;
    default:
      failed_ = true;
      return;
  }
  std::optional<std::uint32_t> unit = hex4();
  if (!unit) return;
  if (*unit >= 0xD800 && *unit < 0xDC00 && text_.substr(position_, 2) == "\\u") {
    const std::size_t before = position_;
    position_ += 2;
    const std::optional<std::uint32_t> low = hex4();
    if (!low) return;
    if (*low >= 0xDC00 && *low < 0xE000) {
      append_utf8(0x10000 + ((*unit - 0xD800) << 10U) + (*low - 0xDC00), out);
      return;
    }
    position_ = before;  // not a pair: the second escape stands for itself
  }
  append_utf8(*unit >= 0xD800 && *unit < 0xE000 ? 0xFFFD : *unit, out);
}

std::optional<std::uint32_t> JsonScanner::hex4() {
  std::uint32_t value = 0;
  if (text_.size() - position_ >= 4) {
    const char* begin = text_.data() + position_;
    if (std::from_chars(begin, begin + 4, value, 16).ptr == begin + 4) {
      position_ += 4;
      return value;
    }
  }
  failed_ = true;
  return std::nullopt;
}

std::string_view JsonScanner::bare() {
  peek();
  const std::size_t begin = position_;
  while (position_ < text_.size() && is_bare(text_[position_])) ++position_;
  if (position_ == begin) failed_ = true;
  return text_.substr(begin, position_ - begin);
}

void JsonScanner::skip_value(int depth) {
  if (depth > kJsonDepthMax) failed_ = true;
  if (failed_) return;
  const char next = peek();
  if (next == '"') {
    std::string ignored;
    string(ignored);
    return;
  }
  if (next != '{' && next != '[') {
    bare();
    return;
  }
  const char close = next == '{' ? '}' : ']';
  expect(next);
  if (accept(close)) return;
  do {
    skip_value(depth + 1);
    if (next == '{') {
      expect(':');
      skip_value(depth + 1);
    }
  } while (!failed_ && accept(','));
  expect(close);
}

}  // namespace slipstream::rocketmq
