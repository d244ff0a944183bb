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

Metrics MetricStore::metrics(std::string labels) {
  Metrics metrics;
  metrics.value = [this, labels = std::move(labels)](std::string_view name, std::string_view help) {
    const std::size_t brace = name.find('{');
    if (brace == std::string_view::npos || !name.ends_with('}')) return value(name, help, labels);
    const std::string_view own = name.substr(brace + 1, name.size() - brace - 2);
    return value(name.substr(0, brace), help, labels + "," + std::string(own));
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

namespace {

// What quoted_label() wrote, behind names and '='.
std::map<std::string, std::string> labels_of(std::string_view text) {
  std::map<std::string, std::string> labels;
  std::size_t at = 0;
  while (true) {
    const std::size_t equals = text.find("=\"", at);
    if (equals == std::string_view::npos) return labels;
    std::string& value = labels[std::string(text.substr(at, equals - at))];
    for (at = equals + 2; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      value += text[at];
    }
    at += 2;
    if (at >= text.size()) return labels;
  }
}

}  // namespace

std::vector<MetricStore::Sample> MetricStore::samples(std::string_view name) const {
  MutexLock lock(mutex_);
  std::vector<Sample> samples;
  const auto family = families_.find(name);
  if (family == families_.end()) return samples;
  for (const auto& [labels, value] : family->second.values)
    samples.push_back({labels_of(labels), value->load(std::memory_order_relaxed)});
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
      text += name + "{" + labels + "} " + std::to_string(value->load(std::memory_order_relaxed)) +
              "\n";
    }
  }
  return text;
}

}  // namespace slipstream
