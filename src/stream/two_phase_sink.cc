// Sinks of transactions that user code opens, seals and commits.
#include <functional>

#include "slipstream/stream/sink.h"

#include "base/clock.h"
#include "base/try.h"
#include "connector_kit/two_phase.h"
#include "stream/plan.h"
#include "stream/user_call.h"

namespace slipstream::stream::erased {
namespace {

constexpr RetryPolicy kCommitRetry{.first_wait_ms = 100, .wait_ms_max = 10'000};
const char* const kPlace = "TwoPhaseSink";

std::shared_ptr<UserCalls> watched(UserCodeWatch& watch, const Metrics& metrics) {
  auto calls = watch.add(kPlace);
  if (metrics.value) calls->set_gauge(metrics.value(kBlockedCall.name, kBlockedCall.help));
  return calls;
}

class Writer final : public SinkWriter {
 public:
  explicit Writer(std::shared_ptr<UserCalls> calls)
      : calls_(std::move(calls)),
        open_(calls_->add("open() of the TwoPhaseSink")),
        invoke_(calls_->add("invoke() of the TwoPhaseSink")),
        pre_commit_(calls_->add("pre_commit() of the TwoPhaseSink")) {}
  Status open(const TwoPhaseSpec& spec, const TransactionContext& context) {
    return user_call(*calls_, open_, [&] { run_ = spec.make_writer(context); });
  }
  Result<Write> write(const Batch& batch, EpochFile*) override {
    TRY(user_call(*calls_, invoke_, [&] { run_->write(batch); }));
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId, EpochFile*) override {
    std::optional<std::string> handle;
    TRY(user_call(*calls_, pre_commit_, [&] { handle = run_->pre_commit(); }));
    return handle;
  }

 private:
  const std::shared_ptr<UserCalls> calls_;
  const UserCalls::Site open_, invoke_, pre_commit_;
  std::unique_ptr<SinkRun> run_;
};

class Committer final : public SinkCommitter {
 public:
  Committer(std::shared_ptr<UserCalls> calls, const Clock& clock)
      : clock_(clock),
        calls_(std::move(calls)),
        copy_(calls_->add("the copy constructor of the TwoPhaseSink")),
        commit_site_(calls_->add("commit() of the TwoPhaseSink")) {}
  Status open(const TwoPhaseSpec& spec) {
    return user_call(*calls_, copy_, [&] { commit_ = spec.make_committer(); });
  }
  Status commit(std::span<const Committable> committables, const CommitContext& context) override {
    for (const Committable& one : committables) TRY(commit_one(one.handle, context));
    return {};
  }

 private:
  Status commit_one(const std::string& transaction, const CommitContext& context) {
    return connector_kit::publish_until_done(
        {.subject = "the transaction of a TwoPhaseSink",
         .component = "stream",
         .retry = kCommitRetry},
        context, clock_, [&]() -> Status {
          TRY(connector_kit::check_lease(context));
          Status status;
          TRY(user_call(*calls_, commit_site_, [&] { status = commit_(transaction); }));
          return status;
        });
  }

  const Clock& clock_;
  const std::shared_ptr<UserCalls> calls_;
  const UserCalls::Site copy_, commit_site_;
  std::function<Status(const std::string&)> commit_;
};

class TwoPhase final : public Sink {
 public:
  TwoPhase(TwoPhaseSpec spec, std::shared_ptr<UserCodeWatch> watch)
      : spec_(std::move(spec)), watch_(std::move(watch)) {}
  Schema schema() const override { return spec_.element; }
  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    auto writer = std::make_unique<Writer>(watched(*watch_, context.metrics));
    TRY(writer->open(spec_, {context.subtask, context.parallelism, context.attempt_token}));
    return std::unique_ptr<SinkWriter>(std::move(writer));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override {
    auto committer = std::make_unique<Committer>(watched(*watch_, context.metrics), *context.clock);
    TRY(committer->open(spec_));
    return std::unique_ptr<SinkCommitter>(std::move(committer));
  }

 private:
  const TwoPhaseSpec spec_;
  const std::shared_ptr<UserCodeWatch> watch_;
};

}  // namespace

std::shared_ptr<Sink> make_two_phase_sink(StreamPlan& plan, TwoPhaseSpec spec) {
  return std::make_shared<TwoPhase>(std::move(spec), plan.watch());
}

}  // namespace slipstream::stream::erased
