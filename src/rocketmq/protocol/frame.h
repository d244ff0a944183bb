// The remoting frame: header (JSON or binary) and body; both directions.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::rocketmq {

enum class HeaderType : std::uint8_t { kJson = 0, kBinary = 1 };

// Values of the protocol; the JSON header carries the name, the binary one the number.
enum class Language : std::uint8_t {
  kJava,
  kCpp,
  kDotnet,
  kPython,
  kDelphi,
  kErlang,
  kRuby,
  kOther,
  kHttp,
  kGo,
  kPhp,
  kOms,
  kRust,
  kNodeJs,
};

inline constexpr std::int32_t kResponseFlag = 1;
inline constexpr std::int32_t kOnewayFlag = 2;
// 399 = 4.9.3: one signature rule on all servers, never GO_AWAY.
inline constexpr std::int32_t kClientVersion = 399;

// The typed fields of a header as text, in the order they were added. Values live in one string.
class ExtFields {
 public:
  ExtFields() = default;

  void add(std::string_view key, std::string_view text);
  void add_number(std::string_view key, std::int64_t value);
  void add_flag(std::string_view key, bool value);

  std::size_t size() const { return entries_.size(); }
  std::size_t text_bytes() const { return text_.size(); }  // of all names and values
  bool empty() const { return entries_.empty(); }
  // REQUIRES: index < size(). Valid until the next add.
  std::string_view key(std::size_t index) const;
  std::string_view value(std::size_t index) const;

  std::optional<std::string_view> find(std::string_view key) const;
  std::optional<std::int64_t> find_number(
      std::string_view key) const;  // nothing when absent or not a number
  std::optional<bool> find_flag(std::string_view key) const;

 private:
  struct Entry {
    std::uint32_t begin = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
  };
  std::string text_;
  std::vector<Entry> entries_;
};

struct FrameHeader {
  std::int32_t code = 0;  // request code, or response code of an answer
  Language language = Language::kCpp;
  std::int32_t version = kClientVersion;
  std::int32_t opaque = 0;
  std::int32_t flag = 0;
  std::string remark;
  ExtFields ext;

  bool is_response() const { return (flag & kResponseFlag) != 0; }
  bool is_oneway() const { return (flag & kOnewayFlag) != 0; }
};

// A frame to send. The connection fills in `header.opaque`.
struct Command {
  FrameHeader header;
  std::string body;
};

// Answer to a request of the broker: same opaque, response flag set.
Command make_answer(const FrameHeader& request, std::int32_t code, std::string remark = {});

inline constexpr std::size_t kFrameBytesMax =
    16UL * 1024 * 1024;  // of a frame, its length field included

// Length field and header, to be followed by `body_size` bytes of body (scatter write).
// Fails: frame above kFrameBytesMax; a code above 32767 in a binary header; header above 16 MiB.
Result<std::string> encode_frame_head(const FrameHeader& header, std::size_t body_size,
                                      HeaderType type = HeaderType::kJson);
// The whole frame.
Result<std::string> encode_frame(const Command& command, HeaderType type = HeaderType::kJson);

// Failure: kCorrupt.
Result<FrameHeader> decode_header(std::span<const std::uint8_t> bytes, HeaderType type);

// Bytes read from a connection. The cutter writes behind the frames it gave out, never into them.
class ReceiveBuffer {
 public:
  // Readable bytes behind the last frame. Their content is unspecified and may be being written: a
  // parser that reads ahead within this distance of a frame's end works on a copy.
  static constexpr std::size_t kPadding = 64;

  explicit ReceiveBuffer(std::size_t capacity);

  std::size_t capacity() const { return capacity_; }
  std::uint8_t* data() { return bytes_.get(); }
  const std::uint8_t* data() const { return bytes_.get(); }

 private:
  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> bytes_;
};

// Keeps released buffers of one size for reuse.
//
// Thread: any.
// Bounds: at most `free_max` buffers are kept.
class ReceivePool : public std::enable_shared_from_this<ReceivePool> {
 public:
  static std::shared_ptr<ReceivePool> create(std::size_t buffer_bytes = 256 * 1024,
                                             std::size_t free_max = 16);

  std::size_t buffer_bytes() const { return buffer_bytes_; }
  // A buffer of buffer_bytes(), or of `at_least` when that is more (not kept).
  std::shared_ptr<ReceiveBuffer> take(std::size_t at_least);

 private:
  ReceivePool(std::size_t buffer_bytes, std::size_t free_max)
      : buffer_bytes_(buffer_bytes), free_max_(free_max) {}
  void give_back(std::unique_ptr<ReceiveBuffer> buffer);

  std::size_t buffer_bytes_;
  std::size_t free_max_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ReceiveBuffer>> free_;
};

// One received frame: views into a buffer that it keeps alive. Copying it copies no bytes.
struct Frame {
  std::shared_ptr<const ReceiveBuffer> buffer;
  HeaderType type = HeaderType::kJson;
  std::span<const std::uint8_t> header;
  std::span<const std::uint8_t> body;
};

// A received frame with its header decoded: what a call is answered with.
struct Answer {
  FrameHeader header;
  Frame frame;
  std::span<const std::uint8_t> body() const { return frame.body; }
};

// Cuts a byte stream into frames.
//
// Use:     read into prepare(), tell commit() how much came, call next() until it gives nothing.
// Thread:  one.
// Bounds:  a frame above `frame_bytes_max` is refused, so at most that plus one pool buffer is held
// here.
// Failure: sticky kCorrupt from next(): close the connection.
class FrameCutter {
 public:
  explicit FrameCutter(std::shared_ptr<ReceivePool> pool,
                       std::size_t frame_bytes_max = kFrameBytesMax);

  // Free space, never empty.
  std::span<std::uint8_t> prepare();
  // REQUIRES: count <= size of the last prepare()
  void commit(std::size_t count);
  Result<std::optional<Frame>> next();

 private:
  // Length of the frame that begins at read_, length field included; nothing while that is not
  // known.
  std::optional<std::size_t> pending_size() const;

  std::shared_ptr<ReceivePool> pool_;
  std::size_t frame_bytes_max_;
  std::shared_ptr<ReceiveBuffer> buffer_;
  std::size_t read_ = 0;
  std::size_t write_ = 0;
  Status failed_;
};

}  // namespace slipstream::rocketmq
