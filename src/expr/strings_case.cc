// Functions that map characters: UPPER, LOWER, INITCAP, REVERSE, REPLACE, REPEAT, ASCII, CHR and
// lengths.
#include <cstdint>
#include <string>

#include "data/text/characters.h"
#include "expr/kernel.h"
#include "expr/letter_case.h"
#include "expr/registry.h"
#include "expr/result_types.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// The Greek sigma at the end of a word has a lower case of its own.
constexpr char32_t kSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kDottedI = 0x130;

bool ends_word(std::string_view text, std::size_t sigma, std::size_t next) {
  if (sigma == 0) return false;
  std::size_t before = sigma - 1;
  while (before > 0 && text::is_continuation(text[before])) --before;
  const bool letter_before = has_case(text::code_point_at(text, before).value);
  return letter_before && (next >= text.size() || !has_case(text::code_point_at(text, next).value));
}

void append_upper(char32_t letter, std::string& out) {
  if (letter < 0x80) {
    out += ascii_upper(static_cast<char>(letter));
    return;
  }
  const std::u32string_view several = upper_expansion(letter);
  for (const char32_t c : several) append_utf8(c, out);
  if (several.empty()) append_utf8(upper_letter(letter), out);
}

void append_lower(std::string_view text, std::size_t at, const text::CodePoint& point,
                  std::string& out) {
  if (point.value < 0x80) {
    out += ascii_lower(static_cast<char>(point.value));
  } else if (point.value == kSigma && ends_word(text, at, point.next)) {
    append_utf8(kFinalSigma, out);
  } else if (point.value == kDottedI) {
    out += "i\u0307";
  } else {
    append_utf8(lower_letter(point.value), out);
  }
}

template <bool kUpper>
ColumnPtr case_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view text = args[0]->text(row);
    scratch.clear();
    if (is_ascii(text)) {
      for (const char c : text) scratch += kUpper ? ascii_upper(c) : ascii_lower(c);
    } else {
      for (std::size_t at = 0; at < text.size();) {
        const text::CodePoint point = text::code_point_at(text, at);
        if constexpr (kUpper) {
          append_upper(point.value, scratch);
        } else {
          append_lower(text, at, point, scratch);
        }
        at = point.next;
      }
    }
    result.set(row, scratch);
  });
  return result.finish();
}

// Words are runs of ASCII letters and digits, as in Flink: é separates.
ColumnPtr initcap_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    scratch.clear();
    bool in_word = false;
    for (const char c : args[0]->text(row)) {
      scratch += in_word ? ascii_lower(c) : ascii_upper(c);
      in_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }
    result.set(row, scratch);
  });
  return result.finish();
}

ColumnPtr reverse_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view text = args[0]->text(row);
    char* const out = result.allocate(text.size());
    std::size_t end = text.size();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = text::character_length(text, at);
      end -= length;
      std::memcpy(out + end, text.data() + at, length);
      at += length;
    }
    result.set_view(row, std::string_view(out, text.size()));
  });
  return result.finish();
}

void replace_all(std::string_view text, std::string_view from, std::string_view to,
                 std::string& out) {
  std::size_t at = 0;
  if (from.empty()) {
    // As Java: between all characters and at both ends.
    while (at < text.size()) {
      const std::size_t length = text::character_length(text, at);
      out.append(to).append(text.substr(at, length));
      at += length;
    }
    out.append(to);
    return;
  }
  for (std::size_t found = text.find(from); found != std::string_view::npos;
       found = text.find(from, at)) {
    out.append(text.substr(at, found - at)).append(to);
    at = found + from.size();
  }
  out.append(text.substr(at));
}

ColumnPtr replace_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    scratch.clear();
    replace_all(args[0]->text(row), args[1]->text(row), args[2]->text(row), scratch);
    result.set(row, scratch);
  });
  return result.finish();
}

ColumnPtr repeat_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  // A bound for one value: a wrong count must not take the memory of the process.
  constexpr std::int64_t kLongest = std::int64_t{64} << 20U;
  TextResult result(type, ctx.rows());
  const auto* counts = args[1]->data<std::int64_t>();
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::string_view text = args[0]->text(row);
    if (counts[row] <= 0 || text.empty()) return result.set(row, "");
    if (counts[row] > kLongest / static_cast<std::int64_t>(text.size())) {
      ctx.fail(row, "the result would be longer than 64 MiB");
      return result.set_null(row);
    }
    const auto count = static_cast<std::size_t>(counts[row]);
    char* const out = result.allocate(text.size() * count);
    for (std::size_t i = 0; i < count; ++i)
      std::memcpy(out + i * text.size(), text.data(), text.size());
    result.set_view(row, std::string_view(out, text.size() * count));
  });
  return result.finish();
}

template <typename F>
Kernel to_integer(F f) {
  return [f](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    FixedResult<std::int32_t> result(type, ctx.rows());
    each_complete_row(ctx, args, result, [&](std::size_t row) {
      result.set(row, static_cast<std::int32_t>(f(args[0]->text(row))));
    });
    return result.finish();
  };
}

// The character of code modulo 256; a negative code gives the empty text.
ColumnPtr chr_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  const auto* codes = args[0]->data<std::int64_t>();
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    scratch.clear();
    if (codes[row] >= 0) append_utf8(static_cast<char32_t>(codes[row] & 0xFF), scratch);
    result.set(row, scratch);
  });
  return result.finish();
}

}  // namespace

void add_text_cases(Functions& out) {
  const Parameters text = {
      .accepts = {Accepts::kText}, .required = 1, .variadic = false, .result = Type::string()};
  Parameters length = text;
  length.result = Type::integer();
  Parameters bytes = length;
  bytes.accepts = {Accepts::kTextOrBytes};
  const auto same_type = [](std::span<const Type> args) { return args[0]; };
  out.push_back(with_result_type(
      ordinary("UPPER", "UPPER(text)", "Upper case.", text, case_kernel<true>), same_type));
  out.push_back(with_result_type(
      ordinary("LOWER", "LOWER(text)", "Lower case.", text, case_kernel<false>), same_type));
  out.push_back(with_result_type(
      ordinary("INITCAP", "INITCAP(text)",
               "First letter of each ASCII word upper case, the rest lower.", text, initcap_kernel),
      same_type));
  out.push_back(
      ordinary("REVERSE", "REVERSE(text)", "Characters in reverse order.", text, reverse_kernel));
  for (const char* name : {"CHAR_LENGTH", "CHARACTER_LENGTH"}) {
    out.push_back(ordinary(name, std::string(name) + "(text)",
                           "Number of characters (code points).", length,
                           to_integer(text::count_characters)));
  }
  out.push_back(ordinary("OCTET_LENGTH", "OCTET_LENGTH(text or bytes)", "Number of bytes (UTF-8).",
                         bytes, to_integer([](std::string_view value) { return value.size(); })));
  out.push_back(ordinary("ASCII", "ASCII(text)",
                         "Code of the first character when it is ASCII, 0 when there is none.",
                         length, to_integer([](std::string_view value) {
                           return value.empty() ? 0 : static_cast<signed char>(value[0]);
                         })));
  out.push_back(ordinary("REPLACE", "REPLACE(text, from, to)",
                         "Every occurrence of one text replaced by another.",
                         {.accepts = {Accepts::kText, Accepts::kText, Accepts::kText},
                          .required = 3,
                          .variadic = false,
                          .result = Type::string()},
                         replace_kernel));
  out.push_back(ordinary("REPEAT", "REPEAT(text, count)", "The text that many times.",
                         {.accepts = {Accepts::kText, Accepts::kInteger},
                          .required = 2,
                          .variadic = false,
                          .result = Type::string()},
                         repeat_kernel));
  out.push_back(ordinary(
      "CHR", "CHR(code)", "The character with that code, modulo 256.",
      {.accepts = {Accepts::kInteger}, .required = 1, .variadic = false, .result = Type::string()},
      chr_kernel));
}

}  // namespace slipstream::expr
