#include "connectors/rocketmq/writer.h"

#include <algorithm>
#include <random>

#include <unistd.h>

#include "base/log.h"
#include "base/log_limit.h"
#include "base/try.h"
#include "connectors/rocketmq/shared_client.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::int64_t kAwayMs = 500;

rocketmq::ProducerOptions producer_options(const SinkSettings& settings) {
  rocketmq::ProducerOptions options;
  options.group = settings.group;
  options.total_timeout_ms = settings.send_timeout_ms;
  if (settings.retries_max) options.attempts_max = static_cast<int>(*settings.retries_max) + 1;
  // 0 there: growing pauses.
  if (settings.retry_backoff_ms)
    options.retry_backoff_ms = std::max<std::int64_t>(*settings.retry_backoff_ms, 1);
  return options;
}

BatchSender::Options sender_options(const SinkPlan& plan, const WriterContext& context) {
  BatchSender::Options options;
  options.sends_per_queue = plan.ordered ? 1 : 4;
  options.lossy = plan.settings.guarantee == Guarantee::kNone;
  options.table = plan.settings.table;
  options.wake = context.wake;
  options.metrics = context.metrics;
  options.clock = context.clock;
  return options;
}

rocketmq::UniqueKeyMaker make_keys() {
  std::random_device random;
  const std::uint32_t number = random();
  const std::uint8_t ip[4] = {
      static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U),
      static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
  return rocketmq::UniqueKeyMaker(
      {.ip = ip, .process_id = static_cast<std::uint16_t>(::getpid()), .hash = random()});
}

}  // namespace

rocketmq::Message single_message(const OutMessage& message, const rocketmq::MessageQueue& queue,
                                 const std::string& unique_key) {
  rocketmq::Message single;
  single.topic = message.topic;
  single.body = message.body;
  single.deliver_at_ms = message.deliver_at_ms;
  single.delay_level = message.delay_level;
  single.queue = queue;
  single.unique_key = unique_key;
  rocketmq::PropertyCursor cursor(message.properties);
  rocketmq::PropertyView property;
  while (cursor.next(property)) {
    if (property.name == rocketmq::property::kTags)
      single.tags = property.value;
    else if (property.name == rocketmq::property::kKeys)
      single.keys = rocketmq::split_keys(property.value);
    else if (property.name == rocketmq::property::kShardingKey)
      single.sharding_key = property.value;
    else if (!rocketmq::is_reserved_property(property.name))
      single.properties.push_back({std::string(property.name), std::string(property.value)});
  }
  return single;
}

QueueWriter::QueueWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
                         std::shared_ptr<rocketmq::Client> client,
                         std::unique_ptr<MessageEncoder> encoder)
    : plan_(std::move(plan)),
      client_(std::move(client)),
      encoder_(std::move(encoder)),
      sender_(*client_, producer_options(plan_->settings), sender_options(*plan_, context)),
      queues_(*client_, sender_.producer(), plan_->settings, plan_->hashed, *context.clock),
      row_queues_(plan_),
      keys_(make_keys()),
      clock_(*context.clock),
      again_(std::make_shared<WakeTimer>(context.wake)) {}

QueueWriter::~QueueWriter() { again_->close(); }

Result<std::unique_ptr<SinkWriter>> QueueWriter::make(std::shared_ptr<const SinkPlan> plan,
                                                      WriterContext context) {
  TRY_ASSIGN(auto client, shared_client(plan->settings.client));
  TRY_ASSIGN(auto encoder,
             MessageEncoder::make(plan, plan->ordered ? MessageEncoder::Largest::kInBatch
                                                      : MessageEncoder::Largest::kAlone));
  return std::unique_ptr<SinkWriter>(
      new QueueWriter(std::move(plan), std::move(context), std::move(client), std::move(encoder)));
}

Result<bool> QueueWriter::topic_is_there() {
  const auto topic = queues_.find(plan_->settings.topic);
  if (topic.ok()) {
    if (away_since_ms_ >= 0)
      log(LogLevel::kInfo, "rocketmq", "table '" + plan_->settings.table + "': writing goes on");
    away_since_ms_ = -1;
    return true;
  }
  const Error error = topic.error().with_context("table '" + plan_->settings.table + "'");
  if (!error.retryable || error.code != ErrorCode::kUnavailable) return error;
  const std::int64_t now_ms = clock_.now_ms();
  if (away_since_ms_ < 0) {
    away_since_ms_ = now_ms;
    LogLimit::of_process().log(LogLevel::kWarn, "rocketmq",
                               "writing to topic " + plan_->settings.topic,
                               error.message + "; trying again for 'sink.send-timeout'");
  }
  if (now_ms - away_since_ms_ >= plan_->settings.send_timeout_ms) return error;
  again_->set(*client_, kAwayMs);
  return false;
}

Result<SinkWriter::Write> QueueWriter::write(const Batch& batch, EpochFile* file) {
  static_cast<void>(file);
  TRY(sender_.failure());
  if (sender_.full()) return Write::kFull;
  queues_.read_clock();
  TRY_ASSIGN(const bool there, topic_is_there());
  if (!there) return Write::kFull;
  TRY(encoder_->encode(batch, clock_.wall_ms()));
  row_queues_.read(batch);
  const std::int64_t now = clock_.wall_ms();
  OutMessage message;
  for (std::size_t i = 0; i < encoder_->size(); ++i) {
    const std::string& unique_key = keys_.make(now);
    TRY(encoder_->message(i, unique_key, message));
    TRY(send(message, unique_key));
  }
  hand_over();
  // What comes next goes to another queue.
  if (!row_queues_.places_all()) {
    TRY_ASSIGN(TopicQueues::Topic * topic, queues_.find(plan_->settings.topic));
    ++topic->turn;
  }
  sender_.flush();
  return Write::kAccepted;
}

Status QueueWriter::send(const OutMessage& message, const std::string& unique_key) {
  TRY_ASSIGN(TopicQueues::Topic * topic, queues_.find(message.topic));
  TRY_ASSIGN(const rocketmq::MessageQueue* own, row_queues_.find(message, *topic));
  const rocketmq::MessageQueue& queue = own != nullptr ? *own : topic->current();
  if (message.delayed()) {
    if (own == nullptr) ++topic->turn;
    return sender_.send_single(single_message(message, queue, unique_key));
  }
  // One that is too large for a batch, not for a message. In order it would overtake or be overtaken.
  const bool alone =
      rocketmq::BatchEncoder::entry_size(message.body.size(), message.properties.size()) >
      rocketmq::kMessageBytesMax;
  if (alone && !plan_->ordered) {
    hand_over();
    return sender_.send_single(single_message(message, queue, unique_key));
  }
  if (gathered_for_ != &queue || !gathered_.fits(message.body.size(), message.properties.size())) {
    hand_over();
    gathered_for_ = &queue;
  }
  TRY(gathered_.add(message.body, message.properties));
  if (gathered_.bytes() < BatchSender::kBatchBytes) return {};
  hand_over();
  if (own == nullptr) ++topic->turn;
  return {};
}

void QueueWriter::hand_over() {
  if (gathered_for_ != nullptr) sender_.add(*gathered_for_, gathered_);
  gathered_for_ = nullptr;
}

Result<std::optional<std::string>> QueueWriter::prepare(CheckpointId checkpoint, EpochFile* file) {
  static_cast<void>(checkpoint);
  static_cast<void>(file);
  if (plan_->settings.guarantee == Guarantee::kNone) {
    sender_.flush();
    return std::optional<std::string>("");
  }
  const bool idle = sender_.idle();
  TRY(sender_.failure());
  if (!idle) return std::optional<std::string>();
  return std::optional<std::string>("");
}

}  // namespace slipstream::rocketmq_connector
