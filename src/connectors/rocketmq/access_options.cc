#include "connectors/rocketmq/access_options.h"

#include <cstdlib>

#include "base/try.h"

namespace slipstream::rocketmq_connector {
namespace {

std::vector<OptionSpec> credential_options() {
  return {
      OptionSpec{.name = "accessKey",
                 .description = "ACL: access key (4.x) or user name (5.x).",
                 .aliases = {"access-key", "rocketmq.client.accessKey"},
                 .secret = true},
      OptionSpec{.name = "secretKey",
                 .description = "ACL: secret key or password; better in credentials.file.",
                 .aliases = {"secret-key", "rocketmq.client.secretKey"},
                 .secret = true},
      OptionSpec{.name = "securityToken",
                 .description = "ACL: token of temporary (STS) credentials.",
                 .aliases = {"security-token", "rocketmq.client.securityToken"},
                 .secret = true},
      OptionSpec{.name = "credentials.file",
                 .description = "File with lines accessKey=, secretKey=, securityToken=; read "
                                "again when it changes or a broker refuses."},
  };
}

std::vector<OptionSpec> identity_options() {
  return {
      OptionSpec{.name = "heartbeat.interval",
                 .type = OptionType::kDuration,
                 .default_value = "30 s",
                 .description = "How often connections that nothing else uses are kept alive."},
      OptionSpec{.name = "unit.name",
                 .description = "A part of the client id that brokers see.",
                 .aliases = {"unitName"}},
  };
}

std::vector<OptionSpec> tls_options() {
  return {
      OptionSpec{.name = "tls.enabled",
                 .type = OptionType::kBool,
                 .default_value = "false",
                 .description = "Encrypt all connections to name servers and brokers."},
      OptionSpec{.name = "tls.ca-file",
                 .description = "Trusted authorities, PEM; those of the system when not given."},
      OptionSpec{.name = "tls.cert-file",
                 .description = "The client's certificate with its chain, PEM, for servers that "
                                "ask for one."},
      OptionSpec{.name = "tls.key-file",
                 .description = "Its private key, PEM; in tls.cert-file when not given."},
      OptionSpec{.name = "tls.key-password",
                 .description = "Password of the private key.",
                 .secret = true},
      OptionSpec{.name = "tls.verify",
                 .type = OptionType::kEnum,
                 .default_value = "full",
                 .description = "What a server's certificate must prove: full = trusted and for "
                                "its host name, ca = trusted, none = nothing.",
                 .values = {"full", "ca", "none"}},
      OptionSpec{.name = "tls.server-name",
                 .description = "Name that certificates are for, when it is not the host of the "
                                "address."},
  };
}

// The option when it is given, else the environment variable when it is set, else the default.
std::string given_or_environment(const Options& options, const char* name, const char* variable) {
  const char* value = std::getenv(variable);
  return options.has(name) || value == nullptr ? options.text(name) : std::string(value);
}

Result<rocketmq::Security> read_security(const std::string& table, const Options& options) {
  const auto bad = [&](const std::string& text) {
    return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
  };
  rocketmq::Security security;
  security.credentials.access_key = options.text("accessKey");
  security.credentials.secret_key = options.text("secretKey");
  security.credentials.security_token = options.text("securityToken");
  security.credentials_file = options.text("credentials.file");
  if (!security.credentials_file.empty() && security.credentials != rocketmq::Credentials{}) {
    return bad(
        "option 'credentials.file' and the options 'accessKey', 'secretKey', "
        "'securityToken' exclude each other; give one or the other");
  }
  if (security.credentials_file.empty() && security.credentials != rocketmq::Credentials{} &&
      (security.credentials.access_key.empty() || security.credentials.secret_key.empty())) {
    return bad("option '" +
               std::string(security.credentials.access_key.empty() ? "accessKey" : "secretKey") +
               "' is missing: both 'accessKey' and 'secretKey' are needed");
  }
  const std::string enabled = given_or_environment(options, "tls.enabled", "SLIPSTREAM_TLS");
  security.tls.enabled = enabled == "true" || enabled == "1";
  for (const char* name : {"tls.ca-file", "tls.cert-file", "tls.key-file", "tls.server-name"}) {
    if (!options.has(name) || security.tls.enabled) continue;
    return bad("option '" + std::string(name) + "' has no effect without 'tls.enabled' = 'true'");
  }
  security.tls.ca_file = options.text("tls.ca-file");
  security.tls.cert_file = options.text("tls.cert-file");
  security.tls.key_file = options.text("tls.key-file");
  security.tls.key_password = options.text("tls.key-password");
  security.tls.server_name = options.text("tls.server-name");
  auto verify = rocketmq::parse_tls_verify(
      given_or_environment(options, "tls.verify", "SLIPSTREAM_TLS_VERIFY"));
  if (!verify.ok()) return bad("'tls.verify': " + verify.error().message);
  security.tls.verify = *verify;
  return completed_from_environment(std::move(security));
}

}  // namespace

std::vector<OptionSpec> access_options() {
  std::vector<OptionSpec> all = credential_options();
  for (auto&& part : {tls_options(), identity_options()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

Result<rocketmq::ClientOptions> read_client(const std::string& table, const Options& options) {
  rocketmq::ClientOptions client;
  client.name_servers = options.text("nameServerAddress");
  client.heartbeat_interval_ms = options.duration("heartbeat.interval").count();
  if (client.heartbeat_interval_ms < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + table + "': option 'heartbeat.interval' must be at least 1 ms"};
  }
  client.unit_name = options.text("unit.name");
  TRY_ASSIGN(client.security, read_security(table, options));
  return client;
}

OptionMap access_options_of(const OptionMap& given) {
  static const OptionTable kKnown(access_options());
  OptionMap found;
  for (const auto& [name, value] : given) {
    if (kKnown.find(name) != nullptr) found.emplace(name, value);
  }
  return found;
}

}  // namespace slipstream::rocketmq_connector
