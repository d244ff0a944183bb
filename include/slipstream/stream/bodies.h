// Operator bodies: rows to elements, the user's function, elements to rows. Users need nothing of
// this header.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slipstream/stream/functions.h"
#include "slipstream/stream/operator.h"
#include "slipstream/stream/window.h"

namespace slipstream::stream::erased {

// The columns of a batch by [].
struct BatchColumns {
  const Batch& batch;
  const Column& operator[](std::size_t index) const { return *batch.column(index); }
};

// Gives the rows of a batch, from `begin` on, to take(element, time); answers where it stopped.
template <typename T, typename F>
std::size_t feed_rows(OperatorRuntime& runtime, const Batch& batch, std::size_t begin, bool keyed,
                      F&& take) {
  constexpr std::size_t kTime = RowOf<T>::kWidth;
  const Column* times = batch.columns().size() > kTime ? batch.column(kTime).get() : nullptr;
  const Column* keys = keyed ? batch.column(kTime + 1).get() : nullptr;
  for (std::size_t row = begin; row < batch.rows(); ++row) {
    const Timestamp time =
        times != nullptr && !times->is_null(row) ? times->data<Timestamp>()[row] : kNoTimestamp;
    if (keys != nullptr) runtime.set_key(keys->text(row), batch.key_hashes()[row]);
    take(RowOf<T>::read(BatchColumns{batch}, row), time);
    if (runtime.failed() || !runtime.has_room()) return row + 1;
  }
  return batch.rows();
}

// ----------------------------------------------------------------------------------------------
// ends and steps

// Elements into rows.
template <typename T>
class RowEnd final : public Output<T> {
 public:
  explicit RowEnd(RowWriter& writer) : writer_(writer) {}
  void emit(T&& element, Timestamp time) override {
    RowOf<T>::append(writer_, element);
    writer_.set_time(RowOf<T>::kWidth, time);
    writer_.end_row();
  }

 private:
  RowWriter& writer_;
};

// Elements into rows with their key.
template <typename T, typename K, typename F>
class KeyEnd final : public Output<T> {
 public:
  KeyEnd(OperatorRuntime& runtime, std::size_t output, const F& key_of)
      : writer_(runtime.writer(output)),
        calls_(runtime.calls()),
        site_(runtime.site("key_by()")),
        key_of_(key_of) {}
  void emit(T&& element, Timestamp time) override {
    key_.clear();
    RowOf<K>::put(key_, call_user(calls_, site_, [&]() -> decltype(auto) {
                    return key_of_(std::as_const(element));
                  }));
    RowOf<T>::append(writer_, element);
    writer_.set_time(RowOf<T>::kWidth, time);
    writer_[RowOf<T>::kWidth + 1].append_text(key_);
    writer_.end_row();
  }

 private:
  RowWriter& writer_;
  UserCalls& calls_;
  const UserCalls::Site site_;
  F key_of_;
  std::string key_;
};

template <typename O>
Link link_of(std::shared_ptr<O> output) {
  OutputBase* base = output.get();
  return Link{std::move(output), base};
}
template <typename T>
Output<T>& output_of(const Link& link) {
  return static_cast<Output<T>&>(*link.output);
}
template <typename T>
MakeEnd row_end() {
  return [](OperatorRuntime& runtime, std::size_t output) {
    return link_of(std::make_shared<RowEnd<T>>(runtime.writer(output)));
  };
}

// Functions may have open(RuntimeContext&).
template <typename F>
void open_function(F& function, OperatorRuntime& runtime) {
  if constexpr (requires(RuntimeContext & context) { function.open(context); }) {
    RuntimeContext context(runtime);
    call_user(runtime.calls(), runtime.site("open()"), [&] { function.open(context); });
  }
}

// A function object of the user between two outputs.
template <typename F>
class UserStep {
 public:
  UserStep(OperatorRuntime& runtime, const char* name, const F& function, Link next)
      : next_(std::move(next)),
        calls_(runtime.calls()),
        site_(runtime.site(name)),
        function_(function) {
    open_function(function_, runtime);
  }

 protected:
  template <typename... Args>
  decltype(auto) call(Args&... args) {
    return call_user(calls_, site_, [&]() -> decltype(auto) { return function_(args...); });
  }
  Link next_;

 private:
  UserCalls& calls_;
  const UserCalls::Site site_;
  F function_;
};

// Out f(const T&)
template <typename T, typename Out, typename F>
class MapStep final : public Output<T>, private UserStep<F> {
 public:
  MapStep(OperatorRuntime& runtime, const F& function, Link next)
      : UserStep<F>(runtime, "map()", function, std::move(next)) {}
  void emit(T&& element, Timestamp time) override {
    output_of<Out>(this->next_).emit(this->call(std::as_const(element)), time);
  }
};

// bool f(const T&)
template <typename T, typename F>
class FilterStep final : public Output<T>, private UserStep<F> {
 public:
  FilterStep(OperatorRuntime& runtime, const F& function, Link next)
      : UserStep<F>(runtime, "filter()", function, std::move(next)) {}
  void emit(T&& element, Timestamp time) override {
    if (this->call(std::as_const(element)))
      output_of<T>(this->next_).emit(std::move(element), time);
  }
};

// void f(const T&, Collector<Out>&)
template <typename T, typename Out, typename F>
class FlatMapStep final : public Output<T>, private UserStep<F> {
 public:
  FlatMapStep(OperatorRuntime& runtime, const F& function, Link next)
      : UserStep<F>(runtime, "flat_map()", function, std::move(next)) {}
  void emit(T&& element, Timestamp time) override {
    Collector<Out> out(output_of<Out>(this->next_), time);
    this->call(std::as_const(element), out);
  }
};

// Rows into elements for the steps behind.
template <typename T>
class FeedBody final : public Body {
 public:
  FeedBody(OperatorRuntime& runtime, Link out) : runtime_(runtime), out_(std::move(out)) {}
  std::size_t push(std::size_t, const Batch& batch, std::size_t begin) override {
    return feed_rows<T>(runtime_, batch, begin, false, [&](T&& element, Timestamp time) {
      output_of<T>(out_).emit(std::move(element), time);
    });
  }

 private:
  OperatorRuntime& runtime_;
  Link out_;
};
template <typename T>
MakeBody feed_body() {
  return [](OperatorRuntime& runtime, Link out, std::vector<SideLink>) -> std::unique_ptr<Body> {
    return std::make_unique<FeedBody<T>>(runtime, std::move(out));
  };
}

// ----------------------------------------------------------------------------------------------
// functions with context

// What bodies of one user function have in common.
template <typename Fn>
class FunctionBody : public Body {
 public:
  FunctionBody(OperatorRuntime& runtime, std::unique_ptr<Fn> function, Link out,
               std::vector<SideLink> sides)
      : runtime_(runtime),
        function_(std::move(function)),
        out_(std::move(out)),
        sides_(std::move(sides)),
        calls_(runtime.calls()),
        open_(runtime.site("open()")),
        close_(runtime.site("close()")),
        snapshot_(runtime.site("snapshot_state()")),
        restore_(runtime.site("restore_state()")),
        timer_(runtime.site("on_timer()")),
        finish_(runtime.site("finish()")) {}
  void open() override {
    RuntimeContext context(runtime_);
    call(open_, [&] { function_->open(context); });
  }
  void close() override {
    call(close_, [&] { function_->close(); });
  }
  std::optional<std::string> snapshot() override {
    auto* saved = dynamic_cast<Checkpointed*>(function_.get());
    if (saved == nullptr) return std::nullopt;
    return call(snapshot_, [&] { return saved->snapshot_state(); });
  }
  void restore(const std::vector<std::string>& pieces) override {
    if (auto* saved = dynamic_cast<Checkpointed*>(function_.get()))
      call(restore_, [&] { saved->restore_state(pieces); });
  }

 protected:
  template <typename F>
  decltype(auto) call(UserCalls::Site site, F&& of_user) {
    return call_user(calls_, site, of_user);
  }
  template <typename Out>
  Collector<Out> collector(Timestamp time) {
    return Collector<Out>(output_of<Out>(out_), time);
  }
  template <typename Out>
  void call_timer(bool event_time, Timestamp time) {
    typename Fn::OnTimerContext context(runtime_, sides_, time, event_time);
    auto out = collector<Out>(time);
    call(timer_, [&] { function_->on_timer(time, context, out); });
  }

  OperatorRuntime& runtime_;
  std::unique_ptr<Fn> function_;
  Link out_;
  SideOutputs sides_;
  UserCalls& calls_;
  const UserCalls::Site open_, close_, snapshot_, restore_, timer_, finish_;
};

// ProcessFunction and KeyedProcessFunction.
template <typename Fn>
class ProcessBody final : public FunctionBody<Fn> {
 public:
  ProcessBody(OperatorRuntime& runtime, std::unique_ptr<Fn> function, Link out,
              std::vector<SideLink> sides)
      : FunctionBody<Fn>(runtime, std::move(function), std::move(out), std::move(sides)),
        element_(runtime.site("process_element()")) {}
  static constexpr bool kKeyed = requires { typename Fn::Key; };
  std::size_t push(std::size_t, const Batch& batch, std::size_t begin) override {
    using In = typename Fn::In;
    return feed_rows<In>(this->runtime_, batch, begin, kKeyed, [&](In&& element, Timestamp time) {
      typename Fn::Context context(this->runtime_, this->sides_, time);
      auto out = this->template collector<typename Fn::Out>(time);
      this->call(element_, [&] { this->function_->process_element(element, context, out); });
    });
  }
  void on_timer(bool event_time, Timestamp time, std::string_view) override {
    if constexpr (kKeyed) this->template call_timer<typename Fn::Out>(event_time, time);
  }
  void end_input(std::size_t) override {
    if constexpr (!kKeyed) {
      auto out = this->template collector<typename Fn::Out>(kNoTimestamp);
      this->call(this->finish_, [&] { this->function_->finish(out); });
    }
  }

 private:
  const UserCalls::Site element_;
};

// CoProcessFunction and KeyedCoProcessFunction.
template <typename Fn>
class CoProcessBody final : public FunctionBody<Fn> {
 public:
  using First = typename Fn::In1;
  using Second = typename Fn::In2;
  static constexpr const char* kKind = "co-process";
  static constexpr bool kKeyed = requires { typename Fn::Key; };
  CoProcessBody(OperatorRuntime& runtime, std::unique_ptr<Fn> function, Link out,
                std::vector<SideLink> sides)
      : FunctionBody<Fn>(runtime, std::move(function), std::move(out), std::move(sides)),
        element1_(runtime.site("process_element1()")),
        element2_(runtime.site("process_element2()")) {}
  std::size_t push(std::size_t input, const Batch& batch, std::size_t begin) override {
    if (input == 0) {
      return feed<First>(element1_, batch, begin,
                         [this](const auto& element, auto& context, auto& out) {
                           this->function_->process_element1(element, context, out);
                         });
    }
    return feed<Second>(element2_, batch, begin,
                        [this](const auto& element, auto& context, auto& out) {
                          this->function_->process_element2(element, context, out);
                        });
  }
  void on_timer(bool event_time, Timestamp time, std::string_view) override {
    if constexpr (kKeyed) this->template call_timer<typename Fn::Out>(event_time, time);
  }

 private:
  template <typename In, typename F>
  std::size_t feed(UserCalls::Site site, const Batch& batch, std::size_t begin, F&& function) {
    return feed_rows<In>(this->runtime_, batch, begin, kKeyed, [&](In&& element, Timestamp time) {
      typename Fn::Context context(this->runtime_, this->sides_, time);
      auto out = this->template collector<typename Fn::Out>(time);
      this->call(site, [&] { function(element, context, out); });
    });
  }

  const UserCalls::Site element1_, element2_;
};

// BroadcastProcessFunction and KeyedBroadcastProcessFunction.
template <typename Fn>
class BroadcastBody final : public FunctionBody<Fn> {
 public:
  using First = typename Fn::In;
  using Second = typename Fn::Broadcast;
  static constexpr const char* kKind = "broadcast-process";
  static constexpr bool kKeyed = requires { typename Fn::Key; };
  BroadcastBody(OperatorRuntime& runtime, std::unique_ptr<Fn> function, Link out,
                std::vector<SideLink> sides)
      : FunctionBody<Fn>(runtime, std::move(function), std::move(out), std::move(sides)),
        element_(runtime.site("process_element()")),
        broadcast_(runtime.site("process_broadcast_element()")) {}
  std::size_t push(std::size_t input, const Batch& batch, std::size_t begin) override {
    const auto out_at = [this](Timestamp time) {
      return this->template collector<typename Fn::Out>(time);
    };
    if (input == 0) {
      const auto take = [&](First&& element, Timestamp time) {
        typename Fn::ReadOnlyContext context(this->runtime_, this->sides_, time);
        auto out = out_at(time);
        this->call(element_, [&] { this->function_->process_element(element, context, out); });
      };
      return feed_rows<First>(this->runtime_, batch, begin, kKeyed, take);
    }
    const auto take = [&](Second&& element, Timestamp time) {
      typename Fn::Context context(this->runtime_, this->sides_, time);
      auto out = out_at(time);
      this->call(broadcast_,
                 [&] { this->function_->process_broadcast_element(element, context, out); });
    };
    return feed_rows<Second>(this->runtime_, batch, begin, false, take);
  }
  void on_timer(bool event_time, Timestamp time, std::string_view) override {
    if constexpr (kKeyed) this->template call_timer<typename Fn::Out>(event_time, time);
  }

 private:
  const UserCalls::Site element_, broadcast_;
};

// SinkFunction.
template <typename Fn>
class SinkBody final : public FunctionBody<Fn> {
 public:
  SinkBody(OperatorRuntime& runtime, std::unique_ptr<Fn> function, Link out,
           std::vector<SideLink> sides)
      : FunctionBody<Fn>(runtime, std::move(function), std::move(out), std::move(sides)),
        invoke_(runtime.site("invoke()")),
        flush_(runtime.site("flush()")) {}
  std::size_t push(std::size_t, const Batch& batch, std::size_t begin) override {
    using In = typename Fn::In;
    return feed_rows<In>(this->runtime_, batch, begin, false, [&](In&& element, Timestamp time) {
      CallContext context(this->runtime_, this->sides_, time);
      this->call(invoke_, [&] { this->function_->invoke(element, context); });
    });
  }
  std::optional<std::string> snapshot() override {
    this->call(flush_, [&] { this->function_->flush(); });
    return FunctionBody<Fn>::snapshot();
  }
  void end_input(std::size_t) override {
    this->call(this->finish_, [&] { this->function_->finish(); });
  }

 private:
  const UserCalls::Site invoke_, flush_;
};

// ----------------------------------------------------------------------------------------------
// windows

// What becomes of a window's result: it is the element.
template <typename R>
class PlainResult {
 public:
  using Out = R;
  void open(OperatorRuntime&) {}
  void close(OperatorRuntime&) {}
  void fire(OperatorRuntime&, const SideOutputs&, const TimeWindow& window, std::vector<R> values,
            Output<Out>& out) {
    for (R& value : values) out.emit(std::move(value), window.max_timestamp());
  }
};
// A ProcessWindowFunction sees it.
template <typename Fn>
class FunctionResult {
 public:
  using Out = typename Fn::Out;
  explicit FunctionResult(const Fn& function) : function_(function) {}
  void open(OperatorRuntime& runtime) {
    process_ = runtime.site("process()");
    close_ = runtime.site("close()");
    open_function(function_, runtime);
  }
  void close(OperatorRuntime& runtime) {
    call_user(runtime.calls(), close_, [&] { function_.close(); });
  }
  void fire(OperatorRuntime& runtime, const SideOutputs& sides, const TimeWindow& window,
            std::vector<typename Fn::In> values, Output<Out>& out) {
    const auto key = from_bytes<typename Fn::Key>(runtime.key());
    typename Fn::Context context(runtime, sides, window);
    Collector<Out> collector(out, window.max_timestamp());
    if (!key) return;
    call_user(runtime.calls(), process_,
              [&] { function_.process(*key, context, values, collector); });
  }

 private:
  Fn function_;
  UserCalls::Site process_ = 0;
  UserCalls::Site close_ = 0;
};

// What is kept of a window: the fold of its elements.
template <typename T, typename F>
class ReducedWindow {
 public:
  using Result = T;
  static constexpr const char* kFunction = "reduce()";
  explicit ReducedWindow(F reduce) : reduce_(std::move(reduce)) {}
  void open(RuntimeContext& context) { value_ = context.value_state<T>("window-value"); }
  void add(std::string_view part, const T& element) {
    const auto before = value_.get_part(part);
    value_.put_part(part, before ? reduce_(*before, element) : element);
  }
  void merge(std::string_view into, std::string_view from) {
    if (const auto value = value_.get_part(from)) add(into, *value);
  }
  std::vector<Result> results(std::string_view part) {
    auto value = value_.get_part(part);
    std::vector<Result> results;
    if (value) results.push_back(std::move(*value));
    return results;
  }
  void clear(std::string_view part) { value_.clear_part(part); }

 private:
  F reduce_;
  ValueState<T> value_;
};

// An accumulator.
template <typename Fn>
class AggregatedWindow {
 public:
  using Result = typename Fn::Out;
  static constexpr const char* kFunction = "the AggregateFunction";
  explicit AggregatedWindow(Fn function) : function_(std::move(function)) {}
  void open(RuntimeContext& context) {
    value_ = context.value_state<typename Fn::Accumulator>("window-value");
  }
  void add(std::string_view part, const typename Fn::In& element) {
    auto value = value_.get_part(part);
    if (!value) value = function_.create_accumulator();
    function_.add(element, *value);
    value_.put_part(part, *value);
  }
  void merge(std::string_view into, std::string_view from) {
    const auto other = value_.get_part(from);
    if (!other) return;
    auto value = value_.get_part(into);
    if (value) {
      function_.merge(*value, *other);
    } else {
      value = other;
    }
    value_.put_part(into, *value);
  }
  std::vector<Result> results(std::string_view part) {
    std::vector<Result> results;
    if (const auto value = value_.get_part(part)) results.push_back(function_.get_result(*value));
    return results;
  }
  void clear(std::string_view part) { value_.clear_part(part); }

 private:
  Fn function_;
  ValueState<typename Fn::Accumulator> value_;
};

// All elements.
template <typename T>
class CollectedWindow {
 public:
  using Result = T;
  static constexpr const char* kFunction = "the window";
  void open(RuntimeContext& context) { list_ = context.list_state<T>("window-elements"); }
  void add(std::string_view part, const T& element) { list_.add_part(part, element); }
  void merge(std::string_view into, std::string_view from) {
    for (const T& element : list_.get_part(from)) list_.add_part(into, element);
  }
  std::vector<Result> results(std::string_view part) { return list_.get_part(part); }
  void clear(std::string_view part) { list_.clear_part(part); }

 private:
  ListState<T> list_;
};

// Windows of all kinds.
template <typename T, typename Kept, typename Finish>
class WindowBody final : public Body, public WindowContents {
 public:
  WindowBody(OperatorRuntime& runtime, const WindowSpec& spec, Kept kept, Finish finish, Link out,
             std::vector<SideLink> sides)
      : runtime_(runtime),
        spec_(spec),
        kept_(std::move(kept)),
        finish_(std::move(finish)),
        out_(std::move(out)),
        sides_(std::move(sides)) {}
  void open() override {
    fold_ = runtime_.site(Kept::kFunction);
    driver_ = std::make_unique<WindowDriver>(runtime_, spec_, *this);
    RuntimeContext context(runtime_);
    kept_.open(context);
    finish_.open(runtime_);
  }
  void close() override { finish_.close(runtime_); }
  std::size_t push(std::size_t, const Batch& batch, std::size_t begin) override {
    return feed_rows<T>(runtime_, batch, begin, true, [&](T&& element, Timestamp time) {
      const auto parts = driver_->assign(time);
      if (parts.empty()) {
        if (!spec_.late_tag.empty()) sides_.emit(OutputTag<T>{spec_.late_tag}, element, time);
        return;
      }
      fold([&] {
        for (const std::string& part : parts) kept_.add(part, element);
      });
      driver_->added();
    });
  }
  void on_timer(bool event_time, Timestamp time, std::string_view part) override {
    driver_->on_timer(event_time, time, part);
  }
  void merge(std::string_view into, std::string_view from) override {
    fold([&] { kept_.merge(into, from); });
  }
  void fire(const TimeWindow& window, std::string_view part) override {
    auto values = fold([&] { return kept_.results(part); });
    if (!values.empty())
      finish_.fire(runtime_, sides_, window, std::move(values),
                   output_of<typename Finish::Out>(out_));
  }
  void clear(std::string_view part) override { kept_.clear(part); }

 private:
  template <typename F>
  decltype(auto) fold(F&& of_user) {
    return call_user(runtime_.calls(), fold_, of_user);
  }

  OperatorRuntime& runtime_;
  WindowSpec spec_;
  Kept kept_;
  Finish finish_;
  Link out_;
  SideOutputs sides_;
  std::unique_ptr<WindowDriver> driver_;
  UserCalls::Site fold_ = 0;
};

// ----------------------------------------------------------------------------------------------
// times

// A WatermarkStrategy at work.
template <typename T>
class StrategyStamper final : public Stamper {
 public:
  StrategyStamper(const WatermarkStrategy<T>& strategy, UserCalls& calls, const std::string& name)
      : strategy_(strategy),
        calls_(calls),
        assigner_(calls.add("the timestamp assigner of '" + name + "'")),
        make_generator_(calls.add("the maker of generators of '" + name + "'")),
        on_event_(calls.add("on_event() of '" + name + "'")),
        current_watermark_(calls.add("current_watermark() of '" + name + "'")) {}
  void stamp(const Batch& batch, std::size_t begin, std::size_t end, std::uint32_t split,
             std::vector<Timestamp>& times) override {
    Split& to = splits_[split];
    if (strategy_.make_generator() && !to.generator) {
      to.generator =
          call_user(calls_, make_generator_, [&] { return strategy_.make_generator()(); });
      if (!to.generator)
        throw Failure(Error{ErrorCode::kInvalidArgument, "for_generator() made no generator"});
    }
    constexpr std::size_t kTime = RowOf<T>::kWidth;
    const Column* old = batch.columns().size() > kTime ? batch.column(kTime).get() : nullptr;
    const bool reads = strategy_.assigner() || to.generator;
    for (std::size_t row = begin; row < end; ++row) {
      Timestamp time =
          old != nullptr && !old->is_null(row) ? old->data<Timestamp>()[row] : kNoTimestamp;
      if (reads) {
        const T element = RowOf<T>::read(BatchColumns{batch}, row);
        if (strategy_.assigner())
          time = call_user(calls_, assigner_, [&] { return strategy_.assigner()(element); });
        if (to.generator)
          call_user(calls_, on_event_, [&] { to.generator->on_event(element, time); });
      }
      if (time != kNoTimestamp && time > to.greatest) to.greatest = time;
      times.push_back(time);
    }
  }
  Timestamp watermark(std::uint32_t split) override {
    if (!strategy_.has_watermarks()) return kNoTimestamp;
    Split& of = splits_[split];
    if (of.generator)
      return call_user(calls_, current_watermark_,
                       [&] { return of.generator->current_watermark(); });
    // what lies before the beginning of time is no watermark yet
    const bool has_one = of.greatest > kNoTimestamp + strategy_.bound_ms() + 1;
    return has_one ? of.greatest - strategy_.bound_ms() - 1 : kNoTimestamp;
  }
  bool tick() override { return static_cast<bool>(strategy_.make_generator()); }

 private:
  struct Split {
    Timestamp greatest = kNoTimestamp;
    std::unique_ptr<WatermarkGenerator<T>> generator;
  };
  WatermarkStrategy<T> strategy_;
  UserCalls& calls_;
  const UserCalls::Site assigner_, make_generator_, on_event_, current_watermark_;
  std::map<std::uint32_t, Split> splits_;
};

}  // namespace slipstream::stream::erased
