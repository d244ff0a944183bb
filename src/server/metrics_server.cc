#include "server/metrics_server.h"

#include <utility>

#include "base/try.h"

namespace slipstream::server {

HttpResponse metrics_response(const MetricStore& store, const std::string& more) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = store.prometheus_text() + more;
  return response;
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(int port, const MetricStore& store,
                                                            std::function<std::string()> more) {
  HttpServer::Options options;
  options.port = port;
  auto http =
      HttpServer::start(options, [&store, more = std::move(more)](const HttpRequest& request) {
        if (request.path == "/metrics" && request.method == "GET")
          return metrics_response(store, more());
        HttpResponse nothing;
        nothing.status = 404;
        nothing.content_type = "text/plain";
        nothing.body = "only /metrics is here\n";
        return nothing;
      });
  if (!http.ok()) {
    return Error{ErrorCode::kAlreadyExists,
                 "metrics: " + http.error().message + "; --metrics-port 0 takes a free one"};
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(*http)));
}

}  // namespace slipstream::server
