// What users write: functions on elements, with state, timers and side outputs.
//
// A function is copied for every parallel instance: it must be copyable, and members that instances
// must not share are made in open(). An exception out of a function fails the task with the
// operator's name and the message; the job's restart strategy decides what comes then. A Failure
// says more than a message.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slipstream/status.h"
#include "slipstream/stream/operator.h"
#include "slipstream/stream/state.h"

namespace slipstream::stream {

// Throw it out of a function to fail with an Error of your choice: its code and `retryable` decide
// whether the job is started again (docs/datastream.md).
class Failure : public std::exception {
 public:
  explicit Failure(Error error) : error_(std::move(error)) {}
  const Error& error() const { return error_; }
  const char* what() const noexcept override { return error_.message.c_str(); }

 private:
  Error error_;
};

// Takes results of a function. Valid during the call that it was given to.
template <typename T>
class Collector {
 public:
  Collector(erased::Output<T>& out, Timestamp time) : out_(&out), time_(time) {}
  // With the time of the element being processed.
  void collect(T element) { out_->emit(std::move(element), time_); }
  void collect(T element, Timestamp time) { out_->emit(std::move(element), time); }

 private:
  erased::Output<T>* out_;
  Timestamp time_;
};

// Names a side output and its type.
template <typename T>
struct OutputTag {
  std::string id;
};

// A number that is shown with the job's metrics.
// Thread: any.
class Counter {
 public:
  Counter() = default;
  explicit Counter(std::atomic<std::int64_t>* value) : value_(value) {}
  void add(std::int64_t amount = 1) {
    if (value_ != nullptr) value_->fetch_add(amount, std::memory_order_relaxed);
  }
  void set(std::int64_t value) {
    if (value_ != nullptr) value_->store(value, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t>* value_ = nullptr;
};

// What a function is told in open(). State is for functions on keyed streams; names are unique in
// the function.
class RuntimeContext {
 public:
  explicit RuntimeContext(erased::OperatorRuntime& runtime) : runtime_(&runtime) {}

  const std::string& operator_name() const { return runtime_->name(); }
  std::uint32_t subtask() const { return runtime_->subtask(); }
  std::uint32_t parallelism() const { return runtime_->parallelism(); }
  // Shown as `name` in the job's metrics.
  Counter counter(std::string_view name, std::string_view help = "counted by the job's own code") {
    return Counter(runtime_->metric(name, help));
  }

  template <Element T>
  ValueState<T> value_state(std::string name, StateOptions options = {}) {
    return ValueState<T>(store("value:", std::move(name), layout_of<T>(), options, false));
  }
  template <Element T>
  ListState<T> list_state(std::string name, StateOptions options = {}) {
    return ListState<T>(store("list:", std::move(name), layout_of<T>(), options, false));
  }
  template <Element K, Element V>
  MapState<K, V> map_state(std::string name, StateOptions options = {}) {
    return MapState<K, V>(
        store("map:", std::move(name), layout_of<K>() + layout_of<V>(), options, true));
  }
  template <Element T>
  ReducingState<T> reducing_state(std::string name, std::function<T(const T&, const T&)> reduce,
                                  StateOptions options = {}) {
    return ReducingState<T>(store("value:", std::move(name), layout_of<T>(), options, false),
                            std::move(reduce));
  }
  template <typename Function>
  AggregatingState<Function> aggregating_state(std::string name, Function function,
                                               StateOptions options = {}) {
    return AggregatingState<Function>(
        store("value:", std::move(name), layout_of<typename Function::Accumulator>(), options,
              false),
        std::move(function));
  }

 private:
  std::shared_ptr<erased::KeyedStore> store(const char* kind, std::string name, std::string layout,
                                            StateOptions options, bool listed) {
    erased::StoreOptions store;
    store.name = std::move(name);
    store.layout = kind + std::move(layout);
    store.ttl_ms = options.ttl.count();
    store.listed = listed;
    return runtime_->store(store);
  }

  erased::OperatorRuntime* runtime_;
};

// Timers of the current key. A timer that is set twice fires once.
class TimerService {
 public:
  explicit TimerService(erased::OperatorRuntime& runtime) : runtime_(&runtime) {}
  Timestamp current_watermark() const { return runtime_->watermark(); }
  Timestamp current_processing_time() const { return runtime_->now_ms(); }
  void register_event_time_timer(Timestamp time) { runtime_->set_timer(true, time, {}); }
  void register_processing_time_timer(Timestamp time) { runtime_->set_timer(false, time, {}); }
  void delete_event_time_timer(Timestamp time) { runtime_->delete_timer(true, time, {}); }
  void delete_processing_time_timer(Timestamp time) { runtime_->delete_timer(false, time, {}); }

 private:
  erased::OperatorRuntime* runtime_;
};

namespace erased {

// The side outputs of one instance by tag; those that nobody reads are not there.
class SideOutputs {
 public:
  explicit SideOutputs(std::vector<SideLink> links) : links_(std::move(links)) {}
  template <typename T>
  void emit(const OutputTag<T>& tag, T element, Timestamp time) const {
    for (const SideLink& side : links_) {
      if (side.tag != tag.id) continue;
      if (auto* typed = dynamic_cast<Output<T>*>(side.link.output))
        typed->emit(std::move(element), time);
      return;  // a tag is there once
    }
  }

 private:
  std::vector<SideLink> links_;
};

// What every context of a call can do.
class CallContext {
 public:
  CallContext(OperatorRuntime& runtime, const SideOutputs& sides, Timestamp time)
      : runtime_(runtime), sides_(sides), time_(time) {}

  // Of the element; nullopt when it has none.
  std::optional<Timestamp> timestamp() const {
    return time_ == kNoTimestamp ? std::nullopt : std::optional<Timestamp>(time_);
  }
  Timestamp current_watermark() const { return runtime_.watermark(); }
  Timestamp current_processing_time() const { return runtime_.now_ms(); }
  template <typename T>
  void output(const OutputTag<T>& tag, std::type_identity_t<T> element) const {
    sides_.emit(tag, std::move(element), time_);
  }

 protected:
  OperatorRuntime& runtime_;
  const SideOutputs& sides_;
  Timestamp time_;
};

// The same where a key is current.
template <typename K>
class KeyedCallContext : public CallContext {
 public:
  using CallContext::CallContext;
  K current_key() const { return from_bytes<K>(runtime_.key()).value_or(K{}); }
  TimerService timers() const { return TimerService(runtime_); }
};

}  // namespace erased

// The part of a function that lives with its instance.
class Function {
 public:
  virtual ~Function() = default;
  // Before the first element; after restore_state().
  virtual void open(RuntimeContext& context) { static_cast<void>(context); }
  // After the last one, also when the job ends by a failure. Not when the process dies.
  virtual void close() {}
};

// Derive from it too for state that belongs to the instance, not to a key. At a restart with
// another parallelism pieces are dealt out: an instance may get none or several.
class Checkpointed {
 public:
  virtual ~Checkpointed() = default;
  virtual std::string snapshot_state() = 0;
  virtual void restore_state(const std::vector<std::string>& pieces) = 0;
};

// Elements one by one, with side outputs.
template <typename InType, typename OutType>
class ProcessFunction : public Function {
 public:
  using In = InType;
  using Out = OutType;
  using Context = erased::CallContext;
  virtual void process_element(const In& element, Context& context, Collector<Out>& out) = 0;
  // All input has been seen.
  virtual void finish(Collector<Out>& out) { static_cast<void>(out); }
};

// Elements one by one, with state and timers of their key.
template <Element KeyType, typename InType, typename OutType>
class KeyedProcessFunction : public Function {
 public:
  using Key = KeyType;
  using In = InType;
  using Out = OutType;
  using Context = erased::KeyedCallContext<Key>;
  // Its timestamp() is the time of the timer.
  class OnTimerContext : public Context {
   public:
    OnTimerContext(erased::OperatorRuntime& runtime, const erased::SideOutputs& sides,
                   Timestamp time, bool event_time)
        : Context(runtime, sides, time), event_time_(event_time) {}
    bool is_event_time() const { return event_time_; }

   private:
    bool event_time_;
  };
  virtual void process_element(const In& element, Context& context, Collector<Out>& out) = 0;
  virtual void on_timer(Timestamp time, OnTimerContext& context, Collector<Out>& out) {
    static_cast<void>(time), static_cast<void>(context), static_cast<void>(out);
  }
};

// Elements of two streams.
template <typename InType1, typename InType2, typename OutType>
class CoProcessFunction : public Function {
 public:
  using In1 = InType1;
  using In2 = InType2;
  using Out = OutType;
  using Context = erased::CallContext;
  virtual void process_element1(const In1& element, Context& context, Collector<Out>& out) = 0;
  virtual void process_element2(const In2& element, Context& context, Collector<Out>& out) = 0;
};

// Both inputs share state and timers of a key.
template <Element KeyType, typename InType1, typename InType2, typename OutType>
class KeyedCoProcessFunction : public Function {
 public:
  using Key = KeyType;
  using In1 = InType1;
  using In2 = InType2;
  using Out = OutType;
  using Context = erased::KeyedCallContext<Key>;
  using OnTimerContext = typename KeyedProcessFunction<Key, In1, Out>::OnTimerContext;
  virtual void process_element1(const In1& element, Context& context, Collector<Out>& out) = 0;
  virtual void process_element2(const In2& element, Context& context, Collector<Out>& out) = 0;
  virtual void on_timer(Timestamp time, OnTimerContext& context, Collector<Out>& out) {
    static_cast<void>(time), static_cast<void>(context), static_cast<void>(out);
  }
};

namespace erased {

// Access to broadcast states by descriptor.
class BroadcastStates {
 public:
  explicit BroadcastStates(OperatorRuntime& runtime) : runtime_(runtime) {}
  template <Element K, Element V>
  std::shared_ptr<BroadcastStore> store(const BroadcastStateDescriptor<K, V>& descriptor) {
    StoreOptions options;
    options.name = descriptor.name;
    options.layout = "broadcast:" + layout_of<K>() + layout_of<V>();
    return runtime_.broadcast_store(options);
  }

 private:
  OperatorRuntime& runtime_;
};

// May read broadcast states.
template <typename Base>
class ReadOnlyBroadcastContext : public Base {
 public:
  using Base::Base;
  template <Element K, Element V>
  ReadOnlyBroadcastState<K, V> broadcast_state(const BroadcastStateDescriptor<K, V>& descriptor) {
    return ReadOnlyBroadcastState<K, V>(BroadcastStates(this->runtime_).store(descriptor));
  }
};
// May write broadcast states.
class BroadcastContext : public CallContext {
 public:
  using CallContext::CallContext;
  template <Element K, Element V>
  BroadcastState<K, V> broadcast_state(const BroadcastStateDescriptor<K, V>& descriptor) {
    return BroadcastState<K, V>(BroadcastStates(runtime_).store(descriptor));
  }
};

}  // namespace erased

// Elements meet what was broadcast. process_broadcast_element must do the same in every instance.
template <typename InType, typename BroadcastType, typename OutType>
class BroadcastProcessFunction : public Function {
 public:
  using In = InType;
  using Broadcast = BroadcastType;
  using Out = OutType;
  using ReadOnlyContext = erased::ReadOnlyBroadcastContext<erased::CallContext>;
  using Context = erased::BroadcastContext;
  virtual void process_element(const In& element, ReadOnlyContext& context,
                               Collector<Out>& out) = 0;
  virtual void process_broadcast_element(const Broadcast& element, Context& context,
                                         Collector<Out>& out) = 0;
};

// The same with state and timers on the keyed side.
template <Element KeyType, typename InType, typename BroadcastType, typename OutType>
class KeyedBroadcastProcessFunction : public Function {
 public:
  using Key = KeyType;
  using In = InType;
  using Broadcast = BroadcastType;
  using Out = OutType;
  using ReadOnlyContext = erased::ReadOnlyBroadcastContext<erased::KeyedCallContext<Key>>;
  using Context = erased::BroadcastContext;
  using OnTimerContext = typename KeyedProcessFunction<Key, In, Out>::OnTimerContext;
  virtual void process_element(const In& element, ReadOnlyContext& context,
                               Collector<Out>& out) = 0;
  virtual void process_broadcast_element(const Broadcast& element, Context& context,
                                         Collector<Out>& out) = 0;
  virtual void on_timer(Timestamp time, OnTimerContext& context, Collector<Out>& out) {
    static_cast<void>(time), static_cast<void>(context), static_cast<void>(out);
  }
};

}  // namespace slipstream::stream
