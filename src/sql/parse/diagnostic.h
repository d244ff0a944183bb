// Errors in SQL text: where, why, and what to write instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream::sql {

// A stretch of SQL text. Lines and columns start at 1; a column is a code point, as editors count.
// `offset` and `length` are bytes of UTF-8. line == 0: no place in a text (a node made by the
// engine).
struct SourceSpan {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;

  std::uint32_t end() const { return offset + length; }
};

// From the start of `first` to the end of `last`.
// REQUIRES: both are of one text and last.end() >= first.offset
SourceSpan join(const SourceSpan& first, const SourceSpan& last);

// One error: cause in `message`, what to do about it in `fix` (may be empty). Neither ends in a
// newline.
struct Diagnostic {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t length = 0;  // bytes to underline, from the start; clipped to the line
  std::string message;
  std::string fix;

  static Diagnostic at(const SourceSpan& span, std::string message, std::string fix = {});
};

// In order of place; equal places keep their order.
void sort_by_place(std::vector<Diagnostic>& diagnostics);

// For a terminal, ending in a newline:
//   job.sql:3:11: error: unknown column 'dataa'
//     3 | SELECT a, dataa FROM t
//       |           ^~~~~
//     fix: did you mean 'data'?
// The caret stands under its character in terminals that draw East Asian wide characters two cells
// wide. A long line is cut around the place. A place outside the text shows the first line only.
std::string render_diagnostic(std::string_view source, std::string_view file_name,
                              const Diagnostic& diagnostic);

}  // namespace slipstream::sql
