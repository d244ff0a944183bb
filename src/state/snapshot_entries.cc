#include "state/snapshot_entries.h"

#include <cstring>
#include <string>

#include "base/try.h"
#include "data/hash.h"

namespace slipstream::state {

namespace {
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPiece = std::size_t{64} << 10;

void append(std::vector<std::byte>& out, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}
}  // namespace

EntryWriter::EntryWriter(std::string_view tag, std::uint32_t layout, std::uint32_t key_groups,
                         const EntrySink& sink)
    : sink_(sink), groups_(key_groups) {
  const auto tag_size = static_cast<std::uint32_t>(tag.size());
  append(header_, &kVersion, 4);
  append(header_, &layout, 4);
  append(header_, &tag_size, 4);
  append(header_, tag.data(), tag.size());
}

void EntryWriter::begin_entry(std::uint64_t hash) {
  current_ = key_group(hash, static_cast<std::uint32_t>(groups_.size()));
  if (groups_[current_].empty()) groups_[current_] = header_;
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

Result<EntryReader> EntryReader::open(std::span<const std::byte> piece) {
  EntryReader reader;
  reader.bytes_ = {reinterpret_cast<const char*>(piece.data()), piece.size()};
  const std::uint32_t version = reader.u32();
  reader.layout_ = reader.u32();
  reader.tag_ = reader.bytes();
  if (!reader.ok_) return Error{ErrorCode::kCorrupt, "a piece of keyed state is cut short"};
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupported,
                 "keyed state of version " + std::to_string(version) +
                     ", this program reads version 1: use a newer program"};
  }
  return reader;
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
