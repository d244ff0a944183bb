// What travels between tasks, in order.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "flow/checkpoint/barrier.h"
#include "flow/operator.h"

namespace slipstream::flow {

struct Element {
  enum class Kind : std::uint8_t { kBatch, kWatermark, kIdle, kActive, kBarrier, kEnd };

  static Element of(Batch&& batch) {
    Element element;
    element.batch = std::move(batch);
    return element;
  }
  static Element of(SourceBatch&& batch) {
    Element element = of(std::move(batch.rows));
    element.runs = std::move(batch.runs);
    element.events = std::move(batch.events);
    element.from_source = true;
    return element;
  }
  static Element of(EventTime watermark, std::int64_t as_of_ms) {
    Element element;
    element.kind = Kind::kWatermark;
    element.watermark = watermark;
    element.moment_ms = as_of_ms;
    return element;
  }
  static Element idle(std::int64_t proven_ms) {
    Element element;
    element.kind = Kind::kIdle;
    element.moment_ms = proven_ms;
    return element;
  }
  static Element of(Barrier barrier) {
    Element element;
    element.kind = Kind::kBarrier;
    element.barrier = barrier;
    return element;
  }
  static Element of(Kind kind) {
    Element element;
    element.kind = kind;
    return element;
  }

  Kind kind = Kind::kBatch;
  std::uint32_t input = 0;  // of the receiving operator
  std::size_t bytes = 0;    // as charged by the queue it waits in
  EventTime watermark = kMinWatermark;
  // Of Clock::now_ms(). kWatermark: all rows that it follows from had been received by then. kIdle:
  // what comes from here later was written after it.
  std::int64_t moment_ms = 0;
  Barrier barrier;
  Batch batch;
  // kBatch between a source and what gives its rows event time.
  bool from_source = false;
  std::vector<SplitRun> runs;
  std::vector<SplitEvent> events;
};

}  // namespace slipstream::flow
