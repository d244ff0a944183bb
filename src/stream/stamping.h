// Times and watermarks of a stream.
#pragma once

#include <memory>

#include "slipstream/stream/operator.h"

#include "flow/operator.h"
#include "stream/user_code_watch.h"

namespace slipstream::stream {

struct StampingSpec {
  erased::StamperSpec stamper;  // make null: rows have their times, splits say their watermarks
  std::shared_ptr<UserCodeWatch> watch;  // with a stamper
  std::size_t width = 0;                 // columns of the element
  std::int64_t empty_grace_ms = 1000;
  std::int64_t tick_ms = 200;
};

// Consumes split runs and events; puts the time column behind the element's; emits the watermark
// that all splits have reached. Watermarks from above are ignored, but for the end of input.
//
// State: the last watermark. After a restore every split starts at the least one of all former
// subtasks.
std::unique_ptr<flow::Operator> make_stamping(StampingSpec spec);

// Passes the columns `columns` of every batch on.
std::unique_ptr<flow::Operator> make_column_choice(std::vector<std::size_t> columns);

// The same, then column `time` (milliseconds) as TIMESTAMP_LTZ(3). An element without a time ends
// the job.
std::unique_ptr<flow::Operator> make_timed_columns(std::vector<std::size_t> columns,
                                                   std::size_t time);

}  // namespace slipstream::stream
