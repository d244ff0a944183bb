// 1. poll() takes messages from the queue of each partition until the batch is full.
// 2. read_messages() gives the bodies of a run to the row assembler, read_sign() handles what is no
//    message: an end, a lost offset, an error.
// 3. look_at_partitions() says what is known of them; EmptinessProofs decides what follows.
#include "connectors/kafka/reader.h"

#include <algorithm>
#include <utility>

#include <librdkafka/rdkafka.h>

#include "base/log.h"
#include "base/log_limit.h"
#include "base/try.h"
#include "connectors/kafka/metrics.h"

namespace slipstream::kafka_connector {
namespace {

constexpr std::size_t kTakeMax = 1'024;
constexpr int kLastCommitWaitMs = 500;
constexpr std::string_view kGoOnWithout =
    "; set 'decode.errors' = 'skip' or 'dead-letter' to go on without such messages";

std::string_view text_of(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

}  // namespace

// Copies of bodies, with room behind each, for as long as a column refers to them: librdkafka's own
// messages must not outlive its client.
class PartitionRowReader::Bodies final : public Buffer {
 public:
  explicit Bodies(std::span<const MessagePtr> messages) {
    std::size_t size = format::kBodyPadding;
    for (const MessagePtr& each : messages) size += each->len;
    bytes_.resize(size);
    std::size_t at = 0;
    for (const MessagePtr& each : messages) {
      if (each->len != 0) std::memcpy(bytes_.data() + at, each->payload, each->len);
      views_.emplace_back(bytes_.data() + at, each->len);
      at += each->len;
    }
  }
  std::size_t bytes() const override { return bytes_.size(); }
  std::span<const std::string_view> views() const { return views_; }

 private:
  std::string bytes_;
  std::vector<std::string_view> views_;
};

PartitionRowReader::PartitionRowReader(std::shared_ptr<const RowPlan> plan,
                                       std::shared_ptr<const Client> questions,
                                       ReaderContext context, std::shared_ptr<Client> client,
                                       std::unique_ptr<connector_kit::RowAssembler> rows)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      client_(std::move(client)),
      rows_(std::move(rows)),
      ends_(std::move(questions), *context_.clock, context_.wake),
      commits_(plan_->settings->commit && !plan_->settings->group.empty()),
      out_of_range_(kSourceOutOfRange.in(context_.metrics)),
      commits_succeeded_(kSourceCommits.in(context_.metrics)),
      commits_failed_(kSourceCommitFailures.in(context_.metrics)) {
  for (const ReadColumn& column : plan_->metadata) {
    metadata_.push_back([this, &column](std::span<const std::uint32_t> bodies, ColumnBuilder& out) {
      for (const std::uint32_t body : bodies)
        append_metadata(column, chunk_partition_->topic, *chunk_[body], out);
    });
  }
}

PartitionRowReader::~PartitionRowReader() {
  splits_.clear();
  const std::int64_t until_ms = context_.clock->now_ms() + kLastCommitWaitMs;
  while (client_->commits().under_way > 0 && context_.clock->now_ms() < until_ms)
    rd_kafka_poll(client_->handle(), 10);
}

Result<std::unique_ptr<SourceReader>> PartitionRowReader::make(
    std::shared_ptr<const RowPlan> plan, std::shared_ptr<const Client> questions,
    ReaderContext context) {
  const SourceSettings& settings = *plan->settings;
  TRY_ASSIGN(auto client, Client::make(ClientRole::kConsumer, {settings.table, settings.servers},
                                       settings.properties));
  const Metrics& metrics = context.metrics;
  TRY_ASSIGN(auto rows, connector_kit::RowAssembler::make(
                            plan->rows, context.batch_rows,
                            {kSourceMessages.in(metrics), kSourceBodyBytes.in(metrics),
                             kSourceDecodeErrors.in(metrics), kSourceIgnored.in(metrics)},
                            std::string(kGoOnWithout)));
  return std::unique_ptr<SourceReader>(new PartitionRowReader(std::move(plan), std::move(questions),
                                                              std::move(context), std::move(client),
                                                              std::move(rows)));
}

Status PartitionRowReader::add_split(std::uint32_t index, const Split& split) {
  TRY_ASSIGN(PartitionPosition position, decode_split(split));
  State& state = splits_[index];
  state.position = std::move(position);
  rows_->event(SplitEvent{index, SplitAdded{}});
  const PartitionPosition& at = state.position;
  if (at.end != kNoEnd && at.next >= at.end) {
    rows_->event(SplitEvent{index, SplitEnded{}});
    return {};
  }
  auto queue = PartitionQueue::make(client_, at.partition, at.next, context_.wake);
  if (!queue.ok()) return queue.error().with_context("table '" + plan_->settings->table + "'");
  state.queue = std::move(*queue);
  return {};
}

// Splits that are behind go first; else all in turn.
std::vector<std::uint32_t> PartitionRowReader::turns() {
  std::vector<std::uint32_t> order;
  for (const auto& [index, state] : splits_) {
    if (!state.ended() && !state.paused &&
        std::find(read_order_.begin(), read_order_.end(), index) == read_order_.end())
      order.push_back(index);
  }
  if (read_order_.empty() && !order.empty()) {
    const auto first = std::upper_bound(order.begin(), order.end(), first_turn_);
    std::rotate(order.begin(), first, order.end());
    first_turn_ = order.front();
  }
  for (const std::uint32_t index : read_order_) {
    const auto found = splits_.find(index);
    if (found != splits_.end() && !found->second.ended() && !found->second.paused)
      order.push_back(index);
  }
  return order;
}

Result<SourceReader::Poll> PartitionRowReader::poll(SourceBatch* out, Batch* rejected) {
  rows_->begin();
  client_->serve();
  count_commits();
  if (const auto refused = client_->refused()) return *refused;
  const bool wait =
      proofs_.waiting() && proofs_.rows_must_wait(look_at_partitions(), context_.clock->now_ms());
  if (!wait) {
    for (const std::uint32_t index : turns()) {
      if (rows_->full()) break;
      TRY(read(index, splits_.at(index)));
    }
  }
  rows_->give_rejected(rejected);
  give_proofs();
  if (!rows_->empty()) {
    rows_->finish(out);
    return Poll::kBatch;
  }
  if (all_ended()) return Poll::kEnd;
  if (rows_->full()) context_.wake();  // so many bodies and not one row
  return Poll::kNothing;
}

bool PartitionRowReader::all_ended() const {
  return std::all_of(splits_.begin(), splits_.end(),
                     [](const auto& each) { return each.second.ended(); });
}

Status PartitionRowReader::read(std::uint32_t index, State& state) {
  while (!rows_->full() && !state.ended()) {
    const std::vector<MessagePtr> taken = state.queue->take(std::min(rows_->room(), kTakeMax));
    if (taken.empty()) return {};
    std::span<const MessagePtr> left = taken;
    while (!left.empty() && !state.ended()) {
      TRY_ASSIGN(const std::size_t count, read_messages(index, state, left));
      left = left.subspan(count);
      if (left.empty() || state.ended()) break;
      TRY(read_sign(index, state, *left.front()));
      left = left.subspan(1);
    }
  }
  return {};
}

Result<std::size_t> PartitionRowReader::read_messages(std::uint32_t index, State& state,
                                                      std::span<const MessagePtr> messages) {
  PartitionPosition& position = state.position;
  std::size_t count = 0;
  bool ends = false;
  while (count < messages.size() && messages[count]->err == RD_KAFKA_RESP_ERR_NO_ERROR && !ends) {
    ends = position.end != kNoEnd && messages[count]->offset >= position.end;
    if (!ends) ++count;
  }
  const std::span<const MessagePtr> chunk = messages.first(count);
  if (!chunk.empty()) {
    state.at_end = false;
    TRY(decode(index, state, chunk));
    position.next = chunk.back()->offset + 1;
    proofs_.rows_given(context_.clock->now_ms());
  }
  if (ends || (position.end != kNoEnd && position.next >= position.end)) end_split(index, state);
  return count;
}

Status PartitionRowReader::decode(std::uint32_t index, const State& state,
                                  std::span<const MessagePtr> messages) {
  chunk_ = messages;
  chunk_partition_ = &state.position.partition;
  const auto buffer = std::make_shared<Bodies>(messages);
  std::vector<std::string_view> keys;
  if (plan_->rows->key) {
    for (const MessagePtr& each : messages) keys.push_back(text_of(each->key, each->key_len));
  }
  connector_kit::BodyChunk chunk;
  chunk.split = index;
  chunk.bodies = buffer->views();
  chunk.buffer = buffer;
  chunk.padded_count = messages.size();
  chunk.bytes = buffer->bytes();
  chunk.keys = keys;
  return rows_->add(chunk, metadata_, [&](std::uint32_t body) {
    const Partition& partition = *chunk_partition_;
    const std::string offset = std::to_string(chunk_[body]->offset);
    const std::string id = std::to_string(partition.id);
    return connector_kit::BodyOrigin{
        partition.to_string(),
        offset,
        "the message at offset " + offset + " of topic '" + partition.topic + "', partition " + id,
        {{"topic", partition.topic}, {"partition", id}, {"offset", offset}}};
  });
}

Status PartitionRowReader::read_sign(std::uint32_t index, State& state,
                                     const rd_kafka_message_s& sign) {
  PartitionPosition& position = state.position;
  switch (sign.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      position.next = std::max(position.next, sign.offset);
      state.at_end = true;
      if (position.end != kNoEnd && position.next >= position.end) end_split(index, state);
      return {};
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return go_on_elsewhere(state, rd_kafka_message_errstr(&sign));
    default:
      break;
  }
  const std::string place = "reading topic '" + position.partition.topic + "', partition " +
                            std::to_string(position.partition.id) + ", from offset " +
                            std::to_string(position.next);
  Error error = error_of(sign.err, "table '" + plan_->settings->table + "': " + place);
  if (!error.retryable) return error;
  LogLimit::of_process().log(LogLevel::kWarn, "kafka", place, error.message + "; trying again");
  return {};
}

Status PartitionRowReader::go_on_elsewhere(State& state, const std::string& reason) {
  const PartitionPosition& position = state.position;
  const std::string place = "table '" + plan_->settings->table + "': topic '" +
                            position.partition.topic + "', partition " +
                            std::to_string(position.partition.id);
  const std::string lost = place + ": offset " + std::to_string(position.next) +
                           " does not exist any more (" + reason + ")";
  ++*out_of_range_;
  if (plan_->settings->out_of_range == OffsetOutOfRange::kFail) {
    return Error{ErrorCode::kOutOfRange,
                 lost +
                     "; messages are lost. 'scan.offset-out-of-range' = 'earliest' or 'latest' "
                     "goes on without them"};
  }
  const bool earliest = plan_->settings->out_of_range == OffsetOutOfRange::kEarliest;
  log(LogLevel::kWarn, "kafka",
      lost + "; going on at the " + (earliest ? "first" : "next") +
          " message, as 'scan.offset-out-of-range' says");
  state.at_end = false;
  state.position.next = earliest ? kEarliestOffset : kLatestOffset;
  return state.queue->restart(state.position.next).with_context(place);
}

void PartitionRowReader::end_split(std::uint32_t index, State& state) {
  state.queue.reset();
  state.position.next = std::max(state.position.next, state.position.end);
  rows_->event(SplitEvent{index, SplitEnded{}});
}

std::vector<PartitionRowReader::Proofs::Fact> PartitionRowReader::look_at_partitions() const {
  std::vector<Proofs::Fact> facts;
  for (const auto& [index, state] : splits_) {
    if (state.ended()) continue;
    const EndOffsets::Answer answer = ends_.answer(state.position.partition);
    const bool empty = answer.end >= 0 && answer.end <= state.position.next;
    facts.push_back({index, state.at_end, state.at_end, empty ? answer.asked_ms : -1});
  }
  return facts;
}

void PartitionRowReader::give_proofs() {
  const bool others = context_.proofs_outdated_until_ms != nullptr;
  proofs_.outdated_until(others ? context_.proofs_outdated_until_ms() : 0);
  const Proofs::Decision decision = proofs_.decide(look_at_partitions(), context_.clock->now_ms());
  for (const SplitEvent& event : decision.events) rows_->event(event);
  if (decision.ask) {
    std::vector<Partition> asked;
    for (const auto& [index, state] : splits_) {
      if (!state.ended() && state.at_end) asked.push_back(state.position.partition);
    }
    ends_.ask(std::move(asked));
  }
  if (!context_.wake_after) return;
  if (decision.look_after_ms) {
    context_.wake_after(*decision.look_after_ms);
  } else if (rows_->empty() && others && proofs_.oldest_proof_ms()) {
    context_.wake_after(Proofs::kAskMs);  // they may have become outdated
  }
}

void PartitionRowReader::count_commits() {
  commits_succeeded_->store(client_->commits().succeeded);
  commits_failed_->store(client_->commits().failed);
}

std::vector<SplitProgress> PartitionRowReader::progress() const {
  std::vector<SplitProgress> all;
  for (const auto& [index, state] : splits_) {
    const PartitionPosition& position = state.position;
    std::int64_t end = position.end;
    if (end == kNoEnd && state.queue != nullptr) {
      end = state.queue->known_end();
      if (end >= 0) end = std::max(end, position.next);
    }
    all.push_back({index, std::max<std::int64_t>(position.next, -1), end});
  }
  return all;
}

Result<std::vector<Split>> PartitionRowReader::snapshot(CheckpointId checkpoint) {
  std::vector<Split> states;
  PartitionOffsets offsets;
  for (const auto& [index, state] : splits_) {
    states.push_back(encode_split(state.position));
    if (state.position.next >= 0) offsets.emplace(state.position.partition, state.position.next);
  }
  commits_.snapshot(checkpoint, std::move(offsets));
  return states;
}

void PartitionRowReader::checkpoint_complete(CheckpointId checkpoint) {
  commits_.complete(checkpoint, *client_);
}

void PartitionRowReader::pause(std::span<const std::uint32_t> splits) {
  bool resumed = false;
  for (auto& [index, state] : splits_) {
    const bool paused = std::find(splits.begin(), splits.end(), index) != splits.end();
    resumed = resumed || (state.paused && !paused);
    state.paused = paused;
  }
  if (resumed) context_.wake();
}

void PartitionRowReader::set_read_order(std::span<const std::uint32_t> splits) {
  read_order_.assign(splits.begin(), splits.end());
}

}  // namespace slipstream::kafka_connector
