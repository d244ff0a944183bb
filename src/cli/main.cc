// The program `slipstream`: reads the command line and calls one command.
#include <algorithm>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include "base/suggest.h"
#include "cli/catalogue_commands.h"
#include "cli/run_command.h"
#include "cli/shell.h"
#include "cli/topic_commands.h"

namespace slipstream::cli {
namespace {

#ifndef SLIPSTREAM_VERSION
#define SLIPSTREAM_VERSION "0"
#endif

void add_name_server(CLI::App* command, std::string& target) {
  command->add_option("--nameserver", target, "name servers, host:port;host:port")
      ->envname("SLIPSTREAM_NAMESERVER")
      ->required();
}

void add_output(CLI::App* command, RunArguments& arguments) {
  const std::map<std::string, OutputFormat> formats = {
      {"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}, {"csv", OutputFormat::kCsv}};
  command->add_option("--output", arguments.output, "rows of a SELECT: table, json, csv")
      ->transform(CLI::CheckedTransformer(formats));
}

void add_settings(CLI::App* command, RunArguments& arguments) {
  command
      ->add_option_function<std::vector<std::string>>(
          "--set",
          [&arguments](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const std::size_t equals = pair.find('=');
              if (equals == std::string::npos)
                throw CLI::ValidationError("--set", pair + ": KEY=VALUE is expected");
              arguments.settings.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
            }
          },
          "a setting, KEY=VALUE, before the script's own")
      ->allow_extra_args(false);
  command->add_option("--parallelism", arguments.parallelism, "subtasks per operator")
      ->check(CLI::Range(1, 1024));
}

void add_script(CLI::App* command, RunArguments& arguments) {
  auto* file = command->add_option("file", arguments.file, "SQL file, - for standard input");
  auto* text = command->add_option("-e", arguments.text, "SQL text");
  file->excludes(text);
  add_settings(command, arguments);
}

void add_run(CLI::App& app, RunArguments& arguments, int& exit_code) {
  CLI::App* run = app.add_subcommand("run", "run a SQL script");
  add_script(run, arguments);
  run->add_option("--checkpoint-dir", arguments.checkpoint_dir,
                  "keep checkpoints here, and resume from the newest");
  auto* from = run->add_option("--from", arguments.from, "start from this checkpoint or savepoint");
  run->add_flag("--fresh", arguments.fresh, "ignore the checkpoints that are there")
      ->excludes(from);
  run->add_flag("--allow-duplicates", arguments.allow_duplicates,
                "accept that published epochs are published again");
  run->add_flag("--allow-dropped-state", arguments.allow_dropped_state,
                "accept that state of removed operators is lost");
  run->add_option("--metrics-port", arguments.metrics_port,
                  "serve Prometheus metrics on 127.0.0.1; 0 takes a free port")
      ->check(CLI::Range(0, 65535));
  add_output(run, arguments);
  run->callback([&] { exit_code = run_command(arguments); });

  CLI::App* shell = app.add_subcommand("sql", "type SQL and see its rows");
  add_settings(shell, arguments);
  shell->add_option("--checkpoint-dir", arguments.checkpoint_dir,
                    "keep the checkpoints of INSERTs here, and resume from the newest");
  add_output(shell, arguments);
  shell->callback([&] { exit_code = sql_command(arguments); });

  CLI::App* explain = app.add_subcommand("explain", "show the plan of a SQL script");
  add_script(explain, arguments);
  explain->callback([&] { exit_code = explain_command(arguments); });
  CLI::App* check = app.add_subcommand("check", "find all errors of a SQL script");
  add_script(check, arguments);
  check->callback([&] { exit_code = check_command(arguments); });
}

void add_topic(CLI::App& app, TopicArguments& arguments, int& exit_code) {
  CLI::App* topic =
      app.add_subcommand("topic", "topics of a RocketMQ cluster")->require_subcommand(1);
  CLI::App* list = topic->add_subcommand("list", "names of all topics");
  add_name_server(list, arguments.name_server);
  list->callback([&] { exit_code = topic_list_command(arguments); });
  const auto add = [&](const char* name, const char* help, int (*command)(const TopicArguments&),
                       bool queues) {
    CLI::App* sub = topic->add_subcommand(name, help);
    sub->add_option("topic", arguments.topic)->required();
    add_name_server(sub, arguments.name_server);
    if (queues)
      sub->add_option("--queues", arguments.queues, "queues per broker")
          ->check(CLI::Range(1, 4096));
    sub->callback([&arguments, &exit_code, command] { exit_code = command(arguments); });
  };
  add("create", "create a topic", topic_create_command, true);
  add("describe", "queues and offsets", topic_describe_command, false);
  add("delete", "delete a topic", topic_delete_command, false);
  add("widen", "more queues", topic_widen_command, true);
}

void add_messages(CLI::App& app, ProduceArguments& produce, ConsumeArguments& consume,
                  int& exit_code) {
  CLI::App* send = app.add_subcommand("produce", "send lines as messages");
  send->add_option("topic", produce.topic)->required();
  add_name_server(send, produce.name_server);
  send->add_option("--file", produce.file, "read lines from here instead of standard input");
  send->add_option("--tag", produce.tag);
  send->add_option("--key", produce.key);
  send->add_option("--property", produce.properties, "NAME=VALUE");
  send->add_option("--rate", produce.rate, "messages per second");
  send->callback([&] { exit_code = produce_command(produce); });
  CLI::App* read = app.add_subcommand("consume", "print messages");
  read->add_option("topic", consume.topic)->required();
  add_name_server(read, consume.name_server);
  read->add_option("--from", consume.from, "earliest, latest, or milliseconds since 1970");
  read->add_option("--count", consume.count, "stop after so many");
  read->add_option("--tag", consume.tag, "tag expression: a || b");
  read->add_option("--format", consume.format,
                   "%t topic %b broker %q queue %o offset %k keys %g tags %i id %T time %s body");
  read->add_flag("--follow", consume.follow, "wait for more at the end");
  read->callback([&] { exit_code = consume_command(consume); });
}

void add_catalogues(CLI::App& app, std::string& name, int& exit_code) {
  const auto add = [&](const char* command, const char* help, int (*show)(const std::string&)) {
    CLI::App* list = app.add_subcommand(command, help);
    list->add_option("name", name, "one of them");
    list->callback([&name, &exit_code, show] { exit_code = show(name); });
  };
  add("connectors", "connectors, their options and metadata", connectors_command);
  add("functions", "SQL functions", functions_command);
  add("settings", "what SET takes", settings_command);
  app.add_subcommand("version", "print the version")->callback([] {
    std::cout << "slipstream " SLIPSTREAM_VERSION "\n";
  });
}

int run_main(int argc, char** argv) {
  CLI::App app{"Slipstream: SQL over RocketMQ topics, exactly once", "slipstream"};
  app.require_subcommand(1);
  int exit_code = kExitOk;
  RunArguments run;
  TopicArguments topic;
  ProduceArguments produce;
  ConsumeArguments consume;
  std::string entry;
  add_run(app, run, exit_code);
  add_topic(app, topic, exit_code);
  add_messages(app, produce, consume, exit_code);
  add_catalogues(app, entry, exit_code);
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  if (argc > 1 && argv[1][0] != '-' &&
      std::find(commands.begin(), commands.end(), argv[1]) == commands.end()) {
    const auto near = nearest_name(argv[1], commands);
    std::cerr << "error: no command '" << argv[1] << "'"
              << (near ? "; did you mean '" + *near + "'?" : "; see slipstream --help") << '\n';
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  return exit_code;
}

}  // namespace
}  // namespace slipstream::cli

int main(int argc, char** argv) { return slipstream::cli::run_main(argc, argv); }
