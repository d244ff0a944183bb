#include "data/text/pattern.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <list>
#include <mutex>
#include <unordered_map>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <re2/re2.h>

#include "data/text/java_pattern.h"

namespace slipstream::text {

namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

std::string shown(std::string_view pattern) {
  constexpr std::size_t kMost = 200;
  return "the pattern '" + std::string(pattern.substr(0, kMost)) +
         (pattern.size() > kMost ? "...'" : "'");
}

// Whether $ could match in front of what the text ends with.
bool ends_with_terminator(std::string_view text) {
  return text.ends_with('\n') || text.ends_with('\r') || text.ends_with("\xC2\x85") ||
         text.ends_with("\xE2\x80\xA8") || text.ends_with("\xE2\x80\xA9");
}

}  // namespace

class Pattern::Linear {
 public:
  explicit Linear(const std::string& text) : re2_(piece(text), options()) {}

  bool ok() const { return re2_.ok(); }
  Outcome match(std::string_view text, std::size_t from, bool whole,
                std::span<std::string_view> groups) const {
    constexpr std::size_t kUsual = 4;
    re2::StringPiece few[kUsual];
    std::vector<re2::StringPiece> many(groups.size() > kUsual ? groups.size() : 0);
    re2::StringPiece* found = many.empty() ? few : many.data();
    if (!re2_.Match(piece(text), from, text.size(), whole ? RE2::ANCHOR_BOTH : RE2::UNANCHORED,
                    found, static_cast<int>(groups.size()))) {
      return Outcome::kNoMatch;
    }
    for (std::size_t i = 0; i < groups.size(); ++i)
      groups[i] = std::string_view(found[i].data(), found[i].size());
    return Outcome::kMatch;
  }

 private:
  static RE2::Options options() {
    constexpr std::int64_t kMostMemory = std::int64_t{4} << 20;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kMostMemory);
    return options;
  }

  RE2 re2_;
};

// PCRE2 counts its steps per place where a match may begin; a callout in front of every item of the
// pattern counts those of the whole search.
class Pattern::Backtracking {
 public:
  explicit Backtracking(const std::string& text) {
    PCRE2_SIZE at = 0;
    constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_AUTO_CALLOUT;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), kOptions,
                              &error_, &at, nullptr));
    if (code_ != nullptr) return;
    char message[256] = {};
    pcre2_get_error_message(error_, reinterpret_cast<PCRE2_UCHAR*>(message), sizeof message);
    problem_ = message;
  }

  const std::string& problem() const { return problem_; }  // empty: none
  bool lacks_property() const { return error_ == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY; }
  Outcome match(std::string_view text, std::size_t from, bool whole,
                std::span<std::string_view> groups, std::uint64_t& steps) const {
    const MatchData data(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    const MatchContext context(pcre2_match_context_create(nullptr));
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    pcre2_set_match_limit(context.get(), static_cast<std::uint32_t>(std::min(steps, kMost)));
    pcre2_set_depth_limit(context.get(), kDeepest);
    pcre2_set_heap_limit(context.get(), kMostKibibytes);
    pcre2_set_callout(context.get(), count_step, &steps);
    const int count =
        pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                    whole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0, data.get(), context.get());
    if (count == PCRE2_ERROR_NOMATCH) return Outcome::kNoMatch;
    if (count < 0) return Outcome::kGivenUp;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool set = i < static_cast<std::size_t>(count) && ends[2 * i] != PCRE2_UNSET;
      groups[i] =
          set ? text.substr(ends[2 * i], ends[2 * i + 1] - ends[2 * i]) : std::string_view();
    }
    return Outcome::kMatch;
  }

 private:
  static constexpr std::uint32_t kDeepest = 1'000'000;
  static constexpr std::uint32_t kMostKibibytes = 16 * 1024;

  static int count_step(pcre2_callout_block* /*block*/, void* left) {
    auto& steps = *static_cast<std::uint64_t*>(left);
    if (steps == 0) return PCRE2_ERROR_MATCHLIMIT;
    --steps;
    return 0;
  }

  template <auto kFree>
  struct Freed {
    template <typename T>
    void operator()(T* object) const {
      kFree(object);
    }
  };
  using MatchData = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>>;
  using MatchContext = std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>>;

  std::unique_ptr<pcre2_code, Freed<pcre2_code_free>> code_;
  int error_ = 0;
  std::string problem_;
};

Pattern::Pattern(PatternKind kind, std::string_view pattern, std::string_view escape)
    : source_(pattern) {
  compile(kind, escape);
}

Pattern::~Pattern() = default;

void Pattern::compile(PatternKind kind, std::string_view escape) {
  auto java =
      translate_pattern(kind == PatternKind::kSimilar ? similar_as_java(source_, escape) : source_);
  if (!java.ok()) {
    const bool wrong = java.error().code == ErrorCode::kInvalidArgument;
    fault_ = Error{java.error().code,
                   shown(source_) + (wrong ? " is wrong: " : ": ") + java.error().message};
    return;
  }
  groups_ = java->groups;
  ends_before_terminator_ = java->ends_before_terminator;
  if (!java->backtracks) {
    linear_ = std::make_unique<Linear>(java->linear);
    if (!linear_->ok()) linear_ = nullptr;
  }
  if (linear_ != nullptr && !ends_before_terminator_) return;
  backtracking_ = std::make_unique<Backtracking>(java->text);
  if (backtracking_->problem().empty()) return;
  if (backtracking_->lacks_property()) {
    fault_ = Error{ErrorCode::kInvalidArgument,
                   shown(source_) + " is wrong: a class \\p{...} does not exist"};
    return;
  }
  // What Java has and this engine has not: look-behind of varying length, great sizes.
  fault_ = Error{ErrorCode::kUnsupported,
                 shown(source_) + " is not supported: " + backtracking_->problem()};
}

bool Pattern::is_linear_for(std::string_view text) const {
  return linear_ != nullptr && !(ends_before_terminator_ && ends_with_terminator(text));
}

Pattern::Outcome Pattern::search(std::string_view text, std::size_t from,
                                 std::span<std::string_view> groups, PatternEffort& effort) const {
  return is_linear_for(text) ? linear_->match(text, from, false, groups)
                             : backtracking_->match(text, from, false, groups, effort.steps_);
}

Pattern::Outcome Pattern::match_whole(std::string_view text) const {
  PatternEffort effort(text);
  return is_linear_for(text) ? linear_->match(text, 0, true, {})
                             : backtracking_->match(text, 0, true, {}, effort.steps_);
}

std::string Pattern::given_up() const {
  return shown(source_) + " needs more than " + std::to_string(PatternEffort::kSteps) +
         " steps, or 16 MiB, for this text: write it without nested repetitions, look-around or "
         "references to groups";
}

// Least recently used last.
class PatternCache::Entries {
 public:
  struct Entry {
    std::string key;
    std::shared_ptr<const Pattern> pattern;
  };

  std::shared_ptr<const Pattern> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    used_.splice(used_.begin(), used_, found->second);
    return found->second->pattern;
  }

  void add(std::string key, std::shared_ptr<const Pattern> pattern) {
    const std::lock_guard lock(mutex_);
    if (places_.contains(key)) return;
    used_.push_front({std::move(key), std::move(pattern)});
    places_.emplace(used_.front().key, used_.begin());
    if (used_.size() <= kMost) return;
    places_.erase(used_.back().key);
    used_.pop_back();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return used_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::list<Entry> used_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
};

PatternCache::PatternCache() : entries_(std::make_unique<Entries>()) {}
PatternCache::~PatternCache() = default;

PatternCache& PatternCache::shared() {
  static PatternCache cache;
  return cache;
}

std::size_t PatternCache::size() const { return entries_->size(); }

std::shared_ptr<const Pattern> PatternCache::get(PatternKind kind, std::string_view pattern,
                                                 std::string_view escape) {
  std::string key;
  key += static_cast<char>(kind);
  key.append(escape).append(1, '\0').append(pattern);
  if (auto found = entries_->find(key)) return found;
  auto made = std::make_shared<const Pattern>(kind, pattern, escape);
  if (key.size() <= kLongest) entries_->add(std::move(key), made);
  return made;
}

}  // namespace slipstream::text
