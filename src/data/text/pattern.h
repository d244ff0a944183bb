// Compiled patterns: matched by RE2 in time linear to the text, or by PCRE2 with bounded effort
// when they need more than RE2 has.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::text {

enum class PatternKind : std::uint8_t { kJava, kSimilar };

// What PCRE2 may still do for one row, over all its searches: some tenths of a second, and more for
// a longer text.
class PatternEffort {
 public:
  explicit PatternEffort(std::string_view text) : steps_(kSteps + kStepsPerByte * text.size()) {}

  static constexpr std::uint64_t kSteps = 5'000'000;
  static constexpr std::uint64_t kStepsPerByte = 64;

 private:
  friend class Pattern;
  std::uint64_t steps_;
};

// One pattern, or what is wrong with it.
//
// Thread:  any number at a time.
// Bounds:  a search that needs more steps than its effort has left, or 16 MiB, is given up.
class Pattern {
 public:
  // `escape`: of kSimilar, may be empty.
  Pattern(PatternKind kind, std::string_view pattern, std::string_view escape);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // kInvalidArgument: wrong for Java too; kUnsupported: Java would run it. Names the pattern.
  const std::optional<Error>& fault() const { return fault_; }
  // REQUIRES (all below): !fault()
  std::size_t groups() const { return groups_; }
  bool runs_on_re2() const { return linear_ != nullptr; }

  enum class Outcome : std::uint8_t { kNoMatch, kMatch, kGivenUp };
  // The first match at or after `from`. `groups`: the match and its groups, as many as there is
  // room for; a group without a part in it has data() == nullptr.
  Outcome search(std::string_view text, std::size_t from, std::span<std::string_view> groups,
                 PatternEffort& effort) const;
  Outcome match_whole(std::string_view text) const;
  // Why a row fails with kGivenUp.
  std::string given_up() const;

 private:
  class Linear;
  class Backtracking;

  void compile(PatternKind kind, std::string_view escape);
  bool is_linear_for(std::string_view text) const;

  std::string source_;
  std::optional<Error> fault_;
  std::size_t groups_ = 0;
  bool ends_before_terminator_ = false;
  std::unique_ptr<Linear> linear_;              // null: RE2 cannot run it
  std::unique_ptr<Backtracking> backtracking_;  // null: not needed
};

// The patterns that come from columns, of all calls, jobs and threads of the process.
//
// Thread: any.
// Bounds: the last kMost patterns that were used; longer ones than kLongest are not kept.
class PatternCache {
 public:
  static PatternCache& shared();
  std::shared_ptr<const Pattern> get(PatternKind kind, std::string_view pattern,
                                     std::string_view escape);
  std::size_t size() const;

  static constexpr std::size_t kMost = 128;
  static constexpr std::size_t kLongest = 4096;

 private:
  class Entries;
  PatternCache();
  ~PatternCache();
  std::unique_ptr<Entries> entries_;
};

}  // namespace slipstream::text
