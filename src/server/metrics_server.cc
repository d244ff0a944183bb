#include "server/metrics_server.h"

#include <thread>

#include <httplib.h>

#include "flow/runtime/metric_store.h"

namespace slipstream::server {

struct MetricsServer::State {
  httplib::Server http;
  int port = 0;
  std::thread thread;
};

MetricsServer::MetricsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

MetricsServer::~MetricsServer() {
  state_->http.stop();
  state_->thread.join();
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(int port,
                                                            std::function<std::string()> more) {
  auto state = std::make_unique<State>();
  state->http.new_task_queue = [] { return new httplib::ThreadPool(2); };
  state->http.Get("/metrics",
                  [more = std::move(more)](const httplib::Request&, httplib::Response& response) {
                    response.set_content(flow::process_metrics().prometheus_text() + more(),
                                         "text/plain; version=0.0.4; charset=utf-8");
                  });
  const char* host = "127.0.0.1";
  state->port = port;
  if (port == 0) state->port = state->http.bind_to_any_port(host);
  if (state->port <= 0 || (port != 0 && !state->http.bind_to_port(host, port))) {
    return Error{ErrorCode::kAlreadyExists,
                 "metrics cannot be served on 127.0.0.1:" + std::to_string(port) +
                     ": the port is in use or not allowed; --metrics-port 0 takes a free one"};
  }
  state->thread = std::thread([http = &state->http] { http->listen_after_bind(); });
  // stop() has no effect before the loop runs
  while (!state->http.is_running()) std::this_thread::yield();
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(state)));
}

std::string MetricsServer::url() const {
  return "http://127.0.0.1:" + std::to_string(state_->port) + "/metrics";
}

}  // namespace slipstream::server
