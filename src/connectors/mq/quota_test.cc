// The quota of calls per second of mq tables, counted by a scripted broker.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/mq/mq_connector.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::mq_connector {
namespace {

using rocketmq::RequestCode;
using rocketmq::testing::ScriptedBroker;
using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using testing::ReaderHarness;

// When requests came to the brokers and the name server.
class Arrivals {
 public:
  explicit Arrivals(ScriptedBroker& broker) : broker_(broker) {
    broker.disturb([this](RequestCode) -> std::optional<rocketmq::testing::Fault> {
      const std::int64_t now_ms = clock_.now_ms();
      const std::lock_guard lock(mutex_);
      times_ms_.push_back(now_ms);
      return std::nullopt;
    });
  }
  ~Arrivals() { broker_.disturb({}); }
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return times_ms_.size();
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    times_ms_.clear();
  }
  // Forgets what came before the first second without any. False: there is none.
  bool begin_behind_a_second_without() {
    const std::lock_guard lock(mutex_);
    for (std::size_t next = 1; next < times_ms_.size(); ++next) {
      if (times_ms_[next] - times_ms_[next - 1] < 1'000) continue;
      times_ms_.erase(times_ms_.begin(), times_ms_.begin() + static_cast<std::ptrdiff_t>(next));
      return true;
    }
    return false;
  }
  // The most within any second.
  std::size_t most() {
    const std::lock_guard lock(mutex_);
    std::size_t most = 0;
    for (std::size_t first = 0, next = 0; next < times_ms_.size(); ++next) {
      while (times_ms_[next] - times_ms_[first] >= 1'000) ++first;
      most = std::max(most, next - first + 1);
    }
    return most;
  }

 private:
  ScriptedBroker& broker_;
  const SystemClock clock_;
  std::mutex mutex_;
  std::vector<std::int64_t> times_ms_;
};

class MqQuota : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create_topic("T", 2); }

  // A table that is read without an end; the broker answers empty pulls after a millisecond.
  TableDefinition table(OptionMap more) {
    OptionMap options{{"endpoint", broker_.name_server()},
                      {"topic", "T"},
                      {"consumerGroup", "g"},
                      {"producerGroup", "p"},
                      {"scan.startup.mode", "latest"},
                      {"scan.pull.wait", "1 ms"}};
    for (auto& [name, value] : more) options[name] = value;
    return testing::table_of(Schema({{"x", Type::string()}}), std::move(options));
  }
  std::unique_ptr<Source> source(bool mq, OptionMap more) {
    if (mq) more.insert({"pullIntervalMs", "0"});
    auto made = factory(mq)->make_source(testing::source_request(table(std::move(more))));
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    return made.ok() ? std::move(*made) : nullptr;
  }
  static std::unique_ptr<ConnectorFactory> factory(bool mq) {
    auto rocketmq = rocketmq_connector::make_factory();
    return mq ? make_mq_factory(std::move(rocketmq)) : make_mq5_factory(std::move(rocketmq));
  }

  ScriptedBroker broker_;
};

// Two readers that pull all the time, with clients of their own, and a writer. One of them says
// what the quota of the cluster is.
TEST_F(MqQuota, HoldsForAllTablesOfACluster) {
  constexpr std::size_t kCalls = 20;
  Arrivals arrivals(broker_);
  const auto limited = source(true, {{"api-calls-per-second", "20"}});
  const auto unlimited = source(false, {{"unit.name", "other"}});
  auto sink = factory(true)->make_sink(testing::sink_request(table({{"unit.name", "third"}})));
  ASSERT_TRUE(limited && unlimited && sink.ok());
  const Batch row = batch_of({column_of(Type::string(), {"a"})});
  for (int look = 0; look < 3; ++look) {
    ReaderHarness reader(*limited);
    arrivals.clear();
    ReaderHarness second(*unlimited);
    ASSERT_TRUE(reader.discover().ok());
    ASSERT_TRUE(second.discover().ok());
    testing::SinkHarness harness(**sink);
    testing::SinkHarness::Writer writer(harness, 1, 0);
    const std::size_t before = arrivals.count();
    ASSERT_TRUE(wait_until([&] {
      EXPECT_TRUE(writer.write(row).ok());
      return arrivals.count() >= before + 3 * kCalls;
    }));
    ASSERT_TRUE(writer.prepare(1).ok());
    EXPECT_GT(broker_.requests_seen(RequestCode::kPullMessage), 0U);
    EXPECT_GT(broker_.requests_seen(RequestCode::kSendBatchMessage), 0U);
    EXPECT_LE(arrivals.most(), kCalls) << "look " << look;
  }
}

// One table names another name server too, and begins while the other one pulls as it likes.
TEST_F(MqQuota, HoldsFromItsBeginningForListsWithAServerInCommon) {
  constexpr std::size_t kCalls = 20;
  Arrivals arrivals(broker_);
  const auto unlimited = source(false, {{"unit.name", "first"}});
  const auto limited = source(true, {{"api-calls-per-second", "20"},
                                     {"unit.name", "second"},
                                     {"endpoint", broker_.name_server() + ";127.0.0.1:1"}});
  ASSERT_TRUE(limited && unlimited);
  ReaderHarness first(*unlimited);
  ASSERT_TRUE(first.discover().ok());
  ASSERT_TRUE(wait_until([&] { return arrivals.most() > 2 * kCalls; }));
  ReaderHarness second(*limited);
  ASSERT_TRUE(second.discover().ok());
  const std::size_t before = arrivals.count();
  ASSERT_TRUE(wait_until([&] { return arrivals.count() >= before + 2 * kCalls; }));
  EXPECT_TRUE(arrivals.begin_behind_a_second_without()) << "so long after those that were free";
  EXPECT_LE(arrivals.most(), kCalls);
}

// The job whose table says it fails, and will restart: others of the cluster go on meanwhile.
TEST_F(MqQuota, HoldsWhileTheJobThatDeclaredItRestarts) {
  constexpr std::size_t kCalls = 20;
  Arrivals arrivals(broker_);
  const auto unlimited = source(false, {{"unit.name", "stays"}});
  const auto limited = source(true, {{"api-calls-per-second", "20"}, {"unit.name", "fails"}});
  ASSERT_TRUE(limited && unlimited);
  auto failing = std::make_unique<ReaderHarness>(*limited);
  ASSERT_TRUE(failing->discover().ok());
  arrivals.clear();
  ReaderHarness stays(*unlimited);
  ASSERT_TRUE(stays.discover().ok());
  failing.reset();
  const std::size_t before = arrivals.count();
  ASSERT_TRUE(wait_until([&] { return arrivals.count() >= before + 3 * kCalls; }));
  EXPECT_LE(arrivals.most(), kCalls);
}

TEST_F(MqQuota, IsNoneUnlessItIsDeclared) {
  Arrivals arrivals(broker_);
  const auto unlimited = source(true, {});
  ASSERT_TRUE(unlimited);
  ReaderHarness reader(*unlimited);
  ASSERT_TRUE(reader.discover().ok());
  EXPECT_TRUE(wait_until([&] { return arrivals.most() > 40; }));
}

}  // namespace
}  // namespace slipstream::mq_connector
