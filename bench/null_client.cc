// The least that reading a topic costs: pipelined pulls, records counted, bodies dropped.
#include <iostream>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"

#include "base/try.h"
#include "main.h"
#include "rocketmq/message/record.h"

namespace slipstream::bench {
namespace {

Status count_messages(const Flags& flags) {
  TRY_ASSIGN(const auto client, connect(flags));
  rocketmq::Admin admin(*client);
  TRY_ASSIGN(const auto topic, admin.describe_topic(flags.text("topic")));
  rocketmq::ConsumerOptions options;
  options.group = "slipstream_bench_null";
  options.messages_per_pull_max = static_cast<std::int32_t>(flags.number("pull"));
  options.pulls_per_queue_max = static_cast<int>(flags.number("pulls"));
  rocketmq::Consumer consumer(*client, options);
  for (const rocketmq::MessageQueue& queue : topic.readable_queues())
    TRY(consumer.assign(queue, rocketmq::StartPosition::earliest()));
  long count = 0;
  std::size_t body_bytes = 0;
  while (count < flags.number("messages")) {
    TRY_ASSIGN(const auto frame, consumer.poll_wait(30'000));
    if (!frame) {
      return Error{ErrorCode::kTimeout,
                   "nothing came for 30 s behind message " + std::to_string(count)};
    }
    rocketmq::RecordCursorOptions cursor_options;
    cursor_options.first_offset = frame->begin_offset;
    rocketmq::RecordCursor cursor(frame->records, cursor_options);
    rocketmq::RecordView record;
    while (cursor.next(record)) {
      if (record.queue_offset < frame->begin_offset) continue;
      ++count;
      body_bytes += record.body.size();
    }
    TRY(cursor.status());
  }
  std::cout << count << " messages, " << body_bytes << " bytes\n";
  return {};
}

}  // namespace

const Program kProgram{
    {{"nameserver", ""}, {"topic", ""}, {"messages", "1000000"}, {"pull", "1024"}, {"pulls", "0"}},
    count_messages};

}  // namespace slipstream::bench
