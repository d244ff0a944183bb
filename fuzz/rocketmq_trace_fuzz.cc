// Reports of clients in the trace topic: each record is an event or counted as unreadable.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "slipstream/rocketmq/trace.h"

#include "base/bytes.h"
#include "base/try.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = slipstream::as_text({data, size});
  const auto ends = static_cast<std::size_t>(std::count(body.begin(), body.end(), '\x02'));
  const slipstream::rocketmq::TraceRecords records = slipstream::rocketmq::decode_trace(body);
  CHECK(records.events.size() + records.unreadable <= ends + 1);
  return 0;
}
