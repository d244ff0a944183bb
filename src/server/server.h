// `slipstream serve`: jobs, REST, metrics and the web page in one process.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"
#include "slipstream/status.h"

#include "server/api.h"
#include "server/http.h"
#include "server/job_host.h"

namespace slipstream::server {

// Owner:  one wiring place.
// Thread: any.
class Server {
 public:
  struct Options {
    std::string bind = "127.0.0.1";
    int port = 0;  // 0 = a free one
    std::string state_dir;
    std::string token_file;  // empty = no token: bind must be loopback
    std::string version;
    MakeCatalog make_catalog;  // not given: empty ones
  };
  // Serves, and goes on with the jobs of the last server. `registry` and `runtime`, which has a
  // memory budget for all jobs, outlive it.
  static Result<std::unique_ptr<Server>> start(const ConnectorRegistry& registry,
                                               flow::Runtime& runtime, Options options);
  ~Server();  // shut_down()

  // Ends queries at once and jobs with savepoints; the next server goes on with them. hurry():
  // without waiting for savepoints.
  void shut_down();
  void hurry() { host_->hurry(); }
  std::string url() const { return http_->url(); }

 private:
  Server() = default;
  std::unique_ptr<JobHost> host_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace slipstream::server
