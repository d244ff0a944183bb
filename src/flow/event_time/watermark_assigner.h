// Event time of a source: watermarks per split, minimum over splits.
#pragma once

#include <cstdint>
#include <memory>

#include "expr/expr.h"
#include "expr/function.h"
#include "flow/operator.h"

namespace slipstream::flow {

struct WatermarkAssignerSpec {
  std::size_t time_column = 0;  // rowtime: TIMESTAMP or TIMESTAMP_LTZ; NULL in it is an error
  expr::ExprPtr watermark;  // over the input, TIMESTAMP or TIMESTAMP_LTZ; NULL in it is passed over
  // A split with nothing to read is left out of the minimum only after it was empty for so long.
  std::int64_t empty_grace_ms = 1000;
  // Event time is what MetadataRole::kIngestionTime says: the peer's clock at a proof of emptiness
  // is the split's watermark.
  bool ingestion_time = false;
  // > 0: a split that gave neither row nor proof for so long is left out (unreachable broker). 0:
  // it holds.
  std::int64_t idle_timeout_ms = 0;
  // > 0: splits more than this ahead of the slowest are to be paused.
  std::int64_t max_drift_ms = 0;
  expr::EvalContext eval;
};

// Stands directly behind a source (or behind a projection of it), consumes split runs and split
// events, emits batches without them and ascending watermarks after the batch that proved them.
// Watermarks from above are ignored, but for kMaxWatermark, the end of input. Gives the source
// its read order and the splits to pause, when they change.
//
// State: the last emitted watermark. After a restore every split starts at the least one of all
// former subtasks.
// Bounds: memory grows with (splits of the subtask)^2 / 8 KiB per 32 splits.
std::unique_ptr<Operator> make_watermark_assigner(WatermarkAssignerSpec spec);

}  // namespace slipstream::flow
