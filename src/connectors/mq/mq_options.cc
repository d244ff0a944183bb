#include "connectors/mq/mq_options.h"

#include <algorithm>
#include <vector>

namespace slipstream::mq_connector {
namespace {

// Options of rocketmq that have another name here, another meaning or none.
constexpr auto kReplaced = std::to_array<std::string_view>(
    {"nameServerAddress", "tag", "accessKey", "secretKey", "namespace",
     "scan.startup.timestamp-millis", "pullBatchSize", "scan.pull.pause-when-empty",
     "decode.errors", "produceGroup", "sink.tags", "retryTimes", "sleepTimeMs", "sink.send-timeout",
     "useNewApi", "isDynamicTag"});
// Names of other connectors for Flink.
constexpr std::string_view kForeignPrefix = "rocketmq.";

}  // namespace

OptionTable options_of(Product product, const OptionTable& rocketmq) {
  std::vector<OptionSpec> all =
      option_specs(option::kEndPoint, option::kAccessId, option::kAccessKey);
  const auto add = [&all](std::vector<OptionSpec> part) {
    all.insert(all.end(), part.begin(), part.end());
  };
  if (product == Product::kMq) {
    add(option_specs(option::kInstanceId, option::kTag, option::kPullInterval));
  } else {
    add(option_specs(option::kTagOfMq5));
  }
  add(option_specs(option::kStartTimeMs, option::kPullBatchSize, option::kDecodeErrors,
                   option::kProducerGroup, option::kRetryTimes, option::kSleepTime,
                   option::kSendTimeout, option::kMode));
  for (OptionSpec spec : rocketmq.specs()) {
    if (std::find(kReplaced.begin(), kReplaced.end(), spec.name) != kReplaced.end()) continue;
    std::erase_if(spec.aliases,
                  [](const std::string& alias) { return alias.starts_with(kForeignPrefix); });
    all.push_back(std::move(spec));
  }
  return OptionTable(std::move(all));
}

}  // namespace slipstream::mq_connector
