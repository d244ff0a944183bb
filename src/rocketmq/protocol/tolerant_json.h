// JSON as brokers write it: keys may be strings, bare numbers or objects. And a writer for strict
// JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::rocketmq {

struct JsonMember;

// A parsed value. Numbers keep their text, so that 64-bit integers stay exact.
//
// Reading never fails: a wrong kind or an absent member gives the null value, 0, "" or an empty
// list; callers check what they require.
class JsonValue {
 public:
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;                 // kString: decoded; kNumber: as written
  std::vector<JsonValue> items;     // kArray
  std::vector<JsonMember> members;  // kObject, in order

  bool is_null() const { return kind == Kind::kNull; }
  bool is_object() const { return kind == Kind::kObject; }
  bool is_array() const { return kind == Kind::kArray; }
  bool is_string() const { return kind == Kind::kString; }

  // Member of an object by its string or number key; the null value when absent.
  const JsonValue& operator[](std::string_view name) const;
  // Number, or text of a number (servers write both).
  std::optional<std::int64_t> integer() const;
  std::optional<double> number() const;
  std::int64_t integer_or(std::int64_t other) const;
  double number_or(double other) const;
  bool bool_or(bool other) const;
  // Text of a string or number; `other` for the rest.
  std::string string_or(std::string_view other) const;
};

struct JsonMember {
  std::string name;  // text of a string or number key; empty for an object key
  JsonValue
      key;  // an object when the key was one (also when written as a string that holds an object)
  JsonValue value;
};

inline constexpr int kJsonDepthMax = 32;

// Accepts strict JSON, bare-number keys, object keys, and trailing white space.
// Failure: kCorrupt with position.
// Bounds: nesting up to kJsonDepthMax.
Result<JsonValue> parse_tolerant_json(std::string_view text);

// Appends strict JSON. Commas are put in by the writer.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(&out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view value);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();

 private:
  void separate();

  std::string* out_;
  bool comma_ = false;
};

// `text` with quotes, escaped as strict JSON. Bytes that are not UTF-8 are passed through.
void append_json_string(std::string_view text, std::string& out);

// Reads single tokens; the parser above and the header decoder stand on it.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  bool failed() const { return failed_; }
  std::size_t position() const { return position_; }
  void fail() { failed_ = true; }
  // Next character that is not white space, 0 at the end; not consumed.
  char peek();
  bool accept(char expected);  // consumes it when it is next
  void expect(char expected);
  // REQUIRES: peek() == '"'. Appends the decoded text; \u pairs are joined, a lone surrogate
  // becomes U+FFFD.
  void string(std::string& out);
  // The characters of a number, or true, false, null.
  std::string_view bare();
  // Passes over one value of any kind.
  void skip_value(int depth = 0);

 private:
  void escape(std::string& out);
  std::optional<std::uint32_t> hex4();

  std::string_view text_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

}  // namespace slipstream::rocketmq
