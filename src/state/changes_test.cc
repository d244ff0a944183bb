// Snapshots that hold what changed: restored from a chain of them, tables are as they were.
#include <deque>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "state/key_table.h"
#include "state/multi_map.h"

namespace slipstream::state {
namespace {

constexpr std::uint32_t kGroups = 16;

using Content = std::map<std::string, std::string>;

std::uint64_t hash_of(const std::string& key) {
  return std::hash<std::string>()(key) * 0x9e3779b97f4a7c15ULL;
}

// One piece per key group that changed; the newest snapshot first.
class Chain {
 public:
  using Snapshot = std::vector<std::pair<std::uint32_t, std::vector<std::byte>>>;

  void add(SavedTable& table, Extent extent) {
    if (extent == Extent::kFull) snapshots_.clear();
    Snapshot& pieces = snapshots_.emplace_front();
    const auto keep = [&](std::uint32_t group, std::span<const std::byte> bytes) -> Status {
      pieces.emplace_back(group, std::vector<std::byte>(bytes.begin(), bytes.end()));
      return {};
    };
    EXPECT_TRUE(table.freeze(extent)->write("t", kGroups, keep).ok());
  }

  // As `parallelism` instances read it, each its part of the key groups.
  template <typename Make, typename Read>
  Content restored(std::uint32_t parallelism, Make&& make, Read&& read) const {
    Content all;
    for (std::uint32_t instance = 0; instance < parallelism; ++instance) {
      auto table = make();
      SeenSlots seen;
      for (const Snapshot& snapshot : snapshots_) {
        for (const auto& [group, bytes] : snapshot) {
          if (group * parallelism / kGroups != instance) continue;
          EntryReader piece = *EntryReader::open(bytes);
          piece.pass_over(&seen);
          EXPECT_TRUE(table->restore(piece).ok());
        }
      }
      const Content part = read(*table);
      for (const auto& entry : part) EXPECT_TRUE(all.insert(entry).second) << entry.first;
    }
    return all;
  }
  std::size_t bytes_of_newest() const {
    std::size_t bytes = 0;
    for (const auto& [group, piece] : snapshots_.front()) bytes += piece.size();
    return bytes;
  }

 private:
  std::deque<Snapshot> snapshots_;
};

std::unique_ptr<KeyTable> make_table() {
  return std::make_unique<KeyTable>(PagePool::make({}), KeyTableOptions{16, {0}, 0});
}

void put(KeyTable& table, const std::string& key, const std::string& text) {
  const auto found = table.find_or_insert(key, hash_of(key), 0);
  ASSERT_TRUE(found.ok());
  StringView old;
  std::memcpy(&old, found->value, sizeof old);
  table.free_text(old);
  const StringView kept = *table.keep_text(text);
  std::memcpy(found->value, &kept, sizeof kept);
  table.release();
}

void erase(KeyTable& table, const std::string& key) {
  const SlotId slot = table.find(key, hash_of(key), 0);
  ASSERT_TRUE(slot == kNoSlot || table.erase(slot).ok());
}

Content content(const KeyTable& table) {
  Content out;
  for (SlotId slot = table.after(kNoSlot); slot != kNoSlot; slot = table.after(slot)) {
    const auto* text = reinterpret_cast<const StringView*>(table.value(slot));
    out.emplace(std::string(table.key(slot)), std::string(text->view()));
  }
  return out;
}

Content rows(const MultiMap& map) {
  Content out;
  for (SlotId row = map.after(kNoSlot); row != kNoSlot; row = map.after(row)) {
    out.emplace(std::string(map.key_of(row)) + "|" + std::string(map.row(row)),
                std::to_string(map.count(row)));
  }
  return out;
}

// Of each round: how many changes, and whether the snapshot is whole.
template <typename Change, typename Check>
void go_through_rounds(SavedTable& table, Chain& chain, Change&& change, Check&& check) {
  std::mt19937 random(11);
  const int changes[] = {3000, 1, 40, 0, 500, 2000, 7, 60, 900, 3, 4000, 10};
  bool whole = true;
  for (int round = 0; round < 36; ++round) {
    for (int i = 0; i < changes[round % 12]; ++i) change(random);
    chain.add(table, whole ? Extent::kFull : Extent::kIncremental);
    check(1 + static_cast<std::uint32_t>(round) % 3);
    whole = false;
    if (round % 9 != 8) continue;
    // A snapshot that was given up: the next one must be whole.
    for (int i = 0; i < 50; ++i) change(random);
    table.freeze(Extent::kIncremental);
    whole = true;
  }
}

TEST(Changes, ATableIsWhatItsChainSays) {
  const auto table = make_table();
  Chain chain;
  go_through_rounds(
      *table, chain,
      [&](std::mt19937& random) {
        const std::string key = "key " + std::to_string(random() % 2500) + " of the table";
        if (random() % 3 == 0) return erase(*table, key);
        put(*table, key, std::string(random() % 40, static_cast<char>('a' + random() % 26)));
      },
      [&](std::uint32_t parallelism) {
        EXPECT_EQ(chain.restored(parallelism, make_table, content), content(*table));
      });
}

TEST(Changes, AMultiMapIsWhatItsChainSays) {
  const auto make = [] {
    return std::make_unique<MultiMap>(PagePool::make({}), MultiMapOptions{});
  };
  const auto map = make();
  Chain chain;
  go_through_rounds(
      *map, chain,
      [&](std::mt19937& random) {
        const std::string key = "key " + std::to_string(random() % 300);
        if (random() % 50 == 0) {
          ASSERT_TRUE(map->erase_key(key, hash_of(key)).ok());
          return;
        }
        const std::string row = "a row with a text " + std::to_string(random() % 12);
        ASSERT_TRUE(map->add(key, hash_of(key), row, random() % 2 == 0 ? 1 : -1, 0).ok());
      },
      [&](std::uint32_t parallelism) {
        EXPECT_EQ(chain.restored(parallelism, make, rows), rows(*map));
      });
}

TEST(Changes, OnlyWhatChangedIsWritten) {
  const auto table = make_table();
  for (int i = 0; i < 10'000; ++i) put(*table, "key " + std::to_string(i), "text");
  EXPECT_EQ(table->changed(), 10'000U);
  Chain chain;
  chain.add(*table, Extent::kFull);
  EXPECT_EQ(table->changed(), 0U);
  const std::size_t whole = chain.bytes_of_newest();

  for (int i = 0; i < 10; ++i) put(*table, "key 77", "other");
  erase(*table, "key 78");
  put(*table, "new", "text");
  erase(*table, "new");  // no snapshot has it
  EXPECT_LE(table->changed(), 4U);
  chain.add(*table, Extent::kIncremental);
  EXPECT_LT(chain.bytes_of_newest(), whole / 1000);
  EXPECT_EQ(chain.restored(2, make_table, content), content(*table));

  chain.add(*table, Extent::kIncremental);
  EXPECT_EQ(chain.bytes_of_newest(), 0U);
}

// The slot of a key that is gone is taken by one of another key group: whoever restores the first
// group must still record that it is free.
TEST(Changes, ASlotIsTakenAgainAfterItsEndWasTold) {
  const auto table = make_table();
  for (int i = 0; i < 100; ++i) put(*table, "old " + std::to_string(i), "text");
  Chain chain;
  chain.add(*table, Extent::kFull);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) erase(*table, "old " + std::to_string(i));
    for (int i = 0; i < 100; ++i) put(*table, "new " + std::to_string(i * 7 + round), "text");
    chain.add(*table, Extent::kIncremental);
    for (const std::uint32_t parallelism : {1U, 4U, 16U})
      EXPECT_EQ(chain.restored(parallelism, make_table, content), content(*table));
  }
}

TEST(Changes, SlotsThatNoSnapshotHasAreTakenAgainAtOnce) {
  const auto pool = PagePool::make({});
  KeyTable table(pool, KeyTableOptions{16, {0}, 0});
  table.freeze(Extent::kFull);
  put(table, "key", "text");
  const std::size_t used = pool->used();
  for (int i = 0; i < 100'000; ++i) {
    erase(table, "key");
    put(table, "key", "text");
  }
  EXPECT_EQ(pool->used(), used);
}

}  // namespace
}  // namespace slipstream::state
