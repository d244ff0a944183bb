// Option tables: the one definition of what a component can be told.
//
// From a table come parsing, "did you mean", `slipstream connectors NAME`, the option tables of
// docs/, and the refusal of unknown options.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slipstream/option.h"
#include "slipstream/status.h"

namespace slipstream {

using OptionMap = std::map<std::string, std::string, std::less<>>;

// Checked values of one table.
class Options {
 public:
  // The value as given, or the default. REQUIRES: the option is in the table, and is given or has a
  // default. Text: a reference that lives as long as this.
  template <typename T>
  decltype(auto) operator[](const Option<T>& option) const {
    return value(option, option.name);
  }
  // Nothing when it is neither given nor has a default.
  template <typename T>
  std::optional<T> find(const Option<T>& option) const {
    if (text(option.name).empty() && !has(option.name)) return std::nullopt;
    return value(option, option.name);
  }
  // An option that is in the table under a longer name.
  template <typename T>
  decltype(auto) under(std::string_view prefix, const Option<T>& option) const {
    return value(option, std::string(prefix) + std::string(option.name));
  }
  template <typename T>
  bool has(const Option<T>& option) const {
    return has(option.name);
  }

  // REQUIRES: `name` is in the table. The text as given, or the default; empty when neither.
  const std::string& text(std::string_view name) const;
  bool has(std::string_view name) const;  // given by the user
  std::int64_t integer(std::string_view name) const;
  bool boolean(std::string_view name) const;
  double number(std::string_view name) const;
  std::chrono::milliseconds duration(std::string_view name) const;
  std::int64_t bytes(std::string_view name) const;
  // Options of a `prefix` spec: rest of the name -> text.
  OptionMap with_prefix(std::string_view prefix) const;

 private:
  // Ends the program: the table has another option of that name, or neither value nor default.
  [[noreturn]] static void not_a_word(std::string_view name, std::string_view word);

  template <typename T>
  decltype(auto) value(const Option<T>& option, std::string_view name) const {
    if constexpr (std::is_same_v<T, std::string>) {
      return text(name);
    } else if constexpr (std::is_enum_v<T>) {
      const std::string& word = text(name);
      for (const OptionWord<T>& each : option.limits.words) {
        if (each.word == word) return T(each.value);
      }
      not_a_word(name, word);
    } else if constexpr (std::is_same_v<T, ByteSize>) {
      return ByteSize{bytes(name)};
    } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
      return duration(name);
    } else if constexpr (std::is_same_v<T, bool>) {
      return boolean(name);
    } else if constexpr (std::is_same_v<T, double>) {
      return number(name);
    } else {
      return integer(name);
    }
  }

  friend class OptionTable;
  OptionMap given_;
  OptionMap defaults_;
};

// The options that a connector or format knows; checks what a statement gives. Immutable once made.
// Thread: any.
class OptionTable {
 public:
  OptionTable() = default;
  // REQUIRES: every default is a value that its option takes.
  explicit OptionTable(std::vector<OptionSpec> specs);
  // This table's options and those of `other` (a connector with its format, each under `prefix`).
  OptionTable merged(const OptionTable& other, std::string_view prefix = "") const;

  const std::vector<OptionSpec>& specs() const { return specs_; }
  const OptionSpec* find(std::string_view name) const;  // by name or alias
  // `given` without what means nothing on this side, kSource or kSink, of a table.
  OptionMap without_other_side(OptionMap given, OptionScope side) const;
  // Checks names, types, bounds, enum values, required options. Every problem is named in one error, with
  // the nearest name for an unknown one. `what` is the subject: "table 'orders'".
  Result<Options> parse(const OptionMap& given, std::string_view what) const;
  std::string to_markdown() const;

 private:
  std::vector<OptionSpec> specs_;
};

// "500 ms", "10 s", "1 min", "2h", "1 d": Flink's duration texts; a bare number is milliseconds.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "64 mb", "4kb", "1024": bytes.
Result<std::int64_t> parse_bytes(std::string_view text);

}  // namespace slipstream
