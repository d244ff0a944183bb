#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/protocol/frame.h"

namespace slipstream::rocketmq {

namespace {

constexpr std::size_t kFrameBytesMin = 8;  // length field, type and header length

}  // namespace

// Not value-initialised: the bytes are written by the socket before anybody reads them.
ReceiveBuffer::ReceiveBuffer(std::size_t capacity)
    : capacity_(capacity), bytes_(new std::uint8_t[capacity + kPadding]) {}

std::shared_ptr<ReceivePool> ReceivePool::create(std::size_t buffer_bytes, std::size_t free_max) {
  return std::shared_ptr<ReceivePool>(new ReceivePool(buffer_bytes, free_max));
}

std::shared_ptr<ReceiveBuffer> ReceivePool::take(std::size_t at_least) {
  if (at_least > buffer_bytes_) return std::make_shared<ReceiveBuffer>(at_least);
  std::unique_ptr<ReceiveBuffer> buffer;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      buffer = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique<ReceiveBuffer>(buffer_bytes_);
  std::weak_ptr<ReceivePool> pool = weak_from_this();
  return std::shared_ptr<ReceiveBuffer>(
      buffer.release(), [pool = std::move(pool)](ReceiveBuffer* released) {
        std::unique_ptr<ReceiveBuffer> owned(released);
        if (const std::shared_ptr<ReceivePool> alive = pool.lock())
          alive->give_back(std::move(owned));
      });
}

void ReceivePool::give_back(std::unique_ptr<ReceiveBuffer> buffer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (free_.size() < free_max_) free_.push_back(std::move(buffer));
}

FrameCutter::FrameCutter(std::shared_ptr<ReceivePool> pool, std::size_t frame_bytes_max)
    : pool_(std::move(pool)), frame_bytes_max_(frame_bytes_max) {}

std::optional<std::size_t> FrameCutter::pending_size() const {
  if (write_ - read_ < 4) return std::nullopt;
  ByteReader reader(std::span<const std::uint8_t>(buffer_->data() + read_, 4));
  return static_cast<std::size_t>(reader.u32()) + 4;
}

std::span<std::uint8_t> FrameCutter::prepare() {
  // A quarter of a pool buffer is read at once or more; a frame whose length is known gets a buffer
  // that holds it.
  const std::size_t pending = buffer_ ? write_ - read_ : 0;
  std::size_t wanted = pending + std::max<std::size_t>(pool_->buffer_bytes() / 4, 1);
  if (buffer_) {
    const std::optional<std::size_t> frame = pending_size();
    if (frame && *frame <= frame_bytes_max_) wanted = std::max(*frame, pending + 1);
    if (buffer_->capacity() - read_ >= wanted && buffer_->capacity() > write_) {
      return {buffer_->data() + write_, buffer_->capacity() - write_};
    }
  }
  std::shared_ptr<ReceiveBuffer> next = pool_->take(wanted);
  if (pending != 0) std::memcpy(next->data(), buffer_->data() + read_, pending);
  buffer_ = std::move(next);
  read_ = 0;
  write_ = pending;
  return {buffer_->data() + write_, buffer_->capacity() - write_};
}

void FrameCutter::commit(std::size_t count) {
  DCHECK(buffer_ && count <= buffer_->capacity() - write_);
  write_ += count;
}

Result<std::optional<Frame>> FrameCutter::next() {
  if (!failed_.ok()) return failed_;
  const std::optional<std::size_t> size = buffer_ ? pending_size() : std::nullopt;
  if (!size) return std::optional<Frame>();
  if (*size < kFrameBytesMin || *size > frame_bytes_max_) {
    failed_ = Error{ErrorCode::kCorrupt,
                    "frame of " + std::to_string(*size) + " bytes received, allowed are " +
                        std::to_string(kFrameBytesMin) + " to " + std::to_string(frame_bytes_max_) +
                        ": the peer does not speak the remoting protocol on this port"};
    return failed_;
  }
  if (write_ - read_ < *size) return std::optional<Frame>();

  ByteReader reader(std::span<const std::uint8_t>(buffer_->data() + read_ + 4, *size - 4));
  const std::uint8_t type = reader.u8();
  Frame frame;
  frame.header = reader.bytes(reader.u24());
  frame.body = reader.bytes(reader.remaining());
  if (!reader.ok() || type > 1) {
    failed_ = Error{ErrorCode::kCorrupt,
                    type > 1 ? "frame with unknown header type " + std::to_string(type)
                             : std::string("frame header is longer than its frame")};
    return failed_;
  }
  frame.type = static_cast<HeaderType>(type);
  frame.buffer = buffer_;
  read_ += *size;
  return std::optional<Frame>(std::move(frame));
}

}  // namespace slipstream::rocketmq
