// Time zones by name or offset.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream {

// A zone and its clock changes. A value: cheap to copy.
//
// Thread: any.
class TimeZone {
 public:
  TimeZone();  // UTC
  static TimeZone utc() { return {}; }
  // "UTC", "Asia/Shanghai", "+08:00", "GMT+8", "UTC-03:30", "Z".
  static Result<TimeZone> from_name(std::string_view name);

  const std::string& name() const { return name_; }
  bool is_utc() const { return rules_ == nullptr && offset_seconds_ == 0; }
  // What the wall clock is ahead of UTC at this instant.
  std::int64_t offset_at(std::int64_t utc_seconds) const;
  // The same for a wall-clock reading (seconds as if UTC). As Java: in a gap and in an overlap the
  // offset before the change counts.
  std::int64_t offset_at_local(std::int64_t local_seconds) const;

  // Timestamps of `units_per_second`, shifted from UTC to the wall clock and back.
  std::int64_t to_local(std::int64_t value, std::int64_t units_per_second) const;
  std::int64_t from_local(std::int64_t value, std::int64_t units_per_second) const;

 private:
  struct Rules;
  std::string name_ = "UTC";
  std::int64_t offset_seconds_ = 0;  // when there are no rules
  std::shared_ptr<const Rules> rules_;
};

}  // namespace slipstream
