#include "connectors/rocketmq/epoch_writer.h"

#include <optional>
#include <set>

#include "slipstream/rocketmq/admin.h"

#include "base/mutex.h"
#include "base/try.h"
#include "connectors/rocketmq/metrics.h"
#include "connectors/rocketmq/shared_client.h"

namespace slipstream::rocketmq_connector {

using rocketmq::MessageQueue;

namespace {
constexpr std::size_t kSealBytes = std::size_t{256} << 10;
constexpr std::int64_t kAskAgainMs = 200;
}  // namespace

// The newest max offset known of each queue. An older one is a bound as well: offsets of a queue
// only grow.
class EpochWriter::Bounds : public std::enable_shared_from_this<Bounds> {
 public:
  Bounds(rocketmq::Client& client, std::function<void()> wake)
      : client_(&client), wake_(std::move(wake)) {}

  // Asks unless an answer is awaited.
  void ask(const MessageQueue& queue) {
    {
      MutexLock lock(mutex_);
      if (closed_ || !awaited_.insert(queue).second) return;
    }
    request(queue);
  }
  std::optional<std::int64_t> find(const MessageQueue& queue) {
    MutexLock lock(mutex_);
    const auto known = known_.find(queue);
    if (known == known_.end()) return std::nullopt;
    return known->second;
  }
  void close() {
    MutexLock lock(mutex_);
    closed_ = true;
    wake_ = {};
  }

 private:
  void request(const MessageQueue& queue) {
    if (closed()) return;
    rocketmq::Admin(*client_).max_offset_async(
        queue, [self = shared_from_this(), queue](const Result<std::int64_t>& offset) {
          self->answered(queue, offset);
        });
  }
  // On the client's thread.
  void answered(const MessageQueue& queue, const Result<std::int64_t>& offset) {
    if (closed()) return;
    if (!offset.ok()) {
      client_->run_after(kAskAgainMs, [self = shared_from_this(), queue] { self->request(queue); });
      return;
    }
    MutexLock lock(mutex_);
    awaited_.erase(queue);
    const bool first = known_.insert_or_assign(queue, *offset).second;
    if (first && wake_) wake_();
  }
  bool closed() {
    MutexLock lock(mutex_);
    return closed_;
  }

  rocketmq::Client* const client_;  // used only while not closed
  Mutex mutex_;
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::set<MessageQueue> awaited_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<MessageQueue, std::int64_t> known_ SLIPSTREAM_GUARDED_BY(mutex_);
};

EpochWriter::EpochWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
                         std::shared_ptr<rocketmq::Client> client,
                         std::unique_ptr<MessageEncoder> encoder)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      client_(std::move(client)),
      encoder_(std::move(encoder)),
      routes_(*client_, rocketmq::ProducerOptions{.group = plan_->settings.group}),
      queues_(*client_, routes_, plan_->settings, plan_->hashed, *context_.clock),
      row_queues_(plan_),
      bounds_(std::make_shared<Bounds>(*client_, context_.wake)) {
  sealed_ = kSinkSealed.in(context_.metrics);
  begin_epoch();
}

EpochWriter::~EpochWriter() { bounds_->close(); }

Result<std::unique_ptr<SinkWriter>> EpochWriter::make(std::shared_ptr<const SinkPlan> plan,
                                                      WriterContext context) {
  TRY_ASSIGN(auto client, shared_client(plan->settings.client));
  TRY_ASSIGN(auto encoder, MessageEncoder::make(plan, MessageEncoder::Largest::kInBatch));
  std::unique_ptr<EpochWriter> writer(
      new EpochWriter(plan, std::move(context), std::move(client), std::move(encoder)));
  TRY_ASSIGN(const TopicQueues::Topic* topic, writer->queues_.find(plan->settings.topic));
  for (const MessageQueue& queue : topic->queues) writer->bounds_->ask(queue);
  return std::unique_ptr<SinkWriter>(std::move(writer));
}

void EpochWriter::begin_epoch() {
  const std::uint64_t number = epoch_.series.epoch + 1;
  epoch_ = EpochHandle{};
  epoch_.series = StampSeries{context_.attempt_token, sink_hash(plan_->uid), number,
                              static_cast<std::uint16_t>(context_.subtask)};
  epoch_.ordered = plan_->ordered;
  prefix_ = stamp_prefix(epoch_.series);
  lanes_.clear();
  last_ = nullptr;
  last_queue_ = nullptr;
}

Result<SinkWriter::Write> EpochWriter::write(const Batch& batch, EpochFile* file) {
  CHECK(file != nullptr);
  TRY(encoder_->encode(batch, context_.clock->wall_ms()));
  row_queues_.read(batch);
  queues_.read_clock();
  last_queue_ = nullptr;  // queues may be others from here on
  OutMessage message;
  for (std::size_t i = 0; i < encoder_->size(); ++i) {
    make_stamp(prefix_, epoch_.messages, stamp_);
    TRY(encoder_->message(i, stamp_, message));
    TRY(add(message, *file));
    ++epoch_.messages;
  }
  return Write::kAccepted;
}

Status EpochWriter::add(const OutMessage& message, EpochFile& file) {
  TRY_ASSIGN(TopicQueues::Topic * topic, queues_.find(message.topic));
  TRY_ASSIGN(const MessageQueue* own, row_queues_.find(message, *topic));
  const MessageQueue* queue = own != nullptr ? own : &topic->current();
  if (last_queue_ != queue) {
    last_ = &lane_of(*queue);
    last_queue_ = queue;
  }
  Lane& lane = *last_;
  if (!lane.pending.fits(message.body.size(), message.properties.size())) TRY(seal(lane, file));
  TRY(lane.pending.add(message.body, message.properties));
  if (lane.pending.bytes() < kSealBytes) return {};
  if (own == nullptr) ++topic->turn;
  return seal(lane, file);
}

EpochWriter::Lane& EpochWriter::lane_of(const MessageQueue& queue) {
  const auto [at, fresh] = lanes_.try_emplace(queue);
  if (fresh) {
    at->second.index = static_cast<std::uint32_t>(epoch_.queues.size());
    epoch_.queues.push_back(EpochQueue{queue, 0});
    bounds_->ask(queue);
  }
  return at->second;
}

Status EpochWriter::seal(Lane& lane, EpochFile& file) {
  if (lane.pending.empty()) return {};
  EpochBatchHead head;
  head.queue = lane.index;
  head.count = static_cast<std::uint32_t>(lane.pending.count());
  head.body_bytes = static_cast<std::uint32_t>(lane.pending.bytes());
  TRY(append_epoch_batch(head, lane.pending.text(), file));
  lane.pending.clear();
  ++epoch_.batches;
  return {};
}

Result<std::optional<std::string>> EpochWriter::prepare(CheckpointId checkpoint, EpochFile* file) {
  static_cast<void>(checkpoint);
  if (epoch_.messages == 0) return std::optional<std::string>("");
  CHECK(file != nullptr);
  for (EpochQueue& each : epoch_.queues) {
    const auto lower = bounds_->find(each.queue);
    if (!lower) return std::optional<std::string>();
    each.lower = *lower;
  }
  for (auto& [queue, lane] : lanes_) TRY(seal(lane, *file));
  epoch_.sealed_ms = context_.clock->wall_ms();
  sealed_->fetch_add(static_cast<std::int64_t>(epoch_.messages), std::memory_order_relaxed);
  std::string handle = encode_epoch_handle(epoch_);
  // The next epoch's bounds, and a queue that takes turns.
  for (const EpochQueue& each : epoch_.queues) bounds_->ask(each.queue);
  begin_epoch();
  if (!row_queues_.places_all()) {
    TRY_ASSIGN(TopicQueues::Topic * topic, queues_.find(plan_->settings.topic));
    ++topic->turn;
    bounds_->ask(topic->current());
  }
  return std::optional<std::string>(std::move(handle));
}

}  // namespace slipstream::rocketmq_connector
