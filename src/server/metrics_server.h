// The metrics of this process over HTTP, in Prometheus' text form.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "slipstream/status.h"

namespace slipstream::server {

// Serves GET /metrics on 127.0.0.1 until it is destroyed. Owner: one wiring place. Thread: any; a
// few threads of its own answer.
class MetricsServer {
 public:
  // Port 0 takes a free one. An error when the port is in use. `more` is asked at every request for
  // text behind that of the process's own counters. Thread: the server's.
  static Result<std::unique_ptr<MetricsServer>> start(int port, std::function<std::string()> more);
  ~MetricsServer();
  std::string url() const;

 private:
  struct State;
  explicit MetricsServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace slipstream::server
