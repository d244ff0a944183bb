// A name server and brokers in this process, on real loopback sockets, for tests: what they answer
// can be disturbed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/security.h"

#include "rocketmq/protocol/codes.h"

namespace slipstream::rocketmq::testing {

class PopTable;
struct NewMessage;

struct ScriptedBrokerOptions {
  // A name that stands again is that of a slave of the broker that has it first.
  std::vector<std::string> brokers = {"broker-a"};
  std::int32_t pull_count_max = 32;
  std::size_t pull_bytes_max = 262'144;
  // As 4.x: a time behind the last message is answered with that message, not the end.
  bool last_for_later_times = false;
  std::string region{};  // said with what was stored
  bool trace_on = true;  // false: clients are told not to report
};

// What happens to a request instead of the ordinary.
struct Fault {
  enum class Kind : std::uint8_t {
    kDropBefore,  // not done, connection closed
    kDropAfter,   // done, connection closed before the answer
    kCode,        // not done, answered with `code` and `remark`
    kCodeAfter,   // done, answered with `code` and `remark`
    kSilence,     // done, never answered
    kDelay,       // done, answered after delay_ms
    kLate,        // done and answered after delay_ms
    kDropLate,    // connection closed, done after delay_ms all the same
    kTwice,       // done, answered twice
  };
  Kind kind = Kind::kDropBefore;
  std::int32_t code = 0;
  std::string remark{};
  std::int64_t delay_ms = 0;
  std::string broker{};  // empty: any
};

// Owner:  a test.
// Thread: any; every call waits for the broker's own thread.
// Stored messages are real records (v1, IPv4); long polls are parked and woken; a filter compares
// tag hashes; SQL92 lets every message through.
class ScriptedBroker {
 public:
  explicit ScriptedBroker(ScriptedBrokerOptions options = {});
  ~ScriptedBroker();
  ScriptedBroker(const ScriptedBroker&) = delete;
  ScriptedBroker& operator=(const ScriptedBroker&) = delete;

  std::string name_server() const;  // "127.0.0.1:port"

  // On every broker; also widens.
  void create_topic(const std::string& topic, std::int32_t queues);
  // Logical queues, the first at the first broker, the second at the second, and so on.
  void create_static_topic(const std::string& topic, std::int32_t queues);
  // A logical queue goes on at another broker, at this offset; long polls at the old one sleep on.
  // `unseen`: of the last messages so many are behind what the new one takes for the old one's end.
  void move_queue(const MessageQueue& queue, const std::string& broker, std::int64_t offset,
                  std::int64_t unseen = 0);
  // The broker's own queue that a logical one is written to now.
  MessageQueue part_of(const MessageQueue& queue) const;
  // Fewer queues in the route; those behind refuse pulls and sends, and keep what they hold.
  void shrink_topic(const std::string& topic, std::int32_t queues);
  // `properties` encoded. Returns the offset.
  std::int64_t append(const MessageQueue& queue, std::string_view body,
                      std::string_view properties = {}, std::int64_t store_ms = 0);
  // As it is to be stored: a body that is compressed, or one with several messages. Without
  // store_ms: now.
  std::int64_t append_stored(const MessageQueue& queue, NewMessage message);
  // Changes a bit of the stored body; the record's CRC stays as it was.
  void damage_body(const MessageQueue& queue, std::int64_t offset);
  std::int64_t min_offset(const MessageQueue& queue) const;
  std::int64_t max_offset(const MessageQueue& queue) const;
  std::vector<ReceivedMessage> messages(const MessageQueue& queue) const;
  // Retention: what is below is gone.
  void expire(const MessageQueue& queue, std::int64_t min_offset);
  // An unclean restart: what is at and above is lost.
  void lose_tail(const MessageQueue& queue, std::int64_t max_offset);
  std::int64_t group_offset(const std::string& group, const MessageQueue& queue) const;  // -1: none
  void set_group_offset(const std::string& group, const MessageQueue& queue, std::int64_t offset);

  // For the next `count` requests with the code; faults of one code apply in the order given.
  void inject(RequestCode code, Fault fault, int count = 1);
  // Asked about each request that no injected fault waits for; on the broker's thread.
  using Disturbance = std::function<std::optional<Fault>(RequestCode code)>;
  void disturb(Disturbance disturbance);
  // What brokers answer from now on to a request of operators that they have no answer of their own
  // to (or another one), such as kConsumerConnections.
  void set_answer(RequestCode code, std::string body);
  // Each body once, in this order, then the last one forever; whichever broker is asked.
  void set_answers(RequestCode code, std::deque<std::string> bodies);
  // How long after a message was stored consumers and max offsets see it; 0 = at once.
  void set_dispatch_lag(std::int64_t lag_ms);
  // Brokers refuse requests that are not signed with these (as 5.x do); null: none is refused.
  void require(std::optional<Credentials> credentials);
  std::size_t requests_seen(RequestCode code) const;
  // A field of the last request with the code, as it stands in the frame; empty: none yet.
  std::string last_field(RequestCode code, std::string_view field) const;
  std::string last_heartbeat() const;  // its JSON; empty: none yet
  // Those that wait at this offset or behind it.
  std::size_t parked_pulls(std::int64_t from_offset = 0) const;
  // Asks a live producer of the group about each half message that was not ended. Returns how many
  // questions were sent.
  std::size_t check_transactions();
  std::size_t half_messages_open() const;
  // Tells the members of the group to go on elsewhere, as brokers 4.x do when an operator asks.
  void reset_members(const std::string& group, const MessageQueue& queue, std::int64_t offset);
  // Another member of a group: it is listed, told nothing and never asks.
  void add_member(const std::string& group, const std::string& client_id);
  void remove_member(const std::string& group, const std::string& client_id);
  std::vector<std::string> members(const std::string& group) const;  // client ids; sorted
  // Who holds the lock of a queue; empty: nobody.
  std::string lock_holder(const std::string& group, const MessageQueue& queue) const;
  void set_lock_holder(const std::string& group, const MessageQueue& queue,
                       const std::string& client_id);
  // What is popped; runs on the broker's thread.
  void with_pops(const std::function<void(PopTable&)>& use) const;
  // Opens and closes the ports of all masters (not of the name server); connections break.
  void set_brokers_up(bool up);
  void set_name_server_up(bool up);
  // Whether the name server knows the broker, and with it the broker's part of every topic.
  void set_registered(const std::string& broker, bool registered);
  // A request from the broker on every open broker connection; answers are counted by their code.
  void ask_clients(std::int32_t code);
  std::size_t client_answers(std::int32_t code) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipstream::rocketmq::testing
