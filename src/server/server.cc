#include "server/server.h"

#include <filesystem>
#include <utility>

#include "base/try.h"
#include "flow/runtime/memory_budget.h"
#include "server/token_file.h"

namespace slipstream::server {
namespace {

constexpr std::size_t kMemoryBytesMin = std::size_t{16} << 20;
// Each browser keeps up to six connections, each query one.
constexpr std::size_t kThreads = 32;

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ConnectorRegistry& registry,
                                              flow::Runtime& runtime, Options options) {
  Api::Options api;
  api.version = options.version;
  if (!options.token_file.empty()) {
    TRY_ASSIGN(api.token, read_token(options.token_file));
  } else if (!is_loopback(options.bind)) {
    return Error{ErrorCode::kPermissionDenied,
                 "whoever reaches " + options.bind +
                     " could run SQL here: binding to another address than loopback needs "
                     "--token-file"};
  }
  const std::size_t memory_bytes = runtime.memory() != nullptr ? runtime.memory()->limit() : 0;
  if (memory_bytes < kMemoryBytesMin) {
    return Error{ErrorCode::kInvalidArgument,
                 "a memory budget of " + std::to_string(memory_bytes) +
                     " bytes is too small for any job: give at least " +
                     std::to_string(kMemoryBytesMin >> 20) + " mb"};
  }
  std::unique_ptr<Server> server(new Server());
  TRY_ASSIGN(server->host_,
             JobHost::open(registry, runtime,
                           std::filesystem::absolute(options.state_dir).lexically_normal(),
                           std::move(options.make_catalog)));
  server->api_ = std::make_unique<Api>(*server->host_, std::move(api));
  HttpServer::Options http;
  http.bind = options.bind;
  http.port = options.port;
  http.threads = kThreads;
  TRY_ASSIGN(server->http_,
             HttpServer::start(
                 http, [api = server->api_.get()](const HttpRequest& r) { return api->handle(r); },
                 Api::failure));
  server->host_->resume();
  return server;
}

Server::~Server() {
  if (http_ != nullptr) shut_down();
}

void Server::shut_down() {
  api_->close();
  host_->shut_down();
}

}  // namespace slipstream::server
