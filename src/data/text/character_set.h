// Sets of characters, as the classes of regular expressions name them.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace slipstream::text {

// Some characters: ranges and Unicode properties, or what only look-ahead can say of them
// ("letters that are not Greek").
class CharacterSet {
 public:
  static CharacterSet of(char32_t first, char32_t last);
  static CharacterSet of(std::vector<std::pair<char32_t, char32_t>> ranges);
  // "\p{Han}" or "\P{L}"
  static CharacterSet property(std::string spelled);

  void unite(const CharacterSet& other);
  void intersect(const CharacterSet& other);
  void complement();
  // With each ASCII letter its other case.
  void fold_ascii();
  void fold_unicode() { fold_unicode_ = true; }

  // Whether only an engine with look-ahead can match it.
  bool needs_look_ahead() const { return look_ahead_; }
  // A pattern that matches one character of the set.
  std::string text() const;

 private:
  bool is_ranges() const { return properties_.empty() && other_.empty() && !fold_unicode_; }
  void normalise();

  std::vector<std::pair<char32_t, char32_t>> ranges_;  // ascending, apart
  std::vector<std::string> properties_;
  bool negated_ = false;  // of properties_ and ranges_
  bool fold_unicode_ = false;
  std::string other_;  // instead of all the above
  bool look_ahead_ = false;
};

}  // namespace slipstream::text
