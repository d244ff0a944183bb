// A stable hash of a list of values: identity that outlives a program's version. Never change.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream {

class Digest {
 public:
  Digest& add(std::string_view text);
  Digest& add(std::uint64_t number);
  // As a set: their order and repetitions do not count.
  Digest& add_set(std::vector<std::uint64_t> numbers);
  std::uint64_t value() const;  // XXH3-64 of all that was added, in order, each with its length

 private:
  std::string bytes_;
};

// 16 digits.
std::string hex_text(std::uint64_t value);

}  // namespace slipstream
