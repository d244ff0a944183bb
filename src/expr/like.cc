// text LIKE pattern [ESCAPE character]: % is any text, _ one character.
//
// A pattern is cut at its %: what stands before the first and after the last is anchored, the
// pieces between are searched from left to right. Without _ each step is a plain comparison or
// search of bytes.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/text/characters.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

// Text without %. `wildcards` has a mark per byte: that byte stands for any one character.
struct Segment {
  std::string bytes;
  std::vector<bool> wildcards;
  bool plain = true;
};

// Where `segment` ends when it matches at the start of `text`; npos when it does not.
std::size_t match_at(const Segment& segment, std::string_view text) {
  if (segment.plain)
    return text.starts_with(segment.bytes) ? segment.bytes.size() : std::string_view::npos;
  std::size_t at = 0;
  for (std::size_t i = 0; i < segment.bytes.size(); ++i) {
    if (at >= text.size()) return std::string_view::npos;
    if (segment.wildcards[i]) {
      at += text::character_length(text, at);
    } else if (text[at] == segment.bytes[i]) {
      ++at;
    } else {
      return std::string_view::npos;
    }
  }
  return at;
}

// The first match in `text`, cut off its front; false when there is none.
bool search(const Segment& segment, std::string_view& text) {
  if (segment.plain) {
    const std::size_t found = text.find(segment.bytes);
    if (found == std::string_view::npos) return false;
    text.remove_prefix(found + segment.bytes.size());
    return true;
  }
  for (std::size_t from = 0; from < text.size(); from += text::character_length(text, from)) {
    const std::size_t end = match_at(segment, text.substr(from));
    if (end == std::string_view::npos) continue;
    text.remove_prefix(from + end);
    return true;
  }
  return false;
}

bool match_end(const Segment& segment, std::string_view text) {
  if (segment.plain) return text.ends_with(segment.bytes);
  // Each unit of the segment is one character: step back as many.
  std::size_t characters = 0;
  for (std::size_t i = 0; i < segment.bytes.size(); ++i) {
    if (segment.wildcards[i] || !text::is_continuation(segment.bytes[i])) ++characters;
  }
  std::size_t from = text.size();
  while (characters > 0 && from > 0) {
    --from;
    if (!text::is_continuation(text[from])) --characters;
  }
  return characters == 0 && match_at(segment, text.substr(from)) == text.size() - from;
}

class LikePattern {
 public:
  // False for an escape character before anything but %, _ and itself.
  bool compile(std::string_view pattern, std::string_view escape) {
    source_ = pattern;
    segments_.assign(1, Segment{});
    for (std::size_t at = 0; at < pattern.size(); ++at) {
      const bool escaped = !escape.empty() && pattern.substr(at).starts_with(escape);
      if (escaped) {
        at += escape.size();
        const std::string_view rest = pattern.substr(std::min(at, pattern.size()));
        const bool valid =
            rest.starts_with('%') || rest.starts_with('_') || rest.starts_with(escape);
        if (!valid) return false;
        const std::size_t length =
            rest.starts_with('%') || rest.starts_with('_') ? 1 : escape.size();
        for (const char c : rest.substr(0, length)) add(c, false);
        at += length - 1;
      } else if (pattern[at] == '%') {
        segments_.emplace_back();
      } else {
        add(pattern[at], pattern[at] == '_');
      }
    }
    return true;
  }

  const std::string& source() const { return source_; }

  bool matches(std::string_view text) const {
    const Segment& first = segments_.front();
    const std::size_t head = match_at(first, text);
    if (head == std::string_view::npos) return false;
    if (segments_.size() == 1) return head == text.size();
    text.remove_prefix(head);
    for (std::size_t i = 1; i + 1 < segments_.size(); ++i) {
      if (!segments_[i].bytes.empty() && !search(segments_[i], text)) return false;
    }
    return match_end(segments_.back(), text);
  }

 private:
  void add(char c, bool wildcard) {
    Segment& segment = segments_.back();
    segment.bytes += c;
    segment.wildcards.push_back(wildcard);
    segment.plain = segment.plain && !wildcard;
  }

  std::string source_;
  std::vector<Segment> segments_;
};

// The pattern of the last row, and of all rows when it is a constant.
struct Memo {
  LikePattern pattern;
  bool valid = false;
  bool compiled = false;
};

std::string bad_escape(std::string_view pattern) {
  return "the escape character of pattern '" + std::string(pattern) +
         "' must stand before %, _ or itself";
}

Status check_like(std::span<const ColumnPtr> constants) {
  if (constants.size() < 3 || constants[2] == nullptr || constants[2]->is_null(0)) return {};
  const std::string_view escape = constants[2]->text(0);
  if (text::count_characters(escape) != 1)
    return Error{ErrorCode::kInvalidArgument, "ESCAPE must be one character"};
  if (constants[1] == nullptr || constants[1]->is_null(0)) return {};
  if (LikePattern().compile(constants[1]->text(0), escape)) return {};
  return Error{ErrorCode::kInvalidArgument, bad_escape(constants[1]->text(0))};
}

ColumnPtr like_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  if (ctx.memo() == nullptr) ctx.memo() = std::make_shared<Memo>();
  Memo& memo = *static_cast<Memo*>(ctx.memo().get());
  const bool constant = ctx.is_constant(1) && (args.size() < 3 || ctx.is_constant(2));
  BoolResult result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view escape = args.size() > 2 ? args[2]->text(row) : std::string_view();
    if (args.size() > 2 && text::count_characters(escape) != 1) {
      ctx.fail(row, "ESCAPE must be one character");
      return result.set_null(row);
    }
    if (!memo.compiled ||
        (!constant && (args.size() > 2 || args[1]->text(row) != memo.pattern.source()))) {
      memo.valid = memo.pattern.compile(args[1]->text(row), escape);
      memo.compiled = true;
    }
    if (!memo.valid) {
      ctx.fail(row, bad_escape(memo.pattern.source()));
      return result.set_null(row);
    }
    result.set(row, static_cast<std::uint8_t>(memo.pattern.matches(args[0]->text(row)) ? 1 : 0));
  });
  return result.finish();
}

}  // namespace

void add_like(Functions& out) {
  Function function;
  function.name = "LIKE";
  function.usage = "text LIKE pattern [ESCAPE character]";
  function.description = "Whether the whole text matches: % is any text, _ one character.";
  function.resolve = with_parameters("LIKE", function.usage,
                                     {.accepts = {Accepts::kText, Accepts::kText, Accepts::kText},
                                      .required = 2,
                                      .variadic = false,
                                      .result = Type::boolean()});
  function.kernel = like_kernel;
  function.check = check_like;
  out.push_back(std::move(function));
}

}  // namespace slipstream::expr
