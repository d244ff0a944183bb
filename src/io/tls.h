// TLS as a transformation of bytes: no sockets here. OpenSSL appears in the .cc file only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::io {

enum class TlsCheck : std::uint8_t { kHostName, kAuthority, kNothing };

// Files are in PEM form.
struct TlsSettings {
  std::string ca_file{};    // empty: the authorities of the operating system
  std::string cert_file{};  // with its chain; empty: the client shows no certificate
  std::string key_file{};   // empty: in cert_file
  std::string key_password{};
  TlsCheck check = TlsCheck::kHostName;
  std::string server_name{};  // empty: the host that is connected to
};

// What all client connections with the same settings share. Immutable.
// Thread: any.
class TlsContext {
 public:
  // Reads the files. kInvalidArgument names the file and what is wrong with it.
  static Result<std::shared_ptr<const TlsContext>> make(const TlsSettings& settings);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The client's side of one connection.
//
//   after connecting and after each received(): handshake() until it says true, then read() until
//   it gives 0; after each of all calls: send take_outgoing().
//
// Thread:  one at a time.
// Bounds:  holds what was received and not read, and what was written and not taken.
// Failure: sticky. Not retryable when a certificate is refused, by this side or by the server:
//          kPermissionDenied, saying which, why and what to do.
class TlsSession {
 public:
  // `peer` names the server in errors.
  TlsSession(std::shared_ptr<const TlsContext> context, const std::string& host, std::string peer);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Result<bool> handshake();
  void received(std::span<const std::uint8_t> encrypted);
  // 0: nothing until more is received. REQUIRES: handshake() said true
  Result<std::size_t> read(std::span<std::uint8_t> space);
  // REQUIRES: handshake() said true
  Status write(std::string_view plain);
  bool has_outgoing() const;
  std::string take_outgoing();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipstream::io
