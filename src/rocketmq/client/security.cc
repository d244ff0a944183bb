#include "slipstream/rocketmq/security.h"

#include <cstdlib>
#include <string_view>

#include "base/try.h"
#include "io/files.h"

namespace slipstream::rocketmq {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// "access-key" -> "accesskey"
std::string plain_key(std::string_view text) {
  std::string key;
  for (const char c : text) {
    if (c == '-' || c == '_') continue;
    key.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return key;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void fill(std::string& value, const char* name) {
  if (value.empty()) value = environment(name);
}

}  // namespace

Result<Credentials> read_credentials_file(const std::string& path) {
  const auto bad = [&](const std::string& text) {
    return Error{ErrorCode::kInvalidArgument, "credentials file '" + path + "': " + text};
  };
  auto content = io::read_file(path);
  if (!content.ok()) return std::move(content).error().with_context("credentials file");
  Credentials credentials;
  std::string_view rest = *content;
  for (int line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.empty() || text.front() == '#' || text.front() == ';' || text.front() == '[') continue;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos)
      return bad("line " + std::to_string(line) + " is not KEY=VALUE");
    const std::string key = plain_key(trim(text.substr(0, equals)));
    const std::string_view value = trim(text.substr(equals + 1));
    if (key == "accesskey") {
      credentials.access_key = value;
    } else if (key == "secretkey") {
      credentials.secret_key = value;
    } else if (key == "securitytoken") {
      credentials.security_token = value;
    } else {
      return bad("line " + std::to_string(line) +
                 " gives neither accessKey, secretKey nor securityToken");
    }
  }
  if (credentials.access_key.empty()) return bad("accessKey is missing");
  if (credentials.secret_key.empty()) return bad("secretKey is missing");
  return credentials;
}

Security completed_from_environment(Security security) {
  if (security.credentials == Credentials{} && security.credentials_file.empty()) {
    security.credentials_file = environment("SLIPSTREAM_CREDENTIALS");
    if (security.credentials_file.empty()) {
      security.credentials.access_key = environment("SLIPSTREAM_ACCESS_KEY");
      security.credentials.secret_key = environment("SLIPSTREAM_SECRET_KEY");
      security.credentials.security_token = environment("SLIPSTREAM_SECURITY_TOKEN");
    }
  }
  TlsOptions& tls = security.tls;
  fill(tls.ca_file, "SLIPSTREAM_TLS_CA_FILE");
  if (tls.cert_file.empty() && tls.key_file.empty()) {
    fill(tls.cert_file, "SLIPSTREAM_TLS_CERT_FILE");
    fill(tls.key_file, "SLIPSTREAM_TLS_KEY_FILE");
  }
  fill(tls.key_password, "SLIPSTREAM_TLS_KEY_PASSWORD");
  fill(tls.server_name, "SLIPSTREAM_TLS_SERVER_NAME");
  return security;
}

Result<std::optional<bool>> tls_enabled_by_environment() {
  const std::string value = environment("SLIPSTREAM_TLS");
  if (value.empty()) return std::optional<bool>();
  if (value == "true" || value == "1") return std::optional<bool>(true);
  if (value == "false" || value == "0") return std::optional<bool>(false);
  return Error{ErrorCode::kInvalidArgument,
               "SLIPSTREAM_TLS is '" + value + "'; it may be true or false"};
}

Result<TlsVerify> parse_tls_verify(const std::string& text) {
  if (text == "full") return TlsVerify::kFull;
  if (text == "ca") return TlsVerify::kCa;
  if (text == "none") return TlsVerify::kNone;
  return Error{ErrorCode::kInvalidArgument, "'" + text + "' is none of 'full', 'ca', 'none'"};
}

}  // namespace slipstream::rocketmq
