#include "server/savepoint.h"

#include <filesystem>
#include <set>

#include "base/try.h"
#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/storage.h"
#include "flow/checkpoint/store.h"

namespace slipstream::server {
namespace {

namespace fs = std::filesystem;

// Other checkpoints may be completed, and this one be forgotten, while it is copied.
constexpr int kTries = 3;

Status link_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  fs::create_hard_link(from, to, error);
  if (error && error != std::errc::file_exists) fs::copy_file(from, to, error);
  if (!error || error == std::errc::file_exists) return {};
  return Error::retry(ErrorCode::kUnavailable, "keeping '" + from.string() + "' as '" +
                                                   to.string() + "': " + error.message());
}

Status keep(const std::string& checkpoint_dir, const std::string& target, CheckpointId id) {
  TRY_ASSIGN(const auto storage, flow::open_directory_storage(checkpoint_dir));
  TRY_ASSIGN(const flow::Manifest manifest, flow::load_checkpoint(*storage, id));
  std::set<std::string> files;
  for (const flow::StateFile& file : manifest.files) files.insert(file.name);
  for (const flow::Epoch& epoch : manifest.epochs) {
    if (!epoch.file.empty()) files.insert(epoch.file);
  }
  for (const std::string& file : files)
    TRY(link_file(fs::path(checkpoint_dir) / file, fs::path(target) / file));
  TRY_ASSIGN(const auto kept, flow::open_directory_storage(target));
  return kept->publish(flow::checkpoint_folder(id) + "/manifest", flow::encode_manifest(manifest));
}

}  // namespace

Result<std::string> take_savepoint(flow::Job& job, const std::string& checkpoint_dir,
                                   const std::string& target, std::chrono::milliseconds limit,
                                   CheckpointId* id) {
  Status kept;
  for (int i = 0; i < kTries; ++i) {
    TRY_ASSIGN(*id, job.checkpoint(limit));
    kept = keep(checkpoint_dir, target, *id);
    if (kept.ok()) return target + "/" + flow::checkpoint_folder(*id);
  }
  return kept.with_context("savepoint of checkpoint " + std::to_string(*id));
}

}  // namespace slipstream::server
