// What a running job has to say: from its reports and from what its connectors count.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "slipstream/connector/registry.h"
#include "slipstream/metrics.h"

#include "base/metric_store.h"
#include "cli/progress.h"
#include "flow/job.h"

namespace slipstream::cli {

// Sums over the metrics of one job, as long as the process lives.
struct JobCounts {
  std::int64_t late = 0;     // rows behind the watermark
  std::int64_t skipped = 0;  // bodies, lines and fields that were given up
  // Rows that a query gave to a person: it writes nothing.
  std::optional<std::int64_t> printed = {};
};
// `skipped`: the families of all connectors that count what is given up.
JobCounts count_of(const MetricStore& store, const std::vector<MetricFamily>& skipped,
                   const std::string& job);
// Those of these connectors, each once: several connectors may count one family.
std::vector<MetricFamily> skipped_families(const ConnectorRegistry& connectors);

// Thread: one at a time.
class JobProgress {
 public:
  // `before`: what was counted before the job began. `bounded`: every source ends by itself.
  JobProgress(std::string name, bool bounded, JobCounts before, std::int64_t now_ms)
      : name_(std::move(name)), bounded_(bounded), before_(before), started_ms_(now_ms) {}

  void observe(const JobReport& report, const JobCounts& counts, std::int64_t now_ms,
               std::int64_t wall_ms);
  ProgressFacts facts() const;
  // "job 'orders': read 1,000 rows, wrote 10, late 0, skipped 0, in 12 s"
  std::string summary() const;

 private:
  void observe_splits(const JobReport& report);
  std::string input_text() const;    // of a bounded input, or how far behind
  std::string restore_text() const;  // of state that is being read back

  const std::string name_;
  const bool bounded_;
  const JobCounts before_;
  const std::int64_t started_ms_;

  std::int64_t now_ms_ = 0;
  JobReport::State state_ = JobReport::State::kStarting;
  std::int64_t read_ = 0, written_ = 0;
  // Of the splits whose positions are known: where each stood when it was first seen, what was read
  // since then, and what is left; absent: no source knows.
  std::map<std::string, std::int64_t> first_positions_;
  std::int64_t passed_ = 0;
  std::optional<std::int64_t> lag_;
  std::uint64_t restarts_ = 0;
  std::uint64_t checkpoints_ = 0;
  std::string last_error_;
  std::optional<std::int64_t> behind_ms_;  // of the watermark
  JobCounts counts_;
  std::int64_t restore_bytes_ = 0, restored_bytes_ = 0;
  std::string publishing_;
  Rate read_rate_, written_rate_, passed_rate_, restored_rate_;
};

}  // namespace slipstream::cli
