#include "flow/runtime/discovery.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log_limit.h"
#include "base/thrown.h"
#include "base/try.h"

namespace slipstream::flow {
namespace {
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kRetryMs = 1'000;
}  // namespace

Discovery::Discovery(std::vector<SourceOptions> sources, Timers& timers, WorkPool& pool,
                     std::function<void(Status)> failed, std::function<void()> ready)
    : clock_(timers.clock()),
      failed_(std::move(failed)),
      ready_(std::move(ready)),
      queue_(pool),
      timer_(timers, [this] { queue_.post([this] { discover_due(); }); }) {
  entries_.reserve(sources.size());
  for (SourceOptions& options : sources) {
    Entry& entry = entries_.emplace_back();
    entry.load.resize(options.readers.size());
    entry.options = std::move(options);
  }
}

void Discovery::start() {
  {
    MutexLock lock(mutex_);
    for (Entry& entry : entries_) {
      entry.state = std::move(entry.options.state);
      entry.state.uid = entry.options.uid;
      std::vector<SplitState> splits = std::move(entry.state.splits);
      entry.state.splits.clear();
      // Not complete yet for the readers, whatever the checkpoint says: the enumerator decides.
      const bool complete = std::exchange(entry.state.complete, false);
      entry.restored_enumerator = entry.state.enumerator;
      if (entry.options.restored) assign(entry, std::move(splits), true);
      entry.state.complete = complete && entry.options.restored;
    }
  }
  queue_.post([this] { begin(); });
}

void Discovery::stop() {
  stop_.request_stop();
  queue_.close();  // from here on nobody sets the timer again
  timer_.disarm();
}

std::vector<SourceState> Discovery::trigger(Barrier barrier) {
  MutexLock lock(mutex_);
  std::vector<SourceState> states;
  for (Entry& entry : entries_) {
    states.push_back(entry.state);
    for (Task* reader : entry.options.readers) {
      Control control;
      control.kind = Control::Kind::kTrigger;
      control.barrier = barrier;
      reader->send(std::move(control));
    }
  }
  return states;
}

Status Discovery::make_enumerator(Entry& entry) {
  EnumeratorContext context;
  context.restored = entry.restored_enumerator;
  context.has_restored = entry.options.restored;
  context.stop = stop_.get_token();
  context.metrics = entry.options.metrics;
  context.clock = &clock_;
  TRY_ASSIGN(entry.enumerator, entry.options.source->make_enumerator(std::move(context)));
  return {};
}

// Deterministic: in the order of ids, each to the reader that has the fewest.
void Discovery::assign(Entry& entry, std::vector<SplitState> splits, bool to_all) {
  std::sort(splits.begin(), splits.end(),
            [](const SplitState& a, const SplitState& b) { return a.split.id < b.split.id; });
  std::vector<std::vector<SplitState>> shares(entry.load.size());
  for (SplitState& split : splits) {
    const auto least = std::min_element(entry.load.begin(), entry.load.end());
    ++*least;
    shares[static_cast<std::size_t>(least - entry.load.begin())].push_back(std::move(split));
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].empty() && !to_all) continue;
    Control control;
    control.kind = Control::Kind::kSplits;
    control.splits = std::move(shares[i]);
    control.flag = entry.state.complete;
    entry.options.readers[i]->send(std::move(control));
  }
}

Status Discovery::discover(Entry& entry) {
  TRY_ASSIGN(SplitEnumerator::Discovery found, entry.enumerator->discover());
  std::string snapshot = entry.enumerator->snapshot();
  MutexLock lock(mutex_);
  std::vector<SplitState> splits;
  for (Split& split : found.added)
    splits.push_back(SplitState{entry.state.next_index++, std::move(split)});
  const bool to_all = !entry.succeeded || found.complete != entry.state.complete;
  entry.state.enumerator = std::move(snapshot);
  entry.state.complete = found.complete;
  assign(entry, std::move(splits), to_all);
  return {};
}

// False: it has failed, and that was reported.
bool Discovery::discover_again(Entry& entry) {
  std::int64_t interval = 0;
  const Status status = without_exceptions([&] {
    interval = entry.enumerator->discovery_interval().count();
    return discover(entry);
  });
  if (stop_.stop_requested()) return true;
  if (status.ok()) {
    entry.succeeded = true;
    entry.next_ms = interval > 0 && !entry.state.complete ? clock_.now_ms() + interval : kNever;
    return true;
  }
  if (status.error().retryable && (entry.succeeded || entry.options.restored)) {
    LogLimit::of_process().log(
        LogLevel::kWarn, "flow", "splits of source " + entry.options.name,
        "source '" + entry.options.name +
            "': looking for splits failed, trying again: " + status.to_string());
    entry.next_ms = clock_.now_ms() + std::max(interval, kRetryMs);
    return true;
  }
  failed_(status.with_context("finding the splits of source '" + entry.options.name + "'"));
  return false;
}

void Discovery::begin() {
  for (Entry& entry : entries_) {
    const Status made = without_exceptions([&] { return make_enumerator(entry); });
    if (!made.ok()) return failed_(made.with_context("source '" + entry.options.name + "'"));
  }
  report_ready();
  discover_due();
}

void Discovery::report_ready() {
  if (reported_ || stop_.stop_requested()) return;
  reported_ = std::all_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.succeeded || entry.options.restored;
  });
  if (reported_) ready_();
}

void Discovery::discover_due() {
  std::int64_t next_ms = kNever;
  for (Entry& entry : entries_) {
    if (stop_.stop_requested()) return;
    if (entry.next_ms <= clock_.now_ms() && !discover_again(entry)) return;
    next_ms = std::min(next_ms, entry.next_ms);
  }
  report_ready();
  if (!stop_.stop_requested() && next_ms != kNever) timer_.arm(next_ms);
}

}  // namespace slipstream::flow
