#include <algorithm>
#include <memory>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "rocketmq/message/record.h"

namespace slipstream::rocketmq {

namespace {

constexpr std::int32_t kLz4Bits = 0x100;
constexpr std::int32_t kZstdBits = 0x200;
constexpr std::int32_t kZlibBits = 0x300;
constexpr int kZlibLevel = 5;  // the Java producer's
constexpr std::size_t kOutputStep = 16 * 1024;

Error damaged(std::string_view codec, std::string_view why) {
  return Error{ErrorCode::kCorrupt,
               "compressed body (" + std::string(codec) + ") cannot be read: " + std::string(why)};
}

Error too_big(std::size_t bytes_max) {
  return Error{ErrorCode::kResourceExhausted,
               "body is above " + std::to_string(bytes_max) + " bytes after decompression"};
}

// Grows `out` for the next piece: doubles, one byte above the bound at most, so that exceeding it
// is seen.
void grow(std::string& out, std::size_t used, std::size_t bytes_max) {
  const std::size_t wanted = std::max(kOutputStep, used * 2);
  out.resize(std::min(std::max(wanted, used + 1), bytes_max + 1));
}

Status inflate_body(std::span<const std::uint8_t> body, std::string& out, std::size_t bytes_max) {
  // Some gRPC producers store gzip without a type bit: 15 + 32 makes zlib look at the first bytes
  // itself.
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK)
    return Error{ErrorCode::kInternal, "zlib cannot be started"};
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ender(&stream, inflateEnd);
  stream.next_in = const_cast<Bytef*>(body.data());
  stream.avail_in = static_cast<uInt>(body.size());
  std::size_t used = 0;
  for (;;) {
    if (used == out.size()) grow(out, used, bytes_max);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(out.size() - used);
    const int result = inflate(&stream, Z_NO_FLUSH);
    used = out.size() - stream.avail_out;
    if (used > bytes_max) return too_big(bytes_max);
    if (result == Z_STREAM_END) break;
    if (result != Z_OK) return damaged("zlib", stream.msg != nullptr ? stream.msg : "cut short");
    if (stream.avail_in == 0 && stream.avail_out != 0) return damaged("zlib", "cut short");
  }
  out.resize(used);
  return {};
}

Status lz4_body(std::span<const std::uint8_t> body, std::string& out, std::size_t bytes_max) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0) {
    return Error{ErrorCode::kInternal, "LZ4 cannot be started"};
  }
  const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context(
      raw, LZ4F_freeDecompressionContext);
  std::size_t used = 0;
  std::size_t read = 0;
  std::size_t hint = 1;
  while (hint != 0) {
    if (used == out.size()) grow(out, used, bytes_max);
    std::size_t written = out.size() - used;
    std::size_t consumed = body.size() - read;
    hint = LZ4F_decompress(context.get(), out.data() + used, &written, body.data() + read,
                           &consumed, nullptr);
    if (LZ4F_isError(hint) != 0) return damaged("LZ4", LZ4F_getErrorName(hint));
    used += written;
    read += consumed;
    if (used > bytes_max) return too_big(bytes_max);
    if (hint != 0 && written == 0 && read == body.size()) return damaged("LZ4", "cut short");
  }
  out.resize(used);
  return {};
}

Status zstd_body(std::span<const std::uint8_t> body, std::string& out, std::size_t bytes_max) {
  const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                             ZSTD_freeDStream);
  if (!stream) return Error{ErrorCode::kInternal, "zstd cannot be started"};
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, 27);
  ZSTD_inBuffer input{body.data(), body.size(), 0};
  std::size_t used = 0;
  std::size_t hint = 1;
  while (hint != 0) {
    if (used == out.size()) grow(out, used, bytes_max);
    ZSTD_outBuffer output{out.data() + used, out.size() - used, 0};
    hint = ZSTD_decompressStream(stream.get(), &output, &input);
    if (ZSTD_isError(hint) != 0) return damaged("zstd", ZSTD_getErrorName(hint));
    used += output.pos;
    if (used > bytes_max) return too_big(bytes_max);
    if (hint != 0 && input.pos == input.size && output.pos < output.size)
      return damaged("zstd", "cut short");
  }
  out.resize(used);
  return {};
}

}  // namespace

std::int32_t compression_flags(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return 0;
    case Compression::kZlib:
      return sys_flag::kCompressed | kZlibBits;
    case Compression::kLz4:
      return sys_flag::kCompressed | kLz4Bits;
    case Compression::kZstd:
      return sys_flag::kCompressed | kZstdBits;
  }
  return 0;
}

Status decompress_body(const RecordView& record, std::string& out, std::size_t bytes_max) {
  out.clear();
  if (!record.compressed()) {
    out.assign(as_text(record.body));
    return {};
  }
  switch (record.sys_flags & sys_flag::kCompressionMask) {
    case 0:
    case kZlibBits:
      return inflate_body(record.body, out, bytes_max);
    case kLz4Bits:
      return lz4_body(record.body, out, bytes_max);
    case kZstdBits:
      return zstd_body(record.body, out, bytes_max);
    default:
      return Error{ErrorCode::kUnsupported,
                   "body is compressed with unknown type " +
                       std::to_string(record.sys_flags & sys_flag::kCompressionMask)};
  }
}

Status compress_body(Compression compression, std::string_view body, std::string& out) {
  out.clear();
  switch (compression) {
    case Compression::kNone:
      out.assign(body);
      return {};
    case Compression::kZlib: {
      uLongf size = compressBound(static_cast<uLong>(body.size()));
      out.resize(size);
      const int result = compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                                   reinterpret_cast<const Bytef*>(body.data()),
                                   static_cast<uLong>(body.size()), kZlibLevel);
      if (result != Z_OK) return Error{ErrorCode::kInternal, "zlib cannot compress a body"};
      out.resize(size);
      return {};
    }
    case Compression::kLz4: {
      out.resize(LZ4F_compressFrameBound(body.size(), nullptr));
      const std::size_t size =
          LZ4F_compressFrame(out.data(), out.size(), body.data(), body.size(), nullptr);
      if (LZ4F_isError(size) != 0) return Error{ErrorCode::kInternal, "LZ4 cannot compress a body"};
      out.resize(size);
      return {};
    }
    case Compression::kZstd: {
      out.resize(ZSTD_compressBound(body.size()));
      const std::size_t size = ZSTD_compress(out.data(), out.size(), body.data(), body.size(), 3);
      if (ZSTD_isError(size) != 0)
        return Error{ErrorCode::kInternal, "zstd cannot compress a body"};
      out.resize(size);
      return {};
    }
  }
  return Error{ErrorCode::kInternal, "unknown compression"};
}

}  // namespace slipstream::rocketmq
