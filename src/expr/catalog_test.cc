#include "expr/catalog.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace slipstream::expr {
namespace {

// Names with a comma behind each.
constexpr std::string_view kDialect =
    "+,-,*,/,%,ABS,CEIL,FLOOR,ROUND,TRUNCATE,SIGN,POWER,SQRT,EXP,LN,LOG,LOG10,LOG2,MOD,"
    "RAND,GREATEST,LEAST,UPPER,LOWER,INITCAP,TRIM,LTRIM,RTRIM,BTRIM,CHAR_LENGTH,"
    "OCTET_LENGTH,SUBSTRING,SUBSTR,LEFT,RIGHT,LPAD,RPAD,REPLACE,OVERLAY,POSITION,LOCATE,"
    "INSTR,CONCAT,CONCAT_WS,||,REPEAT,REVERSE,SPLIT_INDEX,REGEXP,REGEXP_REPLACE,"
    "REGEXP_EXTRACT,SIMILAR TO,LIKE,ASCII,CHR,MD5,SHA1,SHA256,TO_BASE64,FROM_BASE64,UUID,"
    "JSON_VALUE,COALESCE,NULLIF,IF,IFNULL,IS NULL,IS TRUE,IS NOT FALSE,IS DISTINCT FROM,"
    "IN,BETWEEN,CURRENT_TIMESTAMP,NOW,LOCALTIMESTAMP,CURRENT_DATE,EXTRACT,YEAR,MONTH,"
    "DAYOFMONTH,HOUR,MINUTE,SECOND,DATE_FORMAT,TO_TIMESTAMP,TO_TIMESTAMP_LTZ,TO_DATE,"
    "UNIX_TIMESTAMP,FROM_UNIXTIME,TIMESTAMPADD,TIMESTAMPDIFF,HASH_CODE,TYPEOF,CASE,CAST,"
    "TRY_CAST,COUNT,SUM,MIN,MAX,AVG,";

TEST(Catalog, EveryEntrySaysWhatItIs) {
  for (const FunctionEntry& entry : function_catalog()) {
    EXPECT_FALSE(entry.usage.empty()) << entry.name;
    EXPECT_TRUE(entry.description.ends_with('.')) << entry.name << ": " << entry.description;
  }
}

TEST(Catalog, HoldsTheDialect) {
  std::set<std::string> names;
  for (const FunctionEntry& entry : function_catalog()) names.insert(entry.name);
  for (std::string_view rest = kDialect; !rest.empty();) {
    const std::string name(rest.substr(0, rest.find(',')));
    rest.remove_prefix(name.size() + 1);
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Catalog, TheReferenceIsUpToDate) {
  const std::string path = std::string(SLIPSTREAM_DOCS_DIR) + "/sql-functions.md";
  if (std::getenv("SLIPSTREAM_UPDATE_DOCS") != nullptr) std::ofstream(path) << function_reference();
  std::ifstream in(path);
  const std::string written((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(written, function_reference())
      << "run this test with SLIPSTREAM_UPDATE_DOCS=1 to rewrite " << path;
}

}  // namespace
}  // namespace slipstream::expr
