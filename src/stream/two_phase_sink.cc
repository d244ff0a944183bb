// Sinks of transactions that user code opens, seals and commits.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "slipstream/stream/sink.h"

#include "base/try.h"
#include "stream/user_call.h"

namespace slipstream::stream::erased {
namespace {

constexpr std::chrono::milliseconds kRetryFirst{100};
constexpr std::chrono::milliseconds kRetryMost{10'000};

class Writer final : public SinkWriter {
 public:
  explicit Writer(std::unique_ptr<SinkRun> run) : run_(std::move(run)) {}
  Result<Write> write(const Batch& batch, EpochFile*) override {
    TRY(user_call([&] { run_->write(batch); }));
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId, EpochFile*) override {
    std::optional<std::string> handle;
    TRY(user_call([&] { handle = run_->pre_commit(); }));
    return handle;
  }

 private:
  std::unique_ptr<SinkRun> run_;
};

class Committer final : public SinkCommitter {
 public:
  explicit Committer(std::function<Status(const std::string&)> commit)
      : commit_(std::move(commit)) {}
  Status commit(std::span<const Committable> committables, const CommitContext& context) override {
    for (const Committable& one : committables) TRY(commit_one(one.handle, context));
    return {};
  }

 private:
  Status commit_one(const std::string& transaction, const CommitContext& context) {
    for (auto delay = kRetryFirst;; delay = std::min(delay * 2, kRetryMost)) {
      if (context.check_lease) TRY(context.check_lease());
      Status status;
      TRY(user_call([&] { status = commit_(transaction); }));
      if (status.ok() || !status.error().retryable) return status;
      if (!wait(delay, context.stop))
        return Error{ErrorCode::kCancelled, "stopped while committing a transaction"};
    }
  }
  static bool wait(std::chrono::milliseconds delay, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, delay, [] { return false; });
    return !stop.stop_requested();
  }

  std::function<Status(const std::string&)> commit_;
};

class TwoPhase final : public Sink {
 public:
  explicit TwoPhase(TwoPhaseSpec spec) : spec_(std::move(spec)) {}
  Schema schema() const override { return spec_.element; }
  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    std::unique_ptr<SinkRun> run;
    TRY(user_call([&] {
      run = spec_.make_writer({context.subtask, context.parallelism, context.attempt_token});
    }));
    return std::unique_ptr<SinkWriter>(std::make_unique<Writer>(std::move(run)));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext) override {
    std::function<Status(const std::string&)> commit;
    TRY(user_call([&] { commit = spec_.make_committer(); }));
    return std::unique_ptr<SinkCommitter>(std::make_unique<Committer>(std::move(commit)));
  }

 private:
  TwoPhaseSpec spec_;
};

}  // namespace

std::shared_ptr<Sink> make_two_phase_sink(TwoPhaseSpec spec) {
  return std::make_shared<TwoPhase>(std::move(spec));
}

}  // namespace slipstream::stream::erased
