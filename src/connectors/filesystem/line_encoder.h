// Rows to lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "slipstream/batch.h"

#include "connector_kit/row_serializer.h"
#include "connectors/filesystem/settings.h"

namespace slipstream::filesystem_connector {

struct SinkPlan {
  SinkSettings settings;
  Schema schema;
  std::string sink;  // hash of the uid, for file names
};

// Owner:   a writer.
// Thread:  task.
// Failure: kDataError for a row whose text holds a line break: it would be read as two.
class LineEncoder {
 public:
  static Result<std::unique_ptr<LineEncoder>> make(std::shared_ptr<const SinkPlan> plan);

  // The rows as lines, each with its line break.
  Status encode(const Batch& batch);
  // Of the last encode(); line i ends at ends()[i].
  std::string_view text() const { return text_; }
  const std::vector<std::size_t>& ends() const { return ends_; }

 private:
  LineEncoder(std::shared_ptr<const SinkPlan> plan,
              std::unique_ptr<connector_kit::RowSerializer> rows)
      : plan_(std::move(plan)), rows_(std::move(rows)) {}

  const std::shared_ptr<const SinkPlan> plan_;
  const std::unique_ptr<connector_kit::RowSerializer> rows_;
  std::string text_;
  std::vector<std::size_t> ends_;
};

}  // namespace slipstream::filesystem_connector
