#include "cli/test_command.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include <unistd.h>

#include "slipstream/connectors.h"

#include "base/mutex.h"
#include "base/output.h"
#include "base/try.h"
#include "cli/execution.h"
#include "cli/job_progress.h"
#include "cli/report.h"
#include "cli/row_difference.h"
#include "cli/run_command.h"
#include "cli/stop_signal.h"
#include "cli/test_tables.h"
#include "io/files.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;  // table -> file

constexpr std::size_t kRowsShown = 40;            // of a table that differs
constexpr const char* kNoServer = "127.0.0.1:1";  // of tables that name none: nobody connects

Error bad(std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; }

struct TestCase {
  std::string name;
  Files inputs;
  Files expected;
  fs::path expect_folder;  // where tables without a file get one; empty: they are not compared
};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// A job that reads no table has no input.
bool is_case(const fs::path& folder) {
  return is_folder(folder / "input") || is_folder(folder / "expect");
}

// What is in the folder, ascending.
Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end;
       each.increment(error))
    entries.push_back(each->path());
  if (error) return bad("folder '" + folder.string() + "': " + error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

// Every file of the folder by its name without the extension: a table.
Result<Files> files_by_table(const fs::path& folder) {
  TRY_ASSIGN(const std::vector<fs::path> entries, entries_of(folder));
  Files files;
  for (const fs::path& entry : entries) {
    const std::string table = entry.stem().string();
    if (is_folder(entry) || table.starts_with('.')) continue;
    if (!files.emplace(table, entry.string()).second)
      return bad("folder '" + folder.string() + "' has several files for table '" + table + "'");
  }
  return files;
}

Result<TestCase> case_of(const fs::path& folder) {
  TestCase test;
  test.name = folder.string();
  if (is_folder(folder / "input")) {
    TRY_ASSIGN(test.inputs, files_by_table(folder / "input"));
  }
  test.expect_folder = folder / "expect";
  if (is_folder(test.expect_folder)) {
    TRY_ASSIGN(test.expected, files_by_table(test.expect_folder));
  }
  return test;
}

// Several scripts beside each other have a folder of tests each.
fs::path default_folder(const fs::path& script) {
  const fs::path tests = script.parent_path() / "tests";
  const fs::path own = tests / script.stem();
  return is_folder(own) ? own : tests;
}

Result<std::vector<TestCase>> find_cases(const TestArguments& arguments) {
  std::vector<TestCase> cases;
  if (!arguments.inputs.empty() || !arguments.expected.empty()) {
    cases.push_back({arguments.file, arguments.inputs, arguments.expected, {}});
    return cases;
  }
  fs::path folder = arguments.folder;
  if (folder.empty()) folder = default_folder(arguments.file);
  if (!folder.has_filename()) folder = folder.parent_path();  // "tests/"
  std::vector<fs::path> folders;
  if (is_case(folder)) {
    folders.push_back(folder);
  } else if (is_folder(folder)) {
    TRY_ASSIGN(folders, entries_of(folder));
    std::erase_if(folders, [](const fs::path& each) { return !is_case(each); });
  }
  for (const fs::path& each : folders) {
    TRY_ASSIGN(TestCase test, case_of(each));
    cases.push_back(std::move(test));
  }
  if (!cases.empty()) return cases;
  return bad("there is no test: give --input TABLE=FILE and --expect TABLE=FILE, or make '" +
             (folder / "NAME" / "input").string() +
             "' with a file TABLE.jsonl for each table that "
             "is read");
}

Result<std::vector<ComparableRow>> read_rows(const std::string& file) {
  TRY_ASSIGN(const std::string text, io::read_file(file));
  std::vector<ComparableRow> rows;
  std::string_view rest = text;
  for (int line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto row = comparable_row(one);
    if (!row.ok()) return row.error().with_context("'" + file + "', line " + std::to_string(line));
    rows.push_back(std::move(*row));
  }
  return rows;
}

Result<std::vector<ComparableRow>> comparable(const std::vector<std::string>& lines) {
  std::vector<ComparableRow> rows;
  for (const std::string& line : lines) {
    TRY_ASSIGN(ComparableRow row, comparable_row(line));
    rows.push_back(std::move(row));
  }
  return rows;
}

Status write_rows(const std::string& file, const std::vector<std::string>& lines) {
  std::error_code error;
  const fs::path folder = fs::path(file).parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  for (const std::string& line : lines) out << line << '\n';
  out.close();
  if (out) return {};
  return Error{ErrorCode::kUnavailable, "cannot write '" + file + "'"};
}

// What became of a test.
enum class Outcome : std::uint8_t { kOk, kFailed, kCannotRun };

// Compares what was written with what is expected.
class Comparison {
 public:
  Comparison(const TestArguments& arguments, const TestCase& test)
      : arguments_(arguments), test_(test) {}

  // Before the job runs: `tables` are those that it writes to.
  // Failure: a file that cannot be compared with, or a table that no INSERT writes to.
  Status open(const std::vector<std::string>& tables) {
    for (const std::string& table : tables) {
      TRY_ASSIGN(const std::string file, file_of(table));
      if (file.empty()) continue;
      Expected& expected = expected_[table];
      expected.file = file;
      expected.missing = arguments_.update && !is_there(file);
      if (expected.missing) continue;
      TRY_ASSIGN(expected.rows, read_rows(file));
    }
    for (const auto& [table, file] : test_.expected) {
      if (!expected_.contains(table))
        return bad("'" + file + "' has rows of table '" + table + "', which no INSERT writes to");
    }
    if (!expected_.empty()) return {};
    return bad(
        "nothing is expected: --expect TABLE=FILE, or files expect/TABLE.jsonl in the folder "
        "of the test, which --update writes");
  }
  Status run(const std::map<std::string, std::vector<std::string>>& written) {
    for (const auto& [table, lines] : written) TRY(compare(table, lines));
    return {};
  }
  bool differs() const { return !differences_.empty(); }
  const std::string& differences() const { return differences_; }
  // "totals 3 rows, lost not compared"
  const std::string& summary() const { return summary_; }

 private:
  struct Expected {
    std::string file;
    bool missing = false;  // it is to be written
    std::vector<ComparableRow> rows;
  };

  // Empty: the table is not compared.
  Result<std::string> file_of(const std::string& table) const {
    const auto found = test_.expected.find(table);
    if (found != test_.expected.end()) return found->second;
    if (!arguments_.update || test_.expect_folder.empty()) return std::string();
    if (table.starts_with('.') || table.find('/') != std::string::npos) {
      return bad("table '" + table +
                 "' has a name that no file can have; name its file with --expect");
    }
    return (test_.expect_folder / (table + ".jsonl")).string();
  }
  Status compare(const std::string& table, const std::vector<std::string>& lines) {
    const auto found = expected_.find(table);
    const bool compared = found != expected_.end();
    summary_ += (summary_.empty() ? "" : ", ") + table + " " + counted(std::ssize(lines), "row") +
                (compared ? "" : " not compared");
    if (!compared) return {};
    const Expected& expected = found->second;
    TRY_ASSIGN(const auto written, comparable(lines));
    const RowDifference difference = compare_rows(expected.rows, written, arguments_.ordered);
    if (difference.none() && !expected.missing) return {};
    if (arguments_.update) {
      TRY(write_rows(expected.file, lines));
      notify("wrote " + expected.file);
      return {};
    }
    differences_ += difference_text(table, difference, expected.rows, written, kRowsShown);
    return {};
  }

  const TestArguments& arguments_;
  const TestCase& test_;
  std::map<std::string, Expected> expected_;
  std::string differences_;
  std::string summary_;
};

// Runs tests one after the other.
// Thread: stop() any; everything else one.
class TestRun {
 public:
  TestRun(const TestArguments& arguments, std::string script)
      : arguments_(arguments), script_(std::move(script)) {}

  void stop() {
    MutexLock lock(mutex_);
    stopped_ = true;
    if (job_ != nullptr) job_->cancel();
  }
  bool stopped() {
    MutexLock lock(mutex_);
    return stopped_;
  }
  Status open() {
    SecretValues secrets;
    if (!arguments_.secrets_file.empty()) {
      TRY_ASSIGN(secrets, SecretValues::read(arguments_.secrets_file));
    }
    connectors_ = builtin_connectors(kNoServer, std::move(secrets));
    return {};
  }
  Outcome run(const TestCase& test) {
    TestTables tables(test.inputs);
    const auto registry = tables.registry(connectors_);
    sql::Session session(*registry, runtime_);
    auto job = compile(session);
    Status status = job.status();
    if (status.ok()) status = check_inputs(test, tables);
    Comparison comparison(arguments_, test);
    if (status.ok()) status = comparison.open(tables.outputs());
    if (!status.ok()) return cannot_run(test, status.error());
    status = run_job(std::move(*job));
    if (status.ok()) status = comparison.run(tables.written());
    if (!status.ok()) {
      print("FAIL " + test.name + "\n");
      notify("error: " + status.error().message, LogLevel::kError);
      return Outcome::kFailed;
    }
    print((comparison.differs() ? "FAIL " : "ok   ") + test.name + ": " + comparison.summary() +
          "\n" + comparison.differences());
    return comparison.differs() ? Outcome::kFailed : Outcome::kOk;
  }

 private:
  static void print(const std::string& text) {
    static_cast<void>(write_output(STDOUT_FILENO, text));
  }
  static Outcome cannot_run(const TestCase& test, const Error& error) {
    print("FAIL " + test.name + "\n");
    if (!error.message.empty()) fail(error, kExitUsage);
    return Outcome::kCannotRun;
  }
  struct CompiledJob {
    flow::EngineOptions options;
    flow::Graph graph;
  };
  // Nothing of the job is left behind it: no checkpoint, and a failure ends it. Row by row, so that
  // neither watermarks nor changes depend on how many rows were received together.
  // Failure: without a message where the script was shown with what is wrong.
  Result<CompiledJob> compile(sql::Session& session) {
    std::vector<sql::RelPtr> inserts;
    TRY(compile_inserts(session, inserts));
    CompiledJob job;
    TRY_ASSIGN(job.options, session.job_options());
    job.options.checkpoint_dir.clear();
    job.options.checkpoint_interval = std::chrono::milliseconds(0);
    job.options.parallelism = static_cast<std::uint32_t>(arguments_.parallelism);
    job.options.batch_rows = 1;
    job.options.from_command_line = true;
    TRY_ASSIGN(job.graph, session.graph(inserts, {}));
    return job;
  }
  Status compile_inserts(sql::Session& session, std::vector<sql::RelPtr>& inserts) {
    TRY(apply_settings(session, arguments_.settings));
    sql::Compiled compiled = session.compile(script_);
    if (!compiled.ok()) {
      print_diagnostics(script_, arguments_.file, compiled.diagnostics);
      return bad("");
    }
    for (sql::Step& step : compiled.steps) {
      if (step.kind == sql::Step::Kind::kInsert) inserts.push_back(std::move(step.plan));
      if (step.kind == sql::Step::Kind::kSelect) {
        notify(arguments_.file + ":" + std::to_string(step.line) +
               ": a SELECT of its own is not tested; INSERTs are");
      }
    }
    return inserts.empty()
               ? bad("'" + arguments_.file + "' has no INSERT: there is nothing to test")
               : Status();
  }
  static Status check_inputs(const TestCase& test, const TestTables& tables) {
    for (const std::string& table : tables.unused_inputs()) {
      return bad("'" + test.inputs.at(table) + "' is input of table '" + table +
                 "', which no INSERT reads");
    }
    return {};
  }
  Status run_job(CompiledJob compiled) {
    const std::string name = compiled.options.name;
    const std::vector<MetricFamily> skipped = skipped_families(*connectors_);
    const Clock& clock = runtime_.clock();
    const JobCounts before = count_of(runtime_.metrics(), skipped, name);
    Mutex mutex;
    JobProgress progress(name, true, before, clock.now_ms());
    // What it has to say is of checkpoints and restarts, of which there are none.
    TRY_ASSIGN(const auto job,
               flow::Job::start(runtime_, std::move(compiled.graph), std::move(compiled.options),
                                [](std::string_view) {}));
    set_running(job.get());
    Status status;
    {
      const Progress shown(arguments_.progress, [&] {
        MutexLock lock(mutex);
        progress.observe(job->report(), count_of(runtime_.metrics(), skipped, name), clock.now_ms(),
                         clock.wall_ms());
        return progress.facts();
      });
      status = job->wait();
    }
    set_running(nullptr);
    const JobCounts after = count_of(runtime_.metrics(), skipped, name);
    notify_dropped("late rows were dropped", after.late - before.late);
    notify_dropped("bodies, lines or fields were given up", after.skipped - before.skipped);
    return status;
  }
  static void notify_dropped(const char* what, std::int64_t count) {
    if (count > 0) notify(std::to_string(count) + " " + what);
  }
  void set_running(flow::Job* job) {
    MutexLock lock(mutex_);
    job_ = job;
    if (job_ != nullptr && stopped_) job_->cancel();
  }

  const TestArguments& arguments_;
  const std::string script_;
  flow::Runtime runtime_;
  std::shared_ptr<const ConnectorRegistry> connectors_;
  Mutex mutex_;
  bool stopped_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  flow::Job* job_ SLIPSTREAM_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace

int test_command(const TestArguments& arguments) {
  auto script = io::read_file(arguments.file);
  if (!script.ok()) return fail(script.error(), kExitUsage);
  const auto cases = find_cases(arguments);
  if (!cases.ok()) return fail(cases.error(), kExitUsage);
  TestRun run(arguments, *std::move(script));
  const StopSignal signals([&run](int count) {
    run.stop();
    if (count > 1) _exit(130);
  });
  if (const Status opened = run.open(); !opened.ok()) return fail(opened.error(), kExitUsage);
  int code = kExitOk;
  std::int64_t failed = 0;
  for (const TestCase& test : *cases) {
    if (run.stopped()) break;
    const Outcome outcome = run.run(test);
    if (outcome == Outcome::kOk) continue;
    ++failed;
    code = std::max(code, outcome == Outcome::kFailed ? kExitFailed : kExitUsage);
  }
  if (run.stopped()) return fail(Error{ErrorCode::kCancelled, "stopped"}, kExitFailed);
  if (!arguments.progress.quiet)
    notify(counted(std::ssize(*cases), "test") + ", " + std::to_string(failed) + " failed");
  return code;
}

}  // namespace slipstream::cli
