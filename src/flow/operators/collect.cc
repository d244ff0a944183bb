#include "flow/operators/collect.h"

#include <utility>

#include "base/try.h"

namespace slipstream::flow {

namespace {

class Collect final : public Operator {
 public:
  explicit Collect(CollectSpec spec) : spec_(std::move(spec)) {}

  Status open(const OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    waiting_ = std::move(batch);
    return resume(out);
  }
  Result<Progress> resume(Emitter&) override {
    if (spec_.has_room && !spec_.has_room()) return Progress::kMore;
    const Batch batch = std::move(waiting_);
    waiting_ = Batch();
    if (batch.rows() > 0) TRY(spec_.rows(batch));
    return Progress::kDone;
  }
  Result<Progress> end_input(std::size_t, Emitter&) override {
    if (spec_.ended) spec_.ended();
    return Progress::kDone;
  }

 private:
  CollectSpec spec_;
  Batch waiting_;
};

class Union final : public Operator {
 public:
  Status open(const OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    if (batch.rows() == 0) return Progress::kDone;
    // Each input has come through an exchange of its own, or none: its hashes say nothing about the
    // union.
    batch.set_key_hashes({});
    out.emit(std::move(batch));
    return Progress::kDone;
  }
  RowLaw row_law() const override { return RowLaw::kEach; }
};

}  // namespace

std::unique_ptr<Operator> make_collect(CollectSpec spec) {
  return std::make_unique<Collect>(std::move(spec));
}

std::unique_ptr<Operator> make_union() { return std::make_unique<Union>(); }

}  // namespace slipstream::flow
