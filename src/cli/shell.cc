#include "cli/shell.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <mutex>
#include <optional>
#include <regex>

#include <unistd.h>

#include "base/clock.h"
#include "base/try.h"
#include "cli/cluster.h"
#include "cli/execution.h"
#include "cli/line_reader.h"
#include "cli/report.h"
#include "cli/secrets.h"
#include "cli/stop_signal.h"
#include "cli/system_tables.h"
#include "expr/function.h"
#include "sql/parse/keywords.h"
#include "sql/parse/parser.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

constexpr const char* kHelp =
    "Statements end with ';' and run at once. Several INSERTs as one job:\n"
    "  BEGIN STATEMENT SET; INSERT ...; INSERT ...; END;\n"
    "  \\d          tables and views         \\d NAME     columns of a table\n"
    "  \\f          functions                \\f NAME     what a function does\n"
    "  \\timing     time of each statement   \\h          this text\n"
    "  \\q          leave (also exit, quit, Ctrl-D)\n"
    "Tab completes keywords, tables, columns, functions and, in 'topic' = '...', topics.\n"
    "Ctrl-C ends what runs.\n";

std::string history_file() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.slipstream_history";
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string function_text(const std::string& name) {
  if (const expr::Function* function = expr::find_function(name))
    return function->usage + "\n  " + function->description + "\n";
  return "";
}

// One of the words that people try first, with or without ';'.
bool is_word(const std::string& line, std::initializer_list<std::string_view> words) {
  std::string word = trimmed(line);
  while (word.ends_with(';')) word = trimmed(word.substr(0, word.size() - 1));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Whether the open quote at the end belongs to an option that names a topic.
bool names_topic(const std::string& before) {
  static const std::regex kTopic(R"('(topic|dead-letter\.topic)'\s*=\s*'$)", std::regex::icase);
  return std::regex_search(before, kTopic);
}

// The topics of the cluster that the environment names, asked for at most every few seconds.
class TopicNames {
 public:
  const std::vector<std::string>& get() {
    const std::int64_t now_ms = clock_.now_ms();
    if (asked_ms_ && now_ms - *asked_ms_ < kKeptMs) return names_;
    asked_ms_ = now_ms;
    names_ = ask();
    return names_;
  }

 private:
  static constexpr std::int64_t kKeptMs = 10'000;
  static constexpr std::int64_t kPatienceMs = 1'000;  // a person waits

  static std::vector<std::string> ask() {
    auto options = client_options({});
    if (!options.ok()) return {};
    options->start_timeout_ms = options->call_timeout_ms = kPatienceMs;
    const auto client = rocketmq::Client::connect(*options);
    if (!client.ok()) return {};
    auto topics = rocketmq::Admin(**client).list_topics();
    return topics.ok() ? std::move(*topics) : std::vector<std::string>();
  }

  const SystemClock clock_;
  std::optional<std::int64_t> asked_ms_;
  std::vector<std::string> names_;
};

class Shell {
 public:
  Shell(const RunArguments& arguments, std::unique_ptr<ConnectorRegistry> registry)
      : arguments_(arguments),
        registry_(std::move(registry)),
        catalog_(*registry_, runtime_),
        session_(*registry_, runtime_, catalog_),
        reader_(history_file(), [this](const std::string& before) { return candidates(before); }) {}

  int run() {
    const StopSignal signals([this](int) { on_signal(); });
    if (const Status set = apply_settings(); !set.ok()) {
      std::cerr << "error: " << set.error().message << '\n';
      return kExitUsage;
    }
    if (reader_.interactive())
      std::cout << "Slipstream SQL. help or \\h for help, exit or \\q to leave." << std::endl;
    std::string input;
    while (!left_) {
      std::string line;
      const auto outcome = reader_.read(input.empty() ? "sql> " : "  -> ", &line);
      if (outcome == LineReader::Outcome::kEnd) break;
      if (outcome == LineReader::Outcome::kInterrupted) {
        std::cout << std::endl;
        if (!reader_.interactive()) return kExitOk;
        input.clear();
        continue;
      }
      if (input.empty() && trimmed(line).starts_with('\\')) {
        command(trimmed(line));
        continue;
      }
      if (input.empty() && is_word(line, {"exit", "quit"})) break;
      if (input.empty() && is_word(line, {"help"})) {
        command("\\h");
        continue;
      }
      input += (input.empty() ? "" : "\n") + line;
      if (!sql::is_complete_input(input)) continue;
      if (!take(std::exchange(input, {}))) return kExitUsage;
    }
    if (!trimmed(input).empty() && !take(input + "\n;")) return kExitUsage;
    if (reader_.interactive()) std::cout << std::endl;
    return kExitOk;
  }

 private:
  Status apply_settings() {
    TRY(cli::apply_settings(session_, arguments_.settings));
    if (arguments_.parallelism > 0)
      TRY(session_.set("parallelism.default", std::to_string(arguments_.parallelism)));
    return {};
  }

  void on_signal() {
    const std::lock_guard lock(mutex_);
    if (execution_ == nullptr || !execution_->signal(++signals_)) reader_.interrupt();
  }

  // False when a script (not a person) met an error.
  bool take(const std::string& text) {
    if (trimmed(text).empty()) return true;
    reader_.remember(trimmed(text));
    const Clock& clock = runtime_.clock();
    const std::int64_t started = clock.now_ms();
    const Status status = execute(text);
    if (!status.ok()) {
      if (!status.error().message.empty()) std::cerr << "error: " << status.error().message << '\n';
      return reader_.interactive();
    }
    if (timing_) {
      std::fprintf(stderr, "(%.3f s)\n", static_cast<double>(clock.now_ms() - started) / 1000.0);
    }
    return true;
  }

  Status execute(const std::string& text) {
    auto compiled = session_.compile(text);
    if (!compiled.ok()) {
      for (const sql::Diagnostic& diagnostic : compiled.diagnostics)
        std::cerr << sql::render_diagnostic(text, "sql", diagnostic);
      return Error{ErrorCode::kInvalidArgument, ""};
    }
    Execution execution(arguments_, session_);
    {
      const std::lock_guard lock(mutex_);
      execution_ = &execution;
      signals_ = 0;
    }
    Status status = run_steps(compiled.steps, execution);
    const std::lock_guard lock(mutex_);
    execution_ = nullptr;
    return status;
  }

  Status run_steps(std::vector<sql::Step>& steps, Execution& execution) {
    std::vector<sql::RelPtr> inserts;
    for (sql::Step& step : steps) {
      if (step.kind == sql::Step::Kind::kInsert) {
        inserts.push_back(std::move(step.plan));
      } else if (step.kind == sql::Step::Kind::kSelect) {
        TRY_ASSIGN(const std::int64_t rows, execution.run_select(std::move(step.plan)));
        std::cerr << rows << (rows == 1 ? " row\n" : " rows\n");
      } else {
        TRY(show_step(step));
        if (reader_.interactive() && step.text == "OK") std::cout << "OK" << std::endl;
      }
    }
    if (inserts.empty()) return {};
    if (reader_.interactive())
      std::cerr << "the job runs; Ctrl-C stops it with a savepoint where it has a directory\n";
    return execution.run_inserts(inserts);
  }

  void command(const std::string& text) {
    const std::size_t space = text.find(' ');
    const std::string name = text.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : trimmed(text.substr(space));
    if (name == "\\q") {
      left_ = true;
    } else if (name == "\\d") {
      take(argument.empty() ? "SHOW TABLES;" : "DESCRIBE `" + argument + "`;");
    } else if (name == "\\f" && argument.empty()) {
      take("SHOW FUNCTIONS;");
    } else if (name == "\\f") {
      const std::string described = function_text(argument);
      std::cout << (described.empty() ? "no function '" + argument + "'\n" : described)
                << std::flush;
    } else if (name == "\\timing") {
      timing_ = !timing_;
      std::cout << "timing is " << (timing_ ? "on" : "off") << std::endl;
    } else {
      std::cout << (name == "\\h" ? "" : "unknown command " + name + "\n") << kHelp << std::flush;
    }
  }

  std::vector<std::string> candidates(const std::string& before) {
    if (before.ends_with('\''))
      return names_topic(before) ? topics_.get() : std::vector<std::string>();
    std::vector<std::string> names = {"\\d",      "\\f",  "\\h",  "\\q",
                                      "\\timing", "exit", "help", "quit"};
    for (const std::string_view word : sql::reserved_words()) names.emplace_back(word);
    for (const expr::Function* function : expr::all_functions()) names.push_back(function->name);
    for (const expr::AggregateFunction* function : expr::all_aggregates())
      names.push_back(function->name);
    const auto listed = session_.catalog().list();
    if (!listed.ok()) return names;
    for (const sql::CatalogName& each : *listed) {
      names.push_back(each.name);
      const auto found = session_.catalog().find(each.name);
      const sql::CatalogTable* table = found.ok() ? sql::as_table(*found) : nullptr;
      if (table == nullptr) continue;
      for (const sql::CatalogColumn& column : table->columns) names.push_back(column.name);
    }
    return names;
  }

  const RunArguments& arguments_;
  const std::unique_ptr<ConnectorRegistry> registry_;
  flow::Runtime runtime_;
  SystemTables catalog_;
  sql::Session session_;
  TopicNames topics_;
  LineReader reader_;
  std::mutex mutex_;
  Execution* execution_ = nullptr;
  int signals_ = 0;
  bool timing_ = false;
  bool left_ = false;
};

}  // namespace

int sql_command(const RunArguments& arguments) {
  auto registry = connectors_with_secrets(arguments.secrets_file);
  if (!registry.ok()) return fail(registry.error(), kExitUsage);
  return Shell(arguments, std::move(*registry)).run();
}

}  // namespace slipstream::cli
