#include "sql/parse/hide_secrets.h"

#include <gtest/gtest.h>

#include "sql/parse/diagnostic.h"

namespace slipstream::sql {
namespace {

TEST(HideSecrets, StarsStandForTheValuesOfSecretOptions) {
  EXPECT_EQ(hide_secrets("WITH ('topic' = 't', 'secretKey' = 'ab''c', 'format'='json')"),
            "WITH ('topic' = 't', 'secretKey' = '*****', 'format'='json')");
  EXPECT_EQ(hide_secrets("'rocketmq.client.accessKey'='ab'"), "'rocketmq.client.accessKey'='**'");
  EXPECT_EQ(hide_secrets("'security-token' =\n  'ab\ncd'"), "'security-token' =\n  '**\n**'");
  EXPECT_EQ(hide_secrets("'TLS.Key_Password' 'abc'"), "'TLS.Key_Password' '***'");
}

TEST(HideSecrets, TheRestStays) {
  for (const char* text :
       {"SELECT 'secretKey' FROM t", "SELECT 'secretKey', 'x'", "'credentials.file' = '/f'", "",
        "'", "INSERT INTO t VALUES ('password', 'x')"}) {
    EXPECT_EQ(hide_secrets(text), text);
  }
}

TEST(HideSecrets, AnUnfinishedValueIsHiddenToItsEnd) {
  EXPECT_EQ(hide_secrets("'secretKey' = 'abc, 1"), "'secretKey' = '******");
}

TEST(HideSecrets, ADiagnosticShowsNoSecret) {
  const std::string sql = "WITH ('secretKey' = 'hush' oops)";
  const std::string shown =
      render_diagnostic(sql, "job.sql", Diagnostic{1, 28, 4, "unexpected 'oops'", ""});
  EXPECT_EQ(shown.find("hush"), std::string::npos) << shown;
  EXPECT_NE(shown.find("'****' oops"), std::string::npos) << shown;
}

}  // namespace
}  // namespace slipstream::sql
