// Relational plans: what the binder makes, rules rewrite and lower/ turns into a job graph.
//
// A node is a plain value tree owned by unique_ptr. Expressions refer to the columns of the node's
// input by position (for joins: left columns, then right columns).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "expr/expr.h"
#include "expr/function.h"
#include "flow/operators/window.h"
#include "flow/state_schema.h"
#include "sql/parse/diagnostic.h"

namespace slipstream::sql {

// What is known of a column beyond its type.
struct ColumnTrait {
  bool rowtime = false;  // an event-time attribute: windows may be built on it
  enum class Window : std::uint8_t {
    kNone,
    kStart,
    kEnd,
    kTime
  } window = Window::kNone;  // made by a window function
};

struct WindowSpec {
  flow::WindowKind kind = flow::WindowKind::kTumble;
  std::size_t time_column = 0;  // of the input
  std::int64_t size_ms = 0;
  std::int64_t slide_ms = 0;  // kHop: slide; kCumulate: step
  std::int64_t offset_ms = 0;
  std::string to_string() const;  // "TUMBLE(ts, 10 s)"
};

struct AggregateCall {
  const expr::AggregateFunction* function = nullptr;
  std::vector<std::size_t> args;  // input columns
  std::vector<Type>
      arg_types;  // what the function wants, after coercion (the binder has cast below)
  Type result;
  bool distinct = false;
  std::optional<std::size_t> filter;  // input column, BOOLEAN
  std::string name;                   // output column
  SourceSpan span = {};               // where an error about it points
  std::string to_string(const Schema& input) const;
};

enum class RelKind : std::uint8_t {
  kScan,             // a source: physical and metadata columns of a table
  kCalc,             // optional predicate, then projections
  kWatermark,        // event time is assigned
  kWindowTable,      // TUMBLE, HOP as table function: adds window_start, window_end, window_time
  kWindowAggregate,  // grouped by a window and keys
  kGroupAggregate,   // updating
  kJoin,             // inner equi-join
  kUnion,            // UNION ALL
  kValues,           // literal rows
  kSink,             // INSERT INTO
  kCollect,          // SELECT at the top: rows for a person or a program
};

struct Rel;
using RelPtr = std::unique_ptr<Rel>;

struct ScanSpec {
  TableDefinition table;
  std::string connector;
  std::vector<std::string> identity;  // options that say what is read: "topic=orders"
  std::vector<std::size_t> physical;  // read columns, ascending
  std::vector<std::size_t> metadata;
  std::vector<Predicate> predicates;           // offered to the source
  std::vector<expr::ExprPtr> predicate_exprs;  // the same over this node's columns; what the source
                                               // does not accept is evaluated above the scan
  std::shared_ptr<Source> source;              // made when the plan is complete
  std::shared_ptr<Sink> dead_letters;          // likewise; null: rows that are refused end the job
};

// One node. Only the members of its kind are used.
struct Rel {
  RelKind kind = RelKind::kScan;
  Schema schema;
  std::vector<ColumnTrait> traits;  // one per column
  std::vector<RelPtr> inputs;
  bool updating = false;  // emits -U, +U, -D

  std::optional<ScanSpec> scan;

  expr::ExprPtr predicate;  // kCalc; kJoin: what is left of ON after the keys; may be null
  std::vector<expr::ExprPtr> projections;  // kCalc

  std::size_t time_column = 0;  // kWatermark: the rowtime column
  expr::ExprPtr watermark;      // kWatermark: over the input
  OptionMap watermark_options;  // kWatermark: scan.watermark.* of the table

  WindowSpec window;              // kWindowTable, kWindowAggregate
  std::vector<std::size_t> keys;  // aggregates: grouped input columns
  std::vector<flow::WindowColumn>
      window_outputs;            // kWindowAggregate: window columns after keys and calls
  std::size_t window_start = 0;  // kWindowAggregate: input columns that name the window
  std::size_t window_end = 0;
  std::vector<AggregateCall> calls;

  std::int64_t state_ttl_ms = 0;  // kGroupAggregate, kJoin: table.exec.state.ttl; 0 = forever

  std::vector<std::size_t> left_keys;   // kJoin, positions in the left input
  std::vector<std::size_t> right_keys;  // kJoin, positions in the right input

  std::vector<std::vector<expr::ExprPtr>> rows;  // kValues

  TableDefinition sink_table;              // kSink
  std::string sink_connector;              // kSink
  std::vector<std::string> sink_identity;  // kSink: options that say what is written
  std::shared_ptr<Sink> sink;              // kSink, made when the plan is complete

  std::int64_t limit = -1;  // kCollect: rows after which the query ends; -1 = none
  SourceSpan span;          // kJoin, kSink: where an error about the node points

  std::string uid;               // by identify(); empty: nothing is kept between rows
  flow::StateIdentity identity;  // likewise
};

// A kCalc over `input`; traits follow plain column references.
RelPtr make_calc(RelPtr input, expr::ExprPtr predicate, std::vector<expr::ExprPtr> projections,
                 std::vector<std::string> names);
// A kCalc that only filters.
RelPtr make_filter(RelPtr input, expr::ExprPtr predicate);

// The tree as text, one node a line, inputs indented below.
std::string to_string(const Rel& rel);
// The window table function whose windows a kWindowAggregate groups by.
const Rel& window_function_of(const Rel& aggregate);
// "grows with ..." or empty.
std::string state_note(const Rel& rel);

}  // namespace slipstream::sql
