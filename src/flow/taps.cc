#include "flow/taps.h"

#include <utility>

namespace slipstream::flow {

std::uint64_t TapPoint::attach(Consumer consumer) {
  MutexLock lock(mutex_);
  const std::uint64_t number = next_++;
  consumers_.emplace(number, std::move(consumer));
  attached_.store(true, std::memory_order_relaxed);
  return number;
}

void TapPoint::detach(std::uint64_t consumer) {
  MutexLock lock(mutex_);
  consumers_.erase(consumer);
  attached_.store(!consumers_.empty(), std::memory_order_relaxed);
}

// Of several tasks one gets to the mutex, which others hold for the change of a map only.
void TapPoint::give(const Batch& batch) {
  if (busy_.exchange(true, std::memory_order_acquire)) return;
  {
    MutexLock lock(mutex_);
    for (const auto& [number, consumer] : consumers_) consumer(batch);
  }
  busy_.store(false, std::memory_order_release);
}

Taps::Taps(const Graph& graph) : points_(graph.nodes.size()) {
  for (const Node& node : graph.nodes) {
    Tapped& tapped = operators_.emplace_back();
    tapped.name = node.name;
    tapped.output = node.output;
    tapped.is_sink = node.sink != nullptr;
    for (const Input& input : node.inputs) tapped.inputs.push_back(input.from);
    numbers_.emplace(node.uid, operators_.size() - 1);
  }
}

}  // namespace slipstream::flow
