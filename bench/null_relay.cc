// The least that reading a topic and writing it to another one costs: records become entries of
// batches, bodies are not looked at. Runs until --messages were stored, or forever with 0. While
// --in-flight batches are under way rows gather for the next: 1 costs least, one per queue is the
// soonest.
#include <atomic>
#include <iostream>
#include <map>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/producer.h"

#include "base/bytes.h"
#include "base/try.h"
#include "main.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/record.h"

namespace slipstream::bench {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
constexpr std::int64_t kGatherMs = 1;  // how often it looks whether what gathered may leave

// Thread: one; completions on the client's.
class Relay {
 public:
  Relay(rocketmq::Client& client, const Flags& flags)
      : messages_(flags.number("messages")),
        in_flight_(flags.number("in-flight")),
        client_(client),
        producer_(client, {.attempt_timeout_ms = 30'000, .total_timeout_ms = 600'000}) {}

  Status run(const Flags& flags) {
    rocketmq::Admin admin(client_);
    TRY_ASSIGN(const auto topic, admin.describe_topic(flags.text("topic")));
    TRY_ASSIGN(queues_, producer_.queues(flags.text("to")));
    rocketmq::ConsumerOptions options;
    options.group = "slipstream_bench_relay";
    options.messages_per_pull_max = static_cast<std::int32_t>(flags.number("pull"));
    rocketmq::Consumer consumer(client_, options);
    const auto start = flags.text("from") == "latest" ? rocketmq::StartPosition::latest()
                                                      : rocketmq::StartPosition::earliest();
    for (const rocketmq::MessageQueue& queue : topic.readable_queues())
      TRY(consumer.assign(queue, start));
    const std::int64_t patience_ms = messages_ == 0 ? 600'000 : 30'000;
    long read = 0;
    while (messages_ == 0 || read < messages_) {
      const bool gathered = !batch_.empty();
      TRY_ASSIGN(const auto frame, consumer.poll_wait(gathered ? kGatherMs : patience_ms));
      if (!frame && !gathered) return Error{ErrorCode::kTimeout, "nothing came for too long"};
      if (frame) {
        TRY_ASSIGN(const long count, pass(*frame));
        read += count;
      }
      if (under_way_ < in_flight_) TRY(send());
    }
    TRY(send());
    TRY(producer_.flush(600'000));
    std::cout << stored_ << " messages\n";
    if (stored_ == read) return {};
    return Error{ErrorCode::kUnavailable, std::to_string(read - stored_) + " were not stored"};
  }

 private:
  Result<long> pass(const rocketmq::PulledFrame& frame) {
    rocketmq::RecordCursor cursor(
        frame.records, {.check_crc = true, .first_offset = frame.begin_offset, .queue_id = {}});
    rocketmq::RecordView record;
    long count = 0;
    while (cursor.next(record)) {
      if (record.queue_offset < frame.begin_offset) continue;
      TRY(batch_.add(as_text(record.body), "WAIT\001true\002"));
      ++count;
      if (batch_.bytes() >= kBatchBytes) TRY(send());
    }
    TRY(cursor.status());
    return count;
  }

  Status send() {
    if (batch_.empty()) return {};
    const std::size_t count = batch_.count();
    const rocketmq::EncodedBatch batch{.queue = queues_[turn_++ % queues_.size()],
                                       .body = std::make_shared<const std::string>(batch_.take()),
                                       .count = count};
    ++under_way_;
    while (true) {
      Status begun = producer_.send_encoded(batch, rocketmq::SendRetry::kRetry,
                                            [this, count](const rocketmq::SendResult& sent) {
                                              if (sent.stored())
                                                stored_ += static_cast<long>(count);
                                              --under_way_;
                                            });
      if (begun.ok() || !begun.error().retryable) return begun;
      TRY(producer_.flush(30'000));
    }
  }

  const long messages_;
  const long in_flight_;
  rocketmq::Client& client_;
  rocketmq::BatchEncoder batch_;
  std::vector<rocketmq::MessageQueue> queues_;
  std::size_t turn_ = 0;
  std::atomic<long> stored_ = 0;
  std::atomic<long> under_way_ = 0;
  rocketmq::Producer producer_;
};

Status relay(const Flags& flags) {
  TRY_ASSIGN(const auto client, connect(flags));
  return Relay(*client, flags).run(flags);
}

}  // namespace

const Program kProgram{{{"nameserver", ""},
                        {"topic", ""},
                        {"to", ""},
                        {"from", "earliest"},
                        {"messages", "1000000"},
                        {"pull", "1024"},
                        {"in-flight", "1"}},
                       relay};

}  // namespace slipstream::bench
