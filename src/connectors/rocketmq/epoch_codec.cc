#include "connectors/rocketmq/epoch_codec.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/try.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::uint8_t kVersion = 1;

void write_text(ByteWriter& writer, std::string_view text) {
  writer.u16(static_cast<std::uint16_t>(text.size()));
  writer.text(text);
}

EpochBatchHead parse_head(std::string_view bytes) {
  ByteReader reader(as_bytes(bytes));
  EpochBatchHead head;
  head.queue = reader.u32();
  head.count = reader.u32();
  head.body_bytes = reader.u32();
  return head;
}

}  // namespace

std::string encode_epoch_handle(const EpochHandle& handle) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.u8(kVersion);
  writer.u64(handle.series.token);
  writer.u32(handle.series.sink);
  writer.u64(handle.series.epoch);
  writer.u16(handle.series.subtask);
  writer.u64(handle.messages);
  writer.u32(handle.batches);
  writer.i64(handle.sealed_ms);
  writer.u8(handle.ordered ? 1 : 0);
  writer.u32(static_cast<std::uint32_t>(handle.queues.size()));
  for (const EpochQueue& each : handle.queues) {
    write_text(writer, each.queue.topic);
    write_text(writer, each.queue.broker);
    writer.i32(each.queue.id);
    writer.i64(each.lower);
  }
  return bytes;
}

Result<EpochHandle> decode_epoch_handle(std::string_view bytes) {
  ByteReader reader(as_bytes(bytes));
  const std::uint8_t version = reader.u8();
  if (version != kVersion) {
    return Error{ErrorCode::kCorrupt,
                 "an epoch of format " + std::to_string(version) + "; this version reads format 1"};
  }
  EpochHandle handle;
  handle.series.token = reader.u64();
  handle.series.sink = reader.u32();
  handle.series.epoch = reader.u64();
  handle.series.subtask = reader.u16();
  handle.messages = reader.u64();
  handle.batches = reader.u32();
  handle.sealed_ms = reader.i64();
  handle.ordered = reader.u8() != 0;
  const std::uint32_t queues = reader.u32();
  for (std::uint32_t i = 0; i < queues && reader.ok(); ++i) {
    EpochQueue each;
    each.queue.topic = reader.text(reader.u16());
    each.queue.broker = reader.text(reader.u16());
    each.queue.id = reader.i32();
    each.lower = reader.i64();
    handle.queues.push_back(std::move(each));
  }
  if (!reader.ok() || reader.remaining() != 0)
    return Error{ErrorCode::kCorrupt, "the handle of a sealed epoch is damaged"};
  return handle;
}

Status append_epoch_batch(const EpochBatchHead& head, std::string_view body, EpochFile& file) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.u32(head.queue);
  writer.u32(head.count);
  writer.u32(head.body_bytes);
  TRY(file.append(std::as_bytes(std::span(bytes.data(), bytes.size()))));
  return file.append(std::as_bytes(std::span(body.data(), body.size())));
}

Result<std::unique_ptr<EpochFileReader>> EpochFileReader::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Error{ErrorCode::kNotFound, "epoch file '" + path + "': " + std::strerror(errno)};
  return std::unique_ptr<EpochFileReader>(new EpochFileReader(path, file));
}

EpochFileReader::~EpochFileReader() {
  // Hardly read again, but kept on disk as long as its checkpoint: its memory serves the next
  // epoch.
  static_cast<void>(::posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED));
  ::close(file_);
}

Status EpochFileReader::read(std::uint64_t at, char* out, std::size_t size) const {
  while (size > 0) {
    const ssize_t count = ::pread(file_, out, size, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return Error::retry(ErrorCode::kUnavailable,
                          "epoch file '" + path_ + "': " + std::strerror(errno));
    if (count == 0)
      return Error{ErrorCode::kCorrupt, "epoch file '" + path_ + "' ends in the middle of a batch"};
    out += count;
    at += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
  return {};
}

Result<std::vector<EpochFileReader::Entry>> EpochFileReader::batches() const {
  struct stat found {};
  if (::fstat(file_, &found) != 0)
    return Error{ErrorCode::kUnavailable, "epoch file '" + path_ + "': " + std::strerror(errno)};
  const auto size = static_cast<std::uint64_t>(found.st_size);
  std::vector<Entry> entries;
  std::string head(kEpochBatchHead, '\0');
  for (std::uint64_t at = 0; at < size;) {
    TRY(read(at, head.data(), head.size()));
    Entry entry{parse_head(head), at + kEpochBatchHead};
    at = entry.body_at + entry.head.body_bytes;
    if (at > size || entry.head.count == 0)
      return Error{ErrorCode::kCorrupt, "epoch file '" + path_ + "' is damaged"};
    entries.push_back(entry);
  }
  return entries;
}

Status EpochFileReader::read_body(const Entry& entry, std::string& out) const {
  out.resize(entry.head.body_bytes);
  return read(entry.body_at, out.data(), out.size());
}

}  // namespace slipstream::rocketmq_connector
