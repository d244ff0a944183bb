// Reports of a producer's or consumer's messages, on their way to the trace topic.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/producer.h"
#include "slipstream/rocketmq/trace.h"

#include "base/mutex.h"

namespace slipstream::rocketmq::internal {

// What is said of a message without a region, as the Java client does.
inline constexpr std::string_view kDefaultRegion = "DefaultRegion";

// Gathers reports and sends them in the background; whoever reports is never held up, and nothing of
// his fails for it. The keys of a message of the trace topic are the ids and keys of the messages in
// it.
//
// Owner:   a Producer or a member of a group, shared with a timer.
// Thread:  any; on the client's thread close() does not wait.
// Bounds:  one batch of 20 events, 128,000 bytes of records and 16,000 bytes of keys (and what one
//          event has more) that waits for a second at most; 128 batches and 8 MiB in flight.
// Failure: events that find no room, or whose batch is not stored within 5 s, are dropped and counted.
//          A batch that may have been stored is not sent again: nothing is reported twice.
class TraceSender : public std::enable_shared_from_this<TraceSender> {
 public:
  // Null unless enabled. `side` is a part of the name that brokers see, as Java's.
  static std::shared_ptr<TraceSender> make(Client& client, const std::string& group,
                                           std::string_view side, const TraceOptions& options);

  // Messages of trace topics are not reported.
  bool covers(std::string_view topic) const;
  void add(TraceEvent event);
  std::string new_request_id() { return producer_.new_unique_key(); }
  // Sends what waits, and waits for its answers, for 3 s at most. Idempotent.
  void close();
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Batch {
    std::string topic;
    std::string body;
    std::set<std::string> keys;
    std::size_t keys_bytes = 0;
    std::size_t events = 0;
  };

  TraceSender(Client& client, const std::string& group, std::string_view side,
              TraceOptions options);
  std::string topic_of(const TraceEvent& event) const;
  void send_later() SLIPSTREAM_REQUIRES(mutex_);
  void send_waiting();
  void send(Batch batch);
  void drop(std::size_t events, const Error& why);

  Client& client_;
  const std::string group_;
  const TraceOptions options_;
  std::atomic<std::uint64_t> dropped_{0};
  Mutex mutex_;
  Batch waiting_ SLIPSTREAM_GUARDED_BY(mutex_);
  bool timer_is_set_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  Producer producer_;
};

}  // namespace slipstream::rocketmq::internal
