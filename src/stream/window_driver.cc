#include <algorithm>
#include <limits>

#include "slipstream/stream/window.h"

#include "flow/metrics.h"

namespace slipstream::stream::erased {
namespace {

using Kind = WindowAssigner::Kind;

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

TimeWindow window_of(std::string_view part) {
  TimeWindow window;
  bytes::get_number(part, window.start);
  bytes::get_number(part, window.end);
  return window;
}

}  // namespace

// Sessions: the list of a key's open windows is a state of its own; when some meet, what they hold
// is merged into the part of the new one.
class WindowDriver::Impl {
 public:
  Impl(OperatorRuntime& runtime, const WindowSpec& spec, WindowContents& contents)
      : runtime_(runtime),
        spec_(spec),
        contents_(contents),
        late_(runtime.metric(flow::kLateRows.name, flow::kLateRows.help)) {
    if (!check()) return;
    if (spec_.assigner.kind == Kind::kSession) {
      StoreOptions options;
      options.name = "window-sessions";
      options.layout = "sessions";
      sessions_ = runtime.store(options);
    }
  }

  std::span<const std::string> assign(Timestamp time) {
    parts_.clear();
    windows_.clear();
    if (!spec_.assigner.event_time) time = runtime_.now_ms();
    if (time == kNoTimestamp) {
      runtime_.fail(Error{ErrorCode::kDataError,
                          "an element without a time came to an event-time window: call "
                          "assign_timestamps_and_watermarks() before, or use processing time"});
      return parts_;
    }
    if (time > most_time() || time < -most_time()) {
      runtime_.fail(Error{ErrorCode::kDataError,
                          "the time of an element, " + std::to_string(time) +
                              " ms, is too far from 1970 for the windows of this operator: it is "
                              "no time in milliseconds"});
      return parts_;
    }
    if (spec_.assigner.kind == Kind::kSession) {
      assign_session(time);
    } else {
      assign_fixed(time);
    }
    for (const TimeWindow& window : windows_) parts_.push_back(part_of(window));
    if (parts_.empty() && spec_.late_tag.empty() && late_ != nullptr)
      late_->fetch_add(1, std::memory_order_relaxed);
    return parts_;
  }

  void added() {
    for (const TimeWindow& window : windows_) {
      const std::string part = part_of(window);
      if (spec_.assigner.event_time && window.max_timestamp() <= runtime_.watermark()) {
        contents_.fire(window, part);
      } else {
        runtime_.set_timer(spec_.assigner.event_time, window.max_timestamp(), part);
      }
      if (lateness() > 0) runtime_.set_timer(true, clean_at(window), part);
    }
  }

  void on_timer(bool event_time, Timestamp time, std::string_view part) {
    const TimeWindow window = window_of(part);
    if (event_time == spec_.assigner.event_time && time == window.max_timestamp())
      contents_.fire(window, part);
    if (time >= clean_at(window)) forget(window, part);
  }

 private:
  bool check() {
    const WindowAssigner& a = spec_.assigner;
    if (a.size.count() > 0 && (a.kind == Kind::kSession || a.slide.count() > 0) &&
        spec_.allowed_lateness.count() >= 0)
      return true;
    runtime_.fail(Error{ErrorCode::kInvalidArgument,
                        "size, slide and gap of a window must be positive, its lateness must not "
                        "be negative"});
    return false;
  }
  // Whose windows can still be computed with.
  Timestamp most_time() const {
    const WindowAssigner& a = spec_.assigner;
    const std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 8;
    const auto bounded = [&](std::chrono::milliseconds part) {
      return std::min(limit, std::max(part, -part).count());
    };
    return std::numeric_limits<std::int64_t>::max() - bounded(a.size) - bounded(a.slide) -
           2 * bounded(a.offset);
  }
  std::int64_t lateness() const {
    return spec_.assigner.event_time ? spec_.allowed_lateness.count() : 0;
  }
  Timestamp clean_at(const TimeWindow& window) const {
    const std::int64_t most = std::numeric_limits<std::int64_t>::max() - lateness();
    return window.max_timestamp() > most ? kEndOfTime : window.max_timestamp() + lateness();
  }
  bool late(const TimeWindow& window) const {
    return spec_.assigner.event_time && clean_at(window) <= runtime_.watermark();
  }

  void assign_fixed(Timestamp time) {
    const std::int64_t size = spec_.assigner.size.count();
    const std::int64_t slide = spec_.assigner.slide.count();
    const std::int64_t offset = spec_.assigner.offset.count();
    for (Timestamp start = floor_to(time - offset, slide) + offset; start > time - size;
         start -= slide) {
      const TimeWindow window{start, start + size};
      if (!late(window)) windows_.push_back(window);
    }
    std::reverse(windows_.begin(), windows_.end());
  }

  void assign_session(Timestamp time) {
    TimeWindow merged{time, time + spec_.assigner.size.count()};
    std::vector<TimeWindow> open = open_sessions();
    std::vector<TimeWindow> met;
    // what one merge reaches may meet more
    for (bool grew = true; grew;) {
      grew = false;
      for (auto at = open.begin(); at != open.end();) {
        if (at->start > merged.end || at->end < merged.start) {
          ++at;
          continue;
        }
        merged.start = std::min(merged.start, at->start);
        merged.end = std::max(merged.end, at->end);
        met.push_back(*at);
        at = open.erase(at);
        grew = true;
      }
    }
    if (late(merged)) return;  // then nothing was met: an open session that it meets is not late
    const std::string into = part_of(merged);
    for (const TimeWindow& old : met) {
      if (old == merged) continue;
      const std::string from = part_of(old);
      contents_.merge(into, from);
      contents_.clear(from);
      runtime_.delete_timer(spec_.assigner.event_time, old.max_timestamp(), from);
      runtime_.delete_timer(spec_.assigner.event_time, clean_at(old), from);
    }
    open.push_back(merged);
    save_sessions(open);
    windows_.push_back(merged);
  }

  void forget(const TimeWindow& window, std::string_view part) {
    contents_.clear(part);
    if (!sessions_) return;
    std::vector<TimeWindow> open = open_sessions();
    std::erase(open, window);
    save_sessions(open);
  }

  std::vector<TimeWindow> open_sessions() {
    std::vector<TimeWindow> open;
    const auto saved = sessions_->get({});
    for (std::string_view rest = saved.value_or(std::string_view()); rest.size() >= 16;
         rest.remove_prefix(16))
      open.push_back(window_of(rest));
    return open;
  }
  void save_sessions(const std::vector<TimeWindow>& open) {
    if (open.empty()) return sessions_->erase({});
    std::string saved;
    for (const TimeWindow& window : open) saved += part_of(window);
    sessions_->put({}, saved);
  }

  OperatorRuntime& runtime_;
  WindowSpec spec_;
  WindowContents& contents_;
  std::atomic<std::int64_t>* late_;
  std::shared_ptr<KeyedStore> sessions_;
  std::vector<TimeWindow> windows_;
  std::vector<std::string> parts_;
};

WindowDriver::WindowDriver(OperatorRuntime& runtime, const WindowSpec& spec,
                           WindowContents& contents)
    : impl_(std::make_unique<Impl>(runtime, spec, contents)) {}
WindowDriver::~WindowDriver() = default;
std::span<const std::string> WindowDriver::assign(Timestamp time) { return impl_->assign(time); }
void WindowDriver::added() { impl_->added(); }
void WindowDriver::on_timer(bool event_time, Timestamp time, std::string_view part) {
  impl_->on_timer(event_time, time, part);
}
std::string WindowDriver::part_of(const TimeWindow& window) {
  std::string part;
  bytes::put_number(part, window.start);
  bytes::put_number(part, window.end);
  return part;
}

}  // namespace slipstream::stream::erased
