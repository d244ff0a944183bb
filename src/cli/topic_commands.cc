#include "cli/topic_commands.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <iostream>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "slipstream/options.h"
#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/producer.h"

#include "base/clock.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/position.h"
#include "cli/run_command.h"
#include "cli/stop_signal.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

constexpr std::size_t kBatchMessages = 128;
constexpr std::size_t kBatchBytes = 1 << 20;
const std::size_t kSendBytesMax = mq::ProducerOptions{}.message_bytes_max;
const std::size_t kUnderWayMax = mq::ProducerOptions{}.in_flight_bytes_max;
constexpr std::int64_t kAwayMs = 200;

Status print_description(mq::Admin& admin, const TopicArguments& arguments) {
  TRY_ASSIGN(const auto bounds, admin.bounds(arguments.topic));
  Listing listing({"broker", "queue", "min offset", "max offset"});
  std::int64_t total = 0;
  for (const mq::OffsetRange& range : bounds) {
    listing.add({range.queue.broker, range.queue.id, range.min_offset, range.max_offset});
    total += range.max_offset - range.min_offset;
  }
  TRY(listing.print(arguments.output));
  if (arguments.output != OutputFormat::kTable) return {};
  return write_all(STDOUT_FILENO, std::to_string(total) + " messages\n");
}

// Lines of a descriptor; does not hold back what has come when more takes its time.
class LineSource {
 public:
  explicit LineSource(int descriptor) : descriptor_(descriptor) {}

  enum class Next : std::uint8_t { kLine, kNothingYet, kEnd };
  // Waits at most wait_ms for more bytes. The last line needs no line break.
  Result<Next> next(std::string* line, int wait_ms) {
    while (true) {
      const std::size_t end = buffer_.find('\n', begin_);
      if (end != std::string::npos) {
        line->assign(buffer_, begin_, end - begin_);
        begin_ = end + 1;
        return Next::kLine;
      }
      buffer_.erase(0, begin_);
      begin_ = 0;
      if (ended_ && buffer_.empty()) return Next::kEnd;
      if (ended_) {
        *line = std::exchange(buffer_, {});
        return Next::kLine;
      }
      if (buffer_.size() > kLongestLine) {
        return Error{ErrorCode::kResourceExhausted,
                     "a line is longer than 4 MiB, the largest message"};
      }
      pollfd waited{descriptor_, POLLIN, 0};
      if (::poll(&waited, 1, wait_ms) == 0) return Next::kNothingYet;
      TRY(fill());
    }
  }

 private:
  static constexpr std::size_t kChunk = std::size_t{64} << 10;
  static constexpr std::size_t kLongestLine = std::size_t{4} << 20;

  Status fill() {
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kChunk);
    const ssize_t count = ::read(descriptor_, buffer_.data() + had, kChunk);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno != EINTR) {
      return Error{ErrorCode::kUnavailable, std::string("reading lines: ") + std::strerror(errno)};
    }
    ended_ = count == 0;
    return {};
  }

  const int descriptor_;
  std::string buffer_;
  std::size_t begin_ = 0;
  bool ended_ = false;
};

// Lines to batches, the queues in turn; counts what is stored. One batch at a time is on its way to
// a queue, so that the lines of a queue keep their order.
class LineSender {
 public:
  LineSender(mq::Client& client, const ProduceArguments& arguments)
      : arguments_(arguments), producer_(client, mq::ProducerOptions{.group = "slipstream_cli"}) {}

  Status open() {
    for (const std::string& property : arguments_.properties) {
      const std::size_t equals = property.find('=');
      if (equals == std::string::npos) {
        return Error{ErrorCode::kInvalidArgument,
                     "--property " + property + ": NAME=VALUE is expected"};
      }
      properties_.push_back({property.substr(0, equals), property.substr(equals + 1)});
    }
    TRY(parse_delay());
    TRY_ASSIGN(bytes_of_empty_, mq::Producer::bytes_in_batch(message_of({})));
    TRY(find_queues());
    busy_.assign(queues_.size(), false);
    return {};
  }

  Status add(std::string line) {
    const std::size_t bytes = line.size() + bytes_of_empty_;
    // A large line goes with the next batch, or alone.
    if (bytes_ + bytes > kSendBytesMax) TRY(send());
    bytes_ += bytes;
    batch_.push_back(message_of(std::move(line)));
    // Brokers take delayed messages one by one.
    if (delay_level_ != 0 || delay_ms_ != 0) return send();
    if (batch_.size() >= kBatchMessages || bytes_ >= kBatchBytes) return send();
    return {};
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
      done(queue, result, count, bytes);
    };
    Status status = count == 1 ? producer_.send(std::move(batch_.front()), stored)
                               : producer_.send_batch(batch_, stored);
    batch_.clear();
    if (!status.ok()) {  // the callback does not run
      mq::SendResult refused;
      refused.error = status.error();
      done(queue, refused, count, bytes);
    }
    return status;
  }

  Status finish() {
    TRY(send());
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return std::find(busy_.begin(), busy_.end(), true) == busy_.end(); });
    return failure_;
  }
  std::int64_t stored() {
    const std::lock_guard lock(mutex_);
    return stored_;
  }

 private:
  // "3" is a level, "30 s" a time.
  Status parse_delay() {
    if (arguments_.delay.empty()) return {};
    if (arguments_.delay.find_first_not_of("0123456789") == std::string::npos) {
      delay_level_ = arguments_.delay.size() < 3 ? std::stoi(arguments_.delay) : 0;
      if (delay_level_ >= 1 && delay_level_ <= 18) return {};
      return Error{ErrorCode::kInvalidArgument,
                   "--delay " + arguments_.delay + ": a level is a number from 1 to 18"};
    }
    TRY_ASSIGN(const auto delay, parse_duration(arguments_.delay));
    delay_ms_ = delay.count();
    return {};
  }

  mq::Message message_of(std::string body) const {
    mq::Message message;
    message.topic = arguments_.topic;
    message.tags = arguments_.tag;
    message.properties = properties_;
    if (!arguments_.key.empty()) message.keys = {arguments_.key};
    message.body = std::move(body);
    message.delay_level = delay_level_;
    if (delay_ms_ > 0) message.deliver_at_ms = SystemClock().wall_ms() + delay_ms_;
    return message;
  }

  // Waits for brokers that are away as long as a send would.
  Status find_queues() {
    const SystemClock clock;
    const std::int64_t deadline_ms = clock.now_ms() + mq::ProducerOptions{}.total_timeout_ms;
    bool logged = false;
    while (true) {
      auto queues = producer_.queues(arguments_.topic);
      if (queues.ok() && queues->empty()) {
        queues = Error::retry(ErrorCode::kUnavailable,
                              "topic '" + arguments_.topic + "' has no writable queue now");
      }
      if (queues.ok()) {
        queues_ = std::move(*queues);
        return {};
      }
      const Error& error = queues.error();
      if (!error.retryable || error.code != ErrorCode::kUnavailable ||
          clock.now_ms() >= deadline_ms)
        return error;
      if (!std::exchange(logged, true)) std::cerr << error.message << "; waiting for it\n";
      std::this_thread::sleep_for(std::chrono::milliseconds(kAwayMs));
    }
  }

  void done(std::size_t queue, const mq::SendResult& result, std::size_t count, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    busy_[queue] = false;
    bytes_under_way_ -= bytes;
    if (result.stored()) {
      stored_ += static_cast<std::int64_t>(count);
    } else if (failure_.ok()) {
      failure_ = result.error;
    }
    idle_.notify_all();
  }

  const ProduceArguments& arguments_;
  std::vector<mq::Property> properties_;
  std::vector<mq::MessageQueue> queues_;
  std::int32_t delay_level_ = 0;
  std::int64_t delay_ms_ = 0;
  std::size_t next_ = 0;
  std::vector<mq::Message> batch_;
  std::size_t bytes_ = 0;           // that batch_ takes
  std::size_t bytes_of_empty_ = 0;  // that a message without a body takes in a batch
  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<bool> busy_;  // by queue
  std::size_t bytes_under_way_ = 0;
  std::int64_t stored_ = 0;
  Status failure_;
  mq::Producer producer_;  // last: its callbacks use the members above
};

Status send_lines(int descriptor, mq::Client& client, const ProduceArguments& arguments,
                  std::int64_t* stored) {
  constexpr int kPatienceMs = 20;
  LineSource source(descriptor);
  LineSender sender(client, arguments);
  TRY(sender.open());
  SystemClock clock;
  const std::int64_t started = clock.now_ms();
  std::int64_t lines = 0;
  std::string line;
  const auto send_all = [&]() -> Status {
    while (true) {
      TRY_ASSIGN(const LineSource::Next next, source.next(&line, kPatienceMs));
      if (next == LineSource::Next::kEnd) return {};
      if (next == LineSource::Next::kNothingYet) {
        TRY(sender.send());
        continue;
      }
      if (line.empty()) continue;  // a message has a body
      TRY(sender.add(line));
      if (arguments.rate <= 0) continue;
      const double due_ms = 1000.0 * static_cast<double>(++lines) / arguments.rate;
      const std::int64_t ahead = static_cast<std::int64_t>(due_ms) - (clock.now_ms() - started);
      if (ahead < kPatienceMs) continue;
      TRY(sender.send());
      std::this_thread::sleep_for(std::chrono::milliseconds(ahead));
    }
  };
  const Status read = send_all();
  const Status finished = sender.finish();
  *stored = sender.stored();
  return read.ok() ? finished : read;
}

std::string unescape(const std::string& format) {
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '\\' || i + 1 == format.size()) {
      text += format[i];
      continue;
    }
    const char next = format[++i];
    text += next == 'n' ? '\n' : next == 't' ? '\t' : next == '0' ? '\0' : next;
  }
  return text;
}

void append_formatted(const mq::ReceivedMessage& message, const std::string& format,
                      std::string& out) {
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    switch (format[++i]) {
      case 't':
        out += message.topic;
        break;
      case 'b':
        out += message.broker;
        break;
      case 'q':
        out += std::to_string(message.queue_id);
        break;
      case 'o':
        out += std::to_string(message.queue_offset);
        break;
      case 'k':
        for (std::size_t k = 0; k < message.keys.size(); ++k)
          out += (k == 0 ? "" : " ") + message.keys[k];
        break;
      case 'g':
        out += message.tags;
        break;
      case 'i':
        out += message.message_id;
        break;
      case 'T':
        out += std::to_string(message.stored_ms);
        break;
      case 's':
        out += message.body;
        break;
      case '%':
        out += '%';
        break;
      default:
        out += '%', out += format[i];
    }
  }
}

Status consume(const ConsumeArguments& arguments, const std::atomic<bool>& stop) {
  TRY_ASSIGN(const Position from, parse_position(arguments.from));
  TRY_ASSIGN(const auto client, connect(arguments.cluster));
  mq::Admin admin(*client);
  TRY_ASSIGN(auto bounds, admin.bounds(arguments.topic));
  TRY(keep_queue(from, arguments.topic, bounds));
  mq::ConsumerOptions options;
  options.group = "slipstream_cli";
  options.member = false;
  options.tags = arguments.tag;
  mq::Consumer consumer(*client, options);
  for (const mq::OffsetRange& range : bounds) TRY(consumer.assign(range.queue, from.start));
  const std::string format = unescape(arguments.format);
  std::int64_t left = arguments.count;
  const auto at_end = [&] {
    for (const mq::QueueProgress& progress : consumer.progress()) {
      for (const mq::OffsetRange& range : bounds) {
        if (range.queue == progress.queue &&
            (progress.position < 0 || progress.position < range.max_offset))
          return false;
      }
    }
    return true;
  };
  std::string text;
  while (!stop && left != 0) {
    TRY_ASSIGN(const auto messages, consumer.receive(200));
    text.clear();
    for (const mq::ReceivedMessage& message : messages) {
      if (left == 0) break;
      append_formatted(message, format, text);
      if (left > 0) --left;
    }
    TRY(write_all(STDOUT_FILENO, text));
    if (messages.empty() && !arguments.follow && at_end()) break;
  }
  return {};
}

}  // namespace

int topic_list_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    TRY_ASSIGN(const auto topics, admin.list_topics());
    if (arguments.output != OutputFormat::kTable) {
      Listing listing({"topic"});
      for (const std::string& topic : topics) listing.add({topic});
      return listing.print(arguments.output);
    }
    std::string text;
    for (const std::string& topic : topics) text += topic + "\n";
    return write_all(STDOUT_FILENO, text);
  });
}

int topic_create_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    mq::TopicSpec spec;
    spec.topic = arguments.topic;
    spec.read_queues = spec.write_queues = arguments.queues;
    return admin.create_topic(spec);
  });
}

int topic_describe_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return print_description(admin, arguments); });
}

int topic_delete_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return admin.delete_topic(arguments.topic); });
}

int topic_widen_command(const TopicArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) {
    return admin.widen_topic(arguments.topic, arguments.queues);
  });
}

int produce_command(const ProduceArguments& arguments) {
  const auto client = connect(arguments.cluster);
  if (!client.ok()) return report(client.status());
  std::int64_t stored = 0;
  Status status;
  if (arguments.file == "-") {
    status = send_lines(STDIN_FILENO, **client, arguments, &stored);
  } else {
    const int file = ::open(arguments.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      return report(Error{ErrorCode::kNotFound,
                          "cannot read '" + arguments.file + "': " + std::strerror(errno)});
    }
    status = send_lines(file, **client, arguments, &stored);
    ::close(file);
  }
  std::cerr << stored << " messages stored in topic " << arguments.topic << '\n';
  return report(status);
}

int consume_command(const ConsumeArguments& arguments) {
  std::atomic<bool> stop{false};
  const StopSignal signals([&stop](int count) {
    stop = true;
    if (count > 1) _exit(130);
  });
  const Status status = consume(arguments, stop);
  if (!status.ok() && status.error().code == ErrorCode::kCancelled) return kExitOk;
  return report(status);
}

}  // namespace slipstream::cli
