#include "cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/output.h"
#include "base/utf8.h"
#include "cli/report.h"

namespace slipstream::cli {
namespace {

constexpr std::int64_t kLiveMs = 500;
constexpr std::int64_t kRateWindowMs = 5'000;
constexpr std::size_t kColumnsUnknown = 80;
constexpr std::string_view kBetween = "  ";

bool can_be_live() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && log_format() == LogFormat::kText &&
         !(terminal != nullptr && std::string_view(terminal) == "dumb");
}

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kColumnsUnknown;
}

// By the variables that decide it, in their order.
bool terminal_takes_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string text(value);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.find("utf-8") != std::string::npos || text.find("utf8") != std::string::npos;
  }
  return false;
}

struct Drawn {
  std::string text;
  std::size_t columns = 0;
};

// As much of the text as fits.
Drawn draw(std::string_view text, std::size_t columns, bool utf8) {
  Drawn drawn;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t point = decode_utf8(text, at);
    const bool shown = point != kInvalidCodePoint && point >= 0x20 && point != 0x7F &&
                       (point < 0x80 || (utf8 && point >= 0xA0));
    const std::size_t width = shown ? static_cast<std::size_t>(display_width(point)) : 1;
    if (drawn.columns + width > columns) break;
    drawn.text += shown ? text.substr(begin, at - begin) : "?";
    drawn.columns += width;
  }
  return drawn;
}

}  // namespace

Progress::Progress(const ProgressArguments& arguments, std::function<ProgressFacts()> facts)
    : facts_(std::move(facts)) {
  if (arguments.quiet) return;
  const bool live = can_be_live();
  if (!live && !arguments.lines) return;
  thread_ = std::thread([this, live, interval_ms = live ? kLiveMs : arguments.interval_ms] {
    run(interval_ms, live);
  });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    ended_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void Progress::run(std::int64_t interval_ms, bool live) {
  const SystemClock clock;
  const bool utf8 = terminal_takes_utf8();
  std::int64_t due_ms = clock.now_ms() + interval_ms;
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!ended_ && clock.now_ms() < due_ms)
        wake_.wait_for_ms(mutex_, std::max<std::int64_t>(1, due_ms - clock.now_ms()));
      if (ended_) break;
    }
    due_ms = std::max(due_ms + interval_ms, clock.now_ms());
    const ProgressFacts facts = facts_();
    if (live) {
      // The last column stays free: some terminals begin a new line behind it.
      set_status_line(fit_facts(facts, terminal_columns() - 1, utf8));
    } else if (!facts.empty()) {
      std::string line;
      for (const std::string& fact : facts) line += (line.empty() ? "" : ", ") + fact;
      notify(line);
    }
  }
  if (live) set_status_line("");
}

std::string fit_facts(const ProgressFacts& facts, std::size_t columns, bool utf8) {
  Drawn line;
  for (const std::string& fact : facts) {
    const std::string text = std::string(line.text.empty() ? "" : kBetween) + fact;
    const Drawn whole = draw(text, SIZE_MAX, utf8);
    if (line.columns + whole.columns > columns) {
      return line.text.empty() ? draw(text, columns, utf8).text : line.text;
    }
    line.text += whole.text;
    line.columns += whole.columns;
  }
  return line.text;
}

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string duration_text(std::int64_t ms) {
  const std::int64_t seconds = ms / 1'000;
  if (seconds < 10) {
    return std::to_string(seconds) + "." + std::to_string(ms % 1'000 / 100) + " s";
  }
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3'600)
    return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return grouped(seconds / 3'600) + " h " + std::to_string(seconds % 3'600 / 60) + " min";
}

std::string bytes_text(std::int64_t bytes) {
  if (bytes < 1'024) return counted(bytes, "byte");
  std::int64_t tenths = bytes * 10 / 1'024;
  std::string_view unit = "KiB";
  for (const std::string_view next : {"MiB", "GiB", "TiB"}) {
    if (tenths < 10'240) break;
    tenths /= 1'024;
    unit = next;
  }
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + std::string(unit);
}

std::string counted(std::int64_t number, std::string_view what) {
  return grouped(number) + " " + std::string(what) + (number == 1 ? "" : "s");
}

std::string pace_text(std::int64_t number, std::int64_t took_ms) {
  const std::int64_t per_second = number * 1'000 / std::max<std::int64_t>(1, took_ms);
  return "in " + duration_text(took_ms) + " (" + grouped(per_second) + "/s)";
}

void Rate::observe(std::int64_t now_ms, std::int64_t value) {
  // A number that went back began anew.
  if (!samples_.empty() && value < samples_.back().value) samples_.clear();
  samples_.push_back({now_ms, value});
  const auto old = std::find_if(samples_.begin(), samples_.end() - 1, [&](const Sample& sample) {
    return sample.at_ms >= now_ms - kRateWindowMs;
  });
  samples_.erase(samples_.begin(), old);
}

std::int64_t Rate::per_second() const {
  if (samples_.size() < 2) return 0;
  const std::int64_t ms = samples_.back().at_ms - samples_.front().at_ms;
  return ms <= 0 ? 0 : (samples_.back().value - samples_.front().value) * 1'000 / ms;
}

}  // namespace slipstream::cli
