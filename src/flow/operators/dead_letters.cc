#include "flow/operators/dead_letters.h"

#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/text/value.h"

namespace slipstream::flow {
namespace {

constexpr std::string_view kSuffix = "-dead-letter";

std::string sink_uid(const DeadLetterNames& names) { return names.uid + std::string(kSuffix); }

class DeadLetterRows final : public Operator {
 public:
  explicit DeadLetterRows(Schema table) : table_(std::move(table)) {}

  Status open(const OperatorContext&) override { return {}; }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    std::vector<ColumnPtr> columns;
    for (const Field& field : table_.fields()) {
      const auto own = rejected_.find(field.name);
      columns.push_back(own ? batch.column(*own) : metadata_column(batch, field));
    }
    out.emit(Batch(batch.rows(), std::move(columns)));
    return Progress::kDone;
  }
  RowLaw row_law() const override { return RowLaw::kEach; }

 private:
  ColumnPtr metadata_column(const Batch& batch, const Field& field) const {
    const Column& all = *batch.columns().back();
    const Column& keys = *all.children()[0];
    const Column& values = *all.children()[1];
    ColumnBuilder builder(field.type);
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      bool found = false;
      const auto end = static_cast<std::size_t>(all.offsets()[row + 1]);
      for (auto i = static_cast<std::size_t>(all.offsets()[row]); i < end && !found; ++i) {
        found = keys.text(i) == field.name && !values.is_null(i) &&
                text::parse(values.text(i), TimeZone(), builder);
      }
      if (!found) builder.append_null();
    }
    return builder.finish();
  }

  const Schema rejected_ = rejected_schema();
  const Schema table_;
};

}  // namespace

std::unique_ptr<Operator> make_dead_letter_rows(Schema table) {
  return std::make_unique<DeadLetterRows>(std::move(table));
}

Result<std::shared_ptr<Sink>> make_dead_letter_sink(const Source& source,
                                                    const DeadLetterNames& names,
                                                    const ConnectorRegistry& connectors) {
  const auto letters = source.dead_letters();
  if (!letters) return std::shared_ptr<Sink>();
  TRY_ASSIGN(const ConnectorFactory* factory, connectors.find(letters->connector));
  SinkRequest request;
  request.table = letters->table;
  request.uid = sink_uid(names);
  request.job_name = names.job;
  TRY_ASSIGN(auto sink, factory->make_sink(request));
  return std::shared_ptr<Sink>(std::move(sink));
}

void add_dead_letters(Graph& graph, NodeId source, const DeadLetterNames& names,
                      std::shared_ptr<Sink> sink) {
  if (sink == nullptr) return;
  Node rows;
  rows.uid = sink_uid(names) + "-rows";
  rows.name = "Rejected(" + names.table + ")";
  rows.output = graph.nodes[source].source->dead_letters()->table.physical;
  rows.parallelism = graph.nodes[source].parallelism;
  rows.inputs.push_back(Input{source, 1, Partitioning::kForward, {}});
  rows.make = [table = rows.output] {
    return Result<std::unique_ptr<Operator>>(make_dead_letter_rows(table));
  };
  Node written;
  written.uid = sink_uid(names);
  if (const StateIdentity& of = graph.nodes[source].identity; !of.content.empty()) {
    written.identity = {of.content + std::string(kSuffix), of.uses,
                        of.former_uid + std::string(kSuffix)};
  }
  written.name = "DeadLetter(" + names.table + ")";
  written.output = sink->schema();
  written.sink = std::move(sink);
  written.parallelism = rows.parallelism;
  written.inputs.push_back(Input{graph.add(std::move(rows)), 0, Partitioning::kForward, {}});
  graph.add(std::move(written));
}

}  // namespace slipstream::flow
