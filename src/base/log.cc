#include "base/log.h"

#include <atomic>
#include <memory>
#include <utility>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/mutex.h"

namespace slipstream {
namespace {

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};

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

void log(LogLevel level, std::string_view component, std::string_view text) {
  if (!log_enabled(level)) return;
  Output& out = output();
  MutexLock lock(out.mutex);
  if (out.sink) {
    out.sink(level, component, text);
    return;
  }
  out.logger.log(to_spdlog(level), "{}: {}", component, text);
}

bool log_enabled(LogLevel level) {
  return level != LogLevel::kOff && level >= minimum_level.load(std::memory_order_relaxed);
}

void set_log_level(LogLevel level) { minimum_level.store(level, std::memory_order_relaxed); }

void set_log_sink(LogSink sink) {
  Output& out = output();
  MutexLock lock(out.mutex);
  out.sink = std::move(sink);
}

}  // namespace slipstream
