// 1. Recording walks the lines of the file.
// 2. The enumerator walks them once to find the queues; each reader walks them for its own queues.
#include "connectors/rocketmq/recorded_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/try.h"
#include "connectors/rocketmq/metrics.h"
#include "format/format.h"
#include "rocketmq/message/envelope.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::MessageQueue;
using rocketmq::RecordView;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kLineBytesMax = std::size_t{24} << 20;  // 4 MiB with every byte escaped
constexpr std::array<std::uint8_t, 4> kNoAddress{};

struct RecordedLine {
  rocketmq::RecordedMessage recorded;
  MessageQueue queue;
  std::int64_t offset = 0;
  std::int64_t number = 0;  // of the line, from 1
};

// The lines of a file, once.
// Thread: one.
class Recording {
 public:
  static Result<std::unique_ptr<Recording>> open(const SourceSettings& settings) {
    std::unique_ptr<Recording> made(new Recording(settings));
    if (made->file_.is_open()) return made;
    return Error{ErrorCode::kNotFound, made->place() + "cannot be read: " + std::strerror(errno)};
  }

  // nullptr: the end. To be read before the next call.
  Result<RecordedLine*> next() {
    do {
      TRY_ASSIGN(const bool some, next_line());
      if (!some) return nullptr;
    } while (text_.find_first_not_of(" \t\r") == std::string::npos);
    auto read = rocketmq::read_recorded(text_);
    if (!read.ok()) {
      return bad(read.error().message +
                 "; each line is a message as 'slipstream record' writes it, such as {\"body\": "
                 "\"...\"}");
    }
    line_.recorded = std::move(*read);
    const rocketmq::RecordedMessage& recorded = line_.recorded;
    line_.queue = {recorded.topic.value_or(settings_.topics.first()),
                   recorded.broker.value_or("recording"), recorded.queue_id.value_or(0)};
    std::int64_t& next = next_offsets_[line_.queue];
    line_.offset = recorded.offset.value_or(next);
    if (line_.offset < next) {
      return bad("offset " + std::to_string(line_.offset) + " of queue " + line_.queue.to_string() +
                 " comes behind offset " + std::to_string(next - 1));
    }
    next = line_.offset + 1;
    return &line_;
  }
  Error bad(const std::string& what) const {
    return Error{ErrorCode::kDataError,
                 place() + "line " + std::to_string(line_.number) + ": " + what};
  }
  // Where a line begins, for seek().
  struct Mark {
    std::int64_t at = 0;  // in the file
    std::int64_t number = 0;
    std::map<MessageQueue, std::int64_t> next_offsets;
  };
  // Of the line that next() gave last.
  Mark mark() const {
    Mark mark{line_at_, line_.number, next_offsets_};
    mark.next_offsets[line_.queue] = line_.offset;
    return mark;
  }
  // next() gives the line of the mark.
  void seek(Mark mark) {
    file_.clear();
    file_.seekg(mark.at);
    chunk_at_ = mark.at;
    at_ = end_ = 0;
    line_.number = mark.number - 1;
    next_offsets_ = std::move(mark.next_offsets);
  }
  // Offsets behind the last message of each queue that was seen.
  const std::map<MessageQueue, std::int64_t>& next_offsets() const { return next_offsets_; }

 private:
  explicit Recording(const SourceSettings& settings)
      : settings_(settings),
        file_(settings.recording, std::ios::binary),
        chunk_(kReadBytes, '\0') {}

  std::string place() const {
    return "table '" + settings_.table + "': recording '" + settings_.recording + "': ";
  }
  Result<bool> next_line() {
    text_.clear();
    ++line_.number;
    line_at_ = chunk_at_ + static_cast<std::int64_t>(at_);
    while (true) {
      const std::string_view rest = std::string_view(chunk_).substr(at_, end_ - at_);
      const std::size_t length = std::min(rest.find('\n'), rest.size());
      text_ += rest.substr(0, length);
      if (text_.size() > kLineBytesMax)
        return bad("it is longer than " + std::to_string(kLineBytesMax) + " bytes");
      at_ += length;
      if (at_ < end_) {
        ++at_;
        return true;
      }
      chunk_at_ += static_cast<std::int64_t>(end_);
      file_.read(chunk_.data(), static_cast<std::streamsize>(chunk_.size()));
      at_ = 0;
      end_ = static_cast<std::size_t>(file_.gcount());
      if (file_.bad()) return bad(std::string("cannot be read: ") + std::strerror(errno));
      if (end_ == 0) return !text_.empty();
    }
  }

  const SourceSettings& settings_;
  std::ifstream file_;
  std::string chunk_;
  std::size_t at_ = 0;         // of chunk_: what comes next
  std::size_t end_ = 0;        // of chunk_: what was read
  std::int64_t chunk_at_ = 0;  // in the file
  std::int64_t line_at_ = 0;   // in the file
  std::string text_;
  RecordedLine line_;
  std::map<MessageQueue, std::int64_t> next_offsets_;
};

class RecordedEnumerator final : public SplitEnumerator {
 public:
  explicit RecordedEnumerator(std::shared_ptr<const SourceSettings> settings)
      : settings_(std::move(settings)) {}

  Status restore(const std::string& state) {
    TRY_ASSIGN(known_, decode_known_splits(state));
    done_ = true;
    return {};
  }
  Result<Discovery> discover() override {
    Discovery found;
    found.complete = true;
    if (done_) return found;
    TRY_ASSIGN(const auto recording, Recording::open(*settings_));
    std::map<MessageQueue, QueuePosition> queues;
    while (true) {
      TRY_ASSIGN(const RecordedLine* line, recording->next());
      if (line == nullptr) break;
      queues.try_emplace(line->queue, QueuePosition{line->queue, line->offset, kNoEnd});
    }
    for (auto& [queue, position] : queues) {
      position.end = recording->next_offsets().at(queue);
      found.added.push_back(encode_split(position));
      known_.insert(found.added.back().id);
    }
    done_ = true;
    return found;
  }
  std::string snapshot() override { return done_ ? encode_known_splits(known_) : std::string(); }

 private:
  const std::shared_ptr<const SourceSettings> settings_;
  std::set<std::string> known_;
  bool done_ = false;
};

// Texts of messages, as long as a column refers to them.
class RecordedTexts final : public Buffer {
 public:
  std::size_t bytes() const override { return bytes_; }
  std::string_view keep(std::string text) {
    bytes_ += text.size();
    return texts_.emplace_back(std::move(text));
  }

 private:
  std::deque<std::string> texts_;
  std::size_t bytes_ = 0;
};

// Messages of one queue that are decoded together.
struct Chunk {
  std::uint32_t split = 0;
  MessageQueue queue;
  std::shared_ptr<RecordedTexts> texts = std::make_shared<RecordedTexts>();
  std::vector<RecordView> records;
  std::vector<std::int64_t> lines;
  std::vector<std::string_view> bodies;
  std::vector<std::string_view> keys;  // when the table decodes them
  std::size_t bytes = 0;
};

class RecordedReader final : public SourceReader {
 public:
  RecordedReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                 std::unique_ptr<connector_kit::RowAssembler> rows)
      : plan_(std::move(plan)), context_(std::move(context)), rows_(std::move(rows)) {
    for (const ReadColumn& column : plan_->metadata) {
      metadata_.push_back([this, &column](std::span<const std::uint32_t> bodies,
                                          ColumnBuilder& out) {
        for (const std::uint32_t body : bodies) {
          append_metadata(
              column, {&chunk_->queue, &chunk_->records[body], plan_->settings->name_space}, out);
        }
      });
    }
  }

  Status add_split(std::uint32_t index, const Split& split) override {
    TRY_ASSIGN(QueuePosition position, decode_split(split));
    rows_->event(SplitEvent{index, SplitAdded{}});
    if (position.next >= position.end) rows_->event(SplitEvent{index, SplitEnded{}});
    indices_[position.queue] = index;
    splits_[index] = State{std::move(position)};
    begin_anew();
    return {};
  }
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    rows_->begin();
    while (!rows_->full()) {
      TRY_ASSIGN(const bool some, read_chunk());
      if (!some) break;
    }
    rows_->give_rejected(rejected);
    if (!rows_->empty()) {
      rows_->finish(out);
      return Poll::kBatch;
    }
    if (rows_->full()) context_.wake();  // so many bodies and not one row
    const bool all = std::all_of(splits_.begin(), splits_.end(),
                                 [](const auto& each) { return each.second.ended(); });
    return all ? Poll::kEnd : Poll::kNothing;
  }
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    static_cast<void>(checkpoint);
    std::vector<Split> states;
    for (const auto& [index, state] : splits_) states.push_back(encode_split(state.position));
    return states;
  }
  void checkpoint_complete(CheckpointId checkpoint) override { static_cast<void>(checkpoint); }
  // What was passed over of a queue that goes on lies further in front.
  void pause(std::span<const std::uint32_t> splits) override {
    std::optional<Recording::Mark> first;
    for (auto& [index, state] : splits_) {
      state.paused = std::find(splits.begin(), splits.end(), index) != splits.end();
      if (state.paused || !state.passed_over) continue;
      if (!first || state.passed_over->at < first->at) first = std::move(state.passed_over);
      state.passed_over.reset();
    }
    if (!first) return;
    recording_->seek(std::move(*first));
    ahead_ = nullptr;
    at_end_ = false;
    context_.wake();
  }
  std::vector<SplitProgress> progress() const override {
    std::vector<SplitProgress> all;
    for (const auto& [index, state] : splits_)
      all.push_back({index, state.position.next, state.position.end});
    return all;
  }

 private:
  struct State {
    QueuePosition position;
    bool paused = false;
    std::optional<Recording::Mark> passed_over = {};  // the first line, while it was paused
    bool ended() const { return position.next >= position.end; }
  };

  void begin_anew() {
    recording_.reset();
    ahead_ = nullptr;
    at_end_ = false;
    for (auto& [index, state] : splits_) state.passed_over.reset();
  }
  // The next line that is to be read now; null: there is none.
  Result<RecordedLine*> next_line() {
    while (!at_end_) {
      if (recording_ == nullptr) {
        TRY_ASSIGN(recording_, Recording::open(*plan_->settings));
      }
      if (ahead_ == nullptr) {
        TRY_ASSIGN(ahead_, recording_->next());
      }
      if (ahead_ == nullptr) break;
      const auto found = indices_.find(ahead_->queue);
      if (found != indices_.end()) {
        State& state = splits_.at(found->second);
        const bool wanted =
            ahead_->offset >= state.position.next && ahead_->offset < state.position.end;
        if (wanted && !state.paused) return ahead_;
        if (wanted && !state.passed_over) state.passed_over = recording_->mark();
      }
      ahead_ = nullptr;
    }
    if (at_end_) return nullptr;
    at_end_ = true;
    for (const auto& [index, state] : splits_) {
      if (state.paused || state.ended()) continue;
      return Error{ErrorCode::kCorrupt,
                   "table '" + plan_->settings->table + "': recording '" +
                       plan_->settings->recording + "' has changed while it was read: queue " +
                       state.position.queue.to_string() + " ended before offset " +
                       std::to_string(state.position.end)};
    }
    return nullptr;
  }
  // False: nothing can be read now.
  Result<bool> read_chunk() {
    Chunk chunk;
    State* state = nullptr;
    while (chunk.bodies.size() < rows_->room() &&
           rows_->bytes() + chunk.bytes < connector_kit::RowAssembler::kBytesMax) {
      TRY_ASSIGN(RecordedLine * line, next_line());
      if (line == nullptr) break;
      const std::uint32_t index = indices_.at(line->queue);
      if (state != nullptr && index != chunk.split) break;
      chunk.split = index;
      chunk.queue = line->queue;
      state = &splits_.at(index);
      TRY(add_message(*line, chunk));
      state->position.next = line->offset + 1;
      ahead_ = nullptr;
      if (state->ended()) break;
    }
    if (state == nullptr) return false;
    if (!chunk.bodies.empty()) TRY(decode(chunk));
    if (state->ended()) rows_->event(SplitEvent{chunk.split, SplitEnded{}});
    return true;
  }
  bool wanted(const rocketmq::Message& message) const {
    return plan_->tags.empty() ||
           std::find(plan_->tags.begin(), plan_->tags.end(), message.tags) != plan_->tags.end();
  }
  Status add_message(RecordedLine& line, Chunk& chunk) {
    rocketmq::Message& message = line.recorded.message;
    if (!wanted(message)) return {};
    auto properties = rocketmq::encode_properties(message, line.recorded.id);
    if (!properties.ok()) return recording_->bad(properties.error().message);
    const std::size_t size = message.body.size();
    message.body.resize(size + format::kBodyPadding);
    const std::string_view body = chunk.texts->keep(std::move(message.body)).substr(0, size);
    RecordView record;
    record.queue_id = line.queue.id;
    record.queue_offset = line.offset;
    record.flag = message.flag;
    record.store_ms = line.recorded.stored_ms.value_or(0);
    record.born_ms = record.store_ms;
    record.store_host.ip = kNoAddress;
    record.born_host.ip = kNoAddress;
    record.properties = chunk.texts->keep(std::move(*properties));
    if (plan_->rows->key) {
      const auto key = rocketmq::find_property(record.properties, rocketmq::property::kKeys);
      chunk.keys.push_back(key.value_or(std::string_view()));
    }
    chunk.bodies.push_back(body);
    chunk.records.push_back(record);
    chunk.lines.push_back(line.number);
    chunk.bytes += size;
    return {};
  }
  Status decode(const Chunk& chunk) {
    chunk_ = &chunk;
    connector_kit::BodyChunk bodies;
    bodies.split = chunk.split;
    bodies.bodies = chunk.bodies;
    bodies.keys = chunk.keys;
    bodies.buffer = chunk.texts;
    bodies.padded_count = chunk.bodies.size();
    bodies.bytes = chunk.bytes;
    return rows_->add(bodies, metadata_, [&](std::uint32_t body) { return origin_of(body); });
  }
  connector_kit::BodyOrigin origin_of(std::uint32_t body) const {
    const MessageQueue& queue = chunk_->queue;
    const std::string offset = std::to_string(chunk_->records[body].queue_offset);
    return {queue.to_string(),
            offset,
            "line " + std::to_string(chunk_->lines[body]) + " of recording '" +
                plan_->settings->recording + "'",
            {{"topic", queue.topic},
             {"broker", queue.broker},
             {"queue_id", std::to_string(queue.id)},
             {"queue_offset", offset}}};
  }

  const std::shared_ptr<const RowPlan> plan_;
  const ReaderContext context_;
  const std::unique_ptr<connector_kit::RowAssembler> rows_;
  std::vector<connector_kit::RowAssembler::AppendMetadata> metadata_;  // of the chunk being read
  const Chunk* chunk_ = nullptr;
  std::map<std::uint32_t, State> splits_;
  std::map<MessageQueue, std::uint32_t> indices_;
  std::unique_ptr<Recording> recording_;  // null: it begins anew
  RecordedLine* ahead_ = nullptr;         // read and not given yet
  bool at_end_ = false;
};

}  // namespace

Result<std::unique_ptr<SplitEnumerator>> make_recorded_enumerator(
    std::shared_ptr<const SourceSettings> settings, const EnumeratorContext& context) {
  auto made = std::make_unique<RecordedEnumerator>(std::move(settings));
  if (context.has_restored && !context.restored.empty()) TRY(made->restore(context.restored));
  return std::unique_ptr<SplitEnumerator>(std::move(made));
}

Result<std::unique_ptr<SourceReader>> make_recorded_reader(std::shared_ptr<const RowPlan> plan,
                                                           ReaderContext context) {
  const Metrics& metrics = context.metrics;
  TRY_ASSIGN(auto rows,
             connector_kit::RowAssembler::make(
                 plan->rows, context.batch_rows,
                 {kSourceMessages.in(metrics), kSourceBodyBytes.in(metrics),
                  kSourceDecodeErrors.in(metrics), kSourceIgnored.in(metrics)},
                 "; set 'decode.errors' = 'skip' or 'dead-letter' to go on without such messages"));
  return std::unique_ptr<SourceReader>(
      std::make_unique<RecordedReader>(std::move(plan), std::move(context), std::move(rows)));
}

}  // namespace slipstream::rocketmq_connector
