// What travels between tasks, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "flow/checkpoint/barrier.h"
#include "flow/operator.h"

namespace slipstream::flow {

// Nothing follows from this producer.
struct EndOfInput {};

struct Element {
  // SourceBatch: between a source and what gives its rows event time.
  std::variant<Batch, SourceBatch, TimeSignal, Barrier, EndOfInput> what;
  std::uint32_t input = 0;  // of the receiving operator
  std::size_t bytes = 0;    // as charged by the queue it waits in

  // Of either kind of batch; null for the others.
  Batch* rows() { return rows_of<Batch>(what); }
  const Batch* rows() const { return rows_of<const Batch>(what); }

 private:
  template <typename Rows, typename What>
  static Rows* rows_of(What& what) {
    if (Rows* batch = std::get_if<Batch>(&what)) return batch;
    auto* batch = std::get_if<SourceBatch>(&what);
    return batch == nullptr ? nullptr : &batch->rows;
  }
};

}  // namespace slipstream::flow
