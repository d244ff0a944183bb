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
#include "stream/plan.h"
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

// Owner: the reader.
// Thread: the function's, but for take(), save() and stop(), which are the task's.
// Bounds: kBatchesAhead batches and what is emitted under one lock.
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

  void run(SourceRun& function, const std::string& name) {
    Status status;
    try {
      function.run(*this);
    } catch (...) {
      status = error_of_user_code("run() of " + name);
    }
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
  Result<SourceState> save(SourceRun& function, UserCalls& calls, UserCalls::Site site) {
    const std::lock_guard lock(mutex_);
    rows_.flush();
    SourceState state;
    TRY(user_call(calls, site, [&] { state.function = function.snapshot(); }));
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

struct FunctionSourceSpec {
  std::string name;
  Schema element;
  bool bounded = false;
  MakeSourceRun make;
  std::shared_ptr<UserCodeWatch> watch;
};

class FunctionReader final : public SourceReader {
 public:
  FunctionReader(FunctionSourceSpec spec, ReaderContext context)
      : spec_(std::move(spec)),
        context_(std::move(context)),
        name_("source '" + spec_.name + "'"),
        calls_(spec_.watch->add(name_)),
        make_(calls_->add("the copy constructor of " + name_)),
        restore_(calls_->add("restore_state() of " + name_)),
        snapshot_(calls_->add("snapshot_state() of " + name_)),
        cancel_(calls_->add("cancel() of " + name_)),
        join_(calls_->add("run() of " + name_ + ", after cancel(),")),
        channel_(spec_.element, context_) {
    if (context_.metrics.value)
      calls_->set_gauge(context_.metrics.value(kBlockedCall.name, kBlockedCall.help));
  }
  ~FunctionReader() override {
    if (!thread_.joinable()) return;
    channel_.stop();
    spec_.watch->note_failure(user_call(*calls_, cancel_, [&] { function_->cancel(); }));
    call_user(*calls_, join_, [&] { thread_.join(); });
  }

  Status add_split(std::uint32_t, const Split& split) override {
    SourceState state;
    if (!split.state.empty()) {
      TRY_ASSIGN(state, SourceState::decode(split.state));
    }
    TRY(user_call(*calls_, make_, [&] { function_ = spec_.make(); }));
    if (!split.state.empty())
      TRY(user_call(*calls_, restore_, [&] { function_->restore(state.function); }));
    channel_.give_back(std::move(state));
    return {};
  }
  Result<Poll> poll(SourceBatch* out, Batch*) override {
    if (!function_) return Poll::kEnd;
    if (!thread_.joinable()) thread_ = std::thread([this] { channel_.run(*function_, name_); });
    return channel_.take(out);
  }
  Result<std::vector<Split>> snapshot(CheckpointId) override {
    std::vector<Split> splits;
    if (!function_) return splits;
    TRY_ASSIGN(const SourceState state, channel_.save(*function_, *calls_, snapshot_));
    splits.push_back(Split{kSplitId, state.encode()});
    return splits;
  }
  void checkpoint_complete(CheckpointId) override {}

 private:
  const FunctionSourceSpec spec_;
  const ReaderContext context_;
  const std::string name_;
  const std::shared_ptr<UserCalls> calls_;  // of the task; run() may wait for as long as it likes
  const UserCalls::Site make_, restore_, snapshot_, cancel_, join_;
  Channel channel_;
  std::unique_ptr<SourceRun> function_;
  std::thread thread_;
};

class FunctionSource final : public Source {
 public:
  explicit FunctionSource(FunctionSourceSpec spec) : spec_(std::move(spec)) {}
  Schema schema() const override { return edge_schema(spec_.element, false); }
  bool bounded() const override { return spec_.bounded; }
  std::vector<std::string> explain() const override { return {"function=" + spec_.name}; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return connector_kit::make_single_split({kSplitId, ""}, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(
        std::make_unique<FunctionReader>(spec_, std::move(context)));
  }

 private:
  const FunctionSourceSpec spec_;
};

}  // namespace

std::shared_ptr<Source> make_function_source(StreamPlan& plan, std::string name, Schema element,
                                             bool bounded, MakeSourceRun make) {
  FunctionSourceSpec spec;
  spec.name = std::move(name);
  spec.element = std::move(element);
  spec.bounded = bounded;
  spec.make = std::move(make);
  spec.watch = plan.watch();
  return std::make_shared<FunctionSource>(std::move(spec));
}

}  // namespace slipstream::stream::erased
