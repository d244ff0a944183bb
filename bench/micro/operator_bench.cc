// Expressions over columns and the hash aggregate.
#include <benchmark/benchmark.h>

#include "base/try.h"
#include "bids.h"
#include "expr/function.h"
#include "expr/program.h"
#include "flow/operators/group_aggregate.h"

namespace slipstream::bench {
namespace {

using expr::ExprPtr;

ExprPtr call(const char* name, std::vector<ExprPtr> args) {
  auto bound = expr::bind_call(*expr::find_function(name), std::move(args));
  CHECK(bound.ok());
  return *bound;
}
ExprPtr price() { return expr::column(2, Type::bigint(), "price"); }
ExprPtr url() { return expr::column(4, Type::string(), "url"); }

expr::EvalContext context() {
  expr::EvalContext eval;
  eval.wall_micros = [] { return std::int64_t{1'700'000'000'000'000}; };
  return eval;
}

void run_program(benchmark::State& state, ExprPtr (*make)()) {
  const Batch batch = bid_batch();
  auto program = expr::Program::compile({make()}, context());
  CHECK(program.ok());
  for ([[maybe_unused]] auto round : state) {
    auto columns = (*program)->run(batch);
    CHECK(columns.ok());
    benchmark::DoNotOptimize(columns->data());
  }
  state.SetItemsProcessed(state.iterations() * kBids);
}

void select_rows(benchmark::State& state) {
  const Batch batch = bid_batch();
  auto program =
      expr::Program::compile({call("<", {price(), expr::bigint_literal(100'000)})}, context());
  CHECK(program.ok());
  for ([[maybe_unused]] auto round : state) {
    auto rows = (*program)->select(batch);
    CHECK(rows.ok());
    benchmark::DoNotOptimize(rows->data());
  }
  state.SetItemsProcessed(state.iterations() * kBids);
}

ExprPtr arithmetic() {
  return call("+", {call("*", {price(), expr::bigint_literal(908)}), expr::bigint_literal(7)});
}
ExprPtr upper() { return call("UPPER", {url()}); }
ExprPtr like() { return call("LIKE", {url(), expr::string_literal("%/item.htm?query%")}); }

// Drops what it gets.
class Nowhere final : public flow::Emitter {
 public:
  void emit(Batch&& batch) override { benchmark::DoNotOptimize(batch.rows()); }
  void emit_side(std::size_t, Batch&&) override {}
  void emit(const flow::TimeSignal&) override {}
  bool has_room() const override { return true; }
};

class FreeMemory final : public flow::MemoryReservation {
 public:
  Status grow(std::size_t) override { return {}; }
  void shrink(std::size_t) override {}
};

flow::AggregateCallSpec aggregate(const char* name, std::vector<std::size_t> args) {
  flow::AggregateCallSpec spec;
  spec.function = expr::find_aggregate(name);
  const std::vector<Type> types(args.size(), Type::bigint());
  const auto signature = spec.function->resolve(types);
  CHECK(signature.ok());
  spec.args = std::move(args);
  spec.arg_types = signature->args;
  spec.result = signature->result;
  return spec;
}

// Batches whose keys go through all of `keys` in an order that caches do not foresee.
std::vector<Batch> keyed_batches(std::size_t keys) {
  std::vector<Batch> batches;
  const std::size_t count = std::max<std::size_t>(keys / std::size_t{kBids}, 4);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ColumnBuilder key(Type::bigint());
    ColumnBuilder value(Type::bigint());
    for (std::size_t row = 0; row < std::size_t{kBids}; ++row) {
      number = number * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
      key.append<std::int64_t>(static_cast<std::int64_t>((number >> 33U) % keys));
      value.append<std::int64_t>(static_cast<std::int64_t>(row));
    }
    batches.push_back(Batch(kBids, {key.finish(), value.finish()}));
  }
  return batches;
}

void count_and_sum(benchmark::State& state) {
  flow::GroupAggregateSpec spec;
  spec.input = Schema({{"k", Type::bigint()}, {"v", Type::bigint()}});
  spec.keys = {0};
  spec.calls = {aggregate("COUNT", {}), aggregate("SUM", {1})};
  const auto group = flow::make_group_aggregate(spec);
  FreeMemory memory;
  flow::OperatorContext operator_context;
  operator_context.now_ms = [] { return std::int64_t{0}; };
  operator_context.memory = &memory;
  CHECK(group->open(operator_context).ok());
  Nowhere nowhere;
  const std::vector<Batch> batches = keyed_batches(static_cast<std::size_t>(state.range(0)));
  for (const Batch& each : batches) CHECK(group->push(0, Batch(each), nowhere).ok());
  std::size_t next = 0;
  for ([[maybe_unused]] auto round : state) {
    CHECK(group->push(0, Batch(batches[next]), nowhere).ok());
    next = (next + 1) % batches.size();
  }
  state.SetItemsProcessed(state.iterations() * kBids);
}

BENCHMARK_CAPTURE(run_program, arithmetic, arithmetic);
BENCHMARK_CAPTURE(run_program, upper, upper);
BENCHMARK_CAPTURE(run_program, like, like);
BENCHMARK(select_rows);
BENCHMARK(count_and_sum)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
}  // namespace slipstream::bench
