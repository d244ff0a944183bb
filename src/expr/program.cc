// A program is the deduplicated graph of its expressions' nodes, evaluated on demand.
//
// A row set ("scope") is the whole batch or a part of another scope: the rows that reach a branch
// of CASE, AND, OR or COALESCE. A node's value is computed for a scope and serves every scope
// inside it, so that a subexpression shared by two branches is computed once when the first use
// covers the second.
#include "expr/program.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "expr/cast.h"
#include "expr/kernel.h"
#include "expr/merge.h"
#include "expr/one_row.h"

namespace slipstream::expr {

namespace {

struct Scope {
  std::span<const std::uint32_t> rows;
  const Scope* outer = nullptr;
  std::vector<std::uint32_t> storage;
};

bool is_inside(const Scope* inner, const Scope* outer) {
  for (; inner != nullptr; inner = inner->outer) {
    if (inner == outer) return true;
  }
  return false;
}

// Whether argument `index` is evaluated whenever the node is.
bool is_eager(ExprKind kind, std::size_t index) {
  switch (kind) {
    case ExprKind::kCase:
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kCoalesce:
      return index == 0;
    default:
      return true;
  }
}

std::string named(const Expr& e) { return e.text.empty() ? to_string(e) : e.text; }

Error row_error(const Expr& e, const std::string& reason) {
  return Error{ErrorCode::kDataError, named(e) + ": " + reason, false};
}

struct ExprHash {
  std::size_t operator()(const Expr* e) const { return hash(*e); }
};
struct ExprEqual {
  bool operator()(const Expr* a, const Expr* b) const { return equal(*a, *b); }
};

}  // namespace

class Program::Impl {
 public:
  explicit Impl(EvalContext context) : context_(std::move(context)) {}

  Status compile(std::vector<ExprPtr> exprs) {
    TRY_ASSIGN(context_.zone, TimeZone::from_name(context_.session_time_zone));
    exprs_ = std::move(exprs);
    for (const ExprPtr& e : exprs_) {
      TRY_ASSIGN(const std::size_t root, add(e.get(), true));
      roots_.push_back(root);
    }
    return {};
  }

  Result<std::vector<ColumnPtr>> run(const Batch& batch) {
    begin(batch);
    std::vector<ColumnPtr> columns;
    columns.reserve(roots_.size());
    for (std::size_t i = 0; i < roots_.size(); ++i) {
      auto column = evaluate(roots_[i], &whole_);
      if (!column.ok()) {
        end();
        return std::move(column).error();
      }
      columns.push_back(retyped(*column, exprs_[i]->type, rows_));
    }
    end();
    return columns;
  }

  Result<std::vector<std::uint32_t>> select(const Batch& batch) {
    begin(batch);
    auto column = evaluate(roots_.at(0), &whole_);
    end();
    if (!column.ok()) return std::move(column).error();
    const auto* values = (*column)->data<std::uint8_t>();
    std::vector<std::uint32_t> chosen;
    chosen.reserve(batch.rows());
    const bool may_have_nulls = (*column)->may_have_nulls();
    for (std::uint32_t row = 0; row < batch.rows(); ++row) {
      if (values[row] != 0 && (!may_have_nulls || !(*column)->is_null(row))) chosen.push_back(row);
    }
    return chosen;
  }

 private:
  struct Node {
    const Expr* expr = nullptr;
    std::vector<std::size_t> args;
    std::unique_ptr<bool[]> constant_args;
    ColumnPtr constant;  // one row, when folded
    ColumnPtr repeated;  // `constant` for as many rows as the largest batch so far
    std::shared_ptr<void> memo;
    ColumnPtr value;  // of this run
    const Scope* computed_for = nullptr;
  };

  // The register of `e`. `eager`: evaluated for every row, so a failure of a constant is one of the
  // whole program.
  Result<std::size_t> add(const Expr* e, bool eager) {
    const bool shareable = deterministic(*e);
    if (shareable) {
      if (const auto found = index_.find(e); found != index_.end()) return found->second;
    }
    Node made;
    made.expr = e;
    for (std::size_t i = 0; i < e->args.size(); ++i) {
      TRY_ASSIGN(const std::size_t arg, add(e->args[i].get(), eager && is_eager(e->kind, i)));
      made.args.push_back(arg);
    }
    made.constant_args = std::make_unique<bool[]>(made.args.size() + 1);
    bool all_constant = e->kind != ExprKind::kColumn && shareable;
    for (std::size_t i = 0; i < made.args.size(); ++i) {
      made.constant_args[i] = nodes_[made.args[i]].constant != nullptr;
      all_constant = all_constant && made.constant_args[i];
    }
    TRY(check_constants(made));
    const std::size_t at = nodes_.size();
    nodes_.push_back(std::move(made));
    if (all_constant) TRY(fold(at, eager));
    if (shareable) index_.emplace(e, at);
    return at;
  }

  Status check_constants(const Node& made) const {
    if (made.expr->kind != ExprKind::kCall || !made.expr->function->check) return {};
    std::vector<ColumnPtr> constants;
    for (const std::size_t arg : made.args) constants.push_back(nodes_[arg].constant);
    const Status checked = made.expr->function->check(constants);
    return checked.ok() ? checked : checked.with_context(named(*made.expr));
  }

  Status fold(std::size_t at, bool eager) {
    Node& made = nodes_[at];
    if (made.expr->kind == ExprKind::kLiteral) {
      made.constant = made.expr->literal;
      return {};
    }
    begin(one_row_);
    auto value = evaluate(at, &whole_);
    end();
    if (value.ok()) {
      made.constant = retyped(*value, made.expr->type, 1);
    } else if (eager) {
      return Error{ErrorCode::kInvalidArgument, value.error().message};
    }
    return {};
  }

  void begin(const Batch& batch) {
    batch_ = &batch;
    rows_ = batch.rows();
    if (iota_.size() < rows_) {
      iota_.resize(std::max(rows_, kBatchRows));
      std::iota(iota_.begin(), iota_.end(), 0U);
    }
    whole_.rows = std::span<const std::uint32_t>(iota_.data(), rows_);
  }

  void end() {
    for (Node& node : nodes_) {
      node.value = nullptr;
      node.computed_for = nullptr;
    }
    scopes_.clear();
    batch_ = nullptr;
  }

  Scope* narrowed(const Scope* outer) {
    scopes_.emplace_back();
    scopes_.back().outer = outer;
    return &scopes_.back();
  }

  const ColumnPtr& constant_rows(Node& node) {
    if (node.repeated == nullptr || node.repeated->size() < rows_)
      node.repeated = repeat(*node.constant, rows_);
    return node.repeated;
  }

  // A column of at least rows_ rows that is right in the rows of `scope`.
  Result<ColumnPtr> evaluate(std::size_t at, const Scope* scope) {
    Node& node = nodes_[at];
    if (node.constant != nullptr) return constant_rows(node);
    if (node.expr->kind == ExprKind::kColumn) return batch_->column(node.expr->index);
    if (node.value != nullptr && is_inside(scope, node.computed_for)) return node.value;
    if (scope->rows.empty()) return all_null(node.expr->type, rows_);
    TRY_ASSIGN(ColumnPtr value, compute(node, scope));
    if (node.value == nullptr || is_inside(node.computed_for, scope)) {
      node.value = value;
      node.computed_for = scope;
    }
    return value;
  }

  Result<ColumnPtr> compute(Node& node, const Scope* scope) {
    switch (node.expr->kind) {
      case ExprKind::kColumn:
        break;
      case ExprKind::kLiteral:
        return repeat(*node.expr->literal, rows_);
      case ExprKind::kCall:
        return compute_call(node, scope);
      case ExprKind::kCast:
        return compute_cast(node, scope);
      case ExprKind::kCase:
        return compute_case(node, scope);
      case ExprKind::kAnd:
        return compute_logical(node, scope, false);
      case ExprKind::kOr:
        return compute_logical(node, scope, true);
      case ExprKind::kNot:
        return compute_not(node, scope);
      case ExprKind::kIsNull:
        return compute_is_null(node, scope);
      case ExprKind::kCoalesce:
        return compute_coalesce(node, scope);
      case ExprKind::kField:
        return compute_field(node, scope);
    }
    return Error{ErrorCode::kInternal, "an expression node of unknown kind"};
  }

  Result<ColumnPtr> compute_call(Node& node, const Scope* scope) {
    const Function& function = *node.expr->function;
    std::vector<ColumnPtr> args;
    args.reserve(node.args.size());
    for (const std::size_t arg : node.args) {
      if (function.one_row_constants && nodes_[arg].constant != nullptr) {
        args.push_back(nodes_[arg].constant);
        continue;
      }
      TRY_ASSIGN(ColumnPtr column, evaluate(arg, scope));
      args.push_back(std::move(column));
    }
    KernelContext ctx(context_, rows_, scope->rows,
                      std::span<const bool>(node.constant_args.get(), args.size()), &node.memo);
    ColumnPtr value = function.kernel(ctx, args, node.expr->type);
    if (!ctx.failures().empty()) return row_error(*node.expr, ctx.failures().front().reason);
    return value;
  }

  Result<ColumnPtr> compute_cast(Node& node, const Scope* scope) {
    TRY_ASSIGN(const ColumnPtr arg, evaluate(node.args[0], scope));
    KernelContext ctx(context_, rows_, scope->rows);
    ColumnPtr value = cast_column(ctx, arg, node.expr->type);
    if (!ctx.failures().empty() && !node.expr->try_cast) {
      return row_error(*node.expr, ctx.failures().front().reason);
    }
    return value;
  }

  // AND stops at FALSE, OR at TRUE (`decisive`): later arguments see only the rows that are still
  // open.
  Result<ColumnPtr> compute_logical(Node& node, const Scope* scope, bool decisive) {
    BoolResult result(node.expr->type, rows_);
    std::uint8_t* const out = result.data();
    std::fill(out, out + rows_, static_cast<std::uint8_t>(decisive ? 0 : 1));
    const Scope* open = scope;
    for (std::size_t i = 0; i < node.args.size(); ++i) {
      TRY_ASSIGN(const ColumnPtr arg, evaluate(node.args[i], open));
      const auto* values = arg->data<std::uint8_t>();
      const bool last = i + 1 == node.args.size();
      Scope* next = last ? nullptr : narrowed(open);
      for (const std::uint32_t row : open->rows) {
        if (arg->is_null(row)) {
          result.set_null(row);
        } else if ((values[row] != 0) == decisive) {
          out[row] = decisive ? 1 : 0;
          result.validity().set_valid(row);
          continue;
        }
        if (!last) next->storage.push_back(row);
      }
      if (last || next->storage.empty()) break;
      open = settled(next);
    }
    return result.finish();
  }

  // A scope with its rows in place; one that lost no row is its outer scope.
  static const Scope* settled(Scope* scope) {
    if (scope->storage.size() == scope->outer->rows.size()) return scope->outer;
    scope->rows = scope->storage;
    return scope;
  }

  Result<ColumnPtr> compute_not(Node& node, const Scope* scope) {
    TRY_ASSIGN(const ColumnPtr arg, evaluate(node.args[0], scope));
    KernelContext ctx(context_, rows_, scope->rows);
    return map_unary<std::uint8_t, std::uint8_t>(
        ctx, *arg, node.expr->type,
        [](std::uint8_t value) { return static_cast<std::uint8_t>(value == 0 ? 1 : 0); });
  }

  Result<ColumnPtr> compute_is_null(Node& node, const Scope* scope) {
    TRY_ASSIGN(const ColumnPtr arg, evaluate(node.args[0], scope));
    BoolResult result(node.expr->type, rows_);
    const bool negated = node.expr->negated;
    for (const std::uint32_t row : scope->rows) {
      result.set(row, static_cast<std::uint8_t>(arg->is_null(row) != negated ? 1 : 0));
    }
    return result.finish();
  }

  Result<ColumnPtr> compute_case(Node& node, const Scope* scope) {
    std::vector<ColumnPart> parts;
    const Scope* open = scope;
    for (std::size_t i = 0; i + 1 < node.args.size() && !open->rows.empty(); i += 2) {
      TRY_ASSIGN(const ColumnPtr when, evaluate(node.args[i], open));
      const auto* values = when->data<std::uint8_t>();
      Scope* taken = narrowed(open);
      Scope* rest = narrowed(open);
      for (const std::uint32_t row : open->rows) {
        (values[row] != 0 && !when->is_null(row) ? taken : rest)->storage.push_back(row);
      }
      const Scope* chosen = settled(taken);
      if (!chosen->rows.empty()) {
        TRY_ASSIGN(ColumnPtr then, evaluate(node.args[i + 1], chosen));
        parts.push_back(ColumnPart{std::move(then), chosen->rows});
      }
      open = settled(rest);
    }
    if (!open->rows.empty()) {
      TRY_ASSIGN(ColumnPtr otherwise, evaluate(node.args.back(), open));
      parts.push_back(ColumnPart{std::move(otherwise), open->rows});
    }
    return merge_parts(node.expr->type, rows_, parts);
  }

  Result<ColumnPtr> compute_coalesce(Node& node, const Scope* scope) {
    std::vector<ColumnPart> parts;
    const Scope* open = scope;
    for (std::size_t i = 0; i < node.args.size() && !open->rows.empty(); ++i) {
      TRY_ASSIGN(ColumnPtr arg, evaluate(node.args[i], open));
      const bool last = i + 1 == node.args.size();
      if (last || !arg->may_have_nulls()) {
        parts.push_back(ColumnPart{std::move(arg), open->rows});
        break;
      }
      Scope* taken = narrowed(open);
      Scope* rest = narrowed(open);
      for (const std::uint32_t row : open->rows)
        (arg->is_null(row) ? rest : taken)->storage.push_back(row);
      parts.push_back(ColumnPart{std::move(arg), settled(taken)->rows});
      open = settled(rest);
    }
    return merge_parts(node.expr->type, rows_, parts);
  }

  Result<ColumnPtr> compute_field(Node& node, const Scope* scope) {
    TRY_ASSIGN(const ColumnPtr row, evaluate(node.args[0], scope));
    const ColumnPtr& field = row->children()[node.expr->index];
    if (!row->may_have_nulls()) return field;
    ColumnPtr copy = retyped(field, node.expr->type, rows_);
    return with_nulls_of(copy, *row, rows_);
  }

  EvalContext context_;
  std::vector<ExprPtr> exprs_;
  std::vector<std::size_t> roots_;
  std::deque<Node> nodes_;
  std::unordered_map<const Expr*, std::size_t, ExprHash, ExprEqual> index_;
  std::vector<std::uint32_t> iota_;

  const Batch one_row_{1, {}};  // what constants are folded over
  const Batch* batch_ = nullptr;
  std::size_t rows_ = 0;
  Scope whole_;
  std::deque<Scope> scopes_;
};

Program::Program(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Program::~Program() = default;

Result<std::unique_ptr<Program>> Program::compile(std::vector<ExprPtr> exprs, EvalContext context) {
  auto impl = std::make_unique<Impl>(std::move(context));
  TRY(impl->compile(std::move(exprs)));
  return std::unique_ptr<Program>(new Program(std::move(impl)));
}

Result<std::vector<ColumnPtr>> Program::run(const Batch& batch) { return impl_->run(batch); }
Result<std::vector<std::uint32_t>> Program::select(const Batch& batch) {
  return impl_->select(batch);
}

Result<ColumnPtr> evaluate_constant(const ExprPtr& e, const EvalContext& context) {
  if (!columns_read(*e).empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 to_string(*e) + ": a constant is needed, this reads a column"};
  }
  TRY_ASSIGN(auto program, Program::compile({e}, context));
  TRY_ASSIGN(auto columns, program->run(Batch(1, {})));
  return columns[0];
}

std::optional<ConstantFault> constant_fault(const Expr& call) {
  if (call.kind != ExprKind::kCall || !call.function->check) return std::nullopt;
  EvalContext context;
  context.wall_micros = [] { return std::int64_t{0}; };  // no constant asks for it
  std::vector<ColumnPtr> constants;
  for (const ExprPtr& arg : call.args) {
    const bool constant = deterministic(*arg) && columns_read(*arg).empty();
    auto value = constant ? evaluate_constant(arg, context) : Result<ColumnPtr>(ColumnPtr());
    constants.push_back(value.ok() ? *std::move(value) : nullptr);
  }
  const Status checked = call.function->check(constants);
  if (checked.ok()) return std::nullopt;
  ConstantFault fault{checked.error(), std::nullopt};
  // The one without which nothing is wrong.
  for (std::size_t i = 0; i < constants.size() && !fault.argument; ++i) {
    ColumnPtr hidden = std::exchange(constants[i], nullptr);
    if (hidden != nullptr && call.function->check(constants).ok()) fault.argument = i;
    constants[i] = std::move(hidden);
  }
  return fault;
}

}  // namespace slipstream::expr
