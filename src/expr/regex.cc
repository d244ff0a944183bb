// REGEXP, REGEXP_REPLACE, REGEXP_EXTRACT and SIMILAR TO.
//
// Patterns are RE2's: Java's without look-around, back-references and possessive quantifiers. A bad
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

namespace slipstream::expr {

namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

std::unique_ptr<RE2> compile_pattern(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  return std::make_unique<RE2>(piece(pattern), options);
}

// SQL's pattern as a regular expression: % and _ are wildcards; | * + ? { } ( ) [ ] keep their
// meaning.
std::string similar_to_regex(std::string_view pattern, std::string_view escape) {
  std::string regex;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (!escape.empty() && pattern.substr(at).starts_with(escape) &&
        at + escape.size() < pattern.size()) {
      at += escape.size();
      regex += RE2::QuoteMeta(piece(pattern.substr(at, 1)));
    } else if (in_class) {
      regex += c == '\\' ? "\\\\" : std::string(1, c);
      in_class = c != ']' || pattern.substr(0, at).ends_with(":");
    } else if (c == '%') {
      regex += ".*";
    } else if (c == '_') {
      regex += '.';
    } else if (c == '.' || c == '$' || c == '^' || c == '\\') {
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

// The replacement is taken literally, $1 included.
std::string literal_rewrite(std::string_view replacement) {
  std::string rewrite;
  for (const char c : replacement) {
    if (c == '\\') rewrite += '\\';
    rewrite += c;
  }
  return rewrite;
}

ColumnPtr replace_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  Patterns& cache = patterns(ctx);
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const RE2& regex = cache.get(args[1]->text(row), {}, false);
    if (!regex.ok()) return result.set_null(row);
    scratch.assign(args[0]->text(row));
    RE2::GlobalReplace(&scratch, regex, literal_rewrite(args[2]->text(row)));
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
                   " (RE2 syntax: no look-around, no back-references)"};
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
