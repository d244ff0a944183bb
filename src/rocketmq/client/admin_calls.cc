#include "rocketmq/client/admin_calls.h"

#include <functional>
#include <utility>

#include "base/try.h"

namespace slipstream::rocketmq::internal {
namespace {

constexpr int kAttempts = 3;

bool lost(const Result<Answer>& answer) {
  return !answer.ok() && answer.error().retryable && answer.error().code == ErrorCode::kUnavailable;
}

}  // namespace

Result<Answer> call_broker(ClientCore& core, const std::string& address, const Command& command) {
  Result<Answer> answer = core.wait_call(address, command);
  for (int attempt = 1; attempt < kAttempts && lost(answer); ++attempt)
    answer = core.wait_call(address, command);
  return answer;
}

Result<Answer> succeed(RequestCode request, Result<Answer> answer) {
  if (answer.ok() && answer->header.code != response_code::kSuccess) {
    return answer_error(request, answer->header.code, answer->header.remark);
  }
  return answer;
}

Result<ClusterView> ask_cluster(ClientCore& core) {
  TRY_ASSIGN(const Answer answer,
             succeed(RequestCode::kBrokerCluster,
                     core.wait_name_server(encode_plain(RequestCode::kBrokerCluster))));
  return parse_cluster(answer.body());
}

std::string broker_names(const ClusterView& cluster) {
  std::string text;
  for (const BrokerData& broker : cluster.brokers) text += (text.empty() ? "" : ", ") + broker.name;
  return text.empty() ? "none" : text;
}

void pause(ClientCore& core, std::int64_t wait_ms) {
  static_cast<void>(core.wait<bool>(
      [&core, wait_ms](std::function<void(Result<bool>)> done) {
        core.loop().run_after(wait_ms, [done = std::move(done)] { done(true); });
      },
      wait_ms + 1'000));
}

}  // namespace slipstream::rocketmq::internal
