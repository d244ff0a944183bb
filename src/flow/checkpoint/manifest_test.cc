#include "flow/checkpoint/manifest.h"

#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "flow/checkpoint/checkpoint_writer.h"
#include "flow/checkpoint/restored_state.h"
#include "flow/checkpoint/section_writer.h"
#include "flow/checkpoint/storage.h"
#include "flow/checkpoint/store.h"

namespace slipstream::flow {
namespace {

Manifest sample() {
  Manifest manifest;
  manifest.id = 42;
  manifest.kind = CheckpointKind::kSavepoint;
  manifest.job = "orders";
  manifest.created_ms = 1'700'000'000'123;
  manifest.max_parallelism = 64;
  manifest.files = {StateFile{"chk-42/state", 100, 7}, StateFile{"chk-41/state", 50, 8}};
  manifest.operators = {
      OperatorState{"sum",
                    "Sum",
                    3,
                    {Section{2, "table", 5, 1, 10, 40, 9}},
                    {{"key", "k", "STRING"}, {"aggregate", "SUM(v)", "SUM(INT)"}}}};
  manifest.sources = {
      SourceState{"orders", "known", true, 4, {SplitState{3, Split{"t/b/3", "17"}}}}};
  manifest.exactly_once_sinks = {"out"};
  manifest.epochs = {Epoch{"out", 41, 1, "handle", "epochs/a", 5, 6}};
  manifest.owners = {StateOwner{"sum", "content", {"sink", "root"}}};
  return manifest;
}

TEST(Manifest, ComesBackAsItWas) {
  const auto decoded = decode_manifest(encode_manifest(sample()));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(encode_manifest(*decoded), encode_manifest(sample()));
  EXPECT_EQ(decoded->id, 42U);
  EXPECT_EQ(decoded->sources.at(0).splits.at(0).split.state, "17");
  EXPECT_EQ(decoded->operators.at(0).sections.at(0).file, 1U);
  EXPECT_EQ(decoded->epochs.at(0).file, "epochs/a");
  EXPECT_EQ(decoded->operators.at(0).schema, sample().operators.at(0).schema);
  EXPECT_EQ(decoded->owners.at(0).uses, (std::vector<std::string>{"sink", "root"}));
}

// Version 1 says nothing of types and of whose the state is.
TEST(Manifest, VersionOneIsRead) {
  std::ifstream file(SLIPSTREAM_GOLDEN_DIR "/checkpoint-1/chk-8/manifest", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto decoded = decode_manifest(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(decoded->id, 8U);
  EXPECT_GT(decoded->operators.size(), 3U);
  for (const OperatorState& state : decoded->operators) EXPECT_TRUE(state.schema.empty());
  EXPECT_TRUE(decoded->owners.empty());
  const auto again = decode_manifest(encode_manifest(*decoded));
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_EQ(again->sources.size(), decoded->sources.size());
}

TEST(Manifest, EveryDamagedByteIsNoticed) {
  const std::string good = encode_manifest(sample());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    EXPECT_FALSE(decode_manifest(bad).ok()) << "byte " << at;
    EXPECT_FALSE(decode_manifest(good.substr(0, at)).ok()) << "cut at " << at;
  }
}

TEST(Manifest, ANewerVersionIsNamed) {
  std::string bytes = encode_manifest(sample());
  bytes[11] = 9;
  const auto decoded = decode_manifest(bytes);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupported);
}

TEST(Manifest, FolderNames) {
  EXPECT_EQ(checkpoint_folder(12), "chk-12");
  EXPECT_EQ(checkpoint_of_folder("chk-12"), 12U);
  for (const char* name : {"chk-", "chk-1x", "sav-1", "chk--1", ""})
    EXPECT_EQ(checkpoint_of_folder(name), 0U) << name;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(SectionWriter, EveryInstanceReadsItsShare) {
  const std::shared_ptr<CheckpointStorage> storage = make_memory_storage();
  auto blob = storage->create("chk-1/state");
  ASSERT_TRUE(blob.ok());
  SectionWriter writer(**blob, 1);
  const std::string large(std::size_t{600} << 10, 'x');
  ASSERT_TRUE(writer.write("table", 3, bytes_of("a")).ok());
  ASSERT_TRUE(writer.write("table", 3, bytes_of("b")).ok());
  ASSERT_TRUE(writer.write("table", 70, bytes_of(large)).ok());
  ASSERT_TRUE(writer.write("clock", kOperatorState, bytes_of("17")).ok());
  auto sections = writer.finish();
  ASSERT_TRUE(sections.ok());
  EXPECT_EQ(sections->size(), 3U);
  Manifest manifest;
  manifest.files = {StateFile{"chk-1/state", (*blob)->size(), (*blob)->checksum()}};
  manifest.operators = {OperatorState{"op", "Op", 2, *sections}};
  const auto state = make_restored_state(storage, manifest);
  EXPECT_EQ(state->reader("other", KeyGroupRange{}), nullptr);
  EXPECT_EQ(state->progress().read, 0U);
  const auto pieces = [&](KeyGroupRange range, std::string_view name) {
    std::string seen;
    const Status status = state->reader("op", range)
                              ->visit(name,
                                      [&](std::uint32_t, std::uint32_t former,
                                          std::span<const std::byte> bytes) -> Status {
                                        EXPECT_EQ(former, 1U);
                                        seen += std::to_string(bytes.size()) + ":" +
                                                static_cast<char>(bytes[0]) + " ";
                                        return {};
                                      });
    EXPECT_TRUE(status.ok()) << status.to_string();
    return seen;
  };
  EXPECT_EQ(pieces(KeyGroupRange{0, 64, 128}, "table"), "1:a 1:b ");
  EXPECT_EQ(pieces(KeyGroupRange{64, 128, 128}, "table"), "614400:x ");
  EXPECT_EQ(pieces(KeyGroupRange{0, 64, 128}, "clock"), "2:1 ");
  EXPECT_EQ(pieces(KeyGroupRange{64, 128, 128}, "clock"), "2:1 ");
  EXPECT_EQ(pieces(KeyGroupRange{0, 128, 128}, "absent"), "");
}

TEST(RestoredState, CountsWhatItsReadersHaveRead) {
  const std::shared_ptr<CheckpointStorage> storage = make_memory_storage();
  auto blob = storage->create("chk-1/state");
  ASSERT_TRUE(blob.ok());
  SectionWriter writer(**blob, 0);
  for (const std::uint32_t group : {0U, 1U, 100U})
    ASSERT_TRUE(writer.write("table", group, bytes_of(std::string(1'000, 'x'))).ok());
  ASSERT_TRUE(writer.write("clock", kOperatorState, bytes_of("17")).ok());
  auto sections = writer.finish();
  ASSERT_TRUE(sections.ok());
  Manifest manifest;
  manifest.files = {StateFile{"chk-1/state", (*blob)->size(), (*blob)->checksum()}};
  manifest.operators = {OperatorState{"op", "Op", 1, *sections}};
  const auto state = make_restored_state(storage, manifest);
  const std::uint64_t all = state->progress().bytes;
  EXPECT_GT(all, 3'000U);
  EXPECT_EQ(state->progress().read, 0U);
  const auto ignore = [](std::uint32_t, std::uint32_t, std::span<const std::byte>) {
    return Status();
  };
  auto first = state->reader("op", KeyGroupRange{0, 64, 128});
  ASSERT_TRUE(first->visit("table", ignore).ok());
  const std::uint64_t two_of_three = state->progress().read;
  EXPECT_GT(two_of_three, 2'000U);
  EXPECT_LT(two_of_three, 3'000U);
  ASSERT_TRUE(first->visit("table", ignore).ok());
  EXPECT_LT(state->progress().read, 3'000U) << "what is read again is not new";
  first.reset();
  // the other instance reads the clock too, and never asks for its table
  auto second = state->reader("op", KeyGroupRange{64, 128, 128});
  ASSERT_TRUE(second->visit("clock", ignore).ok());
  second.reset();
  EXPECT_EQ(state->progress().read, all);
}

// With 1,000 bytes in each of four key groups.
std::pair<StateFile, std::vector<Section>> add_file(CheckpointStorage& storage, CheckpointId id) {
  const std::string name = CheckpointWriter::state_file(id);
  auto blob = storage.create(name);
  SectionWriter writer(**blob, 0);
  for (std::uint32_t group = 0; group < 4; ++group) {
    const std::string piece(1'000, static_cast<char>('a' + group));
    EXPECT_TRUE(writer.write("table", group, bytes_of(piece)).ok());
  }
  auto sections = writer.finish();
  EXPECT_TRUE((*blob)->sync().ok());
  return {StateFile{name, (*blob)->size(), (*blob)->checksum()}, *sections};
}

// A file that is hardly referred to any more is given up: its sections move.
TEST(CheckpointWriter, MovesWhatIsLeftOfFilesThatAreHardlyUsed) {
  const std::shared_ptr<CheckpointStorage> storage = make_memory_storage();
  const auto [used, used_sections] = add_file(*storage, 1);
  const auto [unused, unused_sections] = add_file(*storage, 2);
  Mutex mutex;
  Condition changed;
  std::optional<Result<Manifest>> stored;
  CheckpointWriter::Callbacks callbacks;
  callbacks.written = [](StoredSnapshot) {};
  callbacks.write_failed = [](CheckpointId, Status, bool) { FAIL(); };
  callbacks.stored = [&](CheckpointId, Result<Manifest> manifest) {
    MutexLock lock(mutex);
    stored = std::move(manifest);
    changed.notify_one();
  };
  WorkPool pool({});
  CheckpointWriter thread(*storage, pool, std::move(callbacks));

  struct Note final : PendingSnapshot {
    Status write(SnapshotWriter& out) override {
      const std::string_view text = "n";
      return out.write("note", kOperatorState, std::as_bytes(std::span(text.data(), 1)));
    }
  };
  TaskSnapshot snapshot;
  snapshot.barrier.checkpoint = 3;
  snapshot.operators.push_back({"op", "Op", 0, 1, std::make_unique<Note>()});
  thread.add(std::move(snapshot));
  Manifest manifest;
  manifest.id = 3;
  manifest.files = {StateFile{}, used, unused};
  manifest.operators = {OperatorState{"op", "Op", 1, {}}};
  for (std::size_t i = 0; i < 3; ++i) {
    manifest.operators[0].sections.push_back(used_sections[i]);
    manifest.operators[0].sections.back().file = 1;
  }
  manifest.operators[0].sections.push_back(unused_sections[3]);
  manifest.operators[0].sections.back().file = 2;
  thread.store(manifest);
  {
    MutexLock lock(mutex);
    while (!stored) changed.wait(mutex);
  }
  ASSERT_TRUE(stored->ok()) << stored->status().to_string();
  ASSERT_EQ((*stored)->files.size(), 2U);
  EXPECT_EQ((*stored)->files[0].name, "chk-3/state");
  EXPECT_EQ((*stored)->files[1].name, "chk-1/state");
  ASSERT_TRUE(storage->remove_folder("chk-2").ok());
  const auto loaded = load_checkpoint(*storage, 3);
  ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
  std::string seen;
  const auto state = make_restored_state(storage, *loaded);
  ASSERT_TRUE(
      state->reader("op", KeyGroupRange{})
          ->visit("table",
                  [&](std::uint32_t group, std::uint32_t, std::span<const std::byte> bytes) {
                    seen += std::to_string(group) + static_cast<char>(bytes.back()) + " ";
                    return Status();
                  })
          .ok());
  EXPECT_EQ(seen, "0a 1b 2c 3d ");
}

TEST(SectionWriter, DamageIsNoticed) {
  const std::shared_ptr<CheckpointStorage> storage = make_memory_storage();
  auto blob = storage->create("chk-1/state");
  ASSERT_TRUE(blob.ok());
  SectionWriter writer(**blob, 0);
  ASSERT_TRUE(writer.write("table", 3, bytes_of("abc")).ok());
  auto sections = writer.finish();
  ASSERT_TRUE(sections.ok());
  std::string bytes = *storage->read("chk-1/state");
  bytes.back() = 'x';
  ASSERT_TRUE(storage->publish("chk-1/state", bytes).ok());
  Manifest manifest;
  manifest.files = {StateFile{"chk-1/state", bytes.size(), 0}};
  manifest.operators = {OperatorState{"op", "Op", 1, *sections}};
  const auto state = make_restored_state(storage, manifest);
  const Status status = state->reader("op", KeyGroupRange{})
                            ->visit("table", [](std::uint32_t, std::uint32_t,
                                                std::span<const std::byte>) { return Status(); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace slipstream::flow
