#include "cli/cluster.h"

#include <cstdlib>

#include "base/suggest.h"
#include "base/try.h"
#include "cli/report.h"

namespace slipstream::cli {
namespace {

std::string given_or(const std::string& option, const char* variable) {
  const char* value = option.empty() ? std::getenv(variable) : nullptr;
  return value == nullptr ? option : std::string(value);
}

Result<bool> tls_enabled(const std::optional<bool>& option) {
  if (option) return *option;
  TRY_ASSIGN(const std::optional<bool> by_environment, rocketmq::tls_enabled_by_environment());
  return by_environment.value_or(false);
}

// A broker that has much to do, or looks through a large index, answers late; one that is gone
// refuses the connection at once.
constexpr std::int64_t kAnswerMs = 15'000;

}  // namespace

Result<rocketmq::ClientOptions> client_options(const ClusterArguments& cluster) {
  rocketmq::ClientOptions options;
  options.name_servers = given_or(cluster.name_server, "SLIPSTREAM_NAMESERVER");
  if (options.name_servers.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "no name server is given: --nameserver HOST:PORT, or SLIPSTREAM_NAMESERVER"};
  }
  options.call_timeout_ms = kAnswerMs;
  options.security = rocketmq::completed_from_environment(cluster.security);
  TRY_ASSIGN(options.security.tls.enabled, tls_enabled(cluster.tls));
  const std::string verify = given_or(cluster.tls_verify, "SLIPSTREAM_TLS_VERIFY");
  if (!verify.empty()) {
    auto parsed = rocketmq::parse_tls_verify(verify);
    if (!parsed.ok()) return std::move(parsed).error().with_context("--tls-verify");
    options.security.tls.verify = *parsed;
  }
  return options;
}

int with_client(const ClusterArguments& cluster,
                const std::function<Status(rocketmq::Client&)>& action) {
  const auto options = client_options(cluster);
  if (!options.ok()) return fail(options.error(), kExitUsage);
  const auto client = rocketmq::Client::connect(*options);
  if (!client.ok()) {
    const bool wrong = client.error().code == ErrorCode::kInvalidArgument;
    return fail(client.error(), wrong ? kExitUsage : kExitFailed);
  }
  return report(action(**client));
}

int with_admin(const ClusterArguments& cluster,
               const std::function<Status(rocketmq::Admin&)>& action) {
  return with_client(cluster, [&action](rocketmq::Client& client) {
    rocketmq::Admin admin(client);
    return action(admin);
  });
}

Error with_nearest_topic(rocketmq::Admin& admin, const std::string& topic, Error error) {
  if (error.code != ErrorCode::kNotFound) return error;
  if (const auto topics = admin.list_topics(); topics.ok())
    error.message += did_you_mean(topic, *topics);
  return error;
}

}  // namespace slipstream::cli
