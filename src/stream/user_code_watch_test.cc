#include "stream/user_code_watch.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/stream.h"

namespace slipstream::stream {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UserCodeWatchTest : public ::testing::Test {
 protected:
  UserCodeWatchTest() {
    watch_.begin([this](std::string_view text) { said_.emplace_back(text); }, clock_);
    calls_->set_gauge(&gauge_);
  }
  void look_after(std::int64_t ms) {
    clock_.advance_ms(ms);
    watch_.look(30s);
  }

  FakeClock clock_;
  UserCodeWatch watch_;
  std::vector<std::string> said_;
  std::atomic<std::int64_t> gauge_{0};
  std::shared_ptr<erased::UserCalls> calls_ = watch_.add("operator 'enrich' [1]");
  const erased::UserCalls::Site site_ = calls_->add("map() of 'enrich'");
};

TEST_F(UserCodeWatchTest, ACallThatDoesNotReturnIsNamedAtTheLimitAndAtEachDoubling) {
  const auto outer = calls_->enter(site_);
  look_after(0);
  look_after(29'000);
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_THAT(watch_.blocked(), IsEmpty());
  for (int second = 0; second < 91; ++second) look_after(1'000);
  EXPECT_THAT(said_, ElementsAre(AllOf(HasSubstr("operator 'enrich' [1]: map() of 'enrich' has not "
                                                 "returned for 30 s"),
                                       HasSubstr("thread")),
                                 HasSubstr("for 60 s"), HasSubstr("for 120 s")));
  ASSERT_EQ(watch_.blocked().size(), 1U);
  EXPECT_EQ(watch_.blocked()[0].duration, 120s);
  EXPECT_EQ(gauge_, 120);

  said_.clear();
  calls_->leave(outer);
  look_after(1'000);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("returned after 120 s or more")));
  EXPECT_THAT(watch_.blocked(), IsEmpty());
  EXPECT_EQ(gauge_, 0);
}

TEST_F(UserCodeWatchTest, ManyShortCallsAreNotALongOne) {
  for (int i = 0; i < 100; ++i) {
    const auto outer = calls_->enter(site_);
    look_after(1'000);
    calls_->leave(outer);
  }
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(UserCodeWatchTest, AnInstanceThatIsGoneIsForgotten) {
  calls_->enter(site_);
  look_after(0);
  look_after(31'000);
  EXPECT_EQ(watch_.blocked().size(), 1U);
  calls_.reset();
  look_after(60'000);
  EXPECT_THAT(watch_.blocked(), IsEmpty());
  EXPECT_EQ(gauge_, 0);
  EXPECT_EQ(said_.size(), 1U);
}

TEST_F(UserCodeWatchTest, AnExceptionOutOfOnMessageCancelsOnce) {
  watch_.begin([](std::string_view) { throw std::runtime_error("broken pipe"); }, clock_);
  watch_.notify("before the job is there");
  int cancelled = 0;
  watch_.set_cancel([&] { ++cancelled; });
  watch_.notify("again");
  EXPECT_EQ(cancelled, 1);
  EXPECT_THAT(watch_.failure().to_string(), HasSubstr("on_message() threw std::runtime_error"));
}

// In a job, on the clock of the system.
TEST(UserCodeWatchOfAJob, TheReportNamesTheFunctionThatBlocks) {
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
  };
  const auto gate = std::make_shared<Gate>();
  Environment env({.name = "blocked", .blocked_after = 20ms});
  env.from_elements<std::int64_t>({1})
      .map([gate](std::int64_t number) {
        std::unique_lock lock(gate->mutex);
        gate->changed.wait(lock, [&] { return gate->open; });
        return number;
      })
      .name("waits")
      .add_sink([](std::int64_t) {});
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok());
  std::vector<BlockedCall> blocked;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (blocked.empty() && std::chrono::steady_clock::now() < deadline) {
    static_cast<void>(job->wait_for(5ms));
    blocked = job->report().blocked;
  }
  {
    const std::lock_guard lock(gate->mutex);
    gate->open = true;
    gate->changed.notify_all();
  }
  const Status status = job->await();
  EXPECT_TRUE(status.ok()) << status.to_string();
  ASSERT_EQ(blocked.size(), 1U);
  EXPECT_EQ(blocked[0].function, "map() of 'waits'");
  EXPECT_THAT(blocked[0].place, HasSubstr("operator 'waits"));
}

}  // namespace
}  // namespace slipstream::stream
