#include "state/key_table.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "data/hash.h"

namespace slipstream::state {
namespace {

std::uint64_t hash_of(const std::string& key) {
  return std::hash<std::string>()(key) * 0x9e3779b97f4a7c15ULL;
}

std::string key_of(std::uint32_t number) {
  return number % 2 == 0 ? std::to_string(number)
                         : "a rather long key number " + std::to_string(number);
}

void put(KeyTable& table, const std::string& key, std::int64_t number, const std::string& text,
         std::int64_t now = 0) {
  auto found = table.find_or_insert(key, hash_of(key), now);
  ASSERT_TRUE(found.ok());
  StringView old;
  std::memcpy(&old, found->value + 16, sizeof old);
  table.free_text(old);
  const StringView kept = *table.keep_text(text);
  std::memcpy(found->value, &number, sizeof number);
  std::memcpy(found->value + 16, &kept, sizeof kept);
  table.release();
}

std::map<std::string, std::pair<std::int64_t, std::string>> content(const KeyTable& table) {
  std::map<std::string, std::pair<std::int64_t, std::string>> out;
  for (SlotId slot = table.after(kNoSlot); slot != kNoSlot; slot = table.after(slot)) {
    std::int64_t number;
    std::memcpy(&number, table.value(slot), sizeof number);
    out[std::string(table.key(slot))] = {
        number, std::string(reinterpret_cast<const StringView*>(table.value(slot) + 16)->view())};
  }
  return out;
}

const KeyTableOptions kOptions{32, {16}, 0};

TEST(KeyTable, BehavesLikeAMap) {
  KeyTable table(PagePool::make({}), kOptions);
  std::map<std::string, std::pair<std::int64_t, std::string>> model;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = key_of(static_cast<std::uint32_t>(random() % 3000));
    if (random() % 4 == 0) {
      const SlotId slot = table.find(key, hash_of(key), 0);
      ASSERT_EQ(slot != kNoSlot, model.count(key) == 1);
      ASSERT_TRUE(slot == kNoSlot || table.erase(slot).ok());
      model.erase(key);
    } else {
      const std::string text(random() % 40, 'x');
      put(table, key, i, text);
      model[key] = {i, text};
    }
  }
  EXPECT_EQ(table.size(), model.size());
  EXPECT_EQ(content(table), model);
}

using Pieces = std::vector<std::pair<std::uint32_t, std::vector<std::byte>>>;

Pieces written(const TableSnapshot& snapshot) {
  Pieces pieces;
  EXPECT_TRUE(snapshot
                  .write("t", 16,
                         [&](std::uint32_t group, std::span<const std::byte> bytes) -> Status {
                           pieces.emplace_back(group,
                                               std::vector<std::byte>(bytes.begin(), bytes.end()));
                           return {};
                         })
                  .ok());
  return pieces;
}

TEST(KeyTable, SnapshotKeepsWhatItSawWhileTheTableGoesOn) {
  KeyTable table(PagePool::make({}), kOptions);
  for (std::uint32_t i = 0; i < 5000; ++i)
    put(table, key_of(i), i, "text number " + std::to_string(i) + " of many");
  const auto before = content(table);
  const auto snapshot = table.freeze(Extent::kFull);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    if (i % 3 == 0) {
      ASSERT_TRUE(table.erase(table.find(key_of(i), hash_of(key_of(i)), 0)).ok());
    } else {
      put(table, key_of(i), -1, "another text that is longer than twelve bytes");
    }
  }
  const Pieces pieces = written(*snapshot);

  // Two instances take their halves of the key groups.
  std::map<std::string, std::pair<std::int64_t, std::string>> restored;
  for (int half = 0; half < 2; ++half) {
    KeyTable part(PagePool::make({}), kOptions);
    for (const auto& [group, bytes] : pieces) {
      if ((group < 8) != (half == 0)) continue;
      auto reader = EntryReader::open(bytes);
      ASSERT_TRUE(reader.ok());
      EXPECT_EQ(reader->tag(), "t");
      ASSERT_TRUE(part.restore(*reader).ok());
    }
    for (SlotId slot = part.after(kNoSlot); slot != kNoSlot; slot = part.after(slot)) {
      EXPECT_EQ(key_group(part.hash(slot), 16) < 8, half == 0);
    }
    const auto found = content(part);
    EXPECT_GT(found.size(), 1000U);
    restored.insert(found.begin(), found.end());
  }
  EXPECT_EQ(restored, before);
}

TEST(KeyTable, RefusesStateOfAnotherLayoutAndCutPieces) {
  KeyTable table(PagePool::make({}), kOptions);
  put(table, "k", 1, "t");
  Pieces pieces = written(*table.freeze(Extent::kFull));
  KeyTable other(PagePool::make({}), KeyTableOptions{64, {}, 0});
  EXPECT_EQ(other.restore(*EntryReader::open(pieces[0].second)).error().code, ErrorCode::kCorrupt);
  pieces[0].second.pop_back();
  KeyTable same(PagePool::make({}), kOptions);
  EXPECT_EQ(same.restore(*EntryReader::open(pieces[0].second)).error().code, ErrorCode::kCorrupt);
}

TEST(KeyTable, ForgetsWhatWasNotWrittenForItsTime) {
  KeyTable table(PagePool::make({}), KeyTableOptions{32, {16}, 100});
  put(table, "a", 1, "a text of more than twelve bytes", 0);
  put(table, "b", 2, "", 50);
  EXPECT_NE(table.find("a", hash_of("a"), 99), kNoSlot);
  EXPECT_EQ(table.find("a", hash_of("a"), 100), kNoSlot);
  const auto again = table.find_or_insert("a", hash_of("a"), 120);
  EXPECT_TRUE(again->inserted && again->expired);
  EXPECT_EQ(again->value[0], std::byte{0});
  table.release();
  ASSERT_TRUE(table.expire(160, 10).ok());
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.find("b", hash_of("b"), 0), kNoSlot);
}

TEST(KeyTable, BatchLookupNamesRepeatedKeysOnce) {
  ColumnBuilder builder(Type::bigint());
  for (const std::int64_t value : {7, 7, 8, 7}) builder.append<std::int64_t>(value);
  const std::vector<ColumnPtr> columns{builder.finish()};
  EncodedRows keys;
  keys.encode_keys(columns, 4);
  KeyTable table(PagePool::make({}), KeyTableOptions{16, {}, 0});
  std::vector<KeyTable::Found> found;
  ASSERT_TRUE(table.find_or_insert(keys, hash_rows(columns, 4), 0, found).ok());
  EXPECT_TRUE(found[0].inserted && found[2].inserted);
  EXPECT_TRUE(!found[1].inserted && !found[3].inserted);
  EXPECT_EQ(found[0].slot, found[3].slot);
  EXPECT_EQ(found[0].value, found[1].value);
  table.release();
}

}  // namespace
}  // namespace slipstream::state
