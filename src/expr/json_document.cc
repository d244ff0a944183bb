#include "expr/json_document.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <limits>
#include <optional>

#include "data/text/json_string.h"

namespace slipstream::expr {

namespace {

constexpr std::size_t kDeepest = 1000;
constexpr std::size_t kLongestNumber = 1000;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Bytes of a string that stand for themselves: no quote, backslash or control character.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain = {};
  for (std::size_t c = 0x20; c < plain.size(); ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// The power of ten behind 'e', the sign included; none when Java's BigDecimal cannot hold it.
std::optional<std::int64_t> exponent_of(std::string_view digits) {
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() - kLongestNumber;
  const bool held = parsed.ec == std::errc() && exponent <= kMost && exponent >= -kMost;
  return held ? std::optional(exponent) : std::nullopt;
}

// Reads one value after the other. What is read once may be read again without a check of the
// result: it is known to be JSON.
class Scanner {
 public:
  Scanner(const char* begin, const char* end) : at_(begin), end_(end) {}

  const char* position() const { return at_; }
  void seek(const char* position) { at_ = position; }
  void skip_blanks() {
    while (at_ != end_ && is_blank(*at_)) ++at_;
  }
  // '\0' at the end.
  char peek() const { return at_ != end_ ? *at_ : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ == end_) return false;
    ++at_;
    return true;
  }

  // Past a value; false when there is none.
  bool value();
  // Past "key": ; the key without quotes, with its escapes.
  bool key(std::string_view& key);

 private:
  bool scalar();
  bool string();
  bool number();
  bool word(std::string_view word);
  bool digits();
  bool close(std::size_t& depth, const std::bitset<kDeepest + 1>& objects, bool& done);

  const char* at_;
  const char* end_;
};

bool Scanner::string() {
  ++at_;
  for (;;) {
    while (at_ != end_ && kPlain[static_cast<unsigned char>(*at_)]) ++at_;
    if (at_ == end_) return false;
    if (*at_ == '"') break;
    if (*at_ != '\\' || end_ - at_ < 2) return false;
    ++at_;
    if (*at_ == 'u') {
      const auto is_hex = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      };
      if (end_ - at_ < 5 || !std::all_of(at_ + 1, at_ + 5, is_hex)) return false;
      at_ += 5;
    } else if (std::string_view("\"\\/bfnrt").find(*at_) != std::string_view::npos) {
      ++at_;
    } else {
      return false;
    }
  }
  ++at_;
  return true;
}

bool Scanner::digits() {
  const char* begin = at_;
  while (at_ != end_ && is_digit(*at_)) ++at_;
  return at_ != begin;
}

bool Scanner::number() {
  const char* begin = at_;
  take('-');
  if (take('0')) {
    if (at_ != end_ && is_digit(*at_)) return false;
  } else if (!digits()) {
    return false;
  }
  if (take('.') && !digits()) return false;
  if (take('e') || take('E')) {
    const char* exponent = at_;
    if (!take('+')) take('-');
    if (!digits()) return false;
    if (!exponent_of({exponent, static_cast<std::size_t>(at_ - exponent)})) return false;
  }
  return static_cast<std::size_t>(at_ - begin) <= kLongestNumber;
}

bool Scanner::word(std::string_view word) {
  if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return false;
  at_ += word.size();
  if (at_ == end_) return true;
  const auto next = static_cast<unsigned char>(*at_);
  const bool goes_on = is_digit(*at_) || (next >= 'a' && next <= 'z') ||
                       (next >= 'A' && next <= 'Z') || next == '_' || next == '$' || next >= 0x80;
  return !goes_on;
}

bool Scanner::scalar() {
  switch (peek()) {
    case '"':
      return string();
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      return number();
  }
}

bool Scanner::key(std::string_view& key) {
  skip_blanks();
  if (peek() != '"') return false;
  const char* begin = at_ + 1;
  if (!string()) return false;
  key = {begin, static_cast<std::size_t>(at_ - 1 - begin)};
  skip_blanks();
  return take(':');
}

// Behind a value: closes the containers that end here. False for what may not follow; `done` when
// nothing is open, else a comma was read and the next element or key comes.
bool Scanner::close(std::size_t& depth, const std::bitset<kDeepest + 1>& objects, bool& done) {
  for (;;) {
    done = depth == 0;
    if (done) return true;
    skip_blanks();
    if (take(',')) return true;
    if (!take(objects[depth] ? '}' : ']')) return false;
    --depth;
  }
}

bool Scanner::value() {
  std::bitset<kDeepest + 1> objects;
  std::size_t depth = 0;
  std::string_view ignored;
  for (bool done = false; !done;) {
    skip_blanks();
    if (peek() == '{' || peek() == '[') {
      if (++depth > kDeepest) return false;
      objects[depth] = *at_++ == '{';
      skip_blanks();
      if (peek() != (objects[depth] ? '}' : ']')) {
        if (objects[depth] && !key(ignored)) return false;
        continue;
      }
    } else if (!scalar()) {
      return false;
    }
    if (!close(depth, objects, done)) return false;
    if (!done && objects[depth] && !key(ignored)) return false;
  }
  return true;
}

bool is_key(std::string_view raw, const std::string& wanted, std::string& scratch) {
  if (raw.find('\\') == std::string_view::npos) return raw == wanted;
  scratch.clear();
  return text::append_unescaped_json(raw, scratch) && scratch == wanted;
}

enum class Step : std::uint8_t { kFound, kMissing, kNoJson };

// From an object to the value of its last member of this name.
Step step_into_member(Scanner& scanner, const std::string& wanted) {
  std::string scratch;
  const char* found = nullptr;
  scanner.seek(scanner.position() + 1);
  scanner.skip_blanks();
  if (scanner.take('}')) return Step::kMissing;
  do {
    std::string_view key;
    if (!scanner.key(key)) return Step::kNoJson;
    scanner.skip_blanks();
    if (is_key(key, wanted, scratch)) found = scanner.position();
    if (!scanner.value()) return Step::kNoJson;
    scanner.skip_blanks();
  } while (scanner.take(','));
  if (!scanner.take('}')) return Step::kNoJson;
  if (found == nullptr) return Step::kMissing;
  scanner.seek(found);
  return Step::kFound;
}

// From an array to one of its elements.
Step step_into_element(Scanner& scanner, std::int64_t index) {
  const char* const array = scanner.position();
  const char* found = nullptr;
  std::int64_t size = 0;
  scanner.seek(array + 1);
  scanner.skip_blanks();
  if (scanner.take(']')) return Step::kMissing;
  do {
    scanner.skip_blanks();
    if (size++ == index) found = scanner.position();
    if (!scanner.value()) return Step::kNoJson;
    scanner.skip_blanks();
  } while (scanner.take(','));
  if (!scanner.take(']')) return Step::kNoJson;
  if (index < 0 && size + index >= 0) {
    scanner.seek(array);
    return step_into_element(scanner, size + index);
  }
  if (found == nullptr) return Step::kMissing;
  scanner.seek(found);
  return Step::kFound;
}

Step step_into(Scanner& scanner, const JsonStep& step) {
  if (scanner.peek() != (step.is_index ? '[' : '{'))
    return scanner.value() ? Step::kMissing : Step::kNoJson;
  return step.is_index ? step_into_element(scanner, step.index)
                       : step_into_member(scanner, step.member);
}

JsonKind kind_of(char first) {
  switch (first) {
    case '{':
    case '[':
      return JsonKind::kContainer;
    case '"':
      return JsonKind::kString;
    case 't':
    case 'f':
      return JsonKind::kBoolean;
    case 'n':
      return JsonKind::kNull;
    default:
      return JsonKind::kNumber;
  }
}

}  // namespace

JsonFound find_json(std::string_view text, const JsonPath& path) {
  Scanner scanner(text.data(), text.data() + text.size());
  scanner.skip_blanks();
  for (const JsonStep& step : path.steps) {
    const Step stepped = step_into(scanner, step);
    if (stepped == Step::kNoJson) return {JsonKind::kNoJson, {}};
    if (stepped == Step::kMissing) return {JsonKind::kMissing, {}};
  }
  const char* begin = scanner.position();
  if (!scanner.value()) return {JsonKind::kNoJson, {}};
  const char* end = scanner.position();
  const JsonKind kind = kind_of(*begin);
  // A number that is the whole document ends with the text or a blank.
  if (path.steps.empty() && kind == JsonKind::kNumber && end != text.data() + text.size() &&
      !is_blank(*end)) {
    return {JsonKind::kNoJson, {}};
  }
  if (kind == JsonKind::kString) ++begin, --end;
  return {kind, {begin, static_cast<std::size_t>(end - begin)}};
}

bool is_whole_number(std::string_view token) {
  return token.find_first_of(".eE") == std::string_view::npos;
}

// As BigInteger.toString() and BigDecimal.toString().
std::string java_number_text(std::string_view token) {
  const bool whole = is_whole_number(token);
  const bool negative = token.starts_with('-');
  if (negative) token.remove_prefix(1);
  const std::size_t e = std::min(token.find_first_of("eE"), token.size());
  const std::string_view mantissa = token.substr(0, e);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  if (point < mantissa.size()) digits += mantissa.substr(point + 1);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  const auto fraction =
      static_cast<std::int64_t>(point < mantissa.size() ? mantissa.size() - point - 1 : 0);
  const std::int64_t exponent =
      e < token.size() ? exponent_of(token.substr(e + 1)).value_or(0) : std::int64_t{0};
  const std::int64_t scale = fraction - exponent;
  const std::string sign = negative && digits != "0" ? "-" : "";
  if (whole || scale == 0) return sign + digits;
  const auto size = static_cast<std::int64_t>(digits.size());
  const std::int64_t adjusted = size - 1 - scale;
  constexpr std::int64_t kLeastPlain = -6;
  if (scale > 0 && adjusted >= kLeastPlain) {
    if (size <= scale) digits.insert(0, static_cast<std::size_t>(scale - size + 1), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
    return sign + digits;
  }
  if (digits.size() > 1) digits.insert(1, ".");
  return sign + digits + "E" + (adjusted > 0 ? "+" : "") + std::to_string(adjusted);
}

}  // namespace slipstream::expr
