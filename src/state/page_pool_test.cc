#include "state/page_pool.h"

#include <cstring>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "state/hash_index.h"
#include "state/huge_blocks.h"
#include "state/text_arena.h"

namespace slipstream::state {
namespace {

TEST(PagePool, ReservesBeforeItIsUsedAndGivesBack) {
  std::size_t reserved = 0;
  auto pool = PagePool::make({[&](std::size_t bytes) -> Status {
                                if (reserved + bytes > 200'000) {
                                  return Error{ErrorCode::kResourceExhausted, "full"};
                                }
                                reserved += bytes;
                                return {};
                              },
                              [&](std::size_t bytes) { reserved -= bytes; }});
  std::vector<PageRef> pages;
  Status status;
  while (true) {
    auto page = pool->allocate(4096);
    if (!page.ok()) {
      status = page.status();
      break;
    }
    EXPECT_GE(reserved, pool->used());
    pages.push_back(*page);
  }
  EXPECT_EQ(status.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(pages.size(), 48U);  // three steps of 64 KiB
  pages.clear();
  EXPECT_LE(reserved, 2 * PagePool::kStep);
  PageRef held = *pool->allocate(4096);
  pool->close();
  EXPECT_EQ(reserved, 0U);
}

TEST(HugeBlocks, AreApartAndComeBack) {
  HugeBlocks& blocks = HugeBlocks::of_process();
  std::set<std::byte*> taken;
  for (int i = 0; i < 100; ++i) {
    std::byte* block = blocks.take();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % HugeBlocks::kBlock, 0U);
    std::memset(block, i, HugeBlocks::kBlock);
    EXPECT_TRUE(taken.insert(block).second);
  }
  for (std::byte* block : taken) blocks.give(block);
  std::byte* again = blocks.take();
  EXPECT_TRUE(taken.contains(again)) << "one chunk is kept";
  blocks.give(again);
}

TEST(TextArena, KeepsTextsWhereTheyAreAndReusesFreedOnesUnlessShared) {
  auto pool = PagePool::make({});
  TextArena arena(pool);
  std::vector<std::pair<StringView, std::string>> kept;
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string text(random() % 300, static_cast<char>('a' + i % 26));
    if (i % 500 == 0) text.assign(40'000, 'L');
    kept.emplace_back(*arena.keep(text), text);
    if (kept.size() > 200) {
      const std::size_t victim = random() % kept.size();
      ASSERT_EQ(kept[victim].first.view(), kept[victim].second);
      arena.release(kept[victim].first);
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(victim));
    }
  }
  for (auto& [view, text] : kept) EXPECT_EQ(view.view(), text);
  EXPECT_LT(pool->used(), 600'000U);

  const StringView old = *arena.keep(std::string(100, 'o'));
  const auto snapshot = arena.freeze();
  arena.release(old);
  const StringView fresh = *arena.keep(std::string(100, 'n'));
  EXPECT_EQ(old.view(), std::string(100, 'o')) << "a running snapshot still reads it";
  EXPECT_NE(old.data(), fresh.data());
}

TEST(HashIndex, FindsAfterSplitsAndErasures) {
  HashIndex index(PagePool::make({}));
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> hashes;
  for (SlotId i = 0; i < 20'000; ++i) {
    hashes.push_back(i % 10 == 9 ? hashes.back() : random());  // some hashes come twice
    ASSERT_TRUE(index.insert(hashes.back(), i).ok());
  }
  for (SlotId i = 0; i < 20'000; i += 2) index.erase(hashes[i], i);
  EXPECT_EQ(index.size(), 10'000U);
  for (SlotId i = 0; i < 20'000; ++i) {
    const SlotId found = index.find(hashes[i], [&](SlotId slot) { return slot == i; });
    EXPECT_EQ(found, i % 2 == 0 ? kNoSlot : i);
  }
}

TEST(HashIndex, EqualHashesGrowASegmentInsteadOfTheDirectory) {
  auto pool = PagePool::make({});
  HashIndex index(pool);
  for (SlotId i = 0; i < 3000; ++i) ASSERT_TRUE(index.insert(42, i).ok());
  EXPECT_LT(pool->used(), 100'000U);
  for (SlotId i = 0; i < 3000; i += 500)
    EXPECT_EQ(index.find(42, [&](SlotId slot) { return slot == i; }), i);
}

}  // namespace
}  // namespace slipstream::state
