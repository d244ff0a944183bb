#include "tls_proxy.h"

#include <csignal>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/try.h"

namespace slipstream::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

std::string name_of(X509* certificate) {
  char name[100] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

// A connection of a client, plain when `ssl` is null.
struct Client {
  int socket = -1;
  SSL* ssl = nullptr;

  bool has_bytes() const { return ssl != nullptr && SSL_pending(ssl) > 0; }
  int read(char* bytes, int size) const {
    return ssl != nullptr ? SSL_read(ssl, bytes, size)
                          : static_cast<int>(::read(socket, bytes, static_cast<std::size_t>(size)));
  }
  bool write(const char* bytes, int size) const {
    return (ssl != nullptr
                ? SSL_write(ssl, bytes, size)
                : static_cast<int>(::write(socket, bytes, static_cast<std::size_t>(size)))) == size;
  }
};

// Until one of both ends.
void hand_on(const Client& client, int server) {
  char bytes[16'384];
  while (true) {
    pollfd ready[2] = {{client.socket, POLLIN, 0}, {server, POLLIN, 0}};
    if (!client.has_bytes() && ::poll(ready, 2, -1) < 0) return;
    if (client.has_bytes() || ready[0].revents != 0) {
      const int count = client.read(bytes, sizeof bytes);
      if (count <= 0 || ::write(server, bytes, static_cast<std::size_t>(count)) != count) return;
    }
    if (ready[1].revents != 0) {
      const ssize_t count = ::read(server, bytes, sizeof bytes);
      if (count <= 0 || !client.write(bytes, static_cast<int>(count))) return;
    }
  }
}

}  // namespace

TlsProxy::TlsProxy(const io::testing::Identity& identity, std::uint16_t target) : target_(target) {
  std::signal(SIGPIPE, SIG_IGN);  // clients that refuse the certificate leave at once
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(listener_, 16) == 0);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate_file(context, identity.certificate_file.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context, identity.key_file.c_str(), SSL_FILETYPE_PEM);
  // Asked for and believed: what is observed is the client.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  context_ = context;
  acceptor_ = std::thread([this] { accept_all(); });
}

TlsProxy::~TlsProxy() {
  ended_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    MutexLock lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& link : links_) link.join();
  {
    MutexLock lock(mutex_);
    for (const int socket : sockets_) ::close(socket);
  }
  ::close(listener_);
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

std::string TlsProxy::seen() {
  MutexLock lock(mutex_);
  return seen_;
}

void TlsProxy::note(std::string how) {
  MutexLock lock(mutex_);
  seen_ = std::move(how);
}

void TlsProxy::accept_all() {
  while (true) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0 || ended_) {
      if (socket >= 0) ::close(socket);
      return;
    }
    {
      MutexLock lock(mutex_);
      sockets_.push_back(socket);
    }
    links_.emplace_back([this, socket] { serve(socket); });
  }
}

void TlsProxy::serve(int socket) {
  Client client{socket, nullptr};
  unsigned char first = 0;
  if (::recv(socket, &first, 1, MSG_PEEK) != 1) return;
  const bool speaks_tls = first == 0x16;  // a record of the handshake
  if (speaks_tls) {
    client.ssl = SSL_new(static_cast<SSL_CTX*>(context_));
    SSL_set_fd(client.ssl, socket);
  }
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(target_);
  if (!speaks_tls || SSL_accept(client.ssl) == 1) {
    X509* shown = speaks_tls ? SSL_get1_peer_certificate(client.ssl) : nullptr;
    note(!speaks_tls ? "plain" : shown == nullptr ? "TLS" : "TLS as " + name_of(shown));
    X509_free(shown);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      hand_on(client, server);
  }
  ::close(server);
  if (client.ssl != nullptr) SSL_free(client.ssl);
  ERR_clear_error();
  ::shutdown(socket, SHUT_RDWR);
}

}  // namespace slipstream::test
