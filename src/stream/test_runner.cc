// Runs the graph of a job in one thread and virtual time.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "slipstream/stream/testing.h"

#include "base/try.h"
#include "data/hash.h"
#include "flow/checkpoint/state_match.h"
#include "flow/graph.h"
#include "stream/plan.h"
#include "stream/user_call.h"

namespace slipstream::stream::testing::erased {
namespace {

using flow::EventTime;
using flow::kMaxWatermark;
using flow::kMinWatermark;
using flow::NodeId;
using flow::Progress;

// Stands for an input: never read.
class TestSource final : public Source {
 public:
  explicit TestSource(Schema element) : element_(std::move(element)) {}
  Schema schema() const override { return stream::erased::edge_schema(element_, false); }
  bool bounded() const override { return false; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext) override {
    return Error{ErrorCode::kUnsupported, "an input of a test was run as a source"};
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext) override {
    return Error{ErrorCode::kUnsupported, "an input of a test was run as a source"};
  }

 private:
  Schema element_;
};

// What all instances saved.
struct Saved {
  // One for each operator that saved something, as in a checkpoint.
  std::vector<flow::OperatorState> operators;
  CheckpointId checkpoint = 0;
  struct SavedBytes {
    std::string uid;
    std::string name;
    std::uint32_t key_group = 0;
    std::uint32_t subtask = 0;
    std::string bytes;
  };
  std::vector<SavedBytes> user_states;

  std::string encode() const {
    flow::Manifest manifest;
    manifest.id = checkpoint;
    manifest.operators = operators;
    std::string out;
    bytes::put_text(out, flow::encode_manifest(manifest));
    for (const SavedBytes& state : user_states) {
      bytes::put_text(out, state.uid);
      bytes::put_text(out, state.name);
      bytes::put_number(out, state.key_group);
      bytes::put_number(out, state.subtask);
      bytes::put_text(out, state.bytes);
    }
    return out;
  }
  static Result<Saved> decode(std::string_view in) {
    Saved saved;
    std::string_view manifest;
    if (!bytes::get_text(in, manifest)) return cut_short();
    TRY_ASSIGN(flow::Manifest decoded, flow::decode_manifest(manifest));
    saved.operators = std::move(decoded.operators);
    saved.checkpoint = decoded.id;
    while (!in.empty()) {
      std::string_view uid, name, state;
      std::uint32_t group = 0, subtask = 0;
      if (!bytes::get_text(in, uid) || !bytes::get_text(in, name) ||
          !bytes::get_number(in, group) || !bytes::get_number(in, subtask) ||
          !bytes::get_text(in, state))
        return cut_short();
      saved.user_states.push_back(
          {std::string(uid), std::string(name), group, subtask, std::string(state)});
    }
    return saved;
  }
  static Error cut_short() { return {ErrorCode::kCorrupt, "a test's snapshot is cut short"}; }
};

class PieceWriter final : public flow::SnapshotWriter {
 public:
  PieceWriter(Saved& saved, std::string uid, std::uint32_t subtask)
      : saved_(saved), uid_(std::move(uid)), subtask_(subtask) {}
  void add_to_base(std::string_view) override {}  // never: there is no base
  Status write(std::string_view name, std::uint32_t key_group,
               std::span<const std::byte> bytes) override {
    saved_.user_states.push_back(
        {uid_, std::string(name), key_group, subtask_,
         std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
    return {};
  }

 private:
  Saved& saved_;
  std::string uid_;
  std::uint32_t subtask_;
};

class PieceReader final : public flow::SnapshotReader {
 public:
  PieceReader(const Saved& saved, std::string uid, flow::KeyGroupRange range)
      : saved_(saved), uid_(std::move(uid)), range_(range) {}
  Status visit(std::string_view name,
               const std::function<Status(std::uint32_t, std::uint32_t,
                                          std::span<const std::byte>)>& entry) const override {
    for (const Saved::SavedBytes& state : saved_.user_states) {
      const bool mine = state.key_group == flow::kOperatorState ||
                        (state.key_group >= range_.begin && state.key_group < range_.end);
      if (state.uid != uid_ || state.name != name || !mine) continue;
      TRY(entry(state.key_group, state.subtask,
                {reinterpret_cast<const std::byte*>(state.bytes.data()), state.bytes.size()}));
    }
    return {};
  }

 private:
  const Saved& saved_;
  std::string uid_;
  flow::KeyGroupRange range_;
};

}  // namespace

std::shared_ptr<Source> make_test_source(Schema element) {
  return std::make_shared<TestSource>(std::move(element));
}

class Runner::Impl {
 public:
  Impl(std::shared_ptr<stream::erased::StreamPlan> plan, TestOptions options)
      : plan_(std::move(plan)), options_(options), now_ms_(options.processing_time) {}

  void restore(std::string_view snapshot) {
    if (!vertices_.empty())
      return note(Error{ErrorCode::kInvalidArgument, "restore() comes before the first element"});
    auto saved = Saved::decode(snapshot);
    note(saved.status());
    if (saved.ok()) start(&*saved);
  }
  void send(stream::erased::NodeNumber input, Batch batch) {
    if (Vertex* vertex = source_of(input)) vertex->instances[0]->emit(std::move(batch));
    drain();
  }
  void watermark(stream::erased::NodeNumber input, EventTime time) {
    if (Vertex* vertex = source_of(input)) vertex->instances[0]->emit_watermark(time);
    drain();
  }
  void end(stream::erased::NodeNumber input) {
    if (Vertex* vertex = source_of(input)) vertex->instances[0]->end();
    drain();
  }
  void set_processing_time(std::int64_t time) {
    if (vertices_.empty()) start(nullptr);
    while (status_.ok()) {
      Instance* first = nullptr;
      for (const auto& vertex : vertices_) {
        for (const auto& instance : vertex->instances) {
          if (instance->timer && *instance->timer <= time &&
              (first == nullptr || *instance->timer < *first->timer))
            first = instance.get();
        }
      }
      if (first == nullptr) break;
      now_ms_ = std::max(now_ms_, *first->timer);
      first->timer.reset();
      first->call([&](flow::Operator& op) { return op.on_timer(now_ms_, *first); });
      drain();
    }
    now_ms_ = std::max(now_ms_, time);
  }
  Result<std::string> snapshot() {
    if (vertices_.empty()) start(nullptr);
    TRY(status_);
    Saved saved;
    for (const auto& vertex : vertices_) {
      for (const auto& instance : vertex->instances) {
        if (instance->op == nullptr) continue;
        TRY_ASSIGN(const auto pending, instance->op->snapshot({++checkpoint_, 0}));
        if (pending == nullptr) continue;
        PieceWriter writer(saved, vertex->node.uid, instance->subtask);
        TRY(pending->write(writer));
        if (saved.operators.empty() || saved.operators.back().uid != vertex->node.uid) {
          saved.operators.push_back({vertex->node.uid,
                                     vertex->node.name,
                                     vertex->parallelism,
                                     {},
                                     instance->op->state_schema()});
        }
      }
    }
    saved.checkpoint = checkpoint_;
    return saved.encode();
  }
  std::int64_t metric(const std::string& name) const {
    const auto found = metrics_.find(name);
    return found == metrics_.end() ? 0 : found->second.load();
  }
  const Status& status() const { return status_; }

 private:
  struct Vertex;
  struct Channel {
    EventTime watermark = kMinWatermark;
    bool idle = false;
    bool ended = false;
  };
  struct Element {
    enum class Kind : std::uint8_t { kBatch, kWatermark, kIdle, kActive, kEnd } kind = Kind::kBatch;
    Vertex* to = nullptr;
    std::uint32_t subtask = 0;
    std::size_t input = 0;
    std::size_t channel = 0;
    Batch batch = {};
    EventTime watermark = 0;
  };

  // One parallel instance. There is room for one batch at a time, so that whatever can be
  // interrupted is.
  struct Instance final : public flow::Emitter {
    Instance(Impl& of, Vertex& at, std::uint32_t number) : impl(of), vertex(at), subtask(number) {}

    void emit(Batch&& batch) override { impl.route(*this, 0, std::move(batch)); }
    void emit_side(std::size_t output, Batch&& batch) override {
      impl.route(*this, output, std::move(batch));
    }
    void emit(const flow::TimeSignal& signal) override {
      if (const auto* reached = std::get_if<flow::Watermark>(&signal))
        return emit_watermark(reached->time_ms);
      send(std::holds_alternative<flow::Idle>(signal) ? Element::Kind::kIdle
                                                      : Element::Kind::kActive);
    }
    void emit_watermark(EventTime time) {
      if (time <= emitted_watermark) return;
      emitted_watermark = time;
      Element element;
      element.kind = Element::Kind::kWatermark;
      element.watermark = time;
      impl.to_all(*this, element);
    }
    bool has_room() const override { return !full; }
    void send(Element::Kind kind) {
      Element element;
      element.kind = kind;
      impl.to_all(*this, element);
    }
    void end() {
      emit_watermark(kMaxWatermark);
      send(Element::Kind::kEnd);
    }
    template <typename F>
    void call(F&& f) {
      if (!impl.status_.ok()) return;
      full = false;
      Result<Progress> progress = f(*op);
      while (progress.ok() && *progress == Progress::kMore) {
        full = false;
        progress = op->resume(*this);
      }
      impl.note(progress.status().with_context("operator '" + vertex.node.name + "'"));
    }

    Impl& impl;
    Vertex& vertex;
    std::uint32_t subtask;
    std::unique_ptr<flow::Operator> op;
    std::vector<std::vector<Channel>> channels;  // of each input
    EventTime watermark = kMinWatermark;
    EventTime emitted_watermark = kMinWatermark;
    std::optional<std::int64_t> timer;
    bool full = false;
  };
  struct Consumer {
    Vertex* vertex = nullptr;
    std::size_t input = 0;
  };
  struct Vertex {
    flow::Node node;
    std::uint32_t parallelism = 1;
    std::vector<Consumer> consumers;
    std::vector<std::unique_ptr<Instance>> instances;
    std::size_t round = 0;
  };

  void note(const Status& status) {
    if (status_.ok()) status_ = status;
  }

  Vertex* source_of(stream::erased::NodeNumber input) {
    if (vertices_.empty()) start(nullptr);
    if (!status_.ok()) return nullptr;
    const std::string& uid = plan_->nodes()[input].uid;
    for (const auto& vertex : vertices_) {
      if (vertex->node.uid == uid) return vertex.get();
    }
    return nullptr;
  }

  void start(const Saved* saved) {
    auto graph = plan_->translate();
    if (!graph.ok()) return note(graph.status());
    if (saved != nullptr) {
      // as a job does that starts without --allow-dropped-state
      flow::Manifest manifest;
      manifest.id = saved->checkpoint;
      manifest.operators = saved->operators;
      const auto matched = flow::match_state(std::move(manifest), *graph, JobOptions());
      if (!matched.ok()) return note(matched.status());
    }
    for (flow::Node& node : graph->nodes) {
      auto vertex = std::make_unique<Vertex>();
      vertex->parallelism = node.parallelism == 0 ? options_.parallelism : node.parallelism;
      vertex->node = std::move(node);
      for (std::size_t i = 0; i < vertex->node.inputs.size(); ++i)
        vertices_[vertex->node.inputs[i].from]->consumers.push_back({vertex.get(), i});
      vertices_.push_back(std::move(vertex));
    }
    for (const auto& vertex : vertices_) {
      for (std::uint32_t i = 0; i < vertex->parallelism; ++i)
        note(
            start_instance(*vertex, i, saved).with_context("operator '" + vertex->node.name + "'"));
    }
  }

  Status start_instance(Vertex& vertex, std::uint32_t subtask, const Saved* saved) {
    auto made = std::make_unique<Instance>(*this, vertex, subtask);
    Instance& instance = *made;
    vertex.instances.push_back(std::move(made));
    for (const flow::Input& input : vertex.node.inputs) {
      const bool forward = input.partitioning == Partitioning::kForward;
      instance.channels.emplace_back(forward ? 1 : vertices_[input.from]->parallelism);
    }
    if (vertex.node.sink != nullptr ||
        (vertex.node.source != nullptr &&
         dynamic_cast<const TestSource*>(vertex.node.source.get()) == nullptr)) {
      return Error{ErrorCode::kUnsupported,
                   "sources and connector sinks do not run in a TestJob: use input() and output()"};
    }
    if (vertex.node.source != nullptr) return {};
    TRY_ASSIGN(instance.op, vertex.node.make());
    flow::OperatorContext context;
    context.uid = vertex.node.uid;
    context.name = vertex.node.name;
    context.subtask = subtask;
    context.parallelism = vertex.parallelism;
    context.key_groups = groups_of(subtask, vertex.parallelism);
    context.now_ms = [this] { return now_ms_; };
    context.set_timer = [&instance](std::int64_t wall_ms) { instance.timer = wall_ms; };
    context.metrics.value = [this](std::string_view name, std::string_view) {
      return &metrics_[std::string(name)];
    };
    TRY(instance.op->open(context));
    if (saved == nullptr) return {};
    return instance.op->restore(PieceReader(*saved, vertex.node.uid, context.key_groups));
  }

  flow::KeyGroupRange groups_of(std::uint32_t subtask, std::uint32_t parallelism) const {
    const std::uint32_t total = options_.max_parallelism;
    const auto begin = [&](std::uint32_t at) {
      return (at * total + parallelism - 1) / parallelism;
    };
    return {begin(subtask), begin(subtask + 1), total};
  }

  void route(Instance& from, std::size_t output, Batch&& batch) {
    if (batch.rows() == 0) return;
    from.full = true;
    for (const Consumer& consumer : from.vertex.consumers) {
      const flow::Input& input = consumer.vertex->node.inputs[consumer.input];
      if (input.output != output) continue;
      switch (input.partitioning) {
        case Partitioning::kForward:
          deliver(from, consumer, from.subtask, batch);
          break;
        case Partitioning::kSingle:
          deliver(from, consumer, 0, batch);
          break;
        case Partitioning::kBroadcast:
          for (std::uint32_t i = 0; i < consumer.vertex->parallelism; ++i)
            deliver(from, consumer, i, batch);
          break;
        case Partitioning::kRebalance:
          deliver(from, consumer,
                  static_cast<std::uint32_t>(from.vertex.round++ % consumer.vertex->parallelism),
                  batch);
          break;
        case Partitioning::kHash:
          deliver_by_key(from, consumer, input.key_columns, batch);
          break;
      }
    }
  }
  void deliver_by_key(Instance& from, const Consumer& consumer,
                      const std::vector<std::size_t>& key_columns, const Batch& batch) {
    const auto hashes = hash_rows(batch, key_columns);
    std::vector<std::vector<std::uint32_t>> rows(consumer.vertex->parallelism);
    for (std::uint32_t row = 0; row < batch.rows(); ++row) {
      const std::uint32_t group = key_group(hashes[row], options_.max_parallelism);
      rows[key_group_owner(group, options_.max_parallelism, consumer.vertex->parallelism)]
          .push_back(row);
    }
    Batch hashed = batch;
    hashed.set_key_hashes(hashes);
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].empty()) deliver(from, consumer, i, slipstream::take(hashed, rows[i]));
    }
  }
  void deliver(Instance& from, const Consumer& consumer, std::uint32_t subtask,
               const Batch& batch) {
    Element element;
    element.batch = batch;
    queue(from, consumer, subtask, std::move(element));
  }
  void queue(Instance& from, const Consumer& consumer, std::uint32_t subtask, Element element) {
    const flow::Input& input = consumer.vertex->node.inputs[consumer.input];
    element.to = consumer.vertex;
    element.subtask = subtask;
    element.input = consumer.input;
    element.channel = input.partitioning == Partitioning::kForward ? 0 : from.subtask;
    queue_.push_back(std::move(element));
  }
  void to_all(Instance& from, const Element& element) {
    for (const Consumer& consumer : from.vertex.consumers) {
      const bool forward =
          consumer.vertex->node.inputs[consumer.input].partitioning == Partitioning::kForward;
      for (std::uint32_t i = 0; i < consumer.vertex->parallelism; ++i) {
        if (!forward || i == from.subtask) queue(from, consumer, i, element);
      }
    }
  }

  void drain() {
    while (!queue_.empty() && status_.ok()) {
      Element element = std::move(queue_.front());
      queue_.pop_front();
      process(element);
    }
    queue_.clear();
  }
  void process(Element& element) {
    Instance& to = *element.to->instances[element.subtask];
    Channel& channel = to.channels[element.input][element.channel];
    switch (element.kind) {
      case Element::Kind::kBatch:
        channel.idle = false;
        to.call([&](flow::Operator& op) {
          return op.push(element.input, std::move(element.batch), to);
        });
        return;
      case Element::Kind::kWatermark:
        channel.idle = false;
        channel.watermark = std::max(channel.watermark, element.watermark);
        return advance(to);
      case Element::Kind::kIdle:
      case Element::Kind::kActive:
        channel.idle = element.kind == Element::Kind::kIdle;
        return advance(to);
      case Element::Kind::kEnd:
        channel.ended = true;
        return end_input(to, element.input);
    }
  }
  void advance(Instance& to) {
    EventTime lowest = kMaxWatermark;
    bool any = false;
    for (const auto& input : to.channels) {
      for (const Channel& channel : input) {
        if (channel.idle) continue;
        any = true;
        lowest = std::min(lowest, channel.watermark);
      }
    }
    if (!any || lowest <= to.watermark) return;
    to.watermark = lowest;
    to.call([&](flow::Operator& op) { return op.advance(flow::Watermark{lowest}, to); });
  }
  void end_input(Instance& to, std::size_t input) {
    const auto ended = [](const std::vector<Channel>& channels) {
      return std::all_of(channels.begin(), channels.end(),
                         [](const Channel& channel) { return channel.ended; });
    };
    if (!ended(to.channels[input])) return;
    to.call([&](flow::Operator& op) { return op.end_input(input, to); });
    if (std::all_of(to.channels.begin(), to.channels.end(), ended)) to.end();
  }

  std::shared_ptr<stream::erased::StreamPlan> plan_;
  TestOptions options_;
  std::int64_t now_ms_;
  std::map<std::string, std::atomic<std::int64_t>> metrics_;
  std::vector<std::unique_ptr<Vertex>> vertices_;
  std::deque<Element> queue_;
  CheckpointId checkpoint_ = 0;
  Status status_;
};

Runner::Runner(std::shared_ptr<stream::erased::StreamPlan> plan, TestOptions options)
    : impl_(std::make_unique<Impl>(std::move(plan), options)) {}
Runner::~Runner() = default;
void Runner::restore(std::string_view snapshot) { impl_->restore(snapshot); }
void Runner::send(stream::erased::NodeNumber input, Batch batch) {
  impl_->send(input, std::move(batch));
}
void Runner::watermark(stream::erased::NodeNumber input, Timestamp time) {
  impl_->watermark(input, time);
}
void Runner::end(stream::erased::NodeNumber input) { impl_->end(input); }
void Runner::set_processing_time(Timestamp time) { impl_->set_processing_time(time); }
Result<std::string> Runner::snapshot() { return impl_->snapshot(); }
std::int64_t Runner::metric(const std::string& name) const { return impl_->metric(name); }
const Status& Runner::status() const { return impl_->status(); }

}  // namespace slipstream::stream::testing::erased
