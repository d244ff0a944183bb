// SQL and streams in one job: queries read streams and tables, streams go on from queries, and both
// share sources, checkpoints and the end of the job.
//
//   slipstream::stream::Environment env({.name = "mixed"});
//   slipstream::sql::TableEnvironment tables(env);
//   tables.execute("CREATE TABLE orders (...) WITH ('connector' = 'rocketmq', ...)");
//   auto big = tables.query<Order>("SELECT id, item, price FROM orders WHERE price > 100");
//   tables.create_view("suspects", big.filter(looks_odd), {.rowtime = "ts"});
//   tables.execute("INSERT INTO alarms SELECT item, COUNT(*) FROM suspects GROUP BY item");
//   const slipstream::Status status = env.execute();
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "slipstream/stream/data_stream.h"
#include "slipstream/types.h"

namespace slipstream::sql {

struct ViewOptions {
  // Name of an extra column TIMESTAMP_LTZ(3) NOT NULL: the times of the elements, with the stream's
  // watermarks as event time. Empty = the view has no event time.
  std::string rowtime = {};
};

// A SQL session that plans into the job of `environment`, with its connectors; use it no longer
// than that. Mistakes are reported by Environment::execute(), all at once.
// Thread: one.
class TableEnvironment {
 public:
  explicit TableEnvironment(stream::Environment& environment);
  ~TableEnvironment();
  TableEnvironment(TableEnvironment&&) noexcept;
  TableEnvironment& operator=(TableEnvironment&&) noexcept;

  // CREATE, DROP, SET, and INSERT INTO, which becomes part of the job.
  void execute(std::string_view script);

  // The rows of a query, its columns in the order of those of T. The time of an element is the
  // query's event-time column, when there is one. A query whose rows are updated later is refused.
  template <typename T>
  stream::DataStream<T> query(std::string_view select) {
    return stream::DataStream<T>(stream::erased::NodeOutput{
        plan_, add_query(select, stream::RowOf<T>::schema()), 0, Partitioning::kForward});
  }
  // A stream by a name that SQL knows, with the columns of T.
  template <typename T>
  void create_view(const std::string& name, const stream::DataStream<T>& stream,
                   const ViewOptions& options = {}) {
    add_view(name, stream.node_output(), stream::RowOf<T>::schema(), options);
  }
  // The stream's columns into the columns of a table that was created, in order.
  template <typename T>
  void insert_into(const std::string& table, const stream::DataStream<T>& stream) {
    add_insert(table, stream.node_output(), stream::RowOf<T>::schema());
  }

 private:
  class Impl;
  stream::erased::NodeNumber add_query(std::string_view select, const Schema& element);
  void add_view(const std::string& name, const stream::erased::NodeOutput& node_output,
                const Schema& element, const ViewOptions& options);
  void add_insert(const std::string& table, const stream::erased::NodeOutput& node_output,
                  const Schema& element);

  std::shared_ptr<stream::erased::StreamPlan> plan_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipstream::sql
