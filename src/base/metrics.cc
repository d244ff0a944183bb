#include "base/metrics.h"

#include "base/try.h"

namespace slipstream {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quote) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (quote && c == '"')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

std::string render_labels(const MetricLabels& labels) {
  if (labels.empty()) return {};
  std::string out = "{";
  for (const auto& [key, value] : labels) {
    if (out.size() > 1) out += ',';
    out += key;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  return out + '}';
}

}  // namespace

MetricRegistry::Series& MetricRegistry::series(std::string_view name, std::string_view description,
                                               const MetricLabels& labels, bool is_counter) {
  MutexLock lock(mutex_);
  auto family = families_.find(name);
  if (family == families_.end()) {
    family = families_.emplace(std::string(name), Family{}).first;
    family->second.is_counter = is_counter;
    family->second.description = description;
  }
  CHECK(family->second.is_counter == is_counter);
  auto& all = family->second.series;
  std::string key = render_labels(labels);
  if (!all.contains(key) && all.size() >= label_sets_max_) key = "{overflow=\"true\"}";
  auto& slot = all[key];
  if (!slot) slot = std::make_unique<Series>();
  return *slot;
}

Counter& MetricRegistry::counter(std::string_view name, std::string_view description,
                                 const MetricLabels& labels) {
  return series(name, description, labels, true).counter;
}

Gauge& MetricRegistry::gauge(std::string_view name, std::string_view description,
                             const MetricLabels& labels) {
  return series(name, description, labels, false).gauge;
}

std::string MetricRegistry::prometheus_text() const {
  MutexLock lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + ' ';
    append_escaped(out, family.description, false);
    out += "\n# TYPE " + name + (family.is_counter ? " counter\n" : " gauge\n");
    for (const auto& [labels, series] : family.series) {
      out += name + labels + ' ';
      out += family.is_counter ? std::to_string(series->counter.value())
                               : std::to_string(series->gauge.value());
      out += '\n';
    }
  }
  return out;
}

}  // namespace slipstream
