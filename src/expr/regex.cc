// REGEXP, REGEXP_REPLACE, REGEXP_EXTRACT and SIMILAR TO.
//
// Patterns are Java's: data/text/java_pattern.h. A bad constant pattern is an error before the first row. Of
// patterns from a column one that is wrong gives FALSE or NULL, as in Flink (SIMILAR TO: a failure
// of the row); one that Java runs and we do not, and a search that is given up, fail the row.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/text/characters.h"
#include "data/text/pattern.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

using text::Pattern;
using text::PatternCache;
using text::PatternEffort;
using text::PatternKind;

namespace {

// The pattern of the last row. A constant belongs to the call alone, so that tasks share no state
// of RE2; others come from the shared cache.
class CallPattern {
 public:
  CallPattern(PatternKind kind, bool constant) : kind_(kind), constant_(constant) {}

  const Pattern& get(std::string_view pattern, std::string_view escape) {
    if (pattern_ != nullptr && pattern == source_ && escape == escape_) return *pattern_;
    source_ = pattern;
    escape_ = escape;
    pattern_ = constant_ ? std::make_shared<const Pattern>(kind_, pattern, escape)
                         : PatternCache::shared().get(kind_, pattern, escape);
    return *pattern_;
  }

 private:
  PatternKind kind_;
  bool constant_;
  std::string source_;
  std::string escape_;
  std::shared_ptr<const Pattern> pattern_;
};

CallPattern& call_pattern(KernelContext& ctx, PatternKind kind) {
  if (ctx.memo() == nullptr) ctx.memo() = std::make_shared<CallPattern>(kind, ctx.is_constant(1));
  return *static_cast<CallPattern*>(ctx.memo().get());
}

// Whether the row can be matched. If not, it fails unless the pattern is wrong for Java too.
bool is_usable(KernelContext& ctx, std::size_t row, const Pattern& pattern) {
  if (!pattern.fault()) return true;
  if (pattern.fault()->code != ErrorCode::kInvalidArgument) ctx.fail(row, pattern.fault()->message);
  return false;
}

bool is_given_up(KernelContext& ctx, std::size_t row, const Pattern& pattern,
                 Pattern::Outcome outcome) {
  if (outcome != Pattern::Outcome::kGivenUp) return false;
  ctx.fail(row, pattern.given_up());
  return true;
}

ColumnPtr regexp_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  BoolResult result(type, ctx.rows());
  CallPattern& patterns = call_pattern(ctx, PatternKind::kJava);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view source = args[1]->text(row);
    if (source.empty()) return;  // FALSE
    const Pattern& pattern = patterns.get(source, {});
    if (!is_usable(ctx, row, pattern)) return;
    const std::string_view text = args[0]->text(row);
    PatternEffort effort(text);
    const Pattern::Outcome outcome = pattern.search(text, 0, {}, effort);
    if (is_given_up(ctx, row, pattern, outcome)) return result.set_null(row);
    result.set(row, static_cast<std::uint8_t>(outcome == Pattern::Outcome::kMatch));
  });
  return result.finish();
}

ColumnPtr similar_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  BoolResult result(type, ctx.rows());
  CallPattern& patterns = call_pattern(ctx, PatternKind::kSimilar);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view escape = args.size() > 2 ? args[2]->text(row) : std::string_view();
    const Pattern& pattern = patterns.get(args[1]->text(row), escape);
    if (pattern.fault()) {
      ctx.fail(row, pattern.fault()->message);
      return result.set_null(row);
    }
    const Pattern::Outcome outcome = pattern.match_whole(args[0]->text(row));
    if (is_given_up(ctx, row, pattern, outcome)) return result.set_null(row);
    result.set(row, static_cast<std::uint8_t>(outcome == Pattern::Outcome::kMatch));
  });
  return result.finish();
}

// Every match replaced by the text, taken literally, $1 included. An empty match may follow a match
// directly, as in Java: 'aaa' with a* is replaced twice. False when a search was given up.
bool replace_matches(std::string_view text, const Pattern& pattern, std::string_view replacement,
                     std::string& out) {
  PatternEffort effort(text);
  std::size_t copied = 0;
  for (std::size_t from = 0; from <= text.size();) {
    std::string_view match;
    const Pattern::Outcome outcome = pattern.search(text, from, {&match, 1}, effort);
    if (outcome == Pattern::Outcome::kGivenUp) return false;
    if (outcome == Pattern::Outcome::kNoMatch) break;
    const auto begin = static_cast<std::size_t>(match.data() - text.data());
    const std::size_t end = begin + match.size();
    out.append(text.substr(copied, begin - copied)).append(replacement);
    copied = end;
    from = match.empty() ? end + (end < text.size() ? text::character_length(text, end) : 1) : end;
  }
  if (copied < text.size()) out.append(text.substr(copied));
  return true;
}

ColumnPtr replace_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  CallPattern& patterns = call_pattern(ctx, PatternKind::kJava);
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const Pattern& pattern = patterns.get(args[1]->text(row), {});
    if (!is_usable(ctx, row, pattern)) return result.set_null(row);
    scratch.clear();
    if (!replace_matches(args[0]->text(row), pattern, args[2]->text(row), scratch)) {
      ctx.fail(row, pattern.given_up());
      return result.set_null(row);
    }
    result.set(row, scratch);
  });
  return result.finish();
}

ColumnPtr extract_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  result.pin(*args[0]);
  CallPattern& patterns = call_pattern(ctx, PatternKind::kJava);
  std::vector<std::string_view> groups;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const Pattern& pattern = patterns.get(args[1]->text(row), {});
    if (!is_usable(ctx, row, pattern)) return result.set_null(row);
    const std::int64_t group = args.size() > 2 ? args[2]->data<std::int64_t>()[row] : 0;
    if (group < 0 || group > static_cast<std::int64_t>(pattern.groups()))
      return result.set_null(row);
    groups.resize(static_cast<std::size_t>(group) + 1);
    const std::string_view text = args[0]->text(row);
    PatternEffort effort(text);
    const Pattern::Outcome outcome = pattern.search(text, 0, groups, effort);
    const bool found = outcome == Pattern::Outcome::kMatch && groups.back().data() != nullptr;
    if (is_given_up(ctx, row, pattern, outcome) || !found) return result.set_null(row);
    result.set_view(row, groups.back());
  });
  return result.finish();
}

Status check_pattern(const ColumnPtr& pattern, std::string_view escape, PatternKind kind) {
  if (pattern == nullptr || pattern->is_null(0)) return {};
  const Pattern compiled(kind, pattern->text(0), escape);
  return compiled.fault() ? Status(*compiled.fault()) : Status();
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
    return check_pattern(constants[1], {}, PatternKind::kJava);
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
    if (constants.size() < 3) return check_pattern(constants[1], {}, PatternKind::kSimilar);
    if (constants[2] == nullptr || constants[2]->is_null(0)) return {};
    return check_pattern(constants[1], constants[2]->text(0), PatternKind::kSimilar);
  };
}

}  // namespace slipstream::expr
