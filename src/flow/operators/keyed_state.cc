#include "flow/operators/keyed_state.h"

#include "base/try.h"
#include "data/hash.h"
#include "data/serialize.h"

namespace slipstream::flow {

namespace {
constexpr std::string_view kTables = "tables";
constexpr std::string_view kGroupNote = "group-note";
constexpr std::string_view kOperatorNote = "operator-note";

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

Status StateSnapshot::write(SnapshotWriter& out) {
  for (const auto& [tag, table] : tables_) {
    TRY(table->write(tag, groups_.total,
                     [&](std::uint32_t group, std::span<const std::byte> bytes) {
                       return out.write(kTables, group, bytes);
                     }));
  }
  if (!group_note_.empty()) {
    for (std::uint32_t group = groups_.begin; group < groups_.end; ++group) {
      TRY(out.write(kGroupNote, group, as_span(group_note_)));
    }
  }
  if (!operator_note_.empty())
    TRY(out.write(kOperatorNote, kOperatorState, as_span(operator_note_)));
  return {};
}

Status restore_tables(
    const SnapshotReader& from,
    const std::function<Status(std::string_view tag, state::EntryReader piece)>& table) {
  return from.visit(kTables,
                    [&](std::uint32_t, std::uint32_t, std::span<const std::byte> bytes) -> Status {
                      TRY_ASSIGN(state::EntryReader piece, state::EntryReader::open(bytes));
                      const std::string_view tag = piece.tag();
                      return table(tag, piece);
                    });
}

Status restore_group_notes(const SnapshotReader& from,
                           const std::function<Status(std::uint32_t, std::string_view)>& note) {
  return from.visit(kGroupNote,
                    [&](std::uint32_t group, std::uint32_t, std::span<const std::byte> bytes) {
                      return note(group, as_view(bytes));
                    });
}

Status restore_operator_notes(const SnapshotReader& from,
                              const std::function<Status(std::string_view)>& note) {
  return from.visit(kOperatorNote,
                    [&](std::uint32_t, std::uint32_t, std::span<const std::byte> bytes) {
                      return note(as_view(bytes));
                    });
}

}  // namespace slipstream::flow
