#include "flow/operators/window_times.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/try.h"

namespace slipstream::flow {

namespace {

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

}  // namespace

Type window_column_type(WindowColumn column, const Type& time_type) {
  if (column == WindowColumn::kTime) return Type(time_type.kind(), 3);
  return Type::timestamp(3);
}

Result<WindowTimes> WindowTimes::make(const WindowAssignment& window) {
  const bool tumbles = window.kind == WindowKind::kTumble;
  if (window.size_ms <= 0) {
    return Error{ErrorCode::kInvalidArgument, "the size of a window must be positive, it is " +
                                                  std::to_string(window.size_ms) + " ms"};
  }
  if (!tumbles && (window.slide_ms <= 0 || window.size_ms % window.slide_ms != 0)) {
    return Error{ErrorCode::kInvalidArgument, "the size of a HOP or CUMULATE window (" +
                                                  std::to_string(window.size_ms) +
                                                  " ms) must be a multiple of its slide or step (" +
                                                  std::to_string(window.slide_ms) + " ms)"};
  }
  WindowTimes times;
  times.window_ = window;
  times.pane_ms_ = tumbles ? window.size_ms : window.slide_ms;
  // Bounds in microseconds, with a day for time zones.
  constexpr std::int64_t kMostMs = std::numeric_limits<std::int64_t>::max() / 1000;
  constexpr std::int64_t kDayMs = 86'400'000;
  const std::int64_t offset_ms = std::min(kMostMs / 4, std::abs(window.offset_ms));
  times.most_ms_ = kMostMs - std::min(kMostMs / 4, window.size_ms) -
                   std::min(kMostMs / 4, times.pane_ms_) - offset_ms - kDayMs;
  times.local_ = window.time_type.kind() == TypeKind::kTimestampLtz;
  if (times.local_) {
    TRY_ASSIGN(times.zone_, TimeZone::from_name(window.time_zone));
  }
  return times;
}

Result<std::vector<std::int64_t>> WindowTimes::wall_ms(const Column& time) const {
  if (time.null_count() > 0) {
    return Error{ErrorCode::kDataError,
                 "the time column of a window is NULL in a row: filter such rows before"};
  }
  const std::int64_t* values = time.data<std::int64_t>();
  const std::int64_t units = time.type().units_per_second() / 1000;
  std::vector<std::int64_t> out(time.size());
  for (std::size_t row = 0; row < out.size(); ++row) {
    const std::int64_t ms =
        values[row] / units - static_cast<std::int64_t>(values[row] % units < 0);
    if (ms > most_ms_ || ms < -most_ms_) {
      return Error{ErrorCode::kDataError,
                   "the time column of a window holds a time that lies too far from 1970 (" +
                       std::to_string(ms) +
                       " ms) for the bounds of its windows: filter such rows "
                       "before"};
    }
    out[row] = local_ && !zone_.is_utc() ? zone_.to_local(ms, 1000) : ms;
  }
  return out;
}

TimeSpan WindowTimes::pane_of(std::int64_t wall_ms) const {
  const std::int64_t start = floor_to(wall_ms - window_.offset_ms, pane_ms_) + window_.offset_ms;
  return {start + pane_ms_, start};
}

std::vector<TimeSpan> WindowTimes::windows_of(const TimeSpan& pane) const {
  std::vector<TimeSpan> windows;
  switch (window_.kind) {
    case WindowKind::kTumble:
      windows.push_back(pane);
      break;
    case WindowKind::kHop:
      for (std::int64_t end = pane.end; end <= pane.start + window_.size_ms;
           end += window_.slide_ms) {
        windows.push_back({end, end - window_.size_ms});
      }
      break;
    case WindowKind::kCumulate: {
      const std::int64_t start =
          floor_to(pane.start - window_.offset_ms, window_.size_ms) + window_.offset_ms;
      for (std::int64_t end = pane.end; end <= start + window_.size_ms; end += window_.slide_ms) {
        windows.push_back({end, start});
      }
      break;
    }
  }
  return windows;
}

TimeSpan WindowTimes::last_window_of(const TimeSpan& pane) const {
  switch (window_.kind) {
    case WindowKind::kTumble:
      return pane;
    case WindowKind::kHop:
      return {pane.start + window_.size_ms, pane.start};
    case WindowKind::kCumulate:
      break;
  }
  const std::int64_t start =
      floor_to(pane.start - window_.offset_ms, window_.size_ms) + window_.offset_ms;
  return {start + window_.size_ms, start};
}

std::vector<TimeSpan> WindowTimes::panes_of(const TimeSpan& window) const {
  std::vector<TimeSpan> panes;
  for (std::int64_t start = window.start; start < window.end; start += pane_ms_) {
    panes.push_back({start + pane_ms_, start});
  }
  return panes;
}

EventTime WindowTimes::complete_at(const TimeSpan& window) const {
  const std::int64_t last = window.end - 1;
  if (!local_ || zone_.is_utc()) return last;
  const EventTime reading = zone_.from_local(last, 1000);
  const std::int64_t offset_after = zone_.offset_at((reading + 24 * 3'600'000) / 1000) * 1000;
  const EventTime other = last - offset_after;
  // Where clocks are set back the wall clock shows `last` twice: the window is open until the
  // second time.
  if (other > reading && zone_.to_local(other, 1000) == last) return other;
  if (other >= reading || zone_.to_local(reading, 1000) == last) return reading;
  // Where they are set forward it never shows `last`: the window ends with the last instant before
  // the change.
  EventTime before = other;
  EventTime after = reading;
  while (after - before > 1) {
    const EventTime middle = before + (after - before) / 2;
    (zone_.to_local(middle, 1000) <= last ? before : after) = middle;
  }
  return before;
}

ColumnPtr WindowTimes::column(WindowColumn column, const std::vector<TimeSpan>& windows) const {
  ColumnBuilder builder(window_column_type(column, window_.time_type));
  builder.reserve(windows.size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    std::int64_t ms = column == WindowColumn::kStart ? windows[i].start : windows[i].end;
    if (column == WindowColumn::kTime) {
      ms = windows[i].end - 1;
      if (local_ && !zone_.is_utc()) ms = zone_.from_local(ms, 1000);
    }
    builder.append<std::int64_t>(ms * 1000);
  }
  return builder.finish();
}

}  // namespace slipstream::flow
