// REGEXP, REGEXP_REPLACE, REGEXP_EXTRACT and SIMILAR TO.
//
// Patterns are Java's without look-around, back-references, possessive quantifiers and operations
// on sets; RE2 matches them in time linear to the text. A bad
// constant pattern is an error at compile time; a bad pattern in a row gives FALSE or NULL, as in
// Flink.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include <re2/re2.h>

#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"
#include "expr/utf8.h"

namespace slipstream::expr {

namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

// Java's names of character classes, \p{Alpha}, as those of POSIX.
std::string_view posix_class(std::string_view name) {
  struct Named {
    std::string_view java;
    std::string_view posix;
  };
  constexpr Named kClasses[] = {
      {"Alpha", "[:alpha:]"},   {"Digit", "[:digit:]"}, {"Alnum", "[:alnum:]"},
      {"Upper", "[:upper:]"},   {"Lower", "[:lower:]"}, {"Punct", "[:punct:]"},
      {"Graph", "[:graph:]"},   {"Print", "[:print:]"}, {"Blank", "[:blank:]"},
      {"XDigit", "[:xdigit:]"}, {"Space", "[:space:]"}, {"Cntrl", "[:cntrl:]"},
      {"ASCII", "[:ascii:]"}};
  for (const Named& named : kClasses) {
    if (named.java == name) return named.posix;
  }
  return {};
}

// A Java pattern as RE2 spells it. What RE2 would silently read in another way becomes a syntax
// that it refuses: sets in sets ([a-z&&[^b]]) and the flag U.
class JavaPattern {
 public:
  explicit JavaPattern(std::string_view pattern) : rest_(pattern) {}

  std::string translated() {
    while (!rest_.empty()) step();
    return std::move(out_);
  }

 private:
  void take(std::size_t count) {
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(std::min(count, rest_.size()));
  }

  void step() {
    if (rest_[0] == '\\') return escape();
    if (in_set_) return set_character();
    if (rest_[0] == '[') {
      in_set_ = true;
      take(rest_.starts_with("[^") ? 2 : 1);
      if (rest_.starts_with(']')) take(1);
      return;
    }
    if (rest_.starts_with("(?<") && rest_.size() > 3 && rest_[3] != '=' && rest_[3] != '!') {
      rest_.remove_prefix(3);
      out_ += "(?P<";
      return;
    }
    if (rest_.starts_with("(?U") || rest_.starts_with("(?-U")) {
      out_ += "(?refused";
      rest_.remove_prefix(3);
      return;
    }
    take(1);
  }

  void set_character() {
    if (rest_.starts_with("[:")) return take(std::min(rest_.find(":]"), rest_.size() - 2) + 2);
    if (rest_[0] == '[' || rest_.starts_with("&&")) {
      out_ += "[:set-operation:]";
      return take(rest_[0] == '[' ? 1 : 2);
    }
    in_set_ = rest_[0] != ']';
    take(1);
  }

  void escape() {
    if (rest_.starts_with("\\Q")) return take(std::min(rest_.find("\\E"), rest_.size() - 2) + 2);
    const std::size_t close = rest_.find('}');
    const bool named = rest_.starts_with("\\p{") || rest_.starts_with("\\P{");
    const std::string_view posix = named && close != std::string_view::npos
                                       ? posix_class(rest_.substr(3, close - 3))
                                       : std::string_view();
    if (posix.empty()) return take(2);
    std::string set(posix);
    if (rest_[1] == 'P') set.insert(2, "^");
    out_ += in_set_ ? set : "[" + set + "]";
    rest_.remove_prefix(close + 1);
  }

  std::string_view rest_;
  std::string out_;
  bool in_set_ = false;
};

std::unique_ptr<RE2> compile_pattern(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  return std::make_unique<RE2>(JavaPattern(pattern).translated(), options);
}

// "[:ALPHA:]" -> "[:alpha:]"
std::string class_name(std::string_view name) {
  std::string lower;
  for (const char c : name) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower == "[:whitespace:]" ? "[:space:]" : lower;
}

// SQL's pattern as a regular expression: % and _ are wildcards; | * + ? { } ( ) [ ] keep their
// meaning, and so do . and ^, as in Flink. Names of classes may be in upper case: [[:ALPHA:]].
std::string similar_to_regex(std::string_view pattern, std::string_view escape) {
  std::string regex;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (!escape.empty() && pattern.substr(at).starts_with(escape) &&
        at + escape.size() < pattern.size()) {
      at += escape.size();
      regex += RE2::QuoteMeta(piece(pattern.substr(at, 1)));
    } else if (in_class && pattern.substr(at).starts_with("[:") &&
               pattern.find(":]", at) != std::string_view::npos) {
      const std::size_t end = pattern.find(":]", at) + 2;
      regex += class_name(pattern.substr(at, end - at));
      at = end - 1;
    } else if (in_class) {
      regex += c == '\\' ? "\\\\" : std::string(1, c);
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

// Compiled patterns of one call: one for a constant, up to kMost for patterns from a column.
class Patterns {
 public:
  const RE2& get(std::string_view pattern, std::string_view escape, bool similar) {
    if (last_ != nullptr && pattern == last_pattern_ && escape == last_escape_) return *last_;
    last_pattern_ = pattern;
    last_escape_ = escape;
    std::string key = last_pattern_ + '\0' + last_escape_;
    auto found = compiled_.find(key);
    if (found == compiled_.end()) {
      if (compiled_.size() >= kMost) compiled_.clear();
      auto made = compile_pattern(similar ? similar_to_regex(pattern, escape) : last_pattern_);
      found = compiled_.emplace(std::move(key), std::move(made)).first;
    }
    last_ = found->second.get();
    return *last_;
  }

 private:
  static constexpr std::size_t kMost = 64;
  std::unordered_map<std::string, std::unique_ptr<RE2>> compiled_;
  std::string last_pattern_;
  std::string last_escape_;
  const RE2* last_ = nullptr;
};

Patterns& patterns(KernelContext& ctx) {
  if (ctx.memo() == nullptr) ctx.memo() = std::make_shared<Patterns>();
  return *static_cast<Patterns*>(ctx.memo().get());
}

ColumnPtr regexp_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  BoolResult result(type, ctx.rows());
  Patterns& cache = patterns(ctx);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view pattern = args[1]->text(row);
    if (pattern.empty()) return;  // FALSE
    const RE2& regex = cache.get(pattern, {}, false);
    result.set(row, static_cast<std::uint8_t>(regex.ok() &&
                                              RE2::PartialMatch(piece(args[0]->text(row)), regex)));
  });
  return result.finish();
}

ColumnPtr similar_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  BoolResult result(type, ctx.rows());
  Patterns& cache = patterns(ctx);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view escape = args.size() > 2 ? args[2]->text(row) : std::string_view();
    const RE2& regex = cache.get(args[1]->text(row), escape, true);
    if (!regex.ok()) {
      ctx.fail(row, "the pattern is wrong: " + regex.error());
      return result.set_null(row);
    }
    result.set(row, static_cast<std::uint8_t>(RE2::FullMatch(piece(args[0]->text(row)), regex)));
  });
  return result.finish();
}

// Every match replaced by the text, taken literally, $1 included. Unlike RE2's own replacement an
// empty match may follow a match directly, as in Java: 'aaa' with a* is replaced twice.
void replace_matches(std::string_view text, const RE2& regex, std::string_view replacement,
                     std::string& out) {
  std::size_t copied = 0;
  for (std::size_t from = 0; from <= text.size();) {
    re2::StringPiece match;
    if (!regex.Match(piece(text), from, text.size(), RE2::UNANCHORED, &match, 1)) break;
    const auto begin = static_cast<std::size_t>(match.data() - text.data());
    const std::size_t end = begin + match.size();
    out.append(text.substr(copied, begin - copied)).append(replacement);
    copied = end;
    from = match.empty() ? end + (end < text.size() ? character_length(text, end) : 1) : end;
  }
  if (copied < text.size()) out.append(text.substr(copied));
}

ColumnPtr replace_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  Patterns& cache = patterns(ctx);
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const RE2& regex = cache.get(args[1]->text(row), {}, false);
    if (!regex.ok()) return result.set_null(row);
    scratch.clear();
    replace_matches(args[0]->text(row), regex, args[2]->text(row), scratch);
    result.set(row, scratch);
  });
  return result.finish();
}

ColumnPtr extract_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  result.pin(*args[0]);
  Patterns& cache = patterns(ctx);
  std::vector<re2::StringPiece> groups;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const RE2& regex = cache.get(args[1]->text(row), {}, false);
    const std::int64_t group = args.size() > 2 ? args[2]->data<std::int64_t>()[row] : 0;
    if (!regex.ok() || group < 0 || group > regex.NumberOfCapturingGroups())
      return result.set_null(row);
    groups.resize(static_cast<std::size_t>(group) + 1);
    const std::string_view text = args[0]->text(row);
    const bool found = regex.Match(piece(text), 0, text.size(), RE2::UNANCHORED, groups.data(),
                                   static_cast<int>(groups.size()));
    if (!found || groups.back().data() == nullptr) return result.set_null(row);
    result.set_view(row, std::string_view(groups.back().data(), groups.back().size()));
  });
  return result.finish();
}

Status check_pattern(const ColumnPtr& pattern, std::string_view escape, bool similar) {
  if (pattern == nullptr || pattern->is_null(0)) return {};
  const std::string_view text = pattern->text(0);
  const auto regex = compile_pattern(similar ? similar_to_regex(text, escape) : std::string(text));
  if (regex->ok()) return {};
  return Error{ErrorCode::kInvalidArgument,
               "the pattern '" + std::string(text) + "' is wrong: " + regex->error() +
                   " (no look-around, back-references, possessive quantifiers or set operations)"};
}

Parameters texts(std::vector<Accepts> more, std::size_t required, const Type& result,
                 bool nullable) {
  more.insert(more.begin(), 2, Accepts::kText);
  return {.accepts = std::move(more),
          .required = required,
          .variadic = false,
          .result = result,
          .always_nullable = nullable};
}

}  // namespace

void add_regex(Functions& out) {
  const auto check = [](std::span<const ColumnPtr> constants) {
    return check_pattern(constants[1], {}, false);
  };
  out.push_back(ordinary("REGEXP", "REGEXP(text, pattern)",
                         "Whether the pattern matches anywhere in the text.",
                         texts({}, 2, Type::boolean(), false), regexp_kernel));
  out.back().check = check;
  out.push_back(ordinary("REGEXP_REPLACE", "REGEXP_REPLACE(text, pattern, replacement)",
                         "Every match replaced by a text, taken literally.",
                         texts({Accepts::kText}, 3, Type::string(), true), replace_kernel));
  out.back().check = check;
  out.push_back(ordinary("REGEXP_EXTRACT", "REGEXP_EXTRACT(text, pattern [, group])",
                         "The first match, or a group of it; NULL when there is none.",
                         texts({Accepts::kInteger}, 2, Type::string(), true), extract_kernel));
  out.back().check = check;
  out.push_back(ordinary(
      "SIMILAR TO", "text SIMILAR TO pattern [ESCAPE character]",
      "Whether the whole text matches: % and _ as in LIKE, | * + ? {} () [] as in patterns.",
      texts({Accepts::kText}, 2, Type::boolean(), false), similar_kernel));
  out.back().check = [](std::span<const ColumnPtr> constants) -> Status {
    if (constants.size() < 3) return check_pattern(constants[1], {}, true);
    if (constants[2] == nullptr || constants[2]->is_null(0)) return {};
    return check_pattern(constants[1], constants[2]->text(0), true);
  };
}

}  // namespace slipstream::expr
