// How a document is read:
// 1. simdjson's first stage indexes the body in place (or a padded copy of it).
// 2. The object's keys are met in order. Documents of one topic repeat their keys, so the key at
// position p is first
//    compared with the key that was at p last time; only a new key costs a hash look-up.
// 3. A scalar is taken as its token (two positions of the index), never decoded twice; a string
// without a backslash
//    becomes a view into the body.
// 4. Columns that got no value get NULL; a document that fails is cut off the columns again.
#include "format/json_reader.h"

#include <cstring>
#include <functional>
#include <map>

#include <simdjson.h>

#include "data/text/value.h"
#include "format/json_value.h"

namespace slipstream::format {

namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kMostPositions = 1024;  // of keys remembered per object type
constexpr std::size_t kLongestKey = 256;

// kBadDocument ends the document; kBadValue only this value.
enum class Outcome : std::uint8_t { kOk, kBadValue, kBadDocument };

struct ValuePlan;

struct ObjectPlan {
  struct Expected {
    std::string key;
    int slot = -1;
  };
  std::vector<ValuePlan> slots;
  std::map<std::string, int, std::less<>> by_name;
  std::vector<Expected> expected;
};

struct ValuePlan {
  std::string name;
  Type type;
  std::vector<ValuePlan> children;  // ARRAY: {element}; MAP: {key, value}
  std::unique_ptr<ObjectPlan> object;
};

std::unique_ptr<ObjectPlan> make_object_plan(const std::vector<Field>& fields);

ValuePlan make_value_plan(const Field& field) {
  ValuePlan plan;
  plan.name = field.name;
  plan.type = field.type;
  if (field.type.kind() == TypeKind::kRow) {
    plan.object = make_object_plan(field.type.children());
  } else {
    for (const Field& child : field.type.children())
      plan.children.push_back(make_value_plan(child));
  }
  return plan;
}

std::unique_ptr<ObjectPlan> make_object_plan(const std::vector<Field>& fields) {
  auto plan = std::make_unique<ObjectPlan>();
  for (const Field& field : fields) {
    plan->by_name.emplace(field.name, static_cast<int>(plan->slots.size()));
    plan->slots.push_back(make_value_plan(field));
  }
  return plan;
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return trim_end(text);
}

// The JSON text without blanks between its tokens.
std::string minified(std::string_view json) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string && is_blank(c)) continue;
    out += c;
    if (in_string && c == '\\' && i + 1 < json.size()) {
      out += json[++i];
    } else if (c == '"') {
      in_string = !in_string;
    }
  }
  return out;
}

}  // namespace

class JsonReader::Impl {
 public:
  Impl(const std::vector<Field>& columns, JsonRules rules)
      : rules_(rules), root_(make_object_plan(columns)) {}

  bool read_rows(const JsonText& document, std::span<ColumnBuilder* const> out, std::size_t& rows);
  bool read_change(const JsonText& document, bool with_schema, std::span<ColumnBuilder* const> out,
                   std::vector<RowKind>& kinds);
  bool read_value(const JsonText& document, std::size_t index, ColumnBuilder& out);

  std::string problem;
  std::uint64_t bad_fields = 0;

 private:
  enum class Content : std::uint8_t { kNothing, kDocument, kFailed };

  Content open(const JsonText& document, ondemand::document& parsed);
  bool fail_document(simdjson::error_code error);
  Outcome broken(simdjson::error_code error);
  Outcome no_value(std::string_view shown, const Type& type);

  int find_slot(ObjectPlan& plan, std::size_t position, ondemand::raw_json_string key);
  int learn_slot(ObjectPlan& plan, std::size_t position, ondemand::raw_json_string key);
  template <typename Columns>
  Outcome read_object(ondemand::object object, ObjectPlan& plan, const Columns& columns);
  Outcome read_elements(ondemand::array array, std::span<ColumnBuilder* const> out,
                        std::size_t& rows);
  Outcome read_operation(ondemand::object event, std::span<ColumnBuilder* const> out,
                         std::vector<RowKind>& kinds);
  Outcome read_image(ondemand::object& event, const char* name, RowKind kind,
                     std::span<ColumnBuilder* const> out, std::vector<RowKind>& kinds);
  Outcome read(ondemand::value& value, ValuePlan& plan, ColumnBuilder& out);
  Outcome read_not_null(ondemand::value& value, std::string_view token, ValuePlan& plan,
                        ColumnBuilder& out);
  Outcome read_string(ondemand::value& value, std::string_view token, ValuePlan& plan,
                      ColumnBuilder& out);
  Outcome read_container(ondemand::value& value, ValuePlan& plan, ColumnBuilder& out);
  Outcome read_array(ondemand::value& value, ValuePlan& plan, ColumnBuilder& out);
  Outcome read_map(ondemand::value& value, ValuePlan& plan, ColumnBuilder& out);
  void append_body_text(std::string_view content, ColumnBuilder& out);

  JsonRules rules_;
  std::unique_ptr<ObjectPlan> root_;
  ondemand::parser parser_;
  std::string copy_;            // of a body without padding
  std::ptrdiff_t to_body_ = 0;  // from a position in the parsed text to the same in the body
  const char* end_ = nullptr;   // of the parsed text
  bool views_ = false;
};

bool JsonReader::Impl::fail_document(simdjson::error_code error) {
  problem = std::string("not a JSON document: ") + simdjson::error_message(error);
  return false;
}

Outcome JsonReader::Impl::broken(simdjson::error_code error) {
  fail_document(error);
  return Outcome::kBadDocument;
}

Outcome JsonReader::Impl::no_value(std::string_view shown, const Type& type) {
  problem = text::parse_failure(shown, type);
  return Outcome::kBadValue;
}

// 1. Nothing, blanks and null are no document.
JsonReader::Impl::Content JsonReader::Impl::open(const JsonText& document,
                                                 ondemand::document& parsed) {
  std::string_view text = document.text;
  const std::string_view content = trim_blanks(text);
  if (content.empty() || content == "null") return Content::kNothing;
  to_body_ = 0;
  views_ = document.views;
  if (!document.padded) {
    copy_.assign(text);
    copy_.append(simdjson::SIMDJSON_PADDING, '\0');
    to_body_ = text.data() - copy_.data();
    text = std::string_view(copy_).substr(0, text.size());
  }
  end_ = text.data() + text.size();
  const simdjson::error_code error =
      parser_.iterate(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING)
          .get(parsed);
  if (error == simdjson::SUCCESS) return Content::kDocument;
  fail_document(error);
  return Content::kFailed;
}

// ---- keys

int JsonReader::Impl::find_slot(ObjectPlan& plan, std::size_t position,
                                ondemand::raw_json_string key) {
  if (position < plan.expected.size()) {
    const ObjectPlan::Expected& expected = plan.expected[position];
    const std::size_t size = expected.key.size();
    const bool inside = size < static_cast<std::size_t>(end_ - key.raw());
    if (inside && key.raw()[size] == '"' && std::memcmp(key.raw(), expected.key.data(), size) == 0)
      return expected.slot;
  }
  return learn_slot(plan, position, key);
}

int JsonReader::Impl::learn_slot(ObjectPlan& plan, std::size_t position,
                                 ondemand::raw_json_string key) {
  std::size_t size = 0;
  bool escaped = false;
  for (; key.raw()[size] != '"'; ++size) {
    if (key.raw()[size] != '\\') continue;
    escaped = true;
    ++size;
  }
  std::string name(key.raw(), size);
  if (escaped) {
    // Rare: the name is decoded by a parser of its own.
    ondemand::parser parser;
    ondemand::document document;
    const simdjson::padded_string quoted("\"" + name + "\"");
    std::string_view decoded;
    if (parser.iterate(quoted).get(document) == simdjson::SUCCESS &&
        document.get_string().get(decoded) == simdjson::SUCCESS) {
      name = std::string(decoded);
    }
  }
  const auto found = plan.by_name.find(name);
  const int slot = found == plan.by_name.end() ? -1 : found->second;
  if (!escaped && size <= kLongestKey && position < kMostPositions) {
    if (position >= plan.expected.size()) plan.expected.resize(position + 1);
    plan.expected[position] = {std::move(name), slot};
  }
  return slot;
}

// ---- values

void JsonReader::Impl::append_body_text(std::string_view content, ColumnBuilder& out) {
  if (views_ && content.size() > StringView::kInline) {
    out.append_text_view({content.data() + to_body_, content.size()});
  } else {
    out.append_text(content);
  }
}

Outcome JsonReader::Impl::read_string(ondemand::value& value, std::string_view token,
                                      ValuePlan& plan, ColumnBuilder& out) {
  std::string_view content = token.substr(1, token.size() - 2);
  const bool escaped = std::memchr(content.data(), '\\', content.size()) != nullptr;
  if (escaped) {
    const simdjson::error_code error = value.get_string().get(content);
    if (error != simdjson::SUCCESS) return broken(error);
  }
  if (plan.type.is_text()) {
    if (escaped) {
      out.append_text(content);
    } else {
      append_body_text(content, out);
    }
    return Outcome::kOk;
  }
  if (append_json_text(content, rules_.iso_timestamps, out)) return Outcome::kOk;
  return no_value(content, plan.type);
}

Outcome JsonReader::Impl::read_array(ondemand::value& value, ValuePlan& plan, ColumnBuilder& out) {
  ondemand::array array;
  if (const auto error = value.get_array().get(array)) return broken(error);
  for (auto item : array) {
    ondemand::value element;
    if (const auto error = item.get(element)) return broken(error);
    const Outcome outcome = read(element, plan.children[0], out.child(0));
    if (outcome != Outcome::kOk) return outcome;
  }
  out.append_nested();
  return Outcome::kOk;
}

Outcome JsonReader::Impl::read_map(ondemand::value& value, ValuePlan& plan, ColumnBuilder& out) {
  ondemand::object object;
  if (const auto error = value.get_object().get(object)) return broken(error);
  for (auto item : object) {
    ondemand::field field;
    if (const auto error = std::move(item).get(field)) return broken(error);
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return broken(error);
    out.child(0).append_text(key);
    const Outcome outcome = read(field.value(), plan.children[1], out.child(1));
    if (outcome != Outcome::kOk) return outcome;
  }
  out.append_nested();
  return Outcome::kOk;
}

Outcome JsonReader::Impl::read_container(ondemand::value& value, ValuePlan& plan,
                                         ColumnBuilder& out) {
  const bool array = value.raw_json_token().front() == '[';
  if (plan.type.is_text()) {
    std::string_view json;
    const auto error = simdjson::to_json_string(value).get(json);
    if (error != simdjson::SUCCESS) return broken(error);
    out.append_text(minified(json));
    return Outcome::kOk;
  }
  if (array && plan.type.kind() == TypeKind::kArray) return read_array(value, plan, out);
  if (!array && plan.type.kind() == TypeKind::kMap) return read_map(value, plan, out);
  if (!array && plan.object) {
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return broken(error);
    const Outcome outcome = read_object(
        object, *plan.object, [&out](std::size_t i) -> ColumnBuilder& { return out.child(i); });
    if (outcome == Outcome::kOk) out.append_nested();
    return outcome;
  }
  return no_value(array ? "an array" : "an object", plan.type);
}

Outcome JsonReader::Impl::read_not_null(ondemand::value& value, std::string_view token,
                                        ValuePlan& plan, ColumnBuilder& out) {
  switch (token.front()) {
    case '"':
      return read_string(value, token, plan, out);
    case '{':
    case '[':
      return read_container(value, plan, out);
    default:
      break;
  }
  if (!plan.type.is_text() && append_json_literal(token, out)) return Outcome::kOk;
  if (token != "true" && token != "false" && !is_json_number(token))
    return broken(simdjson::TAPE_ERROR);
  if (!plan.type.is_text()) return no_value(token, plan.type);
  append_body_text(token, out);
  return Outcome::kOk;
}

Outcome JsonReader::Impl::read(ondemand::value& value, ValuePlan& plan, ColumnBuilder& out) {
  const std::string_view token = trim_end(value.raw_json_token());
  if (token.empty()) return broken(simdjson::TAPE_ERROR);
  if (token == "null") {
    out.append_null();
    return Outcome::kOk;
  }
  const std::size_t before = out.size();
  const Outcome outcome = read_not_null(value, token, plan, out);
  if (outcome == Outcome::kOk) return outcome;
  out.truncate(before);
  if (outcome == Outcome::kBadDocument) return outcome;
  if (!rules_.null_for_bad_fields) {
    if (!plan.name.empty()) problem.insert(0, "field '" + plan.name + "': ");
    return outcome;
  }
  ++bad_fields;
  out.append_null();
  return Outcome::kOk;
}

// 2. and 4.
template <typename Columns>
Outcome JsonReader::Impl::read_object(ondemand::object object, ObjectPlan& plan,
                                      const Columns& columns) {
  if (plan.slots.empty()) return Outcome::kOk;
  const std::size_t before = columns(0).size();
  std::size_t position = 0;
  for (auto item : object) {
    ondemand::field field;
    if (const auto error = std::move(item).get(field)) return broken(error);
    const int slot = find_slot(plan, position++, field.key());
    if (slot < 0) continue;
    ColumnBuilder& out = columns(static_cast<std::size_t>(slot));
    if (out.size() > before) out.truncate(before);  // a repeated key: the last one counts
    const Outcome outcome = read(field.value(), plan.slots[static_cast<std::size_t>(slot)], out);
    if (outcome != Outcome::kOk) return outcome;
  }
  for (std::size_t i = 0; i < plan.slots.size(); ++i) {
    if (columns(i).size() > before) continue;
    if (rules_.fail_on_missing_field) {
      problem = "field '" + plan.slots[i].name + "' is missing ('fail-on-missing-field' is on)";
      return Outcome::kBadValue;
    }
    columns(i).append_null();
  }
  return Outcome::kOk;
}

// ---- documents

Outcome JsonReader::Impl::read_elements(ondemand::array array, std::span<ColumnBuilder* const> out,
                                        std::size_t& rows) {
  for (auto item : array) {
    ondemand::value element;
    ondemand::object object;
    if (const auto error = item.get(element)) return broken(error);
    if (const auto error = element.get_object().get(object)) return broken(error);
    const Outcome outcome =
        read_object(object, *root_, [out](std::size_t i) -> ColumnBuilder& { return *out[i]; });
    if (outcome != Outcome::kOk) return outcome;
    ++rows;
  }
  return Outcome::kOk;
}

bool JsonReader::Impl::read_rows(const JsonText& document, std::span<ColumnBuilder* const> out,
                                 std::size_t& rows) {
  rows = 0;
  ondemand::document parsed;
  const Content content = open(document, parsed);
  if (content != Content::kDocument) return content == Content::kNothing;
  const std::size_t before = out.empty() ? 0 : out[0]->size();
  Outcome outcome = Outcome::kOk;
  if (trim_blanks(document.text).front() == '[') {
    ondemand::array array;
    if (const auto error = parsed.get_array().get(array)) return fail_document(error);
    outcome = read_elements(array, out, rows);
  } else {
    ondemand::object object;
    if (const auto error = parsed.get_object().get(object)) {
      problem = error == simdjson::INCORRECT_TYPE ? "a JSON object is expected"
                                                  : simdjson::error_message(error);
      return false;
    }
    outcome =
        read_object(object, *root_, [out](std::size_t i) -> ColumnBuilder& { return *out[i]; });
    rows = 1;
  }
  if (outcome == Outcome::kOk) return true;
  for (ColumnBuilder* column : out) column->truncate(before);
  rows = 0;
  return false;
}

Outcome JsonReader::Impl::read_image(ondemand::object& event, const char* name, RowKind kind,
                                     std::span<ColumnBuilder* const> out,
                                     std::vector<RowKind>& kinds) {
  ondemand::value image;
  const auto error = event.find_field_unordered(name).get(image);
  if (error != simdjson::SUCCESS && error != simdjson::NO_SUCH_FIELD) return broken(error);
  if (error == simdjson::NO_SUCH_FIELD || trim_end(image.raw_json_token()) == "null") {
    problem = std::string("change event without '") + name + "'";
    if (std::string_view(name) == "before") {
      problem +=
          ": the source must log whole old rows (PostgreSQL: ALTER TABLE ... REPLICA IDENTITY "
          "FULL)";
    }
    return Outcome::kBadValue;
  }
  ondemand::object object;
  if (const auto wrong = image.get_object().get(object)) return broken(wrong);
  kinds.push_back(kind);
  return read_object(object, *root_, [out](std::size_t i) -> ColumnBuilder& { return *out[i]; });
}

Outcome JsonReader::Impl::read_operation(ondemand::object event,
                                         std::span<ColumnBuilder* const> out,
                                         std::vector<RowKind>& kinds) {
  std::string_view operation;
  if (event.find_field_unordered("op").get_string().get(operation) != simdjson::SUCCESS) {
    problem = "no Debezium change event: there is no text 'op'";
    return Outcome::kBadValue;
  }
  const char code = operation.size() == 1 ? operation[0] : '?';
  switch (code) {
    case 'c':
    case 'r':
      return read_image(event, "after", RowKind::kInsert, out, kinds);
    case 'd':
      return read_image(event, "before", RowKind::kDelete, out, kinds);
    case 'u': {
      const Outcome outcome = read_image(event, "before", RowKind::kUpdateBefore, out, kinds);
      if (outcome != Outcome::kOk) return outcome;
      return read_image(event, "after", RowKind::kUpdateAfter, out, kinds);
    }
    default:
      problem =
          "unknown Debezium operation '" + std::string(operation) + "', expected c, r, u or d";
  }
  return Outcome::kBadValue;
}

bool JsonReader::Impl::read_change(const JsonText& document, bool with_schema,
                                   std::span<ColumnBuilder* const> out,
                                   std::vector<RowKind>& kinds) {
  ondemand::document parsed;
  const Content content = open(document, parsed);
  if (content != Content::kDocument) return content == Content::kNothing;
  ondemand::object event;
  if (const auto error = parsed.get_object().get(event)) return fail_document(error);
  if (with_schema) {
    if (event.find_field_unordered("payload").get_object().get(event) != simdjson::SUCCESS) {
      problem =
          "no Debezium change event with schema: there is no object 'payload'; is 'schema-include' "
          "right?";
      return false;
    }
  }
  const std::size_t before = out.empty() ? 0 : out[0]->size();
  const std::size_t kinds_before = kinds.size();
  if (read_operation(event, out, kinds) == Outcome::kOk) return true;
  for (ColumnBuilder* column : out) column->truncate(before);
  kinds.resize(kinds_before);
  return false;
}

bool JsonReader::Impl::read_value(const JsonText& document, std::size_t index, ColumnBuilder& out) {
  // A value inside an array is an ondemand::value like any other; a document is not.
  copy_ = "[";
  copy_ += document.text;
  copy_ += ']';
  const std::size_t size = copy_.size();
  copy_.append(simdjson::SIMDJSON_PADDING, '\0');
  end_ = copy_.data() + size;
  views_ = false;
  ondemand::document parsed;
  if (const auto error = parser_.iterate(copy_.data(), size, copy_.size()).get(parsed))
    return fail_document(error);
  ondemand::array array;
  if (const auto error = parsed.get_array().get(array)) return fail_document(error);
  const std::size_t before = out.size();
  for (auto item : array) {
    ondemand::value value;
    if (const auto error = item.get(value)) return fail_document(error);
    if (out.size() > before || read(value, root_->slots[index], out) != Outcome::kOk) {
      out.truncate(before);
      return false;
    }
  }
  return out.size() == before + 1;
}

JsonReader::JsonReader(std::vector<Field> columns, JsonRules rules)
    : impl_(std::make_unique<Impl>(columns, rules)) {}

JsonReader::~JsonReader() = default;

bool JsonReader::read_rows(const JsonText& document, std::span<ColumnBuilder* const> out,
                           std::size_t& rows) {
  return impl_->read_rows(document, out, rows);
}

bool JsonReader::read_change(const JsonText& document, bool with_schema,
                             std::span<ColumnBuilder* const> out, std::vector<RowKind>& kinds) {
  return impl_->read_change(document, with_schema, out, kinds);
}

bool JsonReader::read_value(const JsonText& document, std::size_t index, ColumnBuilder& out) {
  return impl_->read_value(document, index, out);
}

const std::string& JsonReader::problem() const { return impl_->problem; }

std::uint64_t JsonReader::bad_fields() const { return impl_->bad_fields; }

}  // namespace slipstream::format
