// The options of connectors that need no broker: whole SQL jobs.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "slipstream/connectors.h"
#include "slipstream/sql.h"
#include "slipstream/stream.h"

#include "base/clock.h"
#include "connector_kit/testing/connector_harness.h"
#include "observation.h"

namespace slipstream::test {
namespace {

namespace fs = std::filesystem;
using Effect = std::function<std::string(const OptionMap&)>;

// An empty folder that goes with the object.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "options.XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

 private:
  fs::path path_;
};

std::string with_clause(const std::string& connector, const OptionMap& options) {
  std::string text = "WITH ('connector' = '" + connector + "'";
  for (const auto& [name, value] : options) text += ", '" + name + "' = '" + value + "'";
  return text + ")";
}

// Runs a script of INSERTs to its end; what failed, or nothing.
std::string run(const std::string& script) {
  stream::Environment env({.name = "options", .parallelism = 1});
  sql::TableEnvironment tables(env);
  tables.execute(script);
  const Status status = env.execute();
  return status.ok() ? "" : "failed";
}

// The lines of a folder's files, sorted, and in how many files they lie.
std::string content_of(const std::string& folder) {
  std::vector<std::string> lines;
  std::size_t files = 0;
  if (!fs::exists(folder)) return "no folder";
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename().string().starts_with('.')) continue;
    ++files;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  std::string seen;
  for (const std::string& line : lines) seen += line + " ";
  return seen + "in " + std::to_string(files);
}

// --- what a table says when it is read: its rows, written to a folder ---

Effect rows_read(const std::string& connector, const std::string& columns,
                 const std::string& select, std::function<void(const Folder&)> prepare = nullptr) {
  return [=](const OptionMap& options) {
    const Folder folder;
    if (prepare) prepare(folder);
    OptionMap given = options;
    if (const auto path = given.find("path"); path != given.end())
      path->second = folder / path->second;
    const std::string failed =
        run("CREATE TABLE source (" + columns + ") " + with_clause(connector, given) +
            "; CREATE TABLE sink (line STRING) " +
            with_clause("filesystem", {{"path", folder / "out"}, {"format", "raw"}}) +
            "; INSERT INTO sink " + select + " FROM source;");
    return failed.empty() ? content_of(folder / "out") : failed;
  };
}

// --- where a table's dead letters are ---

// One line that is no row, and one folder that has it afterwards.
std::string letters_written(const OptionMap& options) {
  const Folder folder;
  folder.write("in/lines.json", "no json\n");
  OptionMap given = options;
  given["path"] = folder / "in";
  given["dead-letter.path"] = folder / given["dead-letter.path"];
  const std::string failed =
      run("CREATE TABLE source (s STRING) " + with_clause("filesystem", given) +
          "; CREATE TABLE sink (s STRING) " + with_clause("blackhole", {}) +
          "; INSERT INTO sink SELECT s FROM source;");
  if (!failed.empty()) return failed;
  std::string seen;
  for (const char* name : {"here", "there"}) {
    const std::string lines = content_of(folder / name);
    if (lines.find("\"body\":") != std::string::npos) seen += std::string("a letter is ") + name;
  }
  return seen;
}

// --- what a table holds after it was written ---

Effect files_written(const std::string& columns, const std::string& values) {
  return [=](const OptionMap& options) {
    const Folder folder;
    OptionMap given = options;
    given["path"] = folder / given["path"];
    const std::string failed =
        run("CREATE TABLE sink (" + columns + ") " + with_clause("filesystem", given) +
            "; INSERT INTO sink VALUES " + values + ";");
    return failed.empty() ? content_of(folder / "out") : failed;
  };
}

// Two rows, the second a minute after the first, in one epoch.
std::string files_a_minute_apart(const OptionMap& options) {
  const Folder folder;
  OptionMap given = options;
  given["path"] = folder / given["path"];
  const auto registry = builtin_connectors();
  const auto sink = (*registry->find("filesystem"))
                        ->make_sink(slipstream::testing::sink_request(slipstream::testing::table_of(
                            Schema({{"s", Type::string()}}), std::move(given))));
  if (!sink.ok() || !(*sink)->check_before_start().ok()) return "failed";
  FakeClock clock;
  slipstream::testing::Counters counters;
  WriterContext context;
  context.metrics = counters.metrics();
  context.clock = &clock;
  context.wake = [] {};
  const auto writer = (*sink)->make_writer(std::move(context));
  if (!writer.ok()) return "failed";
  for (const char* row : {"a", "b"}) {
    const auto written =
        (*writer)->write(slipstream::testing::batch_of(
                             {slipstream::testing::column_of(Type::string(), {std::string(row)})}),
                         nullptr);
    if (!written.ok()) return "failed";
    clock.advance_ms(60'000);
  }
  return (*writer)->prepare(1, nullptr).ok() ? content_of(folder / "out") : "failed";
}

std::string printed(const OptionMap& options) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const std::string failed = run("CREATE TABLE sink (n INT) " + with_clause("print", options) +
                                 "; INSERT INTO sink VALUES (7);");
  const std::string out = ::testing::internal::GetCapturedStdout();
  const std::string errors = ::testing::internal::GetCapturedStderr();
  const std::string line = "+I[7]\n";
  if (!failed.empty()) return failed;
  if (out.ends_with(line)) return "out: " + out;
  return errors.find(line) != std::string::npos ? "errors: " + line : "nothing";
}

void add_datagen(std::vector<Observation>& all) {
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       OptionMap others, Effect effect) {
    others.emplace("rows-per-second", "0");
    all.push_back({"connector datagen", option, std::move(one), std::move(other), std::move(others),
                   std::move(effect)});
  };
  const Effect numbers = rows_read("datagen", "n INT", "SELECT CAST(n AS STRING)");
  const OptionMap sequence = {
      {"fields.n.kind", "sequence"}, {"fields.n.start", "1"}, {"fields.n.end", "1000"}};
  add("number-of-rows", {"2", "1 2 in 1"}, {"3", "1 2 3 in 1"}, sequence, numbers);
  OptionMap two = sequence;
  two.erase("fields.n.start");
  two["number-of-rows"] = "2";
  add("fields.n.start", {"1", "1 2 in 1"}, {"5", "5 6 in 1"}, two, numbers);
  OptionMap from_one = sequence;
  from_one.erase("fields.n.end");
  add("fields.n.end", {"2", "1 2 in 1"}, {"3", "1 2 3 in 1"}, from_one, numbers);
  add("fields.n.kind", {"sequence", "1 2 in 1"}, {"random", "7 7 in 1"},
      {{"fields.n.start", "1"},
       {"fields.n.end", "1000"},
       {"fields.n.min", "7"},
       {"fields.n.max", "7"},
       {"number-of-rows", "2"}},
      numbers);
  const Effect sign = rows_read("datagen", "n INT", "SELECT IF(n < 0, 'below', 'above')");
  add("fields.n.min", {"-1000000", "below in 1"}, {"1", "above in 1"},
      {{"fields.n.max", "1"}, {"number-of-rows", "1"}}, sign);
  add("fields.n.max", {"9", "above in 1"}, {"-1", "below in 1"},
      {{"fields.n.min", "-1"}, {"number-of-rows", "1"}}, sign);
  add("fields.n.null-rate", {"0", "7 in 1"}, {"1", "none in 1"},
      {{"fields.n.min", "7"}, {"fields.n.max", "7"}, {"number-of-rows", "1"}},
      rows_read("datagen", "n INT", "SELECT COALESCE(CAST(n AS STRING), 'none')"));
  add("fields.s.length", {"3", "3 in 1"}, {"5", "5 in 1"}, {{"number-of-rows", "1"}},
      rows_read("datagen", "s STRING", "SELECT CAST(CHAR_LENGTH(s) AS STRING)"));
  add("fields.t.max-past", {"0 s", "new in 1"}, {"1000 d", "old in 1"}, {{"number-of-rows", "1"}},
      rows_read("datagen", "t TIMESTAMP_LTZ(3)",
                "SELECT IF(t < CURRENT_TIMESTAMP - INTERVAL '1' DAY, 'old', 'new')"));
}

void add_print(std::vector<Observation>& all) {
  all.push_back({"connector print",
                 "print-identifier",
                 {"a", "out: a> +I[7]\n"},
                 {"b", "out: b> +I[7]\n"},
                 {},
                 printed});
  all.push_back({"connector print",
                 "standard-error",
                 {"false", "out: +I[7]\n"},
                 {"true", "errors: +I[7]\n"},
                 {},
                 printed});
}

void add_filesystem(std::vector<Observation>& all) {
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       OptionMap others, Effect effect) {
    all.push_back({"connector filesystem", option, std::move(one), std::move(other),
                   std::move(others), std::move(effect)});
  };
  const auto two_folders = [](const Folder& folder) {
    folder.write("a/one.json", "{\"s\":\"in-a\"}\n");
    folder.write("a/two.json", "{\"s\":\"in-a-too\"}\nno json\n");
    folder.write("b/one.json", "{\"s\":\"in-b\"}\n");
  };
  const Effect rows = rows_read("filesystem", "s STRING", "SELECT s", two_folders);
  add("path", {"a/one.json", "in-a in 1"}, {"b", "in-b in 1"}, {{"format", "json"}}, rows);
  add("format", {"json", "in-b in 1"}, {"raw", "{\"s\":\"in-b\"} in 1"}, {{"path", "b"}}, rows);
  add("source.path.regex-pattern", {".*one[.]json", "in-a in 1"}, {".*none", "in 0"},
      {{"path", "a"}, {"format", "json"}}, rows);
  add("decode.errors", {"fail", "failed"}, {"skip", "in-a in-a-too in 1"},
      {{"path", "a"}, {"format", "json"}}, rows);
  add("dead-letter.path", {"here", "a letter is here"}, {"there", "a letter is there"},
      {{"format", "json"}, {"decode.errors", "dead-letter"}}, letters_written);
  add("source.line-bytes-max", {"8 b", "failed"}, {"1 kb", "in-b in 1"},
      {{"path", "b"}, {"format", "json"}}, rows);
  // Without a checkpoint directory.
  add("sink.delivery-guarantee", {"at-least-once", "a in 1"}, {"exactly-once", "failed"},
      {{"path", "out"}, {"format", "raw"}}, files_written("s STRING", "('a')"));
  add("sink.rolling-policy.rollover-interval", {"30 s", "a b in 2"}, {"1 h", "a b in 1"},
      {{"path", "out"}, {"format", "raw"}}, files_a_minute_apart);
  add("sink.rolling-policy.file-size", {"1 b", "a b in 2"}, {"1 mb", "a b in 1"},
      {{"path", "out"}, {"format", "raw"}}, files_written("s STRING", "('a'), ('b')"));
}

}  // namespace

std::vector<Observation> connector_observations() {
  std::vector<Observation> all;
  add_datagen(all);
  add_print(all);
  add_filesystem(all);
  return all;
}

}  // namespace slipstream::test
