// Against a real RocketMQ: SLIPSTREAM_TEST_NAME_SERVER=host:port; skipped without it.
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/producer.h"

#include "base/clock.h"
#include "base/log.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/record.h"

namespace slipstream::rocketmq {
namespace {

class LiveTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
    if (address == nullptr) GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER is not set";
    auto connected = Client::connect({.name_servers = address, .call_timeout_ms = 10'000});
    ASSERT_TRUE(connected.ok()) << connected.error().to_string();
    client_ = std::move(*connected);
    admin_ = std::make_unique<Admin>(*client_);
    topic_ = "live_" + std::to_string(std::random_device{}());
    const Status created =
        admin_->create_topic({.topic = topic_, .read_queues = 4, .write_queues = 4});
    ASSERT_TRUE(created.ok()) << created.to_string();
    queues_ = admin_->describe_topic(topic_)->readable_queues();
    ASSERT_EQ(queues_.size(), 4U);
  }
  void TearDown() override {
    if (queues_.empty()) return;
    EXPECT_TRUE(admin_->delete_topic(topic_).ok());
  }
  // Sends 0, 1, 2 ... to every queue; returns how many were stored.
  std::int64_t send_numbers(std::int64_t per_queue, std::int64_t batch) {
    std::atomic<std::int64_t> stored{0};
    Producer producer(*client_, {});
    // One batch under way per queue: order within a queue is then the order of sending.
    std::vector<std::int64_t> next(queues_.size(), 0);
    std::function<void(std::size_t)> send_next = [&](std::size_t queue) {
      if (next[queue] == per_queue) return;
      BatchEncoder encoder;
      for (std::int64_t i = 0; i < batch; ++i) {
        std::string body = std::to_string(next[queue]++);
        body.resize(100, ' ');
        EXPECT_TRUE(encoder
                        .add(body,
                             "UNIQ_KEY\x01"
                             "K\x02")
                        .ok());
      }
      const Status begun =
          producer.send_encoded({.queue = queues_[queue],
                                 .body = std::make_shared<const std::string>(encoder.take()),
                                 .count = static_cast<std::size_t>(batch)},
                                SendRetry::kRetry, [&, queue](const SendResult& result) {
                                  EXPECT_TRUE(result.stored()) << result.error.to_string();
                                  stored += batch;
                                  send_next(queue);
                                });
      EXPECT_TRUE(begun.ok());
    };
    for (std::size_t queue = 0; queue < queues_.size(); ++queue) send_next(queue);
    EXPECT_TRUE(producer.flush(120'000).ok());
    return stored;
  }

  static double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  }

  static void report(const std::string& what, double cpu_before, std::int64_t messages) {
    const double per_million = (cpu_seconds() - cpu_before) * 1e6 / static_cast<double>(messages);
    log(LogLevel::kInfo, "live_test",
        what + ": " + std::to_string(per_million) + " CPU-s per million");
  }

  std::unique_ptr<Client> client_;
  std::unique_ptr<Admin> admin_;
  std::string topic_;
  std::vector<MessageQueue> queues_;
};

TEST_F(LiveTest, TwoHundredThousandMessagesInBatchesComeBackInOrder) {
  constexpr std::int64_t kMessages = 200'000;
  constexpr std::int64_t kBatch = 100;
  const std::int64_t per_queue = kMessages / static_cast<std::int64_t>(queues_.size());
  double cpu = cpu_seconds();
  EXPECT_EQ(send_numbers(per_queue, kBatch), kMessages);
  report("send", cpu, kMessages);

  cpu = cpu_seconds();
  Consumer consumer(*client_, {.group = "live_group"});
  std::vector<std::int64_t> expected(queues_.size(), 0);
  for (std::size_t i = 0; i < queues_.size(); ++i)
    ASSERT_TRUE(consumer.assign(queues_[i], StartPosition::earliest(), i).ok());
  for (std::int64_t seen = 0; seen < kMessages;) {
    const auto frame = consumer.poll_wait(30'000);
    ASSERT_TRUE(frame.ok()) << frame.error().to_string();
    ASSERT_TRUE(frame->has_value()) << "only " << seen;
    RecordCursor cursor((*frame)->records, {.check_crc = false,
                                            .first_offset = (*frame)->begin_offset,
                                            .offset_delta = 0,
                                            .queue_id = {},
                                            .body_bytes_max = kBodyBytesMax});
    RecordView record;
    std::int64_t& next = expected[(*frame)->tag];
    while (cursor.next(record)) {
      ASSERT_EQ(record.queue_offset, next);
      ASSERT_EQ(
          std::atoll(std::string(reinterpret_cast<const char*>(record.body.data()), 12).c_str()),
          next);
      ++next;
      ++seen;
    }
    ASSERT_TRUE(cursor.status().ok());
  }
  report("consume", cpu, kMessages);
  for (const MessageQueue& queue : queues_) EXPECT_EQ(*admin_->max_offset(queue), per_queue);
}

TEST_F(LiveTest, OffsetsGroupsFiltersAndKeys) {
  Producer producer(*client_, {.compress_above_bytes = 1'000});
  const MessageQueue queue = queues_[1];
  const std::string large(20'000, 'L');
  for (int i = 0; i < 20; ++i) {
    const SendResult result = producer.send_and_wait({.topic = topic_,
                                                      .body = i == 7 ? large : std::to_string(i),
                                                      .tags = i % 2 == 0 ? "even" : "odd",
                                                      .keys = {"key" + std::to_string(i)},
                                                      .properties = {{"n", std::to_string(i)}},
                                                      .queue = queue});
    ASSERT_TRUE(result.stored()) << result.error.to_string();
    EXPECT_EQ(result.queue_offset, i);
  }
  // A broker acknowledges a message before its queue shows it.
  const Status readable = admin_->await_dispatch(topic_, 30'000);
  ASSERT_TRUE(readable.ok()) << readable.to_string();
  EXPECT_EQ(*admin_->min_offset(queue), 0);
  EXPECT_EQ(*admin_->max_offset(queue), 20);
  EXPECT_EQ(*admin_->max_offset(queue, false), 20);

  Consumer consumer(*client_, {.group = "live_group", .tags = "odd"});
  ASSERT_TRUE(consumer.assign(queue, StartPosition::earliest()).ok());
  std::vector<ReceivedMessage> got;
  while (got.size() < 10) {
    const auto more = consumer.receive(30'000);
    ASSERT_TRUE(more.ok()) << more.error().to_string();
    ASSERT_FALSE(more->empty());
    got.insert(got.end(), more->begin(), more->end());
  }
  EXPECT_EQ(got[3].body, large);
  EXPECT_EQ(got[0].property("n"), "1");
  EXPECT_EQ(*admin_->offset_at(queue, got[0].stored_ms + 3'600'000) >= 19, true);
  EXPECT_LE(*admin_->offset_at(queue, got[0].stored_ms), 1);

  const MessageQueue other = queues_[2];
  ASSERT_TRUE(admin_->set_group_offset("live_group", other, 0).ok());
  ASSERT_TRUE(admin_->set_group_offset("live_group", queue, 12).ok());
  EXPECT_EQ(*admin_->group_offset("live_group", queue), 12);
  bool found = false;
  for (int attempt = 0; attempt < 100 && !found; ++attempt)
    found = !admin_->find_by_unique_key(topic_, got[0].message_id)->empty();
  EXPECT_TRUE(found);
  const auto state = admin_->broker_state(topic_, queue.broker);
  ASSERT_TRUE(state.ok());
  EXPECT_FALSE(state->version.empty());
  EXPECT_TRUE(state->boot_ms.has_value());
  EXPECT_TRUE(state->dispatch_behind_bytes.has_value());

  ASSERT_TRUE(admin_->widen_topic(topic_, 6).ok());
  EXPECT_EQ(admin_->describe_topic(topic_)->readable_queues().size(), 6U);
  const auto topics = admin_->list_topics();
  ASSERT_TRUE(topics.ok());
  EXPECT_NE(std::find(topics->begin(), topics->end(), topic_), topics->end());
}

TEST_F(LiveTest, LongPollsWakeAndProofsRenew) {
  Consumer consumer(*client_, {.group = "live_group"});
  const MessageQueue queue = queues_[0];
  ASSERT_TRUE(consumer.assign(queue, StartPosition::offset(0)).ok());
  Producer producer(*client_, {});
  const SystemClock clock;
  int late = 0;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(producer.send_and_wait({.topic = topic_, .body = "x", .queue = queue}).stored());
    const std::int64_t sent_ms = clock.now_ms();
    const auto messages = consumer.receive(20'000);
    ASSERT_TRUE(messages.ok()) << messages.error().to_string();
    ASSERT_EQ(messages->size(), 1U) << i;
    EXPECT_EQ((*messages)[0].queue_offset, i);
    if (clock.now_ms() - sent_ms > 4'000) ++late;
  }
  // A message that comes while the broker parks the pull wakes nobody; it looks every 5 s
  // (PullRequestHoldService, 5.5.0).
  EXPECT_LE(late, 3);
  const std::int64_t asked_ms = clock.now_ms();
  bool proven = false;
  for (int attempt = 0; attempt < 200 && !proven; ++attempt) {
    consumer.renew_proofs();
    static_cast<void>(consumer.poll_wait(10));
    proven = consumer.progress().front().proven_empty_ms >= asked_ms;
  }
  EXPECT_TRUE(proven);
}

}  // namespace
}  // namespace slipstream::rocketmq
