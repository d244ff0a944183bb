#include "connectors/filesystem/part_writers.h"

#include "base/try.h"
#include "connectors/filesystem/metrics.h"

namespace slipstream::filesystem_connector {
namespace {

PartSeries series_of(const SinkPlan& plan, const WriterContext& context) {
  return PartSeries{plan.sink, context.attempt_token, context.subtask};
}

}  // namespace

PartWriter::PartWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
                       std::unique_ptr<LineEncoder> encoder)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      encoder_(std::move(encoder)),
      rows_(kSinkRows.in(context_.metrics)),
      published_(kSinkFiles.in(context_.metrics)) {}

Result<std::unique_ptr<SinkWriter>> PartWriter::make(std::shared_ptr<const SinkPlan> plan,
                                                     WriterContext context) {
  TRY_ASSIGN(auto encoder, LineEncoder::make(plan));
  return std::unique_ptr<SinkWriter>(
      new PartWriter(std::move(plan), std::move(context), std::move(encoder)));
}

Result<SinkWriter::Write> PartWriter::write(const Batch& batch, EpochFile* file) {
  static_cast<void>(file);
  TRY(encoder_->encode(batch));
  const SinkSettings& settings = plan_->settings;
  if (file_ && context_.clock->now_ms() - begun_ms_ >= settings.rollover_ms) TRY(publish());
  std::size_t done = 0;
  const std::vector<std::size_t>& ends = encoder_->ends();
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const std::uint64_t before = file_ ? file_->size() : 0;
    const bool full = before + (ends[i] - done) >= settings.part_bytes;
    if (!full && i + 1 < ends.size()) continue;
    if (!file_) {
      const std::string name = part_name(series_of(*plan_, context_), files_) + settings.extension;
      auto created =
          PartFile::create(settings.folder, name, settings.guarantee != Guarantee::kNone);
      if (!created.ok()) return created.error().with_context("table '" + settings.table + "'");
      file_ = std::move(*created);
      begun_ms_ = context_.clock->now_ms();
    }
    TRY(file_->append(encoder_->text().substr(done, ends[i] - done))
            .with_context("table '" + settings.table + "'"));
    done = ends[i];
    if (full) TRY(publish());
  }
  rows_->fetch_add(static_cast<std::int64_t>(batch.rows()), std::memory_order_relaxed);
  return Write::kAccepted;
}

Status PartWriter::publish() {
  if (!file_) return {};
  TRY(file_->publish().with_context("table '" + plan_->settings.table + "'"));
  file_.reset();
  ++files_;
  published_->fetch_add(1, std::memory_order_relaxed);
  return {};
}

Result<std::optional<std::string>> PartWriter::prepare(CheckpointId checkpoint, EpochFile* file) {
  static_cast<void>(checkpoint);
  static_cast<void>(file);
  TRY(publish());
  return std::optional<std::string>("");
}

EpochLineWriter::EpochLineWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
                                 std::unique_ptr<LineEncoder> encoder)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      encoder_(std::move(encoder)),
      rows_(kSinkRows.in(context_.metrics)) {}

Result<std::unique_ptr<SinkWriter>> EpochLineWriter::make(std::shared_ptr<const SinkPlan> plan,
                                                          WriterContext context) {
  TRY_ASSIGN(auto encoder, LineEncoder::make(plan));
  return std::unique_ptr<SinkWriter>(
      new EpochLineWriter(std::move(plan), std::move(context), std::move(encoder)));
}

Result<SinkWriter::Write> EpochLineWriter::write(const Batch& batch, EpochFile* file) {
  CHECK(file != nullptr);
  TRY(encoder_->encode(batch));
  for (const std::size_t end : encoder_->ends()) {
    const std::uint64_t begin = ends_.empty() ? 0 : ends_.back();
    if (bytes_ + end - begin >= plan_->settings.part_bytes) ends_.push_back(bytes_ + end);
  }
  bytes_ += encoder_->text().size();
  TRY(file->append(std::as_bytes(std::span(encoder_->text()))));
  rows_->fetch_add(static_cast<std::int64_t>(batch.rows()), std::memory_order_relaxed);
  return Write::kAccepted;
}

Result<std::optional<std::string>> EpochLineWriter::prepare(CheckpointId checkpoint,
                                                            EpochFile* file) {
  static_cast<void>(file);
  if (bytes_ == 0) return std::optional<std::string>("");
  if (ends_.empty() || ends_.back() != bytes_) ends_.push_back(bytes_);
  EpochHandle handle;
  handle.name = part_name(series_of(*plan_, context_), checkpoint);
  handle.extension = plan_->settings.extension;
  handle.ends = std::move(ends_);
  ends_.clear();
  bytes_ = 0;
  return std::optional<std::string>(encode_epoch_handle(handle));
}

}  // namespace slipstream::filesystem_connector
