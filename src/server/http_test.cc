#include "server/http.h"

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/testing/wait_until.h"
#include "server/api.h"

namespace slipstream::server {
namespace {

using testing::StartsWith;

// One request over a connection of its own. The server takes connections in their order.
class Request {
 public:
  explicit Request(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const std::string text = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(socket_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  ~Request() { ::close(socket_); }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // Until the server has said all.
  std::string answer() {
    std::string all;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::recv(socket_, part.data(), part.size(), 0)) > 0;)
      all.append(part.data(), static_cast<std::size_t>(got));
    return all;
  }

 private:
  const int socket_;
};

// A server of one thread, which waits, as the refusals do, until it may go on.
class HttpServerTest : public testing::Test {
 protected:
  void start(HttpServer::Options options) {
    options.threads = 1;
    auto started = HttpServer::start(
        options,
        [this](const HttpRequest&) {
          is_serving_ = true;
          EXPECT_TRUE(wait_until([this] { return may_serve_.load(); }));
          return HttpResponse{};
        },
        [this](int status) {
          is_refusing_ = true;
          EXPECT_TRUE(wait_until([this] { return may_refuse_.load(); }));
          return Api::failure(status);
        });
    ASSERT_TRUE(started.ok()) << started.status().to_string();
    server_ = std::move(*started);
  }
  Request& send() { return requests_.emplace_back(server_->port()); }

  std::atomic<bool> is_serving_{false};
  std::atomic<bool> may_serve_{false};
  std::atomic<bool> is_refusing_{false};
  std::atomic<bool> may_refuse_{false};
  std::unique_ptr<HttpServer> server_;
  std::deque<Request> requests_;
};

TEST_F(HttpServerTest, RefusesConnectionsThatHaveNoPlace) {
  HttpServer::Options options;
  options.waiting_max = 1;
  start(options);
  may_refuse_ = true;
  Request& served = send();
  Request& waits = send();
  for (int i = 0; i < 3; ++i) {
    const std::string answer = send().answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(answer, testing::HasSubstr("too many connections"));
  }
  may_serve_ = true;
  EXPECT_THAT(served.answer(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(waits.answer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, APlaceThatBecomesFreeIsTakenWhileRefusalsWait) {
  HttpServer::Options options;
  options.waiting_max = 0;
  options.refusing_max = 1;
  start(options);
  Request& served = send();
  EXPECT_TRUE(wait_until([&] { return is_serving_.load(); }));
  Request& refused = send();
  EXPECT_TRUE(wait_until([&] { return is_refusing_.load(); }));
  Request& late = send();
  may_serve_ = true;
  EXPECT_THAT(served.answer(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(late.answer(), StartsWith("HTTP/1.1 200"));
  may_refuse_ = true;
  EXPECT_THAT(refused.answer(), StartsWith("HTTP/1.1 503"));
}

}  // namespace
}  // namespace slipstream::server
