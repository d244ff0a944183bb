// The REST interface: what openapi.json says, over a JobHost.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "server/http.h"
#include "server/job_host.h"
#include "server/query_stream.h"
#include "server/tap_stream.h"

namespace slipstream::server {

// Owner:  the server; `host` outlives it.
// Thread: any.
// Bounds: queries_max queries and taps at a time, else 429.
class Api {
 public:
  struct Options {
    std::string version;
    std::string token;  // empty = none is asked for
    std::size_t queries_max = 8;
  };
  Api(JobHost& host, Options options);

  HttpResponse handle(const HttpRequest& request);
  // Of a request that was no HTTP, or too large.
  static HttpResponse failure(int status);
  // Ends the queries and taps that run, and refuses new ones.
  void close();

 private:
  struct Call {
    std::string name;  // {name} of the path
    const HttpRequest* request = nullptr;
  };
  struct Route {
    std::string method;
    std::string path;
    HttpResponse (Api::*handler)(const Call&);
    bool is_open = false;  // without the token
  };
  static const std::vector<Route>& routes();

  std::optional<HttpResponse> refuse_caller(const HttpRequest& request) const;
  bool is_authorized(const HttpRequest& request) const;

  HttpResponse status(const Call& call);
  HttpResponse metrics(const Call& call);
  HttpResponse asset(const Call& call);
  HttpResponse list(const Call& call);
  HttpResponse submit(const Call& call);
  HttpResponse inspect(const Call& call);
  HttpResponse series(const Call& call);
  HttpResponse remove(const Call& call);
  HttpResponse stop(const Call& call);
  HttpResponse cancel(const Call& call);
  HttpResponse savepoint(const Call& call);
  HttpResponse restart(const Call& call);
  HttpResponse check(const Call& call);
  HttpResponse query(const Call& call);
  HttpResponse tap(const Call& call);
  HttpResponse audit(const Call& call);
  // A place among queries_max, until the last copy goes. Null: *refusal is the answer.
  std::shared_ptr<void> take_place(HttpResponse* refusal);
  // An answer of lines that the stream writes, or close() cancels.
  template <typename Stream>
  HttpResponse streamed(std::shared_ptr<Stream> stream, std::shared_ptr<void> place);
  HttpResponse steer(const Call& call,
                     const std::function<std::optional<Refusal>(HostedJob&)>& action);

  JobHost& host_;
  const Options options_;
  const Clock& clock_;
  const std::int64_t started_ms_;
  Mutex mutex_;
  // How to cancel each.
  std::map<const void*, std::function<void()>> streams_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t places_taken_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;  // by those about to start too
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
};

}  // namespace slipstream::server
