#include "base/metric_store.h"

#include <utility>

namespace slipstream {

std::string quoted_label(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

namespace {

// "job="a",task="b"", as Prometheus writes them.
std::string text_of(const MetricLabels& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += (text.empty() ? "" : ",") + name + "=" + quoted_label(value);
  return text;
}

}  // namespace

Metrics MetricStore::metrics(MetricLabels labels) {
  Metrics metrics;
  metrics.value = [this, labels](std::string_view name, std::string_view help) {
    return value(name, help, labels);
  };
  metrics.with = [this, labels = std::move(labels)](const MetricLabels& more) {
    MetricLabels all = labels;
    all.insert(all.end(), more.begin(), more.end());
    return this->metrics(std::move(all));
  };
  return metrics;
}

std::atomic<std::int64_t>* MetricStore::value(std::string_view name, std::string_view help,
                                              const MetricLabels& labels) {
  MutexLock lock(mutex_);
  auto family = families_.find(name);
  if (family == families_.end())
    family = families_.emplace(std::string(name), Family{std::string(help), {}}).first;
  auto& values = family->second.values;
  const bool known = values.contains(labels);
  auto& slot = values[known || count_ < values_max_ ? labels : MetricLabels{{"overflow", "true"}}];
  if (slot == nullptr) {
    slot = std::make_unique<std::atomic<std::int64_t>>(0);
    ++count_;
  }
  return slot.get();
}

std::vector<MetricStore::Sample> MetricStore::samples(std::string_view name) const {
  MutexLock lock(mutex_);
  std::vector<Sample> samples;
  const auto family = families_.find(name);
  if (family == families_.end()) return samples;
  for (const auto& [labels, value] : family->second.values)
    samples.push_back({{labels.begin(), labels.end()}, value->load(std::memory_order_relaxed)});
  return samples;
}

std::int64_t MetricStore::total(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto family = families_.find(name);
  std::int64_t sum = 0;
  if (family == families_.end()) return sum;
  for (const auto& [labels, value] : family->second.values)
    sum += value->load(std::memory_order_relaxed);
  return sum;
}

std::string MetricStore::prometheus_text() const {
  MutexLock lock(mutex_);
  std::string text;
  for (const auto& [short_name, family] : families_) {
    const std::string name = "slipstream_" + short_name;
    text += "# HELP " + name + " " + family.help + "\n";
    text += "# TYPE " + name + (name.ends_with("_total") ? " counter\n" : " gauge\n");
    for (const auto& [labels, value] : family.values) {
      text += name + "{" + text_of(labels) + "} " +
              std::to_string(value->load(std::memory_order_relaxed)) + "\n";
    }
  }
  return text;
}

}  // namespace slipstream
