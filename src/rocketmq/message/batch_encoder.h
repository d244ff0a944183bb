// The body of SEND_BATCH_MESSAGE (320).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "slipstream/status.h"

#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq {

// Collects messages of one topic and one queue into one body.
//
// Bounds: `bytes_max` for the whole body; a message that does not fit is not added (fits() is
// false). Layout: per message: total size, magic 0, CRC 0, flag, body length, body, 16-bit
// properties length, properties.
//         The broker computes magic and CRC itself when it stores the message.
class BatchEncoder {
 public:
  explicit BatchEncoder(std::size_t bytes_max = kMessageBytesMax) : bytes_max_(bytes_max) {}

  static std::size_t entry_size(std::size_t body_size, std::size_t properties_size) {
    return 22 + body_size + properties_size;
  }
  bool fits(std::size_t body_size, std::size_t properties_size) const {
    return bytes_.size() + entry_size(body_size, properties_size) <= bytes_max_;
  }
  // An empty body is stored in a batch only: brokers refuse it in a message by itself.
  // Failure: kResourceExhausted when it does not fit; kInvalidArgument for properties above
  // kPropertiesBytesMax. The batch is unchanged then.
  Status add(std::string_view body, std::string_view properties, std::int32_t flag = 0);

  // Behind what is here; `other` is empty afterwards. REQUIRES: fits_all(other)
  void append(BatchEncoder& other);
  bool fits_all(const BatchEncoder& other) const {
    return bytes_.size() + other.bytes_.size() <= bytes_max_;
  }

  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_.size(); }
  bool empty() const { return count_ == 0; }
  // The body so far; valid until the next call that changes it.
  std::string_view text() const { return bytes_; }
  // Empty again, with the memory that it had.
  void clear() {
    bytes_.clear();
    count_ = 0;
  }
  // The body; the encoder is empty again.
  std::string take();

 private:
  std::size_t bytes_max_;
  std::string bytes_;
  std::size_t count_ = 0;
};

// One entry of a batch body.
struct BatchEntryView {
  std::int32_t flag = 0;
  std::span<const std::uint8_t> body;
  std::string_view properties;
};
// Cuts the entry at the front of `bytes` off.
// Failure: kCorrupt.
Result<BatchEntryView> decode_batch_entry(std::span<const std::uint8_t>& bytes);

}  // namespace slipstream::rocketmq
