#include "connectors/rocketmq/admin_tables.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/suggest.h"
#include "base/try.h"
#include "connector_kit/predicates.h"
#include "connector_kit/single_split.h"
#include "connectors/rocketmq/access_options.h"
#include "connectors/rocketmq/admin_scan.h"
#include "connectors/rocketmq/shared_client.h"
#include "connectors/rocketmq/table_options.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::size_t kRowsMax = 1'000'000;
constexpr std::string_view kUnread = "0";
constexpr std::string_view kRead = "1";

constexpr auto kTables = std::to_array<OptionWord<AdminTable>>({
    {"topics", AdminTable::kTopics},
    {"queues", AdminTable::kQueues},
    {"groups", AdminTable::kGroups},
    {"lag", AdminTable::kLag},
});
constexpr Option<AdminTable> kTable{
    .name = "table", .description = "What the rows are.", .limits = {kTables}, .required = true};

// Names are those that brokers know: there is no namespace to leave out.
OptionTable admin_options() {
  std::vector<OptionSpec> all = option_specs(kTable, option::kNameServers);
  for (OptionSpec& spec : access_options()) {
    if (spec.name != "namespace") all.push_back(std::move(spec));
  }
  return OptionTable(std::move(all));
}

Type type_of(AdminColumn::Shape shape) {
  switch (shape) {
    case AdminColumn::Shape::kText:
      return Type::string();
    case AdminColumn::Shape::kNumber:
      return Type::bigint();
    case AdminColumn::Shape::kFlag:
      return Type::boolean();
    case AdminColumn::Shape::kTexts:
      break;
  }
  return Type::array(Type::string());
}

bool fits(AdminColumn::Shape shape, const Type& type) {
  switch (shape) {
    case AdminColumn::Shape::kText:
      return type.kind() == TypeKind::kVarChar;
    case AdminColumn::Shape::kNumber:
      return type.kind() == TypeKind::kBigInt;
    case AdminColumn::Shape::kFlag:
      return type.kind() == TypeKind::kBoolean;
    case AdminColumn::Shape::kTexts:
      break;
  }
  return type.kind() == TypeKind::kArray && type.children()[0].type.kind() == TypeKind::kVarChar;
}

// Where the column's value stands in a row.
Result<std::size_t> cell_of(const TableDefinition& table, AdminTable rows, const Field& field) {
  std::vector<std::string> names;
  const auto columns = columns_of(rows);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    names.emplace_back(columns[i].name);
    if (columns[i].name != field.name) continue;
    if (fits(columns[i].shape, field.type)) return i;
    return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': column '" + field.name +
                                                  "' cannot be " + field.type.to_string() +
                                                  "; declare it " +
                                                  type_of(columns[i].shape).to_string()};
  }
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': there is no column '" +
                                                field.name + "'" + did_you_mean(field.name, names) +
                                                " (there are " + all + ")"};
}

struct AdminPlan {
  rocketmq::ClientOptions client;
  AdminTable table = AdminTable::kTopics;
  AdminFilter filter;
  Schema schema;
  std::vector<std::size_t> cells;  // of a row, for each column of the schema
};

void append(const AdminCell& cell, ColumnBuilder& out) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    out.append_text(*text);
  } else if (const auto* number = std::get_if<std::int64_t>(&cell)) {
    out.append<std::int64_t>(*number);
  } else if (const auto* flag = std::get_if<bool>(&cell)) {
    out.append<std::uint8_t>(*flag ? 1 : 0);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&cell)) {
    for (const std::string& each : *texts) out.child(0).append_text(each);
    out.append_nested();
  } else {
    out.append_null();
  }
}

// Rows of one scan, asked for on a thread of their own.
// Owner:  a reader, whose wake is called when there are rows or it has ended.
// Thread: take() the task's.
// End:    waits for the request that is under way.
// Bounds: kRowsMax.
class AdminRows {
 public:
  AdminRows(const AdminPlan& plan, std::shared_ptr<rocketmq::Client> client,
            std::function<void()> wake)
      : client_(std::move(client)),
        wake_(std::move(wake)),
        thread_([this, &plan](const std::stop_token& stop) { run(plan, stop); }) {}

  struct Taken {
    std::vector<AdminRow> rows;
    bool ended = false;  // there are no more
  };
  Result<Taken> take(std::size_t rows_max) {
    MutexLock lock(mutex_);
    const std::size_t count = std::min(rows_max, rows_.size() - given_);
    Taken taken;
    const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(given_);
    taken.rows.assign(std::make_move_iterator(begin),
                      std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(count)));
    given_ += count;
    taken.ended = ended_ && given_ == rows_.size();
    if (taken.ended) TRY(status_);
    return taken;
  }

 private:
  void run(const AdminPlan& plan, const std::stop_token& stop) {
    rocketmq::Admin admin(*client_);
    const Status status = scan_cluster(admin, plan.table, plan.filter, [&](AdminRow row) {
      if (stop.stop_requested()) return Status(Error{ErrorCode::kCancelled, "stopped"});
      MutexLock lock(mutex_);
      if (rows_.size() == kRowsMax) {
        return Status(
            Error{ErrorCode::kResourceExhausted, "there are more than " + std::to_string(kRowsMax) +
                                                     " rows; ask for some topics or groups"});
      }
      rows_.push_back(std::move(row));
      return Status();
    });
    {
      MutexLock lock(mutex_);
      status_ = status;
      ended_ = true;
    }
    wake_();
  }

  const std::shared_ptr<rocketmq::Client> client_;
  const std::function<void()> wake_;
  Mutex mutex_;
  std::vector<AdminRow> rows_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t given_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool ended_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  Status status_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::jthread thread_;
};

// The one split is the whole table. A restored one that was not read to its end is read anew.
class AdminReader final : public SourceReader {
 public:
  AdminReader(std::shared_ptr<const AdminPlan> plan, ReaderContext context)
      : plan_(std::move(plan)), context_(std::move(context)) {}

  Status add_split(std::uint32_t index, const Split& split) override {
    split_ = {index, split};
    events_.push_back({index, SplitAdded{}});
    if (split.state == kRead) {
      events_.push_back({index, SplitEnded{}});
      return {};
    }
    TRY_ASSIGN(auto client, shared_client(plan_->client));
    rows_ = std::make_unique<AdminRows>(*plan_, std::move(client), context_.wake);
    return {};
  }
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    static_cast<void>(rejected);
    AdminRows::Taken taken;
    if (rows_ != nullptr) {
      TRY_ASSIGN(taken, rows_->take(context_.batch_rows));
    }
    if (taken.ended) {
      rows_.reset();
      split_->second.state = kRead;
      events_.push_back({split_->first, SplitEnded{}});
    }
    if (taken.rows.empty() && events_.empty()) return rows_ ? Poll::kNothing : Poll::kEnd;
    std::vector<ColumnPtr> columns;
    for (std::size_t i = 0; i < plan_->cells.size(); ++i) {
      ColumnBuilder builder(plan_->schema[i].type);
      for (const AdminRow& row : taken.rows) append(row[plan_->cells[i]], builder);
      columns.push_back(builder.finish());
    }
    out->rows = Batch(taken.rows.size(), std::move(columns));
    if (!taken.rows.empty()) out->runs = {SplitRun{split_->first, 0}};
    out->events = std::exchange(events_, {});
    return Poll::kBatch;
  }
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    static_cast<void>(checkpoint);
    if (!split_) return std::vector<Split>();
    return std::vector<Split>{split_->second};
  }
  void checkpoint_complete(CheckpointId checkpoint) override { static_cast<void>(checkpoint); }

 private:
  const std::shared_ptr<const AdminPlan> plan_;
  const ReaderContext context_;
  std::optional<std::pair<std::uint32_t, Split>> split_;
  std::vector<SplitEvent> events_;
  std::unique_ptr<AdminRows> rows_;  // null: nothing was begun, or all was read
};

class AdminSource final : public Source {
 public:
  explicit AdminSource(std::shared_ptr<const AdminPlan> plan) : plan_(std::move(plan)) {}

  Schema schema() const override { return plan_->schema; }
  bool bounded() const override { return true; }
  std::vector<std::string> explain() const override {
    std::vector<std::string> lines;
    for (const auto& word : kTables) {
      if (word.value == plan_->table) lines.push_back("table=" + std::string(word.word));
    }
    for (const auto& [name, names] :
         {std::pair("topic", &plan_->filter.topics), std::pair("group", &plan_->filter.groups)}) {
      if (!*names) continue;
      std::string all;
      for (const std::string& each : **names) all += (all.empty() ? "" : ",") + each;
      lines.push_back(std::string(name) + "=" + all);
    }
    return lines;
  }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return connector_kit::make_single_split(Split{"cluster", std::string(kUnread)}, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(std::make_unique<AdminReader>(plan_, std::move(context)));
  }

 private:
  const std::shared_ptr<const AdminPlan> plan_;
};

// Rows are asked for by name where the query says which; it compares them again.
AdminFilter filter_of(const SourceRequest& request) {
  AdminFilter filter;
  for (const Predicate& predicate : request.predicates) {
    const auto equal = connector_kit::equals_any_of(predicate);
    if (!equal || equal->is_metadata) continue;
    std::set<std::string> names(equal->texts.begin(), equal->texts.end());
    if (equal->column == "topic" && !filter.topics) filter.topics = std::move(names);
    if (equal->column == "group_name" && !filter.groups) filter.groups = std::move(names);
  }
  return filter;
}

class AdminConnector final : public ConnectorFactory {
 public:
  std::string_view name() const override { return "rocketmq-admin"; }
  std::string_view description() const override {
    return "Topics, queues, groups and lag of a RocketMQ cluster, as they are now.";
  }
  bool can_read() const override { return true; }
  bool can_write() const override { return false; }
  OptionTable options() const override { return admin_options(); }
  std::vector<std::string> identity_options() const override { return {"table"}; }

  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    const TableDefinition& table = request.table;
    TRY_ASSIGN(const Options options,
               admin_options().parse(table.options, "table '" + table.name + "'"));
    auto plan = std::make_shared<AdminPlan>();
    TRY_ASSIGN(plan->client, read_client(table.name, options));
    plan->table = options[kTable];
    plan->filter = filter_of(request);
    for (const TableDefinition::MetadataColumn& column : table.metadata) {
      return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': column '" +
                                                    column.name +
                                                    "': rocketmq-admin has no metadata"};
    }
    for (const Field& field : table.physical.fields())
      TRY(cell_of(table, plan->table, field).status());
    for (const std::size_t index : request.physical) {
      const Field& field = table.physical[index];
      TRY_ASSIGN(const std::size_t cell, cell_of(table, plan->table, field));
      plan->cells.push_back(cell);
      plan->schema.add(field.name, field.type);
    }
    return std::unique_ptr<Source>(std::make_unique<AdminSource>(std::move(plan)));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return Error{ErrorCode::kUnsupported,
                 "table '" + request.table.name + "': rocketmq-admin can only be read"};
  }
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_admin_factory() {
  return std::make_unique<AdminConnector>();
}

}  // namespace slipstream::rocketmq_connector
