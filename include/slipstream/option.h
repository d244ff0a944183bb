// One option of a table: a typed constant that says its name, its bounds and what it does.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace slipstream {

enum class OptionType : unsigned char { kString, kInt, kBool, kDouble, kDuration, kBytes, kEnum };

// Where an option means something; the other side takes no notice of it.
enum class OptionScope : unsigned char { kBoth, kSource, kSink };

struct OptionSpec {
  std::string name;  // kebab or the historical spelling: "nameServerAddress"
  OptionType type = OptionType::kString;
  std::string default_value = {};         // as text; empty = none
  std::string description = {};           // one sentence
  std::vector<std::string> aliases = {};  // other spellings with the same meaning
  // kEnum: what is allowed. Of a prefix: how the names end that begin with it, when that is known.
  std::vector<std::string> values = {};
  bool required = false;
  bool secret = false;  // never printed
  bool prefix = false;  // "fields." : any option that begins with name
  OptionScope scope = OptionScope::kBoth;
  // Inclusive, of kInt, kDuration (milliseconds) and kBytes.
  std::optional<std::int64_t> min = {};
  std::optional<std::int64_t> max = {};
  // kEnum: words of `values` that mean another one of them, which is kept in their place.
  std::map<std::string, std::string, std::less<>> synonyms = {};
};

// A value of kBytes.
struct ByteSize {
  std::int64_t bytes = 0;
  friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

// A word of an option that chooses one of a list. The first word of a value is its name, later ones
// are synonyms.
template <typename E>
struct OptionWord {
  std::string_view word;
  E value;
};

// What narrows the values of an option besides their type: nothing for most.
template <typename T>
struct OptionLimits {};
// An enum has its words only.
template <typename T>
requires std::is_enum_v<T>
struct OptionLimits<T> {
  std::span<const OptionWord<T>> words;
};
// Both inclusive.
template <typename T>
struct OptionBounds {
  std::optional<T> min = {};
  std::optional<T> max = {};
};
template <>
struct OptionLimits<std::int64_t> : OptionBounds<std::int64_t> {};
template <>
struct OptionLimits<std::chrono::milliseconds> : OptionBounds<std::chrono::milliseconds> {};
template <>
struct OptionLimits<ByteSize> : OptionBounds<ByteSize> {};

// T: std::string, std::int64_t, bool, double, std::chrono::milliseconds, ByteSize or an enum.
//
//   inline constexpr Option<std::chrono::milliseconds> kPullWait{
//       .name = "scan.pull.wait", .default_value = "15 s", .description = "...", .limits = {{1ms}}};
//
// Owner: nobody: a constant of the component that it belongs to. spec() is its line in the table;
// Options::operator[] gives the value.
template <typename T>
struct Option {
  std::string_view name;
  std::string_view default_value = {};  // as text; empty = none
  std::string_view description = {};    // one sentence
  OptionLimits<T> limits = {};
  std::array<std::string_view, 4> aliases = {};  // other spellings; empty ones are none
  OptionScope scope = OptionScope::kBoth;
  bool required = false;
  bool secret = false;  // never printed

  OptionSpec spec() const;
  // The same option under a longer name: "json." + name.
  OptionSpec spec(std::string_view prefix) const;
};

template <typename... T>
std::vector<OptionSpec> option_specs(const Option<T>&... options) {
  return {options.spec()...};
}

namespace option_details {

template <typename T>
constexpr OptionType type_of() {
  if constexpr (std::is_enum_v<T>) return OptionType::kEnum;
  if constexpr (std::is_same_v<T, std::int64_t>) return OptionType::kInt;
  if constexpr (std::is_same_v<T, bool>) return OptionType::kBool;
  if constexpr (std::is_same_v<T, double>) return OptionType::kDouble;
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) return OptionType::kDuration;
  if constexpr (std::is_same_v<T, ByteSize>) return OptionType::kBytes;
  return OptionType::kString;
}

inline std::int64_t number_of(std::int64_t value) { return value; }
inline std::int64_t number_of(std::chrono::milliseconds value) { return value.count(); }
inline std::int64_t number_of(ByteSize value) { return value.bytes; }

template <typename T>
void add_limits(const OptionLimits<T>& limits, OptionSpec& spec) {
  if constexpr (std::is_enum_v<T>) {
    for (const OptionWord<T>& each : limits.words) {
      for (const OptionWord<T>& first : limits.words) {
        if (first.value != each.value) continue;
        if (first.word != each.word) spec.synonyms.emplace(each.word, first.word);
        break;
      }
      spec.values.emplace_back(each.word);
    }
  } else if constexpr (!std::is_empty_v<OptionLimits<T>>) {
    if (limits.min) spec.min = number_of(*limits.min);
    if (limits.max) spec.max = number_of(*limits.max);
  }
}

}  // namespace option_details

template <typename T>
OptionSpec Option<T>::spec() const {
  return spec("");
}

template <typename T>
OptionSpec Option<T>::spec(std::string_view prefix) const {
  OptionSpec made;
  made.name = std::string(prefix) + std::string(name);
  made.type = option_details::type_of<T>();
  made.default_value = default_value;
  made.description = description;
  for (const std::string_view alias : aliases) {
    if (!alias.empty()) made.aliases.push_back(std::string(prefix) + std::string(alias));
  }
  made.required = required;
  made.secret = secret;
  made.scope = scope;
  option_details::add_limits(limits, made);
  return made;
}

}  // namespace slipstream
