// What is reported of one call of a listener.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/trace.h"

#include "base/clock.h"
#include "rocketmq/client/trace_sender.h"

namespace slipstream::rocketmq::internal {

// Reports that the messages are given to a listener when it is made, and its result afterwards.
// Messages that their broker says not to trace are left out.
//
// Owner:  the call; borrows the rest.
// Thread: one.
class DeliveryTrace {
 public:
  DeliveryTrace(TraceSender& sender, const Clock& clock, const std::string& group,
                std::span<const ReceivedMessage> messages);

  void returned(const Delivery& delivery, ConsumeResult result);
  void threw();

 private:
  // The first `done` messages were handled, the others came out as `outcome`.
  void report(std::size_t done, const char* outcome);
  std::int64_t elapsed_ms() const { return clock_.now_ms() - begin_ms_; }

  TraceSender& sender_;
  const Clock& clock_;
  const std::size_t messages_;
  std::int64_t begin_ms_ = 0;
  struct Traced {
    std::size_t index;
    TraceEvent event;
  };
  std::vector<Traced> traced_;
};

}  // namespace slipstream::rocketmq::internal
