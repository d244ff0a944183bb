// The last hour of a job as points in time: rates, lag, back-pressure, checkpoints.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "slipstream/job.h"

namespace slipstream::server {

// How far all splits are behind; nullopt: the job reads none that has an end.
std::optional<std::int64_t> lag_of(const JobReport& report);

// What a job did since the point before.
struct SeriesPoint {
  std::int64_t at_ms = 0;  // wall time
  std::int64_t lag = -1;   // at that moment, of all splits; -1 = it reads none that has an end
  std::int64_t state_bytes = -1;    // of the newest checkpoint completed since; -1 = there was none
  std::int32_t checkpoint_ms = -1;  // the longest of them
  std::uint32_t restarts = 0;       // of the run, until then
  float rows_read = 0;              // per second
  float rows_written = 0;
  float busy = 0;           // share of the time, 0 to 1: of the vertex that was busiest
  float backpressured = 0;  // of the vertex that waited longest for the next
};

// Owner:  the job.
// Thread: one at a time.
// Bounds: the last kPointsMax points, 48 bytes each, and a few numbers per vertex: 35 KiB a job.
class JobSeries {
 public:
  static constexpr std::int64_t kIntervalMs = 5'000;
  static constexpr std::size_t kPointsMax = 720;  // one hour

  // Adds what has changed since the last call; the first one of a run has nothing to compare with.
  // `run` tells runs apart, `now_ms` is of Clock::now_ms().
  void sample(const JobReport& report, std::int64_t run, std::int64_t now_ms, std::int64_t wall_ms);
  // Oldest first, those later than `wall_ms`.
  std::vector<SeriesPoint> since(std::int64_t wall_ms) const;

 private:
  struct Spent {
    double busy_ms = 0, idle_ms = 0, backpressured_ms = 0;
  };
  struct Sample {
    std::int64_t run = 0;
    std::int64_t now_ms = 0;
    std::int64_t rows_read = 0, rows_written = 0;
    std::uint64_t restarts = 0;
    CheckpointId checkpoint = 0;  // the newest that was completed
    std::vector<Spent> vertices;
  };
  static Sample sample_of(const JobReport& report);
  static void add_shares(const Sample& now, const Sample& before, SeriesPoint& point);
  static void add_checkpoints(const JobReport& report, CheckpointId before, SeriesPoint& point);

  std::optional<Sample> last_;
  std::deque<SeriesPoint> points_;
};

}  // namespace slipstream::server
