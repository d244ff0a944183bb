// Rows and values as JSON text, written as Flink writes it: no blanks, keys in schema order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/status.h"

#include "format/json_row.h"

namespace slipstream::format {

enum class NullKeyMode : std::uint8_t { kFail, kDrop, kLiteral };

struct JsonStyle {
  bool iso_timestamps = false;  // 'T' instead of a blank
  bool plain_decimals = false;  // 1500.00, otherwise 1.5E+3
  bool skip_null_fields = false;
  NullKeyMode null_keys = NullKeyMode::kFail;
  std::string null_key = "null";  // kLiteral
};

// Whether JSON can hold the type; the error names the part that cannot be.
Status check_json_type(const Field& field);

// Writes rows of one schema.
//
// Thread: one at a time (keeps scratch memory).
class JsonWriter {
 public:
  JsonWriter(const std::vector<Field>& fields, JsonStyle style);

  // Appends {"a":1,...}. kDataError for a MAP with a NULL key in mode kFail; `out` then holds a
  // part.
  Status append_row(std::span<const ColumnPtr> columns, std::size_t row, std::string& out);
  // Appends one value of column `index`'s type.
  Status append_value(std::size_t index, const Column& column, std::size_t row,
                      std::string& out) const;
  // One value of a type without parts; valid until the next call. REQUIRES: not NULL
  std::string_view scalar(const Column& column, std::size_t row);

 private:
  struct Shape {
    std::vector<std::string> keys;  // ROW: ",\"a\":"; the first one is written without its comma
    std::vector<Shape> children;
  };
  static Shape make_shape(const std::vector<Field>& fields, bool row);
  Status append(const Shape& shape, const Column& column, std::size_t row, std::string& out) const;
  Status append_fields(const Shape& shape, std::span<const ColumnPtr> columns, std::size_t row,
                       std::string& out) const;
  Status append_map(const Shape& shape, const Column& column, std::size_t row,
                    std::string& out) const;
  Status append_array(const Shape& shape, const Column& column, std::size_t row,
                      std::string& out) const;
  void append_scalar(const Column& column, std::size_t row, std::string& out) const;
  void put_scalar(const Column& column, std::size_t row);
  bool put_usual(const Column& column, std::size_t row);
  void append_decimal(Int128 unscaled, int scale, std::string& out) const;

  JsonStyle style_;
  Shape root_;
  JsonRow row_;
  std::string unusual_;
};

}  // namespace slipstream::format
