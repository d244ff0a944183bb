#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/testing/round.h"

namespace slipstream::format {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using testing::decode;
using testing::decoder_for;
using ::testing::ElementsAre;
using testing::encode;
using ::testing::HasSubstr;

Schema one(const Type& type) { return Schema({{"v", type}}); }

TEST(RawFormat, TextAndBytes) {
  EXPECT_THAT(decode({.format = "raw", .schema = one(Type::string())},
                     {"a\nlong text that is not inline", ""})
                  .rows,
              ElementsAre("+I(a\nlong text that is not inline)", "+I()"));
  const auto bad = decode({.format = "raw", .schema = one(Type::string())}, {"\xff"});
  EXPECT_THAT(bad.failures, ElementsAre(HasSubstr("0: the body is not text")));
  EXPECT_EQ(decode({.format = "raw", .schema = one(Type::bytes())}, {"\xff"}).rows.size(), 1U);
}

TEST(RawFormat, Charsets) {
  const OptionMap gbk = {{"raw.charset", "GBK"}};
  EXPECT_THAT(
      decode({.format = "raw", .schema = one(Type::string()), .options = gbk}, {"\xca\xfd"}).rows,
      ElementsAre("+I(数)"));
  const Batch batch = batch_of({column_of(Type::string(), {"数", "😀"})});
  EXPECT_THAT(
      encode({.format = "raw", .schema = one(Type::string()), .options = gbk}, batch),
      ElementsAre("\xca\xfd",
                  HasSubstr("error: column 'v' holds a character that 'raw.charset' lacks")));
  const OptionMap utf16 = {{"raw.charset", "UTF-16"}};
  EXPECT_EQ(encode({.format = "raw", .schema = one(Type::string()), .options = utf16}, batch)[0],
            "\xfe\xff\x65\x70");
  EXPECT_THAT(decode({.format = "raw", .schema = one(Type::string()), .options = utf16},
                     {"\xff\xfe\x70\x65", "\xfe\xff\x65\x70", "\x65\x70"})
                  .rows,
              ElementsAre("+I(数)", "+I(数)", "+I(数)"));
  std::string problem;
  EXPECT_EQ(
      decoder_for(
          {.format = "raw", .schema = one(Type::string()), .options = {{"raw.charset", "klingon"}}},
          &problem),
      nullptr);
  EXPECT_THAT(problem, HasSubstr("unknown encoding 'klingon'"));
}

TEST(RawFormat, NumbersInBothByteOrders) {
  const std::string big("\x00\x00\x01\x02", 4);
  EXPECT_THAT(decode({.format = "raw", .schema = one(Type::integer())}, {big}).rows,
              ElementsAre("+I(258)"));
  EXPECT_THAT(decode({.format = "raw",
                      .schema = one(Type::integer()),
                      .options = {{"raw.endianness", "little-endian"}}},
                     {std::string("\x02\x01\x00\x00", 4)})
                  .rows,
              ElementsAre("+I(258)"));
  EXPECT_THAT(decode({.format = "raw", .schema = one(Type::integer())}, {"abc"}).failures,
              ElementsAre(HasSubstr("a body of 3 bytes is no INT, which takes 4")));
  for (const Type& type : {Type::tinyint(), Type::smallint(), Type::integer(), Type::bigint(),
                           Type::float32(), Type::float64()}) {
    const Batch batch = batch_of({column_of(type, {"-2"})});
    const auto bodies = encode({.format = "raw", .schema = one(type)}, batch);
    EXPECT_EQ(decode({.format = "raw", .schema = one(type)}, bodies).rows,
              slipstream::testing::row_texts(batch));
  }
}

TEST(RawFormat, RefusesOtherTablesAndNull) {
  std::string problem;
  EXPECT_EQ(decoder_for({.format = "raw",
                         .schema = Schema({{"a", Type::integer()}, {"b", Type::integer()}})},
                        &problem),
            nullptr);
  EXPECT_THAT(problem, HasSubstr("exactly one column"));
  EXPECT_EQ(decoder_for({.format = "raw", .schema = one(Type::date())}, &problem), nullptr);
  EXPECT_THAT(problem, HasSubstr("cannot hold DATE"));
  const Batch batch = batch_of({column_of(Type::string(), {std::nullopt})});
  EXPECT_THAT(encode({.format = "raw", .schema = one(Type::string())}, batch)[0],
              HasSubstr("is NULL"));
}

TEST(FindFormat, KnowsEachByItsOwnName) {
  std::set<std::string> names;
  for (const Format* each : all_formats()) {
    EXPECT_TRUE(names.insert(each->name).second) << each->name << " is there twice";
    EXPECT_EQ(*find_format(each->name), each);
  }
  EXPECT_TRUE(names.contains("json"));
}

TEST(FindFormat, NamesTheNearest) {
  const auto missing = find_format("jsonn");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("did you mean 'json'?"));
}

}  // namespace
}  // namespace slipstream::format
