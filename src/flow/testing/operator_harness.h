// Drives one operator, or several instances of it, as a task would: for tests only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/hash.h"
#include "data/testing/columns.h"
#include "flow/operator.h"

namespace slipstream::flow::testing {

// What all instances wrote in one checkpoint.
class SavedState final {
 public:
  struct Section {
    std::string name;
    std::uint32_t key_group;
    std::uint32_t subtask;
    std::vector<std::byte> bytes;
  };
  std::vector<Section> sections;

  class Writer final : public SnapshotWriter {
   public:
    Writer(SavedState& state, std::uint32_t subtask, const SavedState* base)
        : state_(state), subtask_(subtask), base_(base) {}
    void add_to_base(std::string_view name) override { additions_.emplace_back(name); }
    // After the last section.
    void refer_to_base() {
      for (const std::string& name : additions_) {
        for (const Section& section : base_->sections) {
          if (section.subtask == subtask_ && section.name == name &&
              section.key_group != kOperatorState)
            state_.sections.push_back(section);
        }
      }
    }
    bool adds() const { return !additions_.empty(); }
    Status write(std::string_view name, std::uint32_t key_group,
                 std::span<const std::byte> bytes) override {
      state_.sections.push_back(
          Section{std::string(name), key_group, subtask_, {bytes.begin(), bytes.end()}});
      return {};
    }

   private:
    SavedState& state_;
    std::uint32_t subtask_;
    const SavedState* base_;
    std::vector<std::string> additions_;
  };
  class Reader final : public SnapshotReader {
   public:
    Reader(const SavedState& state, KeyGroupRange range) : state_(state), range_(range) {}
    Status visit(std::string_view name,
                 const std::function<Status(std::uint32_t, std::uint32_t,
                                            std::span<const std::byte>)>& entry) const override {
      for (const Section& section : state_.sections) {
        const bool mine = section.key_group == kOperatorState ||
                          (section.key_group >= range_.begin && section.key_group < range_.end);
        if (section.name == name && mine)
          TRY(entry(section.key_group, section.subtask, section.bytes));
      }
      return {};
    }

   private:
    const SavedState& state_;
    KeyGroupRange range_;
  };
};

// Instances of one operator behind an exchange by `key_columns` (one list per input; none:
// everything to instance 0).
//
// Room: after `room` emitted batches has_room() is false until the next resume(), so that operators
// that must be resumable are resumed as often as possible with room = 1.
class OperatorHarness final : private Emitter {
 public:
  using Make = std::function<std::unique_ptr<Operator>()>;
  struct Options {
    std::uint32_t parallelism = 1;
    std::size_t batch_rows = kBatchRows;  // of emitted batches; pushed ones are cut to it too
    std::size_t room = 1;
    MemoryReservation* memory = nullptr;
  };

  OperatorHarness(Make make, std::vector<std::vector<std::size_t>> key_columns, Options options)
      : make_(std::move(make)), key_columns_(std::move(key_columns)), options_(options) {
    start(nullptr);
  }
  ~OperatorHarness() override = default;

  void push(std::size_t input, const Batch& batch) {
    for (std::size_t at = 0; at < std::max<std::size_t>(batch.rows(), 1);
         at += options_.batch_rows) {
      const std::size_t count = std::min(options_.batch_rows, batch.rows() - at);
      if (count == batch.rows()) {
        push_whole(input, batch);
      } else {
        push_whole(input, slice(batch, at, count));
      }
    }
  }
  // To the first instance.
  void push_from_source(const SourceBatch& batch) {
    call(*instances_[0],
         [&](Operator& op) { return op.push_from_source(SourceBatch(batch), *this); });
  }
  void advance(EventTime watermark) {
    each([&](Operator& op) { return op.advance(Watermark{watermark, now_ms_}, *this); });
  }
  void end_input(std::size_t input) {
    each([&](Operator& op) { return op.end_input(input, *this); });
  }
  // Moves the clock and fires the timer when it is due.
  void set_now(std::int64_t wall_ms) {
    now_ms_ = wall_ms;
    if (timer_ms_ == 0 || timer_ms_ > wall_ms) return;
    timer_ms_ = 0;
    each([&](Operator& op) { return op.on_timer(wall_ms, *this); });
  }
  std::int64_t timer_ms() const { return timer_ms_; }

  // With a base: of the last call, and nothing was saved since.
  SavedState save(const SavedState* base = nullptr) {
    SavedState state;
    const SnapshotRequest request{checkpoint_ + 1, base == nullptr ? 0 : checkpoint_};
    ++checkpoint_;
    for (std::uint32_t i = 0; i < instances_.size(); ++i) {
      auto pending = instances_[i]->snapshot(request);
      note(pending.status());
      if (!pending.ok() || *pending == nullptr) continue;
      SavedState::Writer writer(state, i, base);
      note((*pending)->write(writer));
      writer.refer_to_base();
      additions_ += writer.adds() ? 1 : 0;
    }
    return state;
  }
  // A checkpoint that may build on the last one; restart_from_checkpoint() takes the newest.
  void checkpoint() { newest_ = save(newest_ ? &*newest_ : nullptr); }
  void restart_from_checkpoint(std::uint32_t parallelism) {
    restart(*std::exchange(newest_, std::nullopt), parallelism);
  }
  // Snapshots of an instance so far that added to their base.
  std::size_t additions() const { return additions_; }
  // The synchronous half only; the caller writes it later.
  std::unique_ptr<PendingSnapshot> snapshot(std::uint32_t instance) {
    auto pending = instances_[instance]->snapshot({++checkpoint_, 0});
    note(pending.status());
    return pending.ok() ? std::move(*pending) : nullptr;
  }
  // New instances, as many as asked for, from saved state.
  void restart(const SavedState& state, std::uint32_t parallelism) {
    options_.parallelism = parallelism;
    start(&state);
  }

  // What came out since the last call.
  std::vector<Batch> take_batches() { return std::exchange(batches_, {}); }
  std::vector<SourceBatch> take_from_source() { return std::exchange(from_source_, {}); }
  std::vector<Batch> take_side() { return std::exchange(side_, {}); }
  std::vector<std::string> take_rows() { return texts(take_batches()); }
  std::vector<std::string> take_sorted_rows() {
    auto rows = take_rows();
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  std::vector<std::string> take_side_rows() { return texts(take_side()); }
  std::vector<EventTime> take_watermarks() { return std::exchange(watermarks_, {}); }
  bool idle() const { return idle_ms_.has_value(); }
  // Of the newest Idle that still holds.
  std::optional<std::int64_t> idle_ms() const { return idle_ms_; }
  std::int64_t as_of_ms() const { return as_of_ms_; }  // of the newest watermark
  // Sum over the instances.
  std::int64_t metric(const std::string& name) const {
    std::int64_t sum = 0;
    for (const auto& [key, value] : metrics_) sum += key.second == name ? value.load() : 0;
    return sum;
  }
  const Status& failure() const { return failure_; }
  std::size_t resumes() const { return resumes_; }
  // What a source in front was told, each time.
  using Splits = std::vector<std::uint32_t>;
  const std::vector<Splits>& pauses() const { return pauses_; }
  const std::vector<Splits>& read_orders() const { return read_orders_; }

 private:
  void start(const SavedState* state) {
    instances_.clear();
    timer_ms_ = 0;
    for (std::uint32_t i = 0; i < options_.parallelism; ++i) {
      OperatorContext context;
      context.uid = context.name = "tested";
      context.subtask = i;
      context.parallelism = options_.parallelism;
      context.key_groups = range_of(i);
      context.batch_rows = options_.batch_rows;
      context.now_ms = [this] { return now_ms_; };
      context.set_timer = [this](std::int64_t wall_ms) { timer_ms_ = wall_ms; };
      context.pause_splits = [this](std::span<const std::uint32_t> splits) {
        pauses_.emplace_back(splits.begin(), splits.end());
      };
      context.set_read_order = [this](std::span<const std::uint32_t> splits) {
        read_orders_.emplace_back(splits.begin(), splits.end());
      };
      context.metrics.value = [this, i](std::string_view name, std::string_view) {
        return &metrics_[{i, std::string(name)}];
      };
      context.memory = options_.memory;
      context.changes_cost_bytes = 0;
      instances_.push_back(make_());
      note(instances_.back()->open(context));
      if (state != nullptr)
        note(instances_.back()->restore(SavedState::Reader(*state, context.key_groups)));
    }
  }

  KeyGroupRange range_of(std::uint32_t instance) const {
    KeyGroupRange range{128, 0, 128};
    for (std::uint32_t group = 0; group < range.total; ++group) {
      if (key_group_owner(group, range.total, options_.parallelism) != instance) continue;
      range.begin = std::min(range.begin, group);
      range.end = std::max(range.end, group + 1);
    }
    return range;
  }

  void push_whole(std::size_t input, const Batch& batch) {
    const auto& keys = key_columns_[input];
    if (keys.empty())
      return call(*instances_[0],
                  [&](Operator& op) { return op.push(input, Batch(batch), *this); });
    const auto hashes = hash_rows(batch, keys);
    std::vector<std::vector<std::uint32_t>> rows(instances_.size());
    for (std::uint32_t row = 0; row < batch.rows(); ++row) {
      rows[key_group_owner(key_group(hashes[row], 128), 128, options_.parallelism)].push_back(row);
    }
    Batch hashed = batch;
    hashed.set_key_hashes(hashes);
    for (std::size_t i = 0; i < instances_.size(); ++i) {
      if (rows[i].empty()) continue;
      call(*instances_[i],
           [&](Operator& op) { return op.push(input, slipstream::take(hashed, rows[i]), *this); });
    }
  }

  template <typename F>
  void each(F&& f) {
    for (const auto& instance : instances_) call(*instance, f);
  }
  template <typename F>
  void call(Operator& op, F&& f) {
    if (!failure_.ok()) return;
    emitted_ = 0;
    Result<Progress> progress = f(op);
    while (progress.ok() && *progress == Progress::kMore) {
      emitted_ = 0;
      ++resumes_;
      progress = op.resume(*this);
    }
    note(progress.status());
  }
  void note(const Status& status) {
    if (failure_.ok()) failure_ = status;
  }
  static std::vector<std::string> texts(const std::vector<Batch>& batches) {
    std::vector<std::string> rows;
    for (const Batch& batch : batches) {
      const auto some = slipstream::testing::row_texts(batch);
      rows.insert(rows.end(), some.begin(), some.end());
    }
    return rows;
  }

  void emit(Batch&& batch) override {
    ++emitted_;
    idle_ms_.reset();
    CHECK(batch.rows() > 0);
    batches_.push_back(std::move(batch));
  }
  void emit_from_source(SourceBatch&& batch) override {
    ++emitted_;
    CHECK(!batch.empty());
    from_source_.push_back(std::move(batch));
  }
  void emit_side(std::size_t, Batch&& batch) override { side_.push_back(std::move(batch)); }
  void emit(const TimeSignal& signal) override {
    idle_ms_.reset();
    if (const auto* idle = std::get_if<Idle>(&signal)) idle_ms_ = idle->proven_ms;
    if (const auto* watermark = std::get_if<Watermark>(&signal)) {
      as_of_ms_ = watermark->as_of_ms;
      watermarks_.push_back(watermark->time_ms);
    }
  }
  bool has_room() const override { return emitted_ < options_.room; }

  Make make_;
  std::vector<std::vector<std::size_t>> key_columns_;
  Options options_;
  std::map<std::pair<std::uint32_t, std::string>, std::atomic<std::int64_t>> metrics_;
  std::vector<std::unique_ptr<Operator>> instances_;
  std::vector<Batch> batches_;
  std::vector<SourceBatch> from_source_;
  std::vector<Batch> side_;
  std::vector<EventTime> watermarks_;
  std::optional<std::int64_t> idle_ms_;
  std::int64_t as_of_ms_ = 0;
  std::size_t emitted_ = 0;
  std::size_t resumes_ = 0;
  std::vector<Splits> pauses_;
  std::vector<Splits> read_orders_;
  CheckpointId checkpoint_ = 0;
  std::size_t additions_ = 0;
  std::optional<SavedState> newest_;
  std::int64_t now_ms_ = 0;
  std::int64_t timer_ms_ = 0;
  Status failure_;
};

// The rows that a changelog leaves, sorted, as "(1, a)" once per copy; "-(...)" for one that was
// taken back without having been there.
inline std::vector<std::string> folded(const std::vector<std::string>& changelog) {
  std::map<std::string, int> counts;
  for (const std::string& row : changelog) counts[row.substr(2)] += row[0] == '+' ? 1 : -1;
  std::vector<std::string> rows;
  for (const auto& [row, count] : counts) {
    for (int i = 0; i < count; ++i) rows.push_back(row);
    for (int i = count; i < 0; ++i) rows.push_back("-" + row);
  }
  return rows;
}

}  // namespace slipstream::flow::testing
