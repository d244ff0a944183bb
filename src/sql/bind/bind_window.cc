// TUMBLE, HOP and CUMULATE as table functions.
#include "base/try.h"
#include "sql/bind/query_binder.h"

namespace slipstream::sql {
namespace {

// The arguments by meaning, whether they came by name or by position.
struct WindowArguments {
  const ast::TableArgument* data = nullptr;
  const ast::DescriptorExpr* time = nullptr;
  std::vector<const ast::Expr*> intervals;  // by position after the descriptor
  const ast::Expr* size = nullptr;
  const ast::Expr* slide = nullptr;
  const ast::Expr* offset = nullptr;
};

std::string collect(const ast::CallExpr& call, WindowArguments* out) {
  for (const auto& argument : call.arguments) {
    const ast::Expr* value = argument.get();
    std::string name;
    if (const auto* named = ast::as_if<ast::NamedArgument>(*value)) {
      for (const char c : named->name.name)
        name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
      value = named->value.get();
    }
    if (const auto* table = ast::as_if<ast::TableArgument>(*value)) {
      out->data = table;
    } else if (const auto* time = ast::as_if<ast::DescriptorExpr>(*value)) {
      out->time = time;
    } else if (name == "SIZE") {
      out->size = value;
    } else if (name == "SLIDE" || name == "STEP") {
      out->slide = value;
    } else if (name == "OFFSET") {
      out->offset = value;
    } else if (name.empty()) {
      out->intervals.push_back(value);
    } else {
      return name;
    }
  }
  return "";
}

std::optional<std::int64_t> interval_ms(const ast::Expr& e, std::vector<Diagnostic>& diagnostics) {
  const auto* interval = ast::as_if<ast::IntervalLiteral>(e);
  const expr::ExprPtr bound = interval == nullptr ? nullptr : bind_interval(*interval, diagnostics);
  if (!bound || bound->type.kind() != TypeKind::kIntervalDayTime) {
    if (interval == nullptr || bound) {
      diagnostics.push_back(Diagnostic::at(e.span, "a window takes an interval of days to seconds",
                                           "INTERVAL '10' SECOND"));
    }
    return std::nullopt;
  }
  return bound->literal->data<std::int64_t>()[0];
}

std::optional<WindowSpec> window_spec(const std::string& name, const ast::CallExpr& call,
                                      const WindowArguments& arguments,
                                      std::vector<Diagnostic>& diagnostics) {
  const std::optional<std::int64_t> none(0);
  const auto size = interval_ms(*arguments.size, diagnostics);
  const auto slide = arguments.slide ? interval_ms(*arguments.slide, diagnostics) : none;
  const auto offset = arguments.offset ? interval_ms(*arguments.offset, diagnostics) : none;
  if (!size || !slide || !offset) return std::nullopt;
  if (*size <= 0 || (name != "TUMBLE" && (*slide <= 0 || *size % *slide != 0))) {
    diagnostics.push_back(
        Diagnostic::at(call.span, "the size of a " + name + " window must be positive" +
                                      (name == "TUMBLE" ? "" : " and a multiple of its slide")));
    return std::nullopt;
  }
  WindowSpec window;
  window.kind = name == "TUMBLE" ? flow::WindowKind::kTumble
                : name == "HOP"  ? flow::WindowKind::kHop
                                 : flow::WindowKind::kCumulate;
  window.size_ms = *size;
  window.slide_ms = *slide;
  window.offset_ms = *offset;
  return window;
}

// The input with window_start, window_end and window_time behind its columns.
RelPtr window_table(RelPtr input, const WindowSpec& window, std::size_t time_column) {
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kWindowTable;
  rel->window = window;
  rel->window.time_column = time_column;
  rel->schema = input->schema;
  rel->traits = input->traits;
  rel->updating = input->updating;
  const Type& time_type = input->schema[time_column].type;
  using Window = ColumnTrait::Window;
  const auto add = [&](const char* column_name, flow::WindowColumn which, Window trait) {
    rel->schema.add(column_name, flow::window_column_type(which, time_type));
    rel->traits.push_back(ColumnTrait{which == flow::WindowColumn::kTime, trait});
  };
  for (ColumnTrait& trait : rel->traits) trait.window = Window::kNone;
  rel->traits[time_column].rowtime = false;  // the window's time takes its place
  add("window_start", flow::WindowColumn::kStart, Window::kStart);
  add("window_end", flow::WindowColumn::kEnd, Window::kEnd);
  add("window_time", flow::WindowColumn::kTime, Window::kTime);
  rel->inputs.push_back(std::move(input));
  return rel;
}

}  // namespace

RelPtr QueryBinder::bind_window_function(const ast::FunctionTable& table) {
  const auto* call = ast::as_if<ast::CallExpr>(*table.call);
  const std::string name = call == nullptr ? "" : call->simple_name();
  if (name != "TUMBLE" && name != "HOP" && name != "CUMULATE") {
    report(table.span, "unknown table function" + (call ? " " + call->name.text() : ""),
           "TUMBLE, HOP and CUMULATE exist");
    return nullptr;
  }
  WindowArguments arguments;
  const std::string unknown = collect(*call, &arguments);
  if (!unknown.empty()) {
    report(call->span, name + " has no argument " + unknown,
           "DATA, TIMECOL, SIZE, SLIDE (HOP), STEP (CUMULATE) and OFFSET exist");
    return nullptr;
  }
  // HOP(data, time, slide, size), CUMULATE(data, time, step, size), TUMBLE(data, time, size); then
  // offset
  std::size_t next = 0;
  const auto positional = [&](const ast::Expr** slot) {
    if (*slot == nullptr && next < arguments.intervals.size()) *slot = arguments.intervals[next++];
  };
  if (name != "TUMBLE") positional(&arguments.slide);
  positional(&arguments.size);
  positional(&arguments.offset);
  if (!arguments.data || !arguments.time || !arguments.size ||
      arguments.time->columns.size() != 1 || (name != "TUMBLE" && !arguments.slide) ||
      next < arguments.intervals.size()) {
    report(call->span, name + " has wrong arguments",
           name == "TUMBLE"
               ? "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)"
               : name + "(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)");
    return nullptr;
  }
  RelPtr input = arguments.data->name ? bind_named(*arguments.data->name, {})
                                      : bind_query(*arguments.data->query);
  const auto spec = window_spec(name, *call, arguments, diagnostics_);
  if (!input || !spec) return nullptr;
  const ast::Identifier& column = arguments.time->columns[0];
  const auto index = input->schema.find(column.name);
  if (!index) {
    const Scope scope = Scope::of(*input, "");
    ExprBinder binder(scope, diagnostics_);
    ast::QualifiedName qualified;
    qualified.span = column.span;
    qualified.parts.push_back(column);
    binder.find_column(qualified);
    return nullptr;
  }
  if (!input->traits[*index].rowtime) {
    report(column.span,
           "column '" + column.name + "' is no event time, so there is no window over it",
           "declare WATERMARK FOR " + column.name + " AS " + column.name +
               " - INTERVAL '5' SECOND in its table");
    return nullptr;
  }
  return window_table(std::move(input), *spec, *index);
}

}  // namespace slipstream::sql
