// The aggregates of one query over keyed state: used by window and group aggregates.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flow/operator.h"
#include "flow/operators/aggregate_call.h"
#include "state/encoded_rows.h"
#include "state/key_table.h"
#include "state/multi_map.h"

namespace slipstream::flow {

// The groups of one table: their states and, for DISTINCT and for MIN/MAX over updating input,
// their values.
//
// The value of a group: number of its rows (64 bits), then the state of each call.
struct GroupTables {
  GroupTables(const std::shared_ptr<state::PagePool>& pool, state::KeyTableOptions options)
      : groups(pool, std::move(options)), values(pool, {}) {}
  state::KeyTable groups;
  state::MultiMap values;  // key: call number and group key; row: encoded argument
};

// Thread: task.
// Bounds: scratch memory in proportion to the batch.
class AggregateSet {
 public:
  // kUnsupported for a function that cannot take rows back over updating input.
  static Result<std::unique_ptr<AggregateSet>> make(const std::vector<AggregateCallSpec>& calls,
                                                    bool updating_input);

  // Fields of the roles "key" and "aggregate".
  static StateSchema schema(const Schema& input, const std::vector<std::size_t>& keys,
                            const std::vector<AggregateCallSpec>& calls, bool updating_input);

  state::KeyTableOptions table_options(std::int64_t ttl_ms) const;

  // Rows of one batch and the groups that they belong to.
  struct Rows {
    const Batch* batch = nullptr;
    const state::EncodedRows* keys = nullptr;
    std::span<const std::uint64_t> hashes;
    std::span<const state::KeyTable::Found> groups;  // one per row
  };
  Status update(const Rows& rows, GroupTables& tables);
  // Adds group `from_slot` of another table of the same shape (a pane) to a group that was found by
  // the same key.
  Status merge(GroupTables& into, const state::KeyTable::Found& group, const GroupTables& from,
               state::SlotId from_slot);
  // Forgets the values of a group that goes away.
  Status drop_values(GroupTables& tables, std::string_view key, std::uint64_t hash) const;

  static std::int64_t rows_of(const std::byte* value);
  // Appends one column per call.
  void results(std::span<const std::byte* const> values, std::vector<ColumnPtr>& out) const;

 private:
  struct Call {
    expr::AggregateFunction::Bound bound;
    std::vector<std::size_t> args;
    std::vector<Type> arg_types;
    Type result;
    std::optional<std::size_t> filter;
    std::uint32_t offset = 0;  // of its state in the value
    bool by_values = false;    // sees each distinct value once, through GroupTables::values
    bool rebuilds = false;     // and is computed anew from them when one goes away
  };
  // What one call works on: rows that pass its filter.
  struct Work {
    std::vector<std::uint32_t> rows;
    std::vector<ColumnPtr> args;
    std::vector<std::byte*> states;
    std::vector<std::int8_t> signs;  // empty = all +1
  };

  static Result<Call> bind(const AggregateCallSpec& spec, bool updating_input);
  void gather(const Call& call, const Rows& rows, Work& work) const;
  Status update_plain(const Call& call, Work& work, state::KeyTable& table);
  Status update_values(std::uint32_t number, const Rows& rows, Work& work, GroupTables& tables);
  Status rebuild(std::uint32_t number, std::span<const std::uint32_t> removed, const Rows& rows,
                 const Work& work, GroupTables& tables);
  Status feed(std::uint32_t number, std::string_view key, std::uint64_t hash, std::byte* state,
              GroupTables& tables);
  static std::string value_key(std::uint32_t number, std::string_view group_key);

  std::vector<Call> calls_;
  std::uint32_t width_ = 0;
  Work work_;
  state::EncodedRows encoded_;
};

}  // namespace slipstream::flow
