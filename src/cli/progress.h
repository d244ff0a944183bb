// How far a command is: one live line on a terminal, or a line now and then, or nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace slipstream::cli {

struct ProgressArguments {
  bool quiet = false;                 // no progress, no summary
  bool lines = false;                 // where there is no terminal, too
  std::int64_t interval_ms = 30'000;  // between two of those lines
};

// What there is to say, the most important first.
using ProgressFacts = std::vector<std::string>;

// Shows facts until it is destroyed. On a terminal (standard error, and logs are text) they are
// drawn anew twice a second in one line, never wider than the terminal. Else, when it was asked
// for, they are a line of the log every interval. Where neither is the case nothing is asked.
//
// Owner:  the command. `facts` is called on a thread of the progress, and outlives it.
class Progress {
 public:
  Progress(const ProgressArguments& arguments, std::function<ProgressFacts()> facts);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void run(std::int64_t interval_ms, bool live);

  const std::function<ProgressFacts()> facts_;
  Mutex mutex_;
  Condition wake_;
  bool ended_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// The facts in at most `columns` cells, two blanks between them: those that do not fit are left
// out from the end; of a first one that is too wide a part is shown. Bytes that are no UTF-8,
// control characters and, without `utf8`, all that is not ASCII are drawn as '?'.
std::string fit_facts(const ProgressFacts& facts, std::size_t columns, bool utf8);

// "1,234,567"
std::string grouped(std::int64_t number);
// "0.4 s", "12 s", "3 min 5 s", "2 h 3 min"
std::string duration_text(std::int64_t ms);
// "512 bytes", "12.0 KiB", "3.4 GiB"
std::string bytes_text(std::int64_t bytes);
// "1 row", "12 rows"
std::string counted(std::int64_t number, std::string_view what);

// "in 3.4 s (1,200/s)": the end of a summary of so many things.
std::string pace_text(std::int64_t number, std::int64_t took_ms);

// The mean growth of a number over the last seconds.
// Thread: one.
class Rate {
 public:
  void observe(std::int64_t now_ms, std::int64_t value);
  // Per second; 0 before there are two observations.
  std::int64_t per_second() const;

 private:
  struct Sample {
    std::int64_t at_ms;
    std::int64_t value;
  };
  std::vector<Sample> samples_;  // ascending
};

}  // namespace slipstream::cli
