#include "flow/checkpoint/ownership.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

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
  clock_.pass_ms(DirectoryOwnership::kLeaseMs + 3'000);
  EXPECT_EQ(ended_ago_ms(), 3'000);
}

TEST_F(OwnershipTest, AFormerOwnerThatWasJustKilledEndedNow) {
  clock_.pass_ms(1'000);
  EXPECT_EQ(ended_ago_ms(), 0);
}

TEST_F(OwnershipTest, AClockSetForwardMakesNoOwnerOlder) {
  clock_.pass_ms(1'000);
  clock_.set_wall_by_ms(3'600'000);
  EXPECT_EQ(ended_ago_ms(), 0);
}

TEST_F(OwnershipTest, AfterAClockWasSetBackTheOwnerCountsAsFresh) {
  clock_.pass_ms(DirectoryOwnership::kLeaseMs + 3'000);
  clock_.set_wall_by_ms(-3'600'000);
  EXPECT_EQ(ended_ago_ms(), 0);
}

}  // namespace
}  // namespace slipstream::flow
