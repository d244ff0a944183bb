#include "cli/message_flow.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/try.h"
#include "cli/cluster.h"
#include "cli/line_source.h"
#include "cli/queue_scan.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {

namespace mq = rocketmq;

namespace {

constexpr std::size_t kLineBytesMax = std::size_t{24} << 20;  // every byte escaped
constexpr int kWaitMs = 1'000;                                // for a pipe

class OpenFile {
 public:
  explicit OpenFile(const std::string& file)
      : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// What the line does not say is filled in as for a table with scan.recording; the time is needed.
Result<mq::ReceivedMessage> read_line(const std::string& file, const std::string& line,
                                      std::int64_t number) {
  TRY_ASSIGN(mq::RecordedMessage recorded, mq::read_recorded(line));
  if (!recorded.stored_ms)
    return Error{ErrorCode::kInvalidArgument, "it has no 'time' in milliseconds"};
  mq::ReceivedMessage message;
  message.topic = file;
  message.broker = std::move(recorded.broker).value_or("recording");
  message.queue_id = recorded.queue_id.value_or(0);
  message.queue_offset = recorded.offset.value_or(number - 1);
  message.message_id = std::move(recorded.id);
  message.body = std::move(recorded.message.body);
  message.tags = std::move(recorded.message.tags);
  message.keys = std::move(recorded.message.keys);
  message.properties = std::move(recorded.message.properties);
  message.stored_ms = *recorded.stored_ms;
  return message;
}

}  // namespace

bool MessageFlow::is_recording(const std::string& name) {
  return name.find_first_of("/.") != std::string::npos;
}

Status MessageFlow::check_recording(const std::string& name) {
  struct stat found {};
  if (::stat(name.c_str(), &found) != 0 || ::access(name.c_str(), R_OK) != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "cannot read '" + name + "': " + std::strerror(errno)};
  }
  if (S_ISREG(found.st_mode)) return {};
  return Error{ErrorCode::kInvalidArgument,
               "'" + name +
                   "' is no regular file, and it must be read twice; write to a file first "
                   "what comes out of a pipe"};
}

Result<MessageFlow> MessageFlow::open(mq::Admin* admin, const std::string& name,
                                      const Slice& slice) {
  MessageFlow flow(name);
  using Kind = mq::StartPosition::Kind;
  if (slice.from.start.kind == Kind::kTimestamp) flow.from_ms_ = slice.from.start.value;
  if (slice.to.start.kind == Kind::kTimestamp) flow.to_ms_ = slice.to.start.value;
  if (is_recording(name)) {
    if (slice.from.start.kind == Kind::kLatest) flow.from_ms_ = INT64_MAX;
    if (slice.to.start.kind == Kind::kEarliest) flow.to_ms_ = INT64_MIN;
    return flow;
  }
  flow.admin_ = admin;
  auto bounds = admin->bounds(name);
  if (!bounds.ok()) return with_nearest_topic(*admin, name, std::move(bounds).error());
  flow.all_ = std::move(*bounds);
  flow.queues_ = flow.all_;
  TRY(cut_queues(*admin, name, slice.from, slice.to, flow.queues_));
  return flow;
}

Status MessageFlow::visit(const Visitor& visitor) const {
  const auto visit_one = [&](const mq::ReceivedMessage& message) -> Status {
    return is_in_time(message) ? visitor(message) : Status();
  };
  if (admin_ == nullptr) return visit_recording(visit_one);
  for (const mq::OffsetRange& queue : queues_) TRY(visit_queue(queue, visit_one));
  return {};
}

Status MessageFlow::visit_rest(const Visitor& visitor) const {
  if (admin_ == nullptr) {
    return visit_recording([&](const mq::ReceivedMessage& message) {
      return is_in_time(message) ? Status() : visitor(message);
    });
  }
  for (const mq::OffsetRange& whole : all_) {
    const auto cut = std::find_if(queues_.begin(), queues_.end(), [&](const mq::OffsetRange& each) {
      return each.queue == whole.queue;
    });
    TRY(visit_queue(whole, [&](const mq::ReceivedMessage& message) {
      const bool in_slice = cut != queues_.end() && message.queue_offset >= cut->min_offset &&
                            message.queue_offset < cut->max_offset && is_in_time(message);
      return in_slice ? Status() : visitor(message);
    }));
  }
  return {};
}

Status MessageFlow::visit_queue(const mq::OffsetRange& queue, const Visitor& visitor) const {
  if (queue.min_offset == queue.max_offset) return {};
  const auto scanned =
      scan_queue(*admin_, queue, [&](const mq::ReceivedMessage& message) -> Result<bool> {
        TRY(visitor(message));
        return true;
      });
  return scanned.ok() ? Status() : scanned.status();
}

Status MessageFlow::visit_recording(const Visitor& visitor) const {
  const OpenFile file(name_);
  if (file.descriptor() < 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "cannot read '" + name_ + "': " + std::strerror(errno)};
  }
  LineSource lines(file.descriptor(), kLineBytesMax);
  std::string line;
  while (true) {
    TRY_ASSIGN(const LineSource::Next next, lines.next(&line, kWaitMs));
    if (next == LineSource::Next::kEnd) return {};
    if (next == LineSource::Next::kNothingYet || line.empty()) continue;
    const auto message = read_line(name_, line, lines.lines());
    if (!message.ok()) {
      return message.status().with_context("line " + std::to_string(lines.lines()) + " of '" +
                                           name_ + "'");
    }
    TRY(visitor(*message));
  }
}

Status MessageFlow::visit_at(const std::vector<Location>& places, const Visitor& visitor) const {
  std::set<std::pair<mq::MessageQueue, std::int64_t>> wanted;
  for (const Location& place : places) {
    if (place.queue.topic == name_) wanted.emplace(place.queue, place.offset);
  }
  if (wanted.empty()) return {};
  if (admin_ == nullptr) {
    return visit_recording([&](const mq::ReceivedMessage& message) -> Status {
      return wanted.contains({message.queue(), message.queue_offset}) ? visitor(message) : Status();
    });
  }
  for (const auto& [queue, offset] : wanted) {
    QueueCursor cursor(*admin_, {queue, offset, offset + 1});
    TRY_ASSIGN(const mq::ReceivedMessage* message, cursor.next());
    if (message != nullptr) TRY(visitor(*message));
  }
  return {};
}

}  // namespace slipstream::cli
