// Timers of the client's loop that wake a reader.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/mutex.h"
#include "io/event_loop.h"

namespace slipstream::rocketmq_connector {

// Wakes the task once after a while, unless the reader has gone by then. Thread: any.
class WakeTimer : public std::enable_shared_from_this<WakeTimer> {
 public:
  // `loop` outlives the timers that it runs.
  WakeTimer(io::EventLoop& loop, std::function<void()> wake);
  void set(std::int64_t after_ms);
  void close();

 private:
  void fire();

  io::EventLoop& loop_;
  Mutex mutex_;
  bool set_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// Wakes the task when its proofs of emptiness are outdated, unless the reader has gone by then. It
// looks from the loop: the task of a quiet job is not woken to look. Thread: any.
class ProofWatch : public std::enable_shared_from_this<ProofWatch> {
 public:
  // `outdated_until_ms`: ReaderContext's.
  ProofWatch(io::EventLoop& loop, std::int64_t interval_ms, std::function<void()> wake,
             std::function<std::int64_t()> outdated_until_ms);
  void watch(std::int64_t oldest_proof_ms);
  void close();

 private:
  void look_later();
  void look();

  io::EventLoop& loop_;
  const std::int64_t interval_ms_;
  const std::function<std::int64_t()> outdated_until_ms_;
  Mutex mutex_;
  std::int64_t proof_ms_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool looking_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::rocketmq_connector
