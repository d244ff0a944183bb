// Sends encoded messages, batched per queue, without waiting.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/producer.h"

#include "base/mutex.h"
#include "connectors/rocketmq/flink_metrics.h"
#include "rocketmq/message/batch_encoder.h"

namespace slipstream::rocketmq_connector {

// A batch leaves when its queue has nothing under way, or when it is full: few rows leave at once,
// many in large batches. A completed send takes what has gathered behind it along.
//
// Owner:   a writer.
// Thread:  task; completions run on the client's thread.
// Order:   per queue when sends_per_queue is 1.
// Bounds:  full() at kBytesMax gathered or under way; one more batch of rows may be added then.
// Failure: the first failed send stays in failure(); with `lossy` it is only counted and logged.
class BatchSender {
 public:
  struct Options {
    int sends_per_queue = 4;
    bool lossy = false;
    std::string table;
    std::function<void()> wake;
    Metrics metrics;
    const Clock* clock = nullptr;  // outlives the sender
  };
  BatchSender(rocketmq::Client& client, rocketmq::ProducerOptions producer, Options options);
  ~BatchSender();
  BatchSender(const BatchSender&) = delete;
  BatchSender& operator=(const BatchSender&) = delete;

  rocketmq::Producer& producer() { return *producer_; }

  // A batch is full at so many bytes: take another queue for what follows.
  static constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
  // Takes the messages over; `batch` is empty afterwards.
  void add(const rocketmq::MessageQueue& queue, rocketmq::BatchEncoder& batch);
  // A message that cannot be in a batch.
  Status send_single(rocketmq::Message message);
  // Sends what may leave now.
  void flush();
  // Nothing gathered, nothing under way. When not, the wake comes.
  bool idle();
  bool full();
  Status failure() const;

 private:
  struct Lane {
    rocketmq::MessageQueue queue;
    rocketmq::BatchEncoder pending;
    int under_way = 0;
  };

  void send(Lane& lane) SLIPSTREAM_REQUIRES(mutex_);
  void note_failure(const Error& error) SLIPSTREAM_REQUIRES(mutex_);
  struct Sent {
    std::size_t bytes = 0;
    std::size_t messages = 0;
    std::int64_t sent_ms = 0;
  };
  void done(Lane* lane, const Sent& sent, const rocketmq::SendResult& result);

  const Options options_;
  mutable Mutex mutex_;
  bool closing_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  bool wake_wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::map<rocketmq::MessageQueue, Lane> lanes_ SLIPSTREAM_GUARDED_BY(mutex_);  // nodes never move
  std::size_t bytes_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;      // gathered and under way
  std::size_t under_way_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;  // sends
  Status failure_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::int64_t logged_ms_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::atomic<std::int64_t>* messages_;
  std::atomic<std::int64_t>* sent_bytes_;
  std::atomic<std::int64_t>* retries_;
  std::atomic<std::int64_t>* failures_;
  FlinkSinkMetrics metrics_;
  std::unique_ptr<rocketmq::Producer> producer_;
};

}  // namespace slipstream::rocketmq_connector
