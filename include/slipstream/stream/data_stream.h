// Streams of elements and what can be done with them. The model of meaning is Flink's DataStream
// API.
//
// A stream is a cheap value: an output of a node in the plan of its environment. Every operator takes
// .uid("..."), .name("...") and .parallelism(n) right behind it. A uid names the operator's state
// in checkpoints; without one it is made of the operator's place in the program ("process-2"),
// so give one to everything with state that must survive a change of the program.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slipstream/stream/bodies.h"
#include "slipstream/stream/environment.h"
#include "slipstream/stream/functions.h"
#include "slipstream/stream/operator.h"
#include "slipstream/stream/sink.h"
#include "slipstream/stream/source.h"
#include "slipstream/stream/window.h"

namespace slipstream::stream {

template <typename T, typename K>
class KeyedStream;
template <typename T, typename K>
class WindowedStream;
template <typename A, typename B>
class ConnectedStreams;
template <typename B>
class BroadcastStream;

namespace erased {

template <template <typename> class BodyOf, typename A, typename B, typename K = void>
class TwoInputs;

// A function, or something that makes a std::unique_ptr to one.
template <typename F>
concept FunctionMaker = requires(F& make) {
  typename std::decay_t<decltype(*make())>::Function;
};
// Instances by copy.
template <typename F>
struct MadeBy {
  using Fn = F;
  static std::unique_ptr<Fn> make(const F& prototype) { return std::make_unique<Fn>(prototype); }
};
// Instances by call.
template <FunctionMaker F>
struct MadeBy<F> {
  using Fn = std::decay_t<decltype(*std::declval<F&>()())>;
  static std::unique_ptr<Fn> make(F maker) { return maker(); }
};
template <typename F>
using FunctionOf = typename MadeBy<F>::Fn;

template <template <typename> class BodyOf, typename F>
MakeBody function_body(F function) {
  return [function = std::move(function)](OperatorRuntime& runtime, Link out,
                                          std::vector<SideLink> sides) -> std::unique_ptr<Body> {
    auto made = MadeBy<F>::make(function);
    if (made == nullptr)
      throw Failure(Error{ErrorCode::kInvalidArgument, "what makes the function made none"});
    return std::make_unique<BodyOf<FunctionOf<F>>>(runtime, std::move(made), std::move(out),
                                                   std::move(sides));
  };
}

// A stream or sink that was put into the plan. Always valid: what was moved from keeps its place.
struct NodeOutput {
  NodeOutput(std::shared_ptr<StreamPlan> of, NodeNumber node, std::size_t output_number,
             Partitioning how)
      : plan(std::move(of)), number(node), output(output_number), exchange(how) {}
  NodeOutput(const NodeOutput&) = default;
  NodeOutput& operator=(const NodeOutput&) = default;

  std::shared_ptr<StreamPlan> plan;
  NodeNumber number;
  std::size_t output;
  Partitioning exchange;
  EdgeSpec edge() const { return EdgeSpec{number, output, exchange}; }
};

// An empty std::function or a null pointer is a mistake of the program, not of its data.
template <typename F>
void check_callable(const NodeOutput& node_output, const char* what, const F& function) {
  if constexpr (requires { function == nullptr; }) {
    if (function == nullptr) {
      note_error(*node_output.plan,
                 Error{ErrorCode::kInvalidArgument, std::string(what) + ": the function is empty"});
    }
  }
}

template <typename Out>
NodeSpec node_of(std::string kind, std::vector<EdgeSpec> inputs) {
  NodeSpec spec;
  spec.kind = std::move(kind);
  spec.inputs = std::move(inputs);
  spec.element = RowOf<Out>::schema();
  spec.end = row_end<Out>();
  return spec;
}

}  // namespace erased

// Settings of the operator behind a stream or the end of one.
template <typename Self>
class OperatorSettings {
 public:
  Self uid(std::string uid) const {
    node().uid = std::move(uid);
    return self();
  }
  Self name(std::string name) const {
    node().name = std::move(name);
    return self();
  }
  Self parallelism(std::uint32_t parallelism) const {
    node().parallelism = parallelism;
    return self();
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  erased::NodeSpec& node() const {
    const erased::NodeOutput& node_output = self().node_output();
    return erased::node(*node_output.plan, node_output.number);
  }
};

// The end of a stream.
class StreamSink : public OperatorSettings<StreamSink> {
 public:
  explicit StreamSink(erased::NodeOutput node_output) : node_output_(std::move(node_output)) {}
  const erased::NodeOutput& node_output() const { return node_output_; }

 private:
  erased::NodeOutput node_output_;
};

// Elements of type T, in as many parallel parts as the operator has that makes them.
template <typename T>
class DataStream : public OperatorSettings<DataStream<T>> {
  static_assert(Element<T>, "no RowOf<T>: see slipstream/stream/row.h");

 public:
  using ElementType = T;
  explicit DataStream(erased::NodeOutput node_output) : node_output_(std::move(node_output)) {}

  // Out f(const T&)
  template <typename F>
  auto map(F function) const {
    using Out = std::decay_t<std::invoke_result_t<F&, const T&>>;
    erased::check_callable(node_output_, "map", function);
    return step<Out>("map", [function = std::move(function)](erased::OperatorRuntime& runtime,
                                                             erased::Link next) {
      return erased::link_of(
          std::make_shared<erased::MapStep<T, Out, F>>(runtime, function, std::move(next)));
    });
  }
  // bool f(const T&)
  template <typename F>
  DataStream<T> filter(F function) const {
    erased::check_callable(node_output_, "filter", function);
    return step<T>("filter", [function = std::move(function)](erased::OperatorRuntime& runtime,
                                                              erased::Link next) {
      return erased::link_of(
          std::make_shared<erased::FilterStep<T, F>>(runtime, function, std::move(next)));
    });
  }
  // void f(const T&, Collector<Out>&)
  template <typename Out, typename F>
  DataStream<Out> flat_map(F function) const {
    erased::check_callable(node_output_, "flat_map", function);
    return step<Out>("flat-map", [function = std::move(function)](erased::OperatorRuntime& runtime,
                                                                  erased::Link next) {
      return erased::link_of(
          std::make_shared<erased::FlatMapStep<T, Out, F>>(runtime, function, std::move(next)));
    });
  }
  // A ProcessFunction<T, Out>, or what makes one.
  template <typename F>
  auto process(F function) const {
    using Fn = erased::FunctionOf<F>;
    static_assert(std::is_same_v<typename Fn::In, T>, "the function takes another element type");
    static_assert(!erased::ProcessBody<Fn>::kKeyed, "the function needs a key: key_by() before");
    return body<typename Fn::Out>("process", {node_output_.edge()},
                                  erased::function_body<erased::ProcessBody>(std::move(function)));
  }

  // K f(const T&)
  template <typename F>
  auto key_by(F function) const {
    using K = std::decay_t<std::invoke_result_t<F&, const T&>>;
    static_assert(Element<K>, "no RowOf<K> for the key: see slipstream/stream/row.h");
    erased::check_callable(node_output_, "key_by", function);
    auto spec = erased::node_of<T>("key-by", {node_output_.edge()});
    spec.follows_input = true;
    spec.keyed_output = true;
    spec.key_layout = layout_of<K>();
    spec.step = [](erased::OperatorRuntime&, erased::Link next) { return next; };
    spec.feed = erased::feed_body<T>();
    spec.end = [function = std::move(function)](erased::OperatorRuntime& runtime,
                                                std::size_t output) {
      return erased::link_of(std::make_shared<erased::KeyEnd<T, K, F>>(runtime, output, function));
    };
    return KeyedStream<T, K>(added(std::move(spec), Partitioning::kHash));
  }

  template <typename... Others>
  DataStream<T> union_with(const Others&... others) const {
    erased::NodeSpec spec;
    spec.kind = "union";
    spec.inputs = {node_output_.edge()};
    const auto add = [&](const erased::NodeOutput& other) {
      if (erased::check_same(*node_output_.plan, *other.plan, "union_with"))
        spec.inputs.push_back(other.edge());
    };
    (add(others.node_output()), ...);
    spec.element = RowOf<T>::schema();
    return DataStream<T>(added(std::move(spec)));
  }

  template <typename B>
  ConnectedStreams<T, B> connect(const DataStream<B>& other) const {
    return ConnectedStreams<T, B>(node_output_, other.node_output());
  }
  template <typename B>
  auto connect(const BroadcastStream<B>& other) const {
    return erased::TwoInputs<erased::BroadcastBody, T, B>(node_output_, other.node_output());
  }
  // To be connected with another stream, every instance of which gets all elements.
  BroadcastStream<T> broadcast_state() const {
    return BroadcastStream<T>(exchanged(Partitioning::kBroadcast).node_output());
  }

  // How elements go to the instances of the next operator. Without one of these: to the same
  // instance, or spread evenly where parallelisms differ.
  DataStream<T> rebalance() const { return exchanged(Partitioning::kRebalance); }
  DataStream<T> broadcast() const { return exchanged(Partitioning::kBroadcast); }
  DataStream<T> global() const { return exchanged(Partitioning::kSingle); }

  // Elements get times, and event time goes on as they come. Best right behind a source: there
  // each split has its own watermark. Watermarks from above end here.
  DataStream<T> assign_timestamps_and_watermarks(WatermarkStrategy<T> strategy) const {
    erased::NodeSpec spec;
    spec.kind = "timestamps";
    spec.inputs = {node_output_.edge()};
    spec.follows_input = node_output_.exchange == Partitioning::kForward;
    spec.element = RowOf<T>::schema();
    spec.stamper.idle_timeout_ms = strategy.idle_ms();
    spec.stamper.ticks = static_cast<bool>(strategy.make_generator());
    spec.stamper.make = [strategy](erased::UserCalls& calls,
                                   const std::string& name) -> std::unique_ptr<erased::Stamper> {
      return std::make_unique<erased::StrategyStamper<T>>(strategy, calls, name);
    };
    return DataStream<T>(added(std::move(spec)));
  }

  // What the operator that made this stream put out under the tag.
  template <typename X>
  DataStream<X> side_output(const OutputTag<X>& tag) const {
    erased::SideSpec side{tag.id, RowOf<X>::schema(), erased::row_end<X>()};
    erased::NodeOutput node_output = node_output_;
    node_output.output =
        erased::side_output(*node_output_.plan, node_output_.number, std::move(side));
    node_output.exchange = Partitioning::kForward;
    return DataStream<X>(std::move(node_output));
  }

  // Everything in one window after the other, whatever the key; parallelism 1.
  WindowedStream<T, bool> window_all(WindowAssigner assigner) const {
    return key_by([](const T&) { return true; }).window(assigner).all();
  }

  // void f(const T&); a SinkFunction<T>, or what makes one; or what adds itself to a stream, such
  // as RocketMQSink. At least once.
  template <typename F>
  StreamSink add_sink(F function) const {
    if constexpr (requires { function.add_to(*this); }) {
      return function.add_to(*this);
    } else if constexpr (std::is_invocable_v<F&, const T&> && !erased::FunctionMaker<F>) {
      erased::check_callable(node_output_, "add_sink", function);
      return add_sink(erased::CallSink<T, F>(std::move(function)));
    } else {
      using Fn = erased::FunctionOf<F>;
      static_assert(std::is_same_v<typename Fn::In, T>, "the sink takes another element type");
      erased::NodeSpec spec;
      spec.kind = "sink";
      spec.inputs = {node_output_.edge()};
      spec.body = erased::function_body<erased::SinkBody>(std::move(function));
      return StreamSink(added(std::move(spec)));
    }
  }
  // A TwoPhaseSink<T>: exactly once.
  template <typename F>
  StreamSink add_two_phase_sink(F function) const {
    static_assert(std::is_same_v<typename F::In, T>, "the sink takes another element type");
    return sink_to(erased::make_two_phase_sink(*node_output_.plan,
                                               erased::two_phase_spec(std::move(function))));
  }
  // One line of standard output for each element, as the connector 'print' writes rows.
  StreamSink print(std::string prefix = {}) const {
    OptionMap options;
    if (!prefix.empty()) options["print-identifier"] = std::move(prefix);
    return sink_to_connector("print", std::move(options));
  }
  // A sink of the connector contract whose rows are those of T.
  StreamSink sink_to(std::shared_ptr<Sink> sink) const {
    erased::NodeSpec spec;
    spec.kind = "sink";
    if (sink == nullptr)
      note_error(*node_output_.plan, Error{ErrorCode::kInvalidArgument, "sink_to: there is none"});
    spec.inputs = {node_output_.edge()};
    spec.sink = std::move(sink);
    return StreamSink(added(std::move(spec)));
  }
  // A table of a connector, options as in SQL's WITH.
  StreamSink sink_to_connector(std::string connector, OptionMap options,
                               TableDetails details = {}) const {
    erased::TableSpec table;
    table.connector = std::move(connector);
    table.options = std::move(options);
    table.name = std::move(details.name);
    table.element = RowOf<T>::schema();
    table.metadata.assign(details.metadata.begin(), details.metadata.end());
    table.primary_key = std::move(details.primary_key);
    erased::NodeSpec spec;
    spec.kind = "sink";
    spec.inputs = {node_output_.edge()};
    spec.writes = std::move(table);
    return StreamSink(added(std::move(spec)));
  }

  const erased::NodeOutput& node_output() const { return node_output_; }

 protected:
  erased::NodeOutput added(erased::NodeSpec spec,
                           Partitioning exchange = Partitioning::kForward) const {
    return erased::NodeOutput{node_output_.plan,
                              erased::add_node(*node_output_.plan, std::move(spec)), 0, exchange};
  }
  template <typename Out>
  DataStream<Out> body(std::string kind, std::vector<erased::EdgeSpec> inputs,
                       erased::MakeBody make) const {
    auto spec = erased::node_of<Out>(std::move(kind), std::move(inputs));
    spec.body = std::move(make);
    return DataStream<Out>(added(std::move(spec)));
  }

 private:
  template <typename Out>
  DataStream<Out> step(std::string kind, erased::MakeStep make) const {
    auto spec = erased::node_of<Out>(std::move(kind), {node_output_.edge()});
    spec.step = std::move(make);
    spec.feed = erased::feed_body<T>();
    return DataStream<Out>(added(std::move(spec)));
  }
  DataStream<T> exchanged(Partitioning exchange) const {
    erased::NodeOutput node_output = node_output_;
    node_output.exchange = exchange;
    return DataStream<T>(std::move(node_output));
  }

  erased::NodeOutput node_output_;
};

// Elements with equal keys are seen by one instance, in the order in which they came there.
template <typename T, typename K>
class KeyedStream : public DataStream<T> {
 public:
  using KeyType = K;
  using DataStream<T>::DataStream;

  // Of key_by; it stays a keyed stream.
  KeyedStream uid(std::string uid) const {
    DataStream<T>::uid(std::move(uid));
    return *this;
  }
  KeyedStream name(std::string name) const {
    DataStream<T>::name(std::move(name));
    return *this;
  }
  KeyedStream parallelism(std::uint32_t parallelism) const {
    DataStream<T>::parallelism(parallelism);
    return *this;
  }

  // A KeyedProcessFunction<K, T, Out>, or what makes one.
  template <typename F>
  auto process(F function) const {
    using Fn = erased::FunctionOf<F>;
    static_assert(std::is_same_v<typename Fn::In, T>, "the function takes another element type");
    static_assert(std::is_same_v<typename Fn::Key, K>, "the function takes another key type");
    return keyed_body<typename Fn::Out>(
        "process", erased::function_body<erased::ProcessBody>(std::move(function)));
  }
  // T f(const T&, const T&): the fold of all elements of a key so far, one result per element.
  template <typename F>
  DataStream<T> reduce(F function) const {
    erased::check_callable(this->node_output(), "reduce", function);
    return keyed_body<T>("reduce", erased::function_body<erased::ProcessBody>(
                                       RollingReduce<F>(std::move(function))));
  }
  WindowedStream<T, K> window(WindowAssigner assigner) const {
    return WindowedStream<T, K>(this->node_output(), assigner);
  }
  using DataStream<T>::connect;
  template <typename B>
  auto connect(const KeyedStream<B, K>& other) const {
    return erased::TwoInputs<erased::CoProcessBody, T, B, K>(this->node_output(),
                                                             other.node_output());
  }
  template <typename B>
  auto connect(const BroadcastStream<B>& other) const {
    return erased::TwoInputs<erased::BroadcastBody, T, B, K>(this->node_output(),
                                                             other.node_output());
  }

 private:
  template <typename F>
  class RollingReduce final : public KeyedProcessFunction<K, T, T> {
   public:
    using Base = KeyedProcessFunction<K, T, T>;
    explicit RollingReduce(F reduce) : reduce_(std::move(reduce)) {}
    void open(RuntimeContext& context) override { value_ = context.value_state<T>("value"); }
    void process_element(const T& element, typename Base::Context&, Collector<T>& out) override {
      const auto before = value_.get();
      const T value = before ? reduce_(*before, element) : element;
      value_.update(value);
      out.collect(value);
    }

   private:
    F reduce_;
    ValueState<T> value_;
  };

  template <typename Out>
  DataStream<Out> keyed_body(std::string kind, erased::MakeBody make) const {
    auto spec = erased::node_of<Out>(std::move(kind), {this->node_output().edge()});
    spec.body = std::move(make);
    spec.keyed = true;
    spec.state_note = "grows with the number of distinct keys";
    return DataStream<Out>(this->added(std::move(spec)));
  }
};

// Elements of a key by window; results come when event time (or the clock) has passed its end.
template <typename T, typename K>
class WindowedStream {
 public:
  WindowedStream(erased::NodeOutput node_output, WindowAssigner assigner)
      : node_output_(std::move(node_output)) {
    spec_.assigner = assigner;
  }
  // A window is kept for so long after it fired; each late element in it gives a new result.
  WindowedStream& allowed_lateness(std::chrono::milliseconds lateness) {
    spec_.allowed_lateness = lateness;
    return *this;
  }
  // Elements that are too late go to this side output of the result.
  WindowedStream& side_output_late_data(const OutputTag<T>& tag) {
    spec_.late_tag = tag.id;
    return *this;
  }
  WindowedStream all() && {
    single_ = true;
    return std::move(*this);
  }

  // T f(const T&, const T&)
  template <typename F>
  DataStream<T> reduce(F function) const {
    erased::check_callable(node_output_, "reduce", function);
    return make<T>("window-reduce", erased::ReducedWindow<T, F>(std::move(function)),
                   erased::PlainResult<T>());
  }
  // The same; a ProcessWindowFunction<T, Out, K> sees the result with its window.
  template <typename F, typename Fn>
  auto reduce(F function, Fn window_function) const {
    check<T, Fn>();
    erased::check_callable(node_output_, "reduce", function);
    return make<typename Fn::Out>("window-reduce", erased::ReducedWindow<T, F>(std::move(function)),
                                  erased::FunctionResult<Fn>(window_function));
  }
  // An AggregateFunction<T, Accumulator, Out>.
  template <typename A>
  auto aggregate(A function) const {
    check_aggregate<A>();
    return make<typename A::Out>("window-aggregate",
                                 erased::AggregatedWindow<A>(std::move(function)),
                                 erased::PlainResult<typename A::Out>());
  }
  template <typename A, typename Fn>
  auto aggregate(A function, Fn window_function) const {
    check_aggregate<A>();
    check<typename A::Out, Fn>();
    return make<typename Fn::Out>("window-aggregate",
                                  erased::AggregatedWindow<A>(std::move(function)),
                                  erased::FunctionResult<Fn>(window_function));
  }
  // A ProcessWindowFunction<T, Out, K> over all elements of the window, which are kept until then.
  template <typename Fn>
  auto process(Fn window_function) const {
    check<T, Fn>();
    return make<typename Fn::Out>("window-process", erased::CollectedWindow<T>(),
                                  erased::FunctionResult<Fn>(window_function));
  }

 private:
  template <typename In, typename Fn>
  static void check() {
    static_assert(std::is_same_v<typename Fn::In, In>, "the function takes another element type");
    static_assert(std::is_same_v<typename Fn::Key, K>, "the function takes another key type");
  }
  template <typename A>
  void check_aggregate() const {
    static_assert(std::is_same_v<typename A::In, T>, "the function takes another element type");
    using Base = AggregateFunction<typename A::In, typename A::Accumulator, typename A::Out>;
    if constexpr (std::is_base_of_v<Base, A> &&
                  std::is_same_v<decltype(&A::merge), decltype(&Base::merge)>) {
      if (spec_.assigner.kind == WindowAssigner::Kind::kSession) {
        note_error(*node_output_.plan,
                   Error{ErrorCode::kInvalidArgument,
                         "aggregate: session windows grow together, so their AggregateFunction "
                         "needs merge()"});
      }
    }
  }
  template <typename Out, typename Kept, typename Finish>
  DataStream<Out> make(std::string kind, Kept kept, Finish finish) const {
    auto node = erased::node_of<Out>(std::move(kind), {node_output_.edge()});
    node.keyed = true;
    node.state_note = "grows with the number of keys and open windows";
    if (single_) node.parallelism = 1;
    node.body = [spec = spec_, kept = std::move(kept), finish = std::move(finish)](
                    erased::OperatorRuntime& runtime, erased::Link out,
                    std::vector<erased::SideLink> sides) -> std::unique_ptr<erased::Body> {
      return std::make_unique<erased::WindowBody<T, Kept, Finish>>(
          runtime, spec, kept, finish, std::move(out), std::move(sides));
    };
    return DataStream<Out>(erased::NodeOutput{node_output_.plan,
                                              erased::add_node(*node_output_.plan, std::move(node)),
                                              0, Partitioning::kForward});
  }

  erased::NodeOutput node_output_;
  erased::WindowSpec spec_;
  bool single_ = false;
};

namespace erased {

// Two streams into one function of the kind that BodyOf calls; with a key K its state and timers
// belong to the key.
template <template <typename> class BodyOf, typename A, typename B, typename K>
class TwoInputs {
 public:
  TwoInputs(NodeOutput first, NodeOutput second)
      : first_(std::move(first)), second_(std::move(second)) {
    if (!check_same(*first_.plan, *second_.plan, "connect")) second_ = first_;
  }

  // The function, or what makes one: CoProcessFunction, BroadcastProcessFunction and their keyed
  // forms.
  template <typename F>
  auto process(F function) const {
    using Fn = FunctionOf<F>;
    using Caller = BodyOf<Fn>;
    static_assert(
        std::is_same_v<typename Caller::First, A> && std::is_same_v<typename Caller::Second, B>,
        "the function takes other element types");
    static_assert(Caller::kKeyed == !std::is_void_v<K>,
                  "a keyed function belongs on keyed streams, and no other one");
    if constexpr (Caller::kKeyed)
      static_assert(std::is_same_v<typename Fn::Key, K>, "the function takes another key type");
    auto spec = node_of<typename Fn::Out>(Caller::kKind, {first_.edge(), second_.edge()});
    spec.body = function_body<BodyOf>(std::move(function));
    spec.keyed = Caller::kKeyed;
    return DataStream<typename Fn::Out>(NodeOutput(
        first_.plan, add_node(*first_.plan, std::move(spec)), 0, Partitioning::kForward));
  }

 protected:
  const NodeOutput& first() const { return first_; }

 private:
  NodeOutput first_;
  NodeOutput second_;
};

// Two lambdas as one function.
template <typename A, typename B, typename Out, typename F1, typename F2>
class CoFlatMap final : public CoProcessFunction<A, B, Out> {
 public:
  using Base = CoProcessFunction<A, B, Out>;
  CoFlatMap(F1 first, F2 second) : first_(std::move(first)), second_(std::move(second)) {}
  void process_element1(const A& element, typename Base::Context&, Collector<Out>& out) override {
    first_(element, out);
  }
  void process_element2(const B& element, typename Base::Context&, Collector<Out>& out) override {
    second_(element, out);
  }

 private:
  F1 first_;
  F2 second_;
};

}  // namespace erased

// Two streams with the same key into one KeyedCoProcessFunction<K, A, B, Out> with state.
template <typename A, typename B, typename K>
using KeyedConnectedStreams = erased::TwoInputs<erased::CoProcessBody, A, B, K>;
// A stream that meets a broadcast in a BroadcastProcessFunction<T, B, Out>.
template <typename T, typename B>
using BroadcastConnectedStream = erased::TwoInputs<erased::BroadcastBody, T, B>;
// A keyed stream that meets a broadcast in a KeyedBroadcastProcessFunction<K, T, B, Out>.
template <typename T, typename B, typename K>
using KeyedBroadcastConnectedStream = erased::TwoInputs<erased::BroadcastBody, T, B, K>;

// Two streams into one CoProcessFunction<A, B, Out>, or into two lambdas.
template <typename A, typename B>
class ConnectedStreams : public erased::TwoInputs<erased::CoProcessBody, A, B> {
 public:
  using erased::TwoInputs<erased::CoProcessBody, A, B>::TwoInputs;

  // Out f(const A&), Out g(const B&)
  template <typename F1, typename F2>
  auto map(F1 first, F2 second) const {
    using Out = std::decay_t<std::invoke_result_t<F1&, const A&>>;
    erased::check_callable(this->first(), "map", first);
    erased::check_callable(this->first(), "map", second);
    return flat_map<Out>(
        [first](const A& element, Collector<Out>& out) mutable { out.collect(first(element)); },
        [second](const B& element, Collector<Out>& out) mutable { out.collect(second(element)); });
  }
  // void f(const A&, Collector<Out>&), void g(const B&, Collector<Out>&)
  template <typename Out, typename F1, typename F2>
  DataStream<Out> flat_map(F1 first, F2 second) const {
    erased::check_callable(this->first(), "flat_map", first);
    erased::check_callable(this->first(), "flat_map", second);
    return this->process(erased::CoFlatMap<A, B, Out, F1, F2>(std::move(first), std::move(second)));
  }
};

// A stream of which every instance of the next operator gets all elements.
template <typename B>
class BroadcastStream {
 public:
  explicit BroadcastStream(erased::NodeOutput node_output) : node_output_(std::move(node_output)) {}
  const erased::NodeOutput& node_output() const { return node_output_; }

 private:
  erased::NodeOutput node_output_;
};

// ----------------------------------------------------------------------------------------------
// sources of an environment

template <typename T>
DataStream<T> Environment::from_source(std::shared_ptr<Source> source, std::string name) {
  erased::NodeSpec spec;
  spec.kind = "source";
  spec.name = std::move(name);
  spec.element = RowOf<T>::schema();
  if (source == nullptr) {
    erased::note_error(*plan_, Error{ErrorCode::kInvalidArgument, "from_source: there is none"});
  }
  spec.source = std::move(source);
  return DataStream<T>(erased::NodeOutput{plan_, erased::add_node(*plan_, std::move(spec)), 0,
                                          Partitioning::kForward});
}

template <typename T>
DataStream<T> Environment::from_elements(const std::vector<T>& elements) {
  std::vector<Batch> batches;
  erased::RowWriter writer(erased::edge_schema(RowOf<T>::schema(), false), kBatchRows,
                           [&batches](Batch&& batch) { batches.push_back(std::move(batch)); });
  erased::RowEnd<T> end(writer);
  for (const T& element : elements) end.emit(T(element), kNoTimestamp);
  writer.flush();
  auto stream = from_source<T>(
      erased::make_batches_source("elements", RowOf<T>::schema(), std::move(batches)), "elements");
  stream.parallelism(1);
  return stream;
}

template <typename T>
DataStream<T> Environment::from_connector(std::string connector, OptionMap options,
                                          TableDetails details) {
  erased::TableSpec table;
  table.connector = std::move(connector);
  table.options = std::move(options);
  table.name = std::move(details.name);
  table.element = RowOf<T>::schema();
  table.metadata.assign(details.metadata.begin(), details.metadata.end());
  table.primary_key = std::move(details.primary_key);
  erased::NodeSpec spec;
  spec.kind = "source";
  spec.element = table.element;
  spec.reads = std::move(table);
  return DataStream<T>(erased::NodeOutput{plan_, erased::add_node(*plan_, std::move(spec)), 0,
                                          Partitioning::kForward});
}

template <typename F>
DataStream<typename F::Out> Environment::add_source(F function, std::string name) {
  using T = typename F::Out;
  if constexpr (requires { function.add_to(*this, name); }) {
    return function.add_to(*this, std::move(name));
  } else {
    const bool bounded = function.bounded();
    auto source = erased::make_function_source(
        *plan_, name, RowOf<T>::schema(), bounded,
        [function = std::move(function)]() -> std::unique_ptr<erased::SourceRun> {
          return std::make_unique<erased::TypedSourceRun<F>>(function);
        });
    auto stream = from_source<T>(std::move(source), std::move(name));
    stream.parallelism(1);
    erased::node(*plan_, stream.node_output().number).source_times = true;
    return stream;
  }
}

template <typename F>
DataStream<typename F::Out> Environment::add_split_source(F source, std::string name) {
  using T = typename F::Out;
  auto spec = erased::split_source_spec<T>(std::make_shared<F>(std::move(source)));
  spec.name = name;
  auto stream = from_source<T>(erased::make_split_source(*plan_, std::move(spec)), std::move(name));
  erased::node(*plan_, stream.node_output().number).source_times = true;
  return stream;
}

}  // namespace slipstream::stream
