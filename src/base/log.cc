#include "base/log.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "slipstream/secret_values.h"

#include "base/clock.h"
#include "base/mutex.h"
#include "base/output.h"

namespace slipstream {
namespace {

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};
std::atomic<LogFormat> format{LogFormat::kText};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
    default:
      return "info";
  }
}

std::string json_line(LogLevel level, std::string_view component, std::string_view text) {
  const std::int64_t now_ms = SystemClock().wall_ms();
  const auto quoted = [](std::string_view value) {
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  return fmt::format(
      R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}","component":{},"message":{}}})",
      fmt::gmtime(static_cast<std::time_t>(now_ms / 1000)), now_ms % 1000, name_of(level),
      quoted(component), quoted(text));
}

struct Output {
  Mutex mutex;
  LogSink sink SLIPSTREAM_GUARDED_BY(mutex);
  spdlog::logger logger{"slipstream", std::make_shared<spdlog::sinks::stderr_sink_mt>()};

  Output() {
    logger.set_level(spdlog::level::trace);
    logger.set_pattern("%Y-%m-%d %H:%M:%S.%e %L %v");
  }
};

// Leaked on purpose: threads that end after main() may still log.
Output& output() {
  static auto* instance = new Output;
  return *instance;
}

}  // namespace

void log(LogLevel level, std::string_view component, std::string_view told) {
  if (!log_enabled(level)) return;
  const std::string text = hide_secret_values(std::string(told));
  Output& out = output();
  MutexLock lock(out.mutex);
  if (out.sink) {
    out.sink(level, component, text);
    return;
  }
  const StatusLinePause pause;
  if (log_format() == LogFormat::kJson) {
    const std::string line = json_line(level, component, text) + '\n';
    static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
    static_cast<void>(std::fflush(stderr));
    return;
  }
  out.logger.log(to_spdlog(level), "{}: {}", component, text);
}

bool log_enabled(LogLevel level) {
  return level != LogLevel::kOff && level >= minimum_level.load(std::memory_order_relaxed);
}

void set_log_level(LogLevel level) { minimum_level.store(level, std::memory_order_relaxed); }

void set_log_format(LogFormat chosen) { format.store(chosen, std::memory_order_relaxed); }

LogFormat log_format() { return format.load(std::memory_order_relaxed); }

void set_log_sink(LogSink sink) {
  Output& out = output();
  MutexLock lock(out.mutex);
  out.sink = std::move(sink);
}

}  // namespace slipstream
