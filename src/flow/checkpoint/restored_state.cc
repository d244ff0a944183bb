#include "flow/checkpoint/restored_state.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <span>
#include <utility>

#include "base/try.h"
#include "flow/checkpoint/section_writer.h"

namespace slipstream::flow {
namespace {

class ManifestState final : public RestoredState {
 public:
  ManifestState(std::shared_ptr<CheckpointStorage> storage, Manifest manifest)
      : storage_(std::move(storage)), manifest_(std::move(manifest)) {
    for (const OperatorState& state : manifest_.operators) {
      by_uid_.emplace(state.uid, &state);
      for (const Section& section : state.sections) bytes_ += section.size;
    }
  }
  ManifestState(const ManifestState&) = delete;
  ManifestState& operator=(const ManifestState&) = delete;

  std::unique_ptr<SnapshotReader> reader(const std::string& uid,
                                         KeyGroupRange range) const override;

  Progress progress() const override { return {bytes_, read_.load(std::memory_order_relaxed)}; }

  Result<std::string> read(const Section& section) const {
    return read_section(*storage_, manifest_, section);
  }
  void note_read(std::uint64_t bytes) const { read_.fetch_add(bytes, std::memory_order_relaxed); }

 private:
  const std::shared_ptr<CheckpointStorage> storage_;
  const Manifest manifest_;
  std::map<std::string, const OperatorState*> by_uid_;
  std::uint64_t bytes_ = 0;
  mutable std::atomic<std::uint64_t> read_{0};
};

class ManifestReader final : public SnapshotReader {
 public:
  ManifestReader(const ManifestState& all, const OperatorState& state, KeyGroupRange range)
      : all_(all), state_(state), range_(range) {
    // What is not keyed every instance reads: it counts for the first one.
    for (const Section& section : state_.sections) {
      const bool own = section.key_group == kOperatorState ? range_.begin == 0 : covers(section);
      if (own) unread_ += section.size;
    }
  }
  ~ManifestReader() override { all_.note_read(unread_); }
  ManifestReader(const ManifestReader&) = delete;
  ManifestReader& operator=(const ManifestReader&) = delete;

  Status visit(std::string_view name,
               const std::function<Status(std::uint32_t, std::uint32_t,
                                          std::span<const std::byte>)>& entry) const override {
    for (const Section& section : state_.sections) {
      if (section.name != name) continue;
      if (section.key_group != kOperatorState && !covers(section)) continue;
      TRY_ASSIGN(const std::string bytes, all_.read(section));
      note_read(section.size);
      TRY(visit_pieces(bytes, [&](std::string_view piece) {
        return entry(section.key_group, section.subtask,
                     std::as_bytes(std::span(piece.data(), piece.size())));
      }));
    }
    return {};
  }

 private:
  bool covers(const Section& section) const {
    return section.key_group >= range_.begin && section.key_group < range_.end;
  }
  void note_read(std::uint64_t bytes) const {
    const std::uint64_t counted = std::min(bytes, unread_);
    unread_ -= counted;
    all_.note_read(counted);
  }

  const ManifestState& all_;
  const OperatorState& state_;
  const KeyGroupRange range_;
  mutable std::uint64_t unread_ = 0;
};

std::unique_ptr<SnapshotReader> ManifestState::reader(const std::string& uid,
                                                      KeyGroupRange range) const {
  const auto found = by_uid_.find(uid);
  if (found == by_uid_.end()) return nullptr;
  return std::make_unique<ManifestReader>(*this, *found->second, range);
}

}  // namespace

std::unique_ptr<RestoredState> make_restored_state(std::shared_ptr<CheckpointStorage> storage,
                                                   Manifest manifest) {
  return std::make_unique<ManifestState>(std::move(storage), std::move(manifest));
}

}  // namespace slipstream::flow
