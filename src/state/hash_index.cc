#include "state/hash_index.h"

#include <algorithm>

#include "base/try.h"

namespace slipstream::state {

namespace {
constexpr std::size_t kFirstCells = 16;
constexpr std::size_t kMostCells = 512;
constexpr std::uint32_t kDeepest = 26;
}  // namespace

HashIndex::HashIndex(std::shared_ptr<PagePool> pool) : pool_(std::move(pool)) {
  segments_.push_back(std::make_unique<Segment>());
  segments_.back()->cells.resize(kFirstCells);
  directory_.resize(1);
  point(0, 1, 0);
}

HashIndex::~HashIndex() { pool_->release(charged_); }

void HashIndex::put(Segment& segment, Cell cell) {
  const std::size_t mask = segment.cells.size() - 1;
  std::size_t at = cell.tag & mask;
  while (segment.cells[at].slot != kNoSlot) at = (at + 1) & mask;
  segment.cells[at] = cell;
  ++segment.used;
}

Status HashIndex::insert(std::uint64_t hash, SlotId slot) {
  const std::uint32_t tag = tag_of(hash);
  TRY(make_room(tag));
  put(*segments_[directory_[directory_index(tag)].segment], Cell{tag, slot});
  ++size_;
  return {};
}

void HashIndex::erase(std::uint64_t hash, SlotId slot) {
  const std::uint32_t tag = tag_of(hash);
  Segment& segment = *segments_[directory_[directory_index(tag)].segment];
  const std::size_t mask = segment.cells.size() - 1;
  std::size_t hole = tag & mask;
  while (segment.cells[hole].slot != slot) {
    CHECK(segment.cells[hole].slot != kNoSlot);
    hole = (hole + 1) & mask;
  }
  // Entries behind move up when that brings them no further than their home: no tombstones.
  for (std::size_t at = (hole + 1) & mask; segment.cells[at].slot != kNoSlot;
       at = (at + 1) & mask) {
    const std::size_t home = segment.cells[at].tag & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      segment.cells[hole] = segment.cells[at];
      hole = at;
    }
  }
  segment.cells[hole] = Cell{};
  --segment.used;
  --size_;
}

Status HashIndex::make_room(std::uint32_t tag) {
  while (true) {
    const std::size_t number = directory_[directory_index(tag)].segment;
    Segment& segment = *segments_[number];
    if ((segment.used + 1) * 4 <= segment.cells.size() * 3) return {};
    if (segment.cells.size() < kMostCells) return enlarge(number, tag);
    std::uint32_t differing = 0;
    for (const Cell& cell : segment.cells) {
      if (cell.slot != kNoSlot) differing |= cell.tag ^ tag;
    }
    // Splitting helps only when one of the next few bits tells entries apart.
    const bool splits =
        segment.depth < kDeepest && (differing >> (32U - std::min(segment.depth + 8U, 32U))) != 0;
    if (!splits) return enlarge(number, tag);
    TRY(split(number, tag));
  }
}

void HashIndex::point(std::size_t first, std::size_t end, std::size_t number) {
  const std::vector<Cell>& cells = segments_[number]->cells;
  const DirectoryEntry entry{cells.data(), static_cast<std::uint32_t>(cells.size() - 1),
                             static_cast<std::uint32_t>(number)};
  std::fill(directory_.begin() + static_cast<std::ptrdiff_t>(first),
            directory_.begin() + static_cast<std::ptrdiff_t>(end), entry);
}

Status HashIndex::enlarge(std::size_t number, std::uint32_t tag) {
  Segment& segment = *segments_[number];
  std::vector<Cell> old = std::move(segment.cells);
  const std::size_t bytes = old.size() * sizeof(Cell);
  Status charged = pool_->charge(bytes);
  if (!charged.ok()) {
    segment.cells = std::move(old);
    return charged;
  }
  charged_ += bytes;
  segment.cells.assign(old.size() * 2, Cell{});
  segment.used = 0;
  for (const Cell& cell : old) {
    if (cell.slot != kNoSlot) put(segment, cell);
  }
  const std::size_t first = first_of(segment, tag);
  point(first, first + span_of(segment), number);
  return {};
}

Status HashIndex::split(std::size_t number, std::uint32_t tag) {
  Segment& low = *segments_[number];
  const std::size_t cells = low.cells.size();
  std::size_t bytes = cells * sizeof(Cell);
  const bool doubles = low.depth == depth_;
  if (doubles) bytes += directory_.size() * sizeof(DirectoryEntry);
  TRY(pool_->charge(bytes));
  charged_ += bytes;
  if (doubles) {
    std::vector<DirectoryEntry> wider(directory_.size() * 2);
    for (std::size_t i = 0; i < wider.size(); ++i) wider[i] = directory_[i / 2];
    directory_ = std::move(wider);
    ++depth_;
  }
  // Of the directory entries that name this segment, the upper half gets the new one.
  const std::size_t span = span_of(low);
  const std::size_t first = first_of(low, tag);
  auto high = std::make_unique<Segment>();
  ++low.depth;
  high->depth = low.depth;
  high->cells.resize(cells);
  std::vector<Cell> old = std::move(low.cells);
  low.cells.assign(cells, Cell{});
  low.used = 0;
  const std::uint32_t bit = 1U << (32U - low.depth);
  for (const Cell& cell : old) {
    if (cell.slot != kNoSlot) put((cell.tag & bit) != 0 ? *high : low, cell);
  }
  segments_.push_back(std::move(high));
  point(first, first + span / 2, number);
  point(first + span / 2, first + span, segments_.size() - 1);
  return {};
}

}  // namespace slipstream::state
