// What the keys of RocketMQSourceFunction and RocketMQSink mean for the connector and the producer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/producer.h"
#include "slipstream/status.h"
#include "slipstream/stream/rocketmq.h"

namespace slipstream::stream {

struct SourceConfig {
  std::string topic;
  OptionMap options;  // of the connector 'rocketmq', without 'format'
  std::int64_t persist_interval_ms = 0;
  std::size_t list_messages_max = 1;  // of a list
};
struct SinkConfig {
  rocketmq::ClientOptions client;
  rocketmq::ProducerOptions producer;
  std::string topic;  // of messages without one; may be empty
  std::int32_t delay_level = 0;
};

// kInvalidArgument or kUnsupported names the key, the cause and the fix.
// `stop_ms`: only what was stored before this time is read.
Result<SourceConfig> read_source_config(const Properties& properties,
                                        const erased::SourceStart& start,
                                        std::optional<std::int64_t> stop_ms = std::nullopt);
// `job`: its name, of which the producer group is made when none is given.
Result<SinkConfig> read_sink_config(const Properties& properties, const std::string& job);

}  // namespace slipstream::stream
