#include "flow/checkpoint/manifest.h"

#include <charconv>

#include "base/bytes.h"
#include "base/try.h"
#include "flow/checkpoint/storage.h"

namespace slipstream::flow {
namespace {

// Layout: docs/formats/checkpoint.md, "Manifest".
constexpr std::string_view kMagic = "SLIPCHK\n";
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kTrailerBytes = 8;

class Encoder {
 public:
  explicit Encoder(std::string& out) : writer_(out) {}
  void u8(std::uint8_t value) { writer_.u8(value); }
  void u32(std::uint32_t value) { writer_.u32(value); }
  void u64(std::uint64_t value) { writer_.u64(value); }
  void text(std::string_view value) {
    writer_.u32(static_cast<std::uint32_t>(value.size()));
    writer_.text(value);
  }
  template <typename Items, typename Each>
  void list(const Items& items, Each each) {
    u32(static_cast<std::uint32_t>(items.size()));
    for (const auto& item : items) each(item);
  }

 private:
  ByteWriter writer_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : reader_(as_bytes(bytes)) {}
  bool ok() const { return reader_.ok(); }
  bool at_end() const { return reader_.remaining() == 0; }
  std::uint8_t u8() { return reader_.u8(); }
  std::uint32_t u32() { return reader_.u32(); }
  std::uint64_t u64() { return reader_.u64(); }
  std::string text() {
    const std::uint32_t size = reader_.u32();
    return std::string(reader_.text(size));
  }
  template <typename Item, typename Each>
  void list(std::vector<Item>& items, Each each) {
    const std::uint32_t count = reader_.u32();
    for (std::uint32_t i = 0; i < count && reader_.ok(); ++i) each(items.emplace_back());
  }

 private:
  ByteReader reader_;
};

void put(Encoder& out, const Section& section) {
  out.u32(section.subtask);
  out.text(section.name);
  out.u32(section.key_group);
  out.u32(section.file);
  out.u64(section.offset);
  out.u64(section.size);
  out.u64(section.checksum);
}

void get(Decoder& in, Section& section) {
  section.subtask = in.u32();
  section.name = in.text();
  section.key_group = in.u32();
  section.file = in.u32();
  section.offset = in.u64();
  section.size = in.u64();
  section.checksum = in.u64();
}

void put(Encoder& out, const StateField& field) {
  out.text(field.role);
  out.text(field.name);
  out.text(field.type);
}

void get(Decoder& in, StateField& field) {
  field.role = in.text();
  field.name = in.text();
  field.type = in.text();
}

void put(Encoder& out, const StateOwner& owner) {
  out.text(owner.uid);
  out.text(owner.content);
  out.list(owner.uses, [&](const std::string& use) { out.text(use); });
}

void get(Decoder& in, StateOwner& owner) {
  owner.uid = in.text();
  owner.content = in.text();
  in.list(owner.uses, [&](std::string& use) { use = in.text(); });
}

void put(Encoder& out, const SourceState& source) {
  out.text(source.uid);
  out.text(source.enumerator);
  out.u8(source.complete ? 1 : 0);
  out.u32(source.next_index);
  out.list(source.splits, [&](const SplitState& split) {
    out.u32(split.index);
    out.text(split.split.id);
    out.text(split.split.state);
  });
}

void get(Decoder& in, SourceState& source) {
  source.uid = in.text();
  source.enumerator = in.text();
  source.complete = in.u8() != 0;
  source.next_index = in.u32();
  in.list(source.splits, [&](SplitState& split) {
    split.index = in.u32();
    split.split.id = in.text();
    split.split.state = in.text();
  });
}

void put(Encoder& out, const Epoch& epoch) {
  out.text(epoch.sink);
  out.u64(epoch.checkpoint);
  out.u32(epoch.subtask);
  out.text(epoch.handle);
  out.text(epoch.file);
  out.u64(epoch.file_size);
  out.u64(epoch.file_checksum);
}

void get(Decoder& in, Epoch& epoch) {
  epoch.sink = in.text();
  epoch.checkpoint = in.u64();
  epoch.subtask = in.u32();
  epoch.handle = in.text();
  epoch.file = in.text();
  epoch.file_size = in.u64();
  epoch.file_checksum = in.u64();
}

Error corrupt(const std::string& why) {
  return Error{ErrorCode::kCorrupt, "checkpoint manifest: " + why};
}

Status check(const Manifest& manifest) {
  if (manifest.max_parallelism == 0) return corrupt("no key groups");
  for (const OperatorState& state : manifest.operators) {
    for (const Section& section : state.sections) {
      if (section.file >= manifest.files.size())
        return corrupt("operator '" + state.uid + "' refers to a file that is not listed");
      const std::uint64_t size = manifest.files[section.file].size;
      if (section.offset > size || section.size > size - section.offset) {
        return corrupt("operator '" + state.uid + "' refers behind the end of a file");
      }
    }
  }
  return {};
}

}  // namespace

std::string encode_manifest(const Manifest& manifest) {
  std::string bytes(kMagic);
  Encoder out(bytes);
  out.u32(kVersion);
  out.u64(manifest.id);
  out.u8(static_cast<std::uint8_t>(manifest.kind));
  out.u8(manifest.finished ? 1 : 0);
  out.text(manifest.job);
  out.u64(static_cast<std::uint64_t>(manifest.created_ms));
  out.u32(manifest.max_parallelism);
  out.list(manifest.files, [&](const StateFile& file) {
    out.text(file.name);
    out.u64(file.size);
    out.u64(file.checksum);
  });
  out.list(manifest.operators, [&](const OperatorState& state) {
    out.text(state.uid);
    out.text(state.name);
    out.u32(state.parallelism);
    out.list(state.schema, [&](const StateField& field) { put(out, field); });
    out.list(state.sections, [&](const Section& section) { put(out, section); });
  });
  out.list(manifest.sources, [&](const SourceState& source) { put(out, source); });
  out.list(manifest.exactly_once_sinks, [&](const std::string& uid) { out.text(uid); });
  out.list(manifest.epochs, [&](const Epoch& epoch) { put(out, epoch); });
  out.list(manifest.owners, [&](const StateOwner& owner) { put(out, owner); });
  out.u64(checksum_of(bytes));
  return bytes;
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + 4 + kTrailerBytes || !bytes.starts_with(kMagic))
    return corrupt("not a manifest");
  Decoder trailer(bytes.substr(bytes.size() - kTrailerBytes));
  const std::string_view content = bytes.substr(0, bytes.size() - kTrailerBytes);
  Decoder in(content.substr(kMagic.size()));
  const std::uint32_t version = in.u32();
  if (version == 0 || version > kVersion) {
    return Error{ErrorCode::kUnsupported,
                 "checkpoint manifest: format version " + std::to_string(version) +
                     "; this program reads versions 1 to " + std::to_string(kVersion)};
  }
  if (trailer.u64() != checksum_of(content)) return corrupt("wrong checksum");
  Manifest manifest;
  manifest.id = in.u64();
  manifest.kind = static_cast<CheckpointKind>(in.u8());
  manifest.finished = in.u8() != 0;
  manifest.job = in.text();
  manifest.created_ms = static_cast<std::int64_t>(in.u64());
  manifest.max_parallelism = in.u32();
  in.list(manifest.files, [&](StateFile& file) {
    file.name = in.text();
    file.size = in.u64();
    file.checksum = in.u64();
  });
  in.list(manifest.operators, [&](OperatorState& state) {
    state.uid = in.text();
    state.name = in.text();
    state.parallelism = in.u32();
    if (version >= 2) in.list(state.schema, [&](StateField& field) { get(in, field); });
    in.list(state.sections, [&](Section& section) { get(in, section); });
  });
  in.list(manifest.sources, [&](SourceState& source) { get(in, source); });
  in.list(manifest.exactly_once_sinks, [&](std::string& uid) { uid = in.text(); });
  in.list(manifest.epochs, [&](Epoch& epoch) { get(in, epoch); });
  if (version >= 2) in.list(manifest.owners, [&](StateOwner& owner) { get(in, owner); });
  if (!in.ok() || !in.at_end()) return corrupt("lengths do not fit");
  TRY(check(manifest));
  return manifest;
}

std::uint64_t state_bytes(const Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const OperatorState& state : manifest.operators) {
    for (const Section& section : state.sections) bytes += section.size;
  }
  return bytes;
}

std::uint64_t written_bytes(const Manifest& manifest) {
  const std::string own = checkpoint_folder(manifest.id) + "/";
  std::uint64_t bytes = 0;
  for (const StateFile& file : manifest.files) bytes += file.name.starts_with(own) ? file.size : 0;
  return bytes;
}

std::string checkpoint_folder(CheckpointId id) { return "chk-" + std::to_string(id); }

CheckpointId checkpoint_of_folder(std::string_view name) {
  constexpr std::string_view kPrefix = "chk-";
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  CheckpointId id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size() ? id : 0;
}

}  // namespace slipstream::flow
