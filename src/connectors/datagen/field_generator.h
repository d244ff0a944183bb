// One column of a datagen table.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "slipstream/batch.h"
#include "slipstream/options.h"
#include "slipstream/status.h"

namespace slipstream::datagen_connector {

inline constexpr std::array<std::string_view, 8> kFieldOptions = {
    "kind", "min", "max", "length", "start", "end", "max-past", "null-rate"};

// Makes the value of a column for a row number. Stateless: the same number gives the same value,
// except of TIMESTAMP fields, which lie before the time of the call.
// Thread: any, one builder each.
class FieldGenerator {
 public:
  virtual ~FieldGenerator() = default;
  virtual void append(std::uint64_t row, std::int64_t now_ms, ColumnBuilder& out) const = 0;
  // Rows after which a bounded sequence is used up; the largest number when it never is.
  virtual std::uint64_t rows() const = 0;

  // `options`: those of kFieldOptions that follow "fields.NAME." in the WITH clause.
  static Result<std::unique_ptr<FieldGenerator>> make(const Field& field, const OptionMap& options);
};

}  // namespace slipstream::datagen_connector
