// Turns sealed epochs into part files.
#pragma once

#include <atomic>
#include <memory>

#include "slipstream/connector.h"

#include "connectors/filesystem/epoch_handle.h"
#include "connectors/filesystem/line_encoder.h"
#include "connectors/filesystem/metrics.h"

namespace slipstream::filesystem_connector {

// A part file has a name that its epoch alone decides, and appears whole: one that is there needs
// nothing more. Files must therefore stay in the folder until the checkpoint after theirs.
//
// Thread:  one; blocks for the disk, waits while it is full.
// Failure: kCorrupt when a file of that name has another size; what the disk refuses for good.
class Publisher final : public SinkCommitter {
 public:
  Publisher(std::shared_ptr<const SinkPlan> plan, const CommitterContext& context)
      : plan_(std::move(plan)),
        clock_(*context.clock),
        published_(kSinkFiles.in(context.metrics)) {}

  Status commit(std::span<const Committable> committables, const CommitContext& context) override;

 private:
  Status publish_all(std::span<const Committable> committables, const CommitContext& context);
  Status publish(const Committable& committable, const CommitContext& context);
  Result<bool> is_published(const std::string& name, std::uint64_t size) const;

  const std::shared_ptr<const SinkPlan> plan_;
  const Clock& clock_;
  std::atomic<std::int64_t>* const published_;
};

}  // namespace slipstream::filesystem_connector
