// Keys of the DataStream classes for RocketMQ: lines NAME=value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "stream/rocketmq_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipstream;  // NOLINT: one file
  stream::Properties properties;
  std::string_view rest = as_text({data, size});
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t equals = std::min(line.find('='), line.size());
    properties[std::string(line.substr(0, equals))] =
        line.substr(std::min(equals + 1, line.size()));
  }
  const auto source = stream::read_source_config(properties, {});
  CHECK(!source.ok() || !source->topic.empty());
  CHECK(!source.ok() || source->list_messages_max >= 1);
  const auto sink = stream::read_sink_config(properties, "job");
  CHECK(!sink.ok() || !sink->producer.group.empty());
  return 0;
}
