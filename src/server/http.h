// An HTTP server: bytes in, a request for one handler, its answer out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::server {

struct HttpRequest {
  std::string method;
  std::string path;  // decoded, without the query part
  std::map<std::string, std::string> parameters;
  std::string body;
  // Empty when the header is not there.
  std::string authorization;
  std::string content_type;
  std::string host;
  std::string origin;
};

// Gives a piece of a streamed answer to the client; false: it is gone.
using WriteChunk = std::function<bool(std::string_view)>;

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Instead of body: called once, on a thread of the server, writes pieces until it returns.
  std::function<void(const WriteChunk&)> stream;
  std::map<std::string, std::string> headers;
};

// Serves until it is destroyed.
//
// Owner:  one wiring place. Streams under way must end before or soon after: the destructor waits
//         for them.
// Thread: the handler is called by up to `threads` threads, which come and go with connections: one
//         connection or one stream takes one.
// Bounds: a body of at most body_bytes_max, else 413; `waiting_max` connections beside those that
//         have a thread, else 503; `refusing_max` that wait for that answer, the system holds the
//         rest.
class HttpServer {
 public:
  struct Options {
    std::string bind = "127.0.0.1";
    int port = 0;  // 0 = a free one
    std::size_t threads = 2;
    std::size_t waiting_max = 64;
    std::size_t refusing_max = 64;
    std::size_t body_bytes_max = std::size_t{4} << 20;
  };
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  // What is said of a request that does not come to the handler: 400, 413, 414, 431, 503.
  using Failure = std::function<HttpResponse(int status)>;

  // kAlreadyExists when the address cannot be had.
  static Result<std::unique_ptr<HttpServer>> start(const Options& options, Handler handler,
                                                   Failure failure = nullptr);
  ~HttpServer();
  std::string url() const;  // "http://127.0.0.1:8080"
  int port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Whether only this machine can reach an address that is bound to.
bool is_loopback(std::string_view address);

}  // namespace slipstream::server
