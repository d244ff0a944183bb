// Bodies of pull answers: every record that is given out, or passed over, lies inside the input and
// can be read to its end.
#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace rocketmq = slipstream::rocketmq;
  if (size == 0) return 0;
  rocketmq::RecordCursorOptions options;
  options.check_crc = (data[0] & 1U) != 0;
  options.body_bytes_max = 1U << 16U;
  rocketmq::RecordCursor cursor(std::span<const std::uint8_t>(data + 1, size - 1), options);
  rocketmq::RecordView record;
  std::string body;
  std::uint32_t read = 0;
  do {
    while (cursor.next(record)) {
      read +=
          rocketmq::body_crc(record.body) + rocketmq::body_crc(slipstream::as_bytes(record.topic));
      const slipstream::Status status =
          rocketmq::decompress_body(record, body, options.body_bytes_max);
      CHECK(!status.ok() || record.compressed() == false || body.size() <= options.body_bytes_max);
      rocketmq::PropertyCursor properties(record.properties);
      rocketmq::PropertyView each;
      while (properties.next(each)) read += static_cast<std::uint32_t>(each.value.size());
      if (!record.compressed()) CHECK(rocketmq::to_received_message(record, "b").ok());
    }
    if (cursor.failed()) {
      read += rocketmq::body_crc(cursor.failed()->record.body);
      read += cursor.offset_behind_failed(0).has_value() ? 1 : 0;
    }
  } while (cursor.pass_over());
  // The sum only keeps the reads above from being left out.
  return read == 0xFFFFFFFFU && cursor.status().ok() ? -1 : 0;
}
