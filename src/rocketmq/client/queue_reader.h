// Pulls one queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "slipstream/rocketmq/consumer.h"

#include "base/retry.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/pull_window.h"

namespace slipstream::rocketmq::internal {

// What a long poll reserves until it is answered: it usually brings one message, and a full answer
// is paid for when it arrives.
inline constexpr std::size_t kParkedPullBytes = 4'096;

// What a reader needs of the consumer it belongs to.
// Thread: loop.
class ReaderHost {
 public:
  virtual ~ReaderHost() = default;
  // False when the bytes do not fit; `must` takes them in any case. The reader is pumped when there
  // is room again.
  virtual bool reserve(std::uint64_t reader, std::size_t bytes, bool must) = 0;
  virtual void release(std::size_t bytes) = 0;
  virtual void deliver(std::uint64_t reader, PulledFrame frame) = 0;
  struct Note {
    std::optional<std::int64_t> position;  // where reading begins
    std::int64_t max_offset = -1;
    std::optional<std::int64_t> empty_at;  // proof: nothing from this offset on ...
    std::int64_t asked_ms = 0;             // ... when this moment was asked about
    std::optional<std::string> trouble;    // empty text: over
    std::optional<bool> left_topic = {};
    bool topic_deleted = false;  // with left_topic
  };
  virtual void note(std::uint64_t reader, const Note& note) = 0;
  virtual void fail(const Error& error) = 0;
  virtual void count_out_of_range() = 0;
};

// Owner:   the consumer's loop side (shared with callbacks under way); stop() before dropping it.
// Thread:  loop.
// Order, bounds, failure: as Consumer says.
class QueueReader : public std::enable_shared_from_this<QueueReader> {
 public:
  QueueReader(ClientCore& core, const ConsumerOptions& options, ReaderHost& host, std::uint64_t id,
              MessageQueue queue, std::uint64_t tag);

  void start(StartPosition start);
  void stop();  // the host is not called any more
  void set_paused(bool paused);
  // Sends what may be sent now.
  void pump();
  // It has more to pull, and nothing but room for it can be missing.
  bool has_more() const;
  void renew_proof();

 private:
  struct Sent {
    std::uint64_t id = 0;
    std::int64_t offset = 0;
    std::size_t reserved = 0;
    std::int64_t requested_ms = 0;
    std::int64_t requested_ns = 0;
    bool suspend = false;
    bool from_master = false;
    bool from_slave = false;  // and by its id: not acting as the master
  };

  // Finds the broker to pull from; false when that is not known now (it then pumps later).
  bool resolve();
  void route_arrived(const Result<Route>& route);
  void count_absence(const Route& route);
  bool left_topic() const;
  void leave_topic(const std::string& why);
  void report_left_topic();
  std::string trouble_key() const;
  const std::string* choose_address(const BrokerData& broker) const;
  void pull_from(const BrokerData& broker, const std::string& address);
  void count_master_failure();
  void look_for_master();
  void ask_for_master();
  void find_start();
  void start_at(std::int64_t offset);
  void send(const PlannedPull& pull, std::size_t reserved);
  void answered(const Sent& sent, CallOutcome outcome);
  void pulled(const Sent& sent, const PullAnswer& pulled, const Answer& answer);
  void skipped(const Sent& sent, const PullAnswer& pulled);
  void refused(std::int64_t offset, std::int32_t code, const std::string& remark, bool from_slave);
  // A logical queue is another broker's now.
  void moved();
  void topic_is_gone();
  // Whether the topic that is back is the one that was read, by the first message from `offset` on.
  void compare_topic(std::int64_t offset);
  void compare_seen(const PullAnswer& pull, const Answer& answer);
  void compared(std::int64_t offset, const CallOutcome& outcome, bool from_master);
  void begin_anew(std::int64_t first);
  void out_of_range(std::int64_t offset);
  void decide_out_of_range(std::int64_t offset, std::int64_t min_offset, std::int64_t max_offset);
  void take_frames();
  void account();
  void trouble(const Error& error, std::int64_t wait_ms_max);
  void fine();
  bool is_final(const Error& error) const;
  void wait(std::int64_t wait_ms);
  void fail(const Error& error, std::int64_t offset);
  // One small request to the master; nothing when no answer of code 0 came (then it waits and
  // pumps).
  void ask_master(Command command, std::function<void(std::int64_t)> done);

  ClientCore& core_;
  const ConsumerOptions& options_;
  ReaderHost* host_;  // null once stopped
  const std::uint64_t id_;
  const std::shared_ptr<const MessageQueue> queue_;
  MessageQueue served_;  // with the name of the broker that serves it: what requests say
  const std::uint64_t tag_;
  const bool filtered_;
  StartPosition start_;
  bool started_ = false;
  bool paused_ = false;
  bool asking_ = false;  // a start position or bounds are being asked for
  bool resolving_ = false;
  bool proof_under_way_ = false;
  PullWindow window_;
  std::size_t accounted_ = 0;                       // of window_.held_bytes()
  std::size_t reserved_ = 0;                        // by pulls under way
  std::size_t pull_bytes_ = std::size_t{64} << 10;  // what a pull brings, moving average
  Retry retry_;
  bool in_trouble_ = false;
  bool worked_ = false;  // a pull was answered as wanted
  std::int64_t refused_since_ms_ = -1;
  io::TimerId timer_ = io::TimerId::kNone;
  std::string address_;         // where to pull; empty: not known
  std::string known_distance_;  // the address that window_ knows the distance of
  std::string master_;          // empty while there is none
  bool pulls_from_master_ = false;
  bool master_away_ = false;  // calls failed; slaves are read until it answers
  int master_failures_ = 0;   // in a row
  bool stands_in_ = false;    // what is pulled from is a slave, for want of its master
  io::TimerId master_timer_ = io::TimerId::kNone;
  std::size_t slave_turn_ = 0;  // which of several slaves
  Route counted_route_;
  int absent_routes_ = 0;  // in a row that do not show the queue
  bool topic_deleted_ = false;
  std::optional<ReadMessage> seen_;  // a message of the newest answer
  bool seen_before_ =
      false;               // ... or of before the start; nothing is pulled before it was compared
  bool was_gone_ = false;  // the topic, since seen_; as above
  std::int64_t resolved_ms_ = 0;
  std::int64_t wanted_broker_ = 0;
};

}  // namespace slipstream::rocketmq::internal
