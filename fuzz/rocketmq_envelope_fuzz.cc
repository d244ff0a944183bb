// Lines of JSON that stand for messages (`record`, `produce --json`), and entries of a batch body:
// what was read is written so that it reads back the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/envelope.h"
#include "rocketmq/message/properties.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void check_round_trip(const rocketmq::RecordedMessage& recorded) {
  rocketmq::ReceivedMessage message;
  message.topic = recorded.topic.value_or("");
  message.broker = recorded.broker.value_or("");
  message.queue_id = recorded.queue_id.value_or(0);
  message.queue_offset = recorded.offset.value_or(0);
  message.stored_ms = recorded.stored_ms.value_or(0);
  message.message_id = recorded.id;
  message.tags = recorded.message.tags;
  message.keys = recorded.message.keys;
  message.sharding_key = recorded.message.sharding_key;
  message.flag = recorded.message.flag;
  message.body = recorded.message.body;
  std::size_t own = 0;
  for (const rocketmq::Property& each : recorded.message.properties) {
    own += rocketmq::is_reserved_property(each.name) ? 0 : 1;
    message.properties.push_back(each);
  }
  std::string line;
  CHECK(rocketmq::append_envelope(message, line).ok());
  const auto again = rocketmq::read_recorded(line);
  CHECK(again.ok());
  CHECK(again->id == recorded.id && again->topic == message.topic);
  CHECK(again->broker == message.broker && again->queue_id == message.queue_id);
  CHECK(again->offset == message.queue_offset && again->stored_ms == message.stored_ms);
  CHECK(again->message.tags == message.tags && again->message.keys == message.keys);
  CHECK(again->message.sharding_key == message.sharding_key);
  CHECK(again->message.flag == message.flag && again->message.body == message.body);
  CHECK(again->message.properties.size() == own);
}

void read_batch(std::span<const std::uint8_t> bytes) {
  rocketmq::BatchEncoder encoder;
  const std::span<const std::uint8_t> all = bytes;
  std::size_t body_bytes = 0;
  while (!bytes.empty()) {
    const auto entry = rocketmq::decode_batch_entry(bytes);
    if (!entry.ok()) return;
    body_bytes += entry->body.size();
    if (!encoder.add(as_text(entry->body), entry->properties, entry->flag).ok()) return;
  }
  CHECK(body_bytes <= all.size() && encoder.bytes() == all.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = as_text({data, size});
  rocketmq::Message message;
  const Status read = rocketmq::read_envelope(line, message);
  const auto recorded = rocketmq::read_recorded(line);
  CHECK(read.ok() || !recorded.ok());
  if (recorded.ok()) check_round_trip(*recorded);
  CHECK(!rocketmq::printable(line).empty() || line.empty());
  read_batch({data, size});
  return 0;
}
