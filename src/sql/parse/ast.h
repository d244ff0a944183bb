// The syntax tree of the SQL dialect: names and structure only, nothing is looked up or typed.
//
// Every node has a source span. Nodes are plain structs in four families (Expr, TableRef,
// QueryBody, Statement), each with a kind; `as<T>(node)` goes down to the struct of that kind.
// Children are owned; those documented "may be null" may be null, all others never are. Depth: no
// path from a statement to a leaf is longer than kDepthMax times a small constant, so recursive
// walks are safe; chains of AND/OR are flat (LogicalExpr).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "sql/parse/diagnostic.h"

namespace slipstream::sql::ast {

// Nesting of parentheses, subqueries and types.
inline constexpr int kDepthMax = 200;
// Height of an expression or join tree, left-deep chains (1 + 1 + 1 ...) included.
inline constexpr int kHeightMax = 1000;

struct Node {
  SourceSpan span;
};

template <typename T, typename Base>
const T& as(const Base& node) {
  DCHECK(node.kind == T::kKind);
  return static_cast<const T&>(node);
}
template <typename T, typename Base>
T& as(Base& node) {
  DCHECK(node.kind == T::kKind);
  return static_cast<T&>(node);
}
// nullptr if the node is of another kind.
template <typename T, typename Base>
const T* as_if(const Base& node) {
  return node.kind == T::kKind ? static_cast<const T*>(&node) : nullptr;
}

// A name as written; case is significant. `quoted`: it was in backquotes.
struct Identifier : Node {
  std::string name;
  bool quoted = false;
};

// a.b.c; never empty.
struct QualifiedName : Node {
  std::vector<Identifier> parts;
  // "a.b.c", without quotes: for messages
  std::string text() const;
};

// ---------------------------------------------------------------- types

enum class TypeKind : std::uint8_t {
  kBoolean,
  kTinyint,
  kSmallint,
  kInteger,
  kBigint,
  kFloat,
  kDouble,
  kDecimal,
  kChar,
  kVarchar,
  kString,
  kBinary,
  kVarbinary,
  kBytes,
  kDate,
  kTime,
  kTimestamp,
  kTimestampLtz,
  kIntervalYearMonth,
  kIntervalDayTime,
  kArray,
  kMap,
  kMultiset,
  kRow,
};

enum class TimeUnit : std::uint8_t {
  kMillennium,
  kCentury,
  kDecade,
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kNanosecond,
  kEpoch,
  kDayOfWeek,
  kDayOfYear,
  kIsoDayOfWeek,
  kIsoYear,
};

// "YEAR", "DOW", ...
std::string_view time_unit_name(TimeUnit unit);

// DAY(3) TO SECOND(6)
struct IntervalQualifier : Node {
  TimeUnit start = TimeUnit::kSecond;
  std::optional<TimeUnit> end;
  std::optional<int> start_precision;     // digits of the leading field; default 2
  std::optional<int> fraction_precision;  // digits after the point of SECOND; default 6

  bool is_year_month() const {
    return start == TimeUnit::kYear || start == TimeUnit::kQuarter || start == TimeUnit::kMonth;
  }
};

struct TypeName;
using TypeNamePtr = std::unique_ptr<TypeName>;

struct TypeField : Node {
  Identifier name;
  TypeNamePtr type;
  std::optional<std::string> comment;
};

struct TypeName : Node {
  TypeKind kind = TypeKind::kBoolean;
  std::optional<bool> nullable;  // NULL: true, NOT NULL: false, nothing said: empty
  std::optional<int> precision;  // DECIMAL(p), CHAR(n), BINARY(n), TIME(p), TIMESTAMP(p)
  std::optional<int> scale;      // DECIMAL(p, s)
  std::optional<IntervalQualifier> interval;
  std::vector<TypeNamePtr> arguments;  // ARRAY, MULTISET: element; MAP: key, value
  std::vector<TypeField> fields;       // ROW
};

// ---------------------------------------------------------------- expressions

enum class ExprKind : std::uint8_t {
  kLiteral,
  kInterval,
  kColumn,
  kStar,
  kUnary,
  kBinary,
  kLogical,
  kIs,
  kIsDistinct,
  kBetween,
  kInList,
  kInSubquery,
  kLike,
  kExists,
  kSubquery,
  kCase,
  kCast,
  kCall,
  kJsonCall,
  kSymbol,
  kNamedArgument,
  kDescriptor,
  kTableArgument,
  kArray,
  kMap,
  kRow,
  kSubscript,
  kFieldAccess,
  kDefault,
};

struct Expr : Node {
  explicit Expr(ExprKind k) : kind(k) {}
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;
  virtual ~Expr() = default;
  const ExprKind kind;
};
using ExprPtr = std::unique_ptr<Expr>;

template <ExprKind K>
struct ExprOf : Expr {
  static constexpr ExprKind kKind = K;
  ExprOf() : Expr(K) {}
};

enum class LiteralKind : std::uint8_t {
  kNull,
  kTrue,
  kFalse,
  kUnknown,
  kInteger,      // digits
  kDecimal,      // digits with a point
  kApproximate,  // with exponent: DOUBLE
  kString,       // decoded text
  kBinary,       // bytes
  kDate,
  kTime,
  kTimestamp,
  kTimestampLtz,  // text between the quotes, not yet checked
};

// A sign is not part of a number: -1 is UnaryExpr(kMinus, 1), so -9223372036854775808 must be
// folded.
struct Literal : ExprOf<ExprKind::kLiteral> {
  LiteralKind literal = LiteralKind::kNull;
  std::string text;
};

// INTERVAL [-]'1:30' HOUR TO MINUTE; the text is not yet checked.
struct IntervalLiteral : ExprOf<ExprKind::kInterval> {
  bool negative = false;
  std::string text;
  IntervalQualifier qualifier;
};

// c, t.c, db.t.c, or r.field of a ROW column: the binder decides.
struct ColumnRef : ExprOf<ExprKind::kColumn> {
  QualifiedName name;
};

// * or t.*; only as a select item and in COUNT(*), where it is CallExpr::star instead.
struct StarExpr : ExprOf<ExprKind::kStar> {
  std::vector<Identifier> qualifier;
};

enum class UnaryOp : std::uint8_t { kMinus, kPlus, kNot };
struct UnaryExpr : ExprOf<ExprKind::kUnary> {
  UnaryOp op = UnaryOp::kMinus;
  ExprPtr operand;
};

enum class BinaryOp : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kConcat,
};
// "=", "<>", ...
std::string_view binary_op_text(BinaryOp op);
struct BinaryExpr : ExprOf<ExprKind::kBinary> {
  BinaryOp op = BinaryOp::kEqual;
  SourceSpan op_span;
  ExprPtr left;
  ExprPtr right;
};

// Two or more operands joined by AND, or by OR.
struct LogicalExpr : ExprOf<ExprKind::kLogical> {
  bool is_and = true;
  std::vector<ExprPtr> operands;
};

enum class IsTest : std::uint8_t { kNull, kTrue, kFalse, kUnknown, kJson };
struct IsExpr : ExprOf<ExprKind::kIs> {
  IsTest test = IsTest::kNull;
  bool negated = false;
  ExprPtr operand;
};

struct IsDistinctExpr : ExprOf<ExprKind::kIsDistinct> {
  bool negated = false;  // IS NOT DISTINCT FROM
  ExprPtr left;
  ExprPtr right;
};

struct BetweenExpr : ExprOf<ExprKind::kBetween> {
  bool negated = false;
  bool symmetric = false;
  ExprPtr operand;
  ExprPtr low;
  ExprPtr high;
};

struct InListExpr : ExprOf<ExprKind::kInList> {
  bool negated = false;
  ExprPtr operand;
  std::vector<ExprPtr> items;  // never empty
};

struct Query;
using QueryPtr = std::unique_ptr<Query>;

struct InSubqueryExpr : ExprOf<ExprKind::kInSubquery> {
  InSubqueryExpr();
  ~InSubqueryExpr() override;
  bool negated = false;
  ExprPtr operand;
  QueryPtr query;
};

struct LikeExpr : ExprOf<ExprKind::kLike> {
  bool similar = false;  // SIMILAR TO
  bool negated = false;
  ExprPtr operand;
  ExprPtr pattern;
  ExprPtr escape;  // may be null
};

struct ExistsExpr : ExprOf<ExprKind::kExists> {
  ExistsExpr();
  ~ExistsExpr() override;
  QueryPtr query;
};

// (SELECT ...) as a value.
struct SubqueryExpr : ExprOf<ExprKind::kSubquery> {
  SubqueryExpr();
  ~SubqueryExpr() override;
  QueryPtr query;
};

struct CaseBranch {
  ExprPtr condition;  // with an operand: the value to compare it with
  ExprPtr result;
};
struct CaseExpr : ExprOf<ExprKind::kCase> {
  ExprPtr operand;  // may be null
  std::vector<CaseBranch> branches;
  ExprPtr otherwise;  // may be null
};

struct CastExpr : ExprOf<ExprKind::kCast> {
  bool is_try = false;
  ExprPtr operand;
  TypeNamePtr type;
};

struct SortItem : Node {
  ExprPtr expr;
  bool descending = false;
  std::optional<bool> nulls_first;
};

enum class FrameBound : std::uint8_t {
  kUnboundedPreceding,
  kPreceding,
  kCurrentRow,
  kFollowing,
  kUnboundedFollowing,
};
struct WindowFrame : Node {
  bool rows = false;  // else RANGE
  FrameBound start = FrameBound::kUnboundedPreceding;
  ExprPtr start_offset;  // may be null
  FrameBound end = FrameBound::kCurrentRow;
  ExprPtr end_offset;  // may be null
};

// The inside of OVER (...) or WINDOW w AS (...); OVER w has only base.
struct WindowSpec : Node {
  std::optional<Identifier> base;
  bool only_name = false;
  std::vector<ExprPtr> partition_by;
  std::vector<SortItem> order_by;
  std::optional<WindowFrame> frame;
};

// f(a, b), COUNT(DISTINCT x) FILTER (WHERE c) OVER (...), CURRENT_DATE.
// The special forms of SQL are calls with plain arguments: EXTRACT(DAY FROM x) is EXTRACT(symbol
// DAY, x); FLOOR(x TO DAY) is FLOOR(x, symbol DAY); TRIM(BOTH 'a' FROM x) is TRIM(symbol BOTH, 'a',
// x), where a plain TRIM(x) has one argument; TIMESTAMPADD(DAY, 1, x) has a symbol first;
// SUBSTRING(x FROM a FOR b), POSITION(a IN b), OVERLAY(a PLACING b FROM c FOR d) have their
// operands in order.
struct CallExpr : ExprOf<ExprKind::kCall> {
  QualifiedName name;  // as written; function names are compared without case
  std::vector<ExprPtr> arguments;
  bool star = false;  // COUNT(*)
  bool distinct = false;
  bool without_parentheses = false;  // CURRENT_TIMESTAMP
  std::optional<bool> ignore_nulls;  // IGNORE NULLS / RESPECT NULLS
  std::vector<SortItem> within_group;
  ExprPtr filter;                    // may be null
  std::unique_ptr<WindowSpec> over;  // may be null
  // the function's name in upper case when it is not qualified, else ""
  std::string simple_name() const;
};

enum class JsonFallback : std::uint8_t {
  kNull,
  kError,
  kDefault,
  kEmptyArray,
  kEmptyObject,
  kTrue,
  kFalse,
  kUnknown
};
struct JsonBehavior {
  JsonFallback fallback = JsonFallback::kNull;
  ExprPtr value;  // of kDefault, else null
};
enum class JsonWrapper : std::uint8_t { kWithout, kConditional, kUnconditional };

// JSON_VALUE, JSON_QUERY, JSON_EXISTS (arguments: input, path), JSON_OBJECT (key, value, key, ...),
// JSON_ARRAY (items).
struct JsonCallExpr : ExprOf<ExprKind::kJsonCall> {
  std::string function;  // upper case
  std::vector<ExprPtr> arguments;
  TypeNamePtr returning;  // may be null
  std::optional<JsonWrapper> wrapper;
  std::optional<JsonBehavior> on_empty;
  std::optional<JsonBehavior> on_error;
  std::optional<bool> absent_on_null;  // ABSENT ON NULL: true, NULL ON NULL: false
};

// A word that is an argument: a time unit or BOTH, LEADING, TRAILING; upper case, singular.
struct SymbolExpr : ExprOf<ExprKind::kSymbol> {
  std::string name;
};

// SIZE => INTERVAL '1' DAY
struct NamedArgument : ExprOf<ExprKind::kNamedArgument> {
  Identifier name;
  ExprPtr value;
};

// DESCRIPTOR(ts, ...)
struct DescriptorExpr : ExprOf<ExprKind::kDescriptor> {
  std::vector<Identifier> columns;
};

// TABLE t or TABLE (query), [PARTITION BY ...] [ORDER BY ...], as an argument of a table function.
struct TableArgument : ExprOf<ExprKind::kTableArgument> {
  TableArgument();
  ~TableArgument() override;
  std::optional<QualifiedName> name;  // else query
  QueryPtr query;                     // may be null
  std::vector<ExprPtr> partition_by;
  std::vector<SortItem> order_by;
};

// ARRAY[a, b]
struct ArrayExpr : ExprOf<ExprKind::kArray> {
  std::vector<ExprPtr> elements;
};
// MAP[k, v, k, v]: an even number of entries
struct MapExpr : ExprOf<ExprKind::kMap> {
  std::vector<ExprPtr> entries;
};
// ROW(a, b), or (a, b) when not explicit
struct RowExpr : ExprOf<ExprKind::kRow> {
  bool is_explicit = true;
  std::vector<ExprPtr> fields;
};
// a[1], m['k']
struct SubscriptExpr : ExprOf<ExprKind::kSubscript> {
  ExprPtr base;
  ExprPtr index;
};
// f(x).name, a[1].name; t.c and c.name are a ColumnRef
struct FieldAccessExpr : ExprOf<ExprKind::kFieldAccess> {
  ExprPtr base;
  Identifier field;
};
// DEFAULT as an argument or in VALUES
struct DefaultExpr : ExprOf<ExprKind::kDefault> {};

// ---------------------------------------------------------------- queries

// /*+ OPTIONS('k' = 'v') */, /*+ BROADCAST(t) */, /*+ STATE_TTL('a' = '1d') */
struct HintArgument : Node {
  std::string key;                   // name or string
  std::optional<std::string> value;  // of 'k' = 'v'
};
struct Hint : Node {
  Identifier name;
  std::vector<HintArgument> arguments;
};

struct TableAlias : Node {
  Identifier name;
  std::vector<Identifier> columns;  // may be empty
};

enum class TableRefKind : std::uint8_t { kNamed, kDerived, kFunction, kUnnest, kJoin };
struct TableRef : Node {
  explicit TableRef(TableRefKind k) : kind(k) {}
  TableRef(const TableRef&) = delete;
  TableRef& operator=(const TableRef&) = delete;
  virtual ~TableRef() = default;
  const TableRefKind kind;
  std::optional<TableAlias> alias;  // never of a join
};
using TableRefPtr = std::unique_ptr<TableRef>;

template <TableRefKind K>
struct TableRefOf : TableRef {
  static constexpr TableRefKind kKind = K;
  TableRefOf() : TableRef(K) {}
};

// t /*+ OPTIONS(...) */ FOR SYSTEM_TIME AS OF x AS a
struct NamedTable : TableRefOf<TableRefKind::kNamed> {
  QualifiedName name;
  std::vector<Hint> hints;
  ExprPtr system_time;  // may be null
};

// (query), LATERAL (query)
struct DerivedTable : TableRefOf<TableRefKind::kDerived> {
  DerivedTable();
  ~DerivedTable() override;
  bool lateral = false;
  QueryPtr query;
};

// TABLE(f(...)), f(TABLE t, ...), LATERAL TABLE(f(x))
struct FunctionTable : TableRefOf<TableRefKind::kFunction> {
  bool lateral = false;
  ExprPtr call;  // a CallExpr
};

// UNNEST(a) WITH ORDINALITY
struct UnnestTable : TableRefOf<TableRefKind::kUnnest> {
  bool with_ordinality = false;
  std::vector<ExprPtr> collections;
};

enum class JoinType : std::uint8_t { kInner, kLeft, kRight, kFull, kCross, kComma };
struct JoinTable : TableRefOf<TableRefKind::kJoin> {
  JoinType type = JoinType::kInner;
  bool natural = false;
  TableRefPtr left;
  TableRefPtr right;
  ExprPtr on;                             // may be null
  std::vector<Identifier> using_columns;  // may be empty
};

enum class QueryBodyKind : std::uint8_t { kSelect, kSetOperation, kValues, kNested, kTable };
struct QueryBody : Node {
  explicit QueryBody(QueryBodyKind k) : kind(k) {}
  QueryBody(const QueryBody&) = delete;
  QueryBody& operator=(const QueryBody&) = delete;
  virtual ~QueryBody() = default;
  const QueryBodyKind kind;
};
using QueryBodyPtr = std::unique_ptr<QueryBody>;

template <QueryBodyKind K>
struct QueryBodyOf : QueryBody {
  static constexpr QueryBodyKind kKind = K;
  QueryBodyOf() : QueryBody(K) {}
};

struct SelectItem : Node {
  ExprPtr expr;  // StarExpr for * and t.*
  std::optional<Identifier> alias;
};

enum class GroupingKind : std::uint8_t { kExpression, kSets, kRollup, kCube };
// One item of GROUP BY. kExpression: sets = {{expr}}. ROLLUP(a, (b, c)): sets = {{a}, {b, c}}. ()
// is {}.
struct GroupingItem : Node {
  GroupingKind kind = GroupingKind::kExpression;
  std::vector<std::vector<ExprPtr>> sets;
};

struct NamedWindow : Node {
  Identifier name;
  WindowSpec spec;
};

struct SelectBody : QueryBodyOf<QueryBodyKind::kSelect> {
  bool distinct = false;
  std::vector<Hint> hints;
  std::vector<SelectItem> items;
  TableRefPtr from;  // may be null
  ExprPtr where;     // may be null
  bool has_group_by = false;
  std::vector<GroupingItem> group_by;
  ExprPtr having;  // may be null
  std::vector<NamedWindow> windows;
};

enum class SetOperator : std::uint8_t { kUnion, kIntersect, kExcept };
struct SetOperation : QueryBodyOf<QueryBodyKind::kSetOperation> {
  SetOperator op = SetOperator::kUnion;
  bool all = false;
  QueryBodyPtr left;
  QueryBodyPtr right;
};

// VALUES (1, 'a'), (2, 'b'); a row is a RowExpr or, written without parentheses, any expression.
struct ValuesBody : QueryBodyOf<QueryBodyKind::kValues> {
  std::vector<ExprPtr> rows;
};

// (query) as an operand of a set operation or as a whole.
struct NestedQuery : QueryBodyOf<QueryBodyKind::kNested> {
  NestedQuery();
  ~NestedQuery() override;
  QueryPtr query;
};

// TABLE t
struct TableBody : QueryBodyOf<QueryBodyKind::kTable> {
  QualifiedName name;
};

struct CommonTable : Node {
  Identifier name;
  std::vector<Identifier> columns;  // may be empty
  QueryPtr query;
};

struct Query : Node {
  std::vector<CommonTable> with;
  QueryBodyPtr body;
  std::vector<SortItem> order_by;
  ExprPtr limit;   // LIMIT n or FETCH NEXT n ROWS ONLY; may be null; LIMIT ALL is null
  ExprPtr offset;  // may be null
};

// ---------------------------------------------------------------- statements

enum class StatementKind : std::uint8_t {
  kCreateTable,
  kCreateView,
  kDrop,
  kInsert,
  kStatementSet,
  kQuery,
  kExplain,
  kDescribe,
  kShow,
  kSet,
  kReset,
  kUse,
};

struct Statement : Node {
  explicit Statement(StatementKind k) : kind(k) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  virtual ~Statement() = default;
  const StatementKind kind;
};
using StatementPtr = std::unique_ptr<Statement>;

template <StatementKind K>
struct StatementOf : Statement {
  static constexpr StatementKind kKind = K;
  StatementOf() : Statement(K) {}
};

// 'key' = 'value' of WITH; the spans tell the two apart.
struct TableOption : Node {
  std::string key;
  SourceSpan key_span;
  std::string value;
  SourceSpan value_span;
};

enum class ColumnKind : std::uint8_t { kPhysical, kMetadata, kComputed };
struct ColumnDefinition : Node {
  ColumnKind kind = ColumnKind::kPhysical;
  Identifier name;
  TypeNamePtr type;                         // null for a computed column
  std::optional<std::string> metadata_key;  // METADATA FROM 'key'; default: the column's name
  SourceSpan metadata_key_span;
  bool is_virtual = false;
  ExprPtr expr;              // of a computed column, else null
  bool primary_key = false;  // column constraint
  std::optional<std::string> comment;
};

struct WatermarkDefinition : Node {
  QualifiedName column;
  ExprPtr expr;
};

// PRIMARY KEY or UNIQUE as a table constraint.
struct KeyDefinition : Node {
  std::optional<Identifier> constraint_name;
  bool unique_only = false;
  std::vector<Identifier> columns;
};

// LIKE other (INCLUDING ALL OVERWRITING OPTIONS ...)
struct LikeOption : Node {
  std::string strategy;  // INCLUDING, EXCLUDING, OVERWRITING
  std::string feature;   // ALL, CONSTRAINTS, OPTIONS, ...
};
struct LikeClause : Node {
  QualifiedName table;
  std::vector<LikeOption> options;
};

struct CreateTable : StatementOf<StatementKind::kCreateTable> {
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  bool has_column_list = false;
  std::vector<ColumnDefinition> columns;
  std::vector<WatermarkDefinition> watermarks;  // more than one is the binder's error
  std::vector<KeyDefinition> keys;
  std::optional<std::string> comment;
  std::vector<Identifier> partitioned_by;
  std::vector<TableOption> options;
  std::optional<LikeClause> like;
  QueryPtr as_query;  // may be null
};

struct CreateView : StatementOf<StatementKind::kCreateView> {
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::vector<Identifier> columns;
  std::optional<std::string> comment;
  QueryPtr query;
};

enum class ObjectKind : std::uint8_t { kTable, kView };
struct DropStatement : StatementOf<StatementKind::kDrop> {
  ObjectKind object = ObjectKind::kTable;
  bool temporary = false;
  bool if_exists = false;
  QualifiedName name;
};

struct InsertStatement : StatementOf<StatementKind::kInsert> {
  bool overwrite = false;
  QualifiedName table;
  std::vector<Hint> hints;
  std::vector<TableOption> partition;  // PARTITION (k = 'v')
  std::vector<Identifier> columns;     // empty: all, in order
  QueryPtr query;
};

// EXECUTE STATEMENT SET BEGIN ... END, or BEGIN STATEMENT SET; ... END;
struct StatementSet : StatementOf<StatementKind::kStatementSet> {
  std::vector<std::unique_ptr<InsertStatement>> inserts;
};

struct QueryStatement : StatementOf<StatementKind::kQuery> {
  QueryPtr query;
};

// EXPLAIN [PLAN FOR | CHANGELOG_MODE, ...] query | insert | statement set
struct ExplainStatement : StatementOf<StatementKind::kExplain> {
  std::vector<std::string>
      details;  // upper case; ESTIMATED_COST, CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE
  StatementPtr statement;
};

struct DescribeStatement : StatementOf<StatementKind::kDescribe> {
  bool extended = false;
  QualifiedName name;
};

enum class ShowKind : std::uint8_t {
  kTables,
  kViews,
  kFunctions,
  kColumns,
  kCatalogs,
  kDatabases,
  kCurrentCatalog,
  kCurrentDatabase,
  kJobs,
  kCreateTable,
  kCreateView,
};
struct ShowStatement : StatementOf<StatementKind::kShow> {
  ShowKind what = ShowKind::kTables;
  std::optional<QualifiedName> name;  // of SHOW CREATE, SHOW COLUMNS FROM, SHOW TABLES FROM
  std::optional<std::string> like;
  bool negated = false;  // NOT LIKE
};

// SET without a key lists all settings.
struct SetStatement : StatementOf<StatementKind::kSet> {
  std::optional<std::string> key;
  SourceSpan key_span;
  std::string value;
  SourceSpan value_span;
};

// RESET without a key resets all settings.
struct ResetStatement : StatementOf<StatementKind::kReset> {
  std::optional<std::string> key;
  SourceSpan key_span;
};

enum class UseKind : std::uint8_t { kDatabase, kCatalog };
struct UseStatement : StatementOf<StatementKind::kUse> {
  UseKind what = UseKind::kDatabase;
  QualifiedName name;
};

}  // namespace slipstream::sql::ast
