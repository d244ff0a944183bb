// Sends messages that consumers see when a transaction of the sender was committed.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/producer.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

enum class TransactionState : std::uint8_t {
  kCommit,    // consumers get the message
  kRollback,  // nobody ever does
  kUnknown,   // not decided yet: the broker asks later
};

struct TransactionProducerOptions {
  // Brokers ask any live producer of the group about its undecided messages: all of one group must
  // know the same transactions. What may have been stored is never sent again.
  ProducerOptions producer{};
  int check_threads = 1;
  std::size_t checks_waiting_max = 2'000;  // more are dropped: the broker asks again
};

struct TransactionResult {
  SendResult sent{};             // of the half message, which nobody sees yet
  std::string transaction_id{};  // the message's unique key
  TransactionState state = TransactionState::kUnknown;  // what the local transaction answered
  // Whether the broker took the decision. If not it asks, as after kUnknown.
  Status ended{};
};

// A half message is stored first, then the local transaction runs, then its answer decides. When
// the answer is kUnknown or does not reach the broker, the broker asks from time to time
// (transactionCheckInterval, up to transactionCheckMax times), and `check` answers.
//
// Owner:   one component; borrows the Client.
// Thread:  any. Local transactions run on the caller's thread, checks on check_threads threads; both
//          may block.
// Bounds:  as Producer; checks_waiting_max.
// Failure: the half message as Producer without retry_unknown; when it is not stored (or that is
//          unknown) the local transaction does not run. An exception out of a local transaction or
//          a check is logged and means kUnknown.
// End:     the destructor waits for checks that run. It must not run inside one.
class TransactionProducer {
 public:
  using LocalTransaction =
      std::function<TransactionState(const Message& message, const std::string& transaction_id)>;
  // `message` is the half message, its unique key message_id.
  using Check = std::function<TransactionState(const ReceivedMessage& message)>;

  TransactionProducer(Client& client, TransactionProducerOptions options, Check check);
  ~TransactionProducer();
  TransactionProducer(const TransactionProducer&) = delete;
  TransactionProducer& operator=(const TransactionProducer&) = delete;

  // Delays, which RocketMQ has not for such messages, are refused.
  TransactionResult send_and_wait(Message message, const LocalTransaction& transaction);

  // Brokers of a topic may ask after the first send to it, or after this: a program that was started
  // again answers for messages that it sent before.
  Status answer_checks(std::string_view topic);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::rocketmq
