// Functions that cut texts or look into them: results are views into the argument where they can
// be.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "data/text/characters.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/result_types.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

using Index = std::int64_t;

// --- TRIM ---

bool is_in(std::string_view characters, std::string_view character) {
  for (std::size_t at = 0; at < characters.size();) {
    const std::size_t length = text::character_length(characters, at);
    if (characters.substr(at, length) == character) return true;
    at += length;
  }
  return false;
}

std::string_view trimmed(std::string_view text, std::string_view characters, bool leading,
                         bool trailing) {
  while (leading && !text.empty()) {
    const std::size_t length = text::character_length(text, 0);
    if (!is_in(characters, text.substr(0, length))) break;
    text.remove_prefix(length);
  }
  while (trailing && !text.empty()) {
    std::size_t from = text.size() - 1;
    while (from > 0 && text::is_continuation(text[from])) --from;
    if (!is_in(characters, text.substr(from))) break;
    text = text.substr(0, from);
  }
  return text;
}

Kernel side_trim(bool leading, bool trailing) {
  return [=](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    TextResult result(type, ctx.rows());
    result.pin(*args[0]);
    each_complete_row(ctx, args, result, [&](std::size_t row) {
      const std::string_view characters =
          args.size() > 1 ? args[1]->text(row) : std::string_view(" ");
      result.set_view(row, trimmed(args[0]->text(row), characters, leading, trailing));
    });
    return result.finish();
  };
}

// TRIM(text), or TRIM(side, characters, text) as the parser writes TRIM(side characters FROM text).
ColumnPtr trim_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  if (args.size() == 1) return side_trim(true, true)(ctx, args, type);
  TextResult result(type, ctx.rows());
  result.pin(*args[2]);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view side = args[0]->text(row);
    result.set_view(row, trimmed(args[2]->text(row), args[1]->text(row), side != "TRAILING",
                                 side != "LEADING"));
  });
  return result.finish();
}

// --- SUBSTRING, LEFT, RIGHT ---

// Characters [from, from + count).
std::string_view characters(std::string_view text, std::size_t from, std::size_t count) {
  text.remove_prefix(text::character_position(text, from));
  return text.substr(0, text::character_position(text, count));
}

std::string_view substring(std::string_view text, Index position, Index length) {
  std::size_t from = 0;
  if (position > 0) {
    from = static_cast<std::size_t>(position - 1);
  } else if (position < 0) {
    const auto count = static_cast<Index>(text::count_characters(text));
    if (position < -count) return {};
    from = static_cast<std::size_t>(count + position);
  }
  return characters(text, from, static_cast<std::size_t>(length));
}

ColumnPtr substring_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  result.pin(*args[0]);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const Index length =
        args.size() > 2 ? args[2]->data<Index>()[row] : std::numeric_limits<Index>::max();
    if (length < 0) return result.set_null(row);
    result.set_view(row, substring(args[0]->text(row), args[1]->data<Index>()[row], length));
  });
  return result.finish();
}

template <bool kLeft>
ColumnPtr side_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  result.pin(*args[0]);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view text = args[0]->text(row);
    const Index count = args[1]->data<Index>()[row];
    if (count <= 0) return result.set(row, "");
    const auto wanted = static_cast<std::size_t>(count);
    if constexpr (kLeft) {
      result.set_view(row, characters(text, 0, wanted));
    } else {
      const std::size_t all = text::count_characters(text);
      result.set_view(row, wanted >= all ? text : characters(text, all - wanted, wanted));
    }
  });
  return result.finish();
}

// --- POSITION, LOCATE, INSTR ---

// The 1-based character position of `part` at or after character `from`; 0 = none.
// A position before the text is its beginning, and the empty part is found there, as in Flink.
std::int32_t position(std::string_view part, std::string_view text, Index from) {
  if (part.empty()) return 1;
  const std::size_t start =
      from < 1 ? 0 : text::character_position(text, static_cast<std::size_t>(from - 1));
  const std::size_t found = text.find(part, start);
  if (found == std::string_view::npos) return 0;
  return static_cast<std::int32_t>(text::count_characters(text.substr(0, found)) + 1);
}

Kernel position_kernel(std::size_t part, std::size_t text) {
  return [=](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    FixedResult<std::int32_t> result(type, ctx.rows());
    each_complete_row(ctx, args, result, [&](std::size_t row) {
      const Index from = args.size() > 2 ? args[2]->data<Index>()[row] : 1;
      result.set(row, position(args[part]->text(row), args[text]->text(row), from));
    });
    return result.finish();
  };
}

// The position of occurrence `nth` at or after character `from`; a negative `from` counts from the
// end and searches backwards. Occurrences may overlap. REQUIRES: nth >= 1
std::int32_t nth_position(std::string_view part, std::string_view text, Index from, Index nth) {
  if (part.empty()) return 1;
  if (from == 0) return 0;
  const bool forwards = from > 0;
  std::size_t at = 0;
  if (forwards) {
    at = text::character_position(text, static_cast<std::size_t>(from - 1));
  } else {
    const auto count = static_cast<Index>(text::count_characters(text));
    if (from < -count) return 0;
    at = text::character_position(text, static_cast<std::size_t>(count + from));
  }
  while (true) {
    const std::size_t found = forwards ? text.find(part, at) : text.rfind(part, at);
    if (found == std::string_view::npos) return 0;
    if (--nth == 0)
      return static_cast<std::int32_t>(text::count_characters(text.substr(0, found)) + 1);
    if (!forwards && found == 0) return 0;
    at = forwards ? found + 1 : found - 1;
  }
}

ColumnPtr instr_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<std::int32_t> result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const Index from = args.size() > 2 ? args[2]->data<Index>()[row] : 1;
    const Index nth = args.size() > 3 ? args[3]->data<Index>()[row] : 1;
    if (nth < 1) {
      ctx.fail(row, "the occurrence must be 1 or greater");
      return result.set_null(row);
    }
    result.set(row, nth_position(args[1]->text(row), args[0]->text(row), from, nth));
  });
  return result.finish();
}

// --- STARTSWITH, ENDSWITH ---

template <bool kStart>
ColumnPtr affix_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  BoolResult result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view value = args[0]->text(row);
    const std::string_view part = args[1]->text(row);
    result.set(row, kStart ? value.starts_with(part) : value.ends_with(part));
  });
  return result.finish();
}

// --- LPAD, RPAD, OVERLAY: they count as Java does, UTF-16 units ---

// Byte position after `units` UTF-16 units (a character is never split); nothing when the text is
// shorter.
std::optional<std::size_t> unit_position(std::string_view text, Index units) {
  std::size_t at = 0;
  while (units > 0) {
    if (at >= text.size()) return std::nullopt;
    const text::CodePoint point = text::code_point_at(text, at);
    units -= static_cast<Index>(text::utf16_units(point.value));
    if (units < 0) break;
    at = point.next;
  }
  return at;
}

Index count_units(std::string_view text) {
  Index units = 0;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint point = text::code_point_at(text, at);
    units += static_cast<Index>(text::utf16_units(point.value));
    at = point.next;
  }
  return units;
}

constexpr Index kLongestPadding = Index{16} << 20U;

template <bool kLeft>
ColumnPtr pad_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  std::string padding;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view text = args[0]->text(row);
    const Index length = args[1]->data<Index>()[row];
    const std::string_view with = args[2]->text(row);
    if (length < 0 || with.empty()) return result.set_null(row);
    if (length > kLongestPadding) {
      ctx.fail(row, "the length " + std::to_string(length) + " is beyond 16777216");
      return result.set_null(row);
    }
    const Index missing = length - count_units(text);
    if (missing <= 0)
      return result.set(row, text.substr(0, unit_position(text, length).value_or(text.size())));
    const Index with_units = count_units(with);
    padding.clear();
    Index left = missing;
    for (; left >= with_units; left -= with_units) padding += with;
    padding += with.substr(0, unit_position(with, left).value_or(with.size()));
    result.set(row, kLeft ? padding.append(text) : padding.insert(0, text));
  });
  return result.finish();
}

ColumnPtr overlay_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view text = args[0]->text(row);
    const std::string_view replacement = args[1]->text(row);
    const Index start = args[2]->data<Index>()[row];
    const Index all = count_units(text);
    if (start <= 0 || start > all) return result.set(row, text);
    const Index length = args.size() > 3 ? args[3]->data<Index>()[row] : count_units(replacement);
    scratch.assign(text.substr(0, unit_position(text, start - 1).value_or(text.size())));
    scratch += replacement;
    if (length > 0 && length <= all - start) {
      scratch += text.substr(unit_position(text, start - 1 + length).value_or(text.size()));
    }
    result.set(row, scratch);
  });
  return result.finish();
}

// --- SPLIT_INDEX ---

// Part number `index` (from 0) between separators; an empty separator stands for a blank.
std::optional<std::string_view> split_part(std::string_view text, std::string_view separator,
                                           Index index) {
  if (index < 0 || text.empty()) return std::nullopt;
  for (;; --index) {
    const std::size_t end =
        separator.empty() ? text.find_first_of(" \t\n\r\f\v") : text.find(separator);
    if (index == 0) return text.substr(0, end);
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + std::max<std::size_t>(1, separator.size()));
  }
}

ColumnPtr split_index_kernel(KernelContext& ctx, std::span<const ColumnPtr> args,
                             const Type& type) {
  TextResult result(type, ctx.rows());
  result.pin(*args[0]);
  const bool by_code = !args[1]->type().is_text();
  std::string code;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    std::string_view separator;
    if (by_code) {
      code.clear();
      const Index value = args[1]->data<Index>()[row];
      if (value < 0 || value > 255) return result.set_null(row);
      append_utf8(static_cast<char32_t>(value), code);
      separator = code;
    } else {
      separator = args[1]->text(row);
    }
    const auto part = split_part(args[0]->text(row), separator, args[2]->data<Index>()[row]);
    if (part) return result.set_view(row, *part);
    result.set_null(row);
  });
  return result.finish();
}

Parameters parameters(std::vector<Accepts> accepts, std::size_t required, const Type& result,
                      bool nullable = false) {
  return {.accepts = std::move(accepts),
          .required = required,
          .variadic = false,
          .result = result,
          .always_nullable = nullable};
}

constexpr Accepts kText = Accepts::kText;
constexpr Accepts kInteger = Accepts::kInteger;

void add_trims(Functions& out) {
  Function trim = ordinary("TRIM", "TRIM([BOTH | LEADING | TRAILING] [characters] FROM text)",
                           "Without the characters (blanks) at the ends.",
                           parameters({kText}, 1, Type::string()), trim_kernel);
  trim.resolve = [usage = trim.usage](std::span<const Type> args) {
    return with_parameters(
        "TRIM", usage,
        parameters({kText, kText, kText}, args.size() == 1 ? 1 : 3, Type::string()))(args);
  };
  out.push_back(with_result_type(
      std::move(trim), [](std::span<const Type> args) { return varchar_like(args.back()); }));
  const auto like_first = [](std::span<const Type> args) { return varchar_like(args[0]); };
  const Parameters sides = parameters({kText, kText}, 1, Type::string());
  out.push_back(with_result_type(
      ordinary("LTRIM", "LTRIM(text [, characters])", "Without the characters (blanks) in front.",
               sides, side_trim(true, false)),
      like_first));
  out.push_back(with_result_type(
      ordinary("RTRIM", "RTRIM(text [, characters])", "Without the characters (blanks) at the end.",
               sides, side_trim(false, true)),
      like_first));
  out.push_back(ordinary("BTRIM", "BTRIM(text [, characters])",
                         "Without the characters (blanks) at both ends.", sides,
                         side_trim(true, true)));
}

// Both arguments are texts, or both bytes.
Function affix(const std::string& name, const std::string& part, const std::string& description,
               Kernel kernel) {
  Function function = ordinary(name, name + "(text or bytes, " + part + ")", description,
                               parameters({kText, kText}, 2, Type::boolean()), std::move(kernel));
  function.resolve = [name, usage = function.usage](std::span<const Type> args) {
    const bool bytes =
        std::any_of(args.begin(), args.end(), [](const Type& arg) { return arg.is_binary(); });
    const Accepts each = bytes ? Accepts::kBytes : kText;
    return with_parameters(name, usage, parameters({each, each}, 2, Type::boolean()))(args);
  };
  return function;
}

}  // namespace

void add_text_parts(Functions& out) {
  add_trims(out);
  out.push_back(affix("STARTSWITH", "start", "Whether the first argument begins with the second.",
                      affix_kernel<true>));
  out.push_back(affix("ENDSWITH", "end", "Whether the first argument ends with the second.",
                      affix_kernel<false>));
  const auto like_first = [](std::span<const Type> args) { return varchar_like(args[0]); };
  for (const char* name : {"SUBSTRING", "SUBSTR"}) {
    out.push_back(with_result_type(
        ordinary(name, std::string(name) + "(text, from [, length])",
                 "Characters from a 1-based position; a negative one counts from the end.",
                 parameters({kText, kInteger, kInteger}, 2, Type::string(), true),
                 substring_kernel),
        like_first));
  }
  const Parameters side = parameters({kText, kInteger}, 2, Type::string(), true);
  out.push_back(with_result_type(
      ordinary("LEFT", "LEFT(text, count)", "The first characters.", side, side_kernel<true>),
      like_first));
  out.push_back(with_result_type(
      ordinary("RIGHT", "RIGHT(text, count)", "The last characters.", side, side_kernel<false>),
      like_first));
  const Parameters pad = parameters({kText, kInteger, kText}, 3, Type::string(), true);
  out.push_back(ordinary("LPAD", "LPAD(text, length, with)",
                         "Filled up in front, or cut, to a length.", pad, pad_kernel<true>));
  out.push_back(ordinary("RPAD", "RPAD(text, length, with)",
                         "Filled up behind, or cut, to a length.", pad, pad_kernel<false>));
  out.push_back(with_result_type(
      ordinary("OVERLAY", "OVERLAY(text PLACING replacement FROM start [FOR length])",
               "Part of a text replaced.",
               parameters({kText, kText, kInteger, kInteger}, 3, Type::string()), overlay_kernel),
      [](std::span<const Type> args) { return Type::varchar(joined_length(args[0], args[1])); }));
  const Parameters find = parameters({kText, kText, kInteger}, 2, Type::integer());
  out.push_back(ordinary("POSITION", "POSITION(part IN text)",
                         "1-based position of the first occurrence, 0 when none.",
                         parameters({kText, kText}, 2, Type::integer()), position_kernel(0, 1)));
  out.push_back(
      ordinary("LOCATE", "LOCATE(part, text [, from])",
               "1-based position of the first occurrence at or after `from`, 0 when none.", find,
               position_kernel(0, 1)));
  out.push_back(ordinary(
      "INSTR", "INSTR(text, part [, from [, occurrence]])",
      "1-based position of an occurrence, 0 when none; a negative `from` searches backwards from "
      "the end.",
      parameters({kText, kText, kInteger, kInteger}, 2, Type::integer()), instr_kernel));
  Function split =
      ordinary("SPLIT_INDEX", "SPLIT_INDEX(text, separator, index)",
               "Part number `index` (from 0) between separators; NULL when there is none.",
               parameters({kText, kText, kInteger}, 3, Type::string(), true), split_index_kernel);
  split.resolve = [usage = split.usage](std::span<const Type> args) {
    const Accepts separator = args.size() > 1 && args[1].is_integer() ? kInteger : kText;
    return with_parameters("SPLIT_INDEX", usage,
                           parameters({kText, separator, kInteger}, 3, Type::string(), true))(args);
  };
  out.push_back(std::move(split));
}

}  // namespace slipstream::expr
