#include "connector_kit/testing/memory_connector.h"

#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "base/try.h"
#include "connector_kit/emptiness_proofs.h"
#include "connector_kit/row_assembler.h"
#include "connector_kit/table_format.h"
#include "connector_kit/testing/memory_sink.h"

namespace slipstream::testing {
namespace {

using connector_kit::BodyChunk;
using connector_kit::BodyOrigin;
using connector_kit::EmptinessProofs;
using connector_kit::RowAssembler;

constexpr Option<std::string> kFormat{.name = "format", .description = "How a body holds a row."};
constexpr Option<connector_kit::DecodeErrors> kDecodeErrors =
    connector_kit::decode_errors_option("What to do with a body that is no row.");

OptionTable memory_options() {
  return OptionTable(option_specs(kFormat, kDecodeErrors))
      .merged(OptionTable(memory_sink_options()));
}

std::string split_id(std::size_t partition) { return "memory/" + std::to_string(partition); }

// What all readers of a table share.
struct MemoryTable {
  std::shared_ptr<MemoryBroker> broker;
  std::shared_ptr<const connector_kit::DecodedTable> rows;
  std::vector<std::string> metadata;  // keys
};

class Enumerator final : public SplitEnumerator {
 public:
  Enumerator(std::size_t partitions, bool restored) : partitions_(partitions), given_(restored) {}
  Result<Discovery> discover() override {
    Discovery found;
    for (std::size_t i = 0; i < partitions_ && !given_; ++i)
      found.added.push_back({split_id(i), "0"});
    given_ = true;
    return found;
  }
  std::string snapshot() override { return "1"; }

 private:
  const std::size_t partitions_;
  bool given_;
};

// The bodies of one answer, for as long as a column refers to them.
class Answer final : public Buffer {
 public:
  explicit Answer(std::vector<std::string> bodies) : bodies_(std::move(bodies)) {}
  std::size_t bytes() const override {
    std::size_t sum = 0;
    for (const std::string& body : bodies_) sum += body.size();
    return sum;
  }
  std::vector<std::string_view> views() const { return {bodies_.begin(), bodies_.end()}; }

 private:
  const std::vector<std::string> bodies_;
};

class Reader final : public SourceReader {
 public:
  Reader(std::shared_ptr<const MemoryTable> plan, ReaderContext context,
         std::unique_ptr<RowAssembler> rows)
      : plan_(std::move(plan)), context_(std::move(context)), rows_(std::move(rows)) {
    watcher_ = plan_->broker->watch(context_.wake);
    for (const std::string& key : plan_->metadata) {
      metadata_.push_back([this, &key](std::span<const std::uint32_t> bodies, ColumnBuilder& out) {
        for (const std::uint32_t body : bodies) {
          out.append<std::int64_t>(key == "offset"
                                       ? reading_->second.next + body
                                       : static_cast<std::int64_t>(reading_->second.partition));
        }
      });
    }
  }
  ~Reader() override { plan_->broker->unwatch(watcher_); }

  Status add_split(std::uint32_t index, const Split& split) override {
    State state;
    const std::string_view partition = std::string_view(split.id).substr(split_id(0).size() - 1);
    if (std::from_chars(partition.data(), partition.data() + partition.size(), state.partition)
                .ec != std::errc() ||
        std::from_chars(split.state.data(), split.state.data() + split.state.size(), state.next)
                .ec != std::errc())
      return Error{ErrorCode::kCorrupt, "split '" + split.id + "' at '" + split.state + "'"};
    splits_[index] = state;
    rows_->event({index, SplitAdded{}});
    return {};
  }

  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    rows_->begin();
    for (auto at = splits_.begin(); at != splits_.end() && !rows_->full(); ++at) {
      if (!at->second.paused) TRY(read(at));
    }
    rows_->give_rejected(rejected);
    give_proofs();
    if (rows_->empty()) return Poll::kNothing;
    rows_->finish(out);
    return Poll::kBatch;
  }

  Result<std::vector<Split>> snapshot(CheckpointId) override {
    std::vector<Split> states;
    for (const auto& [index, state] : splits_)
      states.push_back({split_id(state.partition), std::to_string(state.next)});
    return states;
  }
  void checkpoint_complete(CheckpointId) override {}
  void pause(std::span<const std::uint32_t> splits) override {
    const std::set<std::uint32_t> paused(splits.begin(), splits.end());
    for (auto& [index, state] : splits_) state.paused = paused.contains(index);
  }
  std::vector<SplitProgress> progress() const override {
    std::vector<SplitProgress> all;
    for (const auto& [index, state] : splits_) all.push_back({index, state.next, state.end});
    return all;
  }

 private:
  struct State {
    std::size_t partition = 0;
    std::int64_t next = 0;
    std::int64_t end = -1;
    std::int64_t proven_ms = -1;
    bool paused = false;
  };
  using Splits = std::map<std::uint32_t, State>;

  Status read(Splits::iterator at) {
    reading_ = at;
    State& state = at->second;
    const std::int64_t asked_ms = context_.clock->now_ms();
    const auto answer = std::make_shared<Answer>(plan_->broker->fetch(
        state.partition, static_cast<std::size_t>(state.next), rows_->room(), &state.end));
    const std::vector<std::string_view> bodies = answer->views();
    if (bodies.empty()) {
      state.proven_ms = asked_ms;
      return {};
    }
    BodyChunk chunk{at->first, bodies, answer, 0, answer->bytes()};
    TRY(rows_->add(chunk, metadata_, [&](std::uint32_t body) {
      const std::string offset = std::to_string(state.next + body);
      return BodyOrigin{split_id(state.partition),
                        offset,
                        "the message at offset " + offset + " of " + split_id(state.partition),
                        {}};
    }));
    state.next += static_cast<std::int64_t>(bodies.size());
    proofs_.rows_given(asked_ms);
    return {};
  }

  // Every poll asks all partitions, so there is no question to send and no answer to wait for.
  void give_proofs() {
    std::vector<EmptinessProofs::Fact> facts;
    for (const auto& [index, state] : splits_)
      facts.push_back({index, state.next == state.end, state.next == state.end, state.proven_ms});
    proofs_.outdated_until(context_.proofs_outdated_until_ms ? context_.proofs_outdated_until_ms()
                                                             : 0);
    const auto decision = proofs_.decide(facts, context_.clock->now_ms());
    for (const SplitEvent& event : decision.events) rows_->event(event);
    if (decision.look_after_ms && rows_->empty()) context_.wake();
  }

  const std::shared_ptr<const MemoryTable> plan_;
  const ReaderContext context_;
  const std::unique_ptr<RowAssembler> rows_;
  std::vector<RowAssembler::AppendMetadata> metadata_;
  Splits splits_;
  Splits::iterator reading_;
  EmptinessProofs proofs_;
  std::uint64_t watcher_ = 0;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(std::shared_ptr<const MemoryTable> plan) : plan_(std::move(plan)) {}
  Schema schema() const override { return plan_->rows->schema; }
  bool bounded() const override { return false; }
  std::vector<std::string> endpoints() const override { return {memory_endpoint(*plan_->broker)}; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return std::unique_ptr<SplitEnumerator>(
        std::make_unique<Enumerator>(plan_->broker->partitions(), context.has_restored));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    TRY_ASSIGN(auto rows, RowAssembler::make(plan_->rows, context.batch_rows, {}, ""));
    return std::unique_ptr<SourceReader>(
        std::make_unique<Reader>(plan_, std::move(context), std::move(rows)));
  }

 private:
  const std::shared_ptr<const MemoryTable> plan_;
};

class MemoryConnector final : public ConnectorFactory {
 public:
  explicit MemoryConnector(std::shared_ptr<MemoryBroker> broker) : broker_(std::move(broker)) {}
  std::string_view name() const override { return "memory"; }
  std::string_view description() const override { return "A message system for tests."; }
  bool can_read() const override { return true; }
  bool can_write() const override { return true; }
  OptionTable options() const override { return memory_options(); }
  std::vector<MetadataSpec> metadata() const override {
    return {{.key = "partition", .type = Type::bigint(), .description = "number of the partition"},
            {.key = "offset", .type = Type::bigint(), .description = "place in the partition"}};
  }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    TRY_ASSIGN(auto format,
               connector_kit::read_table_format(request.table, memory_options(), "json"));
    const auto errors = format.options[kDecodeErrors];
    TRY_ASSIGN(auto rows, connector_kit::plan_decoding(request, std::move(format), errors));
    auto plan = std::make_shared<MemoryTable>();
    plan->broker = broker_;
    plan->rows = std::make_shared<const connector_kit::DecodedTable>(std::move(rows));
    for (const std::size_t index : request.metadata)
      plan->metadata.push_back(request.table.metadata[index].key);
    return std::unique_ptr<Source>(std::make_unique<MemorySource>(std::move(plan)));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return make_memory_sink(request, memory_options(), broker_);
  }

 private:
  const std::shared_ptr<MemoryBroker> broker_;
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_memory_connector(std::shared_ptr<MemoryBroker> broker) {
  return std::make_unique<MemoryConnector>(std::move(broker));
}

}  // namespace slipstream::testing
