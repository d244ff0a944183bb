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
  switch (element.kind) {
    case Element::Kind::kBatch:
      rows_in_.fetch_add(static_cast<std::int64_t>(element.batch.rows()),
                         std::memory_order_relaxed);
      if (element.from_source) {
        note(operator_->push_from_source(
            {std::move(element.batch), std::move(element.runs), std::move(element.events)}, port_));
      } else {
        note(operator_->push(element.input, std::move(element.batch), port_));
      }
      return;
    case Element::Kind::kWatermark:
      watermark_.store(element.watermark, std::memory_order_relaxed);
      port_.follow(element.moment_ms);
      note(operator_->advance(element.watermark, port_));
      return;
    case Element::Kind::kIdle:
      port_.emit_idle(element.moment_ms);
      return;
    case Element::Kind::kActive:
      port_.emit_active();
      return;
    case Element::Kind::kBarrier:
    case Element::Kind::kEnd:
      return;  // handled by the task
  }
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

void Stage::end_input(std::size_t input) {
  mark_wakes();
  note(operator_->end_input(input, port_));
}

void Stage::on_timer(std::int64_t wall_ms) {
  mark_wakes();
  note(operator_->on_timer(wall_ms, port_));
}

}  // namespace slipstream::flow
