#include "flow/checkpoint/ownership.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "base/testing/wait_until.h"
#include "flow/checkpoint/storage.h"

namespace slipstream::flow {
namespace {

// Two clocks, as a machine has them: one that only goes on, and one that is set.
class SetClock final : public Clock {
 public:
  std::int64_t now_ms() const override { return now_ms_; }
  std::int64_t wall_ms() const override { return now_ms_ + ahead_ms_; }
  void pass_ms(std::int64_t by_ms) { now_ms_ += by_ms; }
  void set_wall_by_ms(std::int64_t by_ms) { ahead_ms_ += by_ms; }

 private:
  std::int64_t now_ms_ = 1'000'000;
  std::int64_t ahead_ms_ = 1'700'000'000'000;
};

class OwnershipTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
  }
  void own_for_a_moment() {
    ASSERT_TRUE(DirectoryOwnership::acquire(directory_, timers_, pool_).ok());
  }
  // How long ago the former owner ended, as the next one sees it.
  std::int64_t ended_ago_ms() {
    const auto next = DirectoryOwnership::acquire(directory_, timers_, pool_);
    return next.ok() ? clock_.wall_ms() - (*next)->former_end_ms() : -1;
  }

  SetClock clock_;
  WorkPool pool_{{}};
  Timers timers_{clock_};
  std::string directory_;
};

TEST_F(OwnershipTest, AFormerOwnerEndedWhenItsLeaseDid) {
  own_for_a_moment();
  clock_.pass_ms(DirectoryOwnership::kLeaseMs + 3'000);
  EXPECT_EQ(ended_ago_ms(), 3'000);
}

TEST_F(OwnershipTest, AFormerOwnerThatWasJustKilledEndedNow) {
  own_for_a_moment();
  clock_.pass_ms(1'000);
  EXPECT_EQ(ended_ago_ms(), 0);
}

TEST_F(OwnershipTest, AClockSetForwardMakesNoOwnerOlder) {
  own_for_a_moment();
  clock_.pass_ms(1'000);
  clock_.set_wall_by_ms(3'600'000);
  EXPECT_EQ(ended_ago_ms(), 0);
}

TEST_F(OwnershipTest, AfterAClockWasSetBackTheOwnerCountsAsFresh) {
  own_for_a_moment();
  clock_.pass_ms(DirectoryOwnership::kLeaseMs + 3'000);
  clock_.set_wall_by_ms(-3'600'000);
  EXPECT_EQ(ended_ago_ms(), 0);
}

// What leaves after that must be gone before the lease is.
TEST_F(OwnershipTest, NothingIsLetOutInTheLastSecondsOfALease) {
  const auto owner = DirectoryOwnership::acquire(directory_, timers_, pool_);
  ASSERT_TRUE(owner.ok());
  clock_.pass_ms(DirectoryOwnership::kLetOutMs - 1);
  EXPECT_TRUE((*owner)->check().ok());
  clock_.pass_ms(1);
  const Status late = (*owner)->check();
  ASSERT_FALSE(late.ok());
  EXPECT_NE(late.error().message.find("could not be renewed for 7000 ms"), std::string::npos);
  EXPECT_FALSE((*owner)->is_lost());
}

TEST_F(OwnershipTest, WhatAnotherOwnerMarkedIsLostForGood) {
  const FakeClock clock;
  Timers timers(clock);
  std::atomic<bool> told{false};
  const auto owner =
      DirectoryOwnership::acquire(directory_, timers, pool_, [&told] { told.store(true); });
  ASSERT_TRUE(owner.ok());
  const std::string lease = directory_ + "/LEASE";
  std::ofstream(lease) << "1700000000000\nanother\nhost-2 /shared\n";
  const Status taken = (*owner)->check();
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().message.find("another process took it over ('host-2 /shared')"),
            std::string::npos)
      << taken.error().message;
  std::filesystem::remove(lease);
  EXPECT_FALSE((*owner)->check().ok());
  EXPECT_TRUE((*owner)->is_lost());
  EXPECT_FALSE(told);  // not before its time to renew
}

TEST_F(OwnershipTest, AnOwnerThatRenewsIsToldOfTheNextOne) {
  FakeClock clock;
  Timers timers(clock);
  std::atomic<bool> told{false};
  const auto owner =
      DirectoryOwnership::acquire(directory_, timers, pool_, [&told] { told.store(true); });
  ASSERT_TRUE(owner.ok());
  std::ofstream(directory_ + "/LEASE") << "1700000000000\nanother\nhost-2 /shared\n";
  clock.advance_ms(DirectoryOwnership::kRenewMs);
  EXPECT_TRUE(wait_until([&] { return told.load(); }));
  EXPECT_TRUE((*owner)->is_lost());
}

TEST_F(OwnershipTest, ADirectoryThatIsLostIsNotChanged) {
  bool lost = false;
  const auto storage = open_directory_storage(directory_, [&lost]() -> Status {
    if (lost) return Error{ErrorCode::kUnavailable, "lost"};
    return {};
  });
  ASSERT_TRUE(storage.ok());
  ASSERT_TRUE((*storage)->publish("chk-1/manifest", "one").ok());
  lost = true;
  EXPECT_FALSE((*storage)->publish("chk-1/manifest", "two").ok());
  EXPECT_FALSE((*storage)->create("chk-2/state").ok());
  EXPECT_FALSE((*storage)->remove("chk-1/manifest").ok());
  EXPECT_FALSE((*storage)->remove_folder("chk-1").ok());
  EXPECT_EQ(*(*storage)->read("chk-1/manifest"), "one");
}

}  // namespace
}  // namespace slipstream::flow
