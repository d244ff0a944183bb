#include "connectors/rocketmq/committer.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "slipstream/rocketmq/admin.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/retry.h"
#include "base/try.h"
#include "connector_kit/two_phase.h"
#include "connectors/rocketmq/epoch_codec.h"
#include "connectors/rocketmq/metrics.h"
#include "connectors/rocketmq/queue_scan.h"
#include "connectors/rocketmq/shared_client.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {

using rocketmq::MessageQueue;
using rocketmq::SendOutcome;

namespace {

constexpr std::size_t kUnderWayMax = 32;
constexpr std::size_t kUnderWayPerQueue = 4;
constexpr std::int64_t kWaitMs = 50;
constexpr RetryPolicy kRetry{.first_wait_ms = 50, .wait_ms_max = 2'000};
// The fence, in seconds since a process that may hang anywhere has renewed its lease last:
//    7    check_lease() lets nothing out later.
//   10    Nothing is given to the operating system later (ProducerOptions::fenced), wherever it
//         waited: for a route, the quota, a connection, or room in the socket; encrypted or not.
//         Another host may have the directory from here on.
//   15    What the operating system had has arrived, or is thrown away (TCP_USER_TIMEOUT).
//   17    A broker has stored what arrived (sink.fence-wait).
//   17.5  The queue is looked through: clocks are read at different times.
constexpr std::int64_t kSocketMs = 5'000;
constexpr std::int64_t kClockMarginMs = 500;
constexpr std::int64_t kFailOverMs = 300'000;  // how far back to look after a broker lost its end
constexpr std::int64_t kReportIntervalMs = 5'000;

// One committable, opened.
struct Epoch {
  EpochHandle handle;
  std::string prefix;
  std::unique_ptr<EpochFileReader> file;
  std::vector<bool> found;      // by sequence: seen in a queue
  std::vector<bool> found_now;  // in the scan that runs
};

struct BatchWork {
  std::size_t epoch = 0;
  EpochFileReader::Entry entry;
  bool partial = false;  // only what was not found
};

struct QueueWork {
  QueueWork(const Clock& clock, const std::stop_token& stop, std::uint64_t seed)
      : retry(kRetry, clock, stop, seed) {}
  // The next attempt waits, longer each time until one succeeds.
  void back_off(std::int64_t now_ms) {
    next_attempt_ms = now_ms + retry.next_wait_ms().value_or(0);  // none: stopped, nothing waits
  }

  MessageQueue queue;
  std::int64_t lower = 0;
  std::int64_t sealed_ms = 0;
  bool ordered = false;
  std::deque<BatchWork> waiting;
  std::vector<BatchWork> doubtful;
  std::size_t under_way = 0;
  bool suspect = false;             // a scan must decide
  std::int64_t fence_ms = 0;        // now_ms() from which a scan sees everything
  rocketmq::DispatchGoal dispatch;  // what a scan has to see
  std::int64_t next_attempt_ms = 0;
  Retry retry;
};

// What completions bring back to the commit thread.
class Completions {
 public:
  struct Done {
    QueueWork* queue = nullptr;
    BatchWork batch;
    std::int64_t bytes = 0;
    std::int64_t sent_ms = 0;
    rocketmq::SendResult result;
  };
  void add(Done done) {
    MutexLock lock(mutex_);
    done_.push_back(std::move(done));
    changed_.notify_one();
  }
  std::vector<Done> take(std::int64_t wait_ms) {
    MutexLock lock(mutex_);
    if (done_.empty() && wait_ms > 0) changed_.wait_for_ms(mutex_, wait_ms);
    return std::exchange(done_, {});
  }

 private:
  Mutex mutex_;
  Condition changed_;
  std::vector<Done> done_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// The bodies under way. The memory of one that was sent takes the next: it is neither cleared nor
// fresh from the system.
//
// Owner:  whoever holds a body, and one publication.
// Thread: any.
// Bounds: as many bodies as were under way at a time.
class Bodies : public std::enable_shared_from_this<Bodies> {
 public:
  // Of any content.
  std::shared_ptr<std::string> take() {
    std::unique_ptr<std::string> body;
    {
      MutexLock lock(mutex_);
      if (!free_.empty()) {
        body = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!body) body = std::make_unique<std::string>();
    return {body.release(), [self = shared_from_this()](std::string* sent) {
              self->give_back(std::unique_ptr<std::string>(sent));
            }};
  }

 private:
  void give_back(std::unique_ptr<std::string> body) {
    MutexLock lock(mutex_);
    free_.push_back(std::move(body));
  }

  Mutex mutex_;
  std::vector<std::unique_ptr<std::string>> free_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// One call of commit().
class Publication {
 public:
  Publication(const SinkPlan& plan, const CommitterContext& engine, rocketmq::Client& client,
              rocketmq::Producer& producer, FlinkSinkMetrics& metrics, const CommitContext& context)
      : plan_(plan),
        metrics_(metrics),
        client_(client),
        producer_(producer),
        context_(context),
        admin_(client),
        clock_(*engine.clock),
        completions_(std::make_shared<Completions>()),
        bodies_(std::make_shared<Bodies>()) {
    messages_ = kSinkMessages.in(engine.metrics);
    retries_ = kSinkRetries.in(engine.metrics);
    scans_ = kSinkScans.in(engine.metrics);
    found_ = kSinkFound.in(engine.metrics);
    duplicates_ = kSinkDuplicates.in(engine.metrics);
  }

  Status open(std::span<const Committable> committables);
  Status run();

 private:
  std::int64_t now() const { return clock_.now_ms(); }
  bool finished() const;
  Status start_sends();
  Status send(QueueWork& work);
  Result<std::shared_ptr<const std::string>> read_body(const BatchWork& batch,
                                                       std::size_t& count) const;
  Status handle_completions(std::int64_t wait_ms);
  Status handle(Completions::Done& done);
  void doubt(QueueWork& work, std::int64_t fence_ms);
  Status resolve();
  Result<ScanRange> scan_range(QueueWork& work);
  Result<std::int64_t> upper_bound(QueueWork& work);
  void note_found(std::string_view key);
  Status requeue(QueueWork& work);
  void report(const std::string& text);
  void report_waiting();
  Status drain(Status status);

  const SinkPlan& plan_;
  FlinkSinkMetrics& metrics_;
  rocketmq::Client& client_;
  rocketmq::Producer& producer_;
  const CommitContext& context_;
  rocketmq::Admin admin_;
  const Clock& clock_;
  std::shared_ptr<Completions> completions_;
  std::shared_ptr<Bodies> bodies_;
  std::vector<Epoch> epochs_;
  std::map<std::string, std::size_t, std::less<>> by_prefix_;
  std::map<MessageQueue, QueueWork> queues_;
  std::size_t under_way_ = 0;
  std::string last_trouble_;
  std::int64_t last_report_ms_ = 0;
  std::int64_t found_duplicates_ = 0;
  std::atomic<std::int64_t>* messages_;
  std::atomic<std::int64_t>* retries_;
  std::atomic<std::int64_t>* scans_;
  std::atomic<std::int64_t>* found_;
  std::atomic<std::int64_t>* duplicates_;
};

void Publication::report(const std::string& text) {
  if (context_.progress) context_.progress(text);
}

Status Publication::open(std::span<const Committable> committables) {
  for (const Committable& each : committables) {
    if (each.handle.empty()) continue;
    Epoch epoch;
    TRY_ASSIGN(epoch.handle, decode_epoch_handle(each.handle));
    TRY_ASSIGN(epoch.file, EpochFileReader::open(each.epoch_file));
    epoch.prefix = stamp_prefix(epoch.handle.series);
    epoch.found.resize(epoch.handle.messages);
    TRY_ASSIGN(const std::vector<EpochFileReader::Entry> entries, epoch.file->batches());
    if (entries.size() != epoch.handle.batches) {
      return Error{ErrorCode::kCorrupt,
                   "epoch file '" + each.epoch_file + "' has " + std::to_string(entries.size()) +
                       " batches instead of " + std::to_string(epoch.handle.batches)};
    }
    for (const EpochFileReader::Entry& entry : entries) {
      if (entry.head.queue >= epoch.handle.queues.size())
        return Error{ErrorCode::kCorrupt, "epoch file '" + each.epoch_file + "' is damaged"};
      const EpochQueue& target = epoch.handle.queues[entry.head.queue];
      const auto [at, fresh] =
          queues_.try_emplace(target.queue, clock_, context_.stop, queues_.size());
      QueueWork& work = at->second;
      work.queue = target.queue;
      work.lower = fresh ? target.lower : std::min(work.lower, target.lower);
      work.sealed_ms =
          fresh ? epoch.handle.sealed_ms : std::min(work.sealed_ms, epoch.handle.sealed_ms);
      work.ordered = work.ordered || epoch.handle.ordered;
      work.waiting.push_back(BatchWork{epochs_.size(), entry, false});
    }
    by_prefix_.emplace(epoch.prefix, epochs_.size());
    epochs_.push_back(std::move(epoch));
  }
  if (!context_.recovered) return {};
  // The former process may have sent until its last sign of life.
  const std::int64_t passed =
      context_.last_lease_ms > 0
          ? std::max<std::int64_t>(0, clock_.wall_ms() - context_.last_lease_ms)
          : 0;
  const std::int64_t wait =
      std::max<std::int64_t>(0, kSocketMs + plan_.settings.fence_wait_ms + kClockMarginMs - passed);
  for (auto& [queue, work] : queues_) {
    work.doubtful.assign(work.waiting.begin(), work.waiting.end());
    work.waiting.clear();
    doubt(work, now() + wait);
  }
  return {};
}

bool Publication::finished() const {
  return under_way_ == 0 && std::all_of(queues_.begin(), queues_.end(), [](const auto& each) {
           return each.second.waiting.empty() && each.second.doubtful.empty();
         });
}

Status Publication::run() {
  while (!finished()) {
    if (context_.stop.stop_requested())
      return drain(Error{ErrorCode::kCancelled, "stopped while publishing"});
    const Status started = start_sends();
    if (!started.ok()) return drain(started);
    const Status handled = handle_completions(under_way_ > 0 || !finished() ? kWaitMs : 0);
    if (!handled.ok()) return drain(handled);
    if (under_way_ == 0) {
      Status resolved = resolve();
      if (!resolved.ok()) return resolved;
    }
    report_waiting();
  }
  if (found_duplicates_ > 0) {
    const std::string text = std::to_string(found_duplicates_) + " messages of sink table '" +
                             plan_.settings.table +
                             "' were found twice in their queues: duplicates";
    log(LogLevel::kError, "rocketmq", text);
    report(text);
  }
  return {};
}

// Completions refer to queues_: wait for them.
Status Publication::drain(Status status) {
  while (under_way_ > 0) {
    for (Completions::Done& done : completions_->take(kWaitMs)) {
      static_cast<void>(done);
      --under_way_;
    }
  }
  return status;
}

void Publication::report_waiting() {
  if (last_trouble_.empty() || now() - last_report_ms_ < kReportIntervalMs) return;
  last_report_ms_ = now();
  report("waiting to publish: " + std::exchange(last_trouble_, {}));
}

Status Publication::start_sends() {
  for (auto& [queue, work] : queues_) {
    const std::size_t most = work.ordered ? 1 : kUnderWayPerQueue;
    while (!work.suspect && !work.waiting.empty() && work.under_way < most &&
           under_way_ < kUnderWayMax && now() >= work.next_attempt_ms) {
      TRY(send(work));
    }
  }
  return {};
}

// The batch, without messages that were found already.
Result<std::shared_ptr<const std::string>> Publication::read_body(const BatchWork& batch,
                                                                  std::size_t& count) const {
  const Epoch& epoch = epochs_[batch.epoch];
  const std::shared_ptr<std::string> body = bodies_->take();
  TRY(epoch.file->read_body(batch.entry, *body));
  count = batch.entry.head.count;
  if (!batch.partial) return std::shared_ptr<const std::string>(body);
  rocketmq::BatchEncoder encoder(body->size());
  std::span<const std::uint8_t> rest = as_bytes(*body);
  while (!rest.empty()) {
    TRY_ASSIGN(const rocketmq::BatchEntryView entry, rocketmq::decode_batch_entry(rest));
    const auto key = rocketmq::find_property(entry.properties, rocketmq::property::kUniqueKey);
    const auto sequence = key ? stamp_sequence(*key) : std::nullopt;
    if (!sequence || *sequence >= epoch.found.size())
      return Error{ErrorCode::kCorrupt, "a sealed message has no stamp of its epoch"};
    if (epoch.found[*sequence]) continue;
    TRY(encoder.add(as_text(entry.body), entry.properties, entry.flag));
  }
  count = encoder.count();
  return std::make_shared<const std::string>(encoder.take());
}

Status Publication::send(QueueWork& work) {
  std::size_t count = 0;
  TRY_ASSIGN(std::shared_ptr<const std::string> body, read_body(work.waiting.front(), count));
  if (count == 0) {
    work.waiting.pop_front();
    return {};
  }
  const BatchWork batch = work.waiting.front();
  const auto bytes = static_cast<std::int64_t>(body->size());
  TRY(connector_kit::check_lease(context_));  // at the last moment: reading may have taken long
  Status accepted = producer_.send_encoded(
      rocketmq::EncodedBatch{work.queue, std::move(body), count}, rocketmq::SendRetry::kOnce,
      [completions = completions_, &work, batch, bytes,
       sent_ms = metrics_.now_ms()](const rocketmq::SendResult& result) {
        completions->add(Completions::Done{&work, batch, bytes, sent_ms, result});
      });
  if (!accepted.ok()) {
    if (!accepted.error().retryable) return accepted;
    work.next_attempt_ms = now() + kRetry.first_wait_ms;
    return {};
  }
  work.waiting.pop_front();
  ++work.under_way;
  ++under_way_;
  return {};
}

Status Publication::handle_completions(std::int64_t wait_ms) {
  Status status;
  for (Completions::Done& done : completions_->take(wait_ms)) {
    --under_way_;
    --done.queue->under_way;
    if (status.ok()) status = handle(done);
  }
  return status;
}

void Publication::doubt(QueueWork& work, std::int64_t fence_ms) {
  work.suspect = true;
  work.fence_ms = std::max(work.fence_ms, fence_ms);
  work.dispatch = {};
}

Status Publication::handle(Completions::Done& done) {
  QueueWork& work = *done.queue;
  switch (done.result.outcome) {
    case SendOutcome::kStored:
      messages_->fetch_add(done.batch.entry.head.count, std::memory_order_relaxed);
      metrics_.stored(done.batch.entry.head.count, done.bytes, done.sent_ms);
      work.retry.reset();
      return {};
    case SendOutcome::kNotStored:
      retries_->fetch_add(1, std::memory_order_relaxed);
      work.waiting.push_front(done.batch);
      work.back_off(now());
      last_trouble_ = done.result.error.to_string();
      return {};
    case SendOutcome::kUnknown:
      work.doubtful.push_back(done.batch);
      last_trouble_ = done.result.error.to_string();
      doubt(work, std::max(done.result.last_attempt_ms, now()) + kSocketMs +
                      plan_.settings.fence_wait_ms);
      return {};
    case SendOutcome::kRefused:
      break;
  }
  return done.result.error.with_context(
      "table '" + plan_.settings.table +
      "': a broker refuses sealed messages forever; they are kept");
}

// Max offset that counts everything appended before this call. Brokers of all versions answer one
// that counts what their queues know; those follow the log.
Result<std::int64_t> Publication::upper_bound(QueueWork& work) {
  const MessageQueue& queue = work.queue;
  TRY_ASSIGN(const rocketmq::BrokerState state, admin_.broker_state(queue.topic, queue.broker));
  const std::string place = "finding what was published in " + queue.to_string();
  auto reached = work.dispatch.reached(state);
  if (!reached.ok()) return reached.error().with_context(place);
  if (!*reached) {
    return Error::retry(ErrorCode::kUnavailable,
                        "broker '" + queue.broker + "' has not indexed all that it stored yet");
  }
  return admin_.max_offset(queue);
}

Result<ScanRange> Publication::scan_range(QueueWork& work) {
  ScanRange range{work.queue, work.lower, 0};
  TRY_ASSIGN(range.upper, upper_bound(work));
  TRY_ASSIGN(const std::int64_t least, admin_.min_offset(work.queue));
  if (range.upper < work.lower) {
    TRY_ASSIGN(const std::int64_t earlier,
               admin_.offset_at(work.queue, work.sealed_ms - kFailOverMs));
    range.lower = std::max(least, std::min(earlier, range.upper));
    const std::string text = work.queue.to_string() + " ends at " + std::to_string(range.upper) +
                             ", before the recorded offset " + std::to_string(work.lower) +
                             ": the broker lost messages; looking from " +
                             std::to_string(range.lower);
    log(LogLevel::kError, "rocketmq", text);
    report(text);
  } else if (least > work.lower) {
    return Error{
        ErrorCode::kOutOfRange,
        "table '" + plan_.settings.table + "': " + work.queue.to_string() + " begins at offset " +
            std::to_string(least) + " now, the epoch began at " + std::to_string(work.lower) +
            ": messages were deleted since, so it cannot be seen which ones were published"};
  }
  return range;
}

void Publication::note_found(std::string_view key) {
  const auto epoch = by_prefix_.find(key.substr(0, kStampPrefix));
  if (epoch == by_prefix_.end()) return;
  const auto sequence = stamp_sequence(key);
  std::vector<bool>& seen = epochs_[epoch->second].found_now;
  if (!sequence || *sequence >= seen.size()) return;
  if (seen[*sequence]) {
    ++found_duplicates_;
    duplicates_->fetch_add(1, std::memory_order_relaxed);
    return;
  }
  seen[*sequence] = true;
  found_->fetch_add(1, std::memory_order_relaxed);
}

// Looks through doubtful queues whose fence has passed.
Status Publication::resolve() {
  std::vector<ScanRange> ranges;
  std::vector<QueueWork*> works;
  for (auto& [queue, work] : queues_) {
    if (!work.suspect) continue;
    if (now() < work.fence_ms || now() < work.next_attempt_ms) {
      if (context_.recovered && last_trouble_.empty())
        last_trouble_ = "until nothing of the former process can arrive any more";
      continue;
    }
    auto range = scan_range(work);
    if (!range.ok()) {
      if (!range.error().retryable && range.error().code != ErrorCode::kTimeout)
        return range.status();
      last_trouble_ = range.error().to_string();
      work.back_off(now());
      continue;
    }
    ranges.push_back(*range);
    works.push_back(&work);
  }
  if (works.empty()) return {};
  scans_->fetch_add(1, std::memory_order_relaxed);
  for (Epoch& epoch : epochs_) epoch.found_now.assign(epoch.handle.messages, false);
  ScanOptions options;
  options.group = plan_.settings.scan_group;
  options.stop = context_.stop;
  options.found = [this](std::string_view key) { note_found(key); };
  options.progress = context_.progress;
  options.clock = &clock_;
  TRY(scan_queues(client_, ranges, options).with_context("table '" + plan_.settings.table + "'"));
  for (Epoch& epoch : epochs_) {
    for (std::size_t i = 0; i < epoch.found.size(); ++i) {
      if (epoch.found_now[i]) epoch.found[i] = true;
    }
  }
  for (QueueWork* work : works) TRY(requeue(*work));
  return {};
}

// What was in doubt is sent again, without what was found.
Status Publication::requeue(QueueWork& work) {
  for (auto each = work.doubtful.rbegin(); each != work.doubtful.rend(); ++each) {
    each->partial = true;
    work.waiting.push_front(*each);
  }
  work.doubtful.clear();
  work.suspect = false;
  work.next_attempt_ms = 0;
  work.retry.reset();
  return {};
}

}  // namespace

EpochCommitter::EpochCommitter(std::shared_ptr<const SinkPlan> plan,
                               const CommitterContext& context,
                               std::shared_ptr<rocketmq::Client> client)
    : plan_(std::move(plan)),
      engine_(context),
      client_(std::move(client)),
      metrics_(context.metrics, *client_),
      producer_(*client_,
                rocketmq::ProducerOptions{
                    .group = plan_->settings.group, .retry_unknown = false, .fenced = true}) {}

Result<std::unique_ptr<SinkCommitter>> EpochCommitter::make(std::shared_ptr<const SinkPlan> plan,
                                                            const CommitterContext& context) {
  TRY_ASSIGN(auto client, shared_client(plan->settings.client));
  return std::unique_ptr<SinkCommitter>(
      new EpochCommitter(std::move(plan), context, std::move(client)));
}

Status EpochCommitter::commit(std::span<const Committable> committables,
                              const CommitContext& context) {
  Publication publication(*plan_, engine_, *client_, producer_, metrics_, context);
  TRY(publication.open(committables));
  return publication.run();
}

}  // namespace slipstream::rocketmq_connector
