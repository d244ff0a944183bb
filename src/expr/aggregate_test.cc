#include <deque>

#include <gtest/gtest.h>

#include "data/text/value.h"
#include "expr/function.h"
#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

using Texts = std::vector<std::optional<std::string>>;

// Groups of states with the text that they keep.
class Groups {
 public:
  Groups(const std::string& name, std::vector<Type> types, std::size_t groups) {
    const AggregateFunction* function = find_aggregate(name);
    bound_ = function->bind(*function->resolve(types));
    states_.resize(groups, std::vector<std::byte>(bound_.width));
  }
  const AggregateFunction::Bound& bound() const { return bound_; }

  void update(const std::vector<std::size_t>& groups, const std::vector<ColumnPtr>& args,
              const std::vector<std::int8_t>& signs = {}) {
    std::vector<std::byte*> slots;
    for (const std::size_t group : groups) slots.push_back(states_[group].data());
    bound_.update(slots, args, signs, keeper());
  }
  void merge(std::size_t into, std::size_t from) {
    bound_.merge(states_[into].data(), states_[from].data(), keeper());
  }
  Texts results() {
    std::vector<const std::byte*> slots;
    for (const auto& state : states_) slots.push_back(state.data());
    ColumnBuilder builder(bound_.signature.result);
    bound_.result(slots, builder);
    const ColumnPtr column = builder.finish();
    Texts shown;
    for (std::size_t row = 0; row < column->size(); ++row)
      shown.emplace_back(text::to_text(*column, row));
    return shown;
  }

 private:
  std::function<StringView(std::string_view)> keeper() {
    return [this](std::string_view value) {
      kept_.emplace_back(value);
      return StringView(kept_.back());
    };
  }
  AggregateFunction::Bound bound_;
  std::vector<std::vector<std::byte>> states_;
  std::deque<std::string> kept_;
};

std::string aggregate(const std::string& name, const Type& type, const Texts& values,
                      const std::vector<std::int8_t>& signs = {}) {
  Groups groups(name, {type}, 1);
  groups.update(std::vector<std::size_t>(values.size(), 0), {column_of(type, values)}, signs);
  return *groups.results()[0];
}

TEST(Aggregate, Count) {
  EXPECT_EQ(aggregate("COUNT", Type::integer(), {"1", std::nullopt, "3"}), "2");
  EXPECT_EQ(aggregate("COUNT", Type::integer(), {"1", "1", "1"}, {1, -1, 1}), "1");
  Groups all("COUNT", {}, 2);
  all.update({0, 1, 0}, {});
  EXPECT_EQ(all.results(), (Texts{"2", "1"}));
  all.merge(0, 1);
  EXPECT_EQ(all.results()[0], "3");
  EXPECT_TRUE(all.bound().can_retract);
}

TEST(Aggregate, SumsKeepTheTypeAndWrap) {
  EXPECT_EQ(aggregate("SUM", Type::integer(), {"2147483647", "1"}), "-2147483648");
  EXPECT_EQ(aggregate("SUM", Type::tinyint(), {"127", "1"}), "-128");
  EXPECT_EQ(aggregate("SUM", Type::bigint(), {"1", std::nullopt, "2"}), "3");
  EXPECT_EQ(aggregate("SUM", Type::float64(), {"0.5", "0.25"}), "0.75");
  EXPECT_EQ(aggregate("SUM", Type::decimal(5, 2), {"999.99", "0.01"}), "1000.00");
  EXPECT_EQ(aggregate("SUM", Type::integer(), {std::nullopt}), "NULL");
  EXPECT_EQ(aggregate("SUM0", Type::integer(), {std::nullopt}), "0");
  EXPECT_EQ(aggregate("SUM", Type::integer(), {"5", "5"}, {1, -1}), "NULL")
      << "all rows were taken back";
  EXPECT_EQ(aggregate("SUM", Type::integer(), {"5", "7", "5"}, {1, 1, -1}), "7");
  // finding 15, as "What differs from Flink" has it
  const std::string nines(38, '9');
  for (const char* name : {"SUM", "AVG"}) {
    EXPECT_EQ(aggregate(name, Type::decimal(38, 0), {nines, "1"}), "NULL") << name;
    EXPECT_EQ(aggregate(name, Type::decimal(38, 0), {nines, "1", "-5"}), "NULL")
        << name << ": an overflow stays";
  }
}

TEST(Aggregate, Averages) {
  EXPECT_EQ(aggregate("AVG", Type::integer(), {"1", "2"}), "1");
  EXPECT_EQ(aggregate("AVG", Type::integer(), {"-1", "-2"}), "-1");
  EXPECT_EQ(aggregate("AVG", Type::bigint(), {"4", std::nullopt, "8"}), "6");
  EXPECT_EQ(aggregate("AVG", Type::float64(), {"1", "2"}), "1.5");
  EXPECT_EQ(aggregate("AVG", Type::decimal(10, 2), {"1.00", "2.01"}), "1.505000");
  EXPECT_EQ(aggregate("AVG", Type::integer(), {std::nullopt}), "NULL");
  EXPECT_EQ(aggregate("AVG", Type::integer(), {"4", "100", "100"}, {1, 1, -1}), "4");
}

TEST(Aggregate, Extremes) {
  EXPECT_EQ(aggregate("MIN", Type::integer(), {"3", std::nullopt, "-1"}), "-1");
  EXPECT_EQ(aggregate("MAX", Type::decimal(5, 1), {"3.5", "12.0"}), "12.0");
  // finding 15: NaN is greater than every number, in any order of rows
  EXPECT_EQ(aggregate("MAX", Type::float64(), {"1", "NaN", "2"}), "NaN");
  EXPECT_EQ(aggregate("MIN", Type::float64(), {"NaN", "2"}), "2.0");
  EXPECT_EQ(aggregate("MIN", Type::string(), {"b", "a much longer text than fits", "z"}),
            "a much longer text than fits");
  EXPECT_EQ(aggregate("MAX", Type::string(), {"b", "a", std::nullopt}), "b");
  EXPECT_EQ(aggregate("MAX", Type::date(), {"2024-01-01", "2023-01-01"}), "2024-01-01");
  EXPECT_EQ(aggregate("MIN", Type::boolean(), {"true", "false"}), "FALSE");
  EXPECT_EQ(aggregate("MIN", Type::string(), {std::nullopt}), "NULL");
  EXPECT_EQ(aggregate("FIRST_VALUE", Type::string(), {std::nullopt, "x", "y"}), "x");
  EXPECT_EQ(aggregate("LAST_VALUE", Type::integer(), {"1", "2", std::nullopt}), "2");
  EXPECT_FALSE(Groups("MIN", {Type::integer()}, 1).bound().can_retract);
  EXPECT_TRUE(Groups("MIN", {Type::string()}, 1).bound().keeps_text);
}

TEST(Aggregate, KeptTextSurvivesItsBatch) {
  Groups groups("MAX", {Type::string()}, 2);
  {
    const ColumnPtr column =
        column_of(Type::string(), {"a text longer than twelve", "another long text here"});
    groups.update({0, 1}, {column});
  }
  EXPECT_EQ(groups.results(), (Texts{"a text longer than twelve", "another long text here"}));
  groups.merge(0, 1);
  EXPECT_EQ(groups.results()[0], "another long text here");
}

TEST(Aggregate, MergeOfPanes) {
  for (const char* name : {"SUM", "AVG", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"}) {
    Groups groups(name, {Type::bigint()}, 3);
    groups.update({0, 0, 1}, {column_of(Type::bigint(), {"4", "6", "8"})});
    groups.merge(0, 1);
    groups.merge(0, 2);
    const std::string expected = std::string(name) == "SUM"           ? "18"
                                 : std::string(name) == "AVG"         ? "6"
                                 : std::string(name).starts_with("M") ? (name[1] == 'I' ? "4" : "8")
                                 : name[0] == 'F'                     ? "4"
                                                                      : "8";
    EXPECT_EQ(groups.results()[0], expected) << name;
    EXPECT_EQ(groups.results()[2], std::string("NULL")) << name;
  }
}

TEST(Aggregate, ResultTypes) {
  const auto type = [](const std::string& name, const Type& arg) {
    const Type args[] = {arg};
    auto signature = find_aggregate(name)->resolve(args);
    return signature.ok() ? signature->result.to_string() : "error: " + signature.error().message;
  };
  EXPECT_EQ(type("SUM", Type::decimal(10, 2)), "DECIMAL(38, 2)");
  EXPECT_EQ(type("AVG", Type::decimal(10, 2)), "DECIMAL(38, 6)");
  EXPECT_EQ(type("SUM", Type::integer()), "INT");
  EXPECT_EQ(type("COUNT", Type::string()), "BIGINT NOT NULL");
  EXPECT_EQ(type("SUM", Type::string()), "error: no SUM(STRING); usage: SUM(number)");
  EXPECT_TRUE(
      type("MIN", Type::array(Type::integer())).starts_with("error: MIN does not take ARRAY"));
}

}  // namespace
}  // namespace slipstream::expr
