#include "stream/body_operator.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/try.h"
#include "flow/operators/keyed_state.h"
#include "stream/keyed_stores.h"
#include "stream/user_call.h"

namespace slipstream::stream {
namespace {

using flow::Emitter;
using flow::EventTime;
using flow::Progress;

constexpr std::string_view kInstance = "instance";
constexpr std::uint8_t kInstanceVersion = 1;

static_assert(kNoTimestamp == flow::kMinWatermark && kEndOfTime == flow::kMaxWatermark);

// Small and the same in every instance.
// Thread: task.
// Bounds: memory of the reservation.
class MapBroadcastStore final : public erased::BroadcastStore {
 public:
  MapBroadcastStore(erased::StoreOptions options, state::PagePool& pool,
                    std::function<void(Status)> fail)
      : options_(std::move(options)), pool_(pool), fail_(std::move(fail)) {}

  const std::string* get(std::string_view key) const override {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }
  void put(std::string_view key, std::string_view bytes) override {
    erase(key);
    const Status charged = pool_.charge(cost(key, bytes));
    if (!charged.ok()) return fail_(charged.with_context("state '" + options_.name + "'"));
    entries_.emplace(key, bytes);
  }
  void erase(std::string_view key) override {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    pool_.release(cost(found->first, found->second));
    entries_.erase(found);
  }
  void each(const std::function<void(std::string_view, std::string_view)>& visit) const override {
    for (const auto& [key, bytes] : entries_) visit(key, bytes);
  }

  const erased::StoreOptions& options() const { return options_; }
  void save(std::string& out) const {
    bytes::put_text(out, options_.name);
    bytes::put_text(out, options_.layout);
    bytes::put_number(out, static_cast<std::uint32_t>(entries_.size()));
    for (const auto& [key, value] : entries_) {
      bytes::put_text(out, key);
      bytes::put_text(out, value);
    }
  }

 private:
  static std::size_t cost(std::string_view key, std::string_view value) {
    return key.size() + value.size() + 128;
  }
  erased::StoreOptions options_;
  state::PagePool& pool_;
  std::function<void(Status)> fail_;
  std::map<std::string, std::string, std::less<>> entries_;
};

class BodySnapshot final : public flow::PendingSnapshot {
 public:
  explicit BodySnapshot(flow::KeyGroupRange groups) : tables(groups) {}
  Status write(flow::SnapshotWriter& out) override {
    TRY(tables.write(out));
    if (instance.empty()) return {};
    return out.write(kInstance, flow::kOperatorState,
                     {reinterpret_cast<const std::byte*>(instance.data()), instance.size()});
  }
  flow::StateSnapshot tables;
  std::string instance;
};

Error cut_short() { return Error{ErrorCode::kCorrupt, "saved state of an instance is cut short"}; }

Status layout_differs(const std::string& name, const std::string& declared,
                      std::string_view saved) {
  return Error{ErrorCode::kInvalidArgument,
               "state '" + name + "' was saved as " + std::string(saved) + " and is declared as " +
                   declared +
                   " now: declare it as before, or give the operator another uid (its state is "
                   "dropped then)"};
}

class BodyOperator final : public flow::Operator, private erased::OperatorRuntime {
 public:
  explicit BodyOperator(std::shared_ptr<const BodyOperatorSpec> spec)
      : spec_(std::move(spec)), outputs_(1 + spec_->sides.size()) {}
  ~BodyOperator() override {
    if (opened_) {
      const Status closed = call([&] { body_->close(); });
      spec_->watch->note_failure(closed.with_context(calls_->place()));
    }
    // links and the body may hold stores, stores the pool
    body_.reset();
  }

  Status open(const flow::OperatorContext& context) override {
    context_ = context;
    calls_ = spec_->watch->add("operator '" + context.name + "' [" +
                               std::to_string(context.subtask) + "]");
    calls_->set_gauge(metric(kBlockedCall.name, kBlockedCall.help));
    pool_ = flow::StatePool(context.memory);
    snapshot_chain_ = flow::IncrementalChain(context);
    event_timers_ = std::make_unique<TimerQueue>("event-timers", pool_.get());
    wall_timers_ = std::make_unique<TimerQueue>("wall-timers", pool_.get());
    return guarded([&] {
      part_ = &spec_->end_name;
      erased::Link link = spec_->end ? spec_->end(*this, 0) : erased::Link{};
      for (auto step = spec_->steps.rbegin(); step != spec_->steps.rend(); ++step) {
        part_ = &step->name;
        link = step->make(*this, std::move(link));
      }
      part_ = &spec_->name;
      std::vector<erased::SideLink> sides;
      for (std::size_t i = 0; i < spec_->sides.size(); ++i)
        sides.push_back({spec_->sides[i].tag, spec_->sides[i].end(*this, i + 1)});
      body_ = spec_->body(*this, std::move(link), std::move(sides));
    });
  }

  Result<Progress> push(std::size_t input, Batch&& batch, Emitter& out) override {
    if (batch.rows() == 0) return Progress::kDone;
    TRY(check_not_null(batch, spec_->inputs[std::min(input, spec_->inputs.size() - 1)]));
    if (!batch.kinds().empty() &&
        std::any_of(batch.kinds().begin(), batch.kinds().end(), is_retraction)) {
      return Error{ErrorCode::kUnsupported,
                   "rows that take others back (-U, -D) came from an updating table: streams hold "
                   "inserts only"};
    }
    work_ = Work::kRows;
    input_ = input;
    batch_ = std::move(batch);
    row_ = 0;
    return resume(out);
  }
  Result<Progress> advance(const flow::Watermark& watermark, Emitter& out) override {
    work_ = Work::kEventTime;
    watermark_ = watermark.time_ms;
    watermark_as_of_ms_ = watermark.as_of_ms;
    return resume(out);
  }
  Result<Progress> on_timer(std::int64_t wall_ms, Emitter& out) override {
    work_ = Work::kWallTime;
    wall_ms_ = wall_ms;
    armed_ms_.reset();
    return resume(out);
  }
  Result<Progress> end_input(std::size_t input, Emitter& out) override {
    work_ = Work::kEnd;
    input_ = input;
    return resume(out);
  }

  Result<Progress> resume(Emitter& out) override {
    emitter_ = &out;
    emitted_ = false;
    TRY(ensure_opened());
    bool finished = true;
    TRY(guarded([&] { finished = work(); }));
    for (const auto& output : outputs_) {
      if (output) output->flush();
    }
    TRY(failure_);
    if (!finished) return Progress::kMore;
    if (work_ == Work::kEventTime) out.emit(flow::Watermark{watermark_, watermark_as_of_ms_});
    if (work_ == Work::kRows) batch_ = Batch();
    arm();
    return Progress::kDone;
  }

  Result<std::unique_ptr<flow::PendingSnapshot>> snapshot(
      const flow::SnapshotRequest& request) override;
  Status restore(const flow::SnapshotReader& from) override;
  flow::StateSchema state_schema() const override;

 private:
  enum class Work : std::uint8_t { kRows, kEventTime, kWallTime, kEnd };

  template <typename F>
  Status call(F&& of_user) {
    return user_call(*calls_, "the code of '" + *part_ + "'", of_user);
  }
  template <typename F>
  Status guarded(F&& of_user) {
    TRY(call(of_user));
    return failure_;
  }
  Status ensure_opened() {
    if (opened_) return {};
    opened_ = true;
    opening_ = true;
    Status status = guarded([&] { body_->open(); });
    opening_ = false;
    return status;
  }
  // False: there is more, and no room for it.
  bool work() {
    switch (work_) {
      case Work::kRows:
        row_ = body_->push(input_, batch_, row_);
        return row_ >= batch_.rows();
      case Work::kEventTime:
        if (!fire(true, *event_timers_, watermark_)) return false;
        body_->on_watermark(watermark_);
        return true;
      case Work::kWallTime:
        return fire(false, *wall_timers_, wall_ms_);
      case Work::kEnd:
        body_->end_input(input_);
        return true;
    }
    return true;
  }
  bool fire(bool event_time, TimerQueue& timers, Timestamp until) {
    while (timers.next() && *timers.next() <= until) {
      const Timestamp time = *timers.next();
      std::string part;
      fail_if(timers.pop(key_, part));
      if (failed()) return true;
      body_->on_timer(event_time, time, part);
      if (failed()) return true;
      if (!has_room()) return !(timers.next() && *timers.next() <= until);
    }
    return true;
  }
  void arm() {
    const auto next = wall_timers_->next();
    if (!next || next == armed_ms_ || !context_.set_timer) return;
    armed_ms_ = next;
    context_.set_timer(*next);
  }
  void fail_if(const Status& status) {
    if (!status.ok()) fail(status);
  }
  Status restore_instance(const flow::SnapshotReader& from);
  Status restore_table(std::string_view tag, state::EntryReader piece);
  Status restore_broadcasts(std::string_view in);

  // erased::OperatorRuntime
  erased::UserCalls& calls() override { return *calls_; }
  erased::UserCalls::Site site(const char* function) override {
    return calls_->add(std::string(function) + " of '" + *part_ + "'");
  }
  const std::string& name() const override { return context_.name; }
  std::uint32_t subtask() const override { return context_.subtask; }
  std::uint32_t parallelism() const override { return context_.parallelism; }
  Timestamp watermark() const override { return watermark_; }
  Timestamp now_ms() const override { return context_.now_ms(); }
  std::atomic<std::int64_t>* metric(std::string_view name, std::string_view help) override {
    return context_.metrics.value ? context_.metrics.value(name, help) : nullptr;
  }
  erased::RowWriter& writer(std::size_t output) override {
    auto& made = outputs_[output];
    if (!made) {
      const Schema schema = output == 0
                                ? spec_->output
                                : erased::edge_schema(spec_->sides[output - 1].element, false);
      made = std::make_unique<erased::RowWriter>(schema, context_.batch_rows,
                                                 [this, output](Batch&& batch) {
                                                   emitted_ = true;
                                                   if (output == 0) {
                                                     emitter_->emit(std::move(batch));
                                                   } else {
                                                     emitter_->emit_side(output, std::move(batch));
                                                   }
                                                 });
    }
    return *made;
  }
  bool has_room() override {
    if (!emitted_) return true;
    emitted_ = false;
    return emitter_->has_room();
  }
  void fail(Status status) override {
    if (failure_.ok()) failure_ = std::move(status);
  }
  bool failed() const override { return !failure_.ok(); }

  void set_key(std::string_view key, std::uint64_t hash) override { key_.assign(key, hash); }
  std::string_view key() const override { return key_.bytes(); }
  std::shared_ptr<erased::KeyedStore> store(const erased::StoreOptions& options) override;
  void set_timer(bool event_time, Timestamp time, std::string_view part) override {
    if (!spec_->keyed || !key_.set) {
      return fail(Error{ErrorCode::kInvalidArgument,
                        "timers belong to a key: set them in a function on a keyed stream"});
    }
    fail_if((event_time ? *event_timers_ : *wall_timers_).add(key_, time, part));
  }
  void delete_timer(bool event_time, Timestamp time, std::string_view part) override {
    if (key_.set) fail_if((event_time ? *event_timers_ : *wall_timers_).remove(key_, time, part));
  }
  std::shared_ptr<erased::BroadcastStore> broadcast_store(
      const erased::StoreOptions& options) override;

  std::shared_ptr<const BodyOperatorSpec> spec_;
  flow::OperatorContext context_;
  std::shared_ptr<erased::UserCalls> calls_;
  const std::string* part_ = &spec_->name;  // the function that is being made, by its name
  flow::StatePool pool_;
  flow::IncrementalChain snapshot_chain_;
  std::vector<std::unique_ptr<erased::RowWriter>> outputs_;
  CurrentKey key_;
  std::map<std::string, std::shared_ptr<KeyTableStore>> stores_;
  std::map<std::string, std::shared_ptr<MapBroadcastStore>> broadcasts_;
  std::map<std::string, std::pair<std::string, std::vector<std::pair<std::string, std::string>>>>
      restored_broadcasts_;  // name -> layout, entries: until the body asks for the state
  std::unique_ptr<TimerQueue> event_timers_;
  std::unique_ptr<TimerQueue> wall_timers_;
  std::unique_ptr<erased::Body> body_;
  bool opened_ = false;
  bool opening_ = false;
  Status failure_;

  Work work_ = Work::kRows;
  Emitter* emitter_ = nullptr;
  bool emitted_ = false;  // since has_room() was asked
  std::size_t input_ = 0;
  Batch batch_;
  std::size_t row_ = 0;
  EventTime watermark_ = flow::kMinWatermark;
  std::int64_t watermark_as_of_ms_ = 0;
  std::int64_t wall_ms_ = 0;
  std::optional<Timestamp> armed_ms_;
};

std::shared_ptr<erased::KeyedStore> BodyOperator::store(const erased::StoreOptions& options) {
  if (!spec_->keyed) {
    fail(Error{ErrorCode::kInvalidArgument,
               "state '" + options.name + "' belongs to a key: use it on a keyed stream"});
  } else if (!opening_) {
    fail(Error{ErrorCode::kInvalidArgument, "state '" + options.name + "' must be made in open()"});
  } else if (stores_.count(options.name) != 0) {
    fail(Error{ErrorCode::kInvalidArgument, "state '" + options.name + "' is made twice"});
  }
  auto made = std::make_shared<KeyTableStore>(options, key_, pool_.get(), context_.now_ms,
                                              [this](Status status) { fail(std::move(status)); });
  stores_.emplace(options.name, made);
  return made;
}

std::shared_ptr<erased::BroadcastStore> BodyOperator::broadcast_store(
    const erased::StoreOptions& options) {
  auto& store = broadcasts_[options.name];
  if (store && store->options().layout != options.layout) {
    fail(layout_differs(options.name, options.layout, store->options().layout));
  }
  if (store) return store;
  store = std::make_shared<MapBroadcastStore>(options, *pool_.get(),
                                              [this](Status status) { fail(std::move(status)); });
  const auto saved = restored_broadcasts_.find(options.name);
  if (saved == restored_broadcasts_.end()) return store;
  if (saved->second.first != options.layout)
    fail(layout_differs(options.name, options.layout, saved->second.first));
  for (const auto& [key, bytes] : saved->second.second) store->put(key, bytes);
  restored_broadcasts_.erase(saved);
  return store;
}

Result<std::unique_ptr<flow::PendingSnapshot>> BodyOperator::snapshot(
    const flow::SnapshotRequest& request) {
  TRY(ensure_opened());
  auto snapshot = std::make_unique<BodySnapshot>(context_.key_groups);
  std::optional<std::string> own;
  TRY(guarded([&] { own = body_->snapshot(); }));
  for (const auto& [name, store] : stores_) store->add_to(snapshot->tables);
  if (spec_->keyed) {
    event_timers_->add_to(snapshot->tables);
    wall_timers_->add_to(snapshot->tables);
    std::string scalars;
    flow::append_number(scalars, watermark_);
    snapshot->tables.set_group_scalars(std::move(scalars));
  }
  if (own || !broadcasts_.empty() || !restored_broadcasts_.empty()) {
    std::string& out = snapshot->instance;
    bytes::put_number(out, kInstanceVersion);
    CellOf<bool>::put(out, own.has_value());
    bytes::put_text(out, own.value_or(std::string()));
    bytes::put_number(out,
                      static_cast<std::uint32_t>(broadcasts_.size() + restored_broadcasts_.size()));
    for (const auto& [name, store] : broadcasts_) store->save(out);
    for (const auto& [name, saved] : restored_broadcasts_) {  // not asked for yet
      bytes::put_text(out, name);
      bytes::put_text(out, saved.first);
      bytes::put_number(out, static_cast<std::uint32_t>(saved.second.size()));
      for (const auto& [key, value] : saved.second) {
        bytes::put_text(out, key);
        bytes::put_text(out, value);
      }
    }
  }
  snapshot->tables.freeze(snapshot_chain_, request);
  // An operator that saves nothing may go away from the program.
  if (!spec_->keyed && snapshot->instance.empty()) return std::unique_ptr<flow::PendingSnapshot>();
  return std::unique_ptr<flow::PendingSnapshot>(std::move(snapshot));
}

flow::StateSchema BodyOperator::state_schema() const {
  flow::StateSchema schema = key_schema(*spec_);
  for (const auto& [name, store] : stores_)
    schema.push_back({"state", name, store->options().layout});
  for (const auto& [name, store] : broadcasts_)
    schema.push_back({"broadcast state", name, store->options().layout});
  return schema;
}

Status BodyOperator::restore_broadcasts(std::string_view in) {
  std::uint32_t stores = 0;
  if (!bytes::get_number(in, stores)) return cut_short();
  for (std::uint32_t i = 0; i < stores; ++i) {
    std::string_view name, layout;
    std::uint32_t entries = 0;
    if (!bytes::get_text(in, name) || !bytes::get_text(in, layout) ||
        !bytes::get_number(in, entries))
      return cut_short();
    auto& saved = restored_broadcasts_[std::string(name)];
    saved.first = layout;
    saved.second.clear();
    for (std::uint32_t entry = 0; entry < entries; ++entry) {
      std::string_view key, value;
      if (!bytes::get_text(in, key) || !bytes::get_text(in, value)) return cut_short();
      saved.second.emplace_back(key, value);
    }
  }
  return {};
}

Status BodyOperator::restore_instance(const flow::SnapshotReader& from) {
  std::vector<std::string> pieces;
  TRY(from.visit(
      kInstance,
      [&](std::uint32_t, std::uint32_t former, std::span<const std::byte> span) -> Status {
        std::string_view in(reinterpret_cast<const char*>(span.data()), span.size());
        std::uint8_t version = 0;
        bool present = false;
        std::string_view own;
        if (!bytes::get_number(in, version) || version != kInstanceVersion)
          return Error{ErrorCode::kUnsupported, "saved state of an instance has another version"};
        if (!CellOf<bool>::get(in, present) || !bytes::get_text(in, own)) return cut_short();
        if (present && former % context_.parallelism == context_.subtask) pieces.emplace_back(own);
        return restore_broadcasts(in);  // the same in all of them
      }));
  if (pieces.empty()) return {};
  return guarded([&] { body_->restore(pieces); });
}

Status BodyOperator::restore_table(std::string_view tag, state::EntryReader piece) {
  if (tag == event_timers_->tag()) return event_timers_->restore(piece);
  if (tag == wall_timers_->tag()) return wall_timers_->restore(piece);
  std::string_view name, layout;
  if (!bytes::get_text(tag, name) || !bytes::get_text(tag, layout))
    return Error{ErrorCode::kCorrupt, "unknown table in saved state"};
  const auto store = stores_.find(std::string(name));
  if (store == stores_.end()) {
    return Error{ErrorCode::kInvalidArgument,
                 "saved state '" + std::string(name) +
                     "' is not declared any more: declare it, or give the operator another uid "
                     "(its state is dropped then)"};
  }
  if (store->second->options().layout != layout)
    return layout_differs(store->first, store->second->options().layout, layout);
  return store->second->restore(tag, piece);
}

Status BodyOperator::restore(const flow::SnapshotReader& from) {
  TRY(restore_instance(from));
  TRY(ensure_opened());
  TRY(flow::restore_tables(from, [this](std::string_view tag, state::EntryReader piece) {
    return restore_table(tag, piece);
  }));
  TRY(event_timers_->restored());
  TRY(wall_timers_->restored());
  TRY(flow::restore_group_scalars(from, [this](std::uint32_t, std::string_view scalars) -> Status {
    TRY_ASSIGN(const EventTime last, flow::take_number<EventTime>(scalars));
    // the end of a former input is not the end of what comes now
    if (last != flow::kMaxWatermark) watermark_ = std::max(watermark_, last);
    return {};
  }));
  arm();
  return {};
}

Status check_column(const Column& column, const Type& type, const std::string& name) {
  if (!type.nullable() && column.null_count() > 0) {
    return Error{ErrorCode::kDataError,
                 "column '" + name +
                     "' is NULL in a row, and its C++ type has no NULL: make it "
                     "std::optional"};
  }
  const auto& children = type.children();
  for (std::size_t i = 0; i < column.children().size() && i < children.size(); ++i) {
    // the fields of a ROW that is NULL are NULL too, and nobody reads them
    if (type.nullable() && column.null_count() > 0 && type.kind() == TypeKind::kRow) break;
    TRY(check_column(*column.children()[i], children[i].type, name));
  }
  return {};
}

}  // namespace

Status check_not_null(const Batch& batch, const Schema& schema) {
  for (std::size_t i = 0; i < schema.size() && i < batch.columns().size(); ++i)
    TRY(check_column(*batch.column(i), schema[i].type, schema[i].name));
  return {};
}

flow::StateSchema key_schema(const BodyOperatorSpec& spec) {
  if (!spec.keyed || spec.key_layout.empty()) return {};
  return {{"key", "$key", spec.key_layout}};
}

std::unique_ptr<flow::Operator> make_body_operator(std::shared_ptr<const BodyOperatorSpec> spec) {
  return std::make_unique<BodyOperator>(std::move(spec));
}

}  // namespace slipstream::stream
