#include "flow/checkpoint/restored_state.h"

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
    for (const OperatorState& state : manifest_.operators) by_uid_.emplace(state.uid, &state);
  }
  ManifestState(const ManifestState&) = delete;
  ManifestState& operator=(const ManifestState&) = delete;

  std::unique_ptr<SnapshotReader> reader(const std::string& uid,
                                         KeyGroupRange range) const override;

  Result<std::string> read(const Section& section) const {
    return read_section(*storage_, manifest_, section);
  }

 private:
  const std::shared_ptr<CheckpointStorage> storage_;
  const Manifest manifest_;
  std::map<std::string, const OperatorState*> by_uid_;
};

class ManifestReader final : public SnapshotReader {
 public:
  ManifestReader(const ManifestState& all, const OperatorState& state, KeyGroupRange range)
      : all_(all), state_(state), range_(range) {}

  Status visit(std::string_view name,
               const std::function<Status(std::uint32_t, std::uint32_t,
                                          std::span<const std::byte>)>& entry) const override {
    for (const Section& section : state_.sections) {
      if (section.name != name) continue;
      if (section.key_group != kOperatorState &&
          (section.key_group < range_.begin || section.key_group >= range_.end)) {
        continue;
      }
      TRY_ASSIGN(const std::string bytes, all_.read(section));
      TRY(visit_pieces(bytes, [&](std::string_view piece) {
        return entry(section.key_group, section.subtask,
                     std::as_bytes(std::span(piece.data(), piece.size())));
      }));
    }
    return {};
  }

 private:
  const ManifestState& all_;
  const OperatorState& state_;
  const KeyGroupRange range_;
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
