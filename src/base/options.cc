#include "slipstream/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/suggest.h"
#include "base/try.h"

namespace slipstream {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> real_number(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> truth(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true") return true;
  if (word == "false") return false;
  return std::nullopt;
}

// "12 unit" -> {12, "unit"}; none when it does not begin with digits.
struct Measure {
  std::int64_t amount;
  std::string unit;
};

std::optional<Measure> split_measure(std::string_view text) {
  text = trim(text);
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::int64_t> amount = whole_number(text.substr(0, end));
  if (!amount) return std::nullopt;
  return Measure{*amount, lower(trim(text.substr(end)))};
}

struct Unit {
  std::string_view name;
  std::int64_t size;
};

template <std::size_t N>
std::optional<std::int64_t> unit_size(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.size;
  }
  return std::nullopt;
}

constexpr std::array<Unit, 25> kDurationUnits = {{
    {"", 1'000'000},
    {"ns", 1},
    {"nano", 1},
    {"us", 1'000},
    {"µs", 1'000},
    {"micro", 1'000},
    {"ms", 1'000'000},
    {"milli", 1'000'000},
    {"millis", 1'000'000},
    {"millisecond", 1'000'000},
    {"milliseconds", 1'000'000},
    {"s", 1'000'000'000},
    {"sec", 1'000'000'000},
    {"secs", 1'000'000'000},
    {"second", 1'000'000'000},
    {"seconds", 1'000'000'000},
    {"m", 60'000'000'000},
    {"min", 60'000'000'000},
    {"minute", 60'000'000'000},
    {"minutes", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"hour", 3'600'000'000'000},
    {"hours", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
    {"day", 86'400'000'000'000},
}};
constexpr std::int64_t kDayNanos = 86'400'000'000'000;

constexpr std::int64_t kKilo = 1024;
constexpr std::array<Unit, 15> kByteUnits = {{
    {"", 1},
    {"b", 1},
    {"bytes", 1},
    {"k", kKilo},
    {"kb", kKilo},
    {"kibibytes", kKilo},
    {"m", kKilo* kKilo},
    {"mb", kKilo* kKilo},
    {"mebibytes", kKilo* kKilo},
    {"g", kKilo* kKilo* kKilo},
    {"gb", kKilo* kKilo* kKilo},
    {"gibibytes", kKilo* kKilo* kKilo},
    {"t", kKilo* kKilo* kKilo* kKilo},
    {"tb", kKilo* kKilo* kKilo* kKilo},
    {"tebibytes", kKilo* kKilo* kKilo* kKilo},
}};

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::kString:
      return "text";
    case OptionType::kInt:
      return "whole number";
    case OptionType::kBool:
      return "true or false";
    case OptionType::kDouble:
      return "number";
    case OptionType::kDuration:
      return "duration such as '10 s'";
    case OptionType::kBytes:
      return "size such as '64 mb'";
    case OptionType::kEnum:
      return "one of a list";
  }
  return "?";
}

std::string quoted_list(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    if (!text.empty()) text += ", ";
    text += "'" + value + "'";
  }
  return text;
}

// Milliseconds; with a minus sign, too.
std::optional<std::int64_t> signed_duration(std::string_view text) {
  text = trim(text);
  const bool negative = text.starts_with('-');
  const auto parsed = parse_duration(negative ? text.substr(1) : text);
  if (!parsed.ok()) return std::nullopt;
  return negative ? -parsed->count() : parsed->count();
}

// A duration is less than zero only where its bounds say so.
bool fits(const OptionSpec& spec, std::string_view text) {
  switch (spec.type) {
    case OptionType::kString:
    case OptionType::kEnum:
      return true;
    case OptionType::kInt:
      return whole_number(trim(text)).has_value();
    case OptionType::kBool:
      return truth(trim(text)).has_value();
    case OptionType::kDouble:
      return real_number(trim(text)).has_value();
    case OptionType::kDuration:
      return spec.min.value_or(0) < 0 ? signed_duration(text).has_value()
                                      : parse_duration(text).ok();
    case OptionType::kBytes:
      return parse_bytes(text).ok();
  }
  return false;
}

// In the largest unit that divides it.
template <std::size_t N>
std::string measure_text(std::int64_t amount, const std::array<Unit, N>& units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (amount != 0 && amount % unit.size == 0) best = &unit;
  }
  return std::to_string(amount / best->size) + " " + std::string(best->name);
}

constexpr std::array<Unit, 5> kShownDurations = {
    {{"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 5> kShownSizes = {{{"b", 1},
                                              {"kb", kKilo},
                                              {"mb", kKilo* kKilo},
                                              {"gb", kKilo* kKilo* kKilo},
                                              {"tb", kKilo* kKilo* kKilo* kKilo}}};

std::string shown_bound(OptionType type, std::int64_t bound) {
  if (type == OptionType::kDuration) return measure_text(bound, kShownDurations);
  if (type == OptionType::kBytes) return measure_text(bound, kShownSizes);
  return std::to_string(bound);
}

// "from 1 to 64", "at least 1 ms"; empty when there are none.
std::string bounds_text(const OptionSpec& spec) {
  if (spec.min && spec.max) {
    return "from " + shown_bound(spec.type, *spec.min) + " to " + shown_bound(spec.type, *spec.max);
  }
  if (spec.min) return "at least " + shown_bound(spec.type, *spec.min);
  return spec.max ? "at most " + shown_bound(spec.type, *spec.max) : std::string();
}

// REQUIRES: fits(spec, text).
bool within_bounds(const OptionSpec& spec, std::string_view text) {
  std::int64_t value = 0;
  if (spec.type == OptionType::kInt) value = whole_number(trim(text)).value_or(0);
  if (spec.type == OptionType::kDuration) value = signed_duration(text).value_or(0);
  if (spec.type == OptionType::kBytes) value = *parse_bytes(text);
  return (!spec.min || value >= *spec.min) && (!spec.max || value <= *spec.max);
}

// The value as it is kept (an enum in its own spelling), or what is wrong with it.
struct Checked {
  std::string value;
  std::string problem;
};

Checked check_value(const OptionSpec& spec, std::string_view given) {
  const std::string shown = spec.secret ? "the given value" : "'" + std::string(given) + "'";
  if (spec.type == OptionType::kEnum) {
    for (const std::string& value : spec.values) {
      if (lower(value) != lower(given)) continue;
      const auto synonym = spec.synonyms.find(value);
      return {synonym == spec.synonyms.end() ? value : synonym->second, ""};
    }
    std::string problem =
        "option '" + spec.name + "': " + shown + " is none of " + quoted_list(spec.values);
    problem += did_you_mean(given, spec.values);
    return {"", std::move(problem)};
  }
  if (!fits(spec, given)) {
    return {"",
            "option '" + spec.name + "': " + shown + " is no " + std::string(type_name(spec.type))};
  }
  if (!within_bounds(spec, given))
    return {"", "option '" + spec.name + "': " + shown + " must be " + bounds_text(spec)};
  if (spec.type == OptionType::kString) return {std::string(given), ""};
  return {std::string(trim(given)), ""};
}

}  // namespace

void Options::not_a_word(std::string_view name, std::string_view word) {
  const std::string what =
      "option '" + std::string(name) + "' has '" + std::string(word) + "', none of its words";
  internal::check_failed(what.c_str(), __FILE__, __LINE__);
}

const std::string& Options::text(std::string_view name) const {
  if (const auto found = given_.find(name); found != given_.end()) return found->second;
  const auto found = defaults_.find(name);
  CHECK(found != defaults_.end());
  return found->second;
}

bool Options::has(std::string_view name) const { return given_.find(name) != given_.end(); }

std::int64_t Options::integer(std::string_view name) const {
  return whole_number(text(name)).value_or(0);
}

bool Options::boolean(std::string_view name) const { return truth(text(name)).value_or(false); }

double Options::number(std::string_view name) const { return real_number(text(name)).value_or(0); }

std::chrono::milliseconds Options::duration(std::string_view name) const {
  return std::chrono::milliseconds(signed_duration(text(name)).value_or(0));
}

std::int64_t Options::bytes(std::string_view name) const {
  return parse_bytes(text(name)).value_or(0);
}

OptionMap Options::with_prefix(std::string_view prefix) const {
  OptionMap result;
  for (auto at = given_.lower_bound(prefix);
       at != given_.end() && at->first.compare(0, prefix.size(), prefix) == 0; ++at) {
    // A name that has a spec of its own is not one of the family.
    if (defaults_.find(at->first) == defaults_.end())
      result.emplace(at->first.substr(prefix.size()), at->second);
  }
  return result;
}

OptionTable::OptionTable(std::vector<OptionSpec> specs) : specs_(std::move(specs)) {
  for (const OptionSpec& spec : specs_) {
    if (spec.default_value.empty()) continue;
    const std::string problem = check_value(spec, spec.default_value).problem;
    if (!problem.empty())
      internal::check_failed(("default of " + problem).c_str(), __FILE__, __LINE__);
  }
}

OptionTable OptionTable::merged(const OptionTable& other, std::string_view prefix) const {
  OptionTable result = *this;
  for (OptionSpec spec : other.specs_) {
    spec.name.insert(0, prefix);
    for (std::string& alias : spec.aliases) alias.insert(0, prefix);
    result.specs_.push_back(std::move(spec));
  }
  return result;
}

const OptionSpec* OptionTable::find(std::string_view name) const {
  const OptionSpec* family = nullptr;
  for (const OptionSpec& spec : specs_) {
    if (!spec.prefix && spec.name == name) return &spec;
    if (std::find(spec.aliases.begin(), spec.aliases.end(), name) != spec.aliases.end())
      return &spec;
    const bool longer = family == nullptr || spec.name.size() > family->name.size();
    if (spec.prefix && longer && name.size() > spec.name.size() &&
        name.substr(0, spec.name.size()) == spec.name) {
      family = &spec;
    }
  }
  return family;
}

OptionMap OptionTable::without_other_side(OptionMap given, OptionScope side) const {
  std::erase_if(given, [&](const auto& option) {
    const OptionSpec* spec = find(option.first);
    return spec != nullptr && spec->scope != OptionScope::kBoth && spec->scope != side;
  });
  return given;
}

Result<Options> OptionTable::parse(const OptionMap& given, std::string_view what) const {
  Options options;
  std::vector<std::string> problems;
  std::vector<std::string> names;
  for (const OptionSpec& spec : specs_) {
    if (spec.prefix) continue;
    options.defaults_.emplace(spec.name, spec.default_value);
    names.push_back(spec.name);
    names.insert(names.end(), spec.aliases.begin(), spec.aliases.end());
  }
  for (const auto& [name, value] : given) {
    const OptionSpec* spec = find(name);
    if (spec == nullptr) {
      problems.push_back("unknown option '" + name + "'" + did_you_mean(name, names));
      continue;
    }
    Checked checked = check_value(*spec, value);
    if (!checked.problem.empty()) {
      problems.push_back(std::move(checked.problem));
      continue;
    }
    const std::string& key = spec->prefix ? name : spec->name;
    const auto inserted = options.given_.emplace(key, checked.value);
    if (!inserted.second && inserted.first->second != checked.value) {
      problems.push_back("option '" + key +
                         "' is given twice, under another name too, with different values");
    }
  }
  for (const OptionSpec& spec : specs_) {
    if (spec.required && !spec.prefix && !options.has(spec.name)) {
      problems.push_back("missing option '" + spec.name + "' (" + spec.description + ")");
    }
  }
  if (problems.empty()) return options;
  std::string message(what);
  message += ": ";
  for (std::size_t i = 0; i < problems.size(); ++i) message += (i == 0 ? "" : "; ") + problems[i];
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

std::string OptionTable::to_markdown() const {
  std::string text = "| option | type | default | meaning |\n|---|---|---|---|\n";
  for (const OptionSpec& spec : specs_) {
    text += "| `" + spec.name + (spec.prefix ? "*" : "") + "` | ";
    text += spec.type == OptionType::kEnum ? quoted_list(spec.values)
                                           : std::string(type_name(spec.type));
    if (const std::string bounds = bounds_text(spec); !bounds.empty()) text += ", " + bounds;
    text += " | ";
    if (spec.required) {
      text += "required";
    } else {
      text += spec.default_value.empty() ? "none" : "`" + spec.default_value + "`";
    }
    text += " | ";
    for (const char c : spec.description) text += c == '|' ? "\\|" : std::string(1, c);
    if (!spec.aliases.empty()) text += " Also: " + quoted_list(spec.aliases) + ".";
    text += " |\n";
  }
  return text;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::optional<Measure> measure = split_measure(text);
  std::optional<std::int64_t> unit;
  if (measure)
    unit = measure->unit == "days" ? kDayNanos : unit_size(kDurationUnits, measure->unit);
  if (!unit) {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + std::string(text) +
                     "' is no duration: write a number and ms, s, min, h or d, such as '10 s'"};
  }
  const std::int64_t per_milli = 1'000'000;
  if (*unit < per_milli) return std::chrono::milliseconds(measure->amount / (per_milli / *unit));
  const std::int64_t factor = *unit / per_milli;
  if (measure->amount > std::numeric_limits<std::int64_t>::max() / factor) {
    return Error{ErrorCode::kOutOfRange, "duration '" + std::string(text) + "' is too long"};
  }
  return std::chrono::milliseconds(measure->amount * factor);
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  const std::optional<Measure> measure = split_measure(text);
  const std::optional<std::int64_t> unit =
      measure ? unit_size(kByteUnits, measure->unit) : std::nullopt;
  if (!unit) {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + std::string(text) +
                     "' is no size: write a number and b, kb, mb, gb or tb, such as '64 mb'"};
  }
  if (measure->amount > std::numeric_limits<std::int64_t>::max() / *unit) {
    return Error{ErrorCode::kOutOfRange, "size '" + std::string(text) + "' is too large"};
  }
  return measure->amount * *unit;
}

}  // namespace slipstream
