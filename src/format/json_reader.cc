// How a document is read:
// 1. simdjson's first stage indexes the body in place (or a padded copy of it); JsonCursor walks
// over the tokens.
// 2. The object's keys are met in order. Documents of one topic repeat their keys, so the key at
// position p is first compared with the key that was at p last time; only a new key costs a
// look-up.
// 3. A scalar is taken as its token, never decoded twice; a string without a backslash becomes a
// view into the body.
// 4. Columns that got no value get NULL; a document that fails is cut off the columns again.
#include "format/json_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <unordered_set>

#include <simdjson.h>

#include "data/text/json_string.h"
#include "data/text/value.h"
#include "format/json_value.h"

namespace slipstream::format {

namespace {

bool is_json_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// A token is one of { } [ ] : , or a string with its quotes or another scalar. simdjson's first
// stage says where they begin, that strings end, and that the text is UTF-8; what follows what is
// the caller's to check.
//
// Failure: by simdjson's codes; the cursor then stands nowhere of use.
class JsonCursor {
 public:
  using Position = const std::uint32_t*;

  // REQUIRES: simdjson::SIMDJSON_PADDING readable bytes behind `text`, which outlives the walk
  simdjson::error_code start(std::string_view text);

  // Whether at least `count` tokens are left.
  bool has(std::ptrdiff_t count) const { return end_ - at_ >= count; }
  // REQUIRES (all below): has(1 + ahead)
  // First byte of a token. At least SIMDJSON_PADDING bytes are readable from here.
  const char* begin(std::ptrdiff_t ahead = 0) const { return text_ + at_[ahead]; }
  char kind(std::ptrdiff_t ahead = 0) const { return *begin(ahead); }
  // The token without the blanks behind it.
  std::string_view token() const {
    const char* end = text_ + at_[1];
    while (end != begin() && is_json_blank(end[-1])) --end;
    return {begin(), static_cast<std::size_t>(end - begin())};
  }
  // Whether a key and a colon come, and at least two tokens more: a value and what follows it.
  bool at_field() const { return has(4) && kind() == '"' && kind(1) == ':'; }
  void advance(std::ptrdiff_t count = 1) { at_ += count; }
  // The kind of the token, which is passed; '\0' at the end.
  char next() { return has(1) ? text_[*at_++] : '\0'; }
  // Passes a value with all that is in it; an error when there is none.
  simdjson::error_code skip_value() {
    const char met = kind();
    if (met != '"' && (met < '-' || met > '9')) return skip_other();
    ++at_;
    return simdjson::SUCCESS;
  }

  Position position() const { return at_; }
  void seek(Position position) { at_ = position; }
  // Kind of the text's last token.
  char last() const { return text_[end_[-1]]; }

  // The content of a string token without quotes: a part of the text when it holds no escape, else
  // valid until the next call. `copied`: whether it is the latter. False for a wrong escape.
  bool unescape(std::string_view token, std::string_view& content, bool& copied) {
    content = token.substr(1, token.size() - 2);
    copied = may_escape() && std::memchr(content.data(), '\\', content.size()) != nullptr;
    return !copied || unescape_copy(content);
  }

 private:
  // One search of the text answers for all its strings.
  bool may_escape() {
    if (escapes_ == Escapes::kUnknown) {
      escapes_ = std::memchr(text_, '\\', size_) != nullptr ? Escapes::kSome : Escapes::kNone;
    }
    return escapes_ == Escapes::kSome;
  }
  simdjson::error_code skip_other();  // neither string nor number
  bool unescape_copy(std::string_view& content);

  enum class Escapes : std::uint8_t { kUnknown, kNone, kSome };

  const char* text_ = nullptr;
  std::size_t size_ = 0;
  Position at_ = nullptr;
  Position end_ = nullptr;  // holds size_: the end of the last token
  Escapes escapes_ = Escapes::kUnknown;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> index_;
  std::string unescaped_;
};

simdjson::error_code JsonCursor::start(std::string_view text) {
  if (!index_ || index_->capacity() < text.size()) {
    const std::size_t capacity =
        std::max({text.size(), index_ ? index_->capacity() * 2 : 0, std::size_t{4096}});
    index_.reset();
    const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        capacity, simdjson::DEFAULT_MAX_DEPTH, index_);
    if (error != simdjson::SUCCESS) return error;
  }
  const auto error = index_->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                    simdjson::stage1_mode::regular);
  if (error != simdjson::SUCCESS) return error;
  text_ = text.data();
  size_ = text.size();
  at_ = index_->structural_indexes.get();
  end_ = at_ + index_->n_structural_indexes;
  escapes_ = Escapes::kUnknown;
  return simdjson::SUCCESS;
}

simdjson::error_code JsonCursor::skip_other() {
  std::size_t depth = 0;
  do {
    switch (next()) {
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return simdjson::TAPE_ERROR;
        --depth;
        break;
      case ':':
      case ',':
        if (depth == 0) return simdjson::TAPE_ERROR;
        break;
      case '\0':
        return simdjson::INCOMPLETE_ARRAY_OR_OBJECT;
      default:
        break;
    }
  } while (depth != 0);
  return simdjson::SUCCESS;
}

bool JsonCursor::unescape_copy(std::string_view& content) {
  unescaped_.clear();
  const bool read = text::append_unescaped_json(content, unescaped_);
  content = unescaped_;
  return read;
}

// ---- what is expected

constexpr std::size_t kMostPositions = 1024;  // of keys remembered per object type
constexpr std::size_t kLongestKey = 256;

// kBadDocument ends the document; kBadValue only this value.
enum class Outcome : std::uint8_t { kOk, kBadValue, kBadDocument };

// The keys of one MAP value, in order; its memory serves all of a column.
class MapKeys {
 public:
  void clear() {
    keys_.clear();
    kept_.clear();
  }
  // `copied`: the key does not live on.
  void add(std::string_view key, bool copied) {
    keys_.push_back(copied ? std::string_view(kept_.emplace_back(key)) : key);
  }
  // Numbers of the keys that come again later, ascending.
  std::vector<std::size_t> repeated() const {
    constexpr std::size_t kFew = 16;
    return keys_.size() <= kFew ? repeated_of_few() : repeated_of_many();
  }

 private:
  std::vector<std::size_t> repeated_of_few() const {
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (std::find(keys_.begin() + static_cast<std::ptrdiff_t>(i) + 1, keys_.end(), keys_[i]) !=
          keys_.end())
        numbers.push_back(i);
    }
    return numbers;
  }
  std::vector<std::size_t> repeated_of_many() const {
    std::vector<std::size_t> numbers;
    std::unordered_set<std::string_view> later;
    for (std::size_t i = keys_.size(); i-- > 0;) {
      if (!later.insert(keys_[i]).second) numbers.push_back(i);
    }
    std::reverse(numbers.begin(), numbers.end());
    return numbers;
  }

  std::vector<std::string_view> keys_;
  std::deque<std::string> kept_;
};

struct ValuePlan;

// A key that was met, with the quote behind it; none by default. Short ones are compared as two
// words, without a call.
class ExpectedKey {
 public:
  ExpectedKey() = default;
  ExpectedKey(std::string_view name, int slot) : text_(name), slot_(slot) {
    text_ += '"';
    short_ = text_.size() <= sizeof words_;
    if (!short_) return;
    std::memcpy(words_.data(), text_.data(), text_.size());
    std::memset(masks_.data(), 0xFF, text_.size());
  }

  int slot() const { return slot_; }
  // Whether it is the key that begins at `at`, behind its quote. REQUIRES: simdjson's padding
  bool is_at(const char* at, const char* end) const {
    if (!short_) {
      return !text_.empty() && text_.size() <= static_cast<std::size_t>(end - at) &&
             std::memcmp(at, text_.data(), text_.size()) == 0;
    }
    Words met;
    std::memcpy(met.data(), at, sizeof met);
    return (((met[0] ^ words_[0]) & masks_[0]) | ((met[1] ^ words_[1]) & masks_[1])) == 0;
  }

 private:
  using Words = std::array<std::uint64_t, 2>;
  std::string text_;
  bool short_ = false;
  int slot_ = -1;
  Words words_ = {};
  Words masks_ = {};
};

struct ObjectPlan {
  std::vector<ValuePlan> slots;
  std::map<std::string, int, std::less<>> by_name;
  std::vector<ExpectedKey> expected;
};

struct ValuePlan {
  std::string name;
  Type type;
  std::vector<ValuePlan> children;  // ARRAY: {element}; MAP: {key, value}
  std::unique_ptr<MapKeys> keys;    // MAP
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
    if (field.type.kind() == TypeKind::kMap) plan.keys = std::make_unique<MapKeys>();
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

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_json_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The JSON text without blanks between its tokens.
std::string minified(std::string_view json) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string && is_json_blank(c)) continue;
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

  bool index(const JsonText& document);
  [[gnu::noinline]] simdjson::error_code start_with_escapes(std::string_view body);
  Content open(const JsonText& document);
  bool fail_document(simdjson::error_code error);
  Outcome broken(simdjson::error_code error);
  Outcome no_value(std::string_view shown, const Type& type);

  int find_slot(ObjectPlan& plan, std::size_t position, const char* key);
  [[gnu::noinline]] int learn_slot(ObjectPlan& plan, std::size_t position, const char* key);
  template <typename Columns>
  Outcome read_object(ObjectPlan& plan, const Columns& columns);
  template <typename Columns>
  Outcome read_fields(ObjectPlan& plan, const Columns& columns, std::size_t before);
  Outcome read_row(std::span<ColumnBuilder* const> out);
  Outcome read_elements(std::span<ColumnBuilder* const> out, std::size_t& rows);
  simdjson::error_code find_field(std::string_view name);
  Outcome read_rest();
  Outcome read_operation(std::span<ColumnBuilder* const> out, std::vector<RowKind>& kinds);
  Outcome read_image(const char* name, RowKind kind, std::span<ColumnBuilder* const> out,
                     std::vector<RowKind>& kinds);
  Outcome read(ValuePlan& plan, ColumnBuilder& out);
  Outcome read_token(std::string_view token, ValuePlan& plan, ColumnBuilder& out);
  Outcome read_string(std::string_view token, ValuePlan& plan, ColumnBuilder& out);
  Outcome read_container(bool array, ValuePlan& plan, ColumnBuilder& out);
  Outcome read_array(ValuePlan& plan, ColumnBuilder& out);
  Outcome read_entries(ValuePlan& plan, ColumnBuilder& out, std::span<const std::size_t> skip);
  Outcome read_map(ValuePlan& plan, ColumnBuilder& out);
  void append_body_text(std::string_view content, ColumnBuilder& out);

  JsonRules rules_;
  std::unique_ptr<ObjectPlan> root_;
  JsonCursor cursor_;
  std::string copy_;            // of a body without padding or with control characters
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

// 1.
bool JsonReader::Impl::index(const JsonText& document) {
  std::string_view text = document.text;
  to_body_ = 0;
  views_ = document.views;
  if (!document.padded) {
    copy_.assign(text);
    copy_.append(simdjson::SIMDJSON_PADDING, '\0');
    to_body_ = text.data() - copy_.data();
    text = std::string_view(copy_).substr(0, text.size());
  }
  end_ = text.data() + text.size();
  simdjson::error_code error = cursor_.start(text);
  if (error == simdjson::UNESCAPED_CHARS) error = start_with_escapes(document.text);
  return error == simdjson::SUCCESS || fail_document(error);
}

// As Flink's json format, which lets control characters stand in strings.
simdjson::error_code JsonReader::Impl::start_with_escapes(std::string_view body) {
  copy_ = text::with_escaped_controls(body);
  const std::size_t size = copy_.size();
  copy_.append(simdjson::SIMDJSON_PADDING, '\0');
  views_ = false;
  end_ = copy_.data() + size;
  return cursor_.start(std::string_view(copy_).substr(0, size));
}

// Nothing, blanks and null are no document.
JsonReader::Impl::Content JsonReader::Impl::open(const JsonText& document) {
  const std::string_view content = trim_blanks(document.text);
  if (content.empty() || content == "null") return Content::kNothing;
  return index(document) ? Content::kDocument : Content::kFailed;
}

// ---- keys

inline int JsonReader::Impl::find_slot(ObjectPlan& plan, std::size_t position, const char* key) {
  if (position < plan.expected.size() && plan.expected[position].is_at(key, end_))
    return plan.expected[position].slot();
  return learn_slot(plan, position, key);
}

int JsonReader::Impl::learn_slot(ObjectPlan& plan, std::size_t position, const char* key) {
  const std::string_view token = cursor_.token();
  std::string_view name;
  bool escaped = false;
  if (!cursor_.unescape(token, name, escaped))
    name = {key, token.size() - 2};  // no column is called so
  const auto found = plan.by_name.find(name);
  const int slot = found == plan.by_name.end() ? -1 : found->second;
  if (!escaped && name.size() <= kLongestKey && position < kMostPositions) {
    if (position >= plan.expected.size()) plan.expected.resize(position + 1);
    plan.expected[position] = ExpectedKey(name, slot);
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

Outcome JsonReader::Impl::read_string(std::string_view token, ValuePlan& plan, ColumnBuilder& out) {
  std::string_view content;
  bool copied = false;
  if (!cursor_.unescape(token, content, copied)) return broken(simdjson::STRING_ERROR);
  if (plan.type.is_text()) {
    if (copied) {
      out.append_text(content);
    } else {
      append_body_text(content, out);
    }
    return Outcome::kOk;
  }
  if (append_json_text(content, rules_.iso_timestamps, out)) return Outcome::kOk;
  return no_value(content, plan.type);
}

Outcome JsonReader::Impl::read_array(ValuePlan& plan, ColumnBuilder& out) {
  cursor_.advance();
  const bool empty = cursor_.has(1) && cursor_.kind() == ']';
  if (empty) cursor_.advance();
  for (char next = empty ? ']' : ','; next != ']'; next = cursor_.next()) {
    if (next != ',') return broken(simdjson::TAPE_ERROR);
    const Outcome outcome = read(plan.children[0], out.child(0));
    if (outcome != Outcome::kOk) return outcome;
  }
  out.append_nested();
  return Outcome::kOk;
}

// The cursor is behind the opening bracket. `skip`: numbers of fields that are not wanted,
// ascending.
Outcome JsonReader::Impl::read_entries(ValuePlan& plan, ColumnBuilder& out,
                                       std::span<const std::size_t> skip) {
  plan.keys->clear();
  const bool empty = cursor_.has(1) && cursor_.kind() == '}';
  if (empty) cursor_.advance();
  std::size_t field = 0;
  for (char next = empty ? '}' : ','; next != '}'; next = cursor_.next()) {
    if (next != ',' || !cursor_.at_field()) return broken(simdjson::TAPE_ERROR);
    std::string_view key;
    bool copied = false;
    if (!cursor_.unescape(cursor_.token(), key, copied)) return broken(simdjson::STRING_ERROR);
    cursor_.advance(2);
    if (!skip.empty() && skip.front() == field++) {
      skip = skip.subspan(1);
      if (const auto error = cursor_.skip_value()) return broken(error);
      continue;
    }
    plan.keys->add(key, copied);
    out.child(0).append_text(key);
    const Outcome outcome = read(plan.children[1], out.child(1));
    if (outcome != Outcome::kOk) return outcome;
  }
  return Outcome::kOk;
}

// Of a repeated key the last entry counts.
Outcome JsonReader::Impl::read_map(ValuePlan& plan, ColumnBuilder& out) {
  cursor_.advance();
  const JsonCursor::Position first = cursor_.position();
  const std::size_t before = out.child(0).size();
  Outcome outcome = read_entries(plan, out, {});
  if (outcome != Outcome::kOk) return outcome;
  if (const std::vector<std::size_t> repeated = plan.keys->repeated(); !repeated.empty()) {
    out.child(0).truncate(before);
    out.child(1).truncate(before);
    cursor_.seek(first);
    outcome = read_entries(plan, out, repeated);
    if (outcome != Outcome::kOk) return outcome;
  }
  out.append_nested();
  return Outcome::kOk;
}

Outcome JsonReader::Impl::read_container(bool array, ValuePlan& plan, ColumnBuilder& out) {
  if (plan.type.is_text()) {
    const char* begin = cursor_.begin();
    if (const auto error = cursor_.skip_value()) return broken(error);
    const auto size = static_cast<std::size_t>(cursor_.begin(-1) + 1 - begin);
    out.append_text(minified({begin, size}));
    return Outcome::kOk;
  }
  if (array && plan.type.kind() == TypeKind::kArray) return read_array(plan, out);
  if (!array && plan.type.kind() == TypeKind::kMap) return read_map(plan, out);
  if (!array && plan.object) {
    const Outcome outcome =
        read_object(*plan.object, [&out](std::size_t i) -> ColumnBuilder& { return out.child(i); });
    if (outcome == Outcome::kOk) out.append_nested();
    return outcome;
  }
  return no_value(array ? "an array" : "an object", plan.type);
}

// 3.
Outcome JsonReader::Impl::read_token(std::string_view token, ValuePlan& plan, ColumnBuilder& out) {
  const char kind = token.front();
  if (kind == '{' || kind == '[') return read_container(kind == '[', plan, out);
  cursor_.advance();
  if (kind == '"') return read_string(token, plan, out);
  if (token == "null") {
    out.append_null();
    return Outcome::kOk;
  }
  if (!plan.type.is_text() && append_json_literal(token, out)) return Outcome::kOk;
  if (token != "true" && token != "false" && !is_json_number(token))
    return broken(simdjson::TAPE_ERROR);
  if (!plan.type.is_text()) return no_value(token, plan.type);
  append_body_text(token, out);
  return Outcome::kOk;
}

Outcome JsonReader::Impl::read(ValuePlan& plan, ColumnBuilder& out) {
  if (!cursor_.has(1)) return broken(simdjson::TAPE_ERROR);
  const JsonCursor::Position begin = cursor_.position();
  const std::size_t before = out.size();
  const Outcome outcome = read_token(cursor_.token(), plan, out);
  if (outcome == Outcome::kOk) return outcome;
  out.truncate(before);
  if (outcome == Outcome::kBadDocument) return outcome;
  if (!rules_.null_for_bad_fields) {
    if (!plan.name.empty()) problem.insert(0, "field '" + plan.name + "': ");
    return outcome;
  }
  cursor_.seek(begin);
  if (const auto error = cursor_.skip_value()) return broken(error);
  ++bad_fields;
  out.append_null();
  return Outcome::kOk;
}

// 2.
template <typename Columns>
Outcome JsonReader::Impl::read_fields(ObjectPlan& plan, const Columns& columns,
                                      std::size_t before) {
  if (cursor_.has(1) && cursor_.kind() == '}') {
    cursor_.advance();
    return Outcome::kOk;
  }
  std::size_t position = 0;
  char next = ',';
  for (; next == ','; next = cursor_.next()) {
    if (!cursor_.at_field()) return broken(simdjson::TAPE_ERROR);
    const int slot = find_slot(plan, position++, cursor_.begin() + 1);
    cursor_.advance(2);
    if (slot < 0) {
      if (const auto error = cursor_.skip_value()) return broken(error);
      continue;
    }
    ColumnBuilder& out = columns(static_cast<std::size_t>(slot));
    if (out.size() > before) out.truncate(before);  // a repeated key: the last one counts
    const Outcome outcome = read(plan.slots[static_cast<std::size_t>(slot)], out);
    if (outcome != Outcome::kOk) return outcome;
  }
  return next == '}' ? Outcome::kOk : broken(simdjson::TAPE_ERROR);
}

// 4. REQUIRES: the cursor is at the opening bracket
template <typename Columns>
Outcome JsonReader::Impl::read_object(ObjectPlan& plan, const Columns& columns) {
  if (plan.slots.empty()) {
    const auto error = cursor_.skip_value();
    return error == simdjson::SUCCESS ? Outcome::kOk : broken(error);
  }
  cursor_.advance();
  const std::size_t before = columns(0).size();
  const Outcome outcome = read_fields(plan, columns, before);
  if (outcome != Outcome::kOk) return outcome;
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

Outcome JsonReader::Impl::read_row(std::span<ColumnBuilder* const> out) {
  return read_object(*root_, [out](std::size_t i) -> ColumnBuilder& { return *out[i]; });
}

Outcome JsonReader::Impl::read_elements(std::span<ColumnBuilder* const> out, std::size_t& rows) {
  const bool empty = cursor_.kind() == ']';
  if (empty) cursor_.advance();
  for (char next = empty ? ']' : ','; next != ']'; next = cursor_.next()) {
    if (next != ',' || !cursor_.has(1)) return broken(simdjson::TAPE_ERROR);
    if (cursor_.kind() != '{') return broken(simdjson::INCORRECT_TYPE);
    const Outcome outcome = read_row(out);
    if (outcome != Outcome::kOk) return outcome;
    ++rows;
  }
  return Outcome::kOk;
}

bool JsonReader::Impl::read_rows(const JsonText& document, std::span<ColumnBuilder* const> out,
                                 std::size_t& rows) {
  rows = 0;
  const Content content = open(document);
  if (content != Content::kDocument) return content == Content::kNothing;
  const std::size_t before = out.empty() ? 0 : out[0]->size();
  Outcome outcome = Outcome::kOk;
  if (cursor_.kind() == '[') {
    if (cursor_.last() != ']') return fail_document(simdjson::INCOMPLETE_ARRAY_OR_OBJECT);
    cursor_.advance();
    outcome = read_elements(out, rows);
  } else {
    if (cursor_.kind() != '{') {
      problem = "a JSON object is expected";
      return false;
    }
    if (cursor_.last() != '}') return fail_document(simdjson::INCOMPLETE_ARRAY_OR_OBJECT);
    if (!root_->slots.empty()) outcome = read_row(out);
    rows = 1;
  }
  // What follows would be lost, and says that the row may have ended at a wrong bracket.
  if (outcome == Outcome::kOk && !root_->slots.empty() && cursor_.has(1))
    outcome = broken(simdjson::TRAILING_CONTENT);
  if (outcome == Outcome::kOk) return true;
  for (ColumnBuilder* column : out) column->truncate(before);
  rows = 0;
  return false;
}

// From behind an object's opening bracket to the value of its first field of this name.
simdjson::error_code JsonReader::Impl::find_field(std::string_view name) {
  if (cursor_.has(1) && cursor_.kind() == '}') return simdjson::NO_SUCH_FIELD;
  char next = ',';
  for (; next == ','; next = cursor_.next()) {
    if (!cursor_.at_field()) return simdjson::TAPE_ERROR;
    const std::string_view key = cursor_.token();
    cursor_.advance(2);
    if (key.substr(1, key.size() - 2) == name) return simdjson::SUCCESS;
    if (const auto error = cursor_.skip_value()) return error;
  }
  return next == '}' ? simdjson::NO_SUCH_FIELD : simdjson::TAPE_ERROR;
}

// From behind a field's value to behind its object.
Outcome JsonReader::Impl::read_rest() {
  char next = cursor_.next();
  for (; next == ','; next = cursor_.next()) {
    if (!cursor_.at_field()) return broken(simdjson::TAPE_ERROR);
    cursor_.advance(2);
    if (const auto error = cursor_.skip_value()) return broken(error);
  }
  return next == '}' ? Outcome::kOk : broken(simdjson::TAPE_ERROR);
}

Outcome JsonReader::Impl::read_image(const char* name, RowKind kind,
                                     std::span<ColumnBuilder* const> out,
                                     std::vector<RowKind>& kinds) {
  const simdjson::error_code error = find_field(name);
  if (error != simdjson::SUCCESS && error != simdjson::NO_SUCH_FIELD) return broken(error);
  if (error == simdjson::NO_SUCH_FIELD || cursor_.token() == "null") {
    problem = std::string("change event without '") + name + "'";
    if (std::string_view(name) == "before") {
      problem +=
          ": the source must log whole old rows (PostgreSQL: ALTER TABLE ... REPLICA IDENTITY "
          "FULL)";
    }
    return Outcome::kBadValue;
  }
  if (cursor_.kind() != '{') return broken(simdjson::INCORRECT_TYPE);
  kinds.push_back(kind);
  return read_row(out);
}

// The cursor is behind the opening bracket of the event.
Outcome JsonReader::Impl::read_operation(std::span<ColumnBuilder* const> out,
                                         std::vector<RowKind>& kinds) {
  const JsonCursor::Position event = cursor_.position();
  std::string_view operation;
  bool copied = false;
  if (find_field("op") != simdjson::SUCCESS || cursor_.kind() != '"' ||
      !cursor_.unescape(cursor_.token(), operation, copied)) {
    problem = "no Debezium change event: there is no text 'op'";
    return Outcome::kBadValue;
  }
  cursor_.seek(event);
  const char code = operation.size() == 1 ? operation[0] : '?';
  switch (code) {
    case 'c':
    case 'r':
      return read_image("after", RowKind::kInsert, out, kinds);
    case 'd':
      return read_image("before", RowKind::kDelete, out, kinds);
    case 'u': {
      const Outcome outcome = read_image("before", RowKind::kUpdateBefore, out, kinds);
      if (outcome != Outcome::kOk) return outcome;
      cursor_.seek(event);
      return read_image("after", RowKind::kUpdateAfter, out, kinds);
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
  const Content content = open(document);
  if (content != Content::kDocument) return content == Content::kNothing;
  if (cursor_.kind() != '{') return fail_document(simdjson::INCORRECT_TYPE);
  if (cursor_.last() != '}') return fail_document(simdjson::INCOMPLETE_ARRAY_OR_OBJECT);
  cursor_.advance();
  if (with_schema) {
    if (find_field("payload") != simdjson::SUCCESS || cursor_.kind() != '{') {
      problem =
          "no Debezium change event with schema: there is no object 'payload'; is 'schema-include' "
          "right?";
      return false;
    }
    cursor_.advance();
  }
  const std::size_t before = out.empty() ? 0 : out[0]->size();
  const std::size_t kinds_before = kinds.size();
  if (read_operation(out, kinds) == Outcome::kOk && read_rest() == Outcome::kOk) return true;
  for (ColumnBuilder* column : out) column->truncate(before);
  kinds.resize(kinds_before);
  return false;
}

bool JsonReader::Impl::read_value(const JsonText& document, std::size_t index_of_column,
                                  ColumnBuilder& out) {
  if (!index(document)) return false;
  const std::size_t before = out.size();
  const Outcome outcome = read(root_->slots[index_of_column], out);
  if (outcome == Outcome::kOk && !cursor_.has(1)) return true;
  out.truncate(before);
  return false;
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
