#include "rocketmq/testing/reply_push.h"

#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq::testing {

std::string_view asker_of(const FrameHeader& reply) {
  return find_property(reply.ext.find("i").value_or(""), property::kReplyTo).value_or("");
}

Command make_reply_push(const FrameHeader& reply, const std::string& body) {
  const auto text = [&](std::string_view name) { return reply.ext.find(name).value_or(""); };
  Command push;
  push.header.code = static_cast<std::int32_t>(RequestCode::kPushReplyToClient);
  push.header.opaque = 1;  // brokers count for themselves
  ExtFields& ext = push.header.ext;
  ext.add("producerGroup", text("a"));
  ext.add("topic", text("b"));
  ext.add("defaultTopic", text("c"));
  ext.add("defaultTopicQueueNums", text("d"));
  ext.add("queueId", text("e"));
  ext.add("sysFlag", text("f"));
  ext.add("bornTimestamp", text("g"));
  ext.add("flag", text("h"));
  ext.add("properties", text("i"));
  ext.add("reconsumeTimes", "0");
  ext.add("unitMode", "false");
  ext.add("bornHost", "127.0.0.1:40000");
  ext.add("storeHost", "127.0.0.1:10911");
  ext.add("storeTimestamp", text("g"));
  push.body = body;
  return push;
}

Command make_reply_answer(const FrameHeader& reply, bool pushed) {
  if (!pushed) {
    return make_answer(
        reply, response_code::kSystemError,
        "push reply message fail, channel of <" + std::string(asker_of(reply)) + "> not found.");
  }
  Command done = make_answer(reply, response_code::kSuccess);
  done.header.ext.add("msgId", "0");
  done.header.ext.add("queueId", reply.ext.find("e").value_or("0"));
  done.header.ext.add_number("queueOffset", 0);
  return done;
}

}  // namespace slipstream::rocketmq::testing
