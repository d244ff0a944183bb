#include "cli/checkpoint_commands.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "slipstream/connectors.h"

#include "base/try.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "data/text/temporal.h"
#include "flow/checkpoint/store.h"

namespace slipstream::cli {
namespace {

namespace fs = std::filesystem;

struct CheckpointFolder {
  std::unique_ptr<flow::CheckpointStorage> storage;
  std::vector<CheckpointId> ids;  // ascending
};

// A directory of checkpoints, or the folder (or manifest) of one.
Result<CheckpointFolder> open_folder(const CheckpointArguments& arguments) {
  fs::path path = fs::path(arguments.directory).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::error_code error;
  if (!fs::exists(path, error)) {
    return Error{ErrorCode::kNotFound, "there is no '" + arguments.directory + "'"};
  }
  if (path.filename() == "manifest") path = path.parent_path();
  const CheckpointId named = flow::checkpoint_of_folder(path.filename().string());
  CheckpointFolder folder;
  if (named != 0) path = fs::absolute(path).parent_path();
  if (!fs::is_directory(path, error)) {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + arguments.directory + "' is no checkpoint directory"};
  }
  TRY_ASSIGN(folder.storage, flow::open_directory_storage(path.string()));
  TRY_ASSIGN(const std::vector<std::string> names, folder.storage->list(""));
  for (const std::string& name : names) {
    const CheckpointId id = flow::checkpoint_of_folder(name);
    if (id == 0 || (named != 0 && id != named)) continue;
    // Without a manifest: being written, given up, or files that a later one refers to.
    const bool counts = folder.storage->size(flow::checkpoint_folder(id) + "/manifest").ok();
    if (counts || id == named) folder.ids.push_back(id);
  }
  std::sort(folder.ids.begin(), folder.ids.end());
  if (folder.ids.empty()) {
    return Error{ErrorCode::kNotFound, "there is no checkpoint in '" + arguments.directory + "'"};
  }
  return folder;
}

std::string kind_of(const flow::Manifest& manifest) {
  if (manifest.finished) return "finished";
  return manifest.kind == flow::CheckpointKind::kSavepoint ? "savepoint" : "checkpoint";
}

std::string time_of(std::int64_t wall_ms) {
  std::string text;
  text::append_timestamp(wall_ms * 1000, 3, text);
  return text;
}

Status list(const CheckpointFolder& folder, const CheckpointArguments& arguments) {
  Listing listing(
      {"id", "kind", "created UTC", "job", "state bytes", "written bytes", "epochs", "fault"});
  for (const CheckpointId id : folder.ids) {
    const auto number = static_cast<std::int64_t>(id);
    const auto manifest = flow::load_checkpoint(*folder.storage, id);
    if (!manifest.ok()) {
      listing.add({number, "-", "-", "-", "-", "-", "-", manifest.error().message});
      continue;
    }
    listing.add({number, kind_of(*manifest), time_of(manifest->created_ms), manifest->job,
                 static_cast<std::int64_t>(state_bytes(*manifest)),
                 static_cast<std::int64_t>(written_bytes(*manifest)),
                 static_cast<std::int64_t>(manifest->epochs.size()), ""});
  }
  return listing.print(arguments.output);
}

Result<flow::Manifest> chosen(const CheckpointArguments& arguments,
                              const CheckpointFolder& folder) {
  std::string faults;
  for (auto id = folder.ids.rbegin(); id != folder.ids.rend(); ++id) {
    if (arguments.id != 0 && *id != arguments.id) continue;
    auto manifest = flow::load_checkpoint(*folder.storage, *id);
    if (manifest.ok()) return manifest;
    faults += "\n  checkpoint " + std::to_string(*id) + ": " + manifest.error().message;
  }
  return Error{ErrorCode::kNotFound,
               "no whole checkpoint " +
                   (arguments.id == 0 ? std::string() : std::to_string(arguments.id) + " ") +
                   "in '" + arguments.directory + "'" + faults};
}

std::string position_of(const ConnectorRegistry& connectors, const Split& split) {
  for (const ConnectorFactory* factory : connectors.all()) {
    if (const auto position = factory->describe(split)) return *position;
  }
  return split.state;
}

Status inspect(const CheckpointFolder& folder, const CheckpointArguments& arguments) {
  TRY_ASSIGN(const flow::Manifest manifest, chosen(arguments, folder));
  Listing listing({"what", "name", "detail", "bytes"});
  const auto id = static_cast<std::int64_t>(manifest.id);
  listing.add({kind_of(manifest), std::to_string(id),
               "job " + manifest.job + ", " + time_of(manifest.created_ms) + " UTC",
               static_cast<std::int64_t>(state_bytes(manifest))});
  for (const flow::OperatorState& state : manifest.operators) {
    std::uint64_t bytes = 0;
    for (const flow::Section& section : state.sections) bytes += section.size;
    listing.add({"operator", state.name,
                 "uid " + state.uid + ", parallelism " + std::to_string(state.parallelism),
                 static_cast<std::int64_t>(bytes)});
  }
  const auto connectors = builtin_connectors();
  for (const flow::SourceState& source : manifest.sources) {
    for (const flow::SplitState& split : source.splits)
      listing.add({"split", split.split.id, "next " + position_of(*connectors, split.split),
                   std::int64_t{0}});
  }
  for (const flow::Epoch& epoch : manifest.epochs) {
    listing.add({"epoch", epoch.sink,
                 "of checkpoint " + std::to_string(epoch.checkpoint) + ", subtask " +
                     std::to_string(epoch.subtask) + ", not known to be published",
                 static_cast<std::int64_t>(epoch.file_size)});
  }
  return listing.print(arguments.output);
}

}  // namespace

int checkpoints_list_command(const CheckpointArguments& arguments) {
  const auto folder = open_folder(arguments);
  return folder.ok() ? report(list(*folder, arguments)) : fail(folder.error(), kExitUsage);
}
int checkpoints_inspect_command(const CheckpointArguments& arguments) {
  const auto folder = open_folder(arguments);
  return folder.ok() ? report(inspect(*folder, arguments)) : fail(folder.error(), kExitUsage);
}

}  // namespace slipstream::cli
