// The metrics of this process over HTTP, in Prometheus' text form.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "slipstream/status.h"

#include "base/metric_store.h"
#include "server/http.h"

namespace slipstream::server {

// Serves GET /metrics on 127.0.0.1 until it is destroyed.
// Owner: one wiring place.
// Thread: any; a few threads of its own answer.
class MetricsServer {
 public:
  // Port 0 takes a free one. An error when the port is in use. `more` is asked at every request for
  // text behind that of the counters in `store`, which outlives the server.
  // Thread: the server's.
  static Result<std::unique_ptr<MetricsServer>> start(int port, const MetricStore& store,
                                                      std::function<std::string()> more);
  std::string url() const { return http_->url() + "/metrics"; }

 private:
  explicit MetricsServer(std::unique_ptr<HttpServer> http) : http_(std::move(http)) {}
  std::unique_ptr<HttpServer> http_;
};

// The counters of `store` and `more`.
HttpResponse metrics_response(const MetricStore& store, const std::string& more);

}  // namespace slipstream::server
