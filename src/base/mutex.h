// A mutex that clang's thread-safety analysis understands, over std::mutex (which TSan
// understands).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#if defined(__clang__)
#define SLIPSTREAM_ANNOTATE(x) __attribute__((x))
#else
#define SLIPSTREAM_ANNOTATE(x)
#endif
#define SLIPSTREAM_GUARDED_BY(mutex) SLIPSTREAM_ANNOTATE(guarded_by(mutex))
#define SLIPSTREAM_REQUIRES(...) SLIPSTREAM_ANNOTATE(requires_capability(__VA_ARGS__))
#define SLIPSTREAM_EXCLUDES(...) SLIPSTREAM_ANNOTATE(locks_excluded(__VA_ARGS__))
#define SLIPSTREAM_ACQUIRE(...) SLIPSTREAM_ANNOTATE(acquire_capability(__VA_ARGS__))
#define SLIPSTREAM_RELEASE(...) SLIPSTREAM_ANNOTATE(release_capability(__VA_ARGS__))

namespace slipstream {

class SLIPSTREAM_ANNOTATE(capability("mutex")) Mutex {
 public:
  void lock() SLIPSTREAM_ACQUIRE() { mutex_.lock(); }
  void unlock() SLIPSTREAM_RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class SLIPSTREAM_ANNOTATE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SLIPSTREAM_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() SLIPSTREAM_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits may wake without a reason: call them in a loop over the condition, with the mutex held.
class Condition {
 public:
  void wait(Mutex& mutex) SLIPSTREAM_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when the time ran out.
  bool wait_for_ms(Mutex& mutex, std::int64_t timeout_ms) SLIPSTREAM_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const auto result = condition_.wait_for(lock, std::chrono::milliseconds(timeout_ms));
    lock.release();
    return result == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace slipstream
