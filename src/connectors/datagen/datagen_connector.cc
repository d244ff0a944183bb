#include "connectors/datagen/datagen_connector.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/try.h"
#include "connectors/datagen/field_generator.h"

namespace slipstream::datagen_connector {
namespace {

constexpr std::uint64_t kUnbounded = std::numeric_limits<std::uint64_t>::max();

constexpr Option<std::int64_t> kRowsPerSecond{
    .name = "rows-per-second",
    .default_value = "10000",
    .description = "Rows made per second, all readers together; 0 = as fast as possible.",
    .limits = {{.min = 0}}};
constexpr Option<std::int64_t> kNumberOfRows{
    .name = "number-of-rows",
    .description = "Rows to make in all; without it the table is unbounded unless a sequence ends.",
    .limits = {{.min = 0}}};

OptionTable datagen_options() {
  return OptionTable({
      kRowsPerSecond.spec(),
      kNumberOfRows.spec(),
      OptionSpec{.name = "fields.",
                 .description = "Per column: fields.NAME.kind = random | sequence, .min, .max, "
                                ".length, .start, .end, "
                                ".max-past, .null-rate.",
                 .values = {kFieldOptions.begin(), kFieldOptions.end()},
                 .prefix = true},
  });
}

class Enumerator : public SplitEnumerator {
 public:
  explicit Enumerator(bool restored) : done_(restored) {}
  Result<Discovery> discover() override {
    Discovery discovery;
    discovery.complete = true;
    if (done_) return discovery;
    done_ = true;
    for (std::uint32_t split = 0; split < kDatagenSplits; ++split) {
      discovery.added.push_back(Split{"datagen/" + std::to_string(split), std::to_string(split)});
    }
    return discovery;
  }
  std::string snapshot() override { return "1"; }

 private:
  bool done_;
};

// Least time between batches while a rate limit holds rows back.
constexpr std::int64_t kPaceMs = 20;

struct ColumnPlan {
  std::shared_ptr<const FieldGenerator> generator;
  Type type;
};

class Reader : public SourceReader {
 public:
  Reader(std::vector<ColumnPlan> columns, std::uint64_t rows, std::int64_t rate,
         ReaderContext context)
      : columns_(std::move(columns)), rows_(rows), rate_(rate), context_(std::move(context)) {}

  Status add_split(std::uint32_t index, const Split& split) override {
    std::uint64_t next = 0;
    const auto parsed =
        std::from_chars(split.state.data(), split.state.data() + split.state.size(), next);
    if (parsed.ec != std::errc())
      return Error{ErrorCode::kCorrupt, "datagen split state '" + split.state + "'"};
    splits_[index] = State{split.id, next};
    // Known before the first row of any other: event time waits for it.
    events_.push_back(SplitEvent{index, SplitAdded{}});
    if (next >= rows_) events_.push_back(SplitEvent{index, SplitEnded{}});
    return {};
  }

  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    static_cast<void>(rejected);
    if (!events_.empty()) {
      out->rows = no_rows();
      out->events = std::exchange(events_, {});
      return Poll::kBatch;
    }
    const auto split = next_split();
    if (split == splits_.end()) return Poll::kEnd;
    const std::size_t budget = std::min(context_.batch_rows, allowance());
    if (budget == 0) {
      context_.wake_after(until_next_row_ms());
      return Poll::kNothing;
    }
    last_split_ = split->first;
    *out = make_rows(split->first, split->second, budget);
    return Poll::kBatch;
  }

  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    static_cast<void>(checkpoint);
    std::vector<Split> states;
    for (const auto& [index, state] : splits_)
      states.push_back(Split{state.id, std::to_string(state.next)});
    return states;
  }
  void checkpoint_complete(CheckpointId checkpoint) override { static_cast<void>(checkpoint); }

 private:
  struct State {
    std::string id;
    std::uint64_t next = 0;
  };

  using Splits = std::map<std::uint32_t, State>;

  // In turn, of those that have rows left; the end when there is none.
  Splits::iterator next_split() {
    const auto has_rows = [this](const auto& split) { return split.second.next < rows_; };
    const auto begin = splits_.upper_bound(last_split_);
    const auto found = std::find_if(begin, splits_.end(), has_rows);
    if (found != splits_.end()) return found;
    const auto before = std::find_if(splits_.begin(), begin, has_rows);
    return before == begin ? splits_.end() : before;
  }

  double rows_per_ms() const {
    return static_cast<double>(rate_) * static_cast<double>(splits_.size()) / kDatagenSplits /
           1000.0;
  }

  // Rows this reader may make now: its share of the rate since the first poll.
  std::size_t allowance() {
    if (rate_ <= 0) return kBatchRows;
    const std::int64_t now = context_.clock->now_ms();
    if (started_ms_ < 0) started_ms_ = now;
    const auto due = static_cast<std::uint64_t>(rows_per_ms() *
                                                static_cast<double>(now - started_ms_ + kPaceMs));
    return due > made_ ? static_cast<std::size_t>(std::min<std::uint64_t>(due - made_, kBatchRows))
                       : 0;
  }

  // REQUIRES: allowance() is 0.
  std::int64_t until_next_row_ms() const {
    const double due_ms = std::ceil(static_cast<double>(made_ + 1) / rows_per_ms()) - kPaceMs;
    return std::max(kPaceMs,
                    started_ms_ + static_cast<std::int64_t>(due_ms) - context_.clock->now_ms());
  }

  Batch no_rows() const {
    std::vector<ColumnPtr> none;
    for (const ColumnPlan& plan : columns_) none.push_back(ColumnBuilder(plan.type).finish());
    return Batch(0, std::move(none));
  }

  SourceBatch make_rows(std::uint32_t index, State& state, std::size_t budget) {
    const std::uint64_t left = (rows_ - state.next - 1) / kDatagenSplits + 1;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(budget, left));
    std::vector<ColumnPtr> built;
    const std::int64_t now_ms = context_.clock->wall_ms();
    for (const ColumnPlan& plan : columns_) {
      ColumnBuilder builder(plan.type);
      builder.reserve(count);
      for (std::size_t i = 0; i < count; ++i)
        plan.generator->append(state.next + i * kDatagenSplits, now_ms, builder);
      built.push_back(builder.finish());
    }
    state.next += count * kDatagenSplits;
    made_ += count;
    SourceBatch batch{Batch(count, std::move(built)), {SplitRun{index, 0}}, {}};
    if (state.next >= rows_) batch.events.push_back(SplitEvent{index, SplitEnded{}});
    return batch;
  }

  std::vector<ColumnPlan> columns_;
  std::uint64_t rows_;
  std::int64_t rate_;
  ReaderContext context_;
  Splits splits_;
  std::vector<SplitEvent> events_;
  std::uint32_t last_split_ = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t made_ = 0;
  std::int64_t started_ms_ = -1;
};

class DatagenSource : public Source {
 public:
  DatagenSource(Schema schema, std::vector<ColumnPlan> columns, std::uint64_t rows,
                std::int64_t rate)
      : schema_(std::move(schema)), columns_(std::move(columns)), rows_(rows), rate_(rate) {}
  Schema schema() const override { return schema_; }
  bool bounded() const override { return rows_ != kUnbounded; }
  std::vector<std::string> explain() const override {
    return {"rows=" + (bounded() ? std::to_string(rows_) : std::string("unbounded")),
            "rows-per-second=" + std::to_string(rate_)};
  }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return std::unique_ptr<SplitEnumerator>(std::make_unique<Enumerator>(context.has_restored));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(
        std::make_unique<Reader>(columns_, rows_, rate_, std::move(context)));
  }

 private:
  Schema schema_;
  std::vector<ColumnPlan> columns_;
  std::uint64_t rows_;
  std::int64_t rate_;
};

Status check_field_names(const TableDefinition& table) {
  for (const auto& [name, value] : table.options) {
    if (!name.starts_with("fields.")) continue;
    const std::string_view rest = std::string_view(name).substr(7);
    const std::string column(rest.substr(0, rest.rfind('.')));
    if (!table.physical.find(column)) {
      return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': option '" + name +
                                                    "' names no column; columns are " +
                                                    table.physical.to_string()};
    }
  }
  return {};
}

class DatagenConnector : public ConnectorFactory {
 public:
  std::string_view name() const override { return "datagen"; }
  std::string_view description() const override { return "Rows made up from the schema."; }
  bool can_read() const override { return true; }
  bool can_write() const override { return false; }
  OptionTable options() const override { return datagen_options(); }

  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    const TableDefinition& table = request.table;
    TRY_ASSIGN(const Options options,
               datagen_options().parse(table.options, "table '" + table.name + "'"));
    TRY(check_field_names(table));
    const auto number = options.find(kNumberOfRows);
    std::uint64_t rows = number ? static_cast<std::uint64_t>(*number) : kUnbounded;
    std::vector<ColumnPlan> all;
    for (const Field& field : table.physical.fields()) {
      auto generator =
          FieldGenerator::make(field, options.with_prefix("fields." + field.name + "."));
      if (!generator.ok()) return generator.error().with_context("table '" + table.name + "'");
      rows = std::min(rows, (*generator)->rows());
      all.push_back(ColumnPlan{std::move(*generator), field.type});
    }
    Schema schema;
    std::vector<ColumnPlan> projected;
    for (const std::size_t index : request.physical) {
      schema.add(table.physical[index].name, table.physical[index].type);
      projected.push_back(all[index]);
    }
    return std::unique_ptr<Source>(std::make_unique<DatagenSource>(
        std::move(schema), std::move(projected), rows, options[kRowsPerSecond]));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return Error{ErrorCode::kUnsupported,
                 "table '" + request.table.name + "': datagen can only be read"};
  }
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_factory() { return std::make_unique<DatagenConnector>(); }

}  // namespace slipstream::datagen_connector
