// Frames and headers: any bytes, in pieces of any size; what decodes must survive encoding and
// decoding again.
#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/protocol/frame.h"

namespace {

using slipstream::Result;
using slipstream::rocketmq::FrameHeader;
using slipstream::rocketmq::HeaderType;

void check_round_trip(const FrameHeader& header, HeaderType type) {
  const Result<std::string> head = slipstream::rocketmq::encode_frame_head(header, 0, type);
  CHECK(head.ok());
  const Result<FrameHeader> back = decode_header(slipstream::as_bytes(*head).subspan(8), type);
  CHECK(back.ok());
  CHECK(back->code == header.code && back->opaque == header.opaque && back->flag == header.flag);
  CHECK(back->remark == header.remark && back->ext.size() == header.ext.size());
  for (std::size_t i = 0; i < header.ext.size(); ++i) {
    CHECK(back->ext.key(i) == header.ext.key(i) && back->ext.value(i) == header.ext.value(i));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::span<const std::uint8_t> bytes(data, size);
  for (const HeaderType type : {HeaderType::kJson, HeaderType::kBinary}) {
    const Result<FrameHeader> header = slipstream::rocketmq::decode_header(bytes, type);
    if (header.ok()) check_round_trip(*header, type);
  }
  const std::size_t piece = 1 + bytes[0] % 64;
  bytes = bytes.subspan(1);
  slipstream::rocketmq::FrameCutter cutter(slipstream::rocketmq::ReceivePool::create(256, 2), 4096);
  while (!bytes.empty()) {
    const std::span<std::uint8_t> room = cutter.prepare();
    const std::size_t count = std::min({room.size(), bytes.size(), piece});
    std::memcpy(room.data(), bytes.data(), count);
    cutter.commit(count);
    bytes = bytes.subspan(count);
    for (;;) {
      const Result<std::optional<slipstream::rocketmq::Frame>> frame = cutter.next();
      if (!frame.ok()) return 0;
      if (!frame->has_value()) break;
      const Result<FrameHeader> header = decode_header((*frame)->header, (*frame)->type);
      if (header.ok()) check_round_trip(*header, (*frame)->type);
    }
  }
  return 0;
}
