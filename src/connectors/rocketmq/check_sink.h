// What can be proven about the output of a sink before the job starts.
#pragma once

#include "slipstream/rocketmq/client.h"
#include "slipstream/status.h"

#include "connectors/rocketmq/message_encoder.h"

namespace slipstream::rocketmq_connector {

// Creates a topic that does not exist, where the cluster creates topics by itself
// (autoCreateTopicEnable).
//
// Thread:  any but the client's; blocks for seconds.
// Failure: kNotFound when the cluster does not; names the table and the topic.
Status create_missing_topic(rocketmq::Client& client, const std::string& table,
                            const std::string& topic);

// A logical queue has messages whose offsets are not decided while it moves to another broker: a
// scan after a crash would not find them.
Error static_topic_error(const std::string& table, const std::string& topic);

// The topic exists (or is created, where the cluster creates topics by itself), can be written,
// and, for exactly-once, is of a kind that can be looked through, by the scan group.
//
// Thread:  any but the client's; blocks.
// Failure: names table, topic, cause and fix.
Status check_output_topic(rocketmq::Client& client, const SinkPlan& plan);

}  // namespace slipstream::rocketmq_connector
