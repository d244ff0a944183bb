#include "data/text/java_pattern.h"

#include <charconv>
#include <map>
#include <optional>

#include "base/try.h"
#include "data/text/characters.h"
#include "data/text/java_classes.h"

namespace slipstream::text {

namespace {

constexpr char32_t kEnd = 0xFFFFFFFF;
constexpr int kDeepest = 200;  // groups in groups, classes in classes
constexpr char32_t kLastCode = 0x10FFFF;

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

// The end of the text, or the line terminator there.
constexpr std::string_view kFinalEnd =
    "(?:(?=\\r\\n\\z|[\\r\\x{85}\\x{2028}\\x{2029}]\\z)|(?<!\\r)(?=\\n\\z)|\\z)";
constexpr std::string_view kFinalEndOfUnixLine = "(?=\\n?\\z)";
// With the flag m: the ends and beginnings of lines.
constexpr std::string_view kLineEnd = "(?:(?=[\\r\\x{85}\\x{2028}\\x{2029}]|\\z)|(?<!\\r)(?=\\n))";
constexpr std::string_view kLineBegin =
    "(?:\\A|(?:(?<=[\\n\\x{85}\\x{2028}\\x{2029}])|(?<=\\r)(?!\\n))(?!\\z))";
constexpr std::string_view kUnixLineEnd = "(?=\\n|\\z)";
constexpr std::string_view kUnixLineBegin = "(?:\\A|(?<=\\n)(?!\\z))";
constexpr std::string_view kLineBreak = "(?:\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])";
constexpr std::string_view kNever = "(?!)";

// \A, \b and their like, which not every engine lets repeat.
bool is_assertion(std::string_view item) {
  return item.size() == 2 && item[0] == '\\' &&
         std::string_view("AzbBG").find(item[1]) != std::string_view::npos;
}

class Translator {
 public:
  // `groups`: how many the pattern has, as far as known.
  Translator(std::string_view pattern, std::size_t groups)
      : pattern_(pattern), all_groups_(groups) {}

  Result<JavaPattern> run() {
    TRY(alternatives(0));
    if (!at_end()) return wrong("unmatched ')'");
    out_.groups = groups_;
    if (out_.backtracks) out_.linear.clear();
    return std::move(out_);
  }
  bool refers_beyond() const { return refers_beyond_; }

 private:
  struct Flags {
    bool ignore_case = false;  // i
    bool unicode_case = false;
    bool lines = false;  // m
    bool dot_all = false;
    bool unix_lines = false;  // d
    bool comments = false;    // x
    bool unicode = false;     // U
  };

  // --- failures ---

  Error fault(ErrorCode code, std::string_view why) const {
    return Error{code, std::string(why) + " at character " +
                           std::to_string(count_characters(pattern_.substr(0, begin_)) + 1)};
  }
  Error wrong(std::string_view why) const { return fault(ErrorCode::kInvalidArgument, why); }
  Error unsupported(std::string_view what) const {
    return fault(ErrorCode::kUnsupported, std::string(what) + " is not supported,");
  }

  // --- input ---

  bool at_end() const { return at_ == pattern_.size(); }
  std::string_view rest() const { return pattern_.substr(at_); }
  char32_t peek() const { return at_end() ? kEnd : code_point_at(pattern_, at_).value; }
  char32_t next() {
    const CodePoint read = code_point_at(pattern_, at_);
    at_ = read.next;
    return read.value;
  }
  bool take(std::string_view text) {
    if (!rest().starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  // With the flag x blanks and comments are not of the pattern.
  void skip_comments() {
    if (!flags_.comments) return;
    while (!at_end()) {
      const char c = pattern_[at_];
      if (c == '#') {
        at_ = std::min(pattern_.find('\n', at_), pattern_.size());
      } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
        ++at_;
      } else {
        return;
      }
    }
  }

  // --- output ---

  void put(std::string_view both) {
    out_.text += both;
    out_.linear += both;
  }
  void put_backtracking(std::string_view text) {
    out_.text += text;
    out_.backtracks = true;
  }
  void put_set(const CharacterSet& set) {
    if (set.needs_look_ahead()) return put_backtracking(set.text());
    put(set.text());
  }
  void put_character(char32_t c) {
    if (flags_.ignore_case && (is_letter(c) || (flags_.unicode_case && c > 0x7F))) {
      return put_set(folded(CharacterSet::of(c, c)));
    }
    std::string spelled;
    if (c >= 0x80 || is_letter(c) || is_digit(c)) {
      append_utf8(c, spelled);
    } else {
      spelled = CharacterSet::of(c, c).text();
      spelled = spelled.substr(1, spelled.size() - 2);  // "\x{20}" of "[\x{20}]"
    }
    put(spelled);
  }
  CharacterSet folded(CharacterSet set) const {
    if (flags_.ignore_case) {
      if (flags_.unicode_case) {
        set.fold_unicode();
      } else {
        set.fold_ascii();
      }
    }
    return set;
  }

  // --- the grammar ---

  Status alternatives(int depth);
  Status piece(int depth);
  Status atom(int depth);
  Status quantifier(std::size_t text_begin, std::size_t linear_begin);
  Result<bool> counted(std::string& spelled);
  Status empty_repetition();
  Status group(int depth);
  Status named_group(int depth);
  Status flags_or_group(int depth);
  Status enclosed(std::string_view opening, bool backtracks, int depth);
  Status escape();
  Status assertion_or_class(char letter, bool& done);
  Status named_reference();
  void put_reference(std::size_t group);
  void numbered_reference(std::size_t first);
  void put_final_end();
  void put_boundary(bool inside);
  Result<CharacterSet> property_class(bool negated);
  Result<char32_t> escaped_character(char32_t letter);
  Result<char32_t> hex_character(std::size_t digits);
  Result<char32_t> utf16_character();
  Result<char32_t> octal_character();
  Result<CharacterSet> char_class(int depth);
  Result<CharacterSet> class_term(bool& closed, bool first, int depth);
  Result<CharacterSet> class_item(int depth);
  Result<std::optional<CharacterSet>> class_escape(char32_t& character);

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  // of what is being read, for failures
  Flags flags_;
  JavaPattern out_;
  std::size_t groups_ = 0;
  std::size_t all_groups_;
  bool refers_beyond_ = false;
  std::map<std::string, std::size_t, std::less<>> names_;
};

Status Translator::alternatives(int depth) {
  if (depth > kDeepest) return unsupported("a pattern nested more than 200 deep");
  for (;;) {
    skip_comments();
    if (at_end() || peek() == ')') return {};
    if (take("|")) {
      put("|");
      continue;
    }
    TRY(piece(depth));
  }
}

Status Translator::piece(int depth) {
  begin_ = at_;
  if (take("\\Q")) {
    const std::size_t end = std::min(pattern_.find("\\E", at_), pattern_.size());
    while (at_ < end) {
      const std::size_t text = out_.text.size();
      const std::size_t linear = out_.linear.size();
      put_character(next());
      if (at_ < end) continue;
      take("\\E");
      return quantifier(text, linear);
    }
    take("\\E");
    return {};
  }
  if (take("{")) return empty_repetition();
  const std::size_t text = out_.text.size();
  const std::size_t linear = out_.linear.size();
  TRY(atom(depth));
  return quantifier(text, linear);
}

Status Translator::atom(int depth) {
  const char32_t c = next();
  switch (c) {
    case '(':
      return group(depth);
    case '[': {
      TRY_ASSIGN(const CharacterSet set, char_class(depth + 1));
      put_set(set);
      return {};
    }
    case '\\':
      return escape();
    case '^':
      if (flags_.lines) {
        put_backtracking(flags_.unix_lines ? kUnixLineBegin : kLineBegin);
      } else {
        put("\\A");
      }
      return {};
    case '$':
      if (flags_.lines) {
        put_backtracking(flags_.unix_lines ? kUnixLineEnd : kLineEnd);
      } else {
        put_final_end();
      }
      return {};
    case '.':
      if (flags_.dot_all) {
        put("(?s:.)");
      } else {
        CharacterSet set = flags_.unix_lines ? CharacterSet::of('\n', '\n') : line_terminators();
        set.complement();
        put_set(set);
      }
      return {};
    case '*':
    case '+':
    case '?':
      return wrong("nothing to repeat");
    default:
      put_character(c);
      return {};
  }
}

void Translator::put_final_end() {
  out_.ends_before_terminator = true;
  out_.text += flags_.unix_lines ? kFinalEndOfUnixLine : kFinalEnd;
  out_.linear += "\\z";
}

// "3", "3,", "3,5" behind "{"; false when the text ends another way.
Result<bool> Translator::counted(std::string& spelled) {
  constexpr std::uint32_t kMost = 65535;
  std::uint32_t low = 0;
  const char* end = pattern_.data() + pattern_.size();
  const auto number = [&](std::uint32_t& value) {
    const auto parsed = std::from_chars(pattern_.data() + at_, end, value);
    at_ = static_cast<std::size_t>(parsed.ptr - pattern_.data());
    return parsed.ec == std::errc();
  };
  if (!is_digit(peek()) || !number(low)) return false;
  std::uint32_t high = low;
  bool open = false;
  if (take(",")) {
    open = peek() == '}';
    if (!open && (!is_digit(peek()) || !number(high))) return false;
  }
  if (!take("}")) return false;
  if (!open && high < low) return wrong("a repetition whose bounds are turned round");
  if (low > kMost || high > kMost) return unsupported("a repetition of more than 65535");
  spelled = "{" + std::to_string(low);
  if (open || high != low) spelled += ",";
  if (!open && high != low) spelled += std::to_string(high);
  spelled += "}";
  return true;
}

Status Translator::quantifier(std::size_t text_begin, std::size_t linear_begin) {
  skip_comments();
  begin_ = at_;
  std::string spelled;
  const char32_t c = peek();
  if (c == '*' || c == '+' || c == '?') {
    spelled = static_cast<char>(next());
  } else if (take("{")) {
    TRY_ASSIGN(const bool is_count, counted(spelled));
    if (!is_count) return wrong("an illegal repetition");
  } else {
    return {};
  }
  const bool is_empty = out_.text.size() == text_begin;  // behind flags
  if (is_empty && spelled[0] != '{') return wrong("nothing to repeat");
  if (is_empty) put("(?:)");
  if (is_assertion(std::string_view(out_.text).substr(text_begin))) {
    out_.text.insert(text_begin, "(?:").append(")");
    if (!out_.backtracks) out_.linear.insert(linear_begin, "(?:").append(")");
  }
  put(spelled);
  if (take("?")) {
    put("?");
  } else if (take("+")) {
    put_backtracking("+");
  }
  return {};
}

// Java lets a count stand behind nothing; then it means nothing.
Status Translator::empty_repetition() {
  std::string ignored;
  TRY_ASSIGN(const bool is_count, counted(ignored));
  if (!is_count) return wrong("an illegal repetition (a '{' is written \\{)");
  if (!take("?")) take("+");
  return {};
}

// --- groups ---

Status Translator::enclosed(std::string_view opening, bool backtracks, int depth) {
  if (backtracks) {
    put_backtracking(opening);
  } else {
    put(opening);
  }
  const std::size_t begin = begin_;
  const Flags before = flags_;
  TRY(alternatives(depth + 1));
  begin_ = begin;
  if (!take(")")) return wrong("unclosed group");
  flags_ = before;
  put(")");
  return {};
}

Status Translator::group(int depth) {
  if (!take("?")) {
    ++groups_;
    return enclosed("(", false, depth);
  }
  if (take(":")) return enclosed("(?:", false, depth);
  for (const std::string_view kind : {"=", "!", ">", "<=", "<!"}) {
    if (take(kind)) return enclosed("(?" + std::string(kind), true, depth);
  }
  if (take("<")) return named_group(depth);
  return flags_or_group(depth);
}

Status Translator::named_group(int depth) {
  const std::size_t end = pattern_.find('>', at_);
  if (end == std::string_view::npos) return wrong("a group's name without '>'");
  const std::string name(pattern_.substr(at_, end - at_));
  bool valid = !name.empty() && is_letter(static_cast<unsigned char>(name[0]));
  for (const char c : name) {
    const auto letter = static_cast<unsigned char>(c);
    valid = valid && (is_letter(letter) || is_digit(letter));
  }
  if (!valid) return wrong("a group's name must be ASCII letters and digits");
  if (!names_.emplace(name, groups_ + 1).second) return wrong("two groups named '" + name + "'");
  at_ = end + 1;
  ++groups_;
  return enclosed("(", false, depth);
}

// "i-s)" or "i-s:..." behind "(?".
Status Translator::flags_or_group(int depth) {
  Flags changed = flags_;
  bool on = true;
  for (;;) {
    if (at_end()) return wrong("unclosed group");
    switch (next()) {
      case 'i':
        changed.ignore_case = on;
        continue;
      case 'm':
        changed.lines = on;
        continue;
      case 's':
        changed.dot_all = on;
        continue;
      case 'd':
        changed.unix_lines = on;
        continue;
      case 'u':
        changed.unicode_case = on;
        continue;
      case 'x':
        changed.comments = on;
        continue;
      case 'U':
        changed.unicode = on;
        changed.unicode_case = on;
        continue;
      case '-':
        if (!on) return wrong("an unknown flag");
        on = false;
        continue;
      case ')':
        flags_ = changed;
        return {};
      case ':': {
        const Flags before = flags_;
        flags_ = changed;
        const Status status = enclosed("(?:", false, depth);
        flags_ = before;
        return status;
      }
      default:
        return wrong("an unknown flag or kind of group");
    }
  }
}

// --- escapes ---

void Translator::put_reference(std::size_t group) {
  refers_beyond_ = refers_beyond_ || group > groups_;
  if (group > all_groups_) return put_backtracking(kNever);
  const std::string reference = "\\g{" + std::to_string(group) + "}";
  put_backtracking(flags_.ignore_case ? "(?i:" + reference + ")" : "(?:" + reference + ")");
}

// As many digits as there are groups for.
void Translator::numbered_reference(std::size_t first) {
  std::size_t group = first;
  while (is_digit(peek())) {
    const std::size_t longer = group * 10 + (peek() - '0');
    if (longer > groups_) break;
    group = longer;
    next();
  }
  put_reference(group);
}

Status Translator::named_reference() {
  const std::size_t end = take("<") ? pattern_.find('>', at_) : std::string_view::npos;
  if (end == std::string_view::npos) return wrong("\\k without <name>");
  const auto found = names_.find(pattern_.substr(at_, end - at_));
  if (found == names_.end()) return wrong("a reference to a group that does not exist");
  at_ = end + 1;
  put_reference(found->second);
  return {};
}

void Translator::put_boundary(bool inside) {
  if (!flags_.unicode) return put(inside ? "\\B" : "\\b");
  const std::string word = predefined_class('w', true)->text();
  const std::string at_word = "(?=" + word + ")";
  const std::string not_at_word = "(?!" + word + ")";
  const std::string behind = "(?<=" + word + ")";
  const std::string not_behind = "(?<!" + word + ")";
  put_backtracking(inside ? "(?:" + behind + at_word + "|" + not_behind + not_at_word + ")"
                          : "(?:" + behind + not_at_word + "|" + not_behind + at_word + ")");
}

Status Translator::assertion_or_class(char letter, bool& done) {
  done = true;
  switch (letter) {
    case 'A':
    case 'z':
      put(letter == 'A' ? "\\A" : "\\z");
      return {};
    case 'Z':
      put_final_end();
      return {};
    case 'G':
    case 'X':
      put_backtracking(letter == 'G' ? "\\G" : "\\X");
      return {};
    case 'R':
      put(kLineBreak);
      return {};
    case 'b':
    case 'B':
      if (rest().starts_with("{")) return unsupported("\\b{...}");
      put_boundary(letter == 'B');
      return {};
    case 'k':
      return named_reference();
    default:
      break;
  }
  done = false;
  return {};
}

Status Translator::escape() {
  if (at_end()) return wrong("'\\' at the end");
  char32_t c = next();
  if (c >= '1' && c <= '9') {
    numbered_reference(c - '0');
    return {};
  }
  bool done = false;
  if (is_letter(c)) TRY(assertion_or_class(static_cast<char>(c), done));
  if (done) return {};
  TRY_ASSIGN(const auto set, class_escape(c));
  if (set) {
    put_set(*set);
  } else {
    put_character(c);
  }
  return {};
}

// \d, \p{L}: a set; \n, \u4e00, \.: `character`, which is the letter before.
Result<std::optional<CharacterSet>> Translator::class_escape(char32_t& character) {
  const char32_t letter = character;
  if (letter == 'p' || letter == 'P') {
    TRY_ASSIGN(CharacterSet set, property_class(letter == 'P'));
    return std::optional(std::move(set));
  }
  if (is_letter(letter)) {
    if (auto set = predefined_class(static_cast<char>(letter), flags_.unicode)) return set;
  }
  TRY_ASSIGN(character, escaped_character(letter));
  return std::optional<CharacterSet>();
}

Result<CharacterSet> Translator::property_class(bool negated) {
  if (at_end()) return wrong("\\p without a name");
  std::string_view name;
  if (take("{")) {
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return wrong("a class's name without '}'");
    name = pattern_.substr(at_, end - at_);
    at_ = end + 1;
  } else {
    const std::size_t begin = at_;
    next();
    name = pattern_.substr(begin, at_ - begin);
  }
  NamedClass named = named_class(name, flags_.unicode);
  if (!named.set) {
    const std::string shown = "the class \\p{" + std::string(name) + "}";
    return named.fault == PropertyFault::kUnsupported ? unsupported(shown)
                                                      : wrong(shown + " does not exist");
  }
  if (negated) named.set->complement();
  return *std::move(named.set);
}

Result<char32_t> Translator::hex_character(std::size_t digits) {
  std::uint32_t code = 0;
  const char* begin = pattern_.data() + at_;
  const char* end = begin + std::min(digits, rest().size());
  const auto parsed = std::from_chars(begin, end, code, 16);
  if (parsed.ec != std::errc() || parsed.ptr != begin + digits || code > kLastCode)
    return wrong("a hexadecimal code is wrong");
  at_ += digits;
  return static_cast<char32_t>(code);
}

// XXXX of \uXXXX, where two make a character beyond \uFFFF.
Result<char32_t> Translator::utf16_character() {
  TRY_ASSIGN(const char32_t unit, hex_character(4));
  if (!is_surrogate(unit)) return unit;
  if (unit < 0xDC00 && take("\\u")) {
    TRY_ASSIGN(const char32_t low, hex_character(4));
    if (low >= 0xDC00 && low <= 0xDFFF)
      return static_cast<char32_t>(0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00));
  }
  return unsupported("half of a surrogate pair");
}

// n, nn or mnn with m up to 3, behind \0.
Result<char32_t> Translator::octal_character() {
  const auto is_octal = [](char32_t c) { return c >= '0' && c <= '7'; };
  if (!is_octal(peek())) return wrong("\\0 without an octal number");
  const std::size_t most = peek() <= '3' ? 3 : 2;
  char32_t code = 0;
  for (std::size_t i = 0; i < most && is_octal(peek()); ++i) code = code * 8 + (next() - '0');
  return code;
}

Result<char32_t> Translator::escaped_character(char32_t letter) {
  switch (letter) {
    case 't':
      return U'\t';
    case 'n':
      return U'\n';
    case 'r':
      return U'\r';
    case 'f':
      return U'\f';
    case 'a':
      return U'\a';
    case 'e':
      return char32_t{0x1B};
    case 'c':
      if (at_end()) return wrong("\\c without a character");
      return next() ^ 64U;
    case 'u':
      return utf16_character();
    case '0':
      return octal_character();
    case 'N':
      return unsupported("\\N{...}");
    case 'x':
      break;
    default:
      if (is_letter(letter)) return wrong("an escape that does not exist");
      return letter;
  }
  if (!take("{")) return hex_character(2);
  const std::size_t end = pattern_.find('}', at_);
  if (end == std::string_view::npos) return wrong("\\x{ without '}'");
  TRY_ASSIGN(const char32_t code, hex_character(end - at_));
  ++at_;
  if (is_surrogate(code)) return unsupported("half of a surrogate pair");
  return code;
}

// --- classes: terms with && between, items in a term ---

Result<CharacterSet> Translator::char_class(int depth) {
  if (depth > kDeepest) return unsupported("a pattern nested more than 200 deep");
  const std::size_t begin = begin_;
  const bool negated = take("^");
  std::optional<CharacterSet> all;
  bool closed = false;
  bool first = true;
  while (!closed) {
    begin_ = begin;
    if (at_end()) return wrong("unclosed class");
    const std::size_t term = at_;
    TRY_ASSIGN(const CharacterSet set, class_term(closed, first, depth));
    first = false;
    const bool is_empty = at_ - term == (closed ? 1 : 2);  // "]" or "&&" only
    if (is_empty) continue;
    if (all) {
      all->intersect(set);
    } else {
      all = set;
    }
  }
  if (!all) return wrong("an empty class");
  if (negated) all->complement();
  return *std::move(all);
}

// Items up to "&&" or "]", which is read as well. A "]" that stands first is an item.
Result<CharacterSet> Translator::class_term(bool& closed, bool first, int depth) {
  CharacterSet set;
  for (;; first = false) {
    skip_comments();
    if (at_end()) return wrong("unclosed class");
    if (take("&&")) return set;
    if (!first && take("]")) {
      closed = true;
      return set;
    }
    TRY_ASSIGN(const CharacterSet item, class_item(depth));
    set.unite(item);
  }
}

Result<CharacterSet> Translator::class_item(int depth) {
  begin_ = at_;
  const auto character = [this](char32_t& c) -> Result<std::optional<CharacterSet>> {
    c = next();
    if (c != '\\') return std::optional<CharacterSet>();
    if (at_end()) return wrong("'\\' at the end");
    c = next();
    return class_escape(c);
  };
  if (take("[")) return char_class(depth + 1);
  if (take("\\Q")) {
    const std::size_t end = std::min(pattern_.find("\\E", at_), pattern_.size());
    CharacterSet quoted;
    while (at_ < end) {
      const char32_t c = next();
      quoted.unite(folded(CharacterSet::of(c, c)));
    }
    take("\\E");
    return quoted;
  }
  char32_t low = 0;
  TRY_ASSIGN(auto set, character(low));
  if (set) return *std::move(set);
  skip_comments();
  char32_t high = low;
  const bool is_range = rest().size() > 1 && pattern_[at_] == '-' && pattern_[at_ + 1] != ']' &&
                        pattern_[at_ + 1] != '[';
  if (is_range) {
    next();
    skip_comments();
    if (at_end()) return wrong("unclosed class");
    TRY_ASSIGN(const auto no_end, character(high));
    if (no_end || high < low) return wrong("an illegal range");
  }
  return folded(CharacterSet::of(low, high));
}

}  // namespace

Result<JavaPattern> translate_pattern(std::string_view pattern) {
  constexpr std::size_t kUnknown = SIZE_MAX;
  Translator first(pattern, kUnknown);
  auto translated = first.run();
  if (!translated.ok() || !first.refers_beyond()) return translated;
  return Translator(pattern, translated->groups).run();
}

std::string similar_as_java(std::string_view pattern, std::string_view escape) {
  std::string regex;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    const std::string_view rest = pattern.substr(at);
    if (!escape.empty() && rest.starts_with(escape) && rest.size() > escape.size()) {
      at += escape.size();
      const std::string_view literal = pattern.substr(at, character_length(pattern, at));
      regex.append("\\Q").append(literal).append("\\E");
      at += literal.size() - 1;
    } else if (in_class && rest.starts_with("[:") && rest.find(":]") != std::string_view::npos) {
      const std::size_t end = rest.find(":]");
      std::string name(rest.substr(2, end - 2));
      for (char& letter : name) letter = static_cast<char>(letter | 0x20);
      if (name == "whitespace") name = "space";
      if (!name.empty()) name[0] = static_cast<char>(name[0] & ~0x20);
      regex.append("\\p{").append(name).append("}");
      at += end + 1;
    } else if (in_class) {
      regex += c == '\\' || c == '[' || c == '&' ? "\\" + std::string(1, c) : std::string(1, c);
      in_class = c != ']';
    } else if (c == '%') {
      regex += "(?s:.*)";
    } else if (c == '_') {
      regex += '.';
    } else if (c == '$' || c == '\\') {
      regex.append("\\").append(1, c);
    } else {
      in_class = c == '[';
      regex += c;
    }
  }
  return regex;
}

}  // namespace slipstream::text
