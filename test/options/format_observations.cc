// The options of formats: bodies decoded and rows encoded.
#include "format/testing/round.h"
#include "observation.h"

namespace slipstream::test {
namespace {

using format::testing::decode;
using format::testing::encode;
using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using Effect = std::function<std::string(const OptionMap&)>;

// Rows, then how many bodies failed and how many parts were given up.
Effect reading(std::string format, Schema schema, std::vector<std::string> bodies) {
  return [=](const OptionMap& options) {
    const auto read = decode({.format = format, .schema = schema, .options = options}, bodies);
    std::string seen;
    for (const std::string& row : read.rows) seen += row + " ";
    return seen + "failed " + std::to_string(read.failures.size()) + " ignored " +
           std::to_string(read.ignored);
  };
}

// Bodies as they are.
Effect writing(std::string format, Schema schema, Batch batch) {
  return [=](const OptionMap& options) {
    std::string seen;
    for (const std::string& body :
         encode({.format = format, .schema = schema, .options = options}, batch))
      seen += body;
    return seen;
  };
}

Batch one_row(const std::vector<std::pair<Type, std::optional<std::string>>>& cells) {
  std::vector<ColumnPtr> columns;
  for (const auto& [type, text] : cells) columns.push_back(column_of(type, {text}));
  return batch_of(std::move(columns));
}

Schema numbered() { return Schema({{"n", Type::integer()}, {"s", Type::string()}}); }

Batch null_keyed() {
  ColumnBuilder builder(Type::map(Type::string(), Type::integer()));
  builder.child(0).append_null();
  builder.child(1).append(std::int32_t{1});
  builder.append_nested();
  return batch_of({builder.finish()});
}

// A row as `owner` nests it.
std::string nested(const std::string& owner, const std::string& row) {
  return owner == "json" ? row : R"({"before":null,"after":)" + row + R"(,"op":"c"})";
}

void add_json(const std::string& format, std::vector<Observation>& all) {
  const std::string owner = "format " + format;
  const auto body = [&format](const std::string& row) { return nested(format, row); };
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       Effect effect, OptionMap others = {}) {
    OptionMap prefixed;
    for (const auto& [name, value] : others) prefixed[format + "." + name] = value;
    all.push_back({owner, format + "." + option, std::move(one), std::move(other),
                   std::move(prefixed), std::move(effect)});
  };
  add("ignore-parse-errors", {"false", "failed 2 ignored 0"},
      {"true", "+I(NULL, a) failed 0 ignored 2"},
      reading(format, numbered(), {body(R"({"n":"x","s":"a"})"), "no json"}));
  const Schema timed({{"t", Type::timestamp(3)}});
  add("timestamp-format.standard", {"SQL", body(R"({"t":"2024-01-31 10:11:12"})")},
      {"ISO-8601", body(R"({"t":"2024-01-31T10:11:12"})")},
      writing(format, timed, one_row({{timed[0].type, "2024-01-31 10:11:12"}})));
  const Schema mapped({{"m", Type::map(Type::string(), Type::integer())}});
  add("map-null-key.mode", {"DROP", body(R"({"m":{}})")}, {"LITERAL", body(R"({"m":{"null":1}})")},
      writing(format, mapped, null_keyed()));
  add("map-null-key.literal", {"none", body(R"({"m":{"none":1}})")},
      {"void", body(R"({"m":{"void":1}})")}, writing(format, mapped, null_keyed()),
      {{"map-null-key.mode", "LITERAL"}});
  const Schema decimal({{"d", Type::decimal(10, 2)}});
  add("encode.decimal-as-plain-number", {"false", body(R"({"d":1.5E+3})")},
      {"true", body(R"({"d":1500.00})")},
      writing(format, decimal, one_row({{decimal[0].type, "1500"}})));
  add("encode.ignore-null-fields", {"false", body(R"({"n":null,"s":"a"})")},
      {"true", body(R"({"s":"a"})")},
      writing(format, numbered(),
              one_row({{Type::integer(), std::nullopt}, {Type::string(), "a"}})));
}

void add_csv(std::vector<Observation>& all) {
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       Effect effect, OptionMap others = {}) {
    all.push_back({"format csv", "csv." + option, std::move(one), std::move(other),
                   std::move(others), std::move(effect)});
  };
  const Schema texts({{"a", Type::string()}, {"b", Type::string()}});
  const Effect both = reading("csv", texts, {"x,y;z"});
  add("field-delimiter", {",", "+I(x, y;z) failed 0 ignored 0"},
      {";", "+I(x,y, z) failed 0 ignored 0"}, both);
  add("quote-character", {"\"", "+I(x, 'y') failed 0 ignored 0"},
      {"'", "+I(x, y) failed 0 ignored 0"}, reading("csv", texts, {"x,'y'"}));
  add("disable-quote-character", {"false", "+I(x, y) failed 0 ignored 0"},
      {"true", "+I(x, \"y\") failed 0 ignored 0"}, reading("csv", texts, {"x,\"y\""}));
  add("escape-character", {"\\", "+I(x, yz) failed 0 ignored 0"},
      {"!", "+I(x, y\\z) failed 0 ignored 0"}, reading("csv", texts, {"x,y\\z"}));
  add("null-literal", {"n/a", "+I(NULL, -) failed 0 ignored 0"},
      {"-", "+I(n/a, NULL) failed 0 ignored 0"}, reading("csv", texts, {"n/a,-"}));
  const Schema arrays({{"xs", Type::array(Type::string())}});
  add("array-element-delimiter", {";", "+I([a, b/c]) failed 0 ignored 0"},
      {"/", "+I([a;b, c]) failed 0 ignored 0"}, reading("csv", arrays, {"a;b/c"}));
  const Schema decimal({{"d", Type::decimal(10, 2)}});
  add("write-bigdecimal-in-scientific-notation", {"true", "1.5E+3"}, {"false", "1500.00"},
      writing("csv", decimal, one_row({{decimal[0].type, "1500"}})));
  add("allow-comments", {"false", "+I(# x, y) failed 0 ignored 0"}, {"true", "failed 0 ignored 0"},
      reading("csv", texts, {"# x,y"}));
  add("ignore-parse-errors", {"false", "failed 1 ignored 0"},
      {"true", "+I(NULL, a) failed 0 ignored 1"}, reading("csv", numbered(), {"x,a"}));
}

void add_delimited(std::vector<Observation>& all) {
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       Effect effect) {
    all.push_back({"format delimited", option, std::move(one), std::move(other),
                   option == "fieldDelimiter" ? OptionMap() : OptionMap{{"fieldDelimiter", ","}},
                   std::move(effect)});
  };
  const Schema texts({{"a", Type::string()}, {"b", Type::string()}});
  add("fieldDelimiter", {",", "+I(x, y;z) failed 0 ignored 0"},
      {";", "+I(x,y, z) failed 0 ignored 0"}, reading("delimited", texts, {"x,y;z"}));
  add("lineDelimiter", {"\\n", "+I(a, b|c) failed 0 ignored 0"},
      {"|", "+I(a, b) +I(c, d) failed 0 ignored 0"}, reading("delimited", texts, {"a,b|c,d"}));
  add("encoding", {"UTF-8", "failed 1 ignored 0"}, {"ISO-8859-1", "+I(é, b) failed 0 ignored 0"},
      reading("delimited", texts, {"\xE9,b"}));
  add("lengthCheck", {"PAD", "+I(a, NULL) failed 0 ignored 0"}, {"SKIP", "failed 0 ignored 1"},
      reading("delimited", texts, {"a"}));
  add("nullLiteral", {"n/a", "+I(NULL, -) failed 0 ignored 0"},
      {"-", "+I(n/a, NULL) failed 0 ignored 0"}, reading("delimited", texts, {"n/a,-"}));
}

}  // namespace

std::vector<Observation> format_observations() {
  std::vector<Observation> all;
  add_json("json", all);
  add_json("debezium-json", all);
  all.push_back({"format json",
                 "json.fail-on-missing-field",
                 {"false", "+I(1, NULL) failed 0 ignored 0"},
                 {"true", "failed 1 ignored 0"},
                 {},
                 reading("json", numbered(), {R"({"n":1})"})});
  all.push_back({"format debezium-json",
                 "debezium-json.schema-include",
                 {"false", "failed 1 ignored 0"},
                 {"true", "+I(1, a) failed 0 ignored 0"},
                 {},
                 reading("debezium-json", numbered(),
                         {R"({"payload":{"before":null,"after":{"n":1,"s":"a"},"op":"c"}})"})});
  add_csv(all);
  add_delimited(all);
  all.push_back({"format raw",
                 "raw.charset",
                 {"UTF-8", "failed 1 ignored 0"},
                 {"ISO-8859-1", "+I(é) failed 0 ignored 0"},
                 {},
                 reading("raw", Schema({{"s", Type::string()}}), {"\xE9"})});
  all.push_back({"format raw",
                 "raw.endianness",
                 {"big-endian", "+I(1) failed 0 ignored 0"},
                 {"little-endian", "+I(256) failed 0 ignored 0"},
                 {},
                 reading("raw", Schema({{"n", Type::smallint()}}), {std::string("\0\1", 2)})});
  return all;
}

}  // namespace slipstream::test
