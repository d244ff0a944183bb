// Rows of a table that is written to bodies and keys of messages or lines.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"

#include "connector_kit/table_format.h"
#include "format/format.h"

namespace slipstream::connector_kit {

// Owner:   a writer.
// Thread:  task.
// Failure: kDataError for the first row that a format cannot express or that has no key where
//          rows are upserts, naming the table.
class RowSerializer {
 public:
  // `physical`: the first columns of the batches. Refuses what the formats cannot hold.
  static Result<std::unique_ptr<RowSerializer>> make(std::string table, const TableFormat& format,
                                                     const Schema& physical);

  // All rows; replaces the former bodies. Of an upsert table: -U and -D are empty bodies, and a -U
  // that the +U of the same key follows is none.
  Status encode(const Batch& batch);
  const format::EncodedBodies& bodies() const { return bodies_; }
  // The body says that its key is gone.
  bool is_deletion(std::size_t body) const { return body < deletions_.size() && deletions_[body]; }
  // Of a body; empty when the table has none, and where all columns of the key are NULL.
  std::string_view key(std::size_t body) const {
    return keys_.size() == 0 ? std::string_view() : keys_[bodies_.rows[body]];
  }

 private:
  // An encoder of some columns.
  struct Part {
    std::vector<std::size_t> columns;
    std::unique_ptr<format::RowEncoder> encoder;
    Status encode(const Batch& batch, format::EncodedBodies& out) const;
    // Rows of which all columns are NULL get an empty body, whatever the format says to them.
    Status encode_keys(const Batch& batch, format::EncodedBodies& out) const;
    Batch chosen(const Batch& batch) const;
  };
  RowSerializer(std::string table, Part value, Part key, bool upsert)
      : table_(std::move(table)), value_(std::move(value)), key_(std::move(key)), upsert_(upsert) {}
  static Result<Part> make_part(const format::Format& format, const Options& options,
                                const Schema& physical, std::vector<std::size_t> columns);
  Status encode_upserts(const Batch& batch);
  bool is_replaced_by_next(const Batch& batch, std::size_t row) const;

  const std::string table_;
  const Part value_;
  const Part key_;  // without an encoder: the table has no key
  const bool upsert_;
  format::EncodedBodies bodies_;
  std::vector<bool> deletions_;  // one for each body of an upsert table
  format::EncodedBodies keys_;   // one for each row
};

}  // namespace slipstream::connector_kit
