// What a rocketmq table says, checked.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/message.h"

#include "connector_kit/table_format.h"
#include "connectors/rocketmq/delivery_time.h"
#include "connectors/rocketmq/topic_selection.h"

namespace slipstream::rocketmq_connector {

// The connector's options, without those of formats.
OptionTable rocketmq_options();

// "broker-a:1:201;broker-c:3:123"; of several topics "orders:broker-a:1:201".
using QueueOffsets = std::map<rocketmq::MessageQueue, std::int64_t>;

enum class StartMode : std::uint8_t {
  kGroupOffsets,
  kEarliest,
  kLatest,
  kTimestamp,
  kSpecificOffsets,
  kOneOffset
};
enum class BoundMode : std::uint8_t { kUnbounded, kLatest, kTimestamp, kSpecificOffsets };
using connector_kit::DecodeErrors;
using connector_kit::TableFormat;

struct SourceSettings {
  std::string table;  // for errors
  rocketmq::ClientOptions client;
  std::string name_space;  // what topics and groups of an instance have in front; empty = nothing
  OptionMap access;        // the options that `security` was read from
  TopicSelection topics;
  std::string group;
  std::vector<std::string> tags;  // empty = all
  std::string recording;          // file that is read in place of the topic; empty = none
  std::string sql;                // SQL92 filter of the brokers; empty = none
  StartMode start = StartMode::kGroupOffsets;
  bool reset_to_earliest = false;
  std::int64_t start_ms = 0;
  std::int64_t start_offset = 0;  // kOneOffset
  QueueOffsets start_offsets;
  BoundMode bound = BoundMode::kUnbounded;
  std::int64_t bound_ms = 0;
  QueueOffsets bound_offsets;
  std::int64_t discovery_ms = 5'000;
  rocketmq::OffsetOutOfRange out_of_range = rocketmq::OffsetOutOfRange::kFail;
  DecodeErrors decode_errors = DecodeErrors::kFail;
  bool log_decode_errors = false;
  std::string dead_letter_topic;
  std::int32_t pull_messages_max = 1'024;
  int pulls_per_queue_max = 0;  // 0: as the distance to the broker asks for
  std::int64_t pull_wait_ms = 15'000;
  std::int64_t pause_when_empty_ms = 0;
  TableFormat format;
};

struct SinkSettings {
  std::string table;
  rocketmq::ClientOptions client;
  std::string name_space;
  std::string topic;
  std::string group;
  std::string scan_group;
  // Static: a row without a tag of its own is written once with each.
  std::vector<std::string> tags;
  Guarantee guarantee = Guarantee::kAtLeastOnce;
  std::int64_t fence_wait_ms = 2'000;
  std::int64_t send_timeout_ms = 60'000;
  std::optional<std::int64_t> retries_max;  // of a send; none = as many as the time-out allows
  std::optional<std::int64_t> retry_backoff_ms;
  std::string partition_field;  // column whose value decides about the queue; empty = none does
  DeliveryTime delivery;
  TableFormat format;
};

// kInvalidArgument names the table, the option, the cause and the fix.
Result<SourceSettings> read_source_settings(const TableDefinition& table);
Result<SinkSettings> read_sink_settings(const TableDefinition& table, const std::string& job_name,
                                        const std::string& uid);

// A topic or group of an instance with its own namespace, as brokers know it: "instance%name",
// "%RETRY%instance%group"; a name that is so already stays. No namespace: `name`.
std::string with_namespace(std::string_view name_space, std::string_view name);
std::string_view without_namespace(std::string_view name_space, std::string_view name);

// The topic as seen from each of its name servers, as Source::endpoints() wants it: "topic 't' at
// ns:9876".
std::vector<std::string> topic_endpoints(const std::string& name_servers, const std::string& topic);
// The same of what is no single topic: "topics like 'o.*' at ns:9876".
std::vector<std::string> endpoints_of(const std::string& what, const std::string& name_servers);

}  // namespace slipstream::rocketmq_connector
