// The connector's source with a schema behind it. The rows of each message go through the schema
// where they are read, so splits, their event time and their proofs of emptiness stay what they
// are.
#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <set>
#include <span>

#include "slipstream/stream/rocketmq.h"

#include "base/try.h"
#include "stream/plan.h"
#include "stream/rocketmq_config.h"
#include "stream/user_call.h"

namespace slipstream::stream::erased {

namespace {

// In front of the saved state of a queue that a schema ended; no state of the connector begins so.
constexpr char kEndedMark = '\x01';
constexpr std::uint8_t kStateVersion = 1;

struct ColumnSpec {
  const char* key;
  Type type;
};
const ColumnSpec& column_spec(MessageColumn column) {
  static const ColumnSpec kColumns[] = {
      {"born-timestamp", Type::bigint()},
      {"queue-offset", Type::bigint()},
      {"keys", Type::string()},
      {"tags", Type::string()},
      {"topic", Type::string()},
      {"broker", Type::string()},
      {"queue-id", Type::integer()},
      {"store-timestamp", Type::bigint()},
      {"properties", Type::map(Type::string(), Type::string())},
      {"sharding-key", Type::string()},
  };
  return kColumns[static_cast<std::size_t>(column)];
}

// Queues that a schema has ended: set by readers, read by the enumerator.
// Thread: any.
class EndedQueues {
 public:
  void set(const std::string& id, bool ended) {
    const std::lock_guard lock(mutex_);
    if (ended) {
      ids_.insert(id);
    } else {
      ids_.erase(id);
    }
  }
  bool has_all(const std::set<std::string>& known) const {
    const std::lock_guard lock(mutex_);
    return !known.empty() && std::includes(ids_.begin(), ids_.end(), known.begin(), known.end());
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> ids_;
};

// No more queues are looked for once all known ones have been ended.
class Enumerator final : public SplitEnumerator {
 public:
  Enumerator(std::unique_ptr<SplitEnumerator> inner, std::set<std::string> known,
             std::shared_ptr<const EndedQueues> ended)
      : inner_(std::move(inner)), known_(std::move(known)), ended_(std::move(ended)) {}

  Result<Discovery> discover() override {
    TRY_ASSIGN(Discovery found, inner_->discover());
    for (const Split& split : found.added) known_.insert(split.id);
    found.complete = found.complete || ended_->has_all(known_);
    return found;
  }
  std::chrono::milliseconds discovery_interval() const override {
    return inner_->discovery_interval();
  }
  std::string snapshot() override {
    std::string out;
    bytes::put_number(out, kStateVersion);
    bytes::put_text(out, inner_->snapshot());
    for (const std::string& id : known_) bytes::put_text(out, id);
    return out;
  }
  struct Saved {
    std::string inner;
    std::set<std::string> known;
  };
  static Result<Saved> decode(std::string_view in) {
    Saved saved;
    if (in.empty()) return saved;
    std::uint8_t version = 0;
    std::string_view text;
    bool ok =
        bytes::get_number(in, version) && version == kStateVersion && bytes::get_text(in, text);
    saved.inner = text;
    while (ok && !in.empty()) {
      ok = bytes::get_text(in, text);
      saved.known.emplace(text);
    }
    if (!ok) return Error{ErrorCode::kCorrupt, "saved queues of a topic cannot be read"};
    return saved;
  }

 private:
  std::unique_ptr<SplitEnumerator> inner_;
  std::set<std::string> known_;
  std::shared_ptr<const EndedQueues> ended_;
};

struct SourceParts {
  std::shared_ptr<Source> connector;
  MessageSourceSpec spec;
  std::string name;
  std::string topic;
  std::shared_ptr<UserCodeWatch> watch;
  std::chrono::milliseconds commit_interval{0};  // without checkpoints; 0 = not at all
  std::size_t messages_max = 1;                  // of one call of the schema
  std::shared_ptr<EndedQueues> ended = std::make_shared<EndedQueues>();
};

class Reader final : public SourceReader {
 public:
  Reader(std::shared_ptr<const SourceParts> parts, ReaderContext context)
      : parts_(std::move(parts)),
        context_(std::move(context)),
        calls_(parts_->watch->add("source '" + parts_->name + "'")),
        schema_(calls_->add("the schema of source '" + parts_->name + "'")),
        rows_(edge_schema(parts_->spec.element, false), std::numeric_limits<std::size_t>::max(),
              [this](Batch&& batch) { built_ = std::move(batch); }) {}

  Status open() {
    TRY_ASSIGN(connector_, parts_->connector->make_reader(context_));
    if (context_.metrics.value)
      calls_->set_gauge(context_.metrics.value(kBlockedCall.name, kBlockedCall.help));
    TRY(user_call(*calls_, schema_, [&] { decoder_ = parts_->spec.make_decoder(rows_); }));
    next_commit_ms_ = context_.clock->now_ms() + parts_->commit_interval.count();
    return {};
  }

  Status add_split(std::uint32_t index, const Split& split) override {
    const bool ended = !split.state.empty() && split.state.front() == kEndedMark;
    parts_->ended->set(split.id, ended);
    Queue& queue = queues_[index];
    queue.id = split.id;
    queue.ended = ended;
    if (!ended) return connector_->add_split(index, split);
    queue.state = split.state;
    events_.push_back(SplitEvent{index, SplitAdded{}});
    events_.push_back(SplitEvent{index, SplitEnded{}});
    return {};
  }

  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    if (parts_->commit_interval.count() > 0) TRY(commit_in_time());
    if (!events_.empty()) {
      out->events = std::exchange(events_, {});
      return Poll::kBatch;
    }
    SourceBatch messages;
    TRY_ASSIGN(const Poll polled, connector_->poll(&messages, rejected));
    if (polled == Poll::kBatch) TRY(convert(messages, out));
    return polled;
  }

  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    TRY_ASSIGN(std::vector<Split> splits, connector_->snapshot(checkpoint));
    for (const auto& [index, queue] : queues_) {
      if (queue.ended) splits.push_back(Split{queue.id, queue.state});
    }
    return splits;
  }
  void checkpoint_complete(CheckpointId checkpoint) override {
    connector_->checkpoint_complete(checkpoint);
  }
  void pause(std::span<const std::uint32_t> splits) override { connector_->pause(splits); }
  void set_read_order(std::span<const std::uint32_t> splits) override {
    connector_->set_read_order(splits);
  }
  std::vector<SplitProgress> progress() const override { return connector_->progress(); }

 private:
  struct Queue {
    std::string id;
    bool ended = false;
    bool told = false;  // that it was added
    std::string state;  // once ended
  };

  Status convert(const SourceBatch& messages, SourceBatch* out) {
    std::vector<SplitRun> runs;
    std::vector<std::uint32_t> ended;
    for (std::size_t run = 0; run < messages.runs.size(); ++run) {
      const auto [split, begin] = messages.runs[run];
      Queue& queue = queues_.at(split);
      const std::size_t end =
          run + 1 < messages.runs.size() ? messages.runs[run + 1].begin : messages.rows.rows();
      if (queue.ended) continue;
      const auto first = static_cast<std::uint32_t>(rows_.rows());
      TRY_ASSIGN(const bool more, convert_run(messages.rows, begin, end, queue));
      if (rows_.rows() > first) runs.push_back(SplitRun{split, first});
      if (more) continue;
      queue.ended = true;
      ended.push_back(split);
    }
    built_ = Batch();
    rows_.flush();
    out->rows = std::move(built_);
    out->runs = std::move(runs);
    for (const SplitEvent& event : messages.events) {
      Queue& queue = queues_.at(event.split);
      if (queue.ended) continue;
      if (event.is<SplitAdded>() && std::exchange(queue.told, true)) continue;
      out->events.push_back(event);
    }
    for (const std::uint32_t split : ended) out->events.push_back(SplitEvent{split, SplitEnded{}});
    return ended.empty() ? Status() : go_on_without_ended();
  }

  // False: the queue has ended.
  Result<bool> convert_run(const Batch& messages, std::size_t begin, std::size_t end,
                           const Queue& queue) {
    const std::size_t first = parts_->spec.body.size();
    const Column& born = *messages.column(first + static_cast<std::size_t>(MessageColumn::kBorn));
    const Column& offsets =
        *messages.column(first + static_cast<std::size_t>(MessageColumn::kOffset));
    const std::span<const Timestamp> times(born.data<Timestamp>(), messages.rows());
    bool more = true;
    std::size_t row = begin;
    const Status status = user_call(*calls_, schema_, [&] {
      while (row < end && more) {
        const std::size_t next = std::min(row + parts_->messages_max, end);
        const auto of_list = times.subspan(row, next - row);
        more = decoder_->decode(messages, row, next,
                                *std::max_element(of_list.begin(), of_list.end()));
        row = next;
      }
    });
    if (!status.ok()) {
      return status.with_context((parts_->messages_max > 1 ? "the list of messages from offset "
                                                           : "the message at offset ") +
                                 std::to_string(offsets.data<std::int64_t>()[row]) + " of queue " +
                                 queue.id);
    }
    return more;
  }

  // The connector's reader is made anew: the old one has read on in these queues, and would tell
  // the group so.
  Status go_on_without_ended() {
    TRY_ASSIGN(const std::vector<Split> splits, connector_->snapshot(0));
    TRY_ASSIGN(connector_, parts_->connector->make_reader(context_));
    for (auto& [index, queue] : queues_) {
      const auto saved =
          std::find_if(splits.begin(), splits.end(),
                       [&id = queue.id](const Split& split) { return split.id == id; });
      if (saved == splits.end()) continue;
      if (!queue.ended) {
        TRY(connector_->add_split(index, *saved));
        continue;
      }
      queue.state = kEndedMark + saved->state;
      parts_->ended->set(queue.id, true);
    }
    return {};
  }

  Status commit_in_time() {
    const std::int64_t now_ms = context_.clock->now_ms();
    if (now_ms >= next_commit_ms_) {
      next_commit_ms_ = now_ms + parts_->commit_interval.count();
      TRY(connector_->snapshot(++commits_).status());
      connector_->checkpoint_complete(commits_);
    }
    if (std::exchange(wake_ms_, next_commit_ms_) != next_commit_ms_)
      context_.wake_after(next_commit_ms_ - now_ms);
    return {};
  }

  const std::shared_ptr<const SourceParts> parts_;
  const ReaderContext context_;
  const std::shared_ptr<UserCalls> calls_;
  const UserCalls::Site schema_;
  std::unique_ptr<SourceReader> connector_;
  std::int64_t next_commit_ms_ = 0;
  std::int64_t wake_ms_ = 0;  // when it will be woken for a commit
  Batch built_;
  RowWriter rows_;
  std::unique_ptr<MessageDecoder> decoder_;
  std::map<std::uint32_t, Queue> queues_;
  std::vector<SplitEvent> events_;
  CheckpointId commits_ = 0;
};

class MessageSource final : public Source {
 public:
  explicit MessageSource(std::shared_ptr<const SourceParts> parts) : parts_(std::move(parts)) {}

  Schema schema() const override { return edge_schema(parts_->spec.element, false); }
  bool bounded() const override { return parts_->connector->bounded(); }
  std::vector<std::string> explain() const override { return parts_->connector->explain(); }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    TRY_ASSIGN(auto saved, Enumerator::decode(context.restored));
    context.restored = std::move(saved.inner);
    TRY_ASSIGN(auto inner, parts_->connector->make_enumerator(std::move(context)));
    return std::unique_ptr<SplitEnumerator>(
        std::make_unique<Enumerator>(std::move(inner), std::move(saved.known), parts_->ended));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    auto reader = std::make_unique<Reader>(parts_, std::move(context));
    TRY(reader->open());
    return std::unique_ptr<SourceReader>(std::move(reader));
  }

 private:
  std::shared_ptr<const SourceParts> parts_;
};

TableSpec table_of(const MessageSourceSpec& spec, SourceConfig config) {
  TableSpec table;
  table.connector = "rocketmq";
  table.options = std::move(config.options);
  table.options["format"] = spec.format;
  table.name = config.topic;
  table.element = spec.body;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(spec.last); ++i) {
    const ColumnSpec& column = column_spec(static_cast<MessageColumn>(i));
    const std::string name = std::string("$") + column.key;
    table.element.add(name, column.type);
    table.metadata.emplace_back(name, column.key);
  }
  return table;
}

}  // namespace

NodeNumber add_message_source(const std::shared_ptr<StreamPlan>& plan, MessageSourceSpec spec,
                              std::string name) {
  NodeSpec node;
  node.kind = "source";
  node.name = std::move(name);
  node.element = spec.element;
  auto config = read_source_config(spec.properties, spec.start, spec.stop_ms);
  if (!config.ok()) {
    note_error(*plan, config.status());
    node.source = make_batches_source("none", spec.element, {});
    return add_node(*plan, std::move(node));
  }
  const auto persist = std::chrono::milliseconds(config->persist_interval_ms);
  const std::size_t messages_max = spec.lists ? config->list_messages_max : 1;
  node.reads = table_of(spec, *config);
  // The settings may still change until the job is executed.
  node.adapt = [spec = std::move(spec), name = node.name, topic = config->topic, persist,
                messages_max, watch = plan->watch(),
                settings = job_settings(*plan)](std::shared_ptr<Source> connector) {
    auto parts = std::make_shared<SourceParts>();
    parts->connector = std::move(connector);
    parts->spec = spec;
    parts->name = name;
    parts->topic = topic;
    parts->watch = watch;
    parts->messages_max = messages_max;
    if (settings->checkpoint_interval.count() == 0) parts->commit_interval = persist;
    return std::static_pointer_cast<Source>(std::make_shared<MessageSource>(std::move(parts)));
  };
  return add_node(*plan, std::move(node));
}

}  // namespace slipstream::stream::erased

namespace slipstream::stream {

rocketmq::Message SourceMessage::to_message() const {
  rocketmq::Message message;
  message.body = body();
  message.tags = tags().value_or(std::string_view());
  message.keys = erased::split_keys(std::string(key().value_or(std::string_view())));
  for (auto& [name, value] : properties()) message.properties.push_back({name, value});
  message.sharding_key = sharding_key();
  return message;
}

}  // namespace slipstream::stream
