// Formats: message bodies to rows and back. N formats and M connectors meet here only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/options.h"
#include "slipstream/status.h"

namespace slipstream::format {

// Bodies to decode in one call.
struct Bodies {
  std::span<const std::string_view> bodies;
  // What holds the bodies. When given, decoded text refers to it and pins it; when null, text is
  // copied.
  BufferPtr buffer;
  // So many bodies from the front have at least kBodyPadding readable bytes behind them (their
  // content does not matter): JSON is parsed in place there.
  std::size_t padded_count = 0;
};
inline constexpr std::size_t kBodyPadding = 64;

// A body, or a line of one, that is no row of the schema.
struct DecodeFailure {
  std::uint32_t body = 0;
  std::string reason;  // names column, text and type
  std::string_view
      piece;  // the failing part: the whole body or one line of it; lives as long as the body
};

// Where rows go. The caller keeps the builders over several calls and turns them into a batch.
struct DecodedRows {
  // One per projected column, in the order of the projection.
  std::span<ColumnBuilder* const> columns;
  std::vector<RowKind> kinds;  // one per row if any is not an insert, else empty
  // Per row: index of its body in this call, ascending; appended to.
  std::vector<std::uint32_t> bodies;
  std::vector<DecodeFailure> failures;  // appended to
  std::uint64_t ignored = 0;  // added to: bodies, lines or fields given up by 'ignore' options
};

// Bodies -> rows of the projected columns.
//
// Thread:  one at a time (keeps scratch memory).
// Order:   rows in the order of bodies; -U and +U of one update adjacent.
// Failure: per body, in DecodedRows::failures: a failed body (or line) leaves no row, others are
//          not touched. The caller decides what follows.
class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  virtual void decode(const Bodies& bodies, DecodedRows& out) = 0;
};

// Bodies as encoded: body i is bytes [ends[i - 1], ends[i]), from row rows[i] of the batch.
struct EncodedBodies {
  std::string bytes;  // UTF-8 text for text formats
  std::vector<std::size_t> ends;
  std::vector<std::uint32_t> rows;

  std::size_t size() const { return ends.size(); }
  std::string_view operator[](std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends[index - 1];
    return std::string_view(bytes).substr(begin, ends[index] - begin);
  }
  // The bytes appended since the last body are a body.
  void close(std::size_t row) {
    ends.push_back(bytes.size());
    rows.push_back(static_cast<std::uint32_t>(row));
  }
  void clear() {
    bytes.clear();
    ends.clear();
    rows.clear();
  }
};

// Rows -> bodies, one per row; appended to `out`.
//
// Thread:  one at a time.
// Failure: kDataError for the first row that the format cannot express; bodies of earlier rows stay
// in `out`.
class RowEncoder {
 public:
  virtual ~RowEncoder() = default;
  // Rows [begin, end). REQUIRES: the columns of `batch` are those of the schema, in order
  virtual Status encode(const Batch& batch, std::size_t begin, std::size_t end,
                        EncodedBodies& out) = 0;
};

// A known format.
struct Format {
  std::string name;
  std::string description;  // one sentence
  OptionTable options;      // names with the format's prefix: "json.ignore-parse-errors"
  bool changelog = false;   // bodies carry row kinds; otherwise inserts only, in both directions
  bool line_based = false;  // a body never holds a line break: rows of a file are lines
  // `schema`: the table's physical columns; `projection`: those wanted. kInvalidArgument or
  // kUnsupported names the column and type that the format cannot hold, whether projected or not.
  Result<std::unique_ptr<RowDecoder>> (*make_decoder)(const Schema& schema,
                                                      std::span<const std::size_t> projection,
                                                      const Options& options) = nullptr;
  Result<std::unique_ptr<RowEncoder>> (*make_encoder)(const Schema& schema,
                                                      const Options& options) = nullptr;
};

// By the name in 'format' = '...'; kNotFound names the nearest one. The default of the rocketmq
// connector is "delimited".
Result<const Format*> find_format(std::string_view name);
std::vector<const Format*> all_formats();  // sorted by name

}  // namespace slipstream::format
