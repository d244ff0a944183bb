#include "flow/operators/keyed_state.h"

#include <map>

#include "base/try.h"
#include "data/hash.h"
#include "data/serialize.h"

namespace slipstream::flow {

namespace {
// Names in files of checkpoints: they stay as they are.
constexpr std::string_view kTables = "tables";
constexpr std::string_view kTableIds = "table-numbers";
constexpr std::string_view kGroupScalars = "group-note";
constexpr std::string_view kOperatorScalars = "operator-note";

std::span<const std::byte> as_span(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
std::string_view as_view(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
}  // namespace

StatePool::StatePool(MemoryReservation* memory) {
  state::MemorySource source;
  if (memory != nullptr) {
    source.grow = [memory](std::size_t bytes) { return memory->grow(bytes); };
    source.shrink = [memory](std::size_t bytes) { memory->shrink(bytes); };
  }
  pool_ = state::PagePool::make(std::move(source));
}

std::vector<std::uint64_t> key_hashes(const Batch& batch, std::span<const ColumnPtr> keys) {
  if (!batch.key_hashes().empty()) return {batch.key_hashes().begin(), batch.key_hashes().end()};
  return hash_rows(keys, batch.rows());
}

std::vector<ColumnPtr> columns_at(const Batch& batch, std::span<const std::size_t> positions) {
  std::vector<ColumnPtr> columns;
  for (const std::size_t position : positions) columns.push_back(batch.column(position));
  return columns;
}

std::vector<Type> types_at(const Schema& schema, std::span<const std::size_t> positions) {
  std::vector<Type> types;
  for (const std::size_t position : positions) types.push_back(schema[position].type);
  return types;
}

RowDecoder::RowDecoder(const std::vector<Type>& types) {
  for (const Type& type : types) {
    builders_.push_back(std::make_unique<ColumnBuilder>(type));
    pointers_.push_back(builders_.back().get());
  }
}

Status RowDecoder::add(std::string_view row) {
  ++rows_;
  auto bytes = state::bytes_of(row);
  return decode_row(bytes, pointers_);
}

std::vector<ColumnPtr> RowDecoder::finish() {
  std::vector<ColumnPtr> columns;
  for (const auto& builder : builders_) columns.push_back(builder->finish());
  rows_ = 0;
  return columns;
}

state::Extent IncrementalChain::choose(const SnapshotRequest& request, std::size_t entries,
                                       std::size_t changed) {
  const bool follows = request.base != 0 && request.base == last_;
  last_ = request.checkpoint;
  if (follows && changes_pay(entries, changed)) {
    ++files_;
    return state::Extent::kIncremental;
  }
  files_ = 1;
  full_entries_ = entries;
  written_ = std::make_shared<Written>();
  return state::Extent::kFull;
}

// Not when half of the entries changed; when less than half of what the files hold would be live;
// or when the manifests that name the files come to as much as writing all state.
bool IncrementalChain::changes_pay(std::size_t entries, std::size_t changed) const {
  if (changes_cost_bytes_ == 0) return true;
  if (full_entries_ == 0 || changed * 2 >= entries) return false;
  const double entry_bytes =
      static_cast<double>(written_->full_bytes.load()) / static_cast<double>(full_entries_);
  const double live = entry_bytes * static_cast<double>(entries);
  const double all =
      static_cast<double>(written_->all_bytes.load()) + entry_bytes * static_cast<double>(changed);
  return all <= 2 * live && static_cast<double>(files_ * files_ * changes_cost_bytes_) <= live;
}

void StateSnapshot::freeze(IncrementalChain& chain, const SnapshotRequest& request) {
  std::size_t entries = 0;
  std::size_t changed = 0;
  for (const Table& table : tables_) {
    entries += table.table->entries();
    changed += table.table->changed();
  }
  extent_ = chain.choose(request, entries, changed);
  written_ = chain.written_;
  for (Table& table : tables_) {
    table.frozen = table.table->freeze(extent_);
    table.table = nullptr;
  }
}

Status StateSnapshot::write_tables(SnapshotWriter& out) {
  if (extent_ == state::Extent::kIncremental) out.add_to_base(kTables);
  std::uint64_t bytes = 0;
  std::string ids;
  for (Table& table : tables_) {
    append_number(ids, table.id);
    TRY(table.frozen->write(table.tag, groups_.total,
                            [&](std::uint32_t group, std::span<const std::byte> piece) {
                              bytes += piece.size();
                              return out.write(kTables, group, piece);
                            }));
    table.frozen.reset();
  }
  if (extent_ == state::Extent::kFull) written_->full_bytes = bytes;
  written_->all_bytes += bytes;
  return out.write(kTableIds, kOperatorState, as_span(ids));
}

Status StateSnapshot::write(SnapshotWriter& out) {
  if (!tables_.empty()) TRY(write_tables(out));
  if (!group_scalars_.empty()) {
    for (std::uint32_t group = groups_.begin; group < groups_.end; ++group) {
      TRY(out.write(kGroupScalars, group, as_span(group_scalars_)));
    }
  }
  if (!operator_scalars_.empty())
    TRY(out.write(kOperatorScalars, kOperatorState, as_span(operator_scalars_)));
  return {};
}

Status restore_tables(
    const SnapshotReader& from,
    const std::function<Status(std::string_view tag, state::EntryReader piece)>& table) {
  std::map<std::pair<std::uint32_t, std::uint64_t>, state::SeenSlots> tables;
  TRY(from.visit(
      kTableIds,
      [&](std::uint32_t, std::uint32_t subtask, std::span<const std::byte> bytes) -> Status {
        for (std::string_view ids = as_view(bytes); !ids.empty();) {
          TRY_ASSIGN(const auto id, take_number<std::uint64_t>(ids));
          tables[{subtask, id}];
        }
        return {};
      }));
  return from.visit(
      kTables,
      [&](std::uint32_t, std::uint32_t subtask, std::span<const std::byte> bytes) -> Status {
        TRY_ASSIGN(state::EntryReader piece, state::EntryReader::open(bytes));
        if (piece.table_id() != 0) {
          const auto found = tables.find({subtask, piece.table_id()});
          if (found == tables.end()) return {};  // given up since
          piece.pass_over(&found->second);
        }
        const std::string_view tag = piece.tag();
        return table(tag, piece);
      });
}

Status restore_group_scalars(
    const SnapshotReader& from,
    const std::function<Status(std::uint32_t, std::string_view)>& scalars) {
  return from.visit(kGroupScalars,
                    [&](std::uint32_t group, std::uint32_t, std::span<const std::byte> bytes) {
                      return scalars(group, as_view(bytes));
                    });
}

Status restore_operator_scalars(const SnapshotReader& from,
                                const std::function<Status(std::string_view)>& scalars) {
  return from.visit(kOperatorScalars,
                    [&](std::uint32_t, std::uint32_t, std::span<const std::byte> bytes) {
                      return scalars(as_view(bytes));
                    });
}

}  // namespace slipstream::flow
