// What the scripted brokers answer to operators.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/frame.h"
#include "rocketmq/testing/broker_store.h"

namespace slipstream::rocketmq::testing {

// Owner:  the scripted broker; borrows the store.
// Thread: one.
class OperatorRequests {
 public:
  explicit OperatorRequests(BrokerStore& store) : store_(store) {}

  struct Question {
    const FrameHeader& header;
    const std::string& body;
    const std::string& broker;  // who is asked
  };
  // Nothing: it is none of these requests.
  std::optional<Command> answer(const Question& question);
  // From now on brokers answer requests with the code so, each body once and the last one forever.
  // REQUIRES: one body at least
  void set_answers(RequestCode code, std::deque<std::string> bodies) {
    answers_[code] = std::move(bodies);
  }

 private:
  Command topic_list(const Question& question) const;
  Command runtime(const Question& question) const;
  Command view_message(const Question& question) const;
  Command query_key(const Question& question) const;
  Command config(const Question& question);
  Command update_config(const Question& question);

  BrokerStore& store_;
  std::map<RequestCode, std::deque<std::string>> answers_;
  std::map<std::string, std::map<std::string, std::string>> configs_;  // by broker
};

}  // namespace slipstream::rocketmq::testing
