#include "server/http.h"

#include <future>
#include <optional>
#include <thread>
#include <utility>

#include <httplib.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "base/try.h"
#include "base/work_pool.h"

namespace slipstream::server {
namespace {

thread_local bool is_refusing = false;  // whether this thread answers 503 to all requests

// Connections on threads that come and go with them.
//
// Thread: any.
// Bounds: one connection per thread, `waiting_max` that wait for one. Further ones are refused by a
//         thread of its own; enqueue() waits while `refusing_max` of them are there and no place is
//         free, so that the system holds the rest.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(const HttpServer::Options& options)
      : connections_max_(options.threads + options.waiting_max),
        refusing_max_(options.refusing_max),
        refusals_(WorkPool::Options{.threads = 1, .threads_max = 1}),
        pool_(WorkPool::Options{.threads = options.threads, .threads_max = options.threads}) {}

  Status start() {
    TRY(refusals_->start());
    return pool_->start();
  }
  void enqueue(std::function<void()> connection) override {
    MutexLock lock(mutex_);
    while (connections_ >= connections_max_ && refusing_ >= refusing_max_) place_.wait(mutex_);
    if (connections_ < connections_max_) {
      ++connections_;
      return pool_->run([this, connection = std::move(connection)] {
        connection();
        MutexLock ended(mutex_);
        --connections_;
        place_.notify_one();
      });
    }
    ++refusing_;
    refusals_->run([this, connection = std::move(connection)] {
      is_refusing = true;
      connection();
      MutexLock ended(mutex_);
      --refusing_;
      place_.notify_one();
    });
  }
  void shutdown() override {
    pool_.reset();
    refusals_.reset();
  }

 private:
  const std::size_t connections_max_;
  const std::size_t refusing_max_;
  Mutex mutex_;
  Condition place_;  // for a connection, served or refused
  std::size_t connections_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::size_t refusing_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::optional<WorkPool> refusals_;
  std::optional<WorkPool> pool_;
};

}  // namespace

struct HttpServer::State {
  std::unique_ptr<ConnectionThreads> connections;  // until the loop runs, which owns it from there
  std::promise<void> running;
  httplib::Server http;
  std::string bind;
  int port = 0;
  std::thread thread;
};

namespace {

HttpRequest request_of(const httplib::Request& request) {
  HttpRequest out;
  out.method = request.method;
  out.path = request.path;
  for (const auto& [key, value] : request.params) out.parameters[key] = value;
  out.body = request.body;
  out.authorization = request.get_header_value("Authorization");
  out.content_type = request.get_header_value("Content-Type");
  out.host = request.get_header_value("Host");
  out.origin = request.get_header_value("Origin");
  return out;
}

void answer(HttpResponse from, httplib::Response& response) {
  response.status = from.status;
  for (const auto& [name, value] : from.headers) response.set_header(name, value);
  if (!from.stream) {
    if (from.status != 204) response.set_content(from.body, from.content_type);
    return;
  }
  response.set_chunked_content_provider(
      from.content_type, [stream = std::move(from.stream)](std::size_t, httplib::DataSink& sink) {
        bool gone = false;
        stream([&](std::string_view chunk) {
          gone = gone || !sink.write(chunk.data(), chunk.size());
          return !gone;
        });
        if (!gone) sink.done();
        return !gone;
      });
}

}  // namespace

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->http.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Options& options, Handler handler,
                                                      Failure failure) {
  auto state = std::make_unique<State>();
  httplib::Server& http = state->http;
  http.set_payload_max_length(options.body_bytes_max);
  http.set_tcp_nodelay(true);
  const httplib::Server::Handler handle =
      [handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
        answer(handler(request_of(request)), response);
      };
  http.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    auto& changed = const_cast<httplib::Request&>(request);
    if (is_refusing) {
      response.status = 503;
      changed.headers.erase("Connection");
      changed.set_header("Connection", "close");
      return httplib::Server::HandlerResponse::Handled;
    }
    // A request that names no length has no body (RFC 9112, 6.3); the library would wait for one.
    if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding"))
      changed.set_header("Content-Length", "0");
    return httplib::Server::HandlerResponse::Unhandled;
  });
  http.Get(".*", handle).Post(".*", handle).Put(".*", handle).Delete(".*", handle);
  if (failure) {
    http.set_error_handler(
        [failure = std::move(failure)](const httplib::Request&, httplib::Response& response) {
          if (response.body.empty()) answer(failure(response.status), response);
        });
  }
  state->bind = options.bind;
  if (options.port == 0) {
    state->port = http.bind_to_any_port(options.bind.c_str());
  } else if (http.bind_to_port(options.bind.c_str(), options.port)) {
    state->port = options.port;
  }
  if (state->port <= 0) {
    return Error{ErrorCode::kAlreadyExists,
                 "cannot serve on " + options.bind + ":" + std::to_string(options.port) +
                     ": the port is in use or the address is not one of this machine"};
  }
  // stop() has no effect before the loop runs, which begins with this.
  http.new_task_queue = [state = state.get()] {
    state->running.set_value();
    return state->connections.release();
  };
  state->connections = std::make_unique<ConnectionThreads>(options);
  TRY(state->connections->start());
  TRY_ASSIGN(state->thread, make_thread([&http] { http.listen_after_bind(); }));
  state->running.get_future().wait();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

std::string HttpServer::url() const {
  const bool is_v6 = state_->bind.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + state_->bind + "]" : state_->bind) + ":" +
         std::to_string(state_->port);
}

int HttpServer::port() const { return state_->port; }

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

}  // namespace slipstream::server
