// Sinks that users write. Sinks of the connector contract (slipstream/connector.h) can be used as
// they are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "slipstream/connector.h"
#include "slipstream/stream/functions.h"
#include "slipstream/stream/operator.h"

namespace slipstream::stream {

// Takes elements one by one; at least once. What it holds back it saves at a checkpoint: derive
// from Checkpointed too. A call may block; it holds one worker thread of the job while it does. A
// subclass is copied for every instance.
template <typename T>
class SinkFunction : public Function {
 public:
  using In = T;
  using Context = erased::CallContext;
  virtual void invoke(const T& element, Context& context) = 0;
  // At every checkpoint, before snapshot_state(): what is not made safe here must be in the state.
  virtual void flush() {}
  // All input has been seen.
  virtual void finish() { flush(); }
};

// Where an instance of a TwoPhaseSink stands.
struct TransactionContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  // Random, new at every start: makes names of transactions unique.
  std::uint64_t attempt_token = 0;
};

// Exactly once, by transactions: elements go into an open transaction, a checkpoint seals it, and
// it is committed once the checkpoint is durable - also by the next start, when this process dies
// in between. Needs a checkpoint directory. A subclass is copied for every instance and for the
// committer.
template <typename T>
class TwoPhaseSink {
 public:
  using In = T;
  virtual ~TwoPhaseSink() = default;
  virtual void open(const TransactionContext& context) { static_cast<void>(context); }
  virtual void invoke(const T& element) = 0;
  // Seals the open transaction so that nothing can lose it; the next invoke() begins another. Its
  // name, whatever commit() needs; empty = nothing was written.
  virtual std::string pre_commit() = 0;
  // Idempotent. An Error with `retryable` is tried again until it works.
  // Thread: the committer's.
  virtual Status commit(const std::string& transaction) = 0;
  // Transactions that were open when a former attempt ended are never named again: give them a
  // time-out of their own.
};

namespace erased {

// void f(const T&)
template <typename T, typename F>
class CallSink final : public SinkFunction<T> {
 public:
  explicit CallSink(F function) : function_(std::move(function)) {}
  void invoke(const T& element, CallContext&) override { function_(element); }

 private:
  F function_;
};

// One instance of a TwoPhaseSink without its type.
// Thread: task.
class SinkRun {
 public:
  virtual ~SinkRun() = default;
  virtual void write(const Batch& batch) = 0;
  virtual std::string pre_commit() = 0;
};
// A TwoPhaseSink without its type.
struct TwoPhaseSpec {
  Schema element;
  std::function<std::unique_ptr<SinkRun>(const TransactionContext&)> make_writer;
  std::function<std::function<Status(const std::string&)>()> make_committer;
};
std::shared_ptr<Sink> make_two_phase_sink(StreamPlan& plan, TwoPhaseSpec spec);

// Rows into elements.
template <typename F>
class TypedSinkRun final : public SinkRun {
 public:
  TypedSinkRun(const F& function, const TransactionContext& context) : function_(function) {
    function_.open(context);
  }
  void write(const Batch& batch) override {
    struct Columns {
      const Batch& batch;
      const Column& operator[](std::size_t index) const { return *batch.column(index); }
    };
    for (std::size_t row = 0; row < batch.rows(); ++row)
      function_.invoke(RowOf<typename F::In>::read(Columns{batch}, row));
  }
  std::string pre_commit() override { return function_.pre_commit(); }

 private:
  F function_;
};

template <typename F>
TwoPhaseSpec two_phase_spec(F function) {
  TwoPhaseSpec spec;
  spec.element = RowOf<typename F::In>::schema();
  spec.make_writer = [function](const TransactionContext& context) -> std::unique_ptr<SinkRun> {
    return std::make_unique<TypedSinkRun<F>>(function, context);
  };
  spec.make_committer = [function] {
    const auto own = std::make_shared<F>(function);
    return [own](const std::string& transaction) { return own->commit(transaction); };
  };
  return spec;
}

}  // namespace erased

}  // namespace slipstream::stream
