#include "flow/row_audit.h"

#include <algorithm>
#include <utility>

#include "data/hash.h"

namespace slipstream::flow {
namespace {

constexpr std::uint64_t kKindFactor = 0x9e3779b97f4a7c15ULL;
constexpr std::int64_t kMinuteMs = 60'000;

const RowTally& tally_at(const std::vector<RowTally>& tallies, std::size_t index) {
  static const RowTally kNone;
  return index < tallies.size() ? tallies[index] : kNone;
}

// Both lists as long as the longer one.
template <typename Combine>
void combine(std::vector<RowTally>& tallies, const std::vector<RowTally>& others,
             const Combine& with) {
  tallies.resize(std::max(tallies.size(), others.size()));
  for (std::size_t i = 0; i < others.size(); ++i) tallies[i] = with(tallies[i], others[i]);
}

RowTally sum_of(RowTally tally, const RowTally& other) { return tally += other; }

RowTally times(const RowTally& tally, std::uint32_t count) {
  return {tally.rows * count, tally.sum * count, count % 2 == 0 ? 0 : tally.exclusive_or};
}

RowFinding::Verdict verdict_of(std::int64_t missing) {
  using Verdict = RowFinding::Verdict;
  if (missing == 0) return Verdict::kEqual;
  return missing > 0 ? Verdict::kMissing : Verdict::kSurplus;
}

}  // namespace

void RowTally::add_hashes(const Batch& batch) {
  if (batch.rows() == 0) return;
  const std::vector<std::uint64_t> hashes = hash_rows(batch.columns(), batch.rows());
  const bool has_kinds = !batch.kinds().empty();
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    std::uint64_t hash = hashes[row];
    if (has_kinds) hash ^= static_cast<std::uint64_t>(batch.kind(row)) * kKindFactor;
    sum += hash;
    exclusive_or ^= hash;
  }
}

RowTally& RowTally::operator+=(const RowTally& other) {
  rows += other.rows;
  sum += other.sum;
  exclusive_or ^= other.exclusive_or;
  return *this;
}

RowTally operator-(RowTally later, const RowTally& earlier) {
  later.rows -= earlier.rows;
  later.sum -= earlier.sum;
  later.exclusive_or ^= earlier.exclusive_or;
  return later;
}

NodeRows& NodeRows::operator+=(const NodeRows& other) {
  combine(taken, other.taken, sum_of);
  combine(emitted, other.emitted, sum_of);
  dropped += other.dropped;
  law = std::max(law, other.law);
  return *this;
}

NodeRows operator-(NodeRows later, const NodeRows& earlier) {
  const auto since = [](const RowTally& a, const RowTally& b) { return a - b; };
  combine(later.taken, earlier.taken, since);
  combine(later.emitted, earlier.emitted, since);
  later.dropped -= earlier.dropped;
  return later;
}

RowAudit::RowAudit(const Graph& graph, Options options) : options_(std::move(options)) {
  for (const Node& node : graph.nodes) {
    numbers_.emplace(node.uid, operators_.size());
    operators_.push_back({node.name, node.inputs, node.sink != nullptr});
  }
  before_.at_ms = options_.started_ms;
  for (Cut* cut : {&base_, &pending_, &before_}) cut->nodes.resize(operators_.size());
}

void RowAudit::begin_attempt() {
  MutexLock lock(mutex_);
  if (!cuts_.empty()) base_ = cuts_.back();
  pending_ = {0, 0, std::vector<NodeRows>(operators_.size())};
}

void RowAudit::add(CheckpointId checkpoint, const Node& node, const NodeRows& rows) {
  MutexLock lock(mutex_);
  if (checkpoint < pending_.checkpoint) return;  // it was given up
  if (checkpoint > pending_.checkpoint)
    pending_ = {checkpoint, 0, std::vector<NodeRows>(operators_.size())};
  pending_.nodes[numbers_.at(node.uid)] += rows;
}

void RowAudit::completed(CheckpointId checkpoint, std::int64_t wall_ms) {
  MutexLock lock(mutex_);
  if (checkpoint != pending_.checkpoint) return;
  Cut cut = base_;
  for (std::size_t i = 0; i < cut.nodes.size(); ++i) cut.nodes[i] += pending_.nodes[i];
  cut.checkpoint = checkpoint;
  cut.at_ms = wall_ms;
  if (!cuts_.empty() && cuts_.back().at_ms / kMinuteMs == wall_ms / kMinuteMs) cuts_.pop_back();
  cuts_.push_back(std::move(cut));
  if (cuts_.size() <= kMinutesMax) return;
  before_ = std::move(cuts_.front());
  cuts_.pop_front();
}

std::optional<RowAudit::Report> RowAudit::report() const {
  MutexLock lock(mutex_);
  if (cuts_.empty()) return std::nullopt;
  Report report;
  report.checkpoint = cuts_.back().checkpoint;
  report.checksums = options_.checksums;
  const Cut start{0, options_.started_ms, std::vector<NodeRows>(operators_.size())};
  report.total = between(start, cuts_.back());
  const Cut* earlier = &before_;
  for (const Cut& cut : cuts_) {
    report.minutes.push_back(between(*earlier, cut));
    earlier = &cut;
  }
  return report;
}

RowAudit::Span RowAudit::between(const Cut& earlier, const Cut& later) const {
  Span span{earlier.at_ms, later.at_ms, {}};
  std::vector<NodeRows> rows;
  for (std::size_t i = 0; i < later.nodes.size(); ++i)
    rows.push_back(later.nodes[i] - earlier.nodes[i]);
  for (NodeId node = 0; node < operators_.size(); ++node) {
    for (std::size_t input = 0; input < operators_[node].inputs.size(); ++input)
      span.findings.push_back(edge(rows, node, input));
    const bool is_source = operators_[node].inputs.empty();
    if (!is_source && !operators_[node].is_sink) span.findings.push_back(law(rows[node], node));
  }
  return span;
}

RowFinding RowAudit::edge(const std::vector<NodeRows>& rows, NodeId node, std::size_t input) const {
  const Input& from = operators_[node].inputs[input];
  RowTally emitted = tally_at(rows[from.from].emitted, from.output);
  if (from.partitioning == Partitioning::kBroadcast)
    emitted = times(emitted, options_.parallelism[node]);
  const RowTally& taken = tally_at(rows[node].taken, input);
  RowFinding found;
  found.node = node;
  found.input = input;
  found.name = operators_[from.from].name;
  if (from.output > 0) found.name += " (side output " + std::to_string(from.output) + ")";
  found.name += " -> " + operators_[node].name;
  if (operators_[node].inputs.size() > 1)
    found.name += " (input " + std::to_string(input + 1) + ")";
  found.in = emitted.rows;
  found.out = taken.rows;
  found.missing = emitted.rows - taken.rows;
  found.verdict = verdict_of(found.missing);
  if (found.missing == 0 && !(emitted == taken)) found.verdict = RowFinding::Verdict::kDifferent;
  return found;
}

RowFinding RowAudit::law(const NodeRows& rows, NodeId node) const {
  RowFinding found;
  found.node = node;
  found.name = operators_[node].name;
  for (const RowTally& taken : rows.taken) found.in += taken.rows;
  found.out = tally_at(rows.emitted, 0).rows;
  found.dropped = rows.dropped;
  const std::int64_t rest = found.in - found.dropped - found.out;
  switch (rows.law) {
    case RowLaw::kNone:
      found.verdict = RowFinding::Verdict::kNoLaw;
      break;
    case RowLaw::kAtMost:
      found.dropped += std::max<std::int64_t>(rest, 0);
      found.missing = std::min<std::int64_t>(rest, 0);
      found.verdict = verdict_of(found.missing);
      break;
    case RowLaw::kEach:
      found.missing = rest;
      found.verdict = verdict_of(rest);
      break;
  }
  return found;
}

}  // namespace slipstream::flow
