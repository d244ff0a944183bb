// Which settings there are and what they take, whoever gives one: SET and RESET of a script, --set,
// a request.
#pragma once

#include <string>
#include <string_view>

namespace slipstream::sql {

struct CheckedSetting {
  std::string option;     // what it sets, by the name it has here; empty: nothing
  std::string note;       // then: what to say about a key of Flink that has no effect here
  std::string problem;    // it is refused
  std::string fix;        // of the problem; may be empty
  bool of_value = false;  // the problem lies in the value, else in the key

  bool ok() const { return problem.empty(); }
};

CheckedSetting check_setting(std::string_view key);
CheckedSetting check_setting(std::string_view key, std::string_view value);

}  // namespace slipstream::sql
