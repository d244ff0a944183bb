// 1. poll() takes frames from the consumer until the batch is full.
// 2. gather() walks records of a frame, decode() turns their bodies into rows, add_metadata() adds
// the other columns.
// 3. A proof of emptiness is told only when it was requested after every row handed out so far was
// received. While one is under way no rows are handed out, or beside a busy queue none would count.
#include "connectors/rocketmq/reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/try.h"
#include "connectors/rocketmq/metrics.h"
#include "connectors/rocketmq/shared_client.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/protocol/properties.h"

namespace slipstream::rocketmq_connector {

using rocketmq::MessageQueue;
using rocketmq::PulledFrame;
using rocketmq::RecordView;

namespace {

constexpr std::size_t kBatchBytesMax = std::size_t{8} << 20;
constexpr std::int64_t kRenewProofsMs = 200;
constexpr std::int64_t kAlwaysProven = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kAwaitProofsMs = 50;
constexpr std::int64_t kNotAgainMs = 5'000;  // after proofs that did not come in time
constexpr std::int64_t kCommitAgainMs = 5'000;
constexpr std::int64_t kCommitWaitMs = 3'000;  // as long as a request may take
constexpr int kReadAgainMax = 3;               // from one offset, when what came is damaged
constexpr std::string_view kGoOnWithout =
    "; set 'decode.errors' = 'skip' or 'dead-letter' to go on without such messages";

void pin_everywhere(ColumnBuilder& builder, const BufferPtr& buffer) {
  if (builder.type().kind() == TypeKind::kMap) {
    builder.child(0).pin(buffer);
    builder.child(1).pin(buffer);
  } else if (builder.type().layout() == Layout::kString) {
    builder.pin(buffer);
  }
}

rocketmq::ConsumerOptions consumer_options(const RowPlan& plan, const BufferMemory& memory) {
  rocketmq::ConsumerOptions options;
  options.group = plan.settings->group;
  std::string tags;
  for (const std::string& tag : plan.tags) tags += (tags.empty() ? "" : " || ") + tag;
  if (!tags.empty()) options.tags = tags;
  options.sql = plan.settings->sql;
  options.messages_per_pull_max = plan.settings->pull_messages_max;
  options.pulls_per_queue_max = plan.settings->pulls_per_queue_max;
  options.suspend_ms = plan.settings->pull_wait_ms;
  options.call_timeout_ms = std::max<std::int64_t>(30'000, options.suspend_ms + 15'000);
  options.pause_when_empty_ms = plan.settings->pull_pause_ms;
  options.out_of_range = plan.settings->out_of_range;
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

// Wakes the task once after a while, unless the reader has gone by then.
class QueueRowReader::Alarm : public std::enable_shared_from_this<Alarm> {
 public:
  explicit Alarm(std::function<void()> wake) : wake_(std::move(wake)) {}
  void set(rocketmq::Client& client, std::int64_t after_ms) {
    {
      MutexLock lock(mutex_);
      if (armed_) return;
      armed_ = true;
    }
    io::EventLoop& loop = client.core().loop();
    loop.post([self = shared_from_this(), after_ms, &loop] {
      loop.run_after(after_ms, [self] { self->ring(); });
    });
  }
  void close() {
    MutexLock lock(mutex_);
    wake_ = {};
  }

 private:
  void ring() {
    MutexLock lock(mutex_);
    armed_ = false;
    if (wake_) wake_();
  }
  Mutex mutex_;
  bool armed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// Wakes the task when another source task of the job has sent a watermark that is not older than a
// proof, unless the reader has gone by then. A look is a timer of the client's loop: the task of a
// quiet job sleeps on.
class QueueRowReader::Lookout : public std::enable_shared_from_this<Lookout> {
 public:
  Lookout(io::EventLoop& loop, const ReaderContext& context)
      : loop_(loop), wake_(context.wake), sent_ms_(context.proofs_outdated_until_ms) {}
  void watch(std::int64_t proof_ms) {
    {
      MutexLock lock(mutex_);
      proof_ms_ = proof_ms;
      if (looking_) return;
      looking_ = true;
    }
    loop_.post([self = shared_from_this()] { self->look_later(); });
  }
  void close() {
    MutexLock lock(mutex_);
    wake_ = {};
  }

 private:
  void look_later() {
    loop_.run_after(kRenewProofsMs, [self = shared_from_this()] { self->look(); });
  }
  void look() {
    {
      MutexLock lock(mutex_);
      looking_ = wake_ && sent_ms_() < proof_ms_;
      if (!looking_) {
        if (wake_) wake_();
        return;
      }
    }
    look_later();
  }
  io::EventLoop& loop_;
  Mutex mutex_;
  std::int64_t proof_ms_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool looking_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
  const std::function<std::int64_t()> sent_ms_;
};

// Group offsets on their way to the brokers, and those that arrived.
class QueueRowReader::Commits {
 public:
  // Not for ever: what a broker lost comes again.
  bool has(const rocketmq::GroupOffset& offset) {
    MutexLock lock(mutex_);
    const auto known = written_.find(offset.queue);
    return known != written_.end() && known->second.offset == offset.offset &&
           clock_.now_ms() - known->second.written_ms < kCommitAgainMs;
  }
  void begin() {
    MutexLock lock(mutex_);
    ++under_way_;
  }
  void end(const std::vector<rocketmq::GroupOffset>& offsets, bool written) {
    MutexLock lock(mutex_);
    --under_way_;
    for (const rocketmq::GroupOffset& each : offsets) {
      if (written) written_.insert_or_assign(each.queue, Written{each.offset, clock_.now_ms()});
    }
    changed_.notify_all();
  }
  void wait(std::int64_t wait_ms) {
    const std::int64_t deadline = clock_.now_ms() + wait_ms;
    MutexLock lock(mutex_);
    while (under_way_ > 0 && clock_.now_ms() < deadline)
      changed_.wait_for_ms(mutex_, std::max<std::int64_t>(1, deadline - clock_.now_ms()));
  }

 private:
  struct Written {
    std::int64_t offset = 0;
    std::int64_t written_ms = 0;
  };
  const SystemClock clock_{};
  Mutex mutex_;
  Condition changed_;
  std::size_t under_way_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::map<MessageQueue, Written> written_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// Rows for the dead-letter output, in the columns of rejected_schema().
class QueueRowReader::Rejected {
 public:
  void add(std::string_view body, std::string_view reason, const MessageQueue& queue,
           std::int64_t offset) {
    if (builders_.empty()) {
      const Schema schema = rejected_schema();
      for (const Field& field : schema.fields()) builders_.emplace_back(field.type);
    }
    builders_[0].append_text(body);
    builders_[1].append_text(reason);
    builders_[2].append_text(queue.to_string());
    builders_[3].append_text(std::to_string(offset));
    for (const auto& [key, value] : {std::pair<std::string_view, std::string>("topic", queue.topic),
                                     {"broker", queue.broker},
                                     {"queue_id", std::to_string(queue.id)},
                                     {"queue_offset", std::to_string(offset)}}) {
      builders_[4].child(0).append_text(key);
      builders_[4].child(1).append_text(value);
    }
    builders_[4].append_nested();
    ++rows_;
  }
  void give(Batch* out) {
    if (rows_ == 0 || out == nullptr) return;
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders_) columns.push_back(builder.finish());
    *out = Batch(rows_, std::move(columns));
  }

 private:
  std::vector<ColumnBuilder> builders_;
  std::size_t rows_ = 0;
};

// Records of one frame that are decoded together.
struct QueueRowReader::Chunk {
  std::vector<RecordView> records;
  std::vector<std::string_view> bodies;
  std::vector<RecordView> damaged;  // to be passed over
  std::size_t padded = 0;           // so many bodies from the front have room behind them
  std::size_t bytes = 0;
  std::int64_t next = 0;  // offset behind the last record seen
  bool frame_done = false;
};

QueueRowReader::QueueRowReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                               std::shared_ptr<rocketmq::Client> client,
                               std::unique_ptr<format::RowDecoder> decoder)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      client_(std::move(client)),
      decoder_(std::move(decoder)),
      consumer_(std::make_unique<rocketmq::Consumer>(*client_,
                                                     consumer_options(*plan_, context_.memory))),
      alarm_(std::make_shared<Alarm>(context_.wake)),
      lookout_(std::make_shared<Lookout>(client_->core().loop(), context_)),
      commits_(std::make_shared<Commits>()) {
  consumer_->set_wake(context_.wake);
  for (const Field& field : plan_->schema.fields()) {
    builders_.push_back(std::make_unique<ColumnBuilder>(field.type));
    columns_.push_back(builders_.back().get());
  }
  messages_ = kSourceMessages.in(context_.metrics);
  body_bytes_ = kSourceBodyBytes.in(context_.metrics);
  failed_bodies_ = kSourceDecodeErrors.in(context_.metrics);
  ignored_ = kSourceIgnored.in(context_.metrics);
  out_of_range_ = kSourceOutOfRange.in(context_.metrics);
}

QueueRowReader::~QueueRowReader() {
  alarm_->close();
  lookout_->close();
  commits_->wait(kCommitWaitMs);
  consumer_.reset();
}

Result<std::unique_ptr<SourceReader>> QueueRowReader::make(std::shared_ptr<const RowPlan> plan,
                                                           ReaderContext context) {
  TRY_ASSIGN(auto client, shared_client(plan->settings->client));
  const TableFormat& format = plan->settings->format;
  TRY_ASSIGN(auto decoder,
             format.format->make_decoder(plan->physical, plan->projection, format.options));
  return std::unique_ptr<SourceReader>(new QueueRowReader(std::move(plan), std::move(context),
                                                          std::move(client), std::move(decoder)));
}

Status QueueRowReader::add_split(std::uint32_t index, const Split& split) {
  TRY_ASSIGN(const QueuePosition position, decode_split(split));
  State& state = splits_[index];
  state.position = position;
  events_.push_back(SplitEvent{index, SplitAdded{}});
  if (position.end != kNoEnd && position.next >= position.end) {
    state.ended = true;
    events_.push_back(SplitEvent{index, SplitEnded{}});
    return {};
  }
  const auto start = position.next == kFirstOffset ? rocketmq::StartPosition::earliest()
                                                   : rocketmq::StartPosition::offset(position.next);
  return consumer_->assign(position.queue, start, index);
}

Result<SourceReader::Poll> QueueRowReader::poll(SourceBatch* out, Batch* rejected) {
  rows_.bodies.clear();
  rows_.kinds.clear();
  rows_.columns = std::span<ColumnBuilder* const>(columns_.data(), plan_->projection.size());
  batch_bytes_ = 0;
  Rejected refused;
  while (!awaits_proofs() && rows_.bodies.size() < context_.batch_rows &&
         batch_bytes_ < kBatchBytesMax) {
    TRY_ASSIGN(const bool some, next_frame());
    if (!some) break;
    TRY(read_frame(refused));
  }
  refused.give(rejected);
  tell_proofs();
  out_of_range_->store(static_cast<std::int64_t>(consumer_->out_of_range_count()));
  if (rows_.bodies.empty() && events_.empty()) {
    if (all_ended()) return Poll::kEnd;
    if (batch_bytes_ >= kBatchBytesMax) context_.wake();  // so many bodies and not one row
    renew_proofs_if_needed();
    await_watermarks_of_others();
    return Poll::kNothing;
  }
  build(out);
  return Poll::kBatch;
}

bool QueueRowReader::all_ended() const {
  return std::all_of(splits_.begin(), splits_.end(),
                     [](const auto& each) { return each.second.ended; });
}

// Makes frame_ the frame to read; false when there is none now.
Result<bool> QueueRowReader::next_frame() {
  if (frame_) return true;
  std::optional<PulledFrame> pulled;
  while (!unheld_.empty() && !pulled) {
    State& state = splits_.at(unheld_.front());
    if (state.paused || state.ended || state.held.empty()) {
      unheld_.pop_front();
      continue;
    }
    pulled = std::move(state.held.front());
    state.held.pop_front();
  }
  while (!pulled) {
    TRY_ASSIGN(pulled, consumer_->poll());
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
  // Further back than before: the policy for lost offsets decided so.
  std::int64_t& next = splits_.at(frame_->split).position.next;
  next = std::min(next, frame_->pulled.begin_offset);
  rocketmq::RecordCursorOptions options;
  options.check_crc = true;
  const State& state = splits_.at(frame_->split);
  if (may_pass_over(state)) options.damaged_wanted = state.damaged_at;
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
  chunk.records.push_back(record);
  chunk.bytes += body.size();
  return {};
}

// Records until the batch is full, the frame is read or the split ends.
Status QueueRowReader::gather(Chunk& chunk) {
  const State& state = splits_.at(frame_->split);
  const std::size_t rows_max = context_.batch_rows - rows_.bodies.size();
  RecordView record;
  while (true) {
    if (chunk.bodies.size() >= rows_max || batch_bytes_ + chunk.bytes >= kBatchBytesMax) return {};
    if (!frame_->cursor->next(record)) {
      const Status& walked = frame_->cursor->status();
      if (!walked.ok()) {  // what came before counts
        return chunk.bodies.empty() && chunk.damaged.empty() ? walked : Status();
      }
      chunk.frame_done = true;
      chunk.next = std::max(chunk.next, frame_->pulled.next_offset);
      return {};
    }
    if (record.queue_offset < frame_->pulled.begin_offset) continue;
    if (state.position.end != kNoEnd && record.queue_offset >= state.position.end) {
      chunk.frame_done = true;
      chunk.next = state.position.end;
      return {};
    }
    chunk.next = record.queue_offset + 1;
    if (!wanted(record)) continue;
    if (record.damaged) {
      chunk.damaged.push_back(record);
    } else {
      TRY(add_body(chunk, record));
    }
  }
}

Status QueueRowReader::read_frame(Rejected& rejected) {
  Chunk chunk;
  chunk.next = splits_.at(frame_->split).position.next;
  const MessageQueue& queue = *frame_->pulled.queue;
  const Status gathered = gather(chunk);
  if (!gathered.ok()) {
    return read_again(gathered.with_context("reading " + queue.to_string() + " near offset " +
                                            std::to_string(chunk.next)));
  }
  State& state = splits_.at(frame_->split);
  if (!chunk.damaged.empty()) reject_damaged(chunk, rejected);
  if (!chunk.bodies.empty()) {
    const std::size_t begin_row = rows_.bodies.size();
    TRY(decode(chunk, rejected));
    add_metadata(chunk, begin_row);
    if (rows_.bodies.size() > begin_row && (runs_.empty() || runs_.back().split != frame_->split)) {
      runs_.push_back(SplitRun{frame_->split, static_cast<std::uint32_t>(begin_row)});
    }
    batch_bytes_ += chunk.bytes;
    messages_->fetch_add(static_cast<std::int64_t>(chunk.bodies.size()), std::memory_order_relaxed);
    body_bytes_->fetch_add(static_cast<std::int64_t>(chunk.bytes), std::memory_order_relaxed);
    last_received_ms_ = std::max(last_received_ms_, frame_->pulled.received_ms);
  }
  state.position.next = std::max(state.position.next, chunk.next);
  if (chunk.frame_done) {
    // Metadata columns may refer to properties in unpacked inner batches.
    for (std::string& bytes : frame_->cursor->unpacked()) frame_->buffer->keep(std::move(bytes));
    finish_frame(state.position.next);
  }
  return {};
}

// A body that stayed damaged is treated as one that is no row.
bool QueueRowReader::may_pass_over(const State& state) const {
  return plan_->settings->decode_errors != DecodeErrors::kFail && state.damages > kReadAgainMax;
}

void QueueRowReader::reject_damaged(const Chunk& chunk, Rejected& rejected) {
  failed_bodies_->fetch_add(static_cast<std::int64_t>(chunk.damaged.size()));
  if (plan_->settings->decode_errors != DecodeErrors::kDeadLetter) return;
  for (const RecordView& record : chunk.damaged) {
    rejected.add(as_text(record.body), rocketmq::check_body_crc(record).error().message,
                 *frame_->pulled.queue, record.queue_offset);
  }
}

// What was damaged on the way is whole the next time; what is stored so never is.
Status QueueRowReader::read_again(const Status& damage) {
  State& state = splits_.at(frame_->split);
  const std::int64_t from = std::max(state.position.next, frame_->pulled.begin_offset);
  const std::optional<std::int64_t> damaged_offset = frame_->cursor->damaged_offset();
  const std::int64_t place = damaged_offset.value_or(from);
  if (state.damaged_at != place) state.damages = 0;
  state.damaged_at = place;
  if (damage.error().code != ErrorCode::kCorrupt) return damage;
  ++state.damages;
  if (state.damages > kReadAgainMax && !(damaged_offset && may_pass_over(state))) {
    Error error = damage.error();
    if (damaged_offset) error.message += kGoOnWithout;
    return error;
  }
  log(LogLevel::kWarn, "rocketmq",
      damage.error().message + "; reading on from offset " + std::to_string(from) + " again");
  for (std::string& bytes : frame_->cursor->unpacked()) frame_->buffer->keep(std::move(bytes));
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
  events_.push_back(SplitEvent{index, SplitEnded{}});
}

void QueueRowReader::decode_range(Chunk& chunk, std::size_t begin, std::size_t end, bool padded) {
  if (begin == end) return;
  const std::size_t rows_before = rows_.bodies.size();
  const std::size_t failures_before = rows_.failures.size();
  format::Bodies bodies;
  bodies.bodies = std::span<const std::string_view>(chunk.bodies).subspan(begin, end - begin);
  bodies.buffer = frame_->buffer;
  bodies.padded = padded;
  decoder_->decode(bodies, rows_);
  if (begin == 0) return;
  for (std::size_t i = rows_before; i < rows_.bodies.size(); ++i)
    rows_.bodies[i] += static_cast<std::uint32_t>(begin);
  for (std::size_t i = failures_before; i < rows_.failures.size(); ++i)
    rows_.failures[i].body += static_cast<std::uint32_t>(begin);
}

Status QueueRowReader::decode(Chunk& chunk, Rejected& rejected) {
  rows_.failures.clear();
  rows_.ignored = 0;
  decode_range(chunk, 0, chunk.padded, true);
  decode_range(chunk, chunk.padded, chunk.bodies.size(), false);
  if (rows_.ignored != 0) ignored_->fetch_add(static_cast<std::int64_t>(rows_.ignored));
  if (rows_.failures.empty()) return {};
  return handle_failures(chunk, rejected);
}

Status QueueRowReader::handle_failures(const Chunk& chunk, Rejected& rejected) {
  failed_bodies_->fetch_add(static_cast<std::int64_t>(rows_.failures.size()));
  const MessageQueue& queue = *frame_->pulled.queue;
  for (const format::DecodeFailure& failure : rows_.failures) {
    const std::int64_t offset = chunk.records[failure.body].queue_offset;
    switch (plan_->settings->decode_errors) {
      case DecodeErrors::kFail:
        return Error{ErrorCode::kDataError,
                     "table '" + plan_->settings->table + "': the message at offset " +
                         std::to_string(offset) + " of topic '" + queue.topic + "', broker '" +
                         queue.broker + "', queue " + std::to_string(queue.id) +
                         " is no row of the table: " + failure.reason + std::string(kGoOnWithout)};
      case DecodeErrors::kSkip:
        break;
      case DecodeErrors::kDeadLetter:
        rejected.add(failure.piece, failure.reason, queue, offset);
        break;
    }
  }
  return {};
}

void QueueRowReader::add_metadata(const Chunk& chunk, std::size_t begin_row) {
  const std::size_t first = plan_->projection.size();
  for (std::size_t i = 0; i < plan_->metadata.size(); ++i) {
    ColumnBuilder& builder = *columns_[first + i];
    pin_everywhere(builder, frame_->buffer);
    for (std::size_t row = begin_row; row < rows_.bodies.size(); ++row) {
      const RecordView& record = chunk.records[rows_.bodies[row]];
      append_metadata(plan_->metadata[i], MessageOrigin{frame_->pulled.queue.get(), &record},
                      builder);
    }
  }
}

void QueueRowReader::build(SourceBatch* out) {
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (ColumnBuilder* builder : columns_) columns.push_back(builder->finish());
  out->rows = Batch(rows_.bodies.size(), std::move(columns));
  if (!rows_.kinds.empty()) {
    rows_.kinds.resize(rows_.bodies.size(), RowKind::kInsert);
    out->rows.set_kinds(std::exchange(rows_.kinds, {}));
  }
  out->runs = std::exchange(runs_, {});
  out->events = std::exchange(events_, {});
}

// Events for queues that are empty for sure. A queue of which rows are still held back is not.
void QueueRowReader::tell_proofs() {
  proof_missing_ = false;
  oldest_proof_ms_ = kAlwaysProven;
  const std::int64_t sent_ms =
      context_.proofs_outdated_until_ms ? context_.proofs_outdated_until_ms() : 0;
  const std::int64_t needed_ms = std::max(last_received_ms_, sent_ms);
  for (const rocketmq::QueueProgress& progress : consumer_->progress()) {
    const auto index = static_cast<std::uint32_t>(progress.tag);
    const auto found = splits_.find(index);
    if (found == splits_.end() || found->second.ended) continue;
    State& state = found->second;
    state.max_offset = progress.max_offset;
    if (!state.held.empty() || (frame_ && frame_->split == index)) continue;
    // Its end can be reached without a message: the queue was empty, or what it held is gone.
    if (state.position.end != kNoEnd && progress.position >= state.position.end) {
      end_split(index, state);
      continue;
    }
    // A queue without messages has no position of its own yet.
    if (state.position.next == kFirstOffset && progress.position >= 0)
      state.position.next = progress.position;
    if (progress.position != state.position.next) continue;
    if (progress.proven_empty_ms > last_received_ms_ &&
        progress.proven_empty_ms > state.proof_told_ms) {
      state.proof_told_ms = progress.proven_empty_ms;
      // What is received in the millisecond of the question counts as later.
      events_.push_back(SplitEvent{index, SplitIdle{{.asked_ms = state.proof_told_ms - 1}}});
    }
    proof_missing_ = proof_missing_ || state.proof_told_ms <= needed_ms;
    oldest_proof_ms_ = std::min(oldest_proof_ms_, state.proof_told_ms);
  }
  if (awaited_until_ms_ != 0 && !proof_under_way()) awaited_until_ms_ = 0;
  if (proof_missing_) renew_proofs_if_needed();
}

// What other tasks send later needs younger proofs.
void QueueRowReader::await_watermarks_of_others() {
  if (proof_missing_ || oldest_proof_ms_ == kAlwaysProven || !context_.proofs_outdated_until_ms)
    return;
  lookout_->watch(oldest_proof_ms_);
}

// Idle queues need a proof that is younger than the newest row, and than what the job's other
// source tasks have sent on.
void QueueRowReader::renew_proofs_if_needed() {
  if (!proof_missing_) return;
  const std::int64_t now = client_->core().clock().now_ms();
  if (now - renewed_ms_ >= kRenewProofsMs && now > last_received_ms_) {
    renewed_ms_ = now;
    consumer_->renew_proofs();
    if (now >= await_again_ms_) awaited_until_ms_ = now + kAwaitProofsMs;
  }
  alarm_->set(*client_, awaited_until_ms_ != 0 ? kAwaitProofsMs : kRenewProofsMs);
}

// A queue at its known end has not answered the last renewal.
bool QueueRowReader::proof_under_way() const {
  const std::vector<rocketmq::QueueProgress> all = consumer_->progress();
  return std::any_of(all.begin(), all.end(), [this](const rocketmq::QueueProgress& progress) {
    const auto found = splits_.find(static_cast<std::uint32_t>(progress.tag));
    return found != splits_.end() && !found->second.ended && found->second.held.empty() &&
           progress.position >= 0 && progress.max_offset == progress.position &&
           progress.proven_empty_ms < renewed_ms_;
  });
}

bool QueueRowReader::awaits_proofs() {
  if (awaited_until_ms_ == 0) return false;
  if (!proof_under_way()) return true;  // to be told before more rows
  const std::int64_t now = client_->core().clock().now_ms();
  if (now < awaited_until_ms_) return true;
  awaited_until_ms_ = 0;
  await_again_ms_ = now + kNotAgainMs;
  return false;
}

std::vector<SplitProgress> QueueRowReader::progress() const {
  std::vector<SplitProgress> all;
  for (const auto& [index, state] : splits_) {
    const std::int64_t end = state.position.end == kNoEnd ? state.max_offset : state.position.end;
    all.push_back({index, state.position.next, end});
  }
  return all;
}

Result<std::vector<Split>> QueueRowReader::snapshot(CheckpointId checkpoint) {
  std::vector<Split> states;
  std::vector<rocketmq::GroupOffset> offsets;
  for (const auto& [index, state] : splits_) {
    states.push_back(encode_split(state.position));
    if (state.position.next < 0) continue;
    rocketmq::GroupOffset offset{state.position.queue, state.position.next};
    if (!commits_->has(offset)) offsets.push_back(std::move(offset));
  }
  uncommitted_[checkpoint] = std::move(offsets);
  // Checkpoints that were never told complete.
  while (uncommitted_.size() > 16) uncommitted_.erase(uncommitted_.begin());
  return states;
}

void QueueRowReader::checkpoint_complete(CheckpointId checkpoint) {
  const auto found = uncommitted_.find(checkpoint);
  if (found == uncommitted_.end()) return;
  std::vector<rocketmq::GroupOffset> offsets = std::move(found->second);
  uncommitted_.erase(uncommitted_.begin(), std::next(found));
  if (offsets.empty()) return;
  commits_->begin();
  const auto done = [commits = commits_, offsets,
                     table = plan_->settings->table](const Status& status) {
    commits->end(offsets, status.ok());
    if (status.ok()) return;
    log(LogLevel::kWarn, "rocketmq",
        "table '" + table +
            "': group offsets were not written (the checkpoint has them): " + status.to_string());
  };
  consumer_->commit(std::move(offsets), done);
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
      unheld_.push_back(index);
      context_.wake();
    }
  }
}

void QueueRowReader::prefer(std::span<const std::uint32_t> splits) {
  std::vector<MessageQueue> order;
  for (const std::uint32_t index : splits) {
    const auto found = splits_.find(index);
    if (found != splits_.end()) order.push_back(found->second.position.queue);
  }
  consumer_->prefer(order);
}

}  // namespace slipstream::rocketmq_connector
