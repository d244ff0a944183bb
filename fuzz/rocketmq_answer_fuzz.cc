// JSON bodies of answers, through the tolerant reader and every parser that stands on it.
#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/protocol/access_requests.h"
#include "rocketmq/protocol/responses.h"
#include "rocketmq/protocol/tolerant_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace rocketmq = slipstream::rocketmq;
  const rocketmq::BodyBytes body(data, size);
  const bool json = rocketmq::parse_tolerant_json(slipstream::as_text(body)).ok();
  CHECK(json || !rocketmq::parse_route(body).ok());
  CHECK(json || !rocketmq::parse_cluster(body).ok());
  CHECK(json || !rocketmq::parse_topic_list(body).ok());
  CHECK(json || !rocketmq::parse_group_list(body).ok());
  CHECK(json || !rocketmq::parse_topic_config(body).ok());
  CHECK(json || !rocketmq::parse_all_topic_configs(body).ok());
  CHECK(json || !rocketmq::parse_consumer_list(body).ok());
  CHECK(json || !rocketmq::parse_consumer_connections(body).ok());
  CHECK(json || !rocketmq::parse_all_producers(body).ok());
  CHECK(json || !rocketmq::parse_group_configs(body).ok());
  CHECK(json || body.empty() || !rocketmq::parse_users(body).ok());
  CHECK(json || body.empty() || !rocketmq::parse_rules(body).ok());
  CHECK(json || !rocketmq::parse_topic_stats(body).ok());
  CHECK(json || !rocketmq::parse_consume_stats(body).ok());
  CHECK(json || !rocketmq::parse_locked_queues(body).ok());
  CHECK(json || !rocketmq::parse_offset_reset(body).ok());
  CHECK(json || !rocketmq::parse_all_consumer_offsets(body, "g").ok());
  const auto runtime = rocketmq::parse_broker_runtime(body);
  CHECK(json || !runtime.ok());
  if (runtime.ok()) {
    static_cast<void>(runtime->boot_ms());
    static_cast<void>(runtime->dispatch_behind_bytes());
    static_cast<void>(runtime->rate("putTps"));
  }
  CHECK(rocketmq::parse_broker_config(body).ok());
  return 0;
}
