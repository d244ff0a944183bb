// One operator of a chain with what waits in front of it.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "flow/operator.h"
#include "flow/row_audit.h"
#include "flow/runtime/element.h"
#include "flow/runtime/port.h"

namespace slipstream::flow {

// Owner: the task.
// Thread: task.
// Bounds: the inbox holds what the operator in front emitted in one call after this one answered
// kMore or ran out of room; that operator sees has_room() false from then on.
// Failure: kept in failure(); nothing is processed after it.
class Stage {
 public:
  // `waker` is null for operators that need no outside wake-up to resume.
  Stage(std::unique_ptr<Operator> op, std::string name, std::size_t inputs, const Waker* waker)
      : operator_(std::move(op)), name_(std::move(name)), waker_(waker), rows_in_(inputs) {}

  Port& port() { return port_; }
  Operator& op() { return *operator_; }

  // Processes it now when that is possible, else keeps it.
  void deliver(Element&& element);
  // Nothing waits here and the operator is done with all it got.
  bool quiet() const { return !pending_ && inbox_.empty(); }
  // What the operator in front sees as room.
  bool accepts() const { return failure_.ok() && quiet() && port_.has_room(); }
  // One step of what waits; false when there was nothing that could be done.
  bool step();
  // Waits for its waker, not for room. rows_in() and watermark(): any thread.
  bool waits_for_wake() const {
    return pending_ && waker_ != nullptr && waker_->count() == wakes_seen_;
  }

  void end_input(std::size_t input);
  void on_timer(std::int64_t wall_ms);

  void count_checksums();
  // All that it has counted.
  // Thread: task.
  NodeRows rows() const;

  const Status& failure() const { return failure_; }
  std::int64_t rows_in() const;
  EventTime watermark() const { return watermark_.load(std::memory_order_relaxed); }

 private:
  void process(Element&& element);
  void process(const TimeSignal& signal);
  void note(Result<Progress> progress);
  void mark_wakes() {
    if (waker_ != nullptr) wakes_seen_ = waker_->count();
  }

  std::unique_ptr<Operator> operator_;
  const std::string name_;
  const Waker* waker_;
  Port port_;
  std::deque<Element> inbox_;
  bool pending_ = false;
  std::uint64_t wakes_seen_ = 0;
  std::vector<std::atomic<std::int64_t>> rows_in_;  // of each input
  std::vector<RowTally> checksums_;                 // likewise; empty: not wanted
  std::atomic<EventTime> watermark_{kMinWatermark};
  Status failure_;
};

}  // namespace slipstream::flow
