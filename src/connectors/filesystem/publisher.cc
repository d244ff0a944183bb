#include "connectors/filesystem/publisher.h"

#include <algorithm>

#include "base/try.h"
#include "connector_kit/two_phase.h"
#include "connectors/filesystem/part_file.h"
#include "io/files.h"

namespace slipstream::filesystem_connector {
namespace {

constexpr std::uint64_t kCopyBytes = std::uint64_t{1} << 20;

}  // namespace

Status Publisher::commit(std::span<const Committable> committables, const CommitContext& context) {
  return connector_kit::publish_until_done(
      {.subject = "table '" + plan_->settings.table + "'", .component = "filesystem"}, context,
      clock_, [&] { return publish_all(committables, context); });
}

Status Publisher::publish_all(std::span<const Committable> committables,
                              const CommitContext& context) {
  TRY(io::make_directories(plan_->settings.folder));
  for (const Committable& committable : committables) TRY(publish(committable, context));
  // Also for files that a former process renamed last.
  return io::sync_directory(plan_->settings.folder);
}

Status Publisher::publish(const Committable& committable, const CommitContext& context) {
  TRY_ASSIGN(const EpochHandle handle, decode_epoch_handle(committable.handle));
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i < handle.ends.size(); ++i) {
    const std::uint64_t end = handle.ends[i];
    const std::string name = handle.file_name(i);
    TRY_ASSIGN(const bool done, is_published(name, end - begin));
    if (!done) {
      TRY(connector_kit::check_lease(context));
      TRY_ASSIGN(const auto part, PartFile::create(plan_->settings.folder, name, true));
      while (begin < end) {
        if (context.stop.stop_requested())
          return Error{ErrorCode::kCancelled, "stopped while publishing '" + name + "'"};
        const std::uint64_t size = std::min(kCopyBytes, end - begin);
        TRY_ASSIGN(const std::string bytes,
                   io::read_file_range(committable.epoch_file, begin, size));
        TRY(part->append(bytes));
        begin += size;
      }
      TRY(part->publish());
      published_->fetch_add(1, std::memory_order_relaxed);
    }
    begin = end;
  }
  return {};
}

Result<bool> Publisher::is_published(const std::string& name, std::uint64_t size) const {
  const std::filesystem::path path = plan_->settings.folder / name;
  const auto found = io::file_size(path);
  if (!found.ok() && found.error().code == ErrorCode::kNotFound) return false;
  if (!found.ok()) return found.error();
  if (*found == size) return true;
  return Error{ErrorCode::kCorrupt, "'" + path.string() + "' has " + std::to_string(*found) +
                                        " bytes, but " + std::to_string(size) +
                                        " were to be published under this name: it was changed "
                                        "from outside. Move it away and start again"};
}

}  // namespace slipstream::filesystem_connector
