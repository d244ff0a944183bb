// Sessions over a catalog that is not theirs: a registry of schemas that knows nothing of syntax.
#include "sql/catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

#include "sql/session.h"

namespace slipstream::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CatalogColumn physical(std::string name, Type type) {
  CatalogColumn column;
  column.name = std::move(name);
  column.type = std::move(type);
  return column;
}

CatalogColumn computed(std::string name, std::string expression) {
  CatalogColumn column;
  column.kind = CatalogColumn::Kind::kComputed;
  column.name = std::move(name);
  column.expression = std::move(expression);
  return column;
}

// Makes the definition of a table when it is asked for it; holds two tables at most.
class SchemaRegistry final : public Catalog {
 public:
  std::string watermark = "ts - INTERVAL '5' SECOND";
  std::string big = "price * 2";
  std::string expensive = "SELECT item, big FROM orders WHERE price > 10";
  bool reachable = true;
  std::vector<std::string> created;

  Result<CatalogEntryPtr> find(std::string_view name) const override {
    if (!reachable) return Error::retry(ErrorCode::kUnavailable, "connection refused");
    if (name == "orders") return std::make_shared<const CatalogEntry>(orders());
    if (name == "expensive")
      return std::make_shared<const CatalogEntry>(
          CatalogView{"expensive", false, {"what", "much"}, expensive, ""});
    return CatalogEntryPtr();
  }
  Result<std::vector<CatalogName>> list() const override {
    if (!reachable) return Error::retry(ErrorCode::kUnavailable, "connection refused");
    return std::vector<CatalogName>{{"expensive", true}, {"orders", false}};
  }
  Status create(CatalogEntry entry) override {
    if (created.size() == 2)
      return Error{ErrorCode::kResourceExhausted, "there is room for two tables"};
    created.push_back(name_of(entry));
    return {};
  }
  Status drop(std::string_view name) override {
    if (std::erase(created, name) == 0)
      return Error{ErrorCode::kPermissionDenied, "only its owner can drop it"};
    return {};
  }

 private:
  CatalogTable orders() const {
    CatalogTable table;
    table.name = "orders";
    table.connector = "datagen";
    table.columns = {physical("item", Type::string().not_null()), physical("price", Type::bigint()),
                     physical("ms", Type::bigint()), computed("big", big),
                     computed("ts", "TO_TIMESTAMP_LTZ(ms, 3)")};
    table.watermark_column = "ts";
    table.watermark = watermark;
    table.primary_key = {"item"};
    table.text = "CREATE TABLE orders (...)";
    return table;
  }
};

class OutsideCatalog : public ::testing::Test {
 protected:
  // What is wrong, as "line:column: message".
  std::vector<std::string> errors(const std::string& script) {
    std::vector<std::string> texts;
    for (const Diagnostic& each : session.compile(script).diagnostics) {
      texts.push_back(std::to_string(each.line) + ":" + std::to_string(each.column) + ": " +
                      each.message);
    }
    return texts;
  }

  const std::unique_ptr<ConnectorRegistry> registry = builtin_connectors();
  SchemaRegistry catalog;
  flow::Runtime runtime;
  Session session{*registry, runtime, catalog};
};

TEST_F(OutsideCatalog, ItsTablesAndViewsAreQueried) {
  const Compiled compiled = session.compile(
      "SELECT what, much FROM expensive;"
      "SELECT window_end, SUM(big) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), "
      "INTERVAL '10' SECOND)) GROUP BY window_start, window_end");
  ASSERT_THAT(compiled.diagnostics, IsEmpty());
  ASSERT_EQ(compiled.steps.size(), 2U);
  EXPECT_EQ(compiled.steps[0].plan->schema.to_string(), "(what STRING NOT NULL, much BIGINT)");
  EXPECT_THAT(to_string(*compiled.steps[1].plan), HasSubstr("WatermarkAssigner(rowtime=ts"));
}

TEST_F(OutsideCatalog, IsDescribedAndListed) {
  const Compiled compiled = session.compile(
      "DESCRIBE orders; DESCRIBE expensive; SHOW TABLES; SHOW VIEWS; "
      "SHOW CREATE TABLE orders");
  ASSERT_THAT(compiled.diagnostics, IsEmpty());
  EXPECT_THAT(compiled.steps[0].rows,
              ElementsAre(ElementsAre("item", "STRING", "FALSE", "PRI", "", ""),
                          ElementsAre("price", "BIGINT", "TRUE", "", "", ""),
                          ElementsAre("ms", "BIGINT", "TRUE", "", "", ""),
                          ElementsAre("big", "BIGINT", "TRUE", "", "AS price * 2", ""),
                          ElementsAre("ts", "TIMESTAMP_LTZ(3)", "TRUE", "",
                                      "AS TO_TIMESTAMP_LTZ(ms, 3)", "ts - INTERVAL '5' SECOND")));
  EXPECT_THAT(compiled.steps[1].rows,
              ElementsAre(ElementsAre("what", "STRING", "FALSE", "", "", ""),
                          ElementsAre("much", "BIGINT", "TRUE", "", "", "")));
  EXPECT_THAT(compiled.steps[2].rows, ElementsAre(ElementsAre("expensive"), ElementsAre("orders")));
  EXPECT_THAT(compiled.steps[3].rows, ElementsAre(ElementsAre("expensive")));
  EXPECT_EQ(compiled.steps[4].text, "CREATE TABLE orders (...)");
}

TEST_F(OutsideCatalog, WhatIsWrongInItIsReportedWhereItIsUsed) {
  catalog.big = "price * ";
  EXPECT_THAT(errors("SELECT\n  item FROM orders"),
              ElementsAre(HasSubstr("2:13: table 'orders', column 'big': expected an expression")));
  catalog.big = "pric * 2";
  EXPECT_THAT(errors("SELECT item FROM orders"),
              ElementsAre("1:18: table 'orders', column 'big': unknown column 'pric'"));
  EXPECT_THAT(errors("SELECT what FROM expensive"),
              ElementsAre("1:18: view 'expensive': table 'orders', column 'big': "
                          "unknown column 'pric'"));
  catalog.big = "price";
  catalog.watermark = "item";
  EXPECT_THAT(
      errors("SELECT item FROM orders"),
      ElementsAre("1:18: table 'orders': its watermark is no timestamp but STRING NOT NULL"));
  catalog.expensive = "DROP TABLE orders";
  EXPECT_THAT(errors("SELECT what FROM expensive"),
              ElementsAre("1:18: view 'expensive': its definition is no query"));
}

TEST_F(OutsideCatalog, OneThatCannotBeAskedIsReportedOncePerName) {
  catalog.reachable = false;
  EXPECT_THAT(errors("SELECT item FROM orders;\nSELECT price FROM orders;\nSHOW TABLES"),
              ElementsAre("1:18: reading 'orders' from the catalog: connection refused",
                          "3:1: listing the catalog: connection refused"));
}

TEST_F(OutsideCatalog, ChangesFollowWhenTheWholeScriptIsRight) {
  const std::string create = "CREATE TABLE a (x INT) WITH ('connector' = 'blackhole');";
  EXPECT_THAT(session.check(create), IsEmpty());
  EXPECT_THAT(errors(create + "SELECT nothing FROM orders"), testing::SizeIs(1));
  EXPECT_THAT(catalog.created, IsEmpty());
  EXPECT_THAT(errors(create + "INSERT INTO a SELECT 1; DROP TABLE IF EXISTS nothing"), IsEmpty());
  EXPECT_THAT(catalog.created, ElementsAre("a"));
}

TEST_F(OutsideCatalog, WhenItRefusesAChangeThoseBeforeAreTakenBack) {
  const auto create = [](const std::string& name) {
    return "CREATE TABLE " + name + " (x INT) WITH ('connector' = 'blackhole');\n";
  };
  EXPECT_THAT(
      errors("SET 'parallelism.default' = '7';\n" + create("a") + create("b") + create("c")),
      ElementsAre("4:14: creating 'c' in the catalog: there is room for two tables"));
  EXPECT_THAT(catalog.created, IsEmpty());
  EXPECT_THAT(session.settings(), IsEmpty());
  EXPECT_THAT(errors("DROP VIEW expensive"),
              ElementsAre("1:11: dropping 'expensive' in the catalog: only its owner can drop it"));
}

TEST(OwnCatalog, WhatAScriptDropsAndCreatesAnewIsSeenByTheRestOfIt) {
  const auto registry = builtin_connectors();
  flow::Runtime runtime;
  Session session(*registry, runtime);
  ASSERT_TRUE(session
                  .compile("CREATE TABLE t (x INT) WITH ('connector' = 'datagen');"
                           "CREATE VIEW v AS SELECT x FROM t")
                  .ok());
  const Compiled compiled = session.compile(
      "DROP TABLE t; CREATE TABLE t (x STRING, y INT) WITH ('connector' = 'datagen');"
      "SELECT x FROM v; SHOW TABLES; DROP VIEW v; SHOW TABLES");
  ASSERT_THAT(compiled.diagnostics, IsEmpty());
  EXPECT_EQ(compiled.steps[2].plan->schema.to_string(), "(x STRING)");
  EXPECT_THAT(compiled.steps[3].rows, ElementsAre(ElementsAre("t"), ElementsAre("v")));
  EXPECT_THAT(compiled.steps[5].rows, ElementsAre(ElementsAre("t")));
}

}  // namespace
}  // namespace slipstream::sql
