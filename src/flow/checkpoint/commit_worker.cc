#include "flow/checkpoint/commit_worker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <xxhash.h>

#include "base/thrown.h"
#include "base/try.h"

namespace slipstream::flow {

Status verify_blob(CheckpointStorage& storage, const std::string& name, std::uint64_t size,
                   std::uint64_t checksum) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
  TRY_ASSIGN(const std::uint64_t found, storage.size(name));
  if (found != size) {
    return Error{ErrorCode::kCorrupt, "'" + storage.path(name) + "' has " + std::to_string(found) +
                                          " bytes instead of " + std::to_string(size)};
  }
  const std::unique_ptr<XXH3_state_t, void (*)(XXH3_state_t*)> state(
      XXH3_createState(), [](XXH3_state_t* s) { XXH3_freeState(s); });
  XXH3_64bits_reset(state.get());
  for (std::uint64_t at = 0; at < size; at += kStep) {
    TRY_ASSIGN(const std::string bytes, storage.read_range(name, at, std::min(kStep, size - at)));
    XXH3_64bits_update(state.get(), bytes.data(), bytes.size());
  }
  if (XXH3_64bits_digest(state.get()) == checksum) return {};
  return Error{ErrorCode::kCorrupt, "'" + storage.path(name) + "' is damaged: wrong checksum"};
}

CommitWorker::CommitWorker(WorkPool& pool, Options options)
    : options_(std::move(options)), queue_(pool) {}

void CommitWorker::add(CheckpointId checkpoint, std::vector<Epoch> epochs, bool recovered) {
  queue_.post([this, group = Group{checkpoint, std::move(epochs), recovered}] { publish(group); });
}

void CommitWorker::stop() {
  stop_.request_stop();
  queue_.close();
}

Status CommitWorker::check_file(const Epoch& epoch) const {
  if (epoch.file.empty()) return {};
  return verify_blob(*options_.storage, epoch.file, epoch.file_size, epoch.file_checksum);
}

Status CommitWorker::commit(const Group& group) {
  std::vector<Committable> committables;
  for (const Epoch& epoch : group.epochs) {
    if (group.recovered) TRY(check_file(epoch));
    committables.push_back(
        Committable{epoch.checkpoint, epoch.subtask, epoch.handle,
                    epoch.file.empty() ? "" : options_.storage->path(epoch.file)});
  }
  CommitContext context;
  context.recovered = group.recovered;
  context.stop = stop_.get_token();
  context.check_lease = options_.check_lease;
  context.last_lease_ms = options_.last_lease_ms;
  context.progress = options_.notify;
  TRY(options_.check_lease());
  return without_exceptions([&] { return options_.committer->commit(committables, context); });
}

void CommitWorker::publish(const Group& group) {
  if (failed_) return;
  const Status status = commit(group);
  if (status.ok()) return options_.committed(group.checkpoint);
  failed_ = true;
  if (stop_.stop_requested()) return;
  options_.failed(status.with_context("publishing what sink '" + options_.sink +
                                      "' wrote up to checkpoint " +
                                      std::to_string(group.checkpoint)));
}

}  // namespace slipstream::flow
