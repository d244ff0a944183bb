// JSON text into columns.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/options.h"

namespace slipstream::format {

struct JsonRules {
  bool fail_on_missing_field = false;
  bool null_for_bad_fields = false;  // 'ignore-parse-errors'
  bool iso_timestamps = false;
};

// One JSON document.
struct JsonText {
  std::string_view text;
  bool padded = false;  // 64 readable bytes follow
  bool views = false;   // text columns may refer to `text`; the caller pins it
};

// Reads documents of one schema. Columns keep what Flink's json format reads: docs/formats/json.md.
//
// Thread:  one at a time.
// Failure: false and nothing appended; problem() says why.
class JsonReader {
 public:
  JsonReader(std::vector<Field> columns, JsonRules rules);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // An object is a row, an array of objects that many; nothing, blanks and null are none. `rows`:
  // how many.
  bool read_rows(const JsonText& document, std::span<ColumnBuilder* const> out, std::size_t& rows);
  // A Debezium change event: {"before":{},"after":{},"op":"u"}, inside "payload" when
  // `with_schema`. The kinds of the rows appended (none for nothing, null) are appended to `kinds`.
  bool read_change(const JsonText& document, bool with_schema, std::span<ColumnBuilder* const> out,
                   std::vector<RowKind>& kinds);
  // Any JSON value into a column of the type of column `index`.
  bool read_value(const JsonText& document, std::size_t index, ColumnBuilder& out);

  const std::string& problem() const;
  // Fields made NULL by null_for_bad_fields so far.
  std::uint64_t bad_fields() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipstream::format
