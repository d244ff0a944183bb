#include "cli/consume_command.h"

#include <atomic>
#include <map>

#include <unistd.h>

#include "slipstream/rocketmq/consumer.h"

#include "base/clock.h"
#include "base/output.h"
#include "base/try.h"
#include "cli/message_format.h"
#include "cli/position.h"
#include "cli/report.h"
#include "cli/stop_signal.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

// Where the queues ended when the reading began.
class Ends {
 public:
  explicit Ends(const std::vector<mq::OffsetRange>& ranges) {
    for (const mq::OffsetRange& range : ranges) ends_[range.queue] = range.max_offset;
  }
  bool holds(const mq::ReceivedMessage& message) const {
    const auto end = ends_.find(message.queue());
    return end != ends_.end() && message.queue_offset < end->second;
  }
  bool reached(const mq::Consumer& consumer) const {
    for (const mq::QueueProgress& progress : consumer.progress()) {
      const auto end = ends_.find(progress.queue);
      if (end != ends_.end() && progress.position < end->second) return false;
    }
    return true;
  }

 private:
  std::map<mq::MessageQueue, std::int64_t> ends_;
};

ProgressFacts facts_of(std::int64_t printed, std::int64_t wanted, Rate& rate) {
  rate.observe(SystemClock().now_ms(), printed);
  ProgressFacts facts = {wanted < 0 ? counted(printed, "message")
                                    : grouped(printed) + " of " + counted(wanted, "message"),
                         grouped(rate.per_second()) + "/s"};
  if (wanted > printed && rate.per_second() > 0)
    facts.push_back(duration_text((wanted - printed) * 1'000 / rate.per_second()) + " left");
  return facts;
}

Status consume(const ConsumeArguments& arguments, const Position& from, const MessageFormat& format,
               mq::Client& client, const std::atomic<bool>& stop) {
  const SystemClock clock;
  const std::int64_t started_ms = clock.now_ms();
  mq::Admin admin(client);
  TRY_ASSIGN(auto bounds, admin.bounds(arguments.topic));
  TRY(keep_queue(from, arguments.topic, bounds));
  const Ends ends(bounds);
  mq::ConsumerOptions options;
  options.group = "slipstream_cli";
  options.member = false;
  options.tags = arguments.tag;
  mq::Consumer consumer(client, options);
  for (const mq::OffsetRange& range : bounds) TRY(consumer.assign(range.queue, from.start));
  std::atomic<std::int64_t> printed{0};
  Rate rate;
  const Progress progress(arguments.progress,
                          [&] { return facts_of(printed, arguments.count, rate); });
  std::string text;
  Status status;  // of what cannot be printed; what came before it is
  while (status.ok() && !stop && printed != arguments.count) {
    if (!arguments.follow && ends.reached(consumer)) break;
    TRY_ASSIGN(const auto messages, consumer.receive(200));
    text.clear();
    std::int64_t taken = 0;
    for (const mq::ReceivedMessage& message : messages) {
      if (printed + taken == arguments.count) break;
      if (!arguments.follow && !ends.holds(message)) continue;
      if (arguments.json) {
        status = mq::append_envelope(message, text);
        if (!status.ok()) break;
      } else {
        format.append(message, text);
      }
      ++taken;
    }
    TRY(write_output(STDOUT_FILENO, text));
    printed += taken;
  }
  if (arguments.count >= 0 && !arguments.progress.quiet) {
    notify(counted(printed, "message") + " read from topic " + arguments.topic + ", " +
           pace_text(printed, clock.now_ms() - started_ms));
  }
  return status;
}

}  // namespace

int consume_command(const ConsumeArguments& arguments) {
  const auto from = parse_position(arguments.from);
  if (!from.ok()) return fail(from.error(), kExitUsage);
  const auto format = MessageFormat::parse(arguments.format);
  if (!format.ok()) return fail(format.error(), kExitUsage);
  std::atomic<bool> stop{false};
  const StopSignal signals([&stop](int count) {
    stop = true;
    if (count > 1) _exit(130);
  });
  return with_client(arguments.cluster, [&](mq::Client& client) -> Status {
    Status status = consume(arguments, *from, *format, client, stop);
    if (!status.ok() && status.error().code == ErrorCode::kCancelled) return {};
    return status;
  });
}

}  // namespace slipstream::cli
