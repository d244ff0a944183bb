// The least that writing a topic costs: encoded batches, several in flight per queue.
//
// --rows same: every batch is the same bytes, encoded once. --rows json: each message is another
// JSON object, which fills a topic for the other measurements.
#include <atomic>
#include <functional>
#include <iostream>
#include <mutex>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/producer.h"

#include "base/try.h"
#include "main.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"

namespace slipstream::bench {
namespace {

std::string json_row(long number, std::size_t size) {
  std::string row = "{\"id\":" + std::to_string(number) +
                    ",\"user_id\":" + std::to_string(number * 7919 % 100'003) +
                    ",\"item\":\"item-" + std::to_string(number % 1'009) +
                    "\",\"price\":" + std::to_string(number % 10'000) + "." +
                    std::to_string(10 + number % 90) +
                    ",\"ts\":\"2024-05-01 12:" + std::to_string(10 + number / 60'000 % 50) + ":" +
                    std::to_string(10 + number / 1'000 % 50) + "." +
                    std::to_string(100 + number % 900) + "\",\"note\":\"";
  const std::size_t used = row.size() + 2;
  row.append(size > used ? size - used : 0, static_cast<char>('a' + number % 26));
  return row + "\"}";
}

// Sends on: each answer starts the next batch of its lane.
class Filler {
 public:
  Filler(const Flags& flags, rocketmq::Client& client)
      : messages_(flags.number("messages")),
        batch_(flags.number("batch")),
        size_(static_cast<std::size_t>(flags.number("size"))),
        same_(flags.text("rows") == "same"),
        producer_(client, {.attempt_timeout_ms = 30'000, .total_timeout_ms = 600'000}),
        keys_({.ip = kAddress, .process_id = 1, .hash = 1}) {}

  Status run(const std::string& topic, long lanes_per_queue) {
    TRY_ASSIGN(queues_, producer_.queues(topic));
    template_ = encode(0, batch_);
    for (long lane = 0; lane < lanes_per_queue; ++lane)
      for (const rocketmq::MessageQueue& queue : queues_) send_next(queue);
    TRY(producer_.flush(600'000));
    if (stored_ == messages_) return {};
    return Error{ErrorCode::kUnavailable,
                 "only " + std::to_string(stored_.load()) + " messages were stored: " + trouble_};
  }

 private:
  static constexpr std::uint8_t kAddress[4] = {127, 0, 0, 1};

  std::shared_ptr<const std::string> encode(long first, long count) {
    const std::lock_guard lock(mutex_);
    rocketmq::BatchEncoder encoder;
    for (long i = 0; i < count; ++i) {
      std::string properties = "UNIQ_KEY";
      properties += '\1' + keys_.make(1'700'000'000'000) + '\2' + "WAIT" + '\1' + "true" + '\2';
      CHECK(encoder.add(json_row(first + i, size_), properties).ok());
    }
    return std::make_shared<const std::string>(encoder.take());
  }

  // Thread: the caller at first, then the client's.
  void send_next(const rocketmq::MessageQueue& queue) {
    const long first = next_.fetch_add(batch_);
    const long count = std::min(batch_, messages_ - first);
    if (count <= 0) return;
    const auto body = same_ && count == batch_ ? template_ : encode(first, count);
    const Status begun = producer_.send_encoded(
        {.queue = queue, .body = body, .count = static_cast<std::size_t>(count)},
        rocketmq::SendRetry::kRetry, [this, queue, count](const rocketmq::SendResult& result) {
          if (!result.stored()) {
            trouble_ = result.error.to_string();
            return;
          }
          stored_ += count;
          send_next(queue);
        });
    if (!begun.ok()) trouble_ = begun.to_string();
  }

  const long messages_;
  const long batch_;
  const std::size_t size_;
  const bool same_;
  rocketmq::Producer producer_;
  std::mutex mutex_;
  rocketmq::UniqueKeyMaker keys_;  // guarded by mutex_
  std::vector<rocketmq::MessageQueue> queues_;
  std::shared_ptr<const std::string> template_;
  std::atomic<long> next_ = 0;
  std::atomic<long> stored_ = 0;
  std::string trouble_;
};

Status fill(const Flags& flags) {
  TRY_ASSIGN(const auto client, connect(flags));
  Filler filler(flags, *client);
  return filler.run(flags.text("topic"), flags.number("in-flight"));
}

}  // namespace

const Program kProgram{{{"nameserver", ""},
                        {"topic", ""},
                        {"messages", "1000000"},
                        {"size", "200"},
                        {"batch", "100"},
                        {"in-flight", "4"},
                        {"rows", "same"}},
                       fill};

}  // namespace slipstream::bench
