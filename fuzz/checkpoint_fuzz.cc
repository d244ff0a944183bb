// Manifests, state files and pieces of keyed state: damaged bytes give an error, never a crash.
// Checksum, magic and version are made right, so that the content is reached.
#include <string>

#include "base/bytes.h"
#include "base/try.h"
#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/section_writer.h"
#include "flow/checkpoint/storage.h"
#include "state/key_table.h"
#include "state/multi_map.h"
#include "state/snapshot_entries.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void read_manifest(std::uint32_t version, std::string_view content) {
  std::string bytes = "SLIPCHK\n";
  ByteWriter(bytes).u32(version);
  bytes += content;
  ByteWriter(bytes).u64(flow::checksum_of(bytes));
  const Result<flow::Manifest> manifest = flow::decode_manifest(bytes);
  if (!manifest.ok()) return;
  const std::string again = flow::encode_manifest(*manifest);
  CHECK(flow::decode_manifest(again).ok());
}

void read_piece(std::string_view piece) {
  auto reader = state::EntryReader::open(std::as_bytes(std::span(piece.data(), piece.size())));
  if (!reader.ok()) return;
  state::SeenSlots seen;
  reader->pass_over(&seen);
  const auto pool = state::PagePool::make({});
  state::KeyTable table(pool, {reader->layout() % 64 / 16 * 16 + 16, {0}, 0});
  static_cast<void>(table.restore(*reader));
  state::MultiMap map(pool, {});
  static_cast<void>(map.restore(*reader));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  for (const std::uint32_t version : {1U, 2U}) read_manifest(version, content);
  read_piece(content);
  static_cast<void>(flow::visit_pieces(content, [](std::string_view piece) {
    read_piece(piece);
    return Status();
  }));
  return 0;
}
