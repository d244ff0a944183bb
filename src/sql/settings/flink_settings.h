// Keys that Flink's SET knows and this program does not need.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream::sql {

struct FlinkSetting {
  std::string_view key;  // ends with '.': all keys that begin so
  std::string_view note;
  // Not empty: the key means something that is said in another way here, so it is refused.
  std::string_view instead = {};
};

std::span<const FlinkSetting> flink_settings();
// nullptr when it is none.
const FlinkSetting* find_flink_setting(std::string_view key);
// For docs and `slipstream settings`: a table.
std::string to_markdown(std::span<const FlinkSetting> settings);

}  // namespace slipstream::sql
