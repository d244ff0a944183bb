#include "cli/serve_command.h"

#include <mutex>
#include <semaphore>

#include <unistd.h>

#include "cli/report.h"
#include "cli/secrets.h"
#include "cli/stop_signal.h"
#include "cli/system_tables.h"
#include "server/server.h"

namespace slipstream::cli {
namespace {

// Less than one job needs for the queues between its tasks.
constexpr std::int64_t kLeastMemory = std::int64_t{16} << 20;

}  // namespace

int serve_command(const ServeArguments& arguments) {
  set_log_format(arguments.log_format);
  const auto refuse = [](const Error& error) {
    log(LogLevel::kError, "server", error.message);
    return kExitUsage;
  };
  std::counting_semaphore<64> ended(0);
  std::mutex mutex;
  server::Server* running = nullptr;
  const StopSignal signals([&](int count) {
    if (count > 2) _exit(130);
    if (count == 1) ended.release();
    const std::lock_guard lock(mutex);
    if (running != nullptr && count == 2) running->hurry();
  });
  const auto memory = parse_bytes(arguments.memory);
  if (!memory.ok()) return refuse(memory.error());
  if (*memory < kLeastMemory) {
    return refuse(Error{ErrorCode::kInvalidArgument,
                        "--memory " + arguments.memory + ": at least 16 mb are needed"});
  }
  server::Server::Options options;
  options.bind = arguments.bind;
  options.port = arguments.port;
  options.state_dir = arguments.state_dir;
  options.token_file = arguments.token_file;
  options.version = arguments.version;
  const auto registry = connectors_with_secrets(arguments.secrets_file);
  if (!registry.ok()) return refuse(registry.error());
  flow::Runtime runtime({.memory_bytes = static_cast<std::size_t>(*memory)});
  options.make_catalog = [&] { return std::make_unique<SystemTables>(**registry, runtime); };
  auto server = server::Server::start(**registry, runtime, std::move(options));
  if (!server.ok()) return refuse(server.error());
  const auto set_running = [&](server::Server* now) {
    const std::lock_guard lock(mutex);
    running = now;
  };
  set_running(server->get());
  log(LogLevel::kInfo, "server",
      "serving on " + (*server)->url() + ", state in " + arguments.state_dir);
  ended.acquire();
  log(LogLevel::kInfo, "server", "ending: every job takes a savepoint");
  (*server)->shut_down();
  set_running(nullptr);
  return kExitOk;
}

}  // namespace slipstream::cli
