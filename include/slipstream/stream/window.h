// Windows over keyed streams, and what says how far event time has come.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/stream/functions.h"
#include "slipstream/stream/operator.h"

namespace slipstream::stream {

// [start, end)
struct TimeWindow {
  Timestamp start = 0;
  Timestamp end = 0;
  Timestamp max_timestamp() const { return end - 1; }
  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};

// Which windows an element is in. A size, slide or gap that is not positive is an error of
// execute().
struct WindowAssigner {
  enum class Kind : std::uint8_t { kTumbling, kSliding, kSession };
  Kind kind = Kind::kTumbling;
  bool event_time = true;
  std::chrono::milliseconds size{0};  // kSession: the gap
  std::chrono::milliseconds slide{0};
  std::chrono::milliseconds offset{0};
};
// Windows of `size` side by side; `offset` shifts them from the epoch (UTC).
inline WindowAssigner tumbling_event_time_windows(std::chrono::milliseconds size,
                                                  std::chrono::milliseconds offset = {}) {
  return {WindowAssigner::Kind::kTumbling, true, size, size, offset};
}
inline WindowAssigner tumbling_processing_time_windows(std::chrono::milliseconds size,
                                                       std::chrono::milliseconds offset = {}) {
  return {WindowAssigner::Kind::kTumbling, false, size, size, offset};
}
// Windows of `size`, one every `slide`: an element is in size / slide of them.
inline WindowAssigner sliding_event_time_windows(std::chrono::milliseconds size,
                                                 std::chrono::milliseconds slide,
                                                 std::chrono::milliseconds offset = {}) {
  return {WindowAssigner::Kind::kSliding, true, size, slide, offset};
}
inline WindowAssigner sliding_processing_time_windows(std::chrono::milliseconds size,
                                                      std::chrono::milliseconds slide,
                                                      std::chrono::milliseconds offset = {}) {
  return {WindowAssigner::Kind::kSliding, false, size, slide, offset};
}
// One window per run of elements of a key with less than `gap` between neighbours.
inline WindowAssigner session_event_time_windows(std::chrono::milliseconds gap) {
  return {WindowAssigner::Kind::kSession, true, gap, {}, {}};
}
inline WindowAssigner session_processing_time_windows(std::chrono::milliseconds gap) {
  return {WindowAssigner::Kind::kSession, false, gap, {}, {}};
}

namespace erased {

// What was asked of a windowed stream.
struct WindowSpec {
  WindowAssigner assigner;
  std::chrono::milliseconds allowed_lateness{0};
  std::string late_tag;  // empty = late elements are dropped and counted
};

// What a window operator keeps of each window of the current key; `part` names the window.
class WindowContents {
 public:
  virtual ~WindowContents() = default;
  virtual void merge(std::string_view into, std::string_view from) = 0;
  virtual void fire(const TimeWindow& window, std::string_view part) = 0;
  virtual void clear(std::string_view part) = 0;
};

// Assigns, merges, fires and forgets windows of the current key.
// Thread: task.
class WindowDriver {
 public:
  WindowDriver(OperatorRuntime& runtime, const WindowSpec& spec, WindowContents& contents);
  ~WindowDriver();
  // The parts of state that an element of this time goes into; empty = it is late. Then call
  // added() once.
  std::span<const std::string> assign(Timestamp time);
  // Late elements within the allowed lateness fire at once.
  void added();
  void on_timer(bool event_time, Timestamp time, std::string_view part);
  static std::string part_of(const TimeWindow& window);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace erased

// Sees a whole window at once. A subclass is copied for every instance.
template <typename InType, typename OutType, Element KeyType>
class ProcessWindowFunction : public Function {
 public:
  using In = InType;
  using Out = OutType;
  using Key = KeyType;
  class Context : public erased::CallContext {
   public:
    Context(erased::OperatorRuntime& runtime, const erased::SideOutputs& sides, TimeWindow window)
        : erased::CallContext(runtime, sides, window.max_timestamp()), window_(window) {}
    const TimeWindow& window() const { return window_; }

   private:
    TimeWindow window_;
  };
  // `elements`: in the order in which they came; behind reduce or aggregate: the one result.
  virtual void process(const Key& key, Context& context, const std::vector<In>& elements,
                       Collector<Out>& out) = 0;
};

// ----------------------------------------------------------------------------------------------
// watermarks

// Says how far event time has come, from the elements of one split of a source (of one subtask
// elsewhere). A subclass is copied for every split.
template <typename T>
class WatermarkGenerator {
 public:
  virtual ~WatermarkGenerator() = default;
  virtual void on_event(const T& element, Timestamp time) = 0;
  // Asked after every batch and every watermark interval. No element with a time up to the answer
  // is to come; kNoTimestamp = nothing known yet. Lower answers than before are passed over.
  virtual Timestamp current_watermark() = 0;
};

// Where times and watermarks come from.
template <typename T>
class WatermarkStrategy {
 public:
  using Assigner = std::function<Timestamp(const T& element)>;
  using MakeGenerator = std::function<std::unique_ptr<WatermarkGenerator<T>>()>;

  // Elements come at most `bound` after a later one.
  static WatermarkStrategy for_bounded_out_of_orderness(std::chrono::milliseconds bound) {
    WatermarkStrategy strategy;
    strategy.bound_ms_ = bound.count();
    return strategy;
  }
  // Times of a split never go down.
  static WatermarkStrategy for_monotonous_timestamps() {
    return for_bounded_out_of_orderness(std::chrono::milliseconds(0));
  }
  static WatermarkStrategy for_generator(MakeGenerator make) {
    WatermarkStrategy strategy;
    strategy.make_generator_ = std::move(make);
    return strategy;
  }
  // Times without watermarks: windows fire at the end of input only.
  static WatermarkStrategy no_watermarks() {
    WatermarkStrategy strategy;
    strategy.watermarks_ = false;
    return strategy;
  }
  // Without it elements keep the time that they have.
  WatermarkStrategy& with_timestamp_assigner(Assigner assigner) & {
    assigner_ = std::move(assigner);
    return *this;
  }
  WatermarkStrategy with_timestamp_assigner(Assigner assigner) && {
    return std::move(with_timestamp_assigner(std::move(assigner)));
  }
  // A split without elements for so long does not hold event time back. RocketMQ queues prove that
  // they are empty and need no time-out.
  WatermarkStrategy& with_idleness(std::chrono::milliseconds timeout) & {
    idle_ms_ = timeout.count();
    return *this;
  }
  WatermarkStrategy with_idleness(std::chrono::milliseconds timeout) && {
    return std::move(with_idleness(timeout));
  }

  const Assigner& assigner() const { return assigner_; }
  const MakeGenerator& make_generator() const { return make_generator_; }
  std::int64_t bound_ms() const { return bound_ms_; }
  std::int64_t idle_ms() const { return idle_ms_; }
  bool has_watermarks() const { return watermarks_; }

 private:
  Assigner assigner_;
  MakeGenerator make_generator_;
  std::int64_t bound_ms_ = 0;
  std::int64_t idle_ms_ = 0;
  bool watermarks_ = true;
};

}  // namespace slipstream::stream
