#include "state/multi_map.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace slipstream::state {
namespace {

std::uint64_t hash_of(const std::string& key) {
  return std::hash<std::string>()(key) * 0x9e3779b97f4a7c15ULL;
}

using Model = std::map<std::string, std::map<std::string, std::int64_t>>;

Model content(const MultiMap& map) {
  Model out;
  for (SlotId row = map.after(kNoSlot); row != kNoSlot; row = map.after(row)) {
    out[std::string(map.key_of(row))][std::string(map.row(row))] = map.count(row);
  }
  return out;
}

std::map<std::string, std::int64_t> rows_of(const MultiMap& map, const std::string& key,
                                            std::int64_t now = 0) {
  std::map<std::string, std::int64_t> out;
  for (SlotId row = map.first(key, hash_of(key), now); row != kNoSlot; row = map.next(row, now)) {
    out[std::string(map.row(row))] = map.count(row);
  }
  return out;
}

TEST(MultiMap, BehavesLikeAMapOfCounts) {
  MultiMap map(PagePool::make({}), {});
  Model model;
  std::mt19937 random(5);
  for (int i = 0; i < 30'000; ++i) {
    const std::string key = "key" + std::to_string(random() % 50);
    const std::string row = "row with some text " + std::to_string(random() % 40);
    const std::int64_t delta = random() % 5 < 3 ? 1 : -1;
    const std::int64_t had = model[key].count(row) == 1 ? model[key][row] : 0;
    ASSERT_EQ(*map.add(key, hash_of(key), row, delta, 0), had);
    if (had + delta > 0) {
      model[key][row] = had + delta;
    } else {
      model[key].erase(row);
    }
    if (model[key].empty()) model.erase(key);
  }
  EXPECT_EQ(content(map), model);
  EXPECT_EQ(map.keys(), model.size());
  for (const auto& [key, rows] : model) EXPECT_EQ(rows_of(map, key), rows);
  const std::string key = model.begin()->first;
  ASSERT_TRUE(map.erase_key(key, hash_of(key)).ok());
  model.erase(key);
  EXPECT_EQ(content(map), model);
}

TEST(MultiMap, SnapshotIsOfTheMomentItWasTaken) {
  MultiMap map(PagePool::make({}), {});
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "a key with text " + std::to_string(i % 100);
    ASSERT_TRUE(map.add(key, hash_of(key), "row " + std::to_string(i % 700), 1, 0).ok());
  }
  const Model before = content(map);
  const auto snapshot = map.freeze(Extent::kFull);
  for (int i = 0; i < 100; ++i) {
    const std::string key = "a key with text " + std::to_string(i);
    ASSERT_TRUE(map.erase_key(key, hash_of(key)).ok());
    ASSERT_TRUE(map.add(key, hash_of(key), "something else entirely", 1, 0).ok());
  }
  MultiMap restored(PagePool::make({}), {});
  ASSERT_TRUE(snapshot
                  ->write("", 128,
                          [&](std::uint32_t, std::span<const std::byte> bytes) -> Status {
                            auto reader = EntryReader::open(bytes);
                            return restored.restore(*reader);
                          })
                  .ok());
  EXPECT_EQ(content(restored), before);
}

TEST(MultiMap, PassesOverAndSweepsExpiredRows) {
  MultiMap map(PagePool::make({}), MultiMapOptions{100});
  ASSERT_TRUE(map.add("k", hash_of("k"), "old", 2, 0).ok());
  ASSERT_TRUE(map.add("k", hash_of("k"), "new", 1, 60).ok());
  EXPECT_EQ(rows_of(map, "k", 120), (std::map<std::string, std::int64_t>{{"new", 1}}));
  EXPECT_EQ(*map.add("k", hash_of("k"), "old", 1, 120), 0) << "the two expired ones do not count";
  EXPECT_EQ(rows_of(map, "k", 120).at("old"), 1);
  ASSERT_TRUE(map.expire(300, 100).ok());
  EXPECT_EQ(map.rows(), 0U);
  EXPECT_EQ(map.keys(), 0U);
}

}  // namespace
}  // namespace slipstream::state
