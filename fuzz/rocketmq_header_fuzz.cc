// What servers say in headers, and what brokers ask: a JSON header, a line break, a body. Numbers
// that are given out lie in the bounds that the header states for them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/client/pop_decoder.h"
#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/pop_requests.h"
#include "rocketmq/protocol/responses.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void read_popped(const rocketmq::FrameHeader& header, std::span<const std::uint8_t> body) {
  for (const char* tags : {"*", "A || B"}) {
    rocketmq::PopOptions options;
    options.group = "g";
    options.topic = "t";
    options.tags = tags;
    rocketmq::Answer answer;
    answer.header = header;
    answer.frame.body = body;
    const auto decoded = rocketmq::internal::PopDecoder(options).decode(answer, "broker-a");
    for (const auto* list : {&decoded.messages, &decoded.dead}) {
      for (const rocketmq::PoppedMessage& each : *list) {
        CHECK(each.message.topic == "t");
        CHECK(rocketmq::parse_check_point(each.handle.check_point).ok());
      }
    }
  }
}

void read_pop(const rocketmq::FrameHeader& header, std::string_view body) {
  if (header.code == 0) read_popped(header, as_bytes(body));
  const auto popped = rocketmq::parse_pop(header);
  if (popped.ok()) {
    for (const auto& [queue, offsets] : popped->offsets) {
      for (const std::int64_t offset : offsets)
        static_cast<void>(rocketmq::check_point_of(*popped, queue, offset, "broker-a"));
    }
  }
  // The body as POP_CK of a message.
  const auto check_point = rocketmq::parse_check_point(body);
  if (!check_point.ok()) return;
  CHECK(*rocketmq::parse_check_point(check_point->text()) == *check_point);
  static_cast<void>(rocketmq::parse_changed_invisible(header, *check_point));
  static_cast<void>(rocketmq::internal::handle_of(*check_point, "t", "g"));
  if (rocketmq::fits_batch_ack(*check_point))
    static_cast<void>(rocketmq::encode_batch_ack("g", "t", "broker-a", {&*check_point, 1}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view given = as_text({data, size});
  const std::size_t end = std::min(given.find('\n'), given.size());
  const std::string_view body = given.substr(std::min(end + 1, given.size()));
  const auto header =
      rocketmq::decode_header(as_bytes(given.substr(0, end)), rocketmq::HeaderType::kJson);
  if (!header.ok()) return 0;
  using rocketmq::RequestCode;
  for (const RequestCode code : {RequestCode::kMaxOffset, RequestCode::kEarliestStoreTime})
    static_cast<void>(rocketmq::parse_offset(code, *header));
  static_cast<void>(rocketmq::parse_consumer_offset(*header));
  static_cast<void>(rocketmq::parse_pull(*header));
  const auto sent = rocketmq::parse_send(RequestCode::kSendMessageV2, *header);
  CHECK(!sent.ok() || sent->queue_id >= 0);
  static_cast<void>(rocketmq::parse_transaction_check(*header));
  const auto reply = rocketmq::parse_reply(*header, as_bytes(body));
  CHECK(!reply.ok() || reply->offset_message_id.empty());
  read_pop(*header, body);
  return 0;
}
