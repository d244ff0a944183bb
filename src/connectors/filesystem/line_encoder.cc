#include "connectors/filesystem/line_encoder.h"

#include "base/try.h"

namespace slipstream::filesystem_connector {

Result<std::unique_ptr<LineEncoder>> LineEncoder::make(std::shared_ptr<const SinkPlan> plan) {
  const TableFormat& format = plan->settings.format;
  auto encoder = format.format->make_encoder(plan->schema, format.options);
  if (!encoder.ok()) return encoder.error().with_context("table '" + plan->settings.table + "'");
  return std::unique_ptr<LineEncoder>(new LineEncoder(std::move(plan), std::move(*encoder)));
}

Status LineEncoder::encode(const Batch& batch) {
  bodies_.clear();
  text_.clear();
  ends_.clear();
  const std::string place = "table '" + plan_->settings.table + "'";
  TRY(encoder_->encode(batch, 0, batch.rows(), bodies_).with_context(place));
  text_.reserve(bodies_.bytes.size() + bodies_.size());
  ends_.reserve(bodies_.size());
  // Nearly never; looked for once per batch.
  const bool has_breaks = bodies_.bytes.find('\n') != std::string::npos ||
                          bodies_.bytes.find('\r') != std::string::npos;
  for (std::size_t i = 0; i < bodies_.size(); ++i) {
    const std::string_view body = bodies_[i];
    if (has_breaks && (body.find('\n') != std::string_view::npos || body.ends_with('\r'))) {
      return Error{ErrorCode::kDataError,
                   place +
                       ": a row holds a line break, which ends a row in a file of lines; write "
                       "'format' = 'json', or take it out with REPLACE(column, CHR(10), ' ')"};
    }
    text_.append(body);
    text_.push_back('\n');
    ends_.push_back(text_.size());
  }
  return {};
}

}  // namespace slipstream::filesystem_connector
