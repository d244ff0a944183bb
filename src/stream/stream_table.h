// A stream where another planner expects a source.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"
#include "slipstream/stream/operator.h"

namespace slipstream::stream {

// Never read: StreamPlan::import_graph() puts the stream's operator in its place.
class StreamTable final : public Source {
 public:
  StreamTable(erased::EdgeSpec edge, Schema schema, std::vector<std::size_t> columns,
              bool with_time)
      : edge_(edge),
        schema_(std::move(schema)),
        columns_(std::move(columns)),
        with_time_(with_time) {}
  const erased::EdgeSpec& edge() const { return edge_; }
  const std::vector<std::size_t>& columns() const { return columns_; }  // of the element
  bool with_time() const { return with_time_; }  // the last column is the element's time
  Schema schema() const override { return schema_; }
  bool bounded() const override { return false; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext) override;
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext) override;

 private:
  erased::EdgeSpec edge_;
  Schema schema_;
  std::vector<std::size_t> columns_;
  bool with_time_;
};

}  // namespace slipstream::stream
