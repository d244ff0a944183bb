// Runs SQL text tests. The format is described in test/slt/README.md.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include <stdlib.h>
#include <unistd.h>

#include "base/try.h"
#include "collect_sink.h"
#include "connector_kit/with_secret_values.h"
#include "connectors/blackhole/blackhole_connector.h"
#include "connectors/datagen/datagen_connector.h"
#include "connectors/filesystem/filesystem_connector.h"
#include "connectors/mq/mq_connector.h"
#include "connectors/print/print_connector.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "data/text/temporal.h"
#include "data/text/value.h"
#include "flow/job.h"
#include "flow/runtime.h"
#include "script_connector.h"
#include "sql/session.h"

namespace slipstream::test {
namespace {

struct Block {
  std::size_t line = 0;
  std::string head;  // first line: "query", "statement ok", "feed t"
  std::vector<std::string> body;
  std::vector<std::string> expected;  // behind ----
};

struct TestFile {
  std::string path;
  bool crash = false;
  std::vector<Block> blocks;
};

// One way to run a query.
struct Configuration {
  std::uint32_t parallelism = 1;
  std::size_t batch_rows = 1024;
  bool crash = false;
  std::string name() const {
    return "parallelism " + std::to_string(parallelism) + ", batch " + std::to_string(batch_rows) +
           (crash ? ", crash after each checkpoint" : "");
  }
};

TestFile read_file(const std::string& path) {
  TestFile file;
  file.path = path;
  std::ifstream in(path);
  if (!in) {
    std::cerr << "cannot read " << path << '\n';
    std::exit(2);
  }
  std::size_t number = 0;
  bool open = false;
  bool expecting = false;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) {
      open = false;
      continue;
    }
    if (!open && line[0] == '#') continue;
    if (!open && line == "mode crash") {
      file.crash = true;
      continue;
    }
    if (!open) {
      file.blocks.push_back(Block{number, line, {}, {}});
      open = true;
      expecting = false;
    } else if (line == "----") {
      expecting = true;
    } else {
      (expecting ? file.blocks.back().expected : file.blocks.back().body).push_back(line);
    }
  }
  return file;
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// "a, \"b, c\", NULL" -> cells
std::vector<std::optional<std::string>> split_cells(std::string_view line) {
  std::vector<std::optional<std::string>> cells;
  while (true) {
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (line.starts_with('"')) {
      const std::size_t end = line.find('"', 1);
      cells.emplace_back(std::string(line.substr(1, end - 1)));
      line.remove_prefix(std::min(end + 1, line.size()));
    } else {
      const std::string_view cell = line.substr(0, line.find(','));
      if (cell == "NULL")
        cells.emplace_back(std::nullopt);
      else
        cells.emplace_back(std::string(cell));
      line.remove_prefix(cell.size());
    }
    if (line.empty()) return cells;
    line.remove_prefix(1);
  }
}

std::optional<ScriptItem> feed_item(const std::string& line) {
  ScriptItem item;
  std::string_view text = line;
  if (text == "cut" || text == "checkpoint") {
    item.kind = text == "cut" ? ScriptItem::Kind::kCut : ScriptItem::Kind::kCheckpoint;
    return item;
  }
  if (text.starts_with("watermark ")) {
    ColumnBuilder builder(Type::timestamp(3));
    if (!text::parse(text.substr(10), TimeZone(), builder)) return std::nullopt;
    item.kind = ScriptItem::Kind::kWatermark;
    item.watermark_ms = builder.finish()->data<std::int64_t>()[0] / 1000;
    return item;
  }
  for (const RowKind kind :
       {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kUpdateAfter, RowKind::kDelete}) {
    const std::string prefix = std::string(row_kind_name(kind)) + " ";
    if (!text.starts_with(prefix)) continue;
    item.row_kind = kind;
    text.remove_prefix(prefix.size());
    break;
  }
  item.cells = split_cells(text);
  return item;
}

// Runs one file; counts what failed.
class Runner {
 public:
  Runner(TestFile file, bool quick)
      : file_(std::move(file)), quick_(quick), feeds_(std::make_shared<ScriptFeeds>()) {
    registry_.add(make_script_connector(feeds_));
    registry_.add(datagen_connector::make_factory());
    registry_.add(filesystem_connector::make_factory());
    registry_.add(print_connector::make_factory());
    registry_.add(blackhole_connector::make_factory());
    // For plans and checks: they connect late.
    registry_.add(rocketmq_connector::make_factory());
    const auto secrets = std::make_shared<const SecretValues>();
    registry_.add(connector_kit::with_secret_values(
        mq_connector::make_mq_factory(rocketmq_connector::make_factory()), secrets));
    registry_.add(connector_kit::with_secret_values(
        mq_connector::make_mq5_factory(rocketmq_connector::make_factory()), secrets));
  }

  int run() {
    sql::Session session(registry_, runtime_);
    for (const Block& block : file_.blocks) {
      if (block.head.starts_with("statement "))
        statement(session, block);
      else if (block.head.starts_with("feed "))
        feed(block);
      else if (block.head == "query" || block.head == "query log" ||
               block.head.starts_with("query error ") || block.head == "job" ||
               block.head.starts_with("job fails "))
        query(session, block);
      else if (block.head.starts_with("job error "))
        refused_job(session, block);
      else if (block.head == "explain")
        explain(session, block);
      else
        fail(block, "unknown directive '" + block.head + "'");
    }
    if (file_.crash && failures_ == 0 && crashes_ == 0)
      fail(file_.blocks.back(), "mode crash, but no query met a checkpoint: nothing crashed");
    if (checks_ == 0)
      fail(file_.blocks.empty() ? Block{} : file_.blocks.back(), "the file checks nothing");
    return failures_;
  }
  int checks() const { return checks_; }

 private:
  void fail(const Block& block, const std::string& why) {
    ++failures_;
    std::cerr << file_.path << ":" << block.line << ": " << why << '\n';
  }

  static std::string text_of(const std::vector<sql::Diagnostic>& diagnostics) {
    std::string text;
    for (const sql::Diagnostic& d : diagnostics) {
      text += std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.message +
              (d.fix.empty() ? "" : " [" + d.fix + "]") + "\n";
    }
    return text;
  }

  void expect_error(const Block& block, const std::string& wanted, const std::string& seen) {
    ++checks_;
    if (seen.empty())
      fail(block, "no error, expected: " + wanted);
    else if (seen.find(wanted) == std::string::npos)
      fail(block, "expected error: " + wanted + "\n  seen: " + seen);
  }

  void statement(sql::Session& session, const Block& block) {
    const auto compiled = session.compile(join(block.body));
    if (block.head == "statement ok") {
      ++checks_;
      if (!compiled.ok()) fail(block, text_of(compiled.diagnostics));
    } else if (block.head == "statement error") {
      ++checks_;
      const std::string seen = text_of(compiled.diagnostics);
      if (seen != join(block.expected) || seen.empty())
        fail(block, "the errors differ; seen:\n" + seen);
    } else if (block.head.starts_with("statement error ")) {
      expect_error(block, block.head.substr(16), text_of(compiled.diagnostics));
    } else {
      fail(block, "'statement ok', 'statement error' or 'statement error TEXT' is expected");
    }
  }

  void feed(const Block& block) {
    auto& items = feeds_->tables[block.head.substr(5)];
    for (const std::string& line : block.body) {
      auto item = feed_item(line);
      if (!item) return fail(block, "cannot read: " + line);
      items.push_back(std::move(*item));
    }
  }

  void explain(sql::Session& session, const Block& block) {
    ++checks_;
    const auto compiled = session.compile(join(block.body));
    if (!compiled.ok()) return fail(block, text_of(compiled.diagnostics));
    std::string seen;
    for (const sql::Step& step : compiled.steps) {
      if (step.plan) seen += sql::to_string(*step.plan);
    }
    if (seen != join(block.expected)) fail(block, "the plan differs; seen:\n" + seen);
  }

  void query(sql::Session& session, const Block& block) {
    std::vector<Configuration> configurations;
    for (const std::uint32_t parallelism : {1U, 3U}) {
      for (const std::size_t batch_rows : {std::size_t{1}, std::size_t{7}, std::size_t{1024}}) {
        configurations.push_back({parallelism, batch_rows, false});
        if (file_.crash) configurations.push_back({parallelism, batch_rows, true});
      }
    }
    if (quick_) configurations = {{3, 7, file_.crash}};
    for (const Configuration& configuration : configurations) {
      if (!query_once(session, block, configuration)) return;
    }
  }

  // Behind "query error" and "job fails".
  static std::string error_wanted(const std::string& head) {
    for (const std::string_view verb : {"query error ", "job fails "}) {
      if (head.starts_with(verb)) return head.substr(verb.size());
    }
    return "";
  }

  bool query_once(sql::Session& session, const Block& block, const Configuration& configuration) {
    ++checks_;
    const std::string wanted = error_wanted(block.head);
    Outputs outputs;
    const Status status = run_job(session, block, configuration, outputs);
    if (!wanted.empty()) {
      --checks_;
      const int before = failures_;
      expect_error(block, wanted, status.ok() ? "" : status.error().message);
      return failures_ == before;
    }
    if (!status.ok())
      return fail(block, "with " + configuration.name() + ": " + status.error().message), false;
    std::vector<std::string> expected = block.expected;
    std::vector<std::string> seen;
    for (const auto& [table, rows] : outputs) {
      for (const std::string& line :
           block.head == "query log" ? rows->lines(true) : rows->materialised())
        seen.push_back(table.empty() ? line : table + ": " + line);
    }
    std::sort(expected.begin(), expected.end());
    std::sort(seen.begin(), seen.end());
    if (seen == expected) return true;
    fail(block, "with " + configuration.name() + ", expected:\n" + join(expected) + "seen:\n" +
                    join(seen));
    return false;
  }

  // A job that is refused before it starts, without a checkpoint directory.
  void refused_job(sql::Session& session, const Block& block) {
    auto compiled = session.compile(join(block.body));
    if (!compiled.ok()) return fail(block, text_of(compiled.diagnostics));
    std::vector<sql::RelPtr> plans;
    for (sql::Step& step : compiled.steps) {
      if (step.plan) plans.push_back(std::move(step.plan));
    }
    const auto start = [&]() -> Status {
      TRY_ASSIGN(flow::Graph graph, session.graph(plans, {}));
      TRY_ASSIGN(flow::EngineOptions options, session.job_options());
      TRY_ASSIGN(const auto job, flow::Job::start(runtime_, std::move(graph), std::move(options),
                                                  [](std::string_view) {}));
      job->cancel();
      static_cast<void>(job->wait());
      return {};
    };
    const Status status = start();
    expect_error(block, block.head.substr(10), status.ok() ? "" : status.error().message);
  }

  // What was written, by table; a query's own rows have no name.
  using Outputs = std::map<std::string, std::shared_ptr<CollectedRows>>;

  Status run_job(sql::Session& session, const Block& block, const Configuration& configuration,
                 Outputs& outputs) {
    feeds_->wait_for_checkpoints = file_.crash;
    // In memory where there is such a place: what is tested here is what is written, not the disk.
    const bool in_memory = ::access("/dev/shm", W_OK) == 0;
    std::string directory =
        (in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) +
        "/slipstream-slt-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr)
      return Error{ErrorCode::kUnavailable, "no temporary directory: " + directory};
    Status status;
    for (int attempt = 0; attempt < 200; ++attempt) {
      bool crashed = false;
      status = run_attempt(session, block, configuration, outputs, directory, &crashed);
      if (!crashed) break;
      ++crashes_;
    }
    std::filesystem::remove_all(directory);
    return status;
  }

  Status run_attempt(sql::Session& session, const Block& block, const Configuration& configuration,
                     Outputs& outputs, const std::string& directory, bool* crashed) {
    auto compiled = session.compile(join(block.body));
    if (!compiled.ok()) return Error{ErrorCode::kInvalidArgument, text_of(compiled.diagnostics)};
    std::vector<sql::RelPtr> plans;
    for (sql::Step& step : compiled.steps) {
      if (!step.plan) continue;
      auto& rows = outputs[step.plan->sink_table.name];
      if (!rows) rows = std::make_shared<CollectedRows>();
      step.plan->kind = sql::RelKind::kSink;
      step.plan->sink = make_collect_sink(step.plan->schema, rows);
      plans.push_back(std::move(step.plan));
    }
    if (plans.empty() || (plans.size() > 1 && block.head != "job"))
      return Error{ErrorCode::kInvalidArgument, "a query block holds one SELECT"};
    TRY_ASSIGN(flow::Graph graph, session.graph(plans, {}));
    TRY_ASSIGN(flow::EngineOptions options, session.job_options());
    options.parallelism = configuration.parallelism;
    options.batch_rows = configuration.batch_rows;
    options.checkpoint_dir = directory;
    options.checkpoint_interval = std::chrono::milliseconds(file_.crash ? 2 : 60'000);
    options.restart_attempts = 0;
    // After one, which is whole, or after two: then the second says what changed since.
    if (configuration.crash)
      options.crash_after_checkpoints = configuration.parallelism == 1 ? 2 : 1;
    options.changes_cost_bytes = 0;
    TRY_ASSIGN(const auto job, flow::Job::start(runtime_, std::move(graph), std::move(options),
                                                [](std::string_view) {}));
    const auto waited = job->wait_for(std::chrono::seconds(60));
    if (!waited) {
      job->cancel();
      static_cast<void>(job->wait());
      return Error{ErrorCode::kTimeout, "the query did not end within 60 s"};
    }
    *crashed =
        configuration.crash && !waited->ok() && waited->error().code == ErrorCode::kCancelled;
    return *waited;
  }

  TestFile file_;
  const bool quick_;  // one configuration, for a quick check while writing a test
  std::shared_ptr<ScriptFeeds> feeds_;
  ConnectorRegistry registry_;
  flow::Runtime runtime_;
  int failures_ = 0;
  int checks_ = 0;
  int crashes_ = 0;
};

}  // namespace
}  // namespace slipstream::test

int main(int argc, char** argv) {
  int failures = 0;
  int checks = 0;
  bool quick = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--quick") {
      quick = true;
      continue;
    }
    slipstream::test::Runner runner(slipstream::test::read_file(argv[i]), quick);
    failures += runner.run();
    checks += runner.checks();
  }
  std::cout << checks << " checks, " << failures << " failures\n";
  return failures == 0 && checks > 0 ? 0 : 1;
}
