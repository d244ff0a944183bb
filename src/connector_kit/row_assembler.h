// Bodies of messages or lines to the batches of a reader.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/connector/source.h"

#include "connector_kit/table_format.h"
#include "format/format.h"

namespace slipstream::connector_kit {

// Bodies of one split that are decoded together.
struct BodyChunk {
  std::uint32_t split = 0;
  std::span<const std::string_view> bodies;
  BufferPtr buffer;              // holds the bodies: decoded text refers to it
  std::size_t padded_count = 0;  // so many bodies from the front have room behind them
  std::uint64_t bytes = 0;       // what the chunk counts against the bound of a batch
  // One for each body when the table has a key to decode, else none. Without data: the message has
  // no key. Text of it is copied.
  std::span<const std::string_view> keys = {};
};

// Where a body came from that is no row. Made only for those.
struct BodyOrigin {
  std::string split;     // id
  std::string position;  // in the split
  std::string place;     // for people: "the message at offset 5 of topic 'T'"
  std::vector<std::pair<std::string, std::string>> metadata;
};

// What a connector counts; null = not.
struct RowCounters {
  std::atomic<std::int64_t>* bodies = nullptr;
  std::atomic<std::int64_t>* bytes = nullptr;
  std::atomic<std::int64_t>* failed = nullptr;
  std::atomic<std::int64_t>* ignored = nullptr;  // given up by options of the format
};

// Builds one batch after the other: begin(), add() until full(), finish() when it is not empty().
//
// Owner:   a reader.
// Thread:  task.
// Order:   rows in the order of their bodies; the rows of a body are in one batch, which may exceed
//          batch_rows for it.
// Bounds:  batch_rows, and kBytesMax of bodies.
// Failure: kDataError of add() for a body that is no row, under DecodeErrors::kFail, with its place.
class RowAssembler {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{8} << 20;

  // A column beside the body. Called once per chunk: appends the value of body `bodies[i]` of the
  // chunk for each i.
  using AppendMetadata =
      std::function<void(std::span<const std::uint32_t> bodies, ColumnBuilder& out)>;
  using OriginOf = std::function<BodyOrigin(std::uint32_t body)>;

  // `advice`: what a failing job is told, behind the reason.
  static Result<std::unique_ptr<RowAssembler>> make(std::shared_ptr<const DecodedTable> table,
                                                    std::size_t batch_rows, RowCounters counters,
                                                    std::string advice);

  void begin();
  std::size_t room() const {
    return rows_.bodies.size() < batch_rows_ ? batch_rows_ - rows_.bodies.size() : 0;
  }
  bool full() const { return room() == 0 || bytes_ >= kBytesMax; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t rows() const { return rows_.bodies.size(); }

  // `metadata`: one for each metadata column of the table's schema.
  Status add(const BodyChunk& chunk, std::span<const AppendMetadata> metadata,
             const OriginOf& origin);
  // A body that could not even be read: as one that is no row. Only when it does not fail the job.
  void reject(std::string_view body, std::string_view reason, const OriginOf& origin);
  void event(SplitEvent event) { events_.push_back(event); }

  bool empty() const { return rows_.bodies.empty() && events_.empty(); }
  void finish(SourceBatch* out);
  // Those of the polls since the last call; nothing when there are none.
  void give_rejected(Batch* out);

 private:
  RowAssembler(std::shared_ptr<const DecodedTable> table, std::size_t batch_rows,
               RowCounters counters, std::string advice,
               std::unique_ptr<format::RowDecoder> decoder,
               std::unique_ptr<format::RowDecoder> key_decoder);

  void decode_around(const BodyChunk& chunk, std::span<const std::uint32_t> bad);
  void decode_keys(const BodyChunk& chunk, std::vector<std::uint32_t>& bad);
  void append_keys();
  Status handle_failures(const OriginOf& origin);
  void add_rejected(std::string_view body, std::string_view reason, const BodyOrigin& origin);

  const std::shared_ptr<const DecodedTable> table_;
  const std::size_t batch_rows_;
  const RowCounters counters_;
  const std::string advice_;
  const std::unique_ptr<format::RowDecoder> decoder_;
  const std::unique_ptr<format::RowDecoder> key_decoder_;  // null: the table has no key to decode
  std::vector<std::unique_ptr<ColumnBuilder>> builders_;   // one for each column of the batches
  std::vector<ColumnBuilder*> value_columns_;              // of the body's projection
  std::vector<std::unique_ptr<ColumnBuilder>> key_builders_;
  std::vector<ColumnBuilder*> key_columns_;  // rows of all keys of the batch
  std::vector<std::uint32_t> chunk_keys_;    // of each body of a chunk, its row of the key columns
  std::vector<std::uint32_t> row_keys_;      // of each row of the batch
  format::DecodedRows rows_;
  std::uint64_t bytes_ = 0;
  std::vector<SplitRun> runs_;
  std::vector<SplitEvent> events_;
  std::vector<ColumnBuilder> rejected_;  // empty until one is needed
  std::size_t rejected_rows_ = 0;
};

// Text that is appended as views is kept alive by `buffer`, in nested columns too.
void pin_text(ColumnBuilder& builder, const BufferPtr& buffer);

}  // namespace slipstream::connector_kit
