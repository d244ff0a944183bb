#include "cli/report.h"

#include <string>

#include <unistd.h>

#include "slipstream/secret_values.h"

#include "base/output.h"

namespace slipstream::cli {

void notify(std::string_view told, LogLevel level) {
  const std::string text = hide_secret_values(std::string(told));
  if (log_format() == LogFormat::kJson) {
    log(level, "job", text);
  } else {
    static_cast<void>(write_output(STDERR_FILENO, text + "\n"));
  }
}

int fail(const Error& error, int code) {
  notify((log_format() == LogFormat::kJson ? "" : "error: ") + error.message, LogLevel::kError);
  return code;
}

int report(const Status& status) {
  return status.ok() ? kExitOk : fail(status.error(), kExitFailed);
}

}  // namespace slipstream::cli
