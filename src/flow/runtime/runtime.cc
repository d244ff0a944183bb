#include "flow/runtime.h"

#include <algorithm>
#include <thread>

#include "base/try.h"
#include "flow/runtime/memory_budget.h"
#include "flow/runtime/task_pool.h"

namespace slipstream {

std::shared_ptr<flow::Runtime> make_runtime(RuntimeOptions options) {
  return std::make_shared<flow::Runtime>(options);
}

namespace flow {

Runtime::Runtime(const RuntimeOptions& options, const RuntimePools& pools)
    : clock_(options.clock != nullptr ? options.clock : &system_clock_),
      cores_(options.cores != 0 ? options.cores
                                : std::max(1U, std::thread::hardware_concurrency())),
      memory_(options.memory_bytes != 0 ? std::make_shared<MemoryBudget>(options.memory_bytes)
                                        : nullptr),
      tasks_(std::make_unique<TaskPool>(cores_)),
      endings_(pools.endings),
      coordination_(pools.coordination),
      blocking_(pools.blocking),
      timers_(*clock_) {}

Runtime::~Runtime() = default;

Status Runtime::start() {
  TRY(tasks_->start());
  for (WorkPool* pool : {&endings_, &coordination_, &blocking_}) TRY(pool->start());
  return timers_.start();
}

Runtime::JobLabel::JobLabel(Runtime& runtime, const std::string& name)
    : runtime_(runtime), text_(name) {
  MutexLock lock(runtime_.mutex_);
  for (int number = 2; !runtime_.labels_.insert(text_).second; ++number)
    text_ = name + "#" + std::to_string(number);
}

Runtime::JobLabel::~JobLabel() {
  MutexLock lock(runtime_.mutex_);
  runtime_.labels_.erase(text_);
}

}  // namespace flow
}  // namespace slipstream
