#include "connectors/filesystem/line_encoder.h"

#include "base/try.h"

namespace slipstream::filesystem_connector {

Result<std::unique_ptr<LineEncoder>> LineEncoder::make(std::shared_ptr<const SinkPlan> plan) {
  const SinkSettings& settings = plan->settings;
  TRY_ASSIGN(auto rows,
             connector_kit::RowSerializer::make(settings.table, settings.format, plan->schema));
  return std::unique_ptr<LineEncoder>(new LineEncoder(std::move(plan), std::move(rows)));
}

Status LineEncoder::encode(const Batch& batch) {
  text_.clear();
  ends_.clear();
  TRY(rows_->encode(batch));
  const format::EncodedBodies& bodies = rows_->bodies();
  text_.reserve(bodies.bytes.size() + bodies.size());
  ends_.reserve(bodies.size());
  // Nearly never; looked for once per batch.
  const bool has_breaks =
      bodies.bytes.find('\n') != std::string::npos || bodies.bytes.find('\r') != std::string::npos;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const std::string_view body = bodies[i];
    if (has_breaks && (body.find('\n') != std::string_view::npos || body.ends_with('\r'))) {
      return Error{ErrorCode::kDataError,
                   "table '" + plan_->settings.table +
                       "': a row holds a line break, which ends a row in a file of lines; write "
                       "'format' = 'json', or take it out with REPLACE(column, CHR(10), ' ')"};
    }
    text_.append(body);
    text_.push_back('\n');
    ends_.push_back(text_.size());
  }
  return {};
}

}  // namespace slipstream::filesystem_connector
