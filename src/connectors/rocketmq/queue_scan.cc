#include "connectors/rocketmq/queue_scan.h"

#include "slipstream/rocketmq/consumer.h"

#include "base/try.h"
#include "connectors/rocketmq/stamp.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::int64_t kPollMs = 100;
constexpr std::int64_t kProgressMs = 2'000;

Status look_through(const rocketmq::PulledFrame& frame, std::int64_t upper,
                    const ScanOptions& options) {
  rocketmq::RecordCursorOptions cursor_options;
  cursor_options.first_offset = frame.begin_offset;
  cursor_options.offset_delta = frame.offset_delta;
  cursor_options.queue_id = frame.queue->id;
  rocketmq::RecordCursor cursor(frame.records, cursor_options);
  rocketmq::RecordView record;
  while (cursor.next(record)) {
    if (record.queue_offset < frame.begin_offset || record.queue_offset >= upper) continue;
    const auto key = rocketmq::find_property(record.properties, rocketmq::property::kUniqueKey);
    if (key && key->size() == kStampSize) options.found(*key);
  }
  return cursor.status().with_context("looking through " + frame.queue->to_string());
}

std::string trouble_of(const rocketmq::Consumer& consumer) {
  for (const rocketmq::QueueProgress& each : consumer.progress()) {
    if (!each.trouble.empty()) return "; " + each.queue.to_string() + ": " + each.trouble;
  }
  return {};
}

}  // namespace

Status scan_queues(rocketmq::Client& client, std::span<const ScanRange> ranges,
                   const ScanOptions& options) {
  rocketmq::ConsumerOptions consumer_options;
  consumer_options.group = options.group;
  consumer_options.member = false;
  consumer_options.out_of_range = rocketmq::OffsetOutOfRange::kFail;
  rocketmq::Consumer consumer(client, consumer_options);
  std::int64_t all = 0;
  std::size_t open = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].upper <= ranges[i].lower) continue;
    all += ranges[i].upper - ranges[i].lower;
    ++open;
    TRY(consumer.assign(ranges[i].queue, rocketmq::StartPosition::offset(ranges[i].lower), i));
  }
  std::int64_t last_report_ms = options.clock->now_ms();
  std::int64_t seen = 0;
  while (open > 0) {
    if (options.stop.stop_requested())
      return Error{ErrorCode::kCancelled, "stopped while looking through the output queues"};
    TRY_ASSIGN(const std::optional<rocketmq::PulledFrame> frame, consumer.poll_wait(kPollMs));
    if (frame) {
      const ScanRange& range = ranges[frame->tag];
      TRY(look_through(*frame, range.upper, options));
      seen +=
          std::min(frame->next_offset, range.upper) - std::min(frame->begin_offset, range.upper);
      if (frame->next_offset >= range.upper) {
        consumer.unassign(range.queue);
        --open;
      }
    }
    if (options.progress && options.clock->now_ms() - last_report_ms >= kProgressMs) {
      last_report_ms = options.clock->now_ms();
      options.progress("looked through " + std::to_string(seen) + " of " + std::to_string(all) +
                       " messages of the output queues" + trouble_of(consumer));
    }
  }
  return {};
}

}  // namespace slipstream::rocketmq_connector
