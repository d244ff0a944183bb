// Which windows a time is in, and when they are complete. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "data/text/time_zone.h"
#include "flow/operator.h"
#include "flow/operators/window.h"

namespace slipstream::flow {

// [start, end) in milliseconds of the wall clock: UTC for TIMESTAMP, the session zone for
// TIMESTAMP_LTZ. Ordered by end: the order in which windows fire.
struct TimeSpan {
  std::int64_t end = 0;
  std::int64_t start = 0;
  friend auto operator<=>(const TimeSpan&, const TimeSpan&) = default;
};

// Rows are kept once, in panes that no window boundary cuts: the window itself (TUMBLE), the slide
// (HOP), the step (CUMULATE).
//
// Thread: any, after make().
class WindowTimes {
 public:
  // kInvalidArgument for sizes that are not positive or not divided by the slide or step.
  static Result<WindowTimes> make(const WindowAssignment& window);

  // Milliseconds of the wall clock of every row of the rowtime column. kDataError for NULL, and for
  // a time whose windows no TIMESTAMP(3) can name.
  Result<std::vector<std::int64_t>> wall_ms(const Column& time) const;
  TimeSpan pane_of(std::int64_t wall_ms) const;
  std::vector<TimeSpan> windows_of(const TimeSpan& pane) const;  // ascending by end
  TimeSpan last_window_of(const TimeSpan& pane) const;
  std::vector<TimeSpan> panes_of(const TimeSpan& window) const;
  // The watermark at which nothing of the window can be missing: the last millisecond that reads as
  // inside of it.
  EventTime complete_at(const TimeSpan& window) const;
  // Column of one window column for `rows` equal windows or one window per row.
  ColumnPtr column(WindowColumn column, const std::vector<TimeSpan>& windows) const;

 private:
  WindowAssignment window_;
  TimeZone zone_;
  std::int64_t pane_ms_ = 1;
  bool local_ = false;        // TIMESTAMP_LTZ
  std::int64_t most_ms_ = 0;  // least and greatest time that windows are made for
};

}  // namespace slipstream::flow
