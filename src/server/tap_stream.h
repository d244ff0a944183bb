// Rows that an operator of a running job emits, to one client as they come.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "flow/taps.h"
#include "server/hosted_job.h"

namespace slipstream::server {

// A sample: of a batch it takes kBatchRowsMax rows at most, and none while kQueuedBytesMax wait for
// the client. The job waits for neither.
//
// Owner:  the answer that streams it.
// Thread: any.
class TapStream {
 public:
  static constexpr std::size_t kQueuedBytesMax = std::size_t{1} << 20;
  static constexpr std::size_t kBatchRowsMax = 256;
  static constexpr std::int64_t kRowsMax = 100'000;

  struct Request {
    // Its place in the graph, its name, or a part of the name that no other one has; empty: the one
    // that a sink takes its rows from, where there is one.
    std::string operator_name;
    std::int64_t rows_max = 10;
  };
  // Null: *refusal says why.
  static std::shared_ptr<TapStream> start(const HostedJob& job, const Request& request,
                                          Refusal* refusal);
  ~TapStream();
  TapStream(const TapStream&) = delete;
  TapStream& operator=(const TapStream&) = delete;

  // Writes lines until there are enough rows, the job ends or the client goes: first
  // {"operator","columns"}, then {"row":{...}} each, at last {"end":{"rows","passed","error"}}, where
  // `passed` are the rows that went by meanwhile. Empty lines as QueryStream's.
  void write(const std::function<bool(std::string_view)>& chunk);
  void cancel();

 private:
  TapStream(HostedJob::Tapped tapped, std::size_t index, std::int64_t rows_max);
  void take(const Batch& batch);

  const HostedJob::Tapped tapped_;
  const std::size_t index_;
  std::uint64_t consumer_ = 0;
  std::atomic<std::int64_t> passed_{0};
  Mutex mutex_;
  Condition changed_;
  std::string queued_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::int64_t wanted_ SLIPSTREAM_GUARDED_BY(mutex_);  // rows still to be taken
  std::int64_t rows_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;  // nobody takes rows any more
};

}  // namespace slipstream::server
