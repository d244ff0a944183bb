#include "flow/runtime/stage.h"

#include <utility>

namespace slipstream::flow {

void Stage::deliver(Element&& element) {
  if (!failure_.ok()) return;
  if (!quiet() || !port_.has_room()) {
    inbox_.push_back(std::move(element));
    return;
  }
  process(std::move(element));
}

void Stage::note(Result<Progress> progress) {
  if (!progress.ok()) {
    if (failure_.ok()) failure_ = progress.status().with_context("operator '" + name_ + "'");
    pending_ = false;
    return;
  }
  pending_ = *progress == Progress::kMore;
}

void Stage::process(Element&& element) {
  mark_wakes();
  if (const Batch* rows = element.rows()) {
    rows_in_[element.input].fetch_add(static_cast<std::int64_t>(rows->rows()),
                                      std::memory_order_relaxed);
    if (!checksums_.empty()) checksums_[element.input].add_hashes(*rows);
  }
  if (auto* batch = std::get_if<Batch>(&element.what)) {
    note(operator_->push(element.input, std::move(*batch), port_));
  } else if (auto* from_source = std::get_if<SourceBatch>(&element.what)) {
    note(operator_->push_from_source(std::move(*from_source), port_));
  } else if (const auto* signal = std::get_if<TimeSignal>(&element.what)) {
    process(*signal);
  }  // barriers and ends are handled by the task
}

void Stage::process(const TimeSignal& signal) {
  const auto* watermark = std::get_if<Watermark>(&signal);
  if (watermark == nullptr) return port_.emit(signal);
  watermark_.store(watermark->time_ms, std::memory_order_relaxed);
  note(operator_->advance(*watermark, port_));
}

bool Stage::step() {
  if (!failure_.ok() || quiet() || !port_.has_room()) return false;
  if (pending_) {
    if (waits_for_wake()) return false;
    mark_wakes();
    note(operator_->resume(port_));
    return true;
  }
  Element element = std::move(inbox_.front());
  inbox_.pop_front();
  process(std::move(element));
  return true;
}

std::int64_t Stage::rows_in() const {
  std::int64_t all = 0;
  for (const auto& rows : rows_in_) all += rows.load(std::memory_order_relaxed);
  return all;
}

void Stage::count_checksums() {
  checksums_.resize(rows_in_.size());
  port_.count_checksums();
}

NodeRows Stage::rows() const {
  NodeRows rows;
  rows.taken = checksums_;
  rows.taken.resize(rows_in_.size());
  for (std::size_t i = 0; i < rows_in_.size(); ++i)
    rows.taken[i].rows = rows_in_[i].load(std::memory_order_relaxed);
  rows.emitted = port_.emitted();
  rows.dropped = operator_->dropped_rows();
  rows.law = operator_->row_law();
  return rows;
}

void Stage::end_input(std::size_t input) {
  mark_wakes();
  note(operator_->end_input(input, port_));
}

void Stage::on_timer(std::int64_t wall_ms) {
  mark_wakes();
  note(operator_->on_timer(wall_ms, port_));
}

}  // namespace slipstream::flow
