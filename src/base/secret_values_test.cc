#include "slipstream/secret_values.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/testing/temporary_folder.h"

namespace slipstream {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SecretValuesTest : public ::testing::Test {
 protected:
  std::string file(const std::string& content, ::mode_t mode = 0600) {
    folder_.write("secrets", content);
    const std::string path = folder_ / "secrets";
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  std::string refusal(const std::string& content, ::mode_t mode = 0600) {
    const auto read = SecretValues::read(file(content, mode));
    EXPECT_FALSE(read.ok());
    return read.ok() ? "" : read.error().message;
  }
  TemporaryFolder folder_;
};

TEST_F(SecretValuesTest, ValuesOfAFileTakeThePlaceOfTheirNames) {
  const auto secrets = SecretValues::read(file("# keys\n\nak_id=LTAI1\nak_secret=a=b c\r\n"));
  ASSERT_TRUE(secrets.ok()) << secrets.error().message;
  EXPECT_EQ(*secrets->put_into("${secret_values.ak_id}"), "LTAI1");
  EXPECT_EQ(*secrets->put_into("<${secret_values.ak_secret}|${secret_values.ak_id}>"),
            "<a=b c|LTAI1>");
  EXPECT_EQ(*secrets->put_into("${other.ak_id} $"), "${other.ak_id} $");
}

TEST_F(SecretValuesTest, TheEnvironmentIsAskedForWhatTheFileLacks) {
  ASSERT_EQ(::setenv("SLIPSTREAM_SECRET_from_outside", "outside", 1), 0);
  ASSERT_EQ(::setenv("SLIPSTREAM_SECRET_in_both", "outside", 1), 0);
  const auto secrets = SecretValues::read(file("in_both=inside\n"));
  EXPECT_EQ(*secrets->put_into("${secret_values.from_outside}"), "outside");
  EXPECT_EQ(*secrets->put_into("${secret_values.in_both}"), "inside");
  EXPECT_EQ(*SecretValues().put_into("${secret_values.in_both}"), "outside");
}

TEST_F(SecretValuesTest, AnUnknownNameIsAnError) {
  const auto unknown = SecretValues().put_into("${secret_values.nobody}");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message,
              AllOf(HasSubstr("'nobody'"), HasSubstr("SLIPSTREAM_SECRET_nobody")));
  for (const char* broken : {"${secret_values.", "${secret_values.}", "${secret_values.a b}"})
    EXPECT_THAT(SecretValues().put_into(broken).status().to_string(), HasSubstr("is written"));
}

TEST_F(SecretValuesTest, FilesThatEverybodyReadsAreRefused) {
  EXPECT_THAT(refusal("a=hidden\n", 0644), AllOf(HasSubstr("chmod o-r"), Not(HasSubstr("hidden"))));
  EXPECT_TRUE(SecretValues::read(file("a=b\n", 0640)).ok());
}

TEST_F(SecretValuesTest, LinesThatAreNoneAreNamedByTheirNumber) {
  EXPECT_THAT(refusal("a=b\nhidden\n"), AllOf(HasSubstr("line 2"), Not(HasSubstr("hidden"))));
  EXPECT_THAT(refusal("a=b\na=hidden\n"), AllOf(HasSubstr("'a' again"), Not(HasSubstr("hidden"))));
  EXPECT_THAT(SecretValues::read(folder_ / "none").status().to_string(), HasSubstr("none"));
}

TEST_F(SecretValuesTest, ValuesInUseAreHiddenFromTheLog) {
  const auto secrets = SecretValues::read(file("long=swordfish\nshort=abc\n"));
  EXPECT_EQ(hide_secret_values("a swordfish"), "a swordfish") << "not in use yet";
  ASSERT_TRUE(secrets->put_into("${secret_values.long}${secret_values.short}").ok());
  EXPECT_EQ(hide_secret_values("swordfish, swordfish; abc"),
            "${secret_values.long}, ${secret_values.long}; abc");
  std::string logged;
  set_log_sink([&](LogLevel, std::string_view, std::string_view text) { logged = text; });
  log(LogLevel::kInfo, "test", "connecting as swordfish");
  set_log_sink({});
  EXPECT_EQ(logged, "connecting as ${secret_values.long}");
}

TEST_F(SecretValuesTest, AValueThatHoldsAnotherOneIsHiddenWhole) {
  const auto secrets = SecretValues::read(file("one=pass\ntwo=passport\nthree=secret_values\n"));
  for (const char* name : {"one", "two", "three"})
    ASSERT_TRUE(secrets->put_into("${secret_values." + std::string(name) + "}").ok());
  EXPECT_EQ(hide_secret_values("passport pass secret_values"),
            "${secret_values.two} ${secret_values.one} ${secret_values.three}");
}

}  // namespace
}  // namespace slipstream
