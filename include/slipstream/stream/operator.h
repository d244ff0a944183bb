// The border between templates and the library: operators whose element types are known to the
// templates only. Users need nothing of this header.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/connector.h"
#include "slipstream/job.h"
#include "slipstream/status.h"
#include "slipstream/stream/row.h"
#include "slipstream/stream/user_calls.h"

namespace slipstream::stream {

using JobSettings = JobOptions;

using Timestamp = std::int64_t;  // milliseconds since 1970-01-01 UTC
inline constexpr Timestamp kNoTimestamp = std::numeric_limits<Timestamp>::min();
inline constexpr Timestamp kEndOfTime = std::numeric_limits<Timestamp>::max();

namespace erased {

// An edge carries the columns of its element type, then the element's time (BIGINT, NULL = none),
// then, behind key_by, the key (BYTES). Edges from connectors and SQL have no time column.
Schema edge_schema(Schema element, bool keyed);

// Takes elements of one type. Everything that moves elements inside one operator is an Output.
class OutputBase {
 public:
  virtual ~OutputBase() = default;
};
// Elements of type T.
template <typename T>
class Output : public OutputBase {
 public:
  virtual void emit(T&& element, Timestamp time) = 0;
};

// Builds the batches of one edge.
// Thread: task.
class RowWriter {
 public:
  using Send = std::function<void(Batch&&)>;
  RowWriter(const Schema& edge, std::size_t batch_rows, Send send);
  ColumnBuilder& operator[](std::size_t column) { return columns_[column]; }
  void set_time(std::size_t column, Timestamp time) {
    if (time == kNoTimestamp) {
      columns_[column].append_null();
    } else {
      columns_[column].append(time);
    }
  }
  // One value was appended to every column.
  void end_row() {
    if (++rows_ >= batch_rows_) flush();
  }
  void flush();
  std::size_t rows() const { return rows_; }

 private:
  std::vector<ColumnBuilder> columns_;
  std::size_t batch_rows_;
  std::size_t rows_ = 0;
  Send send_;
};

// Bytes kept for the current key, in parts: "" for a plain value, a window, an entry of a map.
// Thread: task.
// Failure: noted in the runtime, which fails the operator; answers are empty then.
class KeyedStore {
 public:
  virtual ~KeyedStore() = default;
  // Valid until the next call.
  virtual std::optional<std::string_view> get(std::string_view part) = 0;
  virtual void put(std::string_view part, std::string_view bytes) = 0;
  virtual void erase(std::string_view part) = 0;
  // Every part that begins with `prefix`, in no useful order. REQUIRES: made with `listed`.
  virtual void each(
      std::string_view prefix,
      const std::function<void(std::string_view part, std::string_view bytes)>& visit) = 0;
};
struct StoreOptions {
  std::string name;
  std::string layout;       // of the bytes; a snapshot of another layout is refused
  std::int64_t ttl_ms = 0;  // forgotten when not written for so long; 0 = never
  bool listed = false;      // each() is wanted
};

// A list in pieces of a store, so that appending does not rewrite it.
void list_append(KeyedStore& store, std::string_view part, std::string_view element);
void list_each(KeyedStore& store, std::string_view part,
               const std::function<void(std::string_view element)>& visit);
void list_clear(KeyedStore& store, std::string_view part);

// Bytes kept by every instance alike: broadcast state.
class BroadcastStore {
 public:
  virtual ~BroadcastStore() = default;
  virtual const std::string* get(std::string_view key) const = 0;
  virtual void put(std::string_view key, std::string_view bytes) = 0;
  virtual void erase(std::string_view key) = 0;
  virtual void each(
      const std::function<void(std::string_view key, std::string_view bytes)>& visit) const = 0;
};

// What the engine gives to one operator instance. Implemented by the library.
// Thread: task.
class OperatorRuntime {
 public:
  virtual ~OperatorRuntime() = default;

  virtual const std::string& name() const = 0;
  virtual std::uint32_t subtask() const = 0;
  virtual std::uint32_t parallelism() const = 0;
  virtual Timestamp watermark() const = 0;  // kNoTimestamp before the first
  virtual Timestamp now_ms() const = 0;     // processing time
  virtual std::atomic<std::int64_t>* metric(std::string_view name, std::string_view help) = 0;

  // 0 = main, else a side output.
  virtual RowWriter& writer(std::size_t output) = 0;
  // False: return as soon as possible; the rest is asked for again.
  virtual bool has_room() = 0;
  // The first failure is kept and ends the operator after the current element.
  virtual void fail(Status status) = 0;
  virtual bool failed() const = 0;

  // Keyed operators only: state and timers belong to the current key.
  virtual void set_key(std::string_view key, std::uint64_t hash) = 0;
  virtual std::string_view key() const = 0;
  virtual std::shared_ptr<KeyedStore> store(const StoreOptions& options) = 0;  // open() only
  virtual void set_timer(bool event_time, Timestamp time, std::string_view part) = 0;
  virtual void delete_timer(bool event_time, Timestamp time, std::string_view part) = 0;

  virtual std::shared_ptr<BroadcastStore> broadcast_store(const StoreOptions& options) = 0;

  virtual UserCalls& calls() = 0;
  // The name of `function` ("map()") of the part that is being made.
  virtual UserCalls::Site site(const char* function) = 0;
};

// One instance of an operator. Exceptions out of any call fail the task.
// Thread: task.
class Body {
 public:
  virtual ~Body() = default;
  virtual void open() {}
  virtual void close() {}
  // Takes rows from `begin` on, as long as the runtime has room; returns the first one not taken.
  virtual std::size_t push(std::size_t input, const Batch& batch, std::size_t begin) = 0;
  virtual void on_timer(bool event_time, Timestamp time, std::string_view part) {
    static_cast<void>(event_time), static_cast<void>(time), static_cast<void>(part);
  }
  // Event time has come to `time`; timers up to it have fired.
  virtual void on_watermark(Timestamp time) { static_cast<void>(time); }
  virtual void end_input(std::size_t input) { static_cast<void>(input); }
  // State of the instance, beside what is in stores; nullopt = none.
  virtual std::optional<std::string> snapshot() { return std::nullopt; }
  // The pieces that fell to this instance, at least one. Before open().
  virtual void restore(const std::vector<std::string>& pieces) { static_cast<void>(pieces); }
};

// Gives every row a time and says how far event time has come in each split.
// Thread: task.
class Stamper {
 public:
  virtual ~Stamper() = default;
  // Rows [begin, end) came from `split`; appends their times.
  virtual void stamp(const Batch& batch, std::size_t begin, std::size_t end, std::uint32_t split,
                     std::vector<Timestamp>& times) = 0;
  virtual Timestamp watermark(std::uint32_t split) = 0;
  // Time passed without rows; true when watermark() may have changed.
  virtual bool tick() { return false; }
};

// ----------------------------------------------------------------------------------------------
// how instances are made

// Shared ends: the templates know that `output` is an Output<T>*.
struct Link {
  std::shared_ptr<void> owner;
  OutputBase* output = nullptr;
};
using MakeEnd = std::function<Link(OperatorRuntime&, std::size_t output)>;
using MakeStep = std::function<Link(OperatorRuntime&, Link next)>;
// The end of a side output.
struct SideLink {
  std::string tag;
  Link link;
};
// `out` is of the operator's output type.
using MakeBody =
    std::function<std::unique_ptr<Body>(OperatorRuntime&, Link out, std::vector<SideLink> sides)>;
// `name`: of the operator.
using MakeStamper = std::function<std::unique_ptr<Stamper>(UserCalls&, const std::string& name)>;

using NodeNumber = std::size_t;
// Where an input comes from.
struct EdgeSpec {
  NodeNumber from = 0;
  std::size_t output = 0;
  Partitioning exchange = Partitioning::kForward;
};

// A side output that somebody reads.
struct SideSpec {
  std::string tag;
  Schema element;
  MakeEnd end;
};

struct StamperSpec {
  MakeStamper make;
  std::int64_t idle_timeout_ms = 0;  // a split without rows for so long is left out; 0 = it holds
  bool ticks = false;                // tick() every watermark interval
};

// A table of a connector: columns of the element type, in its order.
struct TableSpec {
  std::string connector;
  OptionMap options;
  std::string name;  // empty = the connector's
  Schema element;
  std::vector<std::pair<std::string, std::string>> metadata;  // column -> metadata key
  std::vector<std::string> primary_key;
};

// One logical operator. Exactly one of body, step, stamper, source, reads, sink and writes is set;
// none = union.
struct NodeSpec {
  std::string kind;  // "map", "process": generated uids and names are made of it
  std::string name;
  std::string uid;
  std::uint32_t parallelism = 0;  // 0 = the job's default
  bool follows_input = false;     // has the parallelism of its input
  std::vector<EdgeSpec> inputs;
  Schema element;  // of the main output
  bool keyed_output = false;
  std::string key_layout;  // keyed_output: of the key's bytes
  bool keyed = false;      // reads keys: its first input comes by hash
  MakeBody body;           // with `end`
  MakeStep step;           // with `end` and `feed`: may run inside the operator in front of it
  MakeBody feed;           // reads rows of the step's input type and gives them to the step
  MakeEnd end;
  StamperSpec stamper;
  std::vector<SideSpec> sides;
  std::shared_ptr<Source> source;
  bool source_times = false;  // a source of the library: rows have times, splits have watermarks
  std::optional<TableSpec> reads;
  // Stands between the source of `reads` and the job: its rows are those of `element` with time.
  std::function<std::shared_ptr<Source>(std::shared_ptr<Source>)> adapt;
  std::shared_ptr<Sink> sink;
  std::optional<TableSpec> writes;
  std::string state_note;
};

// The job as it is written down.
// Thread: one.
class StreamPlan;
NodeNumber add_node(StreamPlan& plan, NodeSpec spec);
NodeSpec& node(StreamPlan& plan, NodeNumber number);  // valid until the next add_node()
// The number of the side output of this tag, added when it is new.
std::size_t side_output(StreamPlan& plan, NodeNumber number, SideSpec side);
// What is wrong is told by Environment::execute(), all of it at once.
void note_error(StreamPlan& plan, Status status);
// Whether streams of `other` can be used in `plan`; if not, that is an error of `what`.
bool check_same(StreamPlan& plan, const StreamPlan& other, std::string_view what);
// Of the environment that the plan belongs to; still changing until it is executed.
std::shared_ptr<const JobSettings> job_settings(const StreamPlan& plan);

}  // namespace erased

}  // namespace slipstream::stream
