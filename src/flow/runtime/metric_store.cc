#include "flow/runtime/metric_store.h"

#include <utility>

namespace slipstream::flow {

MetricStore& process_metrics() {
  static MetricStore* store =
      new MetricStore();  // never destroyed: threads of connectors may outlive main()
  return *store;
}

Metrics MetricStore::metrics(std::string labels) {
  Metrics metrics;
  metrics.value = [this, labels = std::move(labels)](std::string_view name, std::string_view help) {
    return value(name, help, labels);
  };
  return metrics;
}

std::atomic<std::int64_t>* MetricStore::value(std::string_view name, std::string_view help,
                                              const std::string& labels) {
  MutexLock lock(mutex_);
  auto family = families_.find(name);
  if (family == families_.end())
    family = families_.emplace(std::string(name), Family{std::string(help), {}}).first;
  auto& values = family->second.values;
  const bool known = values.contains(labels);
  auto& slot = values[known || count_ < values_max_ ? labels : "overflow=\"true\""];
  if (slot == nullptr) {
    slot = std::make_unique<std::atomic<std::int64_t>>(0);
    ++count_;
  }
  return slot.get();
}

std::string MetricStore::prometheus_text() const {
  MutexLock lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) {
    text += "# HELP " + name + " " + family.help + "\n";
    text += "# TYPE " + name + (name.ends_with("_total") ? " counter\n" : " gauge\n");
    for (const auto& [labels, value] : family.values) {
      text += name + "{" + labels + "} " + std::to_string(value->load(std::memory_order_relaxed)) +
              "\n";
    }
  }
  return text;
}

}  // namespace slipstream::flow
