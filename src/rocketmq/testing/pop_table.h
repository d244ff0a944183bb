// What the scripted brokers know of messages that were popped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/pop_requests.h"
#include "rocketmq/testing/broker_store.h"

namespace slipstream::rocketmq::testing {

// Messages that were given and not acknowledged come again when a test moves the time.
//
// Owner:  the scripted broker; borrows store and clock.
// Thread: one.
class PopTable {
 public:
  struct Ways {
    std::function<void(std::uint64_t session, const Command& command)> send;
    std::function<void(std::int64_t delay_ms, std::function<void()> work)> run_after;
  };
  PopTable(BrokerStore& store, const Clock& clock, Ways ways)
      : store_(store), clock_(clock), ways_(std::move(ways)) {}

  struct Question {
    std::uint64_t session = 0;
    const FrameHeader& header;
    const std::string& body;
    const std::string& broker;  // who is asked
  };
  static bool knows(const FrameHeader& header);
  // Nothing: it is parked.
  std::optional<Command> answer(const Question& question);
  // Something was stored.
  void wake();
  void lost(std::uint64_t session);

  // --- for tests ---
  struct Settings {
    bool old_broker = false;  // 4.9.7, which knows none of these requests
    bool batch_acks = true;   // brokers before 5.1.1 have none
    bool retry_topic_v2 = false;
    // What comes again is given under its own topic and without POP_CK
    // (popResponseReturnActualRetryTopic).
    bool own_retry_topic = false;
    std::function<void(Command& popped)> change{};  // an answer with messages
  };
  Settings& settings() { return settings_; }
  void advance_ms(std::int64_t by_ms);
  std::size_t in_flight() const { return flights_.size(); }  // without those of ordered pops
  // Where the group goes on.
  std::int64_t position(const std::string& group, const MessageQueue& queue) const;
  std::size_t parked() const { return parked_.size(); }
  // POP_CK of what is in flight.
  std::vector<std::string> check_points() const;

 private:
  struct Flight {
    PopCheckPoint check_point;
    std::int64_t until_ms = 0;
  };
  struct Parked {
    std::uint64_t session = 0;
    FrameHeader header;
    std::string broker;
  };
  // What was given of a queue that is popped in order.
  struct Run {
    std::string attempt{};
    std::int64_t pop_ms = 0;
    std::map<std::int64_t, std::int64_t> until_ms{};  // by offset
    std::set<std::int64_t> acknowledged{};
    std::map<std::int64_t, std::int32_t> times{};  // given before

    bool holds(std::int64_t now_ms) const;
  };
  using GroupQueue = std::pair<std::string, MessageQueue>;
  using FlightKey = std::tuple<std::string, MessageQueue, std::int64_t>;  // by group

  std::int64_t now_ms() const { return clock_.wall_ms() + advanced_ms_; }
  // Nothing: there are no messages.
  std::optional<Command> pop(const FrameHeader& header, const std::string& broker);
  struct Taken {
    std::int64_t pop_ms = 0;
    std::string starts;
    std::string offsets;
    std::string times;
    std::string records;
    std::int64_t count = 0;
  };
  void take(const FrameHeader& header, PopOrigin origin, const MessageQueue& queue, Taken& taken);
  void take_in_order(const FrameHeader& header, const MessageQueue& queue, Taken& taken);
  // Where a group that has no position begins, it begins now.
  std::int64_t& position_of(const FrameHeader& header, PopOrigin origin, const MessageQueue& queue,
                            const StoredQueue& stored);
  void acknowledge_in_order(const GroupQueue& place, std::int64_t offset, std::int64_t pop_ms);
  Command change_in_order(const FrameHeader& header, const GroupQueue& place,
                          const PopCheckPoint& before);
  std::string record_as_given(const StoredRecord& stored, const std::string& topic,
                              const PopCheckPoint& check_point) const;
  void park(const Question& question);
  Command acknowledge(const Question& question);
  Command acknowledge_batch(const Question& question);
  Command change_invisible(const Question& question);
  void land(const std::string& group, const MessageQueue& queue, std::int64_t offset,
            std::int64_t pop_ms);
  // What was in flight for too long is stored again.
  void revive();

  BrokerStore& store_;
  const Clock& clock_;
  const Ways ways_;
  Settings settings_;
  std::int64_t advanced_ms_ = 0;
  std::map<GroupQueue, std::int64_t> positions_;
  std::map<GroupQueue, Run> runs_;
  std::map<FlightKey, Flight> flights_;
  std::map<std::uint64_t, Parked> parked_;
  std::uint64_t last_parked_ = 0;
};

}  // namespace slipstream::rocketmq::testing
