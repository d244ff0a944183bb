// Every documented option of every connector and format is observed: by two values that show
// different effects here, or by a test that `elsewhere.txt` names.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "slipstream/connectors.h"

#include "format/format.h"
#include "observation.h"
#include "sql/settings/watermark_options.h"

namespace slipstream::test {
namespace {

using Option = std::pair<std::string, std::string>;  // "format json", "json.ignore-parse-errors"

std::set<Option> documented_options() {
  std::set<Option> all;
  const auto add = [&all](const std::string& owner, const OptionTable& table) {
    for (const OptionSpec& spec : table.specs()) {
      if (!spec.prefix || spec.values.empty()) all.emplace(owner, spec.name);
      if (!spec.prefix) continue;
      for (const std::string& end : spec.values) all.emplace(owner, spec.name + "*." + end);
    }
  };
  for (const format::Format* format : format::all_formats())
    add("format " + format->name, format->options);
  const auto registry = builtin_connectors();
  for (const ConnectorFactory* connector : registry->all())
    add("connector " + std::string(connector->name()), connector->options());
  add("table", sql::watermark_options());
  return all;
}

std::vector<Observation> all_observations() {
  std::vector<Observation> all;
  for (const auto some :
       {format_observations, connector_observations, rocketmq_observations, table_observations}) {
    for (Observation& observation : some()) all.push_back(std::move(observation));
  }
  return all;
}

// "fields.n.min" is observed as "fields.*.min"; where nothing is known of the ends, a prefix by any
// option that begins with it.
Option documented(const std::set<Option>& options, const std::string& owner,
                  const std::string& name) {
  for (const auto& [each_owner, each] : options) {
    const std::size_t star = std::min(each.find('*'), each.size());
    const bool family = star < each.size() || each.ends_with('.');
    const std::string end = star < each.size() ? each.substr(star + 1) : "";
    if (each_owner == owner && family && name.starts_with(each.substr(0, star)) &&
        name.ends_with(end)) {
      return {owner, each};
    }
  }
  return {owner, name};
}

// Lines "owner: option", what follows another ':' is of no interest here.
std::vector<Option> listed_in(const std::string& file) {
  std::ifstream in(std::string(SLIPSTREAM_OPTIONS_DIR) + "/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  std::vector<Option> listed;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream parts(line);
    std::string owner;
    std::string name;
    std::getline(parts, owner, ':');
    std::getline(parts >> std::ws, name, ':');
    listed.emplace_back(owner, name);
  }
  return listed;
}

// Options that a connector hands to another one as they are, which observes them.
bool is_handed_on(const Option& option) {
  const auto registry = builtin_connectors();
  const auto table_of = [&](const std::string& owner) {
    const auto found = registry->find(owner.substr(std::string_view("connector ").size()));
    return found.ok() ? (*found)->options() : OptionTable();
  };
  for (const auto& [owner, other] : listed_in("handed_on.txt")) {
    if (owner != option.first) continue;
    const OptionTable ours = table_of(owner);
    const OptionTable theirs = table_of(other);
    const OptionSpec* one = ours.find(option.second);
    const OptionSpec* two = theirs.find(option.second);
    return one != nullptr && two != nullptr && one->name == two->name && one->type == two->type &&
           one->default_value == two->default_value && one->description == two->description;
  }
  return false;
}

TEST(Options, TwoValuesHaveTwoEffects) {
  for (const Observation& observation : all_observations()) {
    EXPECT_NE(observation.one.value, observation.other.value) << observation.option;
    EXPECT_NE(observation.one.seen, observation.other.seen) << observation.option;
    for (const Observation::Side& side : {observation.one, observation.other}) {
      OptionMap options = observation.others;
      options[observation.option] = side.value;
      EXPECT_EQ(observation.effect(options), side.seen)
          << observation.owner << ": '" << observation.option << "' = '" << side.value << "'";
    }
  }
}

TEST(Options, EveryOneIsObserved) {
  const std::set<Option> options = documented_options();
  std::map<Option, std::string> places;
  const auto place = [&](const Option& option, const std::string& where) {
    EXPECT_TRUE(options.contains(option))
        << where << ": " << option.first << " has no option '" << option.second << "'";
    const auto [found, fresh] = places.emplace(option, where);
    EXPECT_TRUE(fresh || where == found->second)
        << option.first << ": " << option.second << " is in " << found->second << " and in "
        << where << ": take it out of one";
  };
  for (const Observation& observation : all_observations())
    place(documented(options, observation.owner, observation.option), "the observations");
  for (const Option& option : listed_in("elsewhere.txt")) place(option, "elsewhere.txt");
  for (const Option& option : options) {
    EXPECT_TRUE(places.contains(option) || is_handed_on(option))
        << option.first << ": no test observes '" << option.second
        << "'. Show what two values of it do, in test/options (see its README)";
  }
}

}  // namespace
}  // namespace slipstream::test
