// 1. poll() takes frames from the consumer until the batch is full.
// 2. gather() walks records of a frame, decode() gives their bodies to the row assembler.
// 3. look_at_queues() says what the consumer knows of the queues; EmptinessProofs decides what
// follows.
#include "connectors/rocketmq/reader.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/try.h"
#include "connectors/rocketmq/metrics.h"
#include "connectors/rocketmq/shared_client.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {

using rocketmq::MessageQueue;
using rocketmq::PulledFrame;
using rocketmq::RecordView;
using rocketmq::UnreadableRecord;

namespace {

constexpr int kReadAgainMax = 3;  // when what came cannot be read
constexpr std::string_view kGoOnWithout =
    "; set 'decode.errors' = 'skip' or 'dead-letter' to go on without such messages";

rocketmq::ConsumerOptions consumer_options(const RowPlan& plan, bool narrowed,
                                           const BufferMemory& memory) {
  rocketmq::ConsumerOptions options;
  options.group = plan.settings->group;
  std::string tags;
  for (const std::string& tag : plan.tags) tags += (tags.empty() ? "" : " || ") + tag;
  if (!tags.empty()) options.tags = tags;
  options.sql = narrowed ? plan.narrowing : plan.settings->sql;
  options.messages_per_pull_max = plan.settings->pull_messages_max;
  options.pulls_per_queue_max = plan.settings->pulls_per_queue_max;
  options.suspend_ms = plan.settings->pull_wait_ms;
  options.call_timeout_ms = std::max<std::int64_t>(30'000, options.suspend_ms + 15'000);
  options.pause_when_empty_ms = plan.settings->pause_when_empty_ms;
  options.out_of_range = plan.settings->out_of_range;
  options.deleted_topics_leave = plan.settings->topics.several();
  options.memory = memory;
  return options;
}

}  // namespace

// Bytes of a frame and bodies unpacked from it, as long as a column refers to them.
class QueueRowReader::ReceivedBytes final : public Buffer {
 public:
  ReceivedBytes(std::shared_ptr<const void> owner, std::size_t size)
      : owner_(std::move(owner)), bytes_(size) {}
  std::size_t bytes() const override { return bytes_.load(std::memory_order_relaxed); }
  std::string& keep(std::string bytes) {
    bytes_.fetch_add(bytes.size(), std::memory_order_relaxed);
    return unpacked_.emplace_back(std::move(bytes));
  }

 private:
  const std::shared_ptr<const void> owner_;
  std::deque<std::string> unpacked_;
  std::atomic<std::size_t> bytes_;
};

// Records of one frame that are decoded together.
struct QueueRowReader::Chunk {
  std::vector<RecordView> records;
  std::vector<std::string_view> bodies;
  std::vector<std::string_view> keys;        // when the table decodes them
  std::vector<UnreadableRecord> unreadable;  // passed over
  std::size_t padded = 0;                    // so many bodies from the front have room behind them
  std::size_t bytes = 0;
  std::int64_t next = 0;  // offset behind the last record seen
  bool frame_done = false;
  // Why the frame is not read on behind the chunk, and at which offset when that is known.
  std::optional<Error> failure;
  std::optional<std::int64_t> failed_at;
};

QueueRowReader::QueueRowReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                               std::shared_ptr<rocketmq::Client> client,
                               std::unique_ptr<connector_kit::RowAssembler> rows)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      client_(std::move(client)),
      rows_(std::move(rows)),
      group_offsets_(plan_->settings->table, client_->clock()),
      timer_(std::make_shared<WakeTimer>(context_.wake)),
      watch_(std::make_shared<ProofWatch>(*client_, Proofs::kAskMs, context_.wake,
                                          context_.proofs_outdated_until_ms)),
      narrowed_(!plan_->narrowing.empty()),
      out_of_range_(kSourceOutOfRange.in(context_.metrics)),
      metrics_(context_.metrics, *client_) {
  make_consumer();
  for (const ReadColumn& column : plan_->metadata) {
    metadata_.push_back([this, &column](std::span<const std::uint32_t> bodies, ColumnBuilder& out) {
      const MessageQueue* queue = frame_->pulled.queue.get();
      for (const std::uint32_t body : bodies)
        append_metadata(
            column, MessageOrigin{queue, &chunk_->records[body], plan_->settings->name_space}, out);
    });
  }
}

QueueRowReader::~QueueRowReader() {
  timer_->close();
  watch_->close();
}

Result<std::unique_ptr<SourceReader>> QueueRowReader::make(std::shared_ptr<const RowPlan> plan,
                                                           ReaderContext context) {
  TRY_ASSIGN(auto client, shared_client(plan->settings->client));
  const Metrics& metrics = context.metrics;
  TRY_ASSIGN(auto rows, connector_kit::RowAssembler::make(
                            plan->rows, context.batch_rows,
                            {kSourceMessages.in(metrics), kSourceBodyBytes.in(metrics),
                             kSourceDecodeErrors.in(metrics), kSourceIgnored.in(metrics)},
                            std::string(kGoOnWithout)));
  return std::unique_ptr<SourceReader>(
      new QueueRowReader(std::move(plan), std::move(context), std::move(client), std::move(rows)));
}

Status QueueRowReader::add_split(std::uint32_t index, const Split& split) {
  TRY_ASSIGN(const QueuePosition position, decode_split(split));
  State& state = splits_[index];
  state.position = position;
  rows_->event(SplitEvent{index, SplitAdded{}});
  if (position.end != kNoEnd && position.next >= position.end) {
    state.ended = true;
    rows_->event(SplitEvent{index, SplitEnded{}});
    return {};
  }
  return assign(index, position);
}

void QueueRowReader::make_consumer() {
  consumer_ = std::make_unique<rocketmq::Consumer>(
      *client_, consumer_options(*plan_, narrowed_, context_.memory));
  consumer_->set_wake(context_.wake);
}

Status QueueRowReader::assign(std::uint32_t index, const QueuePosition& position) {
  const auto start = position.next == kFirstOffset
                         ? rocketmq::StartPosition::earliest()
                         : rocketmq::StartPosition::offset(position.next, position.last_read);
  return consumer_->assign(position.queue, start, index);
}

// Most brokers do not filter, and the user did not ask them to.
Result<std::optional<PulledFrame>> QueueRowReader::poll_consumer() {
  auto pulled = consumer_->poll();
  const bool refused = !pulled.ok() && pulled.error().code == ErrorCode::kInvalidArgument;
  if (!narrowed_ || !refused) return pulled;
  TRY(read_whole(pulled.error()));
  return consumer_->poll();
}

Status QueueRowReader::read_whole(const Error& refusal) {
  LogLimit::of_process().log(LogLevel::kInfo, "rocketmq", "filter of " + plan_->settings->table,
                             "table '" + plan_->settings->table + "': no filter at brokers (" +
                                 refusal.message +
                                 "); everything is read, and WHERE works here alone");
  narrowed_ = false;
  make_consumer();
  resumed_.clear();
  for (auto& [index, state] : splits_) {
    state.held.clear();
    if (state.ended) continue;
    TRY(assign(index, state.position));
    if (state.paused) consumer_->pause(state.position.queue);
  }
  apply_read_order();
  return {};
}

Result<SourceReader::Poll> QueueRowReader::poll(SourceBatch* out, Batch* rejected) {
  rows_->begin();
  bool wait = false;
  if (proofs_.waiting()) {
    TRY_ASSIGN(const auto facts, look_at_queues());
    wait = proofs_.rows_must_wait(facts, client_->clock().now_ms());
  }
  while (!wait && !rows_->full()) {
    TRY_ASSIGN(const bool some, next_frame());
    if (!some) break;
    TRY(read_frame());
  }
  rows_->give_rejected(rejected);
  TRY(give_proofs());
  out_of_range_->store(static_cast<std::int64_t>(consumer_->out_of_range_count()));
  if (!rows_->empty()) {
    rows_->finish(out);
    if (out->rows.rows() > 0) {
      metrics_.given(static_cast<std::int64_t>(out->rows.rows()), body_bytes_, born_ms_,
                     received_ms_);
      body_bytes_ = 0;
    }
    return Poll::kBatch;
  }
  if (all_ended()) return Poll::kEnd;
  if (rows_->full()) context_.wake();  // so many bodies and not one row
  return Poll::kNothing;
}

bool QueueRowReader::all_ended() const {
  return std::all_of(splits_.begin(), splits_.end(),
                     [](const auto& each) { return each.second.ended; });
}

// Makes frame_ the frame to read; false when there is none now.
Result<bool> QueueRowReader::next_frame() {
  if (frame_) return true;
  std::optional<PulledFrame> pulled;
  while (!resumed_.empty() && !pulled) {
    State& state = splits_.at(resumed_.front());
    if (state.paused || state.ended || state.held.empty()) {
      resumed_.pop_front();
      continue;
    }
    pulled = std::move(state.held.front());
    state.held.pop_front();
  }
  while (!pulled) {
    TRY_ASSIGN(pulled, poll_consumer());
    if (!pulled) return false;
    State& state = splits_.at(static_cast<std::uint32_t>(pulled->tag));
    if (state.ended) {
      pulled.reset();
    } else if (state.paused || !state.held.empty()) {
      state.held.push_back(std::move(*pulled));
      pulled.reset();
    }
  }
  frame_ = std::make_unique<Frame>();
  frame_->split = static_cast<std::uint32_t>(pulled->tag);
  frame_->pulled = std::move(*pulled);
  frame_->buffer =
      std::make_shared<ReceivedBytes>(frame_->pulled.owner, frame_->pulled.records.size());
  QueuePosition& position = splits_.at(frame_->split).position;
  if (frame_->pulled.begin_offset < position.next) {
    // The policy for lost offsets decided so, or it is another topic.
    position.next = frame_->pulled.begin_offset;
    position.last_read.reset();
  }
  rocketmq::RecordCursorOptions options;
  options.check_crc = true;
  options.first_offset = frame_->pulled.begin_offset;
  options.offset_delta = frame_->pulled.offset_delta;
  options.queue_id = frame_->pulled.queue->id;
  frame_->cursor = std::make_unique<rocketmq::RecordCursor>(frame_->pulled.records, options);
  return true;
}

// Brokers compare hashes of tags only.
bool QueueRowReader::wanted(const RecordView& record) const {
  if (plan_->tags.empty()) return true;
  const auto tag = rocketmq::find_property(record.properties, rocketmq::property::kTags);
  return tag && std::find(plan_->tags.begin(), plan_->tags.end(), *tag) != plan_->tags.end();
}

Status QueueRowReader::add_body(Chunk& chunk, const RecordView& record) {
  std::string_view body = as_text(record.body);
  const auto* frame_end = frame_->pulled.records.data() + frame_->pulled.records.size();
  // Inner messages of a batch record may lie in unpacked bytes, outside of the frame.
  const bool in_frame =
      record.body.data() >= frame_->pulled.records.data() && record.body.data() <= frame_end;
  if (record.compressed() || !in_frame) {
    std::string unpacked;
    TRY(rocketmq::decompress_body(record, unpacked));
    const std::size_t size = unpacked.size();
    unpacked.resize(size + format::kBodyPadding);
    body = std::string_view(frame_->buffer->keep(std::move(unpacked))).substr(0, size);
    if (chunk.padded == chunk.bodies.size()) ++chunk.padded;
  } else if (chunk.padded == chunk.bodies.size() &&
             static_cast<std::size_t>(frame_end - record.body.data()) >=
                 record.body.size() + format::kBodyPadding) {
    ++chunk.padded;
  }
  chunk.bodies.push_back(body);
  if (plan_->rows->key) {
    const auto key = rocketmq::find_property(record.properties, rocketmq::property::kKeys);
    chunk.keys.push_back(key.value_or(std::string_view()));
  }
  chunk.records.push_back(record);
  chunk.bytes += body.size();
  return {};
}

// Records until the batch is full, the frame is read or cannot be read on, or the split ends.
void QueueRowReader::gather(Chunk& chunk) {
  const std::size_t rows_max = rows_->room();
  RecordView record;
  while (chunk.bodies.size() < rows_max &&
         rows_->bytes() + chunk.bytes < connector_kit::RowAssembler::kBytesMax) {
    if (!frame_->cursor->next(record)) {
      if (!frame_->cursor->status().ok()) {
        if (pass_over(chunk)) continue;
        return;
      }
      chunk.frame_done = true;
      chunk.next = std::max(chunk.next, frame_->pulled.next_offset);
      return;
    }
    if (record.queue_offset < frame_->pulled.begin_offset) continue;
    if (end_at(chunk, record.queue_offset)) return;
    if (wanted(record)) {
      const Status added = add_body(chunk, record);
      if (!added.ok() && !keep_unreadable(chunk, {record, added.error()}, record.queue_offset + 1))
        return;
    }
    chunk.next = record.queue_offset + 1;
  }
}

// Nothing is read from the end of the split on.
bool QueueRowReader::end_at(Chunk& chunk, std::int64_t offset) const {
  const std::int64_t end = splits_.at(frame_->split).position.end;
  if (end == kNoEnd || offset < end) return false;
  chunk.frame_done = true;
  chunk.next = end;
  return true;
}

// Goes on behind what ended the walk; false when the chunk ends there.
bool QueueRowReader::pass_over(Chunk& chunk) {
  rocketmq::RecordCursor& cursor = *frame_->cursor;
  if (!cursor.failed()) {
    chunk.failure = cursor.status().error();
    return false;
  }
  UnreadableRecord unreadable = *cursor.failed();
  const std::int64_t begin = frame_->pulled.begin_offset;
  const auto behind = cursor.offset_behind_failed(frame_->pulled.next_offset);
  if (behind && *behind <= begin) return cursor.pass_over();  // it was in an earlier frame
  std::int64_t& offset = unreadable.record.queue_offset;
  offset = std::max(offset, begin);
  if (end_at(chunk, offset)) return false;
  if (unreadable.record.inner_batch()) {
    unreadable.error =
        unreadable.error.with_context("batch of messages, which cannot be read from offset " +
                                      std::to_string(offset) + " to its end");
  }
  if (!keep_unreadable(chunk, unreadable, behind)) return false;
  chunk.next = std::max(chunk.next, *behind);
  return cursor.pass_over();
}

// What stayed so is treated as a body that is no row; false when it must be read again, or fails the
// job.
bool QueueRowReader::keep_unreadable(Chunk& chunk, const UnreadableRecord& unreadable,
                                     std::optional<std::int64_t> behind) const {
  const State& state = splits_.at(frame_->split);
  const RecordView& record = unreadable.record;
  const bool stays = state.unreadable_at == record.queue_offset &&
                     state.read_again == kReadAgainMax &&
                     unreadable.error.code != ErrorCode::kInternal;
  if (!stays || !behind || plan_->settings->decode_errors == connector_kit::DecodeErrors::kFail) {
    chunk.failure = unreadable.error;
    chunk.failed_at = record.queue_offset;
    return false;
  }
  // Messages of a batch have tags of their own.
  if (record.inner_batch() || wanted(record)) chunk.unreadable.push_back(unreadable);
  return true;
}

Status QueueRowReader::read_frame() {
  Chunk chunk;
  State& state = splits_.at(frame_->split);
  chunk.next = state.position.next;
  gather(chunk);
  reject_unreadable(chunk);
  if (!chunk.bodies.empty()) {
    TRY(decode(chunk));
    body_bytes_ += static_cast<std::int64_t>(chunk.bytes);
    const RecordView& last = chunk.records.back();
    state.position.last_read = rocketmq::ReadMessage{last.queue_offset, last.store_ms};
    born_ms_ = last.born_ms;
    received_ms_ = frame_->pulled.received_ms;
    proofs_.rows_given(frame_->pulled.received_ms);
  }
  state.position.next = std::max(state.position.next, chunk.next);
  if (!chunk.frame_done && !chunk.failure) return {};
  // Metadata columns may refer to properties in unpacked inner batches.
  for (std::string& bytes : frame_->cursor->unpacked()) frame_->buffer->keep(std::move(bytes));
  if (chunk.failure) return read_again(chunk);
  finish_frame(state.position.next);
  return {};
}

void QueueRowReader::reject_unreadable(const Chunk& chunk) {
  for (const UnreadableRecord& each : chunk.unreadable) {
    rows_->reject(as_text(each.record.body), each.error.message,
                  [&](std::uint32_t) { return origin_of(each.record); });
  }
}

// What was damaged on the way is whole the next time; what is stored so never is.
Status QueueRowReader::read_again(const Chunk& chunk) {
  State& state = splits_.at(frame_->split);
  const std::int64_t from = std::max(state.position.next, frame_->pulled.begin_offset);
  const std::int64_t place = chunk.failed_at.value_or(from);
  Error error = chunk.failure->with_context("reading " + state.position.queue.to_string() +
                                            " near offset " + std::to_string(place));
  if (error.code == ErrorCode::kInternal) return error;
  if (std::exchange(state.unreadable_at, place) != place) state.read_again = 0;
  if (state.read_again == kReadAgainMax) {
    const bool policy_fails = plan_->settings->decode_errors == connector_kit::DecodeErrors::kFail;
    if (chunk.failed_at && policy_fails) error.message += kGoOnWithout;
    return error;
  }
  ++state.read_again;
  log(LogLevel::kWarn, "rocketmq",
      error.message + "; reading on from offset " + std::to_string(from) + " again");
  const std::uint32_t split = frame_->split;
  frame_.reset();
  state.held.clear();
  consumer_->unassign(state.position.queue);
  TRY(consumer_->assign(state.position.queue, rocketmq::StartPosition::offset(from), split));
  if (state.paused) consumer_->pause(state.position.queue);
  return {};
}

void QueueRowReader::finish_frame(std::int64_t next) {
  const std::uint32_t split = frame_->split;
  frame_.reset();
  State& state = splits_.at(split);
  if (state.position.end != kNoEnd && next >= state.position.end) end_split(split, state);
}

void QueueRowReader::end_split(std::uint32_t index, State& state) {
  state.ended = true;
  state.held.clear();
  state.position.next = state.position.end;
  consumer_->unassign(state.position.queue);
  rows_->event(SplitEvent{index, SplitEnded{}});
}

Status QueueRowReader::decode(const Chunk& chunk) {
  chunk_ = &chunk;
  connector_kit::BodyChunk bodies;
  bodies.split = frame_->split;
  bodies.bodies = chunk.bodies;
  bodies.keys = chunk.keys;
  bodies.buffer = frame_->buffer;
  bodies.padded_count = chunk.padded;
  bodies.bytes = chunk.bytes;
  return rows_->add(bodies, metadata_,
                    [&](std::uint32_t body) { return origin_of(chunk.records[body]); });
}

connector_kit::BodyOrigin QueueRowReader::origin_of(const RecordView& record) const {
  const MessageQueue& queue = *frame_->pulled.queue;
  const std::string offset = std::to_string(record.queue_offset);
  const std::string id = std::to_string(queue.id);
  return {queue.to_string(),
          offset,
          "the message at offset " + offset + " of topic '" + queue.topic + "', broker '" +
              queue.broker + "', queue " + id,
          {{"topic", queue.topic},
           {"broker", queue.broker},
           {"queue_id", id},
           {"queue_offset", offset}}};
}

// What is known of the queues; those whose end was reached without a message end here.
Result<std::vector<QueueRowReader::Proofs::Fact>> QueueRowReader::look_at_queues() {
  std::vector<Proofs::Fact> facts;
  for (const rocketmq::QueueProgress& progress : consumer_->progress()) {
    const auto index = static_cast<std::uint32_t>(progress.tag);
    const auto found = splits_.find(index);
    if (found == splits_.end() || found->second.ended) continue;
    State& state = found->second;
    state.max_offset = progress.max_offset;
    state.topic_deleted = progress.topic_deleted;
    Proofs::Fact fact;
    fact.split = index;
    fact.proven_ms = progress.proven_empty_ms;
    fact.at_known_end =
        state.held.empty() && progress.position >= 0 && progress.max_offset == progress.position;
    if (state.held.empty() && !(frame_ && frame_->split == index)) {
      // Its end can be reached without a message: the queue was empty, or what it held is gone.
      if (state.position.end != kNoEnd && progress.position >= state.position.end) {
        end_split(index, state);
        continue;
      }
      if (progress.left_topic && state.position.end != kNoEnd) {
        return Error{ErrorCode::kOutOfRange,
                     "table '" + plan_->settings->table + "': queue " + progress.queue.to_string() +
                         " has left its topic at offset " + std::to_string(state.position.next) +
                         ", before its end " + std::to_string(state.position.end) +
                         " was read; give the topic as many read queues as it had and read again"};
      }
      // A queue without messages has no position of its own yet.
      if (state.position.next == kFirstOffset && progress.position >= 0)
        state.position.next = progress.position;
      fact.all_given = progress.position == state.position.next;
    }
    facts.push_back(fact);
  }
  return facts;
}

Status QueueRowReader::give_proofs() {
  proofs_.outdated_until(context_.proofs_outdated_until_ms ? context_.proofs_outdated_until_ms()
                                                           : 0);
  TRY_ASSIGN(const auto facts, look_at_queues());
  const Proofs::Decision decision = proofs_.decide(facts, client_->clock().now_ms());
  for (const SplitEvent& event : decision.events) rows_->event(event);
  if (decision.ask) consumer_->renew_proofs();
  if (decision.look_after_ms) timer_->set(*client_, *decision.look_after_ms);
  if (!rows_->empty() || !context_.proofs_outdated_until_ms) return {};
  if (const auto oldest_ms = proofs_.oldest_proof_ms()) watch_->watch(*oldest_ms);
  return {};
}

std::vector<SplitProgress> QueueRowReader::progress() const {
  std::vector<SplitProgress> all;
  for (const auto& [index, state] : splits_) {
    const std::int64_t end = state.position.end == kNoEnd ? state.max_offset : state.position.end;
    all.push_back({index, std::max<std::int64_t>(state.position.next, -1), end});
  }
  return all;
}

Result<std::vector<Split>> QueueRowReader::snapshot(CheckpointId checkpoint) {
  std::vector<Split> states;
  GroupOffsets::Offsets offsets;
  for (const auto& [index, state] : splits_) {
    states.push_back(encode_split(state.position));
    if (state.position.next >= 0 && !state.topic_deleted)
      offsets.push_back({state.position.queue, state.position.next});
  }
  group_offsets_.snapshot(checkpoint, std::move(offsets));
  return states;
}

void QueueRowReader::checkpoint_complete(CheckpointId checkpoint) {
  group_offsets_.complete(checkpoint, *consumer_);
}

void QueueRowReader::pause(std::span<const std::uint32_t> splits) {
  for (auto& [index, state] : splits_) {
    const bool paused = std::find(splits.begin(), splits.end(), index) != splits.end();
    if (paused == state.paused || state.ended) continue;
    state.paused = paused;
    if (paused) {
      consumer_->pause(state.position.queue);
    } else {
      consumer_->resume(state.position.queue);
      if (state.held.empty()) continue;
      resumed_.push_back(index);
      context_.wake();
    }
  }
}

void QueueRowReader::set_read_order(std::span<const std::uint32_t> splits) {
  read_order_.assign(splits.begin(), splits.end());
  apply_read_order();
}

void QueueRowReader::apply_read_order() {
  std::vector<MessageQueue> order;
  for (const std::uint32_t index : read_order_) {
    const auto found = splits_.find(index);
    if (found != splits_.end()) order.push_back(found->second.position.queue);
  }
  consumer_->set_read_order(order);
}

}  // namespace slipstream::rocketmq_connector
