// Reading and writing big-endian bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream {

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads big-endian values from borrowed bytes.
//
// Failure: sticky. After a read past the end, that and all later reads give 0 or empty and ok() is
// false: read
//          the whole structure, check once.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(read_be(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(read_be(2)); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(read_be(3)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(read_be(4)); }
  std::uint64_t u64() { return read_be(8); }
  std::int8_t i8() { return static_cast<std::int8_t>(u8()); }
  std::int16_t i16() { return static_cast<std::int16_t>(u16()); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }

  std::span<const std::uint8_t> bytes(std::size_t count) {
    if (!take(count)) return {};
    return bytes_.subspan(position_ - count, count);
  }
  std::string_view text(std::size_t count) { return as_text(bytes(count)); }
  void skip(std::size_t count) { take(count); }
  // For structures whose own content is wrong: makes the reader fail as a short read does.
  void fail() {
    ok_ = false;
    position_ = bytes_.size();
  }

 private:
  bool take(std::size_t count) {
    if (count > remaining()) {
      fail();
      return false;
    }
    if (!ok_) return false;
    position_ += count;
    return true;
  }
  std::uint64_t read_be(std::size_t width) {
    if (!take(width)) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = position_ - width; i < position_; ++i) value = (value << 8U) | bytes_[i];
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// Appends big-endian values to a container that it borrows (std::string or
// std::vector<std::uint8_t>).
template <typename Container>
class BasicByteWriter {
 public:
  explicit BasicByteWriter(Container& out) : out_(&out) {}

  std::size_t size() const { return out_->size(); }

  void u8(std::uint8_t value) { append_be(value, 1); }
  void u16(std::uint16_t value) { append_be(value, 2); }
  void u24(std::uint32_t value) { append_be(value, 3); }
  void u32(std::uint32_t value) { append_be(value, 4); }
  void u64(std::uint64_t value) { append_be(value, 8); }
  void i16(std::int16_t value) { u16(static_cast<std::uint16_t>(value)); }
  void i32(std::int32_t value) { u32(static_cast<std::uint32_t>(value)); }
  void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
  void bytes(std::span<const std::uint8_t> value) {
    out_->insert(out_->end(), value.begin(), value.end());
  }
  void text(std::string_view value) { out_->insert(out_->end(), value.begin(), value.end()); }

  // Overwrites four bytes written before. REQUIRES: position + 4 <= size()
  void patch_u32(std::size_t position, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) {
      (*out_)[position + i] =
          static_cast<typename Container::value_type>((value >> (24U - 8U * i)) & 0xFFU);
    }
  }

 private:
  void append_be(std::uint64_t value, std::size_t width) {
    for (std::size_t shift = width * 8; shift != 0; shift -= 8) {
      out_->push_back(static_cast<typename Container::value_type>((value >> (shift - 8)) & 0xFFU));
    }
  }

  Container* out_;
};

using ByteWriter = BasicByteWriter<std::string>;
using VectorByteWriter = BasicByteWriter<std::vector<std::uint8_t>>;

// Upper-case hexadecimal, two digits per byte.
void append_hex(std::span<const std::uint8_t> bytes, std::string& out);
std::string to_hex(std::span<const std::uint8_t> bytes);
// Both cases; false (and `out` unspecified) for an odd length or another character.
bool from_hex(std::string_view text, std::string& out);

}  // namespace slipstream
