#include "sql/parse/hide_secrets.h"

#include <gtest/gtest.h>

#include "sql/parse/diagnostic.h"

namespace slipstream::sql {
namespace {

// Finding 39: there was a star for each character, which told the length.
TEST(HideSecrets, StarsOfOneLengthStandForTheValuesOfSecretOptions) {
  EXPECT_EQ(hide_secrets("WITH ('topic' = 't', 'secretKey' = 'ab''c', 'format'='json')"),
            "WITH ('topic' = 't', 'secretKey' = '***', 'format'='json')");
  EXPECT_EQ(hide_secrets("'rocketmq.client.accessKey'='ab'"), "'rocketmq.client.accessKey'='***'");
  EXPECT_EQ(hide_secrets("'security-token' =\n  'ab\ncd'"), "'security-token' =\n  '***'");
  EXPECT_EQ(hide_secrets("'TLS.Key_Password' 'a long password'"), "'TLS.Key_Password' '***'");
  EXPECT_EQ(hide_secrets("'secretKey' = ''"), "'secretKey' = '***'");
}

// A quote in a comment or a name turned literals and the rest around, and the secret was shown.
TEST(HideSecrets, QuotesInCommentsAndNamesBeginNothing) {
  EXPECT_EQ(hide_secrets("-- don't\n'secretKey' = 'hush'"), "-- don't\n'secretKey' = '***'");
  EXPECT_EQ(hide_secrets("/* don't */ 'secretKey' = 'hush'"), "/* don't */ 'secretKey' = '***'");
  EXPECT_EQ(hide_secrets("/*+ OPTIONS('secretKey'='hush') */"),
            "/*+ OPTIONS('secretKey'='***') */");
  EXPECT_EQ(hide_secrets("`don't` 'secretKey' = 'hush'"), "`don't` 'secretKey' = '***'");
  EXPECT_EQ(hide_secrets("'secretKey' = -- don't\n 'hush'"), "'secretKey' = -- don't\n '***'");
}

TEST(HideSecrets, SecretsThatWereCommentedOutAreHidden) {
  EXPECT_EQ(hide_secrets("-- 'secretKey' = 'hush'\nSELECT 'a'"),
            "-- 'secretKey' = '***'\nSELECT 'a'");
  EXPECT_EQ(hide_secrets("/* don't: 'password'='hush', 'x' */"),
            "/* don't: 'password'='***', 'x' */");
}

TEST(HideSecrets, NamesOfSecretsAreShown) {
  for (const char* text : {"'accessKey' = '${secret_values.ak_secret}'",
                           "-- 'password' = '${secret_values.p}'\nSELECT 1"})
    EXPECT_EQ(hide_secrets(text), text);
  EXPECT_EQ(hide_secrets("'accessKey' = '${secret_values.a}b'"), "'accessKey' = '***'");
  EXPECT_EQ(hide_secrets("'accessKey' = '${secret_values.a}${b}'"), "'accessKey' = '***'");
}

TEST(HideSecrets, TheRestStays) {
  for (const char* text :
       {"SELECT 'secretKey' FROM t", "SELECT 'secretKey', 'x'", "'credentials.file' = '/f'", "",
        "'", "INSERT INTO t VALUES ('password', 'x')"}) {
    EXPECT_EQ(hide_secrets(text), text);
  }
}

TEST(HideSecrets, AnUnfinishedValueIsHiddenToItsEnd) {
  EXPECT_EQ(hide_secrets("'secretKey' = 'abc, 1"), "'secretKey' = '***");
}

TEST(HideSecrets, ADiagnosticShowsNoSecretAndKeepsItsPlace) {
  const auto shown = [](const std::string& sql, Diagnostic diagnostic) {
    return render_diagnostic(sql, "job.sql", diagnostic);
  };
  EXPECT_EQ(shown("WITH ('secretKey' = 'hush hush' oops)", {1, 33, 4, "unexpected 'oops'", ""}),
            "job.sql:1:33: error: unexpected 'oops'\n"
            "  1 | WITH ('secretKey' = '***' oops)\n"
            "    |                           ^~~~\n");
  EXPECT_EQ(shown("('secretKey' = '', oops)", {1, 20, 4, "unexpected 'oops'", ""}),
            "job.sql:1:20: error: unexpected 'oops'\n"
            "  1 | ('secretKey' = '***', oops)\n"
            "    |                       ^~~~\n");
  // The value itself, and one of several lines.
  EXPECT_EQ(shown("('secretKey' = 'hush')", {1, 16, 6, "wrong", ""}),
            "job.sql:1:16: error: wrong\n"
            "  1 | ('secretKey' = '***')\n"
            "    |                ^~~~~\n");
  EXPECT_EQ(shown("('secretKey' = 'a\nbcd' oops)", {2, 6, 4, "unexpected 'oops'", ""}),
            "job.sql:2:6: error: unexpected 'oops'\n"
            "  2 | ***' oops)\n"
            "    |      ^~~~\n");
}

}  // namespace
}  // namespace slipstream::sql
