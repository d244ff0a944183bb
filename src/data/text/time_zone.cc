#include "data/text/time_zone.h"

#include <charconv>
#include <optional>

#include <absl/time/time.h>

#include "data/text/civil.h"

namespace slipstream {

namespace {

std::optional<int> two_digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.size() > 2 || value < 0)
    return std::nullopt;
  return value;
}

// "+08:00", "-3", "+0530" in seconds.
std::optional<std::int64_t> parse_offset(std::string_view text) {
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const std::int64_t sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  std::string_view minutes_text = "0";
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    minutes_text = text.substr(colon + 1);
    text = text.substr(0, colon);
  } else if (text.size() == 4) {
    minutes_text = text.substr(2);
    text = text.substr(0, 2);
  }
  const std::optional<int> hours = two_digits(text);
  const std::optional<int> minutes = two_digits(minutes_text);
  if (!hours || !minutes || *hours > 18 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

}  // namespace

struct TimeZone::Rules {
  absl::TimeZone zone;
};

TimeZone::TimeZone() = default;

Result<TimeZone> TimeZone::from_name(std::string_view name) {
  TimeZone zone;
  zone.name_ = std::string(name);
  std::string_view offset = name;
  for (const std::string_view prefix : {"UTC", "GMT", "UT"}) {
    if (name.substr(0, prefix.size()) != prefix) continue;
    offset = name.substr(prefix.size());
    break;
  }
  if (name == "Z" || offset.empty()) {
    if (name.empty())
      return Error{ErrorCode::kInvalidArgument,
                   "empty time zone: give a name such as 'UTC' or 'Asia/Shanghai'"};
    return zone;
  }
  if (const std::optional<std::int64_t> seconds = parse_offset(offset)) {
    zone.offset_seconds_ = *seconds;
    return zone;
  }
  absl::TimeZone loaded;
  if (!absl::LoadTimeZone(absl::string_view(name.data(), name.size()), &loaded)) {
    return Error{ErrorCode::kInvalidArgument,
                 "unknown time zone '" + std::string(name) +
                     "': give a name of the system's time zone database such as 'Asia/Shanghai', "
                     "or an offset such as '+08:00'"};
  }
  zone.rules_ = std::make_shared<const Rules>(Rules{loaded});
  return zone;
}

std::int64_t TimeZone::offset_at(std::int64_t utc_seconds) const {
  if (!rules_) return offset_seconds_;
  return rules_->zone.At(absl::FromUnixSeconds(utc_seconds)).offset;
}

std::int64_t TimeZone::offset_at_local(std::int64_t local_seconds) const {
  if (!rules_) return offset_seconds_;
  const absl::CivilSecond civil = absl::CivilSecond(1970, 1, 1) + local_seconds;
  return local_seconds - absl::ToUnixSeconds(rules_->zone.At(civil).pre);
}

std::int64_t TimeZone::to_local(std::int64_t value, std::int64_t units_per_second) const {
  if (is_utc()) return value;
  return value + offset_at(text::floor_div(value, units_per_second)) * units_per_second;
}

std::int64_t TimeZone::from_local(std::int64_t value, std::int64_t units_per_second) const {
  if (is_utc()) return value;
  return value - offset_at_local(text::floor_div(value, units_per_second)) * units_per_second;
}

}  // namespace slipstream
