// Sources with a thread of their own that emits.
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "slipstream/stream/source.h"

#include "base/try.h"
#include "connector_kit/single_split.h"
#include "data/serialize.h"
#include "stream/user_call.h"

namespace slipstream::stream::erased {
namespace {

constexpr std::size_t kBatchesAhead = 2;  // emitted and not yet taken by the task
constexpr std::uint8_t kStateVersion = 1;
const char* const kSplitId = "function";

// The state of the one split: what the function said, what it had emitted that the task had not
// taken yet, and how far event time had come behind that.
struct SourceState {
  std::string function;
  std::vector<Batch> emitted;
  Timestamp watermark = kNoTimestamp;

  std::string encode() const {
    std::string out;
    bytes::put_number(out, kStateVersion);
    bytes::put_text(out, function);
    bytes::put_number(out, watermark);
    std::vector<std::uint8_t> batches;
    for (const Batch& batch : emitted) {
      if (batch.rows() > 0) serialize_batch(batch, batches);
    }
    out.append(reinterpret_cast<const char*>(batches.data()), batches.size());
    return out;
  }
  static Result<SourceState> decode(std::string_view in) {
    SourceState state;
    std::uint8_t version = 0;
    std::string_view function;
    if (!bytes::get_number(in, version) || version != kStateVersion ||
        !bytes::get_text(in, function) || !bytes::get_number(in, state.watermark))
      return Error{ErrorCode::kCorrupt, "saved state of a source function cannot be read"};
    state.function = function;
    std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(in.data()), in.size());
    while (!rest.empty()) {
      TRY_ASSIGN(Batch batch, deserialize_batch(rest));
      state.emitted.push_back(std::move(batch));
    }
    return state;
  }
};

// Owner: the reader. Thread: the function's, but for take(), save() and stop(), which are the
// task's. Bounds: kBatchesAhead batches and what is emitted under one lock.
class Channel final : public SourceChannel {
 public:
  Channel(const Schema& element, const ReaderContext& context)
      : wake_(context.wake),
        rows_(edge_schema(element, false), context.batch_rows,
              [this](Batch&& batch) { add(std::move(batch)); }) {}

  // The function's thread.
  void lock() override {
    if (depth_++ > 0) return;
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return ready_.size() < kBatchesAhead || !running_; });
    lock.release();
  }
  void unlock() override {
    if (--depth_ > 0) return;
    const bool wake = std::exchange(hungry_, false);
    mutex_.unlock();
    if (wake) wake_();
  }
  RowWriter& rows() override { return rows_; }
  void watermark(Timestamp time) override {
    watermark_ = std::max(watermark_, time);
    event({0, SplitActive{}});
    event({0, SplitWatermark{time}});
  }
  void idle() override { event({0, SplitIdle{}}); }
  bool running() const override {
    const std::lock_guard lock(running_mutex_);
    return running_;
  }
  OperatorRuntime* runtime() override { return nullptr; }

  void run(SourceRun& function) {
    Status status = user_call([&] { function.run(*this); });
    if (depth_ > 0) {  // thrown under a lock
      depth_ = 0;
      mutex_.unlock();
    }
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      end_status_ = std::move(status);
    }
    wake_();
  }

  // The task.
  Result<SourceReader::Poll> take(SourceBatch* out) {
    const std::lock_guard lock(mutex_);
    if (ready_.empty()) rows_.flush();
    if (ready_.empty()) {
      if (!end_status_.ok()) return end_status_.error();
      hungry_ = !ended_;
      return ended_ ? SourceReader::Poll::kEnd : SourceReader::Poll::kNothing;
    }
    *out = std::move(ready_.front());
    ready_.pop_front();
    if (out->runs.empty()) out->runs.push_back(SplitRun{0, 0});
    room_.notify_all();
    return SourceReader::Poll::kBatch;
  }
  void give_back(SourceState state) {
    for (Batch& batch : state.emitted) add(std::move(batch));
    if (state.watermark != kNoTimestamp) watermark(state.watermark);
  }
  Result<SourceState> save(SourceRun& function) {
    const std::lock_guard lock(mutex_);
    rows_.flush();
    SourceState state;
    TRY(user_call([&] { state.function = function.snapshot(); }));
    for (const SourceBatch& batch : ready_) {
      if (batch.rows.rows() != 0) state.emitted.push_back(batch.rows);
    }
    state.watermark = watermark_;
    return state;
  }
  void stop() {
    {
      const std::scoped_lock lock(mutex_, running_mutex_);
      running_ = false;
    }
    room_.notify_all();
  }

 private:
  void add(Batch&& rows) { ready_.push_back({std::move(rows), {}, {}}); }
  // Behind all rows so far.
  void event(SplitEvent event) {
    rows_.flush();
    if (ready_.empty()) ready_.emplace_back();
    ready_.back().events.push_back(event);
  }

  std::function<void()> wake_;
  int depth_ = 0;  // function's thread
  mutable std::mutex mutex_;
  mutable std::mutex running_mutex_;  // running() may be asked under the lock
  std::condition_variable room_;
  RowWriter rows_;
  std::deque<SourceBatch> ready_;
  Timestamp watermark_ = kNoTimestamp;
  bool running_ = true;  // written under both
  bool hungry_ = false;
  bool ended_ = false;
  Status end_status_;
};

class FunctionReader final : public SourceReader {
 public:
  FunctionReader(Schema element, MakeSourceRun make, ReaderContext context)
      : make_(std::move(make)), context_(std::move(context)), channel_(element, context_) {}
  ~FunctionReader() override {
    if (!thread_.joinable()) return;
    channel_.stop();
    // the job ends anyway: a cancel() that throws has nothing to add
    static_cast<void>(user_call([&] { function_->cancel(); }));
    thread_.join();
  }

  Status add_split(std::uint32_t, const Split& split) override {
    SourceState state;
    if (!split.state.empty()) {
      TRY_ASSIGN(state, SourceState::decode(split.state));
    }
    TRY(user_call([&] {
      function_ = make_();
      if (!split.state.empty()) function_->restore(state.function);
    }));
    channel_.give_back(std::move(state));
    return {};
  }
  Result<Poll> poll(SourceBatch* out, Batch*) override {
    if (!function_) return Poll::kEnd;
    if (!thread_.joinable()) thread_ = std::thread([this] { channel_.run(*function_); });
    return channel_.take(out);
  }
  Result<std::vector<Split>> snapshot(CheckpointId) override {
    std::vector<Split> splits;
    if (!function_) return splits;
    TRY_ASSIGN(const SourceState state, channel_.save(*function_));
    splits.push_back(Split{kSplitId, state.encode()});
    return splits;
  }
  void checkpoint_complete(CheckpointId) override {}

 private:
  MakeSourceRun make_;
  ReaderContext context_;
  Channel channel_;
  std::unique_ptr<SourceRun> function_;
  std::thread thread_;
};

class FunctionSource final : public Source {
 public:
  FunctionSource(std::string name, Schema element, bool bounded, MakeSourceRun make)
      : name_(std::move(name)),
        element_(std::move(element)),
        bounded_(bounded),
        make_(std::move(make)) {}
  Schema schema() const override { return edge_schema(element_, false); }
  bool bounded() const override { return bounded_; }
  std::vector<std::string> explain() const override { return {"function=" + name_}; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return connector_kit::make_single_split({kSplitId, ""}, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(
        std::make_unique<FunctionReader>(element_, make_, std::move(context)));
  }

 private:
  std::string name_;
  Schema element_;
  bool bounded_;
  MakeSourceRun make_;
};

}  // namespace

std::shared_ptr<Source> make_function_source(std::string name, Schema element, bool bounded,
                                             MakeSourceRun make) {
  return std::make_shared<FunctionSource>(std::move(name), std::move(element), bounded,
                                          std::move(make));
}

}  // namespace slipstream::stream::erased
