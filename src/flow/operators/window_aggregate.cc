#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/try.h"
#include "data/hash.h"
#include "flow/operators/aggregate_set.h"
#include "flow/operators/keyed_state.h"
#include "flow/operators/window.h"
#include "flow/operators/window_times.h"

namespace slipstream::flow {

namespace {

constexpr std::size_t kMergedPerStep = 65536;  // groups merged before the task gives others a turn

using PaneMap = std::map<TimeSpan, std::unique_ptr<GroupTables>>;

// Firing a window that lies in several panes merges them into one table first, a bounded number of
// groups per step.
class WindowAggregate final : public Operator {
 public:
  explicit WindowAggregate(WindowAggregateSpec spec)
      : spec_(std::move(spec)), key_types_(types_at(spec_.input, spec_.keys)) {}

  Status open(const OperatorContext& context) override {
    context_ = context;
    pool_ = StatePool(context.memory);
    snapshot_chain_ = IncrementalChain(context);
    late_rows_ = Metric(context.metrics, kLateRows);
    late_rows_.set(late_count_);
    WindowAssignment window = spec_.window;
    if (spec_.attached)
      window =
          WindowAssignment{WindowKind::kTumble, 0, window.time_type, 1, 0, 0, window.time_zone};
    TRY_ASSIGN(times_, WindowTimes::make(window));
    TRY_ASSIGN(set_, AggregateSet::make(spec_.calls, spec_.updating_input));
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    if (batch.rows() == 0) return Progress::kDone;
    TRY(split_by_pane(batch));
    for (auto& [pane, rows] : rows_of_pane_) {
      if (rows.empty()) continue;
      const bool all = rows.size() == batch.rows();
      if (last_watermark_ >= times_->complete_at(last_window_of(pane))) {
        late_count_ += static_cast<std::int64_t>(rows.size());
        late_rows_.set(late_count_);
        if (spec_.emit_late) {
          late_.insert(late_.end(), rows.begin(), rows.end());
        } else {
          dropped_rows_ += static_cast<std::int64_t>(rows.size());
        }
      } else {
        TRY(update(pane, all ? batch : take(batch, rows)));
      }
    }
    if (!late_.empty()) {
      std::sort(late_.begin(), late_.end());
      out.emit_side(1, take(batch, late_));
      late_.clear();
    }
    return Progress::kDone;
  }

  Result<Progress> advance(const Watermark& watermark, Emitter& out) override {
    target_ = watermark;
    return resume(out);
  }

  Result<Progress> resume(Emitter& out) override {
    while (!windows_.empty() && times_->complete_at(*windows_.begin()) <= target_.time_ms) {
      TRY_ASSIGN(const bool fired, fire(*windows_.begin(), out));
      if (!fired) return Progress::kMore;
      purge(*windows_.begin());
      windows_.erase(windows_.begin());
    }
    last_watermark_ = std::max(last_watermark_, target_.time_ms);
    out.emit(target_);
    return Progress::kDone;
  }

  Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest& request) override {
    auto snapshot = std::make_unique<StateSnapshot>(context_.key_groups);
    for (const auto& [pane, tables] : panes_) {
      std::string tag;
      append_number(tag, pane.end);
      append_number(tag, pane.start);
      snapshot->add(tag + "g", tables->groups);
      snapshot->add(tag + "v", tables->values);
    }
    std::string scalars;
    append_number(scalars, last_watermark_);
    snapshot->set_group_scalars(std::move(scalars));
    std::string late;
    append_number(late, late_count_);
    snapshot->set_operator_scalars(std::move(late));
    snapshot->freeze(snapshot_chain_, request);
    return std::unique_ptr<PendingSnapshot>(std::move(snapshot));
  }

  StateSchema state_schema() const override { return flow::state_schema(spec_); }
  std::int64_t dropped_rows() const override { return dropped_rows_; }

  Status restore(const SnapshotReader& from) override {
    EventTime lowest = kMaxWatermark;
    EventTime highest = kMinWatermark;
    TRY(restore_group_scalars(from, [&](std::uint32_t group, std::string_view scalars) -> Status {
      TRY_ASSIGN(const EventTime last, take_number<EventTime>(scalars));
      fired_[group] = last;
      lowest = std::min(lowest, last);
      highest = std::max(highest, last);
      return {};
    }));
    // Former instances may have been told of a watermark one after the other: what some have fired
    // others still owe.
    if (lowest >= highest) fired_.clear();
    last_watermark_ = std::min(lowest, highest);
    if (context_.subtask == 0) {
      TRY(restore_operator_scalars(from, [&](std::string_view scalars) -> Status {
        TRY_ASSIGN(const std::int64_t late, take_number<std::int64_t>(scalars));
        late_count_ += late;
        return {};
      }));
    }
    late_rows_.set(late_count_);
    TRY(restore_tables(from, [&](std::string_view tag, state::EntryReader piece) -> Status {
      TimeSpan pane;
      TRY_ASSIGN(pane.end, take_number<std::int64_t>(tag));
      TRY_ASSIGN(pane.start, take_number<std::int64_t>(tag));
      GroupTables& tables = tables_of(pane);
      return tag == "g" ? tables.groups.restore(piece) : tables.values.restore(piece);
    }));
    last_watermark_ = highest;
    return {};
  }

 private:
  // A window that is being fired.
  struct Firing {
    std::vector<TimeSpan> panes;          // of it that hold rows
    std::unique_ptr<GroupTables> merged;  // null: one pane, read in place
    std::size_t pane = 0;                 // next to merge
    state::SlotId slot = state::kNoSlot;  // last merged or emitted
  };

  std::vector<TimeSpan> windows_of(const TimeSpan& pane) const {
    return spec_.attached ? std::vector<TimeSpan>{pane} : times_->windows_of(pane);
  }
  TimeSpan last_window_of(const TimeSpan& pane) const {
    return spec_.attached ? pane : times_->last_window_of(pane);
  }

  Status split_by_pane(const Batch& batch) {
    for (auto& [pane, rows] : rows_of_pane_) rows.clear();
    if (rows_of_pane_.size() > 64) rows_of_pane_.clear();
    std::vector<TimeSpan> panes;
    TRY_ASSIGN(panes, spec_.attached ? attached_windows(batch) : panes_of_rows(batch));
    std::vector<std::uint32_t>* rows = nullptr;
    for (std::uint32_t row = 0; row < panes.size(); ++row) {
      if (rows == nullptr || panes[row] != panes[row - 1]) rows = &rows_of_pane_[panes[row]];
      rows->push_back(row);
    }
    return {};
  }

  Result<std::vector<TimeSpan>> panes_of_rows(const Batch& batch) const {
    TRY_ASSIGN(const auto times, times_->wall_ms(*batch.column(spec_.window.time_column)));
    std::vector<TimeSpan> panes;
    panes.reserve(batch.rows());
    TimeSpan pane;
    for (const std::int64_t ms : times) {
      if (panes.empty() || ms < pane.start || ms >= pane.end) pane = times_->pane_of(ms);
      panes.push_back(pane);
    }
    return panes;
  }

  Result<std::vector<TimeSpan>> attached_windows(const Batch& batch) const {
    const Column& starts = *batch.column(spec_.attached->start_column);
    const Column& ends = *batch.column(spec_.attached->end_column);
    if (starts.null_count() + ends.null_count() > 0) {
      return Error{ErrorCode::kDataError,
                   "window_start or window_end is NULL in a row: filter such rows before"};
    }
    std::vector<TimeSpan> windows;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      windows.push_back(
          {ends.data<std::int64_t>()[row] / 1000, starts.data<std::int64_t>()[row] / 1000});
    }
    return windows;
  }

  GroupTables& tables_of(const TimeSpan& pane) {
    std::unique_ptr<GroupTables>& tables = panes_[pane];
    if (!tables) {
      tables = std::make_unique<GroupTables>(pool_.get(), set_->table_options(0));
      for (const TimeSpan& window : windows_of(pane)) {
        if (times_->complete_at(window) > last_watermark_) windows_.insert(window);
      }
    }
    return *tables;
  }

  Status update(const TimeSpan& pane, const Batch& rows) {
    GroupTables& tables = tables_of(pane);
    const auto keys = columns_at(rows, spec_.keys);
    const auto hashes = key_hashes(rows, keys);
    keys_.encode_keys(keys, rows.rows());
    TRY(tables.groups.find_or_insert(keys_, hashes, 0, found_));
    TRY(set_->update(AggregateSet::Rows{&rows, &keys_, hashes, found_}, tables));
    tables.groups.release();
    return {};
  }

  // By the former instance of the key.
  bool has_fired(std::uint64_t hash, const TimeSpan& window) const {
    if (fired_.empty()) return false;
    const auto found = fired_.find(key_group(hash, context_.key_groups.total));
    return found != fired_.end() && times_->complete_at(window) <= found->second;
  }

  // Panes whose last window has fired.
  void purge(const TimeSpan& window) {
    const auto panes = spec_.attached ? std::vector<TimeSpan>{window} : times_->panes_of(window);
    for (const TimeSpan& pane : panes) {
      if (last_window_of(pane) == window) panes_.erase(pane);
    }
  }

  // False: not finished, out of room or out of turn.
  Result<bool> fire(const TimeSpan& window, Emitter& out) {
    if (!firing_) {
      firing_ = Firing{};
      const auto panes = spec_.attached ? std::vector<TimeSpan>{window} : times_->panes_of(window);
      for (const TimeSpan& pane : panes) {
        if (panes_.count(pane) == 1) firing_->panes.push_back(pane);
      }
      if (firing_->panes.size() > 1) {
        firing_->merged = std::make_unique<GroupTables>(pool_.get(), set_->table_options(0));
      }
    }
    if (firing_->merged && firing_->pane < firing_->panes.size()) {
      TRY_ASSIGN(const bool merged, merge_some());
      if (!merged) return false;
    }
    if (!firing_->panes.empty()) {
      GroupTables& tables = firing_->merged ? *firing_->merged : *panes_[firing_->panes[0]];
      TRY_ASSIGN(const bool emitted, emit_some(window, tables, out));
      if (!emitted) return false;
    }
    firing_.reset();
    return true;
  }

  Result<bool> merge_some() {
    std::size_t done = 0;
    GroupTables& into = *firing_->merged;
    for (; firing_->pane < firing_->panes.size(); ++firing_->pane) {
      const GroupTables& from = *panes_[firing_->panes[firing_->pane]];
      while ((firing_->slot = from.groups.after(firing_->slot)) != state::kNoSlot) {
        TRY_ASSIGN(const state::KeyTable::Found found,
                   into.groups.find_or_insert(from.groups.key(firing_->slot),
                                              from.groups.hash(firing_->slot), 0));
        TRY(set_->merge(into, found, from, firing_->slot));
        into.groups.release();
        if (++done >= kMergedPerStep) return false;
      }
    }
    return true;
  }

  Result<bool> emit_some(const TimeSpan& window, const GroupTables& tables, Emitter& out) {
    while (true) {
      if (!out.has_room()) return false;
      RowDecoder keys(key_types_);
      std::vector<const std::byte*> values;
      while (values.size() < context_.batch_rows &&
             (firing_->slot = tables.groups.after(firing_->slot)) != state::kNoSlot) {
        const std::byte* value = tables.groups.value(firing_->slot);
        if (AggregateSet::rows_of(value) <= 0) continue;  // all its rows were taken back
        if (has_fired(tables.groups.hash(firing_->slot), window)) continue;
        TRY(keys.add(tables.groups.key(firing_->slot)));
        values.push_back(value);
      }
      if (!values.empty()) {
        std::vector<ColumnPtr> columns = keys.finish();
        set_->results(values, columns);
        const std::vector<TimeSpan> windows(values.size(), window);
        for (const WindowColumn column : spec_.outputs)
          columns.push_back(times_->column(column, windows));
        out.emit(Batch(values.size(), std::move(columns)));
      }
      if (firing_->slot == state::kNoSlot) return true;
    }
  }

  WindowAggregateSpec spec_;
  std::vector<Type> key_types_;
  OperatorContext context_;
  StatePool pool_;
  IncrementalChain snapshot_chain_;
  std::optional<WindowTimes> times_;
  std::unique_ptr<AggregateSet> set_;
  PaneMap panes_;
  std::set<TimeSpan> windows_;  // not fired yet, of the panes that exist
  std::optional<Firing> firing_;
  // Watermarks of key groups at the restore; empty when they were the same.
  std::map<std::uint32_t, EventTime> fired_;
  EventTime last_watermark_ = kMinWatermark;
  Watermark target_;
  Metric late_rows_;
  std::int64_t late_count_ = 0;    // of all instances before a restore, with instance 0
  std::int64_t dropped_rows_ = 0;  // late ones of this instance that go nowhere
  std::map<TimeSpan, std::vector<std::uint32_t>> rows_of_pane_;  // scratch
  std::vector<std::uint32_t> late_;
  state::EncodedRows keys_;
  std::vector<state::KeyTable::Found> found_;
};

}  // namespace

StateSchema state_schema(const WindowAggregateSpec& spec) {
  return AggregateSet::schema(spec.input, spec.keys, spec.calls, spec.updating_input);
}

std::unique_ptr<Operator> make_window_aggregate(WindowAggregateSpec spec) {
  return std::make_unique<WindowAggregate>(std::move(spec));
}

}  // namespace slipstream::flow
