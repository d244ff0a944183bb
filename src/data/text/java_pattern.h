// Regular expressions as Java (java.util.regex, which Flink uses) understands them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::text {

// A pattern in a spelling that RE2 and PCRE2 share; what only one of them has is named below.
struct JavaPattern {
  std::string text;  // for PCRE2, which runs all of it
  // For RE2, unless `backtracks`: look-around, references, possessive and atomic groups, \G, \X,
  // (?m).
  std::string linear;
  bool backtracks = false;
  // Holds $ or \Z, which also match before a line terminator at the end of the text. `linear` says
  // "the end" instead: it is right for texts that do not end with a line terminator.
  bool ends_before_terminator = false;
  std::size_t groups = 0;
};

// Decided here: \b is ASCII's as in Java 19 and later (before, other letters were words only to
// \b); (?i) without u folds ASCII alone.
//
// Failure: kInvalidArgument: wrong for Java too. kUnsupported: Java runs it, this does not:
// \N{name}, \b{g}, \p{javaLowerCase}, rare blocks, halves of surrogate pairs.
Result<JavaPattern> translate_pattern(std::string_view pattern);

// SQL's SIMILAR TO pattern as one of Java: % and _ are wildcards; | * + ? { } ( ) [ ] keep their
// meaning, and so do . and ^, as in Flink. Names of classes may be in upper case: [[:ALPHA:]].
std::string similar_as_java(std::string_view pattern, std::string_view escape);

}  // namespace slipstream::text
