#include "data/text/java_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/text/pattern.h"

namespace slipstream::text {
namespace {

using ::testing::HasSubstr;
using Outcome = Pattern::Outcome;

struct Case {
  std::string_view text;
  std::string_view pattern;
  std::string_view expected;  // "[the match]", "no match", "wrong"
};

Outcome search(const Pattern& pattern, std::string_view text,
               std::span<std::string_view> groups = {}) {
  PatternEffort effort(text);
  return pattern.search(text, 0, groups, effort);
}

std::string first_match(const Case& one) {
  const Pattern pattern(PatternKind::kJava, one.pattern, {});
  if (pattern.fault()) {
    const bool wrong = pattern.fault()->code == ErrorCode::kInvalidArgument;
    return wrong ? "wrong" : pattern.fault()->message;
  }
  std::string_view match;
  switch (search(pattern, one.text, {&match, 1})) {
    case Outcome::kMatch:
      return "[" + std::string(match) + "]";
    case Outcome::kNoMatch:
      return "no match";
    default:
      return "given up";
  }
}

// What java.util.regex of JDK 17 answers.
constexpr Case kCases[] = {
    {"中文abc", "[\\u4e00-\\u9fa5]+", "[中文]"},
    {"ab", "(?=a)ab", "[ab]"},
    {"abc\n", "c$", "[c]"},
    {"abc\n", "c\\Z", "[c]"},
    {"abc\n", "c\\z", "no match"},
    {"abc", "(", "wrong"},
    {"abba", "(a)(b)\\2\\1", "[abba]"},
    {"中", "\\p{IsHan}", "[中]"},
    {"aaa", "a*+a", "no match"},
    {"x1", "(?<n>\\d)\\k<n>?", "[1]"},
    {"x11", "(?<n>\\d)\\k<n>", "[11]"},
    {"abc\r\n", "c$", "[c]"},
    {"abc\r\n", "c\\r$", "no match"},
    {"abc\r", "c$", "[c]"},
    {"abc", "c$", "[c]"},
    {"a b", "a.b", "[a b]"},
    {"a\rb", "a.b", "no match"},
    {"a\nb", "(?s)a.b", "[a\nb]"},
    {"a", "[a-z&&[^b]]", "[a]"},
    {"b", "[a-z&&[^b]]", "no match"},
    {"é", "[\\p{L}&&[^a-z]]", "[é]"},
    {"é", "[\\p{L}&&[^\\p{IsLatin}]]", "no match"},
    {"é", "[^\\p{L}]", "no match"},
    {"1", "[^\\p{L}a]", "[1]"},
    {"é", "[\\P{L}é]", "[é]"},
    {"a\tb", "a\\hb", "[a\tb]"},
    {"a\r\nb", "a\\Rb", "[a\r\nb]"},
    {"A", "(?i)a", "[A]"},
    {"É", "(?i)é", "no match"},
    {"É", "(?iu)é", "[É]"},
    {"K", "(?i)k", "[K]"},
    {"K", "(?iu)k", "[K]"},
    {"ſ", "(?i)s", "no match"},
    {"B", "(?i)[a-c]", "[B]"},
    {"é", "\\w", "no match"},
    {"١", "\\d", "no match"},
    {"١", "(?U)\\d", "[١]"},
    {"é", "(?U)\\w", "[é]"},
    {"é1", "(?U)\\bé1\\b", "[é1]"},
    {"aab", "{2}a", "[a]"},
    {"a", "{2}*", "wrong"},
    {"a", "(?i){2}?a", "[a]"},
    {"abc", "a{,2}", "wrong"},
    {"a{", "a{", "wrong"},
    {"a}", "a}", "[a}]"},
    {"]", "]", "[]]"},
    {"]", "[]a]", "[]]"},
    {"a", "[^]a]", "no match"},
    {"b", "[^]a]", "[b]"},
    {"a", "[a", "wrong"},
    {"a", "*a", "wrong"},
    {"a", "a**", "wrong"},
    {"a", "a++", "[a]"},
    {"aab", "a{2}+b", "[aab]"},
    {"aab", "a{1}?a", "[aa]"},
    {"a", "a{2,1}", "wrong"},
    {"a", "a{1,2000}", "[a]"},
    {"", "\\v", "no match"},
    {"", "\\s", "no match"},
    {"a\nb", "(?m)^b", "[b]"},
    {"a\nb", "(?m)a$", "[a]"},
    {"a\rb", "(?m)^b", "[b]"},
    {"a\r\nb", "(?m)a$", "[a]"},
    {"a\n", "(?m)^$", "no match"},
    {"a\n\nb", "(?m)^$", "[]"},
    {"a\r\n", "(?dm)a$", "no match"},
    {"foo", "\\bfoo\\b", "[foo]"},
    {"foo", "o\\B", "[o]"},
    {"x", "\\x{78}", "[x]"},
    {"x", "\\x78", "[x]"},
    {"x", "\\0170", "[x]"},
    {"a", "\\cA", "no match"},
    {"😀", "\\ud83d\\ude00", "[😀]"},
    {"😀", "[\\ud83d\\ude00-\\ud83d\\ude10]", "[😀]"},
    {"😀", "^.$", "[😀]"},
    {"ab", "(?x) a b # c", "[ab]"},
    {"ab", "(?x)a  + b", "[ab]"},
    {"AB", "(?i:a)B", "[AB]"},
    {"Ab", "((?i)a)b", "[Ab]"},
    {"AB", "((?i)a)b", "no match"},
    {"ab", "(?>a)b", "[ab]"},
    {"ab", "a(?#c)b", "wrong"},
    {"ab", "(?P<n>a)b", "wrong"},
    {"a.b*", "\\Qa.b*\\E", "[a.b*]"},
    {"ab", "\\Qab", "[ab]"},
    {"a", "\\pL", "[a]"},
    {"a", "\\PL", "no match"},
    {"α", "\\p{IsGreek}", "[α]"},
    {"α", "\\p{InGreek}", "[α]"},
    {"α", "\\p{script=Greek}", "[α]"},
    {"α", "\\p{sc=GREEK}", "[α]"},
    {"α", "\\p{general_category=Ll}", "[α]"},
    {"α", "\\p{Greek}", "wrong"},
    {"a", "\\p{Foo}", "wrong"},
    {"a", "\\p{IsFoo}", "wrong"},
    {"a", "\\p{IsAlphabetic}", "[a]"},
    {"中", "\\p{IsIdeographic}", "[中]"},
    {"中", "\\p{InCJK_Unified_Ideographs}", "[中]"},
    {"a", "\\y", "wrong"},
    {"a", "\\_", "no match"},
    {"-", "\\-", "[-]"},
    {"a-", "[a\\-]", "[a]"},
    {"a", "[[:alpha:]]", "[a]"},
    {":", "[[:alpha:]]", "[:]"},
    {"-", "[a-]", "[-]"},
    {"[", "[[]", "wrong"},
    {"aXbXc", "(?<=b)X", "[X]"},
    {"aXbXc", "(?<!a)X", "[X]"},
    {"ab", "a\\Gb", "no match"},
    {"aab", "\\Ga", "[a]"},
    {"ab", "(a)?b\\1", "no match"},
    {"b", "(a)?b\\1", "no match"},
    {"a1", "(a)\\11", "no match"},
    {"abcdefghijkk", "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)\\11", "[abcdefghijkk]"},
    {"aa", "\\1(a)", "no match"},
    {"a", "\\2(a)", "no match"},
    {"á", "^\\X$", "[á]"},
    {"a b", "a\\ b", "[a b]"},
    {"a", "(?n)a", "wrong"},
    {"a", "(?s-i)a", "[a]"},
    {"a", "a|*", "wrong"},
    {"a", "|a", "[]"},
    {"a", "a|", "[a]"},
    {"a", "(?i", "wrong"},
    {"a", "(?z)a", "wrong"},
    {"a", ")", "wrong"},
    {"a", "a)", "wrong"},
    {"a", "\\", "wrong"},
    {"a", "[b-a]", "wrong"},
    {"a", "[z\\]a]", "[a]"},
    {"^", "[\\^]", "[^]"},
    {"b", "[^^]", "[b]"},
    {"^", "[a^]", "[^]"},
    {"e", "[a-d[e-f]]", "[e]"},
    {"e", "[^a-d[e-f]]", "no match"},
    {"g", "[^a-d[e-f]]", "[g]"},
    {"c", "[a-z&&b-d&&c-e]", "[c]"},
    {"a", "[a-z&&b-d&&c-e]", "no match"},
    {"&", "[a&b]", "[&]"},
    {"a", "[&&a]", "[a]"},
    {"ab", "a(?!b)", "no match"},
    {"ac", "a(?!b)", "[a]"},
    {"Aa", "(?i)(a)\\1", "[Aa]"},
    {"ab", "(?<a1>a)(?<b>b)", "[ab]"},
    {"ab", "(?<1a>a)", "wrong"},
    {"ab", "(?<a>a)(?<a>b)", "wrong"},
    {"ab", "\\k<q>", "wrong"},
    {".", "[.]", "[.]"},
    {"$", "[$]", "[$]"},
    {"$", "\\$", "[$]"},
    {"a$b", "a$b", "no match"},
    {"ab", "^^ab$$", "[ab]"},
    {"ab", "(^)*ab($)?", "[ab]"},
    {"\n", "^$", "[]"},
    {"\n\n", "^$", "no match"},
    {"\n", "\\A\\Z", "[]"},
    {"a b", "a[ ]b", "[a b]"},
    {"ab", "(?x)[a b]+", "[ab]"},
    {"/", "/", "[/]"},
    {"\"", "\"", "[\"]"},
    {"a\"b", "a\"b", "[a\"b]"},
    {"{", "{", "wrong"},
    {"{a}", "\\{a\\}", "[{a}]"},
    {"a,b", "a,b", "[a,b]"},
    {"aaa", "(a{0,1}){2}", "[aa]"},
    {"A1", "\\p{Upper}\\p{Digit}", "[A1]"},
    {"!", "\\p{Punct}", "[!]"},
    {"é", "\\p{Alpha}", "no match"},
    {"é", "\\P{Alpha}", "[é]"},
    {"é", "[\\P{Alpha}]", "[é]"},
    {"é", "[^\\P{Alpha}]", "no match"},
    {"é", "(?U)\\p{Alpha}", "[é]"},
    {"a", "[\\w&&[^\\d_]]", "[a]"},
    {"1", "[\\w&&[^\\d_]]", "no match"},
    {"１", "[０-９]", "[１]"},
    {"2024-01-31", "(\\d{4})-(\\d{2})-(\\d{2})", "[2024-01-31]"},
    {"a1b22", "\\d+(?=$)", "[22]"},
    {"foobar", "foo(?=bar)", "[foo]"},
    {"password1", "^(?=.*\\d)(?=.*[a-z]).{8,}$", "[password1]"},
    {"aabb", "(.)\\1(.)\\2", "[aabb]"},
    {"ab\ncd", "^cd", "no match"},
    {"ab\ncd", "d$", "[d]"},
    {"ab\ncd\n", "d$", "[d]"},
    {"x", "[\\x41-\\x5a]", "no match"},
    {"A", "[\\x41-\\x5a]", "[A]"},
    {"a", "[\\b]", "wrong"},
    {"a", "[\\A]", "wrong"},
    {"abc\u0085", "c$", "[c]"},
    {"abc\u2028", "c$", "[c]"},
    {"abc\u2029", "c\\Z", "[c]"},
    {"a\u2028b", "a.b", "no match"},
    {"a\u0085b", "a.b", "no match"},
    {"a\u2028b", "(?d)a.b", "[a\u2028b]"},
    {"a\rb", "(?d)a.b", "[a\rb]"},
    {"abc\r", "(?d)c$", "no match"},
    {"abc\n", "(?d)c$", "[c]"},
    {"\u212a", "(?i)k", "no match"},
    {"\u212a", "(?iu)k", "[\u212a]"},
    {"\u00a0", "\\s", "no match"},
    {"\u00a0", "(?U)\\s", "[\u00a0]"},
    {"\u00a0", "\\h", "[\u00a0]"},
    {"a\u0301", "^\\X$", "[a\u0301]"},
    {"a", "(?i)*", "wrong"},
    {"aa", "\\b*a+?$", "[aa]"},
    {"ab", "(?=a)*ab", "[ab]"},
    {"abc abc", "(abc) \\1", "[abc abc]"},
    {"x=1;y=2", "(?<=;)\\w", "[y]"},
    {"aaaa", "(a|aa)+$", "[aaaa]"},
    {"中文，标点", "[\\p{IsHan}\\p{Punct}]+", "[中文]"},
    {"中文，标点", "[^\\p{IsHan}]", "[，]"},
    {"tel 13812345678", "(?<!\\d)1[3-9]\\d{9}(?!\\d)", "[13812345678]"},
    {"a.b", "a[.]b", "[a.b]"},
    {"a\nb", "a\\nb", "[a\nb]"},
    {"tab\there", "\\t", "[\t]"},
    {"e", "\\e|e", "[e]"},
    {"ab", "(?:a)(?-i)b", "[ab]"},
    {"AB", "(?i)a(?-i)b", "no match"},
    {"Ab", "(?i)a(?-i)b", "[Ab]"},
    {"aXb", "(?i:ax)b", "[aXb]"},
    {"a]", "a]", "[a]]"},
    {"a-b", "[a-]-[b]", "[a-b]"},
    {"z", "[a-\\x7a]", "[z]"},
    {"_", "[\\w&&[^a-z0-9]]", "[_]"},
    {"5", "[\\d&&[1-4]]", "no match"},
    {"ｱ", "\\p{IsKatakana}", "[ｱ]"},
    {"カ", "\\p{InKatakana}", "[カ]"},
    {"д", "\\p{IsCyrillic}+", "[д]"},
    {"Д", "(?iu)д", "[Д]"},
    {"Д", "(?i)д", "no match"},
    {"ς", "(?iu)Σ", "[ς]"},
    {"€", "\\p{Sc}", "[€]"},
    {"€", "\\p{IsCurrency_Symbol}", "wrong"},
    {"a", "\\p{Ll}|\\p{Lu}", "[a]"},
    {"ﬁ", "(?iu)FI", "no match"},
    {"ß", "(?iu)SS", "no match"},
};

// Finding 8.
TEST(JavaPattern, FindsWhatJavaFinds) {
  for (const Case& one : kCases)
    EXPECT_EQ(first_match(one), one.expected) << one.pattern << " in '" << one.text << "'";
}

std::string fault_of(std::string_view source) {
  const Pattern pattern(PatternKind::kJava, source, {});
  return pattern.fault() ? pattern.fault()->message : "none";
}

TEST(JavaPattern, WhatIsNotSupportedIsNamed) {
  for (const auto& [pattern, reason] : std::vector<std::pair<std::string, std::string>>{
           {"ab\\p{javaLowerCase}",
            "the class \\p{javaLowerCase} is not supported, at character 3"},
           {"\\p{InMongolian}", "the class \\p{InMongolian} is not supported"},
           {"\\N{DIGIT ONE}", "\\N{...} is not supported"},
           {"a\\b{g}", "\\b{...} is not supported, at character 2"},
           {"\\ud83d", "half of a surrogate pair is not supported"},
           {"(?<=a{1,3})b", "not supported: lookbehind assertion is not fixed length"},
           {"a{70000}", "a repetition of more than 65535 is not supported"},
           {std::string(300, '(') + std::string(300, ')'), "nested more than 200 deep"}}) {
    EXPECT_THAT(fault_of(pattern), HasSubstr(reason));
    EXPECT_EQ(Pattern(PatternKind::kJava, pattern, {}).fault()->code, ErrorCode::kUnsupported);
  }
}

TEST(JavaPattern, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(fault_of("数据(a"), "the pattern '数据(a' is wrong: unclosed group at character 3");
  EXPECT_THAT(fault_of("a[b-a]"), HasSubstr("an illegal range at character 3"));
  EXPECT_THAT(fault_of("a+*"), HasSubstr("nothing to repeat at character 3"));
  EXPECT_THAT(fault_of("\\p{IsFoo}"), HasSubstr("a class \\p{...} does not exist"));
}

TEST(Pattern, RunsInLinearTimeWhatNeedsNoMore) {
  for (const char* pattern : {"a.*b$", "[\\u4e00-\\u9fa5]+", "\\p{IsHan}", "(?i)(?<n>abc)\\R\\h\\Z",
                              "[a-z&&[^b]]", "\\Qa+b\\E"})
    EXPECT_TRUE(Pattern(PatternKind::kJava, pattern, {}).runs_on_re2()) << pattern;
  for (const char* pattern : {"(?=a)", "(a)\\1", "a++", "(?m)^a", "\\p{IsAlphabetic}"})
    EXPECT_FALSE(Pattern(PatternKind::kJava, pattern, {}).runs_on_re2()) << pattern;
}

TEST(Pattern, GroupsMayHaveNoPart) {
  for (const char* source : {"(a)|(b)|(c)", "(?=.)(?:(a)|(b)|(c))"}) {
    const Pattern pattern(PatternKind::kJava, source, {});
    std::string_view groups[6];
    ASSERT_EQ(search(pattern, "xb", groups), Outcome::kMatch);
    EXPECT_EQ(groups[0], "b");
    EXPECT_EQ(groups[1].data(), nullptr);
    EXPECT_EQ(groups[2], "b");
    EXPECT_EQ(groups[3].data(), nullptr);
    EXPECT_EQ(pattern.groups(), 3U);
  }
}

// Both kinds of effort: at one place, and a little at each of many places.
TEST(Pattern, GivesUpWhatNeedsTooManySteps) {
  const Pattern nested(PatternKind::kJava, "(?=a)(a+)+$", {});
  EXPECT_EQ(search(nested, std::string(40, 'a') + "b"), Outcome::kGivenUp);
  EXPECT_THAT(nested.given_up(), HasSubstr("the pattern '(?=a)(a+)+$' needs more than 5000000"));
  const Pattern every_place(PatternKind::kJava, "(?=.*b)\\w", {});
  EXPECT_EQ(search(every_place, std::string(20'000, 'a')), Outcome::kGivenUp);
  EXPECT_EQ(search(every_place, std::string(20'000, 'a') + "b"), Outcome::kMatch);
}

// The searches of one row share what they may do.
TEST(Pattern, EffortIsOfTheRow) {
  const Pattern pattern(PatternKind::kJava, "(?=.*b)\\w", {});
  const std::string text(2'000, 'a');
  PatternEffort effort(text);
  EXPECT_EQ(pattern.search(text, 0, {}, effort), Outcome::kNoMatch);
  Outcome last = Outcome::kNoMatch;
  for (int i = 0; i < 4 && last == Outcome::kNoMatch; ++i)
    last = pattern.search(text, 0, {}, effort);
  EXPECT_EQ(last, Outcome::kGivenUp);
}

TEST(Pattern, BytesThatAreNoTextMatchNothing) {
  EXPECT_EQ(search(Pattern(PatternKind::kJava, "(?=b).", {}),
                   "\xff\xfe"
                   "b"),
            Outcome::kMatch);
  EXPECT_EQ(search(Pattern(PatternKind::kJava, "(?!b).", {}), "\xff\xfe"), Outcome::kNoMatch);
}

TEST(PatternCache, KeepsWhatWasUsedLast) {
  PatternCache& cache = PatternCache::shared();
  const auto kept = cache.get(PatternKind::kJava, "kept", {});
  EXPECT_NE(cache.get(PatternKind::kSimilar, "kept", {}), kept);
  EXPECT_NE(cache.get(PatternKind::kSimilar, "kept", "!"),
            cache.get(PatternKind::kSimilar, "kept", {}));
  for (std::size_t i = 0; i < 2 * PatternCache::kMost; ++i) {
    cache.get(PatternKind::kJava, "other" + std::to_string(i), {});
    EXPECT_EQ(cache.get(PatternKind::kJava, "kept", {}), kept);
  }
  EXPECT_EQ(cache.size(), PatternCache::kMost);
  const std::string longest(PatternCache::kLongest, 'x');
  EXPECT_NE(cache.get(PatternKind::kJava, longest, {}), cache.get(PatternKind::kJava, longest, {}));
}

}  // namespace
}  // namespace slipstream::text
