// TLS over real sockets, against a server that is OpenSSL alone, with certificates made here.
#include "io/tls.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/event_loop.h"
#include "io/tcp.h"
#include "io/testing/identity.h"

namespace slipstream::io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Identity;

struct Certificates {
  const Identity ca{"authority", nullptr, nullptr, -2, 2};
  const Identity other_ca{"stranger", nullptr, nullptr, -2, 2};
  const Identity server{"server", &ca, "DNS:broker.example,IP:127.0.0.1", -2, 2};
  const Identity elsewhere{"elsewhere", &ca, "DNS:broker.example", -2, 2};
  const Identity expired{"expired", &ca, "IP:127.0.0.1", -2, -1};
  const Identity client{"client", &ca, nullptr, -2, 2};
  const Identity expired_client{"expired-client", &ca, nullptr, -2, -1};
  const Identity foreign_client{"foreign-client", &other_ca, nullptr, -2, 2};
};

const Certificates& certificates() {
  static const Certificates kAll;
  return kAll;
}

enum class Serve : std::uint8_t { kTls, kPlainEcho, kHangUp, kSilence };

// Takes one connection; echoes until the client leaves.
class Server {
 public:
  Server(const Identity& identity, const Identity* clients_of, Serve serve)
      : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // the library writes to clients that have left
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_file(context_, identity.certificate_file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context_, identity.key_file.c_str(), SSL_FILETYPE_PEM);
    if (clients_of != nullptr) {
      SSL_CTX_load_verify_locations(context_, clients_of->certificate_file.c_str(), nullptr);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    thread_ = std::thread([this, serve] { run(serve); });
  }
  ~Server() {
    ::shutdown(listener_, SHUT_RDWR);
    ::shutdown(taken_, SHUT_RDWR);
    thread_.join();
    ::close(taken_);
    ::close(listener_);
    SSL_CTX_free(context_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port = 0;
  std::promise<int> ended;  // errno of the read that ended it
  std::string received;     // with TLS; complete when it has ended

 private:
  void run(Serve serve) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    taken_ = socket;
    char buffer[20'000];
    if (serve == Serve::kTls) {
      echo_tls(socket);
    } else if (serve == Serve::kPlainEcho) {
      const ssize_t count = ::read(socket, buffer, sizeof buffer);
      EXPECT_GT(count, 0);
      EXPECT_EQ(::write(socket, "HTTP/1.1 400", 12), 12);
      while (::read(socket, buffer, sizeof buffer) > 0) continue;
    } else if (serve == Serve::kSilence) {
      while (::read(socket, buffer, sizeof buffer) > 0) continue;
    }
    ::shutdown(socket, SHUT_RDWR);
  }
  void echo_tls(int socket) {
    SSL* ssl = SSL_new(context_);
    SSL_set_fd(ssl, socket);
    int problem = 0;
    if (SSL_accept(ssl) == 1) {
      char buffer[20'000];
      int count = 0;
      while ((count = SSL_read(ssl, buffer, sizeof buffer)) > 0) {
        received.append(buffer, static_cast<std::size_t>(count));
        SSL_write(ssl, buffer, count);
      }
      problem = errno;
    }
    ended.set_value(problem);
    SSL_free(ssl);
    ERR_clear_error();
  }

  int listener_;
  std::atomic<int> taken_{-1};
  SSL_CTX* context_ = nullptr;
  std::thread thread_;
};

struct Peer final : ConnectionHandler {
  std::unique_ptr<Connection> connection;
  std::string received;
  std::size_t expected = 0;
  std::vector<std::uint8_t> space = std::vector<std::uint8_t>(1 << 13);
  std::promise<void> complete;
  std::promise<Error> closed;

  void on_open() override {}
  std::span<std::uint8_t> read_space() override { return space; }
  void on_read(std::size_t count) override {
    received.append(reinterpret_cast<const char*>(space.data()), count);
    if (expected != 0 && received.size() == expected) complete.set_value();
  }
  void on_closed(const Error& error) override { closed.set_value(error); }
};

class TlsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    loop_.run_and_wait([&] { client_.connection.reset(); });
    loop_.stop();
  }
  static TlsSettings trusting(const Identity& authority) {
    return TlsSettings{.ca_file = authority.certificate_file};
  }
  static TlsSettings with_certificate(const Identity& identity) {
    TlsSettings settings = trusting(certificates().ca);
    settings.cert_file = identity.certificate_file;
    settings.key_file = identity.key_file;
    return settings;
  }
  void connect(const Server& server, const TlsSettings& settings, ConnectionOptions options = {}) {
    const auto context = TlsContext::make(settings);
    ASSERT_TRUE(context.ok()) << context.status().to_string();
    options.tls = *context;
    loop_.run_and_wait([&] {
      client_.connection = net_.connect({"127.0.0.1", server.port}, options, client_);
      ASSERT_TRUE(client_.connection->write("hello", nullptr).ok());
    });
  }
  void expect_echo(const Server& server, const TlsSettings& settings) {
    client_.expected = 5;
    connect(server, settings);
    ASSERT_EQ(client_.complete.get_future().wait_for(std::chrono::seconds(120)),
              std::future_status::ready);
    EXPECT_EQ(client_.received, "hello");
  }
  Error refusal(const Server& server, const TlsSettings& settings) {
    connect(server, settings);
    auto closed = client_.closed.get_future();
    if (closed.wait_for(std::chrono::seconds(120)) != std::future_status::ready)
      return Error{ErrorCode::kTimeout, "not refused"};
    return closed.get();
  }

  FakeClock clock_;
  EventLoop loop_{clock_, "test"};
  TcpNet net_{loop_};
  Peer client_;
};

TEST_F(TlsTest, ManyWritesComeBackInOrder) {
  Server server(certificates().server, nullptr, Serve::kTls);
  auto body = std::make_shared<const std::string>(std::string(300'000, 'b'));
  std::string all = "hello";
  for (int i = 0; i < 200; ++i) all += "head" + std::to_string(i) + (i % 20 == 0 ? *body : "");
  client_.expected = all.size();
  connect(server, trusting(certificates().ca));
  loop_.run_and_wait([&] {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(
          client_.connection->write("head" + std::to_string(i), i % 20 == 0 ? body : nullptr).ok());
    }
  });
  ASSERT_EQ(client_.complete.get_future().wait_for(std::chrono::seconds(120)),
            std::future_status::ready)
      << client_.received.size() << " of " << all.size();
  EXPECT_TRUE(client_.received == all);
  loop_.run_and_wait([&] { EXPECT_EQ(client_.connection->queued_bytes(), 0U); });
}

TEST_F(TlsTest, AnUntrustedAuthorityIsRefusedForGood) {
  Server server(certificates().server, nullptr, Serve::kTls);
  const Error error = refusal(server, trusting(certificates().other_ca));
  EXPECT_EQ(error.code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(error.retryable);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("127.0.0.1:" + std::to_string(server.port)), HasSubstr("CN=server"),
                    HasSubstr("trusted authority"), HasSubstr("tls.ca-file")));
}

TEST_F(TlsTest, AnExpiredCertificateIsRefusedWithItsDate) {
  Server server(certificates().expired, nullptr, Serve::kTls);
  const Error error = refusal(server, trusting(certificates().ca));
  EXPECT_FALSE(error.retryable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("CN=expired"), HasSubstr("expired on "),
                                   HasSubstr("renew it on the server")));
}

TEST_F(TlsTest, AnotherHostsCertificateIsRefused) {
  Server server(certificates().elsewhere, nullptr, Serve::kTls);
  const Error error = refusal(server, trusting(certificates().ca));
  EXPECT_FALSE(error.retryable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("is not for '127.0.0.1'"),
                                   HasSubstr("tls.server-name"), HasSubstr("tls.verify")));
}

TEST_F(TlsTest, TheServerNameReplacesTheHost) {
  Server server(certificates().elsewhere, nullptr, Serve::kTls);
  TlsSettings settings = trusting(certificates().ca);
  settings.server_name = "broker.example";
  expect_echo(server, settings);
}

TEST_F(TlsTest, TheAuthorityAloneIsEnoughWhenAskedFor) {
  Server server(certificates().elsewhere, nullptr, Serve::kTls);
  TlsSettings settings = trusting(certificates().ca);
  settings.check = TlsCheck::kAuthority;
  expect_echo(server, settings);
}

TEST_F(TlsTest, WithoutCheckAnExpiredStrangerPasses) {
  Server server(certificates().expired, nullptr, Serve::kTls);
  TlsSettings settings;
  settings.check = TlsCheck::kNothing;
  expect_echo(server, settings);
}

TEST_F(TlsTest, MutualTakesTheRightCertificate) {
  Server server(certificates().server, &certificates().ca, Serve::kTls);
  expect_echo(server, with_certificate(certificates().client));
}

TEST_F(TlsTest, MutualWithoutACertificateIsRefusedForGood) {
  Server server(certificates().server, &certificates().ca, Serve::kTls);
  const Error error = refusal(server, trusting(certificates().ca));
  EXPECT_EQ(error.code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(error.retryable);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("refuses this client's certificate"), HasSubstr("tls.cert-file")));
}

TEST_F(TlsTest, MutualWithAnExpiredCertificateIsRefusedForGood) {
  Server server(certificates().server, &certificates().ca, Serve::kTls);
  const Error error = refusal(server, with_certificate(certificates().expired_client));
  EXPECT_FALSE(error.retryable);
  EXPECT_THAT(error.message, HasSubstr("certificate expired"));
}

TEST_F(TlsTest, MutualWithAForeignCertificateIsRefusedForGood) {
  Server server(certificates().server, &certificates().ca, Serve::kTls);
  const Error error = refusal(server, with_certificate(certificates().foreign_client));
  EXPECT_FALSE(error.retryable);
  EXPECT_THAT(error.message, HasSubstr("refuses this client's certificate"));
}

TEST_F(TlsTest, APlainServerIsNamedAsSuch) {
  Server server(certificates().server, nullptr, Serve::kPlainEcho);
  const Error error = refusal(server, trusting(certificates().ca));
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, HasSubstr("does not speak TLS here"));
}

TEST_F(TlsTest, AServerThatHangsUpMayBePlain) {
  Server server(certificates().server, nullptr, Serve::kHangUp);
  const Error error = refusal(server, trusting(certificates().ca));
  EXPECT_TRUE(error.retryable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("TLS handshake with 127.0.0.1:"),
                                   HasSubstr("does the server take TLS")));
}

TEST_F(TlsTest, TheHandshakeHasTheDeadlineOfTheConnection) {
  Server server(certificates().server, nullptr, Serve::kSilence);
  connect(server, trusting(certificates().ca), {.connect_timeout_ms = 100});
  const Error error = client_.closed.get_future().get();
  EXPECT_TRUE(error.retryable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("TLS handshake"), HasSubstr("within 100 ms")));
}

TEST_F(TlsTest, AFencedConnectionIsResetByItsEnd) {
  Server server(certificates().server, nullptr, Serve::kTls);
  client_.expected = 5;
  connect(server, trusting(certificates().ca), {.reset_on_close = true, .user_timeout_ms = 5'000});
  client_.complete.get_future().wait();
  loop_.run_and_wait([&] { client_.connection.reset(); });
  EXPECT_EQ(server.ended.get_future().get(), ECONNRESET);
}

TEST_F(TlsTest, WhatIsPastItsDeadlineDoesNotLeave) {
  Server server(certificates().server, nullptr, Serve::kTls);
  client_.expected = 5;
  connect(server, trusting(certificates().ca), {.reset_on_close = true});
  client_.complete.get_future().wait();
  loop_.run_and_wait([&] {
    EXPECT_TRUE(client_.connection->write("late", nullptr, clock_.now_ms() + 3'000).ok());
    clock_.advance_ms(3'000);
  });
  EXPECT_EQ(client_.closed.get_future().get().code, ErrorCode::kTimeout);
  EXPECT_EQ(server.ended.get_future().get(), ECONNRESET);
  EXPECT_EQ(server.received, "hello");
}

TEST(TlsContextTest, SaysWhatIsWrongWithAFile) {
  const Certificates& known = certificates();
  const std::string text = ::testing::TempDir() + "tls-text-" + std::to_string(::getpid());
  std::ofstream(text) << "no PEM";
  const std::string locked = known.client.locked_key("open sesame");
  const auto refusal = [](const TlsSettings& settings) {
    const auto context = TlsContext::make(settings);
    return context.ok() ? std::string("taken") : context.error().message;
  };
  const std::string& certificate = known.client.certificate_file;
  EXPECT_THAT(
      refusal({.ca_file = "/nowhere.pem"}),
      AllOf(HasSubstr("tls.ca-file"), HasSubstr("'/nowhere.pem'"), HasSubstr("No such file")));
  EXPECT_THAT(refusal({.ca_file = text}), HasSubstr("no PEM certificates"));
  EXPECT_THAT(refusal({.cert_file = text}), HasSubstr("tls.cert-file"));
  EXPECT_THAT(refusal({.key_file = locked}), HasSubstr("no certificate (tls.cert-file)"));
  EXPECT_THAT(refusal({.cert_file = certificate, .key_file = known.server.key_file}),
              HasSubstr("cannot be used"));
  EXPECT_THAT(refusal({.cert_file = certificate, .key_file = locked}),
              HasSubstr("does it need tls.key-password?"));
  EXPECT_THAT(
      refusal({.cert_file = certificate, .key_file = locked, .key_password = "open barley"}),
      AllOf(HasSubstr("is tls.key-password right?"), ::testing::Not(HasSubstr("barley"))));
  EXPECT_EQ(refusal({.cert_file = certificate, .key_file = locked, .key_password = "open sesame"}),
            "taken");
}

}  // namespace
}  // namespace slipstream::io
