#include "flow/operators/aggregate_set.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/try.h"
#include "data/compare.h"
#include "flow/operators/keyed_state.h"

namespace slipstream::flow {

namespace {

constexpr std::uint32_t kTextAt = 8;  // of a StringView in a state that keeps text
constexpr std::size_t kFeedRows = 1024;

std::int8_t sign_of(RowKind kind) { return is_retraction(kind) ? std::int8_t{-1} : std::int8_t{1}; }

StringView view_in(const std::byte* state) {
  StringView view;
  std::memcpy(&view, state + kTextAt, sizeof view);
  return view;
}

// Runs one update of a function that keeps text, and frees the texts that it replaced.
template <typename F>
Status keeping_text(const expr::AggregateFunction::Bound& bound, std::span<std::byte* const> states,
                    state::KeyTable& table, F&& run) {
  Status failure;
  std::vector<StringView> candidates;
  const auto keep = [&](std::string_view text) {
    auto kept = table.keep_text(text);
    if (!kept.ok()) {
      failure = kept.status();
      return StringView();
    }
    candidates.push_back(*kept);
    return *kept;
  };
  if (!bound.keeps_text) {
    run(keep);
    return {};
  }
  std::vector<StringView> before;
  for (const std::byte* state : states) before.push_back(view_in(state));
  run(keep);
  if (candidates.empty()) return failure;
  candidates.insert(candidates.end(), before.begin(), before.end());
  std::erase_if(candidates, [](const StringView& text) { return text.is_inline(); });
  const auto by_place = [](const StringView& a, const StringView& b) {
    return a.data() < b.data();
  };
  const auto same_place = [](const StringView& a, const StringView& b) {
    return a.data() == b.data();
  };
  std::sort(candidates.begin(), candidates.end(), by_place);
  candidates.erase(std::unique(candidates.begin(), candidates.end(), same_place), candidates.end());
  std::vector<StringView> live;
  for (const std::byte* state : states) {
    const StringView view = view_in(state);
    if (!view.is_inline()) live.push_back(view);
  }
  std::sort(live.begin(), live.end(), by_place);
  for (const StringView& text : candidates) {
    if (!std::binary_search(live.begin(), live.end(), text, by_place)) table.free_text(text);
  }
  return failure;
}

}  // namespace

Result<AggregateSet::Call> AggregateSet::bind(const AggregateCallSpec& spec, bool updating_input) {
  Call call;
  call.bound = spec.function->bind(expr::Signature{spec.arg_types, spec.result});
  call.args = spec.args;
  call.arg_types = spec.arg_types;
  call.result = spec.result;
  call.filter = spec.filter;
  const bool of_value_set = spec.function->of_value_set;
  const bool takes_back = call.bound.can_retract || !updating_input;
  if (!takes_back && !of_value_set) {
    return Error{ErrorCode::kUnsupported,
                 spec.function->name +
                     " cannot take rows back, but its input is updating: aggregate before the rows "
                     "are updated, or use MIN or MAX"};
  }
  call.by_values = !takes_back || (spec.distinct && !of_value_set);
  call.rebuilds = !takes_back;
  return call;
}

Result<std::unique_ptr<AggregateSet>> AggregateSet::make(
    const std::vector<AggregateCallSpec>& calls, bool updating_input) {
  auto set = std::make_unique<AggregateSet>();
  set->width_ = sizeof(std::int64_t);
  for (const AggregateCallSpec& spec : calls) {
    TRY_ASSIGN(Call call, bind(spec, updating_input));
    call.offset = set->width_;
    set->width_ += (call.bound.width + 7U) & ~7U;
    set->calls_.push_back(std::move(call));
  }
  return set;
}

StateSchema AggregateSet::schema(const Schema& input, const std::vector<std::size_t>& keys,
                                 const std::vector<AggregateCallSpec>& calls, bool updating_input) {
  StateSchema schema;
  for (const std::size_t key : keys)
    schema.push_back({"key", input[key].name, state_type(input[key].type)});
  for (const AggregateCallSpec& spec : calls) {
    std::string args;
    for (const Type& type : spec.arg_types) args += (args.empty() ? "" : ", ") + state_type(type);
    std::string text = spec.function->name + (spec.distinct ? "(DISTINCT " : "(") + args + ")";
    const std::string result = state_type(spec.result);
    if (result != args) text += " giving " + result;
    const auto call = bind(spec, updating_input);
    if (call.ok() && call->rebuilds) text += " of updated rows";
    schema.push_back({"aggregate", spec.name, text});
  }
  return schema;
}

state::KeyTableOptions AggregateSet::table_options(std::int64_t ttl_ms) const {
  state::KeyTableOptions options;
  options.value_width = width_;
  options.ttl_ms = ttl_ms;
  for (const Call& call : calls_) {
    if (call.bound.keeps_text) options.text_offsets.push_back(call.offset + kTextAt);
  }
  return options;
}

std::int64_t AggregateSet::rows_of(const std::byte* value) {
  std::int64_t rows;
  std::memcpy(&rows, value, sizeof rows);
  return rows;
}

Status AggregateSet::update(const Rows& rows, GroupTables& tables) {
  for (std::size_t row = 0; row < rows.groups.size(); ++row) {
    const std::int64_t count = rows_of(rows.groups[row].value) + sign_of(rows.batch->kind(row));
    std::memcpy(rows.groups[row].value, &count, sizeof count);
  }
  for (std::uint32_t number = 0; number < calls_.size(); ++number) {
    const Call& call = calls_[number];
    gather(call, rows, work_);
    if (work_.rows.empty()) continue;
    if (call.by_values) {
      TRY(update_values(number, rows, work_, tables));
    } else {
      TRY(update_plain(call, work_, tables.groups));
    }
  }
  return {};
}

void AggregateSet::gather(const Call& call, const Rows& rows, Work& work) const {
  work = Work();
  const std::size_t count = rows.batch->rows();
  const Column* filter = call.filter ? rows.batch->column(*call.filter).get() : nullptr;
  for (std::uint32_t row = 0; row < count; ++row) {
    if (filter == nullptr || (!filter->is_null(row) && filter->data<std::uint8_t>()[row] != 0))
      work.rows.push_back(row);
  }
  for (const std::size_t arg : call.args) {
    const ColumnPtr& column = rows.batch->column(arg);
    work.args.push_back(work.rows.size() == count ? column : take(*column, work.rows));
  }
  for (const std::uint32_t row : work.rows) {
    work.states.push_back(rows.groups[row].value + call.offset);
    if (!rows.batch->kinds().empty()) work.signs.push_back(sign_of(rows.batch->kind(row)));
  }
}

Status AggregateSet::update_plain(const Call& call, Work& work, state::KeyTable& table) {
  return keeping_text(call.bound, work.states, table, [&](const auto& keep) {
    call.bound.update(work.states, work.args, work.signs, keep);
  });
}

std::string AggregateSet::value_key(std::uint32_t number, std::string_view group_key) {
  std::string key;
  append_number(key, number);
  key += group_key;
  return key;
}

// Only what changes the set of values reaches the function: the first of equal values, and the
// going of the last.
Status AggregateSet::update_values(std::uint32_t number, const Rows& rows, Work& work,
                                   GroupTables& tables) {
  const Call& call = calls_[number];
  encoded_.encode_keys(work.args, work.rows.size());
  std::vector<std::uint32_t> forwarded;
  std::vector<std::uint32_t> removed;
  std::vector<std::int8_t> signs;
  for (std::uint32_t i = 0; i < work.rows.size(); ++i) {
    if (work.args[0]->is_null(i)) continue;
    const std::uint32_t row = work.rows[i];
    const std::int8_t sign = work.signs.empty() ? std::int8_t{1} : work.signs[i];
    TRY_ASSIGN(const std::int64_t before,
               tables.values.add(value_key(number, (*rows.keys)[row]), rows.hashes[row],
                                 encoded_[i], sign, 0));
    if (sign > 0 ? before > 0 : before != 1) continue;
    if (sign < 0 && call.rebuilds) {
      removed.push_back(i);
      continue;
    }
    forwarded.push_back(i);
    signs.push_back(sign);
  }
  if (!forwarded.empty()) {
    Work some;
    for (const ColumnPtr& arg : work.args) some.args.push_back(take(*arg, forwarded));
    for (const std::uint32_t i : forwarded) some.states.push_back(work.states[i]);
    some.signs = std::move(signs);
    TRY(update_plain(call, some, tables.groups));
  }
  return removed.empty() ? Status() : rebuild(number, removed, rows, work, tables);
}

// A value that went away matters only when it was the result.
Status AggregateSet::rebuild(std::uint32_t number, std::span<const std::uint32_t> removed,
                             const Rows& rows, const Work& work, GroupTables& tables) {
  const Call& call = calls_[number];
  std::vector<const std::byte*> states;
  for (const std::uint32_t i : removed) states.push_back(work.states[i]);
  ColumnBuilder builder(call.result);
  call.bound.result(states, builder);
  const ColumnPtr results = builder.finish();
  std::vector<std::byte*> done;
  for (std::uint32_t at = 0; at < removed.size(); ++at) {
    const std::uint32_t i = removed[at];
    std::byte* state = work.states[i];
    if (!cells_equal(*results, at, *work.args[0], i)) continue;
    if (std::find(done.begin(), done.end(), state) != done.end()) continue;
    done.push_back(state);
    if (call.bound.keeps_text) tables.groups.free_text(view_in(state));
    std::memset(state, 0, call.bound.width);
    const std::uint32_t row = work.rows[i];
    TRY(feed(number, (*rows.keys)[row], rows.hashes[row], state, tables));
  }
  return {};
}

// Gives all values of a group to its empty state.
Status AggregateSet::feed(std::uint32_t number, std::string_view key, std::uint64_t hash,
                          std::byte* state, GroupTables& tables) {
  const Call& call = calls_[number];
  const std::string values_key = value_key(number, key);
  RowDecoder decoder(call.arg_types);
  state::SlotId value = tables.values.first(values_key, hash, 0);
  while (value != state::kNoSlot) {
    TRY(decoder.add(tables.values.row(value)));
    value = tables.values.next(value, 0);
    if (decoder.rows() < kFeedRows && value != state::kNoSlot) continue;
    Work work;
    work.states.assign(decoder.rows(), state);
    work.args = decoder.finish();
    TRY(update_plain(call, work, tables.groups));
  }
  return {};
}

Status AggregateSet::merge(GroupTables& into, const state::KeyTable::Found& group,
                           const GroupTables& from, state::SlotId from_slot) {
  const std::byte* from_value = from.groups.value(from_slot);
  const std::int64_t rows = rows_of(group.value) + rows_of(from_value);
  std::memcpy(group.value, &rows, sizeof rows);
  const std::uint64_t hash = from.groups.hash(from_slot);
  for (std::uint32_t number = 0; number < calls_.size(); ++number) {
    const Call& call = calls_[number];
    std::byte* state = group.value + call.offset;
    if (!call.by_values) {
      std::byte* const states[] = {state};
      TRY(keeping_text(call.bound, states, into.groups, [&](const auto& keep) {
        call.bound.merge(state, from_value + call.offset, keep);
      }));
      continue;
    }
    const std::string values_key = value_key(number, from.groups.key(from_slot));
    RowDecoder decoder(call.arg_types);
    for (state::SlotId value = from.values.first(values_key, hash, 0); value != state::kNoSlot;
         value = from.values.next(value, 0)) {
      const std::string_view row = from.values.row(value);
      TRY_ASSIGN(const std::int64_t before,
                 into.values.add(values_key, hash, row, from.values.count(value), 0));
      if (before == 0) TRY(decoder.add(row));
    }
    Work work;
    work.states.assign(decoder.rows(), state);
    if (work.states.empty()) continue;
    work.args = decoder.finish();
    TRY(update_plain(call, work, into.groups));
  }
  return {};
}

Status AggregateSet::drop_values(GroupTables& tables, std::string_view key,
                                 std::uint64_t hash) const {
  for (std::uint32_t number = 0; number < calls_.size(); ++number) {
    if (calls_[number].by_values) TRY(tables.values.erase_key(value_key(number, key), hash));
  }
  return {};
}

void AggregateSet::results(std::span<const std::byte* const> values,
                           std::vector<ColumnPtr>& out) const {
  std::vector<const std::byte*> states(values.size());
  for (const Call& call : calls_) {
    for (std::size_t i = 0; i < values.size(); ++i) states[i] = values[i] + call.offset;
    ColumnBuilder builder(call.result);
    builder.reserve(values.size());
    call.bound.result(states, builder);
    out.push_back(builder.finish());
  }
}

}  // namespace slipstream::flow
