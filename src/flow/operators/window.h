// Time windows: how rows are assigned, and the operators over them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/types.h"

#include "flow/operator.h"
#include "flow/operators/aggregate_call.h"

namespace slipstream::flow {

enum class WindowKind : std::uint8_t { kTumble, kHop, kCumulate };
enum class WindowColumn : std::uint8_t { kStart, kEnd, kTime };

// window_start and window_end are TIMESTAMP(3): for TIMESTAMP_LTZ the wall clock of the session
// zone, whose days may have 23 hours. window_time is the last millisecond of the window, of the
// rowtime's kind with precision 3.
struct WindowAssignment {
  WindowKind kind = WindowKind::kTumble;
  std::size_t time_column = 0;  // rowtime: TIMESTAMP or TIMESTAMP_LTZ
  Type time_type;               // its type
  std::int64_t size_ms = 0;
  std::int64_t slide_ms = 0;  // kHop: slide, divides the size; kCumulate: step, divides the size
  std::int64_t offset_ms = 0;
  std::string time_zone = "UTC";  // session zone, for TIMESTAMP_LTZ
};

// Type of a window column for a rowtime of `time_type`.
Type window_column_type(WindowColumn column, const Type& time_type);

// The table function: appends window_start, window_end, window_time to every row, once per window
// that the row is in. Stateless: late rows pass.
struct WindowAssignSpec {
  WindowAssignment window;
};
std::unique_ptr<Operator> make_window_assign(WindowAssignSpec spec);

// GROUP BY window, keys: one row per window and group, emitted when the watermark passes the
// window's end.
//
// Output: keys, results of `calls`, `outputs` (window columns). Side output 1: late rows as they
// came in, when `emit_late`. Late = every window of the row has fired; such rows are counted in the
// metric late_rows. Input may be updating; retractions for windows that fired are dropped with the
// late rows.
struct WindowAggregateSpec {
  WindowAssignment window;
  // Set when the input has window columns already (a filter or projection stands between the table
  // function and GROUP BY): rows belong to the window they name, `window` is used for time_type and
  // time_zone only.
  struct Attached {
    std::size_t start_column = 0;  // TIMESTAMP(3)
    std::size_t end_column = 0;
  };
  std::optional<Attached> attached;
  Schema input;
  std::vector<std::size_t> keys;
  std::vector<AggregateCallSpec> calls;
  std::vector<WindowColumn> outputs;
  bool emit_late = false;
  bool updating_input = false;  // -U and -D may come
};
// Place it behind an exchange by `keys` (no keys: one subtask). State per window and key; dropped
// with the window.
std::unique_ptr<Operator> make_window_aggregate(WindowAggregateSpec spec);
StateSchema state_schema(const WindowAggregateSpec& spec);

}  // namespace slipstream::flow
