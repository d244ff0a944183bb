#include "connectors/rocketmq/access_options.h"

#include <array>
#include <chrono>
#include <cstdlib>

#include "base/try.h"
#include "connectors/rocketmq/table_options.h"

namespace slipstream::rocketmq_connector {
namespace {

using Text = Option<std::string>;

constexpr Text kAccessKey{.name = "accessKey",
                          .description = "ACL: access key (4.x) or user name (5.x).",
                          .aliases = {"access-key", "rocketmq.client.accessKey",
                                      "rocketmq.client.access-key", "access.key"},
                          .secret = true};
constexpr Text kSecretKey{.name = "secretKey",
                          .description = "ACL: secret key or password; better in credentials.file.",
                          .aliases = {"secret-key", "rocketmq.client.secretKey",
                                      "rocketmq.client.secret-key", "secret.key"},
                          .secret = true};
constexpr Text kSecurityToken{.name = "securityToken",
                              .description = "ACL: token of temporary (STS) credentials.",
                              .aliases = {"security-token", "rocketmq.client.securityToken"},
                              .secret = true};
constexpr Text kCredentialsFile{
    .name = "credentials.file",
    .description =
        "File with lines accessKey=, secretKey=, securityToken=; read again when it "
        "changes or a broker refuses."};

constexpr Option<bool> kTlsEnabled{
    .name = "tls.enabled",
    .default_value = "false",
    .description = "Encrypt all connections to name servers and brokers.",
    .aliases = {"rocketmq.client.tls.enable", "rocketmq.client.tls-enabled"}};
constexpr Text kTlsCaFile{
    .name = "tls.ca-file",
    .description = "Trusted authorities, PEM; those of the system when not given."};
constexpr Text kTlsCertFile{
    .name = "tls.cert-file",
    .description = "The client's certificate with its chain, PEM, for servers that ask for one."};
constexpr Text kTlsKeyFile{.name = "tls.key-file",
                           .description = "Its private key, PEM; in tls.cert-file when not given."};
constexpr Text kTlsKeyPassword{
    .name = "tls.key-password", .description = "Password of the private key.", .secret = true};
constexpr auto kTlsVerifyWords = std::to_array<OptionWord<rocketmq::TlsVerify>>({
    {"full", rocketmq::TlsVerify::kFull},
    {"ca", rocketmq::TlsVerify::kCa},
    {"none", rocketmq::TlsVerify::kNone},
});
constexpr Option<rocketmq::TlsVerify> kTlsVerify{
    .name = "tls.verify",
    .default_value = "full",
    .description =
        "What a server's certificate must prove: full = trusted and for its host name, "
        "ca = trusted, none = nothing.",
    .limits = {kTlsVerifyWords}};
constexpr Text kTlsServerName{
    .name = "tls.server-name",
    .description = "Name that certificates are for, when it is not the host of the address."};

constexpr Option<std::chrono::milliseconds> kHeartbeatInterval{
    .name = "heartbeat.interval",
    .default_value = "30 s",
    .description = "How often connections that nothing else uses are kept alive.",
    .limits = {{.min = std::chrono::milliseconds(1)}},
    .aliases = {"rocketmq.client.heartbeat.interval.ms"}};
constexpr Text kNamespace{
    .name = "namespace",
    .description =
        "Of an instance: topics and groups have it in front, 'namespace%topic', and are "
        "named without it here.",
    .aliases = {"rocketmq.client.namespace"}};
constexpr Option<std::int64_t> kCallsPerSecond{
    .name = "api-calls-per-second",
    .description =
        "Quota of the cluster: most calls of all tables of the process to it, in any second; the "
        "smallest that is given counts. Not given: none.",
    .limits = {{.min = 1, .max = 1'000'000}}};
constexpr Text kUnitName{.name = "unit.name",
                         .description = "A part of the client id that brokers see.",
                         .aliases = {"unitName", "rocketmq.client.unitName"}};

Error bad(const std::string& table, const std::string& text) {
  return Error{ErrorCode::kInvalidArgument, "table '" + table + "': " + text};
}

// Not from the environment alone: both parts of a pair, or a file.
Status read_credentials(const std::string& table, const Options& options,
                        rocketmq::Security& security) {
  rocketmq::Credentials& given = security.credentials;
  given.access_key = options[kAccessKey];
  given.secret_key = options[kSecretKey];
  given.security_token = options[kSecurityToken];
  security.credentials_file = options[kCredentialsFile];
  if (given == rocketmq::Credentials{}) return {};
  if (!security.credentials_file.empty()) {
    return bad(table,
               "option 'credentials.file' and the options 'accessKey', 'secretKey', "
               "'securityToken' exclude each other; give one or the other");
  }
  if (!given.access_key.empty() && !given.secret_key.empty()) return {};
  return bad(table, "option '" +
                        std::string((given.access_key.empty() ? kAccessKey : kSecretKey).name) +
                        "' is missing: both 'accessKey' and 'secretKey' are needed");
}

// An option that is given, else the environment variable when it is set, else the default.
Status read_tls(const std::string& table, const Options& options, rocketmq::TlsOptions& tls) {
  tls.enabled = options[kTlsEnabled];
  if (!options.has(kTlsEnabled)) {
    const auto enabled = rocketmq::tls_enabled_by_environment();
    if (!enabled.ok()) return enabled.error().with_context("table '" + table + "'");
    tls.enabled = enabled->value_or(tls.enabled);
  }
  for (const Text& option : {kTlsCaFile, kTlsCertFile, kTlsKeyFile, kTlsServerName}) {
    if (!options.has(option) || tls.enabled) continue;
    return bad(table, "option '" + std::string(option.name) +
                          "' has no effect without 'tls.enabled' = 'true'");
  }
  tls.ca_file = options[kTlsCaFile];
  tls.cert_file = options[kTlsCertFile];
  tls.key_file = options[kTlsKeyFile];
  tls.key_password = options[kTlsKeyPassword];
  tls.server_name = options[kTlsServerName];
  tls.verify = options[kTlsVerify];
  const char* verify = options.has(kTlsVerify) ? nullptr : std::getenv("SLIPSTREAM_TLS_VERIFY");
  if (verify == nullptr) return {};
  const auto parsed = rocketmq::parse_tls_verify(verify);
  if (!parsed.ok()) return bad(table, "SLIPSTREAM_TLS_VERIFY: " + parsed.error().message);
  tls.verify = *parsed;
  return {};
}

}  // namespace

std::vector<OptionSpec> access_options() {
  return option_specs(kAccessKey, kSecretKey, kSecurityToken, kCredentialsFile, kTlsEnabled,
                      kTlsCaFile, kTlsCertFile, kTlsKeyFile, kTlsKeyPassword, kTlsVerify,
                      kTlsServerName, kHeartbeatInterval, kUnitName, kNamespace, kCallsPerSecond);
}

Result<rocketmq::ClientOptions> read_client(const std::string& table, const Options& options) {
  rocketmq::ClientOptions client;
  client.name_servers = options[option::kNameServers];
  client.heartbeat_interval_ms = options[kHeartbeatInterval].count();
  client.unit_name = options[kUnitName];
  client.calls_per_second = options.find(kCallsPerSecond).value_or(0);
  rocketmq::Security security;
  TRY(read_credentials(table, options, security));
  TRY(read_tls(table, options, security.tls));
  client.security = completed_from_environment(std::move(security));
  return client;
}

const std::string& namespace_of(const Options& options) { return options[kNamespace]; }

OptionMap access_options_of(const OptionMap& given) {
  static const OptionTable kKnown(access_options());
  OptionMap found;
  for (const auto& [name, value] : given) {
    if (kKnown.find(name) != nullptr) found.emplace(name, value);
  }
  return found;
}

}  // namespace slipstream::rocketmq_connector
