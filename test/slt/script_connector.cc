#include "script_connector.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <mutex>

#include "base/try.h"
#include "connector_kit/single_split.h"
#include "data/text/value.h"

namespace slipstream::test {
namespace {

OptionTable script_options() {
  return OptionTable({
      OptionSpec{.name = "changelog",
                 .type = OptionType::kEnum,
                 .default_value = "insert",
                 .description = "Which row kinds come.",
                 .values = {"insert", "all"}},
  });
}

// A cell as CAST reads it; a MAP as "{a=1, b=2}", an ARRAY as "[1, 2]".
bool parse_cell(std::string_view text, ColumnBuilder& out) {
  const bool map = out.type().kind() == TypeKind::kMap;
  if (!map && out.type().kind() != TypeKind::kArray) return text::parse(text, TimeZone(), out);
  if (text.size() < 2) return false;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const std::string_view element = text.substr(0, text.find(", "));
    text.remove_prefix(std::min(text.size(), element.size() + 2));
    const std::size_t equals = map ? element.find('=') : 0;
    if (equals == std::string_view::npos) return false;
    if (map && !parse_cell(element.substr(0, equals), out.child(0))) return false;
    ColumnBuilder& value = out.child(map ? 1 : 0);
    const std::string_view shown = map ? element.substr(equals + 1) : element;
    if (shown == "NULL") {
      value.append_null();
    } else if (!parse_cell(shown, value)) {
      return false;
    }
  }
  out.append_nested();
  return true;
}

using Items = std::shared_ptr<const std::vector<ScriptItem>>;

// Readers of one source begin together: which row is late must not depend on whether a reader
// without a split has already said that it holds event time back no longer.
// Thread: any.
class StartLine {
 public:
  // True: all have arrived. Otherwise `wake` is called when the last one does.
  bool arrive(std::uint32_t subtask, std::uint32_t readers, const std::function<void()>& wake) {
    std::vector<std::function<void()>> wakes;
    {
      const std::lock_guard lock(mutex_);
      if (arrived_.size() >= readers) return true;
      arrived_.insert_or_assign(subtask, wake);
      if (arrived_.size() < readers) return false;
      for (const auto& [index, one] : arrived_) wakes.push_back(one);
    }
    for (const auto& one : wakes) one();
    return true;
  }

 private:
  std::mutex mutex_;
  std::map<std::uint32_t, std::function<void()>> arrived_;  // by subtask
};

class Reader : public SourceReader {
 public:
  Reader(Items items, std::shared_ptr<StartLine> start, bool waits, Schema schema,
         std::vector<std::size_t> columns, ReaderContext context)
      : items_(std::move(items)),
        start_(std::move(start)),
        waits_(waits),
        schema_(std::move(schema)),
        columns_(std::move(columns)),
        context_(std::move(context)) {}

  Status add_split(std::uint32_t index, const Split& split) override {
    split_ = index;
    id_ = split.id;
    const auto parsed =
        std::from_chars(split.state.data(), split.state.data() + split.state.size(), next_);
    if (parsed.ec != std::errc())
      return Error{ErrorCode::kCorrupt, "script split state '" + split.state + "'"};
    return {};
  }

  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    static_cast<void>(rejected);
    const bool started = start_->arrive(context_.subtask, context_.parallelism, context_.wake);
    if (id_.empty() || ended_) return Poll::kEnd;
    if (!started) return Poll::kNothing;
    if (waiting_) return Poll::kNothing;
    std::vector<ColumnBuilder> builders;
    for (const std::size_t column : columns_) builders.emplace_back(schema_[column].type);
    std::vector<RowKind> kinds;
    bool any_retraction = false;
    std::vector<SplitEvent> events;
    while (next_ < items_->size() && kinds.size() < context_.batch_rows) {
      const ScriptItem& item = (*items_)[next_++];
      if (item.kind == ScriptItem::Kind::kCut) break;
      if (item.kind == ScriptItem::Kind::kCheckpoint) {
        waiting_ = waits_;
        awaited_ = 0;
        break;
      }
      if (item.kind == ScriptItem::Kind::kWatermark) {
        events.push_back(SplitEvent{split_, SplitWatermark{item.watermark_ms}});
        break;
      }
      TRY(append_row(item, builders));
      kinds.push_back(item.row_kind);
      any_retraction = any_retraction || item.row_kind != RowKind::kInsert;
    }
    if (next_ == items_->size()) {
      ended_ = true;
      events.push_back(SplitEvent{split_, SplitEnded{}});
    }
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    out->rows = Batch(kinds.size(), std::move(columns));
    if (any_retraction) out->rows.set_kinds(std::move(kinds));
    out->runs.push_back(SplitRun{split_, 0});
    out->events = std::move(events);
    return Poll::kBatch;
  }

  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    if (waiting_ && awaited_ == 0) awaited_ = checkpoint;
    std::vector<Split> splits;
    if (!id_.empty()) splits.push_back(Split{id_, std::to_string(next_)});
    return splits;
  }
  void checkpoint_complete(CheckpointId checkpoint) override {
    if (!waiting_ || awaited_ == 0 || checkpoint < awaited_) return;
    waiting_ = false;
    context_.wake();
  }

 private:
  Status append_row(const ScriptItem& item, std::vector<ColumnBuilder>& builders) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::size_t column = columns_[i];
      if (column >= item.cells.size()) {
        return Error{ErrorCode::kInvalidArgument, "scripted row " + std::to_string(next_) +
                                                      " has " + std::to_string(item.cells.size()) +
                                                      " cells, the table has " +
                                                      std::to_string(schema_.size()) + " columns"};
      }
      const auto& cell = item.cells[column];
      if (!cell) {
        builders[i].append_null();
      } else if (!parse_cell(*cell, builders[i])) {
        return Error{ErrorCode::kInvalidArgument,
                     "scripted row " + std::to_string(next_) + ", column '" + schema_[column].name +
                         "': " + text::parse_failure(*cell, schema_[column].type)};
      }
    }
    return {};
  }

  Items items_;
  std::shared_ptr<StartLine> start_;
  bool waits_;
  Schema schema_;
  std::vector<std::size_t> columns_;
  ReaderContext context_;
  bool waiting_ = false;
  CheckpointId awaited_ = 0;  // 0 = no snapshot since the wait began
  std::uint32_t split_ = 0;
  std::string id_;
  std::size_t next_ = 0;
  bool ended_ = false;
};

class ScriptSource : public Source {
 public:
  ScriptSource(Items items, bool waits, const SourceRequest& request, bool updating)
      : items_(std::move(items)),
        waits_(waits),
        all_(request.table.physical),
        columns_(request.physical),
        updating_(updating) {}
  Schema schema() const override {
    Schema schema;
    for (const std::size_t column : columns_) schema.add(all_[column].name, all_[column].type);
    return schema;
  }
  bool bounded() const override { return true; }
  bool updating() const override { return updating_; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return connector_kit::make_single_split({"script", "0"}, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(
        std::make_unique<Reader>(items_, start_, waits_, all_, columns_, std::move(context)));
  }

 private:
  Items items_;
  std::shared_ptr<StartLine> start_ = std::make_shared<StartLine>();
  bool waits_;
  Schema all_;
  std::vector<std::size_t> columns_;
  bool updating_;
};

class ScriptConnector : public ConnectorFactory {
 public:
  explicit ScriptConnector(std::shared_ptr<const ScriptFeeds> feeds) : feeds_(std::move(feeds)) {}
  std::string_view name() const override { return "script"; }
  std::string_view description() const override { return "Rows and watermarks given by a test."; }
  bool can_read() const override { return true; }
  bool can_write() const override { return false; }
  OptionTable options() const override { return script_options(); }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    const TableDefinition& table = request.table;
    TRY_ASSIGN(const Options options,
               script_options().parse(table.options, "table '" + table.name + "'"));
    const auto found = feeds_->tables.find(table.name);
    Items items = found == feeds_->tables.end() ? std::make_shared<const std::vector<ScriptItem>>()
                                                : Items(feeds_, &found->second);
    return std::unique_ptr<Source>(
        std::make_unique<ScriptSource>(std::move(items), feeds_->wait_for_checkpoints, request,
                                       options.text("changelog") == "all"));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return Error{ErrorCode::kUnsupported,
                 "table '" + request.table.name + "': script can only be read"};
  }

 private:
  std::shared_ptr<const ScriptFeeds> feeds_;
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_script_connector(std::shared_ptr<const ScriptFeeds> feeds) {
  return std::make_unique<ScriptConnector>(std::move(feeds));
}

}  // namespace slipstream::test
