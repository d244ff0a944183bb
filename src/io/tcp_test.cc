#include "io/tcp.h"

#include <future>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/testing/wait_until.h"

namespace slipstream::io {
namespace {

// Records everything; echoes when told to.
struct Peer final : ConnectionHandler {
  std::unique_ptr<Connection> connection;
  std::string received;
  std::size_t expected = 0;
  bool echo = false;
  std::vector<std::uint8_t> space = std::vector<std::uint8_t>(1 << 16);
  std::promise<void> opened;
  std::promise<void> complete;
  std::promise<Error> closed;

  void on_open() override { opened.set_value(); }
  std::span<std::uint8_t> read_space() override { return space; }
  void on_read(std::size_t count) override {
    std::string text(reinterpret_cast<const char*>(space.data()), count);
    if (echo) {
      EXPECT_TRUE(connection->write(text, nullptr).ok());
    }
    received += text;
    if (expected != 0 && received.size() == expected) complete.set_value();
  }
  void on_closed(const Error& error) override { closed.set_value(error); }
};

class TcpTest : public testing::Test {
 protected:
  void SetUp() override {
    loop_.run_and_wait([&] {
      auto listening = TcpListener::listen(
          loop_, {"127.0.0.1", 0},
          [&](const TcpListener::Adopt& adopt) { server_.connection = adopt(server_); });
      ASSERT_TRUE(listening.ok()) << listening.error().to_string();
      listener_ = std::move(*listening);
      port_ = listener_->port();
    });
  }
  void TearDown() override {
    loop_.run_and_wait([&] {
      client_.connection.reset();
      server_.connection.reset();
      listener_.reset();
    });
    loop_.stop();
  }
  void connect(const ConnectionOptions& options = {}) {
    loop_.run_and_wait([&] {
      client_.connection = net_.connect({"127.0.0.1", port_}, options, client_);
    });
  }

  FakeClock clock_;
  EventLoop loop_{clock_, "test"};
  TcpNet net_{loop_};
  Peer client_;
  Peer server_;
  std::unique_ptr<TcpListener> listener_;
  std::uint16_t port_ = 0;
};

TEST_F(TcpTest, WritesBeforeOpenAreGatheredAndEchoedInOrder) {
  server_.echo = true;
  std::string all;
  auto body = std::make_shared<const std::string>(std::string(300'000, 'b'));
  for (int i = 0; i < 200; ++i) all += "head" + std::to_string(i) + (i % 50 == 0 ? *body : "");
  client_.expected = all.size();
  connect();
  loop_.run_and_wait([&] {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(
          client_.connection->write("head" + std::to_string(i), i % 50 == 0 ? body : nullptr).ok());
    }
  });
  client_.complete.get_future().wait();
  EXPECT_TRUE(client_.received == all);
  loop_.run_and_wait([&] { EXPECT_EQ(client_.connection->queued_bytes(), 0U); });
}

TEST_F(TcpTest, AFullWriteQueueRefuses) {
  connect({.write_queue_bytes_max = 10});
  loop_.run_and_wait([&] {
    EXPECT_TRUE(client_.connection->write("12345678", nullptr).ok());
    const Status refused = client_.connection->write("123", nullptr);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
    EXPECT_TRUE(refused.error().retryable);
  });
}

TEST_F(TcpTest, TheOtherSideSeesACloseAndAReset) {
  connect({.reset_on_close = true});
  server_.opened.get_future().wait();
  loop_.run_and_wait([&] { client_.connection.reset(); });
  const Error error = server_.closed.get_future().get();
  EXPECT_TRUE(error.retryable);
  EXPECT_NE(error.message.find("reset"), std::string::npos) << error.message;
}

// As when this process stands still between write() and the system call.
TEST_F(TcpTest, WhatIsPastItsDeadlineDoesNotLeave) {
  server_.expected = 7;
  connect({.reset_on_close = true});
  loop_.run_and_wait([&] {
    EXPECT_TRUE(client_.connection->write("in time", nullptr, clock_.now_ms() + 3'000).ok());
  });
  server_.complete.get_future().wait();
  loop_.run_and_wait([&] {
    EXPECT_TRUE(client_.connection->write("whenever", nullptr).ok());
    EXPECT_TRUE(client_.connection->write("late", nullptr, clock_.now_ms() + 3'000).ok());
    clock_.advance_ms(3'000);
  });
  const Error error = client_.closed.get_future().get();
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_TRUE(error.retryable);
  EXPECT_NE(error.message.find("could not leave in time"), std::string::npos) << error.message;
  server_.closed.get_future().wait();
  EXPECT_EQ(server_.received, "in time");
}

// Accepts only when told to; what is sent before stays in the buffers of the operating system.
class LateReader {
 public:
  LateReader() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~LateReader() { ::close(listener_); }
  LateReader(const LateReader&) = delete;
  LateReader& operator=(const LateReader&) = delete;

  // How many bytes come until the connection ends.
  std::size_t read_all() const {
    const int socket = ::accept(listener_, nullptr, nullptr);
    std::vector<char> buffer(1 << 20);
    std::size_t bytes = 0;
    ssize_t count = 0;
    while ((count = ::read(socket, buffer.data(), buffer.size())) > 0)
      bytes += static_cast<std::size_t>(count);
    ::close(socket);
    return bytes;
  }

  std::uint16_t port = 0;

 private:
  int listener_;
};

TEST_F(TcpTest, TheRestOfAWriteDoesNotLeaveAfterItsDeadline) {
  const LateReader reader;
  port_ = reader.port;
  const auto body = std::make_shared<const std::string>(std::size_t{32} << 20, 'b');
  connect();
  client_.opened.get_future().wait();
  loop_.run_and_wait(
      [&] { EXPECT_TRUE(client_.connection->write("head", body, clock_.now_ms() + 3'000).ok()); });
  // Behind the turn that filled the socket.
  loop_.run_and_wait([&] { EXPECT_GT(client_.connection->queued_bytes(), body->size()); });
  clock_.advance_ms(3'000);
  EXPECT_LT(reader.read_all(), body->size());
  EXPECT_EQ(client_.closed.get_future().get().code, ErrorCode::kTimeout);
}

TEST_F(TcpTest, ALongWriteLeavesAsTheSocketHasRoom) {
  const LateReader reader;
  port_ = reader.port;
  const auto body = std::make_shared<const std::string>(std::size_t{32} << 20, 'b');
  connect();
  std::size_t received = 0;
  std::thread reading([&] { received = reader.read_all(); });
  loop_.run_and_wait(
      [&] { EXPECT_TRUE(client_.connection->write("head", body, clock_.now_ms() + 3'000).ok()); });
  EXPECT_TRUE(wait_until([&] {
    std::size_t queued = 0;
    loop_.run_and_wait([&] { queued = client_.connection->queued_bytes(); });
    return queued == 0;
  }));
  loop_.run_and_wait([&] { client_.connection.reset(); });
  reading.join();
  EXPECT_EQ(received, body->size() + 4);
}

TEST_F(TcpTest, ARefusedConnectNamesTheAddress) {
  loop_.run_and_wait([&] { listener_.reset(); });
  connect();
  const Error error = client_.closed.get_future().get();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_NE(error.message.find("127.0.0.1:" + std::to_string(port_)), std::string::npos);
}

TEST(EndpointTest, ParsesNamesAndBothWaysToWriteIpv6) {
  EXPECT_EQ(*Endpoint::parse("broker:10911"), (Endpoint{"broker", 10911}));
  EXPECT_EQ(*Endpoint::parse("[::1]:80"), (Endpoint{"::1", 80}));
  EXPECT_EQ(*Endpoint::parse("fe80::1:80"), (Endpoint{"fe80::1", 80}));
  EXPECT_EQ((Endpoint{"::1", 80}.to_string()), "[::1]:80");
  for (const char* bad : {"", "host", ":1", "h:", "h:0", "h:70000", "h:1x"}) {
    EXPECT_FALSE(Endpoint::parse(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace slipstream::io
