#include "flow/checkpoint/section_writer.h"

#include <utility>

#include <xxhash.h>

#include "base/bytes.h"
#include "base/try.h"

namespace slipstream::flow {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;

struct StateDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

struct SectionWriter::Running {
  Section section;
  std::unique_ptr<XXH3_state_t, StateDeleter> checksum{XXH3_createState()};
  bool open = false;
};

SectionWriter::SectionWriter(BlobWriter& out, std::uint32_t subtask)
    : out_(out), subtask_(subtask), position_(out.size()), running_(std::make_unique<Running>()) {}

SectionWriter::~SectionWriter() = default;

Status SectionWriter::flush() {
  TRY(out_.append(buffer_));
  buffer_.clear();
  return {};
}

Status SectionWriter::close_section() {
  if (!running_->open) return {};
  running_->open = false;
  Section& section = running_->section;
  section.size = position_ - section.offset;
  section.checksum = XXH3_64bits_digest(running_->checksum.get());
  sections_.push_back(std::move(section));
  section = Section{};
  return {};
}

Status SectionWriter::write(std::string_view name, std::uint32_t key_group,
                            std::span<const std::byte> bytes) {
  Section& section = running_->section;
  if (!running_->open || section.name != name || section.key_group != key_group) {
    TRY(close_section());
    running_->open = true;
    section.subtask = subtask_;
    section.name = std::string(name);
    section.key_group = key_group;
    section.offset = position_;
    XXH3_64bits_reset(running_->checksum.get());
  }
  std::string length;
  ByteWriter(length).u64(bytes.size());
  XXH3_64bits_update(running_->checksum.get(), length.data(), length.size());
  XXH3_64bits_update(running_->checksum.get(), bytes.data(), bytes.size());
  position_ += length.size() + bytes.size();
  buffer_ += length;
  if (bytes.size() < kBufferBytes) {
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } else {
    TRY(flush());
    TRY(out_.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  return buffer_.size() >= kBufferBytes ? flush() : Status();
}

Result<std::vector<Section>> SectionWriter::finish() {
  TRY(close_section());
  TRY(flush());
  return std::move(sections_);
}

Result<std::string> read_section(CheckpointStorage& storage, const Manifest& manifest,
                                 const Section& section) {
  const StateFile& file = manifest.files[section.file];
  TRY_ASSIGN(std::string bytes, storage.read_range(file.name, section.offset, section.size));
  if (checksum_of(bytes) != section.checksum) {
    return Error{ErrorCode::kCorrupt, "'" + storage.path(file.name) + "' is damaged at " +
                                          std::to_string(section.offset) +
                                          "; restore an older checkpoint"};
  }
  return bytes;
}

Status visit_pieces(std::string_view section,
                    const std::function<Status(std::string_view)>& visit) {
  ByteReader reader(as_bytes(section));
  while (reader.remaining() != 0) {
    const std::uint64_t size = reader.u64();
    const std::string_view piece = reader.text(size);
    if (!reader.ok()) return Error{ErrorCode::kCorrupt, "a piece of state is cut short"};
    TRY(visit(piece));
  }
  return {};
}

}  // namespace slipstream::flow
