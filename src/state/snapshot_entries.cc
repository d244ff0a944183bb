#include "state/snapshot_entries.h"

#include <atomic>
#include <cstring>
#include <string>

#include "base/try.h"
#include "data/hash.h"

namespace slipstream::state {

namespace {
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kPiece = std::size_t{64} << 10;

void append(std::vector<std::byte>& out, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}
}  // namespace

SavedTable::SavedTable()
    : table_id_([] {
        static std::atomic<std::uint64_t> last{0};
        return last.fetch_add(1, std::memory_order_relaxed) + 1;
      }()) {}

EntryWriter::EntryWriter(const Table& table, std::uint32_t key_groups, const EntrySink& sink)
    : sink_(sink), groups_(key_groups) {
  const auto tag_size = static_cast<std::uint32_t>(table.tag.size());
  append(header_, &kVersion, 4);
  append(header_, &table.layout, 4);
  append(header_, &tag_size, 4);
  append(header_, table.tag.data(), table.tag.size());
  append(header_, &table.id, 8);
}

void EntryWriter::begin(std::uint64_t hash, std::uint32_t slot, bool live) {
  current_ = key_group(hash, static_cast<std::uint32_t>(groups_.size()));
  if (groups_[current_].empty()) groups_[current_] = header_;
  const auto flag = static_cast<std::uint8_t>(live);
  put_u64(hash);
  put_u32(slot);
  put(&flag, 1);
}

void EntryWriter::begin_entry(std::uint64_t hash, std::uint32_t slot) { begin(hash, slot, true); }

Status EntryWriter::add_gone(std::uint64_t hash, std::uint32_t slot) {
  begin(hash, slot, false);
  return end_entry();
}

void EntryWriter::put(const void* data, std::size_t size) { append(groups_[current_], data, size); }

Status EntryWriter::end_entry() {
  if (groups_[current_].size() >= kPiece) return flush(current_);
  return {};
}

Status EntryWriter::flush(std::uint32_t group) {
  TRY(sink_(group, groups_[group]));
  groups_[group].clear();
  return {};
}

Status EntryWriter::finish() {
  for (std::uint32_t group = 0; group < groups_.size(); ++group) {
    if (!groups_[group].empty()) TRY(flush(group));
    std::vector<std::byte>().swap(groups_[group]);
  }
  return {};
}

bool SeenSlots::add(std::uint32_t slot) {
  const std::size_t page = slot >> 12U;
  if (page >= pages_.size()) pages_.resize(page + 1);
  std::vector<bool>& slots = pages_[page];
  if (slots.empty()) slots.resize(4096);
  if (slots[slot & 4095U]) return false;
  slots[slot & 4095U] = true;
  return true;
}

Result<EntryReader> EntryReader::open(std::span<const std::byte> piece) {
  EntryReader reader;
  reader.bytes_ = {reinterpret_cast<const char*>(piece.data()), piece.size()};
  reader.version_ = reader.u32();
  if (reader.ok_ && (reader.version_ == 0 || reader.version_ > kVersion)) {
    return Error{ErrorCode::kUnsupported,
                 "keyed state of version " + std::to_string(reader.version_) +
                     ", this program reads versions 1 and 2: use a newer program"};
  }
  reader.layout_ = reader.u32();
  reader.tag_ = reader.bytes();
  if (reader.version_ > 1) reader.table_id_ = reader.fixed<std::uint64_t>();
  if (!reader.ok_) return Error{ErrorCode::kCorrupt, "a piece of keyed state is cut short"};
  return reader;
}

bool EntryReader::next(Entry& entry) {
  while (ok_ && !bytes_.empty()) {
    entry.hash = fixed<std::uint64_t>();
    if (version_ == 1) return ok_;
    const std::uint32_t slot = u32();
    const bool live = fixed<std::uint8_t>() != 0;
    if (!ok_) return false;
    entry.counts = seen_ == nullptr || seen_->add(slot);
    if (live) return true;
  }
  return false;
}

std::string_view EntryReader::raw(std::size_t size) {
  if (!ok_ || size > bytes_.size()) {
    ok_ = false;
    bytes_ = {};
    return {};
  }
  const std::string_view piece = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return piece;
}

}  // namespace slipstream::state
