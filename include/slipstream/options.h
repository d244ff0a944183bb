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
#include <vector>

#include "slipstream/status.h"

namespace slipstream {

enum class OptionType : unsigned char { kString, kInt, kBool, kDouble, kDuration, kBytes, kEnum };

struct OptionSpec {
  std::string name;  // kebab or the historical spelling: "nameServerAddress"
  OptionType type = OptionType::kString;
  std::string default_value = {};         // as text; empty = none
  std::string description = {};           // one sentence
  std::vector<std::string> aliases = {};  // other spellings with the same meaning
  std::vector<std::string> values = {};   // kEnum: what is allowed
  bool required = false;
  bool secret = false;  // never printed
  bool prefix = false;  // "fields." : any option that begins with name
};

using OptionMap = std::map<std::string, std::string, std::less<>>;

// Checked values of one table.
class Options {
 public:
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
  friend class OptionTable;
  OptionMap given_;
  OptionMap defaults_;
};

// The options that a connector or format knows; checks what a statement gives. Immutable once made.
// Thread: any.
class OptionTable {
 public:
  OptionTable() = default;
  explicit OptionTable(std::vector<OptionSpec> specs) : specs_(std::move(specs)) {}
  // This table's options and those of `other` (a connector with its format, each under `prefix`).
  OptionTable merged(const OptionTable& other, std::string_view prefix = "") const;

  const std::vector<OptionSpec>& specs() const { return specs_; }
  const OptionSpec* find(std::string_view name) const;  // by name or alias
  // Checks names, types, enum values, required options. Every problem is named in one error, with
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
