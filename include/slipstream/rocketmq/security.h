// Who a client is and how its connections are protected: ACL credentials and TLS.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "slipstream/status.h"

namespace slipstream::rocketmq {

// ACL 1.0 (`plain_acl.yml`, access key and secret key) and 2.0 (user name and password). Requests
// are signed with HMAC-SHA1; the secret key itself never leaves the process.
struct Credentials {
  std::string access_key{};
  std::string secret_key{};
  std::string security_token{};  // of temporary (STS) credentials; may be empty

  bool empty() const { return access_key.empty(); }
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

// What a server's certificate has to prove.
enum class TlsVerify : std::uint8_t {
  kFull,  // a trusted authority signed it, and it is for the host name (or server_name)
  kCa,    // a trusted authority signed it
  kNone   // nothing: whoever sits between may read and change everything
};

// Files are in PEM form and are read when the client connects.
struct TlsOptions {
  bool enabled = false;
  std::string ca_file{};    // trusted authorities; empty: those of the operating system
  std::string cert_file{};  // the client's own certificate with its chain (mutual TLS)
  std::string key_file{};   // its private key; empty: in cert_file
  std::string key_password{};
  TlsVerify verify = TlsVerify::kFull;
  // The name to look for in certificates and to send as SNI; empty: the host of each connection.
  std::string server_name{};

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

// Both, for one client. Copies are compared, never printed.
struct Security {
  Credentials credentials{};
  // Read instead when not empty; and again while connected, when it changes or a server refuses
  // the credentials.
  std::string credentials_file{};
  TlsOptions tls{};

  friend bool operator==(const Security&, const Security&) = default;
};

// Lines `accessKey = ...`, `secretKey = ...`, `securityToken = ...` (also access-key, access_key);
// lines that begin with '#', ';' or '[' and empty lines are skipped.
// Failure: names the file, and the line or the missing key; never a value.
Result<Credentials> read_credentials_file(const std::string& path);

// Fills what `security` leaves open from the environment. Credentials, when there are none and no
// file: SLIPSTREAM_CREDENTIALS (a file), else SLIPSTREAM_ACCESS_KEY, SLIPSTREAM_SECRET_KEY and
// SLIPSTREAM_SECURITY_TOKEN. TLS, each that is not set: SLIPSTREAM_TLS_CA_FILE, _CERT_FILE,
// _KEY_FILE, _KEY_PASSWORD, _SERVER_NAME.
Security completed_from_environment(Security security);

// SLIPSTREAM_TLS: "true" or "1", "false" or "0"; nothing when it is not set or empty.
// kInvalidArgument names it and its value.
Result<std::optional<bool>> tls_enabled_by_environment();

// "full", "ca" or "none".
Result<TlsVerify> parse_tls_verify(const std::string& text);

}  // namespace slipstream::rocketmq
