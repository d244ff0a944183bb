// Conditions on elements of maps, for sources that can leave rows out by them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slipstream {

// A condition on the texts that a map of one row holds. A key that the map does not have is NULL, and
// whatever compares with NULL does not hold.
struct ElementCondition {
  enum class Kind : std::uint8_t {
    kAnd,         // of all `operands`
    kOr,          // of any of them
    kEqualsAny,   // the element equals one of `texts`
    kEqualsNone,  // it is not NULL, and equals none of them
    kIsNull,
    kIsNotNull,
  };
  Kind kind = Kind::kIsNull;
  std::vector<ElementCondition> operands{};  // kAnd, kOr

  std::string column{};  // MAP of texts: a physical column's name, or a metadata key
  bool is_metadata = false;
  std::string key{};
  std::vector<std::string> texts{};  // of any length, without NULL
};

// What a Source is besides when it can leave out rows for which such a condition does not hold.
// Thread: coordinator; before an enumerator or a reader is made.
class NarrowedByElements {
 public:
  virtual ~NarrowedByElements() = default;
  // All conditions hold for every row that is used, and are checked again behind the source: it may
  // leave out rows for which one does not hold, as many or as few as it likes, and no others.
  virtual void narrow(const std::vector<ElementCondition>& conditions) = 0;
};

}  // namespace slipstream
