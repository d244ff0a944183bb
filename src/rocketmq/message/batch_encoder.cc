#include "rocketmq/message/batch_encoder.h"

#include <utility>

#include "base/bytes.h"

namespace slipstream::rocketmq {

Status BatchEncoder::add(std::string_view body, std::string_view properties, std::int32_t flag) {
  if (properties.size() > kPropertiesBytesMax) {
    return Error{ErrorCode::kInvalidArgument, "a message of a batch has properties above " +
                                                  std::to_string(kPropertiesBytesMax) + " bytes"};
  }
  if (!fits(body.size(), properties.size())) {
    return Error{ErrorCode::kResourceExhausted,
                 "a message does not fit into a batch of " + std::to_string(bytes_max_) + " bytes"};
  }
  ByteWriter writer(bytes_);
  writer.u32(static_cast<std::uint32_t>(entry_size(body.size(), properties.size())));
  writer.u32(0);  // magic
  writer.u32(0);  // CRC
  writer.i32(flag);
  writer.u32(static_cast<std::uint32_t>(body.size()));
  writer.text(body);
  writer.u16(static_cast<std::uint16_t>(properties.size()));
  writer.text(properties);
  ++count_;
  return {};
}

void BatchEncoder::append(BatchEncoder& other) {
  if (bytes_.empty()) {
    bytes_.swap(other.bytes_);
  } else {
    bytes_.append(other.bytes_);
  }
  count_ += std::exchange(other.count_, 0);
  other.bytes_.clear();
}

std::string BatchEncoder::take() {
  count_ = 0;
  std::string taken = std::exchange(bytes_, std::string());
  bytes_.reserve(taken.size());  // the next batch is most likely as large
  return taken;
}

Result<BatchEntryView> decode_batch_entry(std::span<const std::uint8_t>& bytes) {
  ByteReader size_reader(bytes);
  const std::uint32_t total_size = size_reader.u32();
  if (!size_reader.ok() || total_size > bytes.size()) {
    return Error{ErrorCode::kCorrupt, "entry of " + std::to_string(total_size) +
                                          " bytes in a batch with " + std::to_string(bytes.size()) +
                                          " bytes left"};
  }
  ByteReader reader(bytes.first(total_size));
  reader.skip(12);  // size, magic, CRC
  BatchEntryView entry;
  entry.flag = reader.i32();
  entry.body = reader.bytes(reader.u32());
  entry.properties = reader.text(reader.u16());
  if (!reader.ok() || reader.remaining() != 0) {
    return Error{ErrorCode::kCorrupt,
                 "entry of a batch does not have the size that its fields add up to"};
  }
  bytes = bytes.subspan(total_size);
  return entry;
}

}  // namespace slipstream::rocketmq
