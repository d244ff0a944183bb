// Places outside of the process that sources read and sinks write.
#pragma once

#include <string>
#include <vector>

namespace slipstream {

// An optional part of a Source or a Sink: classes that have one derive from this too. What is
// written to a place comes out of every source of it, so a statement that does both never ends.
class Located {
 public:
  virtual ~Located() = default;
  // For people and to compare: equal texts are one place. Several when one place has several
  // addresses.
  virtual std::vector<std::string> places() const = 0;
};

}  // namespace slipstream
