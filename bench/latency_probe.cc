// How long a message takes from a topic through something else to another topic, by an open loop:
// a message carries the moment when it was due, whether or not it left in time.
//
// Prints quantiles in milliseconds as JSON.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <iostream>
#include <thread>

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

constexpr std::string_view kDueName = "\"due\":";
constexpr long kMicrosPerTick = 1'000;  // messages leave once per millisecond
constexpr long kMicrosBehindEnd = 5'000'000;

long now_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class Latencies {
 public:
  void add(long micros) { micros_.push_back(micros); }
  double quantile_ms(double share) {
    if (micros_.empty()) return -1;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(micros_.size() - 1));
    const auto place = micros_.begin() + static_cast<std::ptrdiff_t>(at);
    std::nth_element(micros_.begin(), place, micros_.end());
    return static_cast<double>(*place) / 1'000;
  }
  std::size_t count() const { return micros_.size(); }

 private:
  std::vector<long> micros_;
};

class Probe {
 public:
  Probe(rocketmq::Client& client, const Flags& flags)
      : client_(client),
        flags_(flags),
        rate_(flags.number("rate")),
        begin_(now_micros()),
        measure_from_(begin_ + flags.number("warm-up") * 1'000'000),
        end_(measure_from_ + flags.number("seconds") * 1'000'000),
        producer_(client, {.attempt_timeout_ms = 10'000, .total_timeout_ms = 60'000}) {}

  Status run() {
    TRY_ASSIGN(queues_, producer_.queues(flags_.text("topic")));
    std::thread sender([this] { send_all(); });
    const Status read = read_all();
    stop_ = true;
    sender.join();
    TRY(read);
    std::cout << "{\"messages\":" << latencies_.count() << ",\"due\":" << due_
              << ",\"unsent\":" << unsent_;
    for (const auto& [name, share] :
         {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}})
      std::cout << ",\"" << name << "\":" << latencies_.quantile_ms(share);
    std::cout << "}\n";
    return {};
  }

 private:
  void send_all() {
    long number = 0;
    for (long tick = begin_; tick < end_ && !stop_; tick += kMicrosPerTick) {
      std::this_thread::sleep_until(
          std::chrono::steady_clock::time_point(std::chrono::microseconds(tick)));
      const long until = (tick - begin_) * rate_ / 1'000'000;
      if (until <= number) continue;
      rocketmq::BatchEncoder batch;
      const auto count = static_cast<std::size_t>(until - number);
      for (; number < until; ++number)
        CHECK(batch
                  .add("{\"id\":" + std::to_string(number) + "," + std::string(kDueName) +
                           std::to_string(tick) + "}",
                       "WAIT\001true\002")
                  .ok());
      if (tick >= measure_from_) due_ += static_cast<long>(count);
      const Status begun =
          producer_.send_encoded({.queue = queues_[turn_++ % queues_.size()],
                                  .body = std::make_shared<const std::string>(batch.take()),
                                  .count = count},
                                 rocketmq::SendRetry::kRetry, {});
      if (!begun.ok()) unsent_ += static_cast<long>(count);
    }
  }

  Status read_all() {
    rocketmq::Admin admin(client_);
    TRY_ASSIGN(const auto topic, admin.describe_topic(flags_.text("back")));
    rocketmq::ConsumerOptions options;
    options.group = "slipstream_bench_probe";
    rocketmq::Consumer consumer(client_, options);
    for (const rocketmq::MessageQueue& queue : topic.readable_queues())
      TRY(consumer.assign(queue, rocketmq::StartPosition::latest()));
    // What comes later is missing in "messages".
    while (now_micros() < end_ + kMicrosBehindEnd) {
      TRY_ASSIGN(const auto frame, consumer.poll_wait(100));
      if (!frame) continue;
      const long now = now_micros();
      rocketmq::RecordCursor cursor(frame->records,
                                    {.first_offset = frame->begin_offset, .queue_id = {}});
      rocketmq::RecordView record;
      while (cursor.next(record)) {
        if (record.queue_offset >= frame->begin_offset) note(as_text(record.body), now);
      }
      TRY(cursor.status());
    }
    return {};
  }

  void note(std::string_view body, long now) {
    const std::size_t at = body.find(kDueName);
    if (at == std::string_view::npos) return;
    long due = 0;
    std::from_chars(body.data() + at + kDueName.size(), body.data() + body.size(), due);
    if (due >= measure_from_ && due < end_) latencies_.add(now - due);
  }

  rocketmq::Client& client_;
  const Flags& flags_;
  const long rate_;
  const long begin_;
  const long measure_from_;
  const long end_;
  rocketmq::Producer producer_;
  std::vector<rocketmq::MessageQueue> queues_;
  std::size_t turn_ = 0;
  std::atomic<long> due_ = 0;
  std::atomic<long> unsent_ = 0;
  std::atomic<bool> stop_ = false;
  Latencies latencies_;
};

Status probe(const Flags& flags) {
  TRY_ASSIGN(const auto client, connect(flags));
  return Probe(*client, flags).run();
}

}  // namespace

const Program kProgram{{{"nameserver", ""},
                        {"topic", ""},
                        {"back", ""},
                        {"rate", "20000"},
                        {"warm-up", "5"},
                        {"seconds", "30"}},
                       probe};

}  // namespace slipstream::bench
