// One process owns a checkpoint directory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "slipstream/status.h"

#include "base/timers.h"
#include "base/work_pool.h"
#include "io/files.h"

namespace slipstream::flow {

// Holds LOCK (between processes of this host) and renews LEASE each second (against a second host
// on a shared disk and against a copied directory).
//
// Owner:  the job.
// Thread: check(), former_end_ms() any; renewed on the pool.
// Failure: acquire() is refused while another process owns the directory; check() answers an error
//          when the lease was not renewed for kLetOutMs, and ever after once it carries another
//          owner's mark or may have been written over one.
class DirectoryOwnership {
 public:
  static constexpr std::int64_t kRenewMs = 1'000;
  static constexpr std::int64_t kLeaseMs = 10'000;
  // The rest of the lease is for what was let out to leave: a send takes up to 3 s.
  static constexpr std::int64_t kLetOutMs = 7'000;

  // `lost` is called once, on the pool, when it is seen that another process has the directory.
  static Result<std::unique_ptr<DirectoryOwnership>> acquire(const std::string& directory,
                                                             Timers& timers, WorkPool& pool,
                                                             std::function<void()> lost = {});
  ~DirectoryOwnership();
  DirectoryOwnership(const DirectoryOwnership&) = delete;
  DirectoryOwnership& operator=(const DirectoryOwnership&) = delete;

  // Before everything that leaves the process on behalf of the directory, and each change of it.
  Status check();
  // For good: this process has nothing to do there any more.
  bool is_lost() const { return lost_.load(); }
  // Wall time from which on the former owner did nothing any more; 0 = there was none.
  std::int64_t former_end_ms() const { return former_end_ms_; }

 private:
  DirectoryOwnership(std::string directory, Timers& timers, WorkPool& pool, io::FileLock lock,
                     std::int64_t former_end_ms, std::function<void()> when_lost);
  Status renew();
  void renew_in_time();

  const std::string directory_;
  const Clock& clock_;
  const io::FileLock lock_;
  const std::int64_t former_end_ms_;
  const std::string mark_;   // of this owner, random
  const std::string place_;  // of the directory, with its host
  const std::function<void()> when_lost_;
  std::atomic<std::int64_t> renewed_ms_;
  std::atomic<bool> lost_{false};
  WorkQueue queue_;
  Timer timer_;
};

}  // namespace slipstream::flow
