#include "flow/runtime/port.h"

#include <algorithm>
#include <utility>

#include "data/hash.h"
#include "flow/runtime/stage.h"

namespace slipstream::flow {

void Edge::send(Element&& element) {
  switch (options_.partitioning) {
    case Partitioning::kForward:
    case Partitioning::kSingle:
      push(options_.targets.front(), std::move(element));
      return;
    case Partitioning::kRebalance:
      push(options_.targets[next_], std::move(element));
      next_ = (next_ + 1) % options_.targets.size();
      return;
    case Partitioning::kBroadcast:
      for (const Target& target : options_.targets) push(target, Element(element));
      return;
    case Partitioning::kHash:
      // Rows of one source go many ways: what it knows of its splits ends here.
      if (element.rows()->rows() != 0) split_by_key(std::move(*element.rows()));
      return;
  }
}

void Edge::split_by_key(Batch&& batch) {
  std::vector<std::uint64_t> hashes = hash_rows(batch, options_.key_columns);
  const auto targets = static_cast<std::uint32_t>(options_.targets.size());
  if (targets == 1 || hashes.empty()) {
    batch.set_key_hashes(std::move(hashes));
    push(options_.targets.front(), Element{std::move(batch)});
    return;
  }
  rows_.resize(targets);
  for (auto& rows : rows_) rows.clear();
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    const std::uint32_t group = key_group(hashes[row], options_.max_parallelism);
    rows_[key_group_owner(group, options_.max_parallelism, targets)].push_back(
        static_cast<std::uint32_t>(row));
  }
  batch.set_key_hashes(std::move(hashes));
  for (std::uint32_t i = 0; i < targets; ++i) {
    if (rows_[i].empty()) continue;
    if (rows_[i].size() == batch.rows()) {
      push(options_.targets[i], Element{std::move(batch)});
      return;
    }
    push(options_.targets[i], Element{take(batch, rows_[i])});
  }
}

void Edge::broadcast(const Element& element) {
  for (const Target& target : options_.targets) target.gate->push(target.channel, Element(element));
}

bool Edge::has_room() const {
  return std::all_of(options_.targets.begin(), options_.targets.end(),
                     [](const Target& target) { return target.gate->has_room(target.channel); });
}

bool Edge::wait_for_room() {
  return std::any_of(options_.targets.begin(), options_.targets.end(), [](const Target& target) {
    return target.gate->wait_for_room(target.channel);
  });
}

void Port::send(std::size_t output, Element&& batch) {
  rows_out_.fetch_add(static_cast<std::int64_t>(batch.rows()->rows()), std::memory_order_relaxed);
  if (has_checksums_) tally_of(output).add_hashes(*batch.rows());
  if (output == 0 && tap_ != nullptr) tap_->offer(*batch.rows());
  if (output == 0 && next_ != nullptr) {
    next_->deliver(std::move(batch));
    return;
  }
  Edge* last = nullptr;
  for (Edge& edge : edges_) {
    if (edge.output() != output) continue;
    if (last != nullptr) last->send(Element(batch));
    last = &edge;
  }
  if (last != nullptr) last->send(std::move(batch));
}

void Port::emit(Batch&& batch) {
  if (batch.rows() != 0) send(0, Element{std::move(batch)});
}

void Port::emit_from_source(SourceBatch&& batch) {
  if (!batch.empty()) send(0, Element{std::move(batch)});
}

void Port::emit_side(std::size_t output, Batch&& batch) {
  if (batch.rows() == 0) return;
  tally_of(output).rows += static_cast<std::int64_t>(batch.rows());
  send(output, Element{std::move(batch)});
}

RowTally& Port::tally_of(std::size_t output) {
  if (output >= tallies_.size()) tallies_.resize(output + 1);
  return tallies_[output];
}

std::vector<RowTally> Port::emitted() const {
  std::vector<RowTally> all = tallies_;
  all.front().rows = rows_out();
  for (std::size_t side = 1; side < all.size(); ++side) all.front().rows -= all[side].rows;
  return all;
}

void Port::emit(const TimeSignal& signal) {
  if (const auto* watermark = std::get_if<Watermark>(&signal)) return emit_watermark(*watermark);
  send_to_all(signal);
}

void Port::emit_watermark(const Watermark& watermark) {
  as_of_ms_ = std::max(as_of_ms_, watermark.as_of_ms);
  if (newest_ms_ != nullptr) {
    std::int64_t newest = newest_ms_->load(std::memory_order_relaxed);
    while (newest < watermark.as_of_ms &&
           !newest_ms_->compare_exchange_weak(newest, watermark.as_of_ms)) {
    }
  }
  if (watermark.time_ms <= watermark_.load(std::memory_order_relaxed)) return;
  watermark_.store(watermark.time_ms, std::memory_order_relaxed);
  send_to_all(Watermark{watermark.time_ms, as_of_ms_});
}

void Port::send_to_all(const TimeSignal& signal) {
  for (Edge& edge : edges_) edge.broadcast(Element{signal});
  if (next_ != nullptr) next_->deliver(Element{signal});
}

bool Port::has_room() const {
  if (next_ != nullptr && !next_->accepts()) return false;
  return std::all_of(edges_.begin(), edges_.end(),
                     [](const Edge& edge) { return edge.has_room(); });
}

void Port::broadcast(const Element& element) {
  for (Edge& edge : edges_) edge.broadcast(element);
}

bool Port::wait_for_room() {
  return std::any_of(edges_.begin(), edges_.end(), [](Edge& edge) { return edge.wait_for_room(); });
}

}  // namespace slipstream::flow
