#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <tuple>

#include "slipstream/stream/rocketmq.h"

#include "base/log.h"
#include "rocketmq/message/properties.h"
#include "stream/rocketmq_config.h"

namespace slipstream::stream::erased {
namespace {

using rocketmq::Message;
using rocketmq::SendOutcome;
using rocketmq::SendResult;

constexpr std::size_t kUnderWayMax = 1'000;  // sends of one instance
constexpr std::size_t kBytesUnderWayMax = std::size_t{64} << 20;
constexpr std::size_t kBatchBytesMax = std::size_t{1} << 20;

// More than the message takes on the wire.
std::size_t size_of(const Message& message) {
  std::size_t size = 512 + message.topic.size() + message.body.size() + message.tags.size() +
                     message.sharding_key.size();
  for (const std::string& key : message.keys) size += key.size() + 1;
  for (const rocketmq::Property& property : message.properties)
    size += property.name.size() + property.value.size() + 2;
  return size;
}

// A broker that does not answer may answer the next attempt of the job.
Error error_of(const SendResult& result) {
  Error error = result.error;
  error.retryable = result.outcome != SendOutcome::kRefused;
  return error;
}

std::string joined_keys(const Message& message) {
  std::string text;
  for (const std::string& key : message.keys) text += (text.empty() ? "" : " ") + key;
  return text;
}

// A message in an error: its keys, else how its body begins.
std::string name_of(const Message& message) {
  if (!message.keys.empty()) return "the message with keys '" + joined_keys(message) + "'";
  std::string begin = message.body.substr(0, 40);
  for (char& c : begin)
    if (c < ' ' || c > '~') c = '.';
  return "the message '" + begin + "'";
}

// What became of the sends of one instance.
// Thread: any.
class Outcomes {
 public:
  Outcomes(Counter sent, Counter failed) : sent_(sent), failed_(failed) {}

  // Waits for room.
  void begin(std::size_t bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return under_way_ == 0 || (under_way_ < kUnderWayMax && bytes_ + bytes <= kBytesUnderWayMax);
    });
    ++under_way_;
    bytes_ += bytes;
  }
  void end(std::size_t bytes, std::size_t messages, const Status& status) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      --under_way_;
      bytes_ -= bytes;
      first = !status.ok() && failure_.ok();
      if (first) failure_ = status;
      changed_.notify_all();
    }
    count(messages, status);
    if (first) log(LogLevel::kWarn, "rocketmq", "a message was not stored: " + status.to_string());
  }
  void count(std::size_t messages, const Status& status) {
    (status.ok() ? sent_ : failed_).add(static_cast<std::int64_t>(messages));
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ == 0; });
  }
  void throw_failure() const {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) throw Failure(failure_.error());
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
  std::size_t bytes_ = 0;
  Status failure_;  // the first
  Counter sent_;
  Counter failed_;
};

struct SendMode {
  bool async = false;
  std::size_t batch_size = 1;
  MessageQueueSelector select_queue;
};

class ProducerSender final : public MessageSenders::Sender {
 public:
  ProducerSender(std::shared_ptr<rocketmq::Client> client, const SinkConfig& config, SendMode mode,
                 RuntimeContext& context)
      : client_(std::move(client)),
        topic_(config.topic),
        delay_level_(config.delay_level),
        mode_(mode),
        outcomes_(std::make_shared<Outcomes>(
            context.counter("rocketmq_sink_messages_total", "Messages acknowledged by brokers."),
            context.counter("rocketmq_sink_failures_total", "Messages that were given up."))),
        producer_(std::make_unique<rocketmq::Producer>(*client_, config.producer)) {}
  ~ProducerSender() override { producer_.reset(); }

  void send(Message message) override {
    outcomes_->throw_failure();
    add(std::move(message));
    if (kept_.size() >= mode_.batch_size) send_kept();
  }
  void send_list(MessageList messages) override {
    outcomes_->throw_failure();
    for (Message& message : messages) {
      add(std::move(message));
      if (mode_.batch_size > 1 && kept_.size() >= mode_.batch_size) send_kept();
    }
    if (mode_.batch_size == 1) send_kept();
  }

  void flush() override {
    send_kept();
    outcomes_->wait();
    outcomes_->throw_failure();
  }

 private:
  // To those that are kept, or, with a delay, on its way behind them.
  void add(Message message) {
    complete(message);
    const bool delayed = message.delay_level != 0 || message.deliver_at_ms != 0;
    if (delayed) send_kept();
    kept_.push_back(std::move(message));
    if (delayed) send_kept();
  }

  void complete(Message& message) const {
    if (message.topic.empty()) message.topic = topic_;
    if (message.topic.empty()) {
      throw Failure(Error{ErrorCode::kInvalidArgument,
                          "a message has no topic, and there is no property 'producer.topic'"});
    }
    if (message.delay_level == 0 && message.deliver_at_ms == 0) message.delay_level = delay_level_;
    if (mode_.select_queue && !message.queue) message.queue = selected(message);
  }

  rocketmq::MessageQueue selected(const Message& message) const {
    const auto queues = producer_->queues(message.topic);
    if (!queues.ok()) throw Failure(queues.error());
    if (queues->empty()) {
      throw Failure(Error::retry(ErrorCode::kUnavailable,
                                 "topic '" + message.topic + "' has no queue that may be written"));
    }
    rocketmq::MessageQueue queue = mode_.select_queue(*queues, message);
    if (std::find(queues->begin(), queues->end(), queue) != queues->end()) return queue;
    throw Failure(
        Error{ErrorCode::kDataError, "the message queue selector answered " + queue.to_string() +
                                         " for " + name_of(message) + ", which is none of the " +
                                         std::to_string(queues->size()) + " queues of topic '" +
                                         message.topic + "' that may be written"});
  }

  // One batch holds messages of one topic that may go to one queue. Batches go in the order of
  // their first messages, full ones at once.
  void send_kept() {
    MessageList kept = std::exchange(kept_, {});
    if (kept.size() == 1) return give(std::move(kept));
    using Target = std::tuple<std::string, std::string, std::optional<rocketmq::MessageQueue>>;
    struct Open {
      MessageList messages;
      std::size_t bytes = 0;
    };
    std::vector<Open> open;
    std::map<Target, std::size_t> open_of;
    for (Message& message : kept) {
      const std::size_t bytes = size_of(message);
      Target target(message.topic, message.queue ? std::string() : message.sharding_key,
                    message.queue);
      const std::size_t at = open_of.try_emplace(std::move(target), open.size()).first->second;
      if (at == open.size()) open.emplace_back();
      Open& batch = open[at];
      if (!batch.messages.empty() && batch.bytes + bytes > kBatchBytesMax) {
        give(std::exchange(batch.messages, {}));
        batch.bytes = 0;
      }
      batch.bytes += bytes;
      batch.messages.push_back(std::move(message));
    }
    for (Open& batch : open) give(std::move(batch.messages));
  }

  void give(MessageList messages) {
    const std::size_t count = messages.size();
    if (!mode_.async) {
      const SendResult result = count == 1 ? producer_->send_and_wait(std::move(messages.front()))
                                           : producer_->send_batch_and_wait(messages);
      const Status status = result.stored() ? Status() : Status(error_of(result));
      outcomes_->count(count, status);
      if (!status.ok()) throw Failure(status.error());
      return;
    }
    std::size_t bytes = 0;
    for (const Message& message : messages) bytes += size_of(message);
    outcomes_->begin(bytes);
    const auto done = [outcomes = outcomes_, bytes, count](const SendResult& result) {
      outcomes->end(bytes, count, result.stored() ? Status() : Status(error_of(result)));
    };
    const Status taken = count == 1 ? producer_->send(std::move(messages.front()), done)
                                    : producer_->send_batch(messages, done);
    if (!taken.ok()) {
      outcomes_->end(bytes, count, taken);
      outcomes_->throw_failure();
    }
  }

  std::shared_ptr<rocketmq::Client> client_;
  const std::string topic_;
  const std::int32_t delay_level_;
  const SendMode mode_;
  MessageList kept_;
  std::shared_ptr<Outcomes> outcomes_;
  std::unique_ptr<rocketmq::Producer> producer_;
};

}  // namespace

std::vector<std::string> split_keys(const std::string& text) {
  std::vector<std::string> keys;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) keys.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return keys;
}

// One client for all instances that run in this process.
class MessageSenders::Shared {
 public:
  Shared(MessageSinkSettings settings, std::shared_ptr<const JobSettings> job)
      : settings_(std::move(settings)), job_(std::move(job)) {}

  std::unique_ptr<Sender> open(RuntimeContext& context) {
    auto config = read_sink_config(settings_.properties, job_->name);
    if (!config.ok()) throw Failure(config.error());
    // Bounded here, so that the producer never refuses.
    config->producer.in_flight_count_max = 2 * kUnderWayMax;
    config->producer.in_flight_bytes_max = 4 * kBytesUnderWayMax;
    SendMode mode;
    mode.async = settings_.async;
    mode.select_queue = settings_.select_queue;
    if (settings_.batch && job_->checkpoint_interval.count() > 0)
      mode.batch_size = static_cast<std::size_t>(settings_.batch_size);
    return std::make_unique<ProducerSender>(client(config->client), *config, mode, context);
  }

 private:
  std::shared_ptr<rocketmq::Client> client(const rocketmq::ClientOptions& options) {
    const std::lock_guard lock(mutex_);
    if (auto client = client_.lock()) return client;
    auto made = rocketmq::Client::connect(options);
    if (!made.ok()) throw Failure(made.error());
    std::shared_ptr<rocketmq::Client> client = std::move(*made);
    client_ = client;
    return client;
  }

  const MessageSinkSettings settings_;
  const std::shared_ptr<const JobSettings> job_;
  std::mutex mutex_;
  std::weak_ptr<rocketmq::Client> client_;
};

MessageSenders::MessageSenders(const std::shared_ptr<StreamPlan>& plan,
                               MessageSinkSettings settings) {
  const auto job = job_settings(*plan);
  const auto config = read_sink_config(settings.properties, job->name);
  if (!config.ok()) note_error(*plan, config.status());
  if (settings.batch_size < 1) {
    note_error(*plan, Error{ErrorCode::kInvalidArgument, "RocketMQSink: with_batch_size(" +
                                                             std::to_string(settings.batch_size) +
                                                             ") must be at least 1"});
  }
  shared_ = std::make_shared<Shared>(std::move(settings), job);
}
MessageSenders::~MessageSenders() = default;
std::unique_ptr<MessageSenders::Sender> MessageSenders::open(RuntimeContext& context) const {
  return shared_->open(context);
}

}  // namespace slipstream::stream::erased

namespace slipstream::stream {

rocketmq::MessageQueue HashMessageQueueSelector::operator()(
    const std::vector<rocketmq::MessageQueue>& queues, const rocketmq::Message& message) const {
  std::string value;
  if (property_ == rocketmq::property::kKeys) {
    value = erased::joined_keys(message);
  } else if (property_ == rocketmq::property::kTags) {
    value = message.tags;
  } else {
    for (const rocketmq::Property& each : message.properties)
      if (each.name == property_) value = each.value;
  }
  if (!value.empty()) return queues[rocketmq::Producer::queue_of_key(value, queues.size())];
  throw Failure(Error{ErrorCode::kDataError, erased::name_of(message) + " has no property '" +
                                                 property_ + "' for the message queue selector"});
}

}  // namespace slipstream::stream
