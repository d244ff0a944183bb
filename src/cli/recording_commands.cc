#include "cli/recording_commands.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "slipstream/rocketmq/producer.h"

#include "base/clock.h"
#include "base/output.h"
#include "base/try.h"
#include "cli/line_source.h"
#include "cli/position.h"
#include "cli/queue_scan.h"
#include "cli/replay_clock.h"
#include "cli/report.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
constexpr std::size_t kLineBytesMax = std::size_t{24} << 20;  // every byte escaped
constexpr std::size_t kBatchMessages = 128;
constexpr std::size_t kBatchBytes = std::size_t{1} << 20;
constexpr std::int64_t kPaceMs = 5;  // what is due sooner goes with what is due now

Error file_error(const std::string& what, const std::string& file) {
  return Error{ErrorCode::kUnavailable, what + " '" + file + "': " + std::strerror(errno)};
}

// A file that gets its name when it is whole.
class RecordingFile {
 public:
  static Result<RecordingFile> create(const std::string& file, bool overwrite) {
    if (!overwrite && ::access(file.c_str(), F_OK) == 0) {
      return Error{ErrorCode::kAlreadyExists,
                   "file '" + file + "' exists; name another, or add --overwrite"};
    }
    RecordingFile made;
    made.file_ = file;
    made.partial_ = file + ".partial";
    made.descriptor_ =
        ::open(made.partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (made.descriptor_ < 0) return file_error("cannot write", made.partial_);
    return made;
  }
  RecordingFile(RecordingFile&& other) noexcept
      : file_(std::move(other.file_)),
        partial_(std::move(other.partial_)),
        text_(std::move(other.text_)),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  RecordingFile& operator=(RecordingFile&&) = delete;
  ~RecordingFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(partial_.c_str());
  }

  Status add(const mq::ReceivedMessage& message) {
    TRY(mq::append_envelope(message, text_));
    return text_.size() < kWriteBytes ? Status() : flush();
  }
  Status finish() {
    TRY(flush());
    const bool durable = ::fsync(descriptor_) == 0;
    if (!durable || ::rename(partial_.c_str(), file_.c_str()) != 0)
      return file_error("cannot write", file_);
    ::close(std::exchange(descriptor_, -1));
    return {};
  }

 private:
  RecordingFile() = default;
  Status flush() {
    TRY(write_output(descriptor_, text_).with_context("file '" + partial_ + "'"));
    text_.clear();
    return {};
  }

  std::string file_;
  std::string partial_;
  std::string text_;
  int descriptor_ = -1;
};

// Store times [from_ms, to_ms).
struct TimeSlice {
  std::int64_t from_ms = INT64_MIN;
  std::int64_t to_ms = INT64_MAX;
};

// A queue of the slice, and what comes next of it.
class Head {
 public:
  Head(mq::Admin& admin, const mq::OffsetRange& range, const TimeSlice& slice)
      : cursor_(admin, range), slice_(slice) {}

  const mq::ReceivedMessage* message() const { return message_; }  // null: the queue is read
  Status advance() {
    do {
      TRY_ASSIGN(message_, cursor_.next());
    } while (message_ != nullptr &&
             (message_->stored_ms < slice_.from_ms || message_->stored_ms >= slice_.to_ms));
    return {};
  }

 private:
  QueueCursor cursor_;
  TimeSlice slice_;
  const mq::ReceivedMessage* message_ = nullptr;
};

// From each queue what lies between the positions.
Result<std::vector<Head>> open_queues(mq::Admin& admin, const RecordArguments& arguments,
                                      const Position& from, const Position& to) {
  auto ranges = admin.bounds(arguments.topic);
  if (!ranges.ok()) return with_nearest_topic(admin, arguments.topic, std::move(ranges).error());
  TRY(cut_queues(admin, arguments.topic, from, to, *ranges));
  TimeSlice slice;
  if (from.start.kind == mq::StartPosition::Kind::kTimestamp) slice.from_ms = from.start.value;
  if (to.start.kind == mq::StartPosition::Kind::kTimestamp) slice.to_ms = to.start.value;
  std::vector<Head> heads;
  for (const mq::OffsetRange& range : *ranges) {
    heads.emplace_back(admin, range, slice);
    TRY(heads.back().advance());
  }
  return heads;
}

Status record(mq::Admin& admin, const RecordArguments& arguments, const Position& from,
              const Position& to) {
  const SystemClock clock;
  const std::int64_t started_ms = clock.now_ms();
  TRY_ASSIGN(std::vector<Head> heads, open_queues(admin, arguments, from, to));
  TRY_ASSIGN(RecordingFile file, RecordingFile::create(arguments.file, arguments.overwrite));
  std::atomic<std::int64_t> recorded{0};
  {
    Rate rate;
    const Progress progress(arguments.progress, [&]() -> ProgressFacts {
      rate.observe(clock.now_ms(), recorded);
      return {counted(recorded, "message") + " recorded", grouped(rate.per_second()) + "/s"};
    });
    while (true) {
      const auto oldest =
          std::min_element(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
            if (a.message() == nullptr || b.message() == nullptr) return a.message() != nullptr;
            return a.message()->stored_ms < b.message()->stored_ms;
          });
      if (oldest == heads.end() || oldest->message() == nullptr) break;
      TRY(file.add(*oldest->message()));
      ++recorded;
      TRY(oldest->advance());
    }
  }
  TRY(file.finish());
  if (!arguments.progress.quiet) {
    notify(counted(recorded, "message") + " of topic '" + arguments.topic + "' recorded in " +
           arguments.file + ", " + pace_text(recorded, clock.now_ms() - started_ms));
  }
  return {};
}

// What a line of a recording says: a message, where it was and when it was stored.
struct Recorded {
  mq::Message message;
  std::string origin;  // its queue
  std::int64_t time_ms = 0;
  std::int64_t line = 0;
};

Result<Recorded> parse_line(const std::string& line, const std::string& topic) {
  Recorded recorded;
  TRY_ASSIGN(mq::RecordedMessage read, mq::read_recorded(line));
  if (!read.stored_ms)
    return Error{ErrorCode::kInvalidArgument, "it has no 'time' in milliseconds"};
  recorded.message = std::move(read.message);
  recorded.message.topic = topic;
  recorded.time_ms = *read.stored_ms;
  if (read.broker) recorded.origin = *read.broker + "/";
  if (read.queue_id) recorded.origin += std::to_string(*read.queue_id) + "/";
  return recorded;
}

// Batches for the queues of a topic; what comes from one recorded queue keeps its order.
// Failure: names the lines of the batch, whether the broker may have it, and what was not sent. No
//          batch is sent twice.
class ReplaySender {
 public:
  ReplaySender(mq::Client& client, const std::string& file)
      : producer_(client, {.group = "slipstream_cli"}), file_(file) {}

  Status open(const std::string& topic) {
    TRY_ASSIGN(queues_, producer_.queues(topic));
    if (!queues_.empty()) return {};
    return Error::retry(ErrorCode::kUnavailable, "topic '" + topic + "' has no writable queue now");
  }

  Status add(Recorded recorded) {
    const auto [known, added] = targets_.try_emplace(recorded.origin, targets_.size());
    Batch& batch = batches_[known->second % queues_.size()];
    const auto bytes = mq::Producer::bytes_in_batch(recorded.message);
    if (!bytes.ok()) return end_with(bytes.error().with_context(place(recorded.line)));
    if (batch.bytes + *bytes > kBatchBytes) TRY(send(batch));
    batch.bytes += *bytes;
    if (batch.messages.empty()) batch.first_line = recorded.line;
    recorded.message.queue = queues_[known->second % queues_.size()];
    batch.messages.push_back(std::move(recorded.message));
    return batch.messages.size() >= kBatchMessages ? send(batch) : Status();
  }
  Status flush() {
    for (auto& [index, batch] : batches_) TRY(send(batch));
    return {};
  }
  // A line is bad: what was read before it is sent all the same.
  Status end_with(const Error& error) {
    const Status flushed = flush();
    if (flushed.ok()) return error;
    return flushed.error().with_context(error.message + "; before it");
  }
  std::int64_t sent() const { return sent_; }

 private:
  struct Batch {
    std::vector<mq::Message> messages;
    std::size_t bytes = 0;
    std::int64_t first_line = 0;
  };

  // Takes it out first: whatever becomes of it, it is not sent again.
  Status send(Batch& waiting) {
    const Batch batch = std::exchange(waiting, {});
    if (batch.messages.empty()) return {};
    const mq::SendResult result = batch.messages.size() == 1
                                      ? producer_.send_and_wait(batch.messages.front())
                                      : producer_.send_batch_and_wait(batch.messages);
    if (!result.stored()) return failed(batch, result);
    sent_ += std::ssize(batch.messages);
    return {};
  }

  Error failed(const Batch& batch, const mq::SendResult& result) const {
    Error error =
        result.error.with_context("a batch of " + counted(std::ssize(batch.messages), "message") +
                                  ", the first one in " + place(batch.first_line));
    error.message += result.outcome == mq::SendOutcome::kUnknown
                         ? "; whether the broker stored it is unknown"
                         : "; it was not stored";
    std::int64_t left = 0;
    std::int64_t first_left = INT64_MAX;
    for (const auto& [index, each] : batches_) {
      left += std::ssize(each.messages);
      if (!each.messages.empty()) first_left = std::min(first_left, each.first_line);
    }
    if (left > 0) {
      error.message += "; for other queues " + counted(left, "message") +
                       " were read and not sent, the first one in " + place(first_left);
    }
    return error;
  }
  std::string place(std::int64_t line) const {
    return "line " + std::to_string(line) + " of '" + file_ + "'";
  }

  mq::Producer producer_;
  const std::string& file_;
  std::vector<mq::MessageQueue> queues_;
  std::map<std::string, std::size_t> targets_;  // recorded queue -> number
  std::map<std::size_t, Batch> batches_;        // by index of queues_
  std::atomic<std::int64_t> sent_{0};
};

// Until the end of the lines or the first failure; what was read before a bad line is sent.
Status replay_lines(int descriptor, const ReplayArguments& arguments, double speed,
                    ReplaySender& sender) {
  LineSource source(descriptor, kLineBytesMax);
  const SystemClock clock;
  ReplayClock pace(speed, clock.now_ms());
  std::string line;
  while (true) {
    const auto next = source.next(&line, 1'000);
    if (!next.ok()) return sender.end_with(next.error());
    if (*next == LineSource::Next::kEnd) return sender.flush();
    if (*next == LineSource::Next::kNothingYet || line.empty()) continue;
    auto recorded = parse_line(line, arguments.topic);
    if (!recorded.ok()) {
      return sender.end_with(recorded.error().with_context(
          "line " + std::to_string(source.lines()) + " of '" + arguments.file + "'"));
    }
    recorded->line = source.lines();
    const std::int64_t wait_ms = pace.wait_ms(recorded->time_ms, clock.now_ms());
    if (wait_ms >= kPaceMs) {
      TRY(sender.flush());
      std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    }
    TRY(sender.add(std::move(*recorded)));
  }
}

Status replay(mq::Client& client, int descriptor, const ReplayArguments& arguments, double speed) {
  const SystemClock clock;
  const std::int64_t started_ms = clock.now_ms();
  ReplaySender sender(client, arguments.file);
  if (auto opened = sender.open(arguments.topic); !opened.ok()) {
    mq::Admin admin(client);
    return with_nearest_topic(admin, arguments.topic, std::move(opened).error());
  }
  Status status;
  {
    Rate rate;
    const Progress progress(arguments.progress, [&]() -> ProgressFacts {
      rate.observe(clock.now_ms(), sender.sent());
      return {counted(sender.sent(), "message") + " replayed", grouped(rate.per_second()) + "/s"};
    });
    status = replay_lines(descriptor, arguments, speed, sender);
  }
  if (!arguments.progress.quiet) {
    notify(counted(sender.sent(), "message") + " replayed to topic '" + arguments.topic + "', " +
           pace_text(sender.sent(), clock.now_ms() - started_ms));
  }
  return status;
}

// "max" is 0.
Result<double> parse_speed(const std::string& text) {
  if (text == "max") return 0.0;
  double speed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (error == std::errc() && end == text.data() + text.size() && speed >= 0.001 && speed <= 1e6)
    return speed;
  return Error{ErrorCode::kInvalidArgument,
               "--speed " + text + ": max or a number from 0.001 to 1000000 is expected"};
}

}  // namespace

int record_command(const RecordArguments& arguments) {
  const auto from = parse_position(arguments.from);
  if (!from.ok()) return fail(from.error(), kExitUsage);
  const auto to = parse_position(arguments.to);
  if (!to.ok()) return fail(to.error(), kExitUsage);
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return record(admin, arguments, *from, *to); });
}

int replay_command(const ReplayArguments& arguments) {
  const auto speed = parse_speed(arguments.speed);
  if (!speed.ok()) return fail(speed.error(), kExitUsage);
  const int descriptor = ::open(arguments.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(file_error("cannot read", arguments.file), kExitUsage);
  const int code = with_client(arguments.cluster, [&](mq::Client& client) {
    return replay(client, descriptor, arguments, *speed);
  });
  ::close(descriptor);
  return code;
}

}  // namespace slipstream::cli
