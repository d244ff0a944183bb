#include "data/hash.h"

#include <set>

#include <gtest/gtest.h>

#include "data/testing/columns.h"

namespace slipstream {
namespace {

using testing::column_of;

std::uint64_t hash_of(const Type& type, std::optional<std::string> text) {
  const std::vector<ColumnPtr> columns = {column_of(type, {std::move(text)})};
  return hash_rows(columns, 1)[0];
}

TEST(HashRows, EqualValuesOfDifferentTypesAgree) {
  EXPECT_EQ(hash_of(Type::tinyint(), "-7"), hash_of(Type::bigint(), "-7"));
  EXPECT_EQ(hash_of(Type::decimal(10, 2), "1.50"), hash_of(Type::decimal(20, 1), "1.5"));
  EXPECT_EQ(hash_of(Type::decimal(10, 2), "3.00"), hash_of(Type::integer(), "3"));
  EXPECT_EQ(hash_of(Type::float64(), "-0.0"), hash_of(Type::float64(), "0.0"));
  EXPECT_EQ(hash_of(Type::float32(), "0.5"), hash_of(Type::float64(), "0.5"));
  EXPECT_EQ(hash_of(Type::timestamp(3), "2024-01-01 00:00:00.5"),
            hash_of(Type::timestamp(9), "2024-01-01 00:00:00.5"));
}

TEST(HashRows, DifferentValuesDiffer) {
  std::set<std::uint64_t> seen;
  seen.insert(hash_of(Type::string(), ""));
  seen.insert(hash_of(Type::string(), std::nullopt));
  seen.insert(hash_of(Type::string(), "a"));
  seen.insert(hash_of(Type::integer(), "0"));
  seen.insert(hash_of(Type::decimal(10, 2), "0.01"));
  EXPECT_EQ(seen.size(), 5U);
}

TEST(HashRows, OrderOfColumnsCounts) {
  const std::vector<ColumnPtr> ab = {column_of(Type::string(), {"a"}),
                                     column_of(Type::string(), {"b"})};
  const std::vector<ColumnPtr> ba = {ab[1], ab[0]};
  EXPECT_NE(hash_rows(ab, 1), hash_rows(ba, 1));
}

// Snapshots and exchanges of earlier versions hold these.
TEST(HashRows, StaysTheSameForEver) {
  EXPECT_EQ(hash_of(Type::bigint(), "42"), 15395265915043915720ULL);
  EXPECT_EQ(hash_of(Type::string(), "slipstream"), 3546617468839474330ULL);
}

TEST(KeyGroup, SpreadsAndStaysInRange) {
  std::set<std::uint32_t> groups;
  for (int i = 0; i < 5000; ++i)
    groups.insert(key_group(hash_of(Type::integer(), std::to_string(i)), 128));
  EXPECT_EQ(groups.size(), 128U);
  EXPECT_EQ(*groups.rbegin(), 127U);
  EXPECT_EQ(key_group(~std::uint64_t{0}, 128), 127U);
}

TEST(KeyGroupOwner, GivesEveryTaskAContiguousRange) {
  EXPECT_EQ(key_group_owner(0, 128, 3), 0U);
  EXPECT_EQ(key_group_owner(127, 128, 3), 2U);
  std::uint32_t last = 0;
  for (std::uint32_t group = 0; group < 128; ++group) {
    const std::uint32_t owner = key_group_owner(group, 128, 3);
    EXPECT_TRUE(owner == last || owner == last + 1);
    last = owner;
  }
}

}  // namespace
}  // namespace slipstream
