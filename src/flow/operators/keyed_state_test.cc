#include "flow/operators/keyed_state.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using testing::SavedState;

// Some tables of one instance, saved as its operator would.
class KeyedStateTest : public ::testing::Test {
 protected:
  using Tables = std::vector<std::pair<std::string, state::KeyTable*>>;

  KeyedStateTest() {
    context_.changes_cost_bytes = 1;
    snapshot_chain_ = IncrementalChain(context_);
    for (state::KeyTable* table : {&one_, &other_}) put(*table, 0, 5'000);
  }
  static void put(state::KeyTable& table, std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t key = begin; key < end; ++key) {
      EXPECT_TRUE(table.find_or_insert(std::to_string(key), key * 0x9e3779b97f4a7c15ULL, 0).ok());
    }
    table.release();
  }
  SavedState save(const SnapshotRequest& request, const SavedState* base, const Tables& tables) {
    StateSnapshot snapshot(context_.key_groups);
    for (const auto& [tag, table] : tables) snapshot.add(tag, *table);
    snapshot.freeze(snapshot_chain_, request);
    SavedState saved;
    SavedState::Writer writer(saved, 0, base);
    EXPECT_TRUE(snapshot.write(writer).ok());
    adds_ = writer.adds();
    writer.refer_to_base();
    return saved;
  }
  // Tags that come back, and how many entries.
  std::map<std::string, std::size_t> restored(const SavedState& saved) {
    std::map<std::string, std::unique_ptr<state::KeyTable>> tables;
    EXPECT_TRUE(restore_tables(SavedState::Reader(saved, context_.key_groups),
                               [&](std::string_view tag, state::EntryReader piece) {
                                 auto& table = tables[std::string(tag)];
                                 if (!table) table = make();
                                 return table->restore(piece);
                               })
                    .ok());
    std::map<std::string, std::size_t> sizes;
    for (const auto& [tag, table] : tables) sizes[tag] = table->size();
    return sizes;
  }
  std::unique_ptr<state::KeyTable> make() const {
    return std::make_unique<state::KeyTable>(pool_, state::KeyTableOptions{16, {}, 0});
  }

  OperatorContext context_;
  IncrementalChain snapshot_chain_;
  std::shared_ptr<state::PagePool> pool_ = state::PagePool::make({});
  state::KeyTable one_{pool_, state::KeyTableOptions{16, {}, 0}};
  state::KeyTable other_{pool_, state::KeyTableOptions{16, {}, 0}};
  bool adds_ = false;
};

TEST_F(KeyedStateTest, ATableThatIsGoneDoesNotComeBack) {
  const SavedState first = save({1, 0}, nullptr, {{"one", &one_}, {"other", &other_}});
  EXPECT_FALSE(adds_);
  put(one_, 5'000, 5'010);
  const SavedState second = save({2, 1}, &first, {{"one", &one_}});
  EXPECT_TRUE(adds_);
  EXPECT_EQ(restored(first),
            (std::map<std::string, std::size_t>{{"one", 5'000}, {"other", 5'000}}));
  EXPECT_EQ(restored(second), (std::map<std::string, std::size_t>{{"one", 5'010}}));
}

TEST_F(KeyedStateTest, AllIsWrittenAfterASnapshotThatCameToNothing) {
  const SavedState first = save({1, 0}, nullptr, {{"one", &one_}});
  put(one_, 5'000, 5'010);
  save({2, 1}, &first, {{"one", &one_}});  // given up
  EXPECT_TRUE(adds_);
  const SavedState third = save({3, 1}, &first, {{"one", &one_}});
  EXPECT_FALSE(adds_);
  EXPECT_EQ(restored(third).at("one"), 5'010U);
}

TEST_F(KeyedStateTest, AllIsWrittenWhenChangesDoNotPay) {
  SavedState last = save({1, 0}, nullptr, {{"one", &one_}});
  put(one_, 0, 3'000);  // more than half
  last = save({2, 1}, &last, {{"one", &one_}});
  EXPECT_FALSE(adds_);
  // A fifth and what names it each time: four times; then less than half would be live.
  std::set<CheckpointId> whole;
  for (CheckpointId id = 3; id < 15; ++id) {
    put(one_, 0, 1'000);
    last = save({id, id - 1}, &last, {{"one", &one_}});
    if (!adds_) whole.insert(id);
    EXPECT_EQ(restored(last).at("one"), 5'000U);
  }
  EXPECT_EQ(whole, (std::set<CheckpointId>{7, 12}));
}

}  // namespace
}  // namespace slipstream::flow
