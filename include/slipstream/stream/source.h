// Sources that users write: one thread that emits (SourceFunction), or splits that are read in
// parallel and rewound (SplitSource). Sources of the connector contract (slipstream/connector.h)
// can be used as they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/stream/functions.h"
#include "slipstream/stream/operator.h"

namespace slipstream::stream {

namespace erased {

// Between the thread of a SourceFunction and its task. Implemented by the library.
class SourceChannel {
 public:
  virtual ~SourceChannel() = default;
  // Waits for room, then keeps checkpoints out until unlock(). Nests.
  virtual void lock() = 0;
  virtual void unlock() = 0;
  virtual RowWriter& rows() = 0;  // REQUIRES: locked, as all below
  virtual void watermark(Timestamp time) = 0;
  virtual void idle() = 0;
  virtual bool running() const = 0;  // Thread: any, without lock
  virtual OperatorRuntime* runtime() = 0;
};

// A user's source function without its type.
// Thread: run() its own; cancel() task; the rest under the lock.
class SourceRun {
 public:
  virtual ~SourceRun() = default;
  virtual void run(SourceChannel& channel) = 0;
  virtual void cancel() = 0;
  virtual std::string snapshot() = 0;
  virtual void restore(std::string_view state) = 0;
};
using MakeSourceRun = std::function<std::unique_ptr<SourceRun>()>;
std::shared_ptr<Source> make_function_source(StreamPlan& plan, std::string name, Schema element,
                                             bool bounded, MakeSourceRun make);

// One split being read, without its type.
// Thread: task.
class SplitCursor {
 public:
  virtual ~SplitCursor() = default;
  enum class Poll : std::uint8_t { kMore, kLater, kEnd };
  struct PollOutput {  // where a poll puts what it finds
    RowWriter& rows;
    std::optional<Timestamp> watermark;
  };
  virtual Poll poll(PollOutput& output, std::size_t wanted) = 0;
  virtual std::string position() const = 0;
};
// A SplitSource without its type.
struct SplitSourceSpec {
  std::string name;
  Schema element;
  bool bounded = true;
  std::chrono::milliseconds discovery_interval{0};
  std::function<std::vector<Split>()> discover;
  std::function<std::unique_ptr<SplitCursor>(const Split&)> open;
};
std::shared_ptr<Source> make_split_source(StreamPlan& plan, SplitSourceSpec spec);

// Rows that are there already.
std::shared_ptr<Source> make_batches_source(std::string name, Schema element,
                                            std::vector<Batch> batches);

}  // namespace erased

// What a SourceFunction emits with.
// Thread: the one of run().
template <typename T>
class SourceContext {
 public:
  explicit SourceContext(erased::SourceChannel& channel) : channel_(channel) {}

  // False once the source is to end.
  bool is_running() const { return channel_.running(); }

  // While it lives no checkpoint is taken: what is emitted under it and the changes of the
  // function's own state belong together. Waits while the job cannot take more.
  class Lock {
   public:
    explicit Lock(erased::SourceChannel& channel) : channel_(channel) { channel_.lock(); }
    ~Lock() { channel_.unlock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    erased::SourceChannel& channel_;
  };
  Lock checkpoint_lock() { return Lock(channel_); }

  void collect(const T& element) { collect_with_timestamp(element, kNoTimestamp); }
  void collect_with_timestamp(const T& element, Timestamp time) {
    const Lock lock(channel_);
    erased::RowWriter& rows = channel_.rows();
    RowOf<T>::append(rows, element);
    rows.set_time(RowOf<T>::kWidth, time);
    rows.end_row();
  }
  // No element with a time up to `time` will come.
  void emit_watermark(Timestamp time) {
    const Lock lock(channel_);
    channel_.watermark(time);
  }
  // Until the next element or watermark this source does not hold event time back.
  void mark_as_temporarily_idle() {
    const Lock lock(channel_);
    channel_.idle();
  }

 private:
  erased::SourceChannel& channel_;
};

// One instance, one thread of its own; parallelism 1.
//
// run() emits until it has no more (the source ends) or is_running() is false. cancel() is called
// from another thread: it must make run() return soon. snapshot_state() is called under the
// checkpoint lock. At a restart restore_state() comes before run(). A subclass is copied.
template <typename T>
class SourceFunction {
 public:
  using Out = T;
  virtual ~SourceFunction() = default;
  virtual void run(SourceContext<T>& context) = 0;
  virtual void cancel() {}
  virtual std::string snapshot_state() { return {}; }
  virtual void restore_state(std::string_view state) { static_cast<void>(state); }
  virtual bool bounded() const { return false; }
};

// Where a split's elements go.
template <typename T>
class SplitOutput {
 public:
  SplitOutput(erased::SplitCursor::PollOutput& output, std::size_t wanted)
      : output_(output), wanted_(wanted) {}
  // As many elements are welcome in this call.
  std::size_t wanted() const { return wanted_; }
  void collect(const T& element, Timestamp time = kNoTimestamp) {
    RowOf<T>::append(output_.rows, element);
    output_.rows.set_time(RowOf<T>::kWidth, time);
    output_.rows.end_row();
  }
  // Of this split, behind what was collected.
  void emit_watermark(Timestamp time) { output_.watermark = time; }

 private:
  erased::SplitCursor::PollOutput& output_;
  std::size_t wanted_;
};

// Reads one split, from the position it was opened at.
// Thread: task; must not block for long.
template <typename T>
class SplitReader {
 public:
  using Poll = erased::SplitCursor::Poll;
  virtual ~SplitReader() = default;
  // kMore: ask again; kLater: nothing now, ask again in a while; kEnd: the split has no more.
  virtual Poll poll(SplitOutput<T>& out) = 0;
  // Where to go on behind what was collected so far: the state of a Split.
  virtual std::string position() const = 0;
};

// Splits that are dealt out to the parallel instances, each read in order and rewound to its saved
// position at a restart. A subclass is copied.
// Thread: discover() coordinator, open() task.
template <typename T>
class SplitSource {
 public:
  using Out = T;
  virtual ~SplitSource() = default;
  // All splits that are there now, with the positions to begin at. Called again every
  // discovery_interval(): new ids are read too.
  virtual std::vector<Split> discover() = 0;
  virtual std::unique_ptr<SplitReader<T>> open(const Split& split) = 0;
  virtual bool bounded() const { return true; }
  virtual std::chrono::milliseconds discovery_interval() const {
    return std::chrono::milliseconds(0);  // 0 = once
  }
};

namespace erased {

// Elements into rows.
template <typename F>
class TypedSourceRun final : public SourceRun {
 public:
  explicit TypedSourceRun(const F& function) : function_(function) {}
  void run(SourceChannel& channel) override {
    SourceContext<typename F::Out> context(channel);
    function_.run(context);
  }
  void cancel() override { function_.cancel(); }
  std::string snapshot() override { return function_.snapshot_state(); }
  void restore(std::string_view state) override { function_.restore_state(state); }

 private:
  F function_;
};

// Elements into rows.
template <typename T>
class TypedSplitCursor final : public SplitCursor {
 public:
  explicit TypedSplitCursor(std::unique_ptr<SplitReader<T>> reader) : reader_(std::move(reader)) {}
  Poll poll(PollOutput& output, std::size_t wanted) override {
    SplitOutput<T> out(output, wanted);
    return reader_->poll(out);
  }
  std::string position() const override { return reader_->position(); }

 private:
  std::unique_ptr<SplitReader<T>> reader_;
};

template <typename T>
SplitSourceSpec split_source_spec(std::shared_ptr<SplitSource<T>> source) {
  SplitSourceSpec spec;
  spec.element = RowOf<T>::schema();
  spec.bounded = source->bounded();
  spec.discovery_interval = source->discovery_interval();
  spec.discover = [source] { return source->discover(); };
  spec.open = [source](const Split& split) -> std::unique_ptr<SplitCursor> {
    auto reader = source->open(split);
    if (reader == nullptr) {
      throw Failure(Error{ErrorCode::kInvalidArgument,
                          "no reader was made for the split '" + split.id + "'"});
    }
    return std::make_unique<TypedSplitCursor<T>>(std::move(reader));
  };
  return spec;
}

}  // namespace erased

}  // namespace slipstream::stream
