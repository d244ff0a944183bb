// Rows of a table that is written to bodies of messages or lines.
#pragma once

#include <memory>
#include <string>

#include "slipstream/batch.h"

#include "connector_kit/table_format.h"
#include "format/format.h"

namespace slipstream::connector_kit {

// Owner:   a writer.
// Thread:  task.
// Failure: kDataError for the first row that the format cannot express, naming the table.
class RowSerializer {
 public:
  // `physical`: the first columns of the batches. Refuses what the format cannot hold.
  static Result<std::unique_ptr<RowSerializer>> make(std::string table, const TableFormat& format,
                                                     const Schema& physical);

  // All rows; replaces the former bodies.
  Status encode(const Batch& batch);
  const format::EncodedBodies& bodies() const { return bodies_; }

 private:
  RowSerializer(std::string table, std::size_t width, std::unique_ptr<format::RowEncoder> encoder);

  const std::string table_;
  const std::size_t width_;
  const std::unique_ptr<format::RowEncoder> encoder_;
  format::EncodedBodies bodies_;
};

}  // namespace slipstream::connector_kit
