// How far partitions reach, asked for off the task's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "slipstream/clock.h"

#include "base/mutex.h"
#include "connectors/kafka/client.h"

namespace slipstream::kafka_connector {

// librdkafka's questions wait for their answers, so they have a thread of their own, from the first
// question on.
//
// Owner:   a reader; the wake must stay callable until it is gone.
// Thread:  task; `wake` is called from the thread of the questions.
// Bounds:  one question under way and one waiting; the destructor waits for the former, kWaitMs.
// Failure: a question that fails has no answer; it is asked again like any other.
class EndOffsets {
 public:
  static constexpr int kWaitMs = 1'000;

  struct Answer {
    std::int64_t end = -1;
    std::int64_t asked_ms = -1;  // by Clock::now_ms(), when the question was sent
  };
  EndOffsets(std::shared_ptr<const Client> client, const Clock& clock, std::function<void()> wake)
      : client_(std::move(client)), clock_(clock), wake_(std::move(wake)) {}
  ~EndOffsets();
  EndOffsets(const EndOffsets&) = delete;
  EndOffsets& operator=(const EndOffsets&) = delete;

  // Replaces a question that waits.
  void ask(std::vector<Partition> partitions);
  Answer answer(const Partition& partition) const;

 private:
  void run();

  const std::shared_ptr<const Client> client_;
  const Clock& clock_;
  const std::function<void()> wake_;
  mutable Mutex mutex_;
  Condition changed_;
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::vector<Partition> waiting_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<Partition, Answer> answers_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace slipstream::kafka_connector
