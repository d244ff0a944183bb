// What a running job has to say: from its reports and from what its connectors count.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/metric_store.h"
#include "cli/progress.h"
#include "flow/job.h"

namespace slipstream::cli {

// Sums over the metrics of one job, as long as the process lives.
struct JobCounts {
  std::int64_t late = 0;      // rows behind the watermark
  std::int64_t skipped = 0;   // bodies, lines and fields that were given up
  std::int64_t messages = 0;  // that sources with an end known beforehand have read
  std::optional<std::int64_t> lag =
      {};  // messages that these have before them; absent: nobody says
  std::optional<std::int64_t> printed =
      {};  // rows that a query gave to a person: it writes nothing
};
JobCounts count_of(const MetricStore& store, const std::string& job);

// Thread: one at a time.
class JobProgress {
 public:
  // `before`: what was counted before the job began. `bounded`: every source ends by itself.
  JobProgress(std::string name, bool bounded, JobCounts before, std::int64_t now_ms)
      : name_(std::move(name)), bounded_(bounded), before_(before), started_ms_(now_ms) {
    attempt_messages_ = before.messages;
  }

  void observe(const flow::JobReport& report, const JobCounts& counts, std::int64_t now_ms,
               std::int64_t wall_ms);
  ProgressFacts facts() const;
  // "job 'orders': read 1,000 rows, wrote 10, late 0, skipped 0, in 12 s"
  std::string summary() const;

 private:
  std::string input_text() const;  // of a bounded input, or how far behind

  const std::string name_;
  const bool bounded_;
  const JobCounts before_;
  const std::int64_t started_ms_;

  std::int64_t now_ms_ = 0;
  flow::JobReport::State state_ = flow::JobReport::State::kStarting;
  std::int64_t read_ = 0, written_ = 0;
  std::int64_t attempt_messages_ = 0;  // that were counted when the attempt began
  std::uint64_t restarts_ = 0;
  std::uint64_t checkpoints_ = 0;
  std::string last_error_;
  std::optional<std::int64_t> behind_ms_;  // of the watermark
  JobCounts counts_;
  Rate read_rate_, written_rate_, message_rate_;
};

}  // namespace slipstream::cli
