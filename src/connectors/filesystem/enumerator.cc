#include "connectors/filesystem/enumerator.h"

#include "base/try.h"
#include "connectors/filesystem/file_split.h"
#include "connectors/filesystem/line_file.h"
#include "connectors/filesystem/listing.h"

namespace slipstream::filesystem_connector {

Result<std::unique_ptr<SplitEnumerator>> FileEnumerator::make(
    std::shared_ptr<const SourceSettings> settings, const EnumeratorContext& context) {
  std::unique_ptr<FileEnumerator> made(new FileEnumerator(std::move(settings)));
  // A checkpoint from before the first look has no state.
  if (context.has_restored && !context.restored.empty()) {
    TRY_ASSIGN(made->known_, decode_known_files(context.restored));
    made->looked_ = true;
  }
  return std::unique_ptr<SplitEnumerator>(std::move(made));
}

Result<SplitEnumerator::Discovery> FileEnumerator::discover() {
  const bool monitors = settings_->monitor_ms > 0;
  Discovery discovery;
  discovery.complete = !monitors;
  if (looked_ && !monitors) return discovery;
  auto files = list_files(*settings_);
  if (!files.ok()) {
    Error error = files.error();
    // A folder that was there before comes back.
    error.retryable = looked_;
    return error;
  }
  std::set<std::string> known = known_;
  for (FoundFile& found : *files) {
    if ((monitors && found.size == 0) || !known.insert(found.name).second) continue;
    FileSplit split;
    split.end = found.size;
    split.modified_ms = found.modified_ms;
    const auto head = head_fingerprint(folder_of(*settings_) / found.name, found.size);
    if (!head.ok()) return head.error().with_context("table '" + settings_->table + "'");
    split.head = *head;
    split.name = std::move(found.name);
    discovery.added.push_back(encode_split(split));
  }
  known_ = std::move(known);
  looked_ = true;
  return discovery;
}

std::string FileEnumerator::snapshot() { return looked_ ? encode_known_files(known_) : ""; }

}  // namespace slipstream::filesystem_connector
