// What an answer to a pop holds: pure decisions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/pop_consumer.h"

#include "rocketmq/message/record.h"
#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/pop_requests.h"

namespace slipstream::rocketmq::internal {

PopHandle handle_of(const PopCheckPoint& check_point, std::string_view topic,
                    std::string_view group);

struct PoppedAnswer {
  std::vector<PoppedMessage> messages{};
  // Those whose tags have the hash of a wanted one, and are another: nobody wants them.
  std::vector<PopHandle> unwanted{};
  std::vector<PoppedMessage> dead{};  // given often enough
  std::vector<Error> unreadable{};    // each is kCorrupt or kResourceExhausted
};

// Thread: any.
class PopDecoder {
 public:
  // Borrows `options`.
  explicit PopDecoder(const PopOptions& options);
  // REQUIRES: the answer's code is 0
  PoppedAnswer decode(const Answer& answer, const std::string& broker) const;

 private:
  Result<PopHandle> handle_in(const PopAnswer& popped, const RecordView& record,
                              const std::string& broker) const;
  void add(Result<ReceivedMessage> message, PopHandle handle, PoppedAnswer& decoded) const;
  // `record` of `bytes`: a message, or a batch.
  // Failure: of what cannot be read of it.
  Status add_record(const PopAnswer& popped, const RecordView& record,
                    std::span<const std::uint8_t> bytes, const std::string& broker,
                    PoppedAnswer& decoded) const;
  Result<PopCheckPoint> check_point_in(const PopAnswer& popped, const RecordView& record,
                                       const std::string& broker) const;

  const PopOptions& options_;
  std::vector<std::string> tags_;  // empty: all
};

}  // namespace slipstream::rocketmq::internal
