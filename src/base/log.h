// Log lines to standard error: "2026-11-21 10:00:00.123 W rocketmq: text", or one JSON object each.
#pragma once

#include <functional>
#include <string_view>

namespace slipstream {

enum class LogLevel : unsigned char { kDebug, kInfo, kWarn, kError, kOff };

// Thread: any, all of them. Never call per row.
void log(LogLevel level, std::string_view component, std::string_view text);
bool log_enabled(LogLevel level);
void set_log_level(LogLevel level);

// kJson:
// {"time":"2026-11-21T10:00:00.123Z","level":"warn","component":"rocketmq","message":"text"}.
enum class LogFormat : unsigned char { kText, kJson };
void set_log_format(LogFormat format);
LogFormat log_format();

// Takes the lines instead of standard error; an empty function restores it. Called under a lock:
// the sink must not log.
using LogSink = std::function<void(LogLevel, std::string_view component, std::string_view text)>;
void set_log_sink(LogSink sink);

}  // namespace slipstream
