// Words of the dialect: which names need backquotes.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace slipstream::sql {

// True for a word that cannot be a bare name ("value", "timestamp", "order"), as in Flink.
// REQUIRES: `upper` is in upper case
bool is_reserved_word(std::string_view upper);

// All of them, in upper case and in byte order.
std::span<const std::string_view> reserved_words();

// True for a reserved word that only ever continues a statement (FROM, WHERE, THEN, ...), so that
// meeting it means that something before it is missing.
bool is_clause_word(std::string_view upper);

// ASCII letters in upper case; all else untouched.
std::string to_upper_ascii(std::string_view text);

// The name as SQL text: bare when it may be, else in backquotes.
std::string quote_name(std::string_view name);

// The text as a SQL string literal: 'it''s'.
std::string quote_string(std::string_view text);

}  // namespace slipstream::sql
