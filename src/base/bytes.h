// Reading and writing big-endian bytes.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace slipstream {

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Between the machine's byte order and big-endian; its own inverse.
template <std::unsigned_integral T>
constexpr T swap_to_big_endian(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
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

  std::uint8_t u8() { return read_be<std::uint8_t>(); }
  std::uint16_t u16() { return read_be<std::uint16_t>(); }
  std::uint32_t u24() {
    if (remaining() < 3) fail();
    const std::uint32_t high = u8();
    return high << 16U | u16();
  }
  std::uint32_t u32() { return read_be<std::uint32_t>(); }
  std::uint64_t u64() { return read_be<std::uint64_t>(); }
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
  template <std::unsigned_integral T>
  T read_be() {
    if (!take(sizeof(T))) return 0;
    T value;
    std::memcpy(&value, bytes_.data() + position_ - sizeof(T), sizeof(T));
    return swap_to_big_endian(value);
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

  void u8(std::uint8_t value) { append_be(value); }
  void u16(std::uint16_t value) { append_be(value); }
  void u24(std::uint32_t value) {
    u8(static_cast<std::uint8_t>(value >> 16U));
    u16(static_cast<std::uint16_t>(value));
  }
  void u32(std::uint32_t value) { append_be(value); }
  void u64(std::uint64_t value) { append_be(value); }
  void i16(std::int16_t value) { u16(static_cast<std::uint16_t>(value)); }
  void i32(std::int32_t value) { u32(static_cast<std::uint32_t>(value)); }
  void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
  void bytes(std::span<const std::uint8_t> value) { put(value.data(), value.size()); }
  void text(std::string_view value) { put(value.data(), value.size()); }

  // Overwrites four bytes written before. REQUIRES: position + 4 <= size()
  void patch_u32(std::size_t position, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) {
      (*out_)[position + i] =
          static_cast<typename Container::value_type>((value >> (24U - 8U * i)) & 0xFFU);
    }
  }

 private:
  template <std::unsigned_integral T>
  void append_be(T value) {
    value = swap_to_big_endian(value);
    put(&value, sizeof(T));
  }
  void put(const void* data, std::size_t size) {
    const auto* begin = static_cast<const typename Container::value_type*>(data);
    if constexpr (std::is_same_v<Container, std::string>) {
      out_->append(begin, size);
    } else {
      out_->insert(out_->end(), begin, begin + size);
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
