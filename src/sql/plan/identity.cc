#include "sql/plan/identity.h"

#include <algorithm>
#include <set>
#include <utility>

#include "data/digest.h"
#include "expr/digest.h"

namespace slipstream::sql {
namespace {

using expr::ExprPtr;
using Columns = std::set<std::size_t>;

constexpr std::string_view kVersion = "slipstream uid 1";

Digest begin(std::string_view word) {
  Digest digest;
  digest.add(kVersion).add(word);
  return digest;
}

// What an output column is made of. Computed: by an expression, not taken as it came.
struct Origin {
  std::uint64_t digest = 0;
  bool computed = false;
};

// What the rows of a node are made of.
struct Content {
  std::uint64_t below = 0;             // of what keeps state or makes rows, without filters since
  std::vector<std::uint64_t> filters;  // since then, wherever they stand
  std::vector<Origin> columns;

  std::uint64_t sealed() const {
    return filters.empty() ? below : begin("filtered").add(below).add_set(filters).value();
  }
  std::vector<std::uint64_t> digests() const {
    std::vector<std::uint64_t> all;
    for (const Origin& column : columns) all.push_back(column.digest);
    return all;
  }
};

// What is known from above of a node's output.
struct Demand {
  std::vector<ExprPtr> filters;  // conjuncts that hold of every row that is used
  Columns columns;               // that are used
};

Columns columns_of(const std::vector<ExprPtr>& expressions) {
  Columns columns;
  for (const ExprPtr& e : expressions) {
    for (const std::size_t column : expr::columns_read(*e)) columns.insert(column);
  }
  return columns;
}

// Over the input of a Calc; nullptr when it would be computed anew there.
ExprPtr through(const ExprPtr& filter, const std::vector<ExprPtr>& projections) {
  for (const std::size_t column : expr::columns_read(*filter)) {
    if (!expr::deterministic(*projections[column])) return nullptr;
  }
  return expr::substitute(filter, projections);
}

bool reads_within(const ExprPtr& e, std::size_t begin, std::size_t end) {
  const auto columns = expr::columns_read(*e);
  return !columns.empty() && columns.front() >= begin && columns.back() < end;
}

// A conjunct over columns [begin, ...) of a join as one over that side.
ExprPtr shifted(const ExprPtr& e, std::size_t begin, const Schema& side) {
  std::vector<ExprPtr> columns(begin + side.size());
  for (std::size_t i = 0; i < side.size(); ++i)
    columns[begin + i] = expr::column(i, side[i].type, side[i].name);
  return expr::substitute(e, columns);
}

Digest declared(std::string_view word, const std::string& connector, const TableDefinition& table,
                const std::vector<std::string>& identity) {
  Digest digest = begin(word);
  digest.add(connector).add(table.name);
  for (const std::string& part : identity) digest.add(part);
  return digest;
}

class Identification {
 public:
  Content visit(Rel& rel, Demand demand) {
    switch (rel.kind) {
      case RelKind::kScan:
        return scan(rel);
      case RelKind::kValues:
        return values(rel);
      case RelKind::kCalc:
        return calc(rel, demand);
      case RelKind::kWatermark:
        return watermark(rel, std::move(demand));
      case RelKind::kWindowTable:
        return window_table(rel, demand);
      case RelKind::kGroupAggregate:
      case RelKind::kWindowAggregate:
        return aggregate(rel, demand);
      case RelKind::kJoin:
        return join(rel, demand);
      case RelKind::kUnion:
        return union_all(rel, demand);
      case RelKind::kSink:
        return sink(rel);
      case RelKind::kCollect:
        return visit(*rel.inputs[0], all_of(*rel.inputs[0]));
    }
    return {};
  }

 private:
  static Demand all_of(const Rel& rel) {
    Demand demand;
    for (std::size_t i = 0; i < rel.schema.size(); ++i) demand.columns.insert(i);
    return demand;
  }
  static std::uint64_t keep(Rel& rel, const Digest& digest) {
    rel.identity.content = hex_text(digest.value());
    return digest.value();
  }

  static Content scan(Rel& rel) {
    const ScanSpec& scan = *rel.scan;
    Content content;
    content.below = keep(rel, declared("scan", scan.connector, scan.table, scan.identity));
    for (const std::size_t i : scan.physical)
      content.columns.push_back({begin("column").add(scan.table.physical[i].name).value()});
    for (const std::size_t i : scan.metadata)
      content.columns.push_back({begin("metadata").add(scan.table.metadata[i].key).value()});
    return content;
  }

  static Content values(Rel& rel) {
    Digest digest = begin("values");
    for (const auto& row : rel.rows) {
      for (const ExprPtr& cell : row) digest.add(expr::digest(*cell, {}));
    }
    Content content;
    content.below = keep(rel, digest);
    for (std::size_t i = 0; i < rel.schema.size(); ++i)
      content.columns.push_back({begin("value").add(i).value()});
    return content;
  }

  Content calc(Rel& rel, const Demand& demand) {
    Demand below;
    std::vector<ExprPtr> own;
    if (rel.predicate) own = expr::split_conjunction(rel.predicate);
    below.columns = columns_of(own);
    std::copy_if(own.begin(), own.end(), std::back_inserter(below.filters),
                 [](const ExprPtr& e) { return expr::deterministic(*e); });
    for (const ExprPtr& filter : demand.filters) {
      if (ExprPtr moved = through(filter, rel.projections)) below.filters.push_back(moved);
    }
    for (const std::size_t column : demand.columns)
      below.columns.merge(columns_of({rel.projections[column]}));
    const Content input = visit(*rel.inputs[0], std::move(below));
    const auto digests = input.digests();
    Content content{input.below, input.filters, {}};
    for (const ExprPtr& filter : own) content.filters.push_back(expr::digest(*filter, digests));
    for (const ExprPtr& projection : rel.projections) {
      const std::uint64_t digest = expr::digest(*projection, digests);
      bool computed = true;
      for (const std::size_t column : expr::columns_read(*projection)) {
        if (digests[column] == digest) computed = input.columns[column].computed;
      }
      content.columns.push_back({digest, computed});
    }
    return content;
  }

  // Nothing above depends on how event time is assigned.
  Content watermark(Rel& rel, Demand demand) {
    for (const std::size_t column : expr::columns_read(*rel.watermark))
      demand.columns.insert(column);
    Content content = visit(*rel.inputs[0], std::move(demand));
    keep(rel,
         begin("watermark").add(content.sealed()).add(content.columns[rel.time_column].digest));
    return content;
  }

  Content window_table(Rel& rel, const Demand& demand) {
    const std::size_t count = rel.inputs[0]->schema.size();
    Demand below;
    for (const ExprPtr& filter : demand.filters) {
      if (reads_within(filter, 0, count)) below.filters.push_back(filter);
    }
    for (const std::size_t column : demand.columns) {
      if (column < count) below.columns.insert(column);
    }
    below.columns.insert(rel.window.time_column);
    Content content = visit(*rel.inputs[0], std::move(below));
    const std::uint64_t window = window_digest(rel.window, content);
    content.below = begin("windows").add(content.below).add(window).value();
    for (const std::string_view end : {"window start", "window end", "window time"})
      content.columns.push_back({begin(end).add(window).value()});
    return content;
  }

  static std::uint64_t window_digest(const WindowSpec& window, const Content& input) {
    const char* kind = window.kind == flow::WindowKind::kTumble ? "tumble"
                       : window.kind == flow::WindowKind::kHop  ? "hop"
                                                                : "cumulate";
    return begin(kind)
        .add(static_cast<std::uint64_t>(window.size_ms))
        .add(static_cast<std::uint64_t>(window.slide_ms))
        .add(static_cast<std::uint64_t>(window.offset_ms))
        .add(input.columns[window.time_column].digest)
        .value();
  }

  // What is said of keys alone narrows the groups that are kept.
  Content aggregate(Rel& rel, const Demand& demand) {
    const Schema& input = rel.inputs[0]->schema;
    std::vector<ExprPtr> keys;
    for (const std::size_t key : rel.keys)
      keys.push_back(expr::column(key, input[key].type, input[key].name));
    Demand below;
    for (const ExprPtr& filter : demand.filters) {
      if (reads_within(filter, 0, keys.size()))
        below.filters.push_back(expr::substitute(filter, keys));
    }
    below.columns.insert(rel.keys.begin(), rel.keys.end());
    for (const AggregateCall& call : rel.calls) {
      below.columns.insert(call.args.begin(), call.args.end());
      if (call.filter) below.columns.insert(*call.filter);
    }
    const bool windowed = rel.kind == RelKind::kWindowAggregate;
    if (windowed) below.columns.insert({rel.window_start, rel.window_end});
    const std::vector<ExprPtr> narrowing = below.filters;
    const Content content = visit(*rel.inputs[0], std::move(below));
    const auto digests = content.digests();

    Content result;
    Digest digest = begin(windowed ? "window aggregate" : "group aggregate");
    digest.add(content.sealed());
    for (const std::size_t key : rel.keys) {
      digest.add("key").add(digests[key]);
      result.columns.push_back({begin("key").add(digests[key]).value()});
    }
    for (const AggregateCall& call : rel.calls) {
      const std::uint64_t one = call_digest(call, digests);
      digest.add("call").add(one);
      result.columns.push_back({one});
    }
    std::vector<std::uint64_t> filters;
    for (const ExprPtr& filter : narrowing) filters.push_back(expr::digest(*filter, digests));
    digest.add_set(filters);
    result.below = keep(rel, digest);
    for (const flow::WindowColumn column : rel.window_outputs) {
      const char* word = column == flow::WindowColumn::kStart ? "window start"
                         : column == flow::WindowColumn::kEnd ? "window end"
                                                              : "window time";
      result.columns.push_back({begin(word).add(result.below).value()});
    }
    return result;
  }

  static std::uint64_t call_digest(const AggregateCall& call,
                                   const std::vector<std::uint64_t>& columns) {
    Digest digest = begin("aggregate");
    digest.add(call.function->name).add(call.distinct ? "distinct" : "all");
    for (const std::size_t arg : call.args) digest.add(columns[arg]);
    if (call.filter) digest.add("filter").add(columns[*call.filter]);
    return digest.value();
  }

  // Rows are kept as they come in: what was computed for them counts, names and types of plain
  // columns are the schema's.
  Content join(Rel& rel, const Demand& demand) {
    const std::size_t left = rel.inputs[0]->schema.size();
    const std::size_t total = left + rel.inputs[1]->schema.size();
    std::vector<ExprPtr> conditions;
    if (rel.predicate) conditions = expr::split_conjunction(rel.predicate);
    Columns used = demand.columns;
    used.merge(columns_of(conditions));
    for (const ExprPtr& filter : demand.filters) conditions.push_back(filter);
    Demand sides[2];
    for (const std::size_t column : used)
      sides[column < left ? 0 : 1].columns.insert(column < left ? column : column - left);
    for (const ExprPtr& e : conditions) {
      if (!expr::deterministic(*e)) continue;
      if (reads_within(e, 0, left)) sides[0].filters.push_back(e);
      if (reads_within(e, left, total))
        sides[1].filters.push_back(shifted(e, left, rel.inputs[1]->schema));
    }
    Content content;
    Digest digest = begin("join");
    for (std::size_t side = 0; side < 2; ++side) {
      const Columns kept = sides[side].columns;
      const Content input = visit(*rel.inputs[side], std::move(sides[side]));
      std::vector<std::uint64_t> computed;
      for (const std::size_t column : kept) {
        if (input.columns[column].computed) computed.push_back(input.columns[column].digest);
      }
      digest.add(input.sealed()).add_set(computed);
      for (const Origin& column : input.columns)
        content.columns.push_back({begin(side == 0 ? "left" : "right").add(column.digest).value()});
    }
    std::vector<std::uint64_t> on;
    const auto digests = content.digests();
    for (const ExprPtr& e : conditions) on.push_back(expr::digest(*e, digests));
    content.below = keep(rel, digest.add_set(on));
    return content;
  }

  Content union_all(Rel& rel, const Demand& demand) {
    Content content;
    Digest digest = begin("union");
    std::vector<Digest> columns(rel.schema.size(), begin("union column"));
    std::vector<bool> computed(rel.schema.size());
    for (const RelPtr& branch : rel.inputs) {
      const Content input = visit(*branch, demand);
      digest.add(input.sealed());
      for (std::size_t i = 0; i < columns.size(); ++i) {
        columns[i].add(input.columns[i].digest);
        computed[i] = computed[i] || input.columns[i].computed;
      }
    }
    content.below = digest.value();
    for (std::size_t i = 0; i < columns.size(); ++i)
      content.columns.push_back({columns[i].value(), computed[i]});
    return content;
  }

  // What is written does not tell one sink from another, except among those of one table.
  Content sink(Rel& rel) {
    const Content input = visit(*rel.inputs[0], all_of(*rel.inputs[0]));
    Digest rows = begin("rows");
    rows.add(input.sealed());
    for (const std::uint64_t column : input.digests()) rows.add(column);
    keep(rel, declared("sink", rel.sink_connector, rel.sink_table, rel.sink_identity));
    rel.identity.uses = {hex_text(rows.value())};
    return {};
  }
};

void name_users(Rel& rel, std::vector<std::string> users) {
  if (rel.kind != RelKind::kSink) rel.identity.uses = users;
  if (!rel.identity.content.empty()) users.insert(users.begin(), rel.identity.content);
  for (std::size_t i = 0; i < rel.inputs.size(); ++i) {
    std::vector<std::string> own = users;
    // sides of a join are told apart
    if (rel.kind == RelKind::kJoin) own.front() += "/" + std::to_string(i);
    name_users(*rel.inputs[i], std::move(own));
  }
}

void number_uids(Rel& rel, std::map<std::string, int>& used) {
  if (!rel.identity.content.empty()) {
    rel.uid = rel.identity.content;
    const int copies = used[rel.uid]++;
    if (copies > 0) rel.uid += "-" + std::to_string(copies);
  }
  for (const RelPtr& input : rel.inputs) number_uids(*input, used);
}

}  // namespace

void identify(Rel& root, std::map<std::string, int>& used) {
  Identification().visit(root, {});
  name_users(root, {});
  number_uids(root, used);
}

}  // namespace slipstream::sql
