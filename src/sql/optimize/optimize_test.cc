// Each rule alone: the plan as it was bound, and what the rule makes of it.
#include "sql/optimize/optimize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

#include "sql/bind/query_binder.h"
#include "sql/catalog/memory_catalog.h"
#include "sql/optimize/narrowings.h"
#include "sql/parse/parser.h"

namespace slipstream::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OptimizeTest : public ::testing::Test {
 protected:
  OptimizeTest() {
    eval_.wall_micros = [] { return std::int64_t{0}; };
    eval_.random = [] { return std::uint64_t{0}; };
    add("CREATE TABLE t (id INT, page STRING, ms INT, note STRING, ts TIMESTAMP(3), "
        "WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen')");
    add("CREATE TABLE u (id INT, title STRING, size INT) WITH ('connector' = 'datagen')");
    add("CREATE TABLE q (id INT NOT NULL, tag STRING METADATA FROM 'tags' VIRTUAL) WITH "
        "('connector' = "
        "'rocketmq')");
    add("CREATE TABLE p (id INT, m MAP<STRING, STRING>, n MAP<INT, STRING>, "
        "props MAP<STRING, STRING> METADATA FROM 'properties' VIRTUAL) WITH "
        "('connector' = 'rocketmq')");
    add("CREATE TABLE w (id INT, ts TIMESTAMP(3), "
        "props MAP<STRING, STRING> METADATA FROM 'properties' VIRTUAL, "
        "WATERMARK FOR ts AS ts) WITH ('connector' = 'rocketmq')");
  }

  RelPtr bound(const std::string& query) {
    const ParseResult parsed = parse_script(query);
    EXPECT_TRUE(parsed.ok()) << query;
    ScriptCatalog catalog(catalog_, diagnostics_);
    RelPtr rel = QueryBinder(catalog, *registry_, diagnostics_)
                     .bind_query(*ast::as<ast::QueryStatement>(*parsed.statements[0]).query);
    EXPECT_THAT(diagnostics_, IsEmpty());
    return rel;
  }
  // "\n" in front, so that expected plans stand below one another.
  static std::string text(const RelPtr& rel) { return "\n" + to_string(*rel); }

  std::vector<Diagnostic> diagnostics_;
  expr::EvalContext eval_;

 private:
  void add(const std::string& create) {
    const ParseResult parsed = parse_script(create);
    auto table = bind_create_table(ast::as<ast::CreateTable>(*parsed.statements[0]), *registry_,
                                   diagnostics_);
    ASSERT_TRUE(table.has_value()) << create;
    ASSERT_TRUE(catalog_.create(*std::move(table)).ok());
  }

  const std::unique_ptr<ConnectorRegistry> registry_ = builtin_connectors();
  MemoryCatalog catalog_;
};

TEST_F(OptimizeTest, MergeCalcsMakesOneOfThoseAboveEachOther) {
  RelPtr plan =
      bound("SELECT twice + 1 AS more FROM (SELECT size * 2 AS twice FROM u WHERE id > 3)");
  EXPECT_EQ(text(plan), R"(
Calc(select=[(twice + 1) AS more])
`- Calc(select=[(size * 2) AS twice])
   `- Calc(select=[id, title, size], where=[(id > 3)])
      `- Calc(select=[id, title, size])
         `- Scan(u, connector=datagen, columns=[id, title, size])
)");
  EXPECT_EQ(text(merge_calcs(std::move(plan))), R"(
Calc(select=[((size * 2) + 1) AS more], where=[(id > 3)])
`- Scan(u, connector=datagen, columns=[id, title, size])
)");
}

TEST_F(OptimizeTest, MergeCalcsLeavesWhatMustBeComputedOnce) {
  EXPECT_EQ(text(merge_calcs(bound("SELECT r + r AS twice FROM (SELECT RAND() AS r FROM u)"))), R"(
Calc(select=[(r + r) AS twice])
`- Calc(select=[RAND() AS r])
   `- Scan(u, connector=datagen, columns=[id, title, size])
)");
}

TEST_F(OptimizeTest, MergeCalcsTakesAwayOneThatChangesNothing) {
  EXPECT_EQ(text(merge_calcs(bound("SELECT id, title, size FROM u"))), R"(
Scan(u, connector=datagen, columns=[id, title, size])
)");
}

TEST_F(OptimizeTest, FoldConstantsComputesWhatNeedsNoRow) {
  const auto folded = [&](const std::string& where) {
    return text(merge_calcs(fold_constants(bound("SELECT title FROM u WHERE " + where), eval_)));
  };
  EXPECT_EQ(folded("size > 2 * 3 AND title = UPPER('a')"), R"(
Calc(select=[title], where=[((size > 6) AND (title = 'A'))])
`- Scan(u, connector=datagen, columns=[id, title, size])
)");
  EXPECT_THAT(folded("1 = 1 AND size > 2"), HasSubstr("where=[(size > 2)]"));
  EXPECT_THAT(folded("1 = 2 AND size > 2"), HasSubstr("where=[FALSE]"));
  EXPECT_THAT(folded("size > 2 OR 1 = 1"), Not(HasSubstr("where")));
  // the row that meets the error has it, and there may be none
  EXPECT_THAT(folded("size > 1 / 0"), HasSubstr("where=[(size > (1 / 0))]"));
}

TEST_F(OptimizeTest, PushFiltersGoesBelowJoinsByTheSidesThatAreRead) {
  EXPECT_EQ(text(merge_calcs(push_filters(
                merge_calcs(bound("SELECT t.id FROM t JOIN u ON t.id = u.id AND u.size > 1 "
                                  "WHERE t.ms > 5 AND u.title LIKE 'x%' AND RAND() < 0.5"))))),
            R"(
Calc(select=[id])
`- Join(inner, on=[((RAND() < CAST(0.5 AS DOUBLE)) AND (id = id))])  -- state grows with all rows of both sides
   |- Calc(select=[id, page, ms, note, ts], where=[(ms > 5)])
   |  `- WatermarkAssigner(rowtime=ts, watermark=[ts])
   |     `- Scan(t, connector=datagen, columns=[id, page, ms, note, ts])
   `- Calc(select=[id, title, size], where=[((size > 1) AND (title LIKE 'x%'))])
      `- Scan(u, connector=datagen, columns=[id, title, size])
)");
}

TEST_F(OptimizeTest, PushFiltersGoesBelowUnionsAndGroupsOfKeys) {
  EXPECT_EQ(text(merge_calcs(push_filters(merge_calcs(
                bound("SELECT * FROM (SELECT id, page FROM t UNION ALL SELECT id, title FROM u) "
                      "WHERE id = 3"))))),
            R"(
Union(all)
|- Calc(select=[id, page], where=[(id = 3)])
|  `- WatermarkAssigner(rowtime=ts, watermark=[ts])
|     `- Scan(t, connector=datagen, columns=[id, page, ms, note, ts])
`- Calc(select=[id, title AS page], where=[(id = 3)])
   `- Scan(u, connector=datagen, columns=[id, title, size])
)");
  EXPECT_EQ(text(merge_calcs(
                push_filters(merge_calcs(bound("SELECT title, COUNT(*) AS n FROM u GROUP BY title "
                                               "HAVING title <> 'q' AND COUNT(*) > 1"))))),
            R"(
Calc(select=[title, COUNT(*) AS n], where=[(COUNT(*) > CAST(1 AS BIGINT))]) [updating]
`- GroupAggregate(group=[title], calls=[COUNT(*)]) [updating]  -- state grows with the number of distinct (title)
   `- Calc(select=[title], where=[(title <> 'q')])
      `- Scan(u, connector=datagen, columns=[id, title, size])
)");
}

TEST_F(OptimizeTest, PushFiltersLeavesTheGroupOfNoKeys) {
  EXPECT_THAT(
      text(push_filters(
          merge_calcs(bound("SELECT COUNT(*) AS n FROM u HAVING 1 < 2 AND COUNT(*) > 1")))),
      HasSubstr(
          "where=[((1 < 2) AND (COUNT(*) > CAST(1 AS BIGINT)))]) [updating]\n`- GroupAggregate"));
}

TEST_F(OptimizeTest, PushFiltersStaysAboveTheWatermark) {
  EXPECT_EQ(text(push_filters(merge_calcs(bound("SELECT id FROM t WHERE id > 1")))), R"(
Calc(select=[id], where=[(id > 1)])
`- WatermarkAssigner(rowtime=ts, watermark=[ts])
   `- Scan(t, connector=datagen, columns=[id, page, ms, note, ts])
)");
}

TEST_F(OptimizeTest, FindJoinKeysTakesEqualitiesAndComputesTheirSides) {
  RelPtr plan = find_join_keys(
      merge_calcs(bound("SELECT t.id FROM t JOIN u ON u.id = t.id AND UPPER(t.page) = u.title "
                        "AND t.ms < u.size")),
      diagnostics_);
  EXPECT_EQ(text(plan), R"(
Calc(select=[id])
`- Calc(select=[id, page, ms, note, ts, id, title, size])
   `- Join(inner, on=[id = id AND $key5 = title AND (ms < size)])  -- state grows with all rows of both sides
      |- Calc(select=[id, page, ms, note, ts, UPPER(page) AS $key5])
      |  `- WatermarkAssigner(rowtime=ts, watermark=[ts])
      |     `- Scan(t, connector=datagen, columns=[id, page, ms, note, ts])
      `- Scan(u, connector=datagen, columns=[id, title, size])
)");
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(OptimizeTest, FindJoinKeysReportsAJoinWithoutAny) {
  find_join_keys(merge_calcs(bound("SELECT t.id\nFROM t JOIN u ON t.id < u.id")), diagnostics_);
  ASSERT_EQ(diagnostics_.size(), 1U);
  EXPECT_EQ(diagnostics_[0].line, 2U);
  EXPECT_EQ(diagnostics_[0].message, "a join of two streams needs an equality between them");
}

TEST_F(OptimizeTest, PruneColumnsReadsWhatIsUsed) {
  EXPECT_EQ(text(prune_columns(merge_calcs(bound("SELECT page FROM t WHERE id > 10")))), R"(
Calc(select=[page], where=[(id > 10)])
`- WatermarkAssigner(rowtime=ts, watermark=[ts])
   `- Scan(t, connector=datagen, columns=[id, page, ts])
)");
  RelPtr join = find_join_keys(merge_calcs(bound("SELECT u.title FROM t JOIN u ON t.id = u.id")),
                               diagnostics_);
  EXPECT_EQ(text(merge_calcs(prune_columns(std::move(join)))), R"(
Calc(select=[title])
`- Join(inner, on=[id = id])  -- state grows with all rows of both sides
   |- WatermarkAssigner(rowtime=ts, watermark=[ts])
   |  `- Scan(t, connector=datagen, columns=[id, ts])
   `- Scan(u, connector=datagen, columns=[id, title])
)");
}

TEST_F(OptimizeTest, PruneColumnsKeepsTheCallsOfAnAggregate) {
  EXPECT_EQ(text(prune_columns(
                merge_calcs(bound("SELECT n FROM (SELECT id, COUNT(*) AS n, MAX(size) AS m FROM u "
                                  "GROUP BY id)")))),
            R"(
Calc(select=[COUNT(*) AS n]) [updating]
`- GroupAggregate(group=[id], calls=[COUNT(*), MAX(size)]) [updating]  -- state grows with the number of distinct (id)
   `- Calc(select=[id, size])
      `- Scan(u, connector=datagen, columns=[id, size])
)");
}

// What is offered to the source below.
std::vector<std::string> offers_of(const Rel& rel) {
  if (rel.kind != RelKind::kScan) return offers_of(*rel.inputs[0]);
  std::vector<std::string> texts;
  for (const expr::ExprPtr& each : rel.scan->predicate_exprs)
    texts.push_back(expr::to_string(*each));
  return texts;
}

TEST_F(OptimizeTest, OfferPredicatesOffersComparisonsWithConstants) {
  const auto offers = [&](const std::string& where) {
    RelPtr plan = fold_constants(bound("SELECT id FROM q WHERE " + where), eval_);
    return offers_of(*offer_predicates(merge_calcs(std::move(plan))));
  };
  EXPECT_THAT(offers("tag = 'A' AND id > 5 AND tag LIKE 'B%'"),
              ElementsAre("(tag = 'A')", "(id > 5)"));
  EXPECT_THAT(offers("tag IN ('A', 'B')"), ElementsAre("(tag IN ('A', 'B'))"));
  EXPECT_THAT(offers("tag = 'A' OR id = 3"), ElementsAre("((tag = 'A') OR (id = 3))"));
  EXPECT_THAT(offers("tag = 'A' OR tag LIKE 'B%'"), IsEmpty());
  EXPECT_THAT(offers("UPPER(tag) = 'A'"), IsEmpty());
  // a cast that cuts: 'AB' is 'A' too
  EXPECT_THAT(offers("CAST(tag AS VARCHAR(1)) = 'A'"), IsEmpty());
}

std::string condition_text(const ElementCondition& condition) {
  using Kind = ElementCondition::Kind;
  const bool is_and = condition.kind == Kind::kAnd;
  std::string text;
  if (is_and || condition.kind == Kind::kOr) {
    for (const ElementCondition& operand : condition.operands)
      text += (text.empty() ? "" : is_and ? " and " : " or ") + condition_text(operand);
    return "(" + text + ")";
  }
  text = (condition.is_metadata ? "metadata " : "") + condition.column + "." + condition.key;
  if (condition.kind == Kind::kIsNull) return text + " null";
  if (condition.kind == Kind::kIsNotNull) return text + " there";
  text += condition.kind == Kind::kEqualsAny ? " is" : " is not";
  for (const std::string& value : condition.texts) text += " " + value;
  return text;
}

TEST_F(OptimizeTest, NarrowingsSayWhatFollowsForElementsOfMaps) {
  const auto conditions = [&](const std::string& where, const std::string& table = "p") {
    RelPtr plan = fold_constants(bound("SELECT id FROM " + table + " WHERE " + where), eval_);
    plan = prune_columns(merge_calcs(std::move(plan)));
    std::vector<std::string> texts;
    for (const Narrowing& narrowing : narrowings_of(*plan)) {
      for (const ElementCondition& condition : narrowing.conditions)
        texts.push_back(condition_text(condition));
    }
    return texts;
  };
  EXPECT_THAT(conditions("props['a'] = 'x' AND id > 5 AND 'y' <> m['b']"),
              ElementsAre("metadata properties.a is x", "m.b is not y"));
  EXPECT_THAT(conditions("props['a'] IN ('x', 'yy')"),
              ElementsAre("metadata properties.a is x yy"));
  EXPECT_THAT(conditions("props['a'] NOT IN ('x', UPPER('y'))"),
              ElementsAre("metadata properties.a is not x Y"));
  EXPECT_THAT(conditions("m['a'] IS NULL OR m['a'] IS NOT NULL"),
              ElementsAre("(m.a null or m.a there)"));
  EXPECT_THAT(conditions("NOT (m['a'] = 'x' OR m['b'] IS NULL AND m['c'] <> 'z')"),
              ElementsAre("(m.a is not x and (m.b there or m.c is z))"));
  // an AND says less without one of its operands, an OR nothing
  EXPECT_THAT(conditions("m['a'] = 'x' AND id = 1 OR m['b'] = 'y'"),
              ElementsAre("(m.a is x or m.b is y)"));
  EXPECT_THAT(conditions("m['a'] = 'x' OR id = 1"), IsEmpty());
  EXPECT_THAT(conditions("NOT (m['a'] = 'x' AND id = 1)"), IsEmpty());
  for (const char* where :
       {"m['a'] = m['b']", "UPPER(m['a']) = 'X'", "m[UPPER(m['a'])] = 'x'", "m['a'] > 'x'",
        "m['a'] LIKE 'x%'", "n[1] = 'x'", "m['a'] NOT IN ('x', NULL)", "CAST(m['a'] AS INT) = 1",
        "CAST(m['a'] AS VARCHAR(1)) = 'x'", "CAST(m['a'] AS CHAR(3)) = 'x  '"})
    EXPECT_THAT(conditions(where), IsEmpty()) << where;
  // event time must not depend on what a source leaves out
  EXPECT_THAT(conditions("props['a'] = 'x'", "w"), IsEmpty());
}

TEST_F(OptimizeTest, AComparisonThatStandsTheOtherWayRoundIsTurned) {
  const RelPtr plan = offer_predicates(merge_calcs(bound("SELECT id FROM q WHERE 5 < id")));
  const Predicate& offer = plan->inputs[0]->scan->predicates.at(0);
  EXPECT_EQ(offer.comparison, Predicate::Comparison::kGreater);
  EXPECT_EQ(offer.column, "id");
}

}  // namespace
}  // namespace slipstream::sql
