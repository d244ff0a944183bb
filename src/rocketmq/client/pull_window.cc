#include "rocketmq/client/pull_window.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace slipstream::rocketmq::internal {
namespace {

// A broker that gave 8 (cold data) may give 32 later: after so many answers one pull asks for the
// most again.
constexpr int kAnswersPerProbe = 64;

}  // namespace

void PullWindow::reset(std::int64_t offset) {
  erase(slots_.begin(), slots_.end());
  concurrency_.begin_anew();
  position_ = offset;
  max_offset_ = -1;
  wait_next_ = false;
}

PullWindow::Slots::iterator PullWindow::find(std::uint64_t id) {
  return std::find_if(slots_.begin(), slots_.end(),
                      [id](const Slot& slot) { return slot.id == id; });
}

PullWindow::Slots::const_iterator PullWindow::find(std::uint64_t id) const {
  return std::find_if(slots_.begin(), slots_.end(),
                      [id](const Slot& slot) { return slot.id == id; });
}

void PullWindow::count(const Slot& slot, int times) {
  if (slot.state == State::kUnderWay) under_way_ += times;
  if (slot.state == State::kWanted) wanted_ += times;
  if (times > 0)
    held_bytes_ += slot.frame.records.size();
  else
    held_bytes_ -= slot.frame.records.size();
}

void PullWindow::set_state(Slot& slot, State state) {
  count(slot, -1);
  slot.state = state;
  count(slot, 1);
}

void PullWindow::erase(Slots::iterator first, Slots::iterator last) {
  for (auto slot = first; slot != last; ++slot) count(*slot, -1);
  slots_.erase(first, last);
}

bool PullWindow::knows(std::uint64_t id) const {
  const auto slot = find(id);
  return slot != slots_.end() && slot->state == State::kUnderWay;
}

bool PullWindow::is_front(std::uint64_t id) const {
  return !slots_.empty() && slots_.front().id == id;
}

bool PullWindow::at_end() const { return slots_.empty() ? position_ == max_offset_ : parked(); }

bool PullWindow::parked() const {
  return !slots_.empty() && slots_.front().suspend && slots_.front().state == State::kUnderWay;
}

bool PullWindow::front_is_blocking() const {
  return slots_.size() > 1 && slots_.front().state == State::kWanted;
}

PlannedPull PullWindow::send(Slot& slot) {
  set_state(slot, State::kUnderWay);
  slot.round = concurrency_.round();
  const bool most = slot.open || slot.probe;
  return PlannedPull{slot.id, slot.begin,
                     most ? limits_.messages_max : static_cast<std::int32_t>(slot.end - slot.begin),
                     slot.suspend};
}

bool PullWindow::may_append() const {
  // Answered slots behind a gap count too, so that memory stays bounded.
  if (slots_.size() >= static_cast<std::size_t>(concurrency_.allowed()) * 2) return false;
  if (slots_.empty()) return true;
  if (slots_.back().open && slots_.back().state != State::kAnswered) return false;
  return stride_ > 0 && tail() < max_offset_;
}

std::optional<PlannedPull> PullWindow::plan() {
  if (under_way_ >= concurrency_.allowed()) {
    if (wanted_ > 0 || may_append()) concurrency_.wanted_more();
    return std::nullopt;
  }
  if (wanted_ > 0) {
    return send(*std::find_if(slots_.begin(), slots_.end(),
                              [](const Slot& slot) { return slot.state == State::kWanted; }));
  }
  if (!may_append()) return std::nullopt;
  Slot slot;
  slot.id = ++last_id_;
  slot.begin = tail();
  slot.suspend = slots_.empty() && (wait_next_ || (max_offset_ >= 0 && slot.begin >= max_offset_));
  if (slot.suspend) concurrency_.begin_anew();
  slot.open = stride_ == 0 || slot.suspend || limits_.pulls.most == 1;
  slot.probe = stride_ < limits_.messages_max && answers_since_probe_ >= kAnswersPerProbe;
  if (slot.probe) answers_since_probe_ = 0;
  slot.end = slot.begin + (slot.open ? limits_.messages_max : stride_);
  count(slot, 1);
  slots_.push_back(std::move(slot));
  return send(slots_.back());
}

void PullWindow::found(std::uint64_t id, PulledFrame frame, std::int64_t took_ns) {
  const auto slot = find(id);
  DCHECK(slot != slots_.end());
  const std::int64_t next = std::max(frame.next_offset, slot->begin);
  const std::int64_t messages = next - slot->begin;
  learn_max(frame.max_offset);
  wait_next_ = false;
  ++answers_since_probe_;
  const bool last = std::next(slot) == slots_.end();
  const bool at_queue_end = next >= frame.max_offset;
  const bool is_short = next < slot->end;
  // At the end of the queue an answer is short because there is no more: that says nothing about
  // the broker's cap.
  const bool at_the_cap = !at_queue_end && (slot->open || slot->probe || is_short);
  if (messages > 0 && (at_the_cap || stride_ == 0)) {
    stride_ = static_cast<std::int32_t>(std::min<std::int64_t>(messages, limits_.messages_max));
  }
  if (!slot->open && !at_queue_end && messages * 2 < slot->end - slot->begin)
    concurrency_.answered_short(slot->round);
  if (!slot->suspend) concurrency_.answered(slot->round, took_ns);
  const std::int64_t old_end = slot->end;
  count(*slot, -1);
  slot->end = next;
  slot->frame = std::move(frame);
  slot->state = State::kAnswered;
  count(*slot, 1);
  if (last) return;
  if (!is_short) {
    const auto behind = std::next(slot);
    const auto kept =
        std::find_if(behind, slots_.end(), [next](const Slot& each) { return each.end > next; });
    return erase(behind, kept);
  }
  Slot gap;
  gap.id = ++last_id_;
  gap.begin = next;
  gap.end = old_end;
  count(gap, 1);
  slots_.insert(std::next(slot), std::move(gap));
}

void PullWindow::nothing_there(std::uint64_t id, std::int64_t max_offset) {
  const auto slot = find(id);
  DCHECK(slot != slots_.end());
  const std::int64_t begin = slot->begin;
  erase(slot, slots_.end());
  max_offset_ = max_offset;
  if (slots_.empty()) {
    wait_next_ = begin >= max_offset;
  } else {
    max_offset_ = std::min(max_offset_, begin);
  }
}

void PullWindow::drop_from(std::uint64_t id) {
  const auto slot = find(id);
  DCHECK(slot != slots_.end());
  // Nothing is asked for there again until the slots in front of it have learned the queue's end
  // anew.
  max_offset_ = std::min(max_offset_, slot->begin);
  erase(slot, slots_.end());
}

void PullWindow::failed(std::uint64_t id) {
  const auto slot = find(id);
  DCHECK(slot != slots_.end());
  concurrency_.begin_anew();
  set_state(*slot, State::kWanted);
  slot->suspend = false;
  // Sent again under a new id: a late answer of the old pull must not count for the new one.
  slot->id = ++last_id_;
}

void PullWindow::pull_front_again() {
  if (!parked()) return;
  erase(slots_.begin(), slots_.end());
  wait_next_ = false;
}

void PullWindow::learn_max(std::int64_t max_offset) {
  max_offset_ = std::max(max_offset_, max_offset);
}

std::optional<PulledFrame> PullWindow::take() {
  while (!slots_.empty() && slots_.front().state == State::kAnswered) {
    count(slots_.front(), -1);
    Slot slot = std::move(slots_.front());
    slots_.pop_front();
    // A broker may give more than was asked for: what was given out before is trimmed away.
    if (slot.frame.next_offset <= position_) continue;
    slot.frame.begin_offset = std::max(slot.frame.begin_offset, position_);
    position_ = slot.frame.next_offset;
    return std::move(slot.frame);
  }
  return std::nullopt;
}

}  // namespace slipstream::rocketmq::internal
