#include "cli/produce_command.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "slipstream/options.h"
#include "slipstream/rocketmq/producer.h"

#include "base/clock.h"
#include "base/try.h"
#include "cli/line_source.h"
#include "cli/message_format.h"
#include "cli/report.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

constexpr std::size_t kBatchMessages = 128;
constexpr std::size_t kBatchBytes = 1 << 20;
constexpr std::size_t kLongestBody = std::size_t{4} << 20;
constexpr std::size_t kLongestEnvelope = std::size_t{24} << 20;  // every byte escaped
constexpr int kPatienceMs = 20;
const std::size_t kSendBytesMax = mq::ProducerOptions{}.message_bytes_max;
const std::size_t kUnderWayMax = mq::ProducerOptions{}.in_flight_bytes_max;
constexpr std::int64_t kAwayMs = 200;
// A broker that is slow to answer has mostly stored what it got: sent again too early, lines are
// there twice. A connection that is lost is noticed without it.
constexpr std::int64_t kAttemptMs = 10'000;

Error bad(std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; }

// What options say of every message. Immutable once made.
class MessageMaker {
 public:
  static Result<MessageMaker> make(const ProduceArguments& arguments) {
    MessageMaker made;
    made.json_ = arguments.json;
    made.separator_ = unescaped(arguments.key_separator);
    if (made.json_ && !made.separator_.empty())
      return bad("--json and --key-separator exclude each other: an envelope has its keys");
    if (!arguments.key.empty() && !made.separator_.empty())
      return bad("--key and --key-separator exclude each other: each line has its key");
    mq::Message& message = made.template_;
    message.topic = arguments.topic;
    message.tags = arguments.tag;
    if (!arguments.key.empty()) message.keys = {arguments.key};
    for (const std::string& property : arguments.properties) {
      const std::size_t equals = property.find('=');
      if (equals == std::string::npos)
        return bad("--property " + property + ": NAME=VALUE is expected");
      message.properties.push_back({property.substr(0, equals), property.substr(equals + 1)});
    }
    TRY(made.parse_delay(arguments.delay));
    return made;
  }

  // Brokers take delayed messages one by one.
  bool delayed() const { return template_.delay_level != 0 || delay_ms_ != 0; }

  Result<mq::Message> message(std::string line) const {
    mq::Message message = template_;
    if (delay_ms_ > 0) message.deliver_at_ms = SystemClock().wall_ms() + delay_ms_;
    if (json_) {
      TRY(mq::read_envelope(line, message));
    } else if (!separator_.empty()) {
      const std::size_t at = line.find(separator_);
      if (at == std::string::npos) return bad("it has no key separator '" + separator_ + "'");
      if (at > 0) message.keys = {line.substr(0, at)};
      message.body = line.substr(at + separator_.size());
    } else {
      message.body = std::move(line);
    }
    return message;
  }

 private:
  // "3" is a level, "30 s" a time.
  Status parse_delay(const std::string& delay) {
    if (delay.empty()) return {};
    if (delay.find_first_not_of("0123456789") == std::string::npos) {
      template_.delay_level = delay.size() < 3 ? std::stoi(delay) : 0;
      if (template_.delay_level >= 1 && template_.delay_level <= 18) return {};
      return bad("--delay " + delay + ": a level is a number from 1 to 18");
    }
    auto parsed = parse_duration(delay);
    if (!parsed.ok()) return std::move(parsed).error().with_context("--delay");
    delay_ms_ = parsed->count();
    return {};
  }

  mq::Message template_;
  std::int64_t delay_ms_ = 0;
  bool json_ = false;
  std::string separator_;
};

// Messages to batches, the queues in turn; counts what is stored. One batch at a time is on its way
// to a queue, so that the lines of a queue keep their order.
class BatchSender {
 public:
  explicit BatchSender(mq::Client& client)
      : producer_(client, mq::ProducerOptions{.group = "slipstream_cli",
                                              .attempt_timeout_ms = kAttemptMs}) {}

  // Waits for brokers that are away as long as a send would.
  Status open(const std::string& topic) {
    const SystemClock clock;
    const std::int64_t deadline_ms = clock.now_ms() + mq::ProducerOptions{}.total_timeout_ms;
    bool notified = false;
    while (true) {
      auto queues = producer_.queues(topic);
      if (queues.ok() && queues->empty()) {
        queues = Error::retry(ErrorCode::kUnavailable,
                              "topic '" + topic + "' has no writable queue now");
      }
      if (queues.ok()) {
        queues_ = std::move(*queues);
        busy_.assign(queues_.size(), false);
        return {};
      }
      const Error& error = queues.error();
      if (!error.retryable || error.code != ErrorCode::kUnavailable ||
          clock.now_ms() >= deadline_ms)
        return error;
      if (!std::exchange(notified, true)) notify(error.message + "; waiting for it");
      std::this_thread::sleep_for(std::chrono::milliseconds(kAwayMs));
    }
  }

  Status add(mq::Message message) {
    TRY_ASSIGN(const std::size_t bytes, mq::Producer::bytes_in_batch(message));
    // A large message goes with the next batch, or alone.
    if (bytes_ + bytes > kSendBytesMax) TRY(send());
    bytes_ += bytes;
    batch_.push_back(std::move(message));
    return batch_.size() >= kBatchMessages || bytes_ >= kBatchBytes ? send() : Status();
  }

  Status send() {
    if (batch_.empty()) return {};
    const std::size_t queue = next_++ % queues_.size();
    {
      std::unique_lock lock(mutex_);
      // Topics of many queues: the producer takes so many bytes under way.
      idle_.wait(lock, [&] {
        return !busy_[queue] &&
               (bytes_under_way_ == 0 || bytes_under_way_ + bytes_ <= kUnderWayMax);
      });
      if (!failure_.ok()) return failure_;
      busy_[queue] = true;
      bytes_under_way_ += bytes_;
    }
    batch_.front().queue = queues_[queue];
    const std::size_t count = batch_.size();
    const std::size_t bytes = std::exchange(bytes_, 0);
    const auto stored = [this, queue, count, bytes](const mq::SendResult& result) {
      done(queue, result.stored() ? Status() : Status(result.error), count, bytes);
    };
    Status status = count == 1 ? producer_.send(std::move(batch_.front()), stored)
                               : producer_.send_batch(batch_, stored);
    batch_.clear();
    // Refused: nobody will call back.
    if (!status.ok()) done(queue, status, count, bytes);
    return status;
  }

  Status finish() {
    const Status sent = send();
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return std::find(busy_.begin(), busy_.end(), true) == busy_.end(); });
    return sent.ok() ? failure_ : sent;
  }
  std::int64_t stored() {
    const std::lock_guard lock(mutex_);
    return stored_;
  }

 private:
  void done(std::size_t queue, const Status& status, std::size_t count, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    busy_[queue] = false;
    bytes_under_way_ -= bytes;
    if (status.ok()) {
      stored_ += static_cast<std::int64_t>(count);
    } else if (failure_.ok()) {
      failure_ = status;
    }
    idle_.notify_all();
  }

  std::vector<mq::MessageQueue> queues_;
  std::size_t next_ = 0;
  std::vector<mq::Message> batch_;
  std::size_t bytes_ = 0;  // that batch_ takes
  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<bool> busy_;  // by queue
  std::size_t bytes_under_way_ = 0;
  std::int64_t stored_ = 0;
  Status failure_;
  mq::Producer producer_;  // last: its callbacks use the members above
};

// Reads, sends, keeps the rate. Until the end of the lines or the first failure.
Status send_lines(int descriptor, const ProduceArguments& arguments, const MessageMaker& maker,
                  BatchSender& sender) {
  LineSource source(descriptor, arguments.json ? kLongestEnvelope : kLongestBody);
  SystemClock clock;
  const std::int64_t started = clock.now_ms();
  std::int64_t messages = 0;
  std::string line;
  while (true) {
    TRY_ASSIGN(const LineSource::Next next, source.next(&line, kPatienceMs));
    if (next == LineSource::Next::kEnd) return {};
    if (next == LineSource::Next::kNothingYet) {
      TRY(sender.send());
      continue;
    }
    if (line.empty()) continue;  // a message has a body
    const std::string place = "line " + std::to_string(source.lines());
    auto message = maker.message(std::move(line));
    if (!message.ok()) return std::move(message).error().with_context(place);
    TRY(sender.add(std::move(*message)).with_context(place));
    if (maker.delayed()) TRY(sender.send());
    if (arguments.rate <= 0) continue;
    const double due_ms = 1000.0 * static_cast<double>(++messages) / arguments.rate;
    const std::int64_t ahead = static_cast<std::int64_t>(due_ms) - (clock.now_ms() - started);
    if (ahead < kPatienceMs) continue;
    TRY(sender.send());
    std::this_thread::sleep_for(std::chrono::milliseconds(ahead));
  }
}

Status produce(int descriptor, mq::Client& client, const ProduceArguments& arguments,
               const MessageMaker& maker) {
  const SystemClock clock;
  const std::int64_t started_ms = clock.now_ms();
  BatchSender sender(client);
  Status status = sender.open(arguments.topic);
  if (status.ok()) {
    Rate rate;
    const Progress progress(arguments.progress, [&]() -> ProgressFacts {
      rate.observe(clock.now_ms(), sender.stored());
      return {counted(sender.stored(), "message") + " stored", grouped(rate.per_second()) + "/s",
              "topic " + arguments.topic};
    });
    const Status sent = send_lines(descriptor, arguments, maker, sender);
    const Status finished = sender.finish();
    status = sent.ok() ? finished : sent;
  }
  if (!arguments.progress.quiet) {
    notify(counted(sender.stored(), "message") + " stored in topic " + arguments.topic + ", " +
           pace_text(sender.stored(), clock.now_ms() - started_ms));
  }
  return status;
}

}  // namespace

int produce_command(const ProduceArguments& arguments) {
  const auto maker = MessageMaker::make(arguments);
  if (!maker.ok()) return fail(maker.error(), kExitUsage);
  int descriptor = STDIN_FILENO;
  if (arguments.file != "-") {
    descriptor = ::open(arguments.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      return fail(Error{ErrorCode::kNotFound,
                        "cannot read '" + arguments.file + "': " + std::strerror(errno)},
                  kExitUsage);
    }
  }
  const int code = with_client(arguments.cluster, [&](mq::Client& client) {
    return produce(descriptor, client, arguments, *maker);
  });
  if (descriptor != STDIN_FILENO) ::close(descriptor);
  return code;
}

}  // namespace slipstream::cli
