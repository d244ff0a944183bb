#include "flow/checkpoint/store.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "base/try.h"
#include "flow/checkpoint/checkpoint_writer.h"
#include "flow/checkpoint/commit_worker.h"
#include "flow/checkpoint/state_match.h"
#include "io/files.h"

namespace slipstream::flow {
namespace {

constexpr const char* kIdFile = "next-id";
constexpr const char* kEpochFolder = "epochs";

std::set<std::string> files_of(const Manifest& manifest) {
  std::set<std::string> files;
  for (const StateFile& file : manifest.files) files.insert(file.name);
  for (const Epoch& epoch : manifest.epochs) {
    if (!epoch.file.empty()) files.insert(epoch.file);
  }
  return files;
}

}  // namespace

Result<Manifest> load_checkpoint(CheckpointStorage& storage, CheckpointId id) {
  TRY_ASSIGN(const std::string bytes, storage.read(CheckpointWriter::manifest_file(id)));
  TRY_ASSIGN(Manifest manifest, decode_manifest(bytes));
  if (manifest.id != id)
    return Error{ErrorCode::kCorrupt,
                 "its manifest is one of checkpoint " + std::to_string(manifest.id)};
  for (const StateFile& file : manifest.files)
    TRY(verify_blob(storage, file.name, file.size, file.checksum));
  for (const Epoch& epoch : manifest.epochs) {
    if (!epoch.file.empty())
      TRY(verify_blob(storage, epoch.file, epoch.file_size, epoch.file_checksum));
  }
  return manifest;
}

// Opens a store step by step.
// Thread: one.
class StoreOpener {
 public:
  StoreOpener(const EngineOptions& options, const Graph& graph, const Notify& notify)
      : options_(options), graph_(graph), notify_(notify), store_(new CheckpointStore()) {}

  Result<std::unique_ptr<CheckpointStore>> open(std::function<Status()> may_change) {
    if (options_.checkpoint_dir.empty()) {
      TRY(refuse_exactly_once_without_directory());
      store_->storage_ = make_memory_storage();
      store_->restore_storage_ = store_->storage_;
      if (!options_.start.restore_from.empty()) {
        TRY(choose_given());
        TRY(match());
      }
      return std::move(store_);
    }
    TRY_ASSIGN(store_->storage_,
               open_directory_storage(options_.checkpoint_dir, std::move(may_change)));
    store_->restore_storage_ = store_->storage_;
    TRY(find_checkpoints());
    if (!options_.start.restore_from.empty()) {
      TRY(choose_given());
    } else if (options_.start.fresh) {
      log_fresh();
    } else {
      TRY(choose_newest());
    }
    TRY(sync_names());
    TRY(match());
    TRY(adopt_foreign_epochs());
    TRY(collect_garbage());
    TRY(store_->storage_->publish(kIdFile, std::to_string(store_->next_id_) + "\n"));
    return std::move(store_);
  }

 private:
  bool exactly_once() const {
    return std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [](const Node& node) {
      return node.sink != nullptr && node.sink->guarantee() == Guarantee::kExactlyOnce;
    });
  }

  Status refuse_exactly_once_without_directory() const {
    for (const Node& node : graph_.nodes) {
      if (node.sink == nullptr || node.sink->guarantee() != Guarantee::kExactlyOnce) continue;
      return Error{
          ErrorCode::kInvalidArgument,
          "sink '" + node.name +
              "' writes exactly-once, which needs checkpoints that survive the process: give " +
              option_name(options_, "checkpoint_dir") +
              ", or set 'sink.delivery-guarantee' = 'at-least-once'"};
    }
    return {};
  }

  Status find_checkpoints() {
    TRY_ASSIGN(const auto names, store_->storage_->list(""));
    for (const std::string& name : names) {
      const CheckpointId id = checkpoint_of_folder(name);
      if (id == 0) continue;
      store_->used_id(id);
      if (store_->storage_->size(CheckpointWriter::manifest_file(id)).ok()) {
        found_.push_back(id);
      } else {
        incomplete_.push_back(id);
      }
    }
    std::sort(found_.begin(), found_.end());
    if (const auto counter = store_->storage_->read(kIdFile); counter.ok()) {
      CheckpointId id = 0;
      std::from_chars(counter->data(), counter->data() + counter->size(), id);
      store_->next_id_ = std::max(store_->next_id_, id);
    }
    for (const CheckpointId id : found_) {
      // A damaged one keeps no other file alive: nothing can be restored from it.
      auto manifest = load_checkpoint(*store_->storage_, id);
      if (manifest.ok()) store_->files_.emplace(id, files_of(*manifest));
      loaded_.emplace(id, std::move(manifest));
    }
    return {};
  }

  void log_fresh() const {
    if (found_.empty()) return;
    std::string text = "ignoring checkpoint " + std::to_string(found_.back()) + " in '" +
                       options_.checkpoint_dir + "' (fresh start)";
    const auto& newest = loaded_.at(found_.back());
    if (newest.ok() && !newest->epochs.empty()) {
      text += "; it names " + std::to_string(newest->epochs.size()) +
              " sealed epochs that may not be published and never will be";
    }
    notify_(text);
  }

  Status choose_newest() {
    std::string why;
    for (auto id = found_.rbegin(); id != found_.rend(); ++id) {
      auto& manifest = loaded_.at(*id);
      if (manifest.ok()) {
        if (*id != found_.back()) TRY(fall_back(*id, why));
        store_->latest_ = std::make_shared<const Manifest>(std::move(*manifest));
        return {};
      }
      why += "\n  checkpoint " + std::to_string(*id) + ": " + manifest.error().message;
    }
    if (found_.empty()) return {};
    return Error{ErrorCode::kCorrupt, "no checkpoint in '" + options_.checkpoint_dir +
                                          "' can be read:" + why + "\nstart with " +
                                          option_name(options_, "fresh") +
                                          " to begin anew without them"};
  }

  Status fall_back(CheckpointId chosen, const std::string& why) const {
    const std::string epochs =
        chosen + 1 == found_.back()
            ? "epoch " + std::to_string(found_.back())
            : "epochs " + std::to_string(chosen + 1) + " to " + std::to_string(found_.back());
    if (exactly_once() && !options_.start.allow_duplicates) {
      return Error{ErrorCode::kCorrupt, "the newest checkpoint cannot be read:" + why +
                                            "\nfalling back to checkpoint " +
                                            std::to_string(chosen) + " would publish " + epochs +
                                            " again, which may already be out; allow it with " +
                                            option_name(options_, "allow_duplicates")};
    }
    notify_("the newest checkpoint cannot be read:" + why + "\nusing checkpoint " +
            std::to_string(chosen) + "; what " + epochs + " wrote is written again");
    return {};
  }

  // A process that was killed may not have come to this. What is published from here on must not
  // lose the checkpoint that it follows from.
  Status sync_names() const {
    const std::filesystem::path root(options_.checkpoint_dir);
    TRY(io::sync_name(root));
    if (store_->latest_ == nullptr || foreign_) return {};
    return io::sync_directory(root / checkpoint_folder(store_->latest_->id));
  }

  static Error no_checkpoint(const std::string& where) {
    return {ErrorCode::kNotFound, "no checkpoint at '" + where + "'"};
  }

  Status choose_given() {
    std::filesystem::path path(options_.start.restore_from);
    if (!path.has_filename()) path = path.parent_path();
    if (path.filename() == "manifest") path = path.parent_path();
    CheckpointId id = checkpoint_of_folder(path.filename().string());
    std::filesystem::path root = path.parent_path();
    if (id == 0) {
      root = path;
      TRY_ASSIGN(id, newest_in(root.string()));
    }
    if (root.empty()) root = ".";
    std::error_code error;
    const bool own = !options_.checkpoint_dir.empty() &&
                     std::filesystem::equivalent(root, options_.checkpoint_dir, error);
    if (!own) {
      if (!std::filesystem::exists(root, error)) return no_checkpoint(options_.start.restore_from);
      TRY_ASSIGN(store_->restore_storage_, open_directory_storage(root.string()));
      foreign_ = true;
    }
    if (!store_->restore_storage_->size(CheckpointWriter::manifest_file(id)).ok())
      return no_checkpoint(options_.start.restore_from);
    auto manifest = load_checkpoint(*store_->restore_storage_, id);
    if (!manifest.ok())
      return manifest.status().with_context("restoring from '" + options_.start.restore_from + "'");
    if (own && !found_.empty() && id < found_.back()) {
      TRY(fall_back(id, "\n  checkpoint " + std::to_string(id) + " was asked for"));
    }
    store_->used_id(id);
    store_->latest_ = std::make_shared<const Manifest>(std::move(*manifest));
    return {};
  }

  static Result<CheckpointId> newest_in(const std::string& root) {
    TRY_ASSIGN(const auto storage, open_existing(root));
    TRY_ASSIGN(const auto names, storage->list(""));
    CheckpointId newest = 0;
    for (const std::string& name : names) {
      const CheckpointId id = checkpoint_of_folder(name);
      if (id > newest && storage->size(CheckpointWriter::manifest_file(id)).ok()) newest = id;
    }
    if (newest == 0) return no_checkpoint(root);
    return newest;
  }

  static Result<std::unique_ptr<CheckpointStorage>> open_existing(const std::string& root) {
    std::error_code error;
    if (!std::filesystem::is_directory(root, error)) return no_checkpoint(root);
    return open_directory_storage(root);
  }

  // What is restored: the checkpoint with the uids of the graph.
  Status match() {
    if (store_->latest_ == nullptr) return {};
    TRY_ASSIGN(MatchedState matched, match_state(*store_->latest_, graph_, options_));
    for (const std::string& note : matched.notes) notify_(note);
    store_->latest_ = std::make_shared<const Manifest>(std::move(matched.manifest));
    return {};
  }

  // Epochs of another directory are published from here on: their files come along.
  Status adopt_foreign_epochs() {
    if (!foreign_ || store_->latest_ == nullptr || store_->latest_->epochs.empty()) return {};
    Manifest manifest = *store_->latest_;
    for (Epoch& epoch : manifest.epochs) {
      if (epoch.file.empty()) continue;
      const std::string name = std::string(kEpochFolder) + "/adopted-" +
                               std::filesystem::path(epoch.file).filename().string();
      TRY_ASSIGN(auto out, store_->storage_->create(name));
      constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
      for (std::uint64_t at = 0; at < epoch.file_size; at += kStep) {
        TRY_ASSIGN(const std::string bytes,
                   store_->restore_storage_->read_range(epoch.file, at,
                                                        std::min(kStep, epoch.file_size - at)));
        TRY(out->append(bytes));
      }
      TRY(out->sync());
      epoch.file = name;
      adopted_.insert(name);
    }
    store_->latest_ = std::make_shared<const Manifest>(std::move(manifest));
    return {};
  }

  // What interrupted checkpoints left behind, and epoch files that no checkpoint names.
  Status collect_garbage() {
    for (const CheckpointId id : incomplete_) {
      bool needed = false;
      const std::string prefix = checkpoint_folder(id) + "/";
      for (const auto& [other, files] : store_->files_) {
        needed = needed || std::any_of(files.begin(), files.end(), [&](const std::string& file) {
                   return file.starts_with(prefix);
                 });
      }
      if (needed) {
        store_->doomed_.insert(id);
      } else {
        TRY(store_->storage_->remove_folder(checkpoint_folder(id)));
      }
    }
    TRY_ASSIGN(const auto names, store_->storage_->list(kEpochFolder));
    const bool any_damaged = store_->files_.size() != found_.size();
    for (const std::string& base : names) {
      const std::string name = std::string(kEpochFolder) + "/" + base;
      bool needed = adopted_.contains(name) || any_damaged;
      for (const auto& [id, files] : store_->files_) needed = needed || files.contains(name);
      if (!needed) TRY(store_->storage_->remove(name));
    }
    return {};
  }

  const EngineOptions& options_;
  const Graph& graph_;
  const Notify& notify_;
  std::unique_ptr<CheckpointStore> store_;
  std::vector<CheckpointId> found_;       // with a manifest, ascending
  std::vector<CheckpointId> incomplete_;  // without
  std::map<CheckpointId, Result<Manifest>> loaded_;
  std::set<std::string> adopted_;
  bool foreign_ = false;
};

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::open(const EngineOptions& options,
                                                               const Graph& graph,
                                                               const Notify& notify,
                                                               std::function<Status()> may_change) {
  return StoreOpener(options, graph, notify).open(std::move(may_change));
}

std::vector<CheckpointId> CheckpointStore::retained() const {
  std::vector<CheckpointId> ids;
  for (const auto& [id, files] : files_) ids.push_back(id);
  return ids;
}

void CheckpointStore::completed(Manifest manifest) {
  used_id(manifest.id);
  files_[manifest.id] = files_of(manifest);
  latest_ = std::make_shared<const Manifest>(std::move(manifest));
  restore_storage_ = storage_;
}

void CheckpointStore::confirmed(const std::string& sink, CheckpointId checkpoint) {
  if (latest_ == nullptr) return;
  Manifest manifest = *latest_;
  std::erase_if(manifest.epochs, [&](const Epoch& epoch) {
    return epoch.sink == sink && epoch.checkpoint == checkpoint;
  });
  latest_ = std::make_shared<const Manifest>(std::move(manifest));
}

CheckpointStore::Garbage CheckpointStore::forget(CheckpointId checkpoint) {
  Garbage garbage;
  const auto found = files_.find(checkpoint);
  if (found == files_.end()) return garbage;
  const std::set<std::string> files = std::move(found->second);
  files_.erase(found);
  const auto needed = [&](const std::string& name) {
    return std::any_of(files_.begin(), files_.end(),
                       [&](const auto& other) { return other.second.contains(name); });
  };
  const auto folder_needed = [&](CheckpointId id) {
    const std::string prefix = checkpoint_folder(id) + "/";
    return std::any_of(files_.begin(), files_.end(), [&](const auto& other) {
      return std::any_of(other.second.begin(), other.second.end(),
                         [&](const std::string& file) { return file.starts_with(prefix); });
    });
  };
  for (const std::string& file : files) {
    if (file.starts_with(std::string(kEpochFolder) + "/") && !needed(file))
      garbage.files.push_back(file);
  }
  doomed_.insert(checkpoint);
  for (auto id = doomed_.begin(); id != doomed_.end();) {
    if (folder_needed(*id)) {
      if (*id == checkpoint) garbage.files.push_back(CheckpointWriter::manifest_file(*id));
      ++id;
      continue;
    }
    garbage.folders.push_back(checkpoint_folder(*id));
    id = doomed_.erase(id);
  }
  return garbage;
}

}  // namespace slipstream::flow
