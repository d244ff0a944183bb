// The program `slipstream`: reads the command line and calls one command.
#include <algorithm>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include "base/suggest.h"
#include "cli/catalogue_commands.h"
#include "cli/checkpoint_commands.h"
#include "cli/completion.h"
#include "cli/group_commands.h"
#include "cli/run_command.h"
#include "cli/serve_command.h"
#include "cli/shell.h"
#include "cli/topic_commands.h"

namespace slipstream::cli {
namespace {

#ifndef SLIPSTREAM_VERSION
#define SLIPSTREAM_VERSION "0"
#endif

void add_cluster(CLI::App* command, ClusterArguments& cluster) {
  command->add_option("--nameserver", cluster.name_server, "name servers, host:port;host:port")
      ->envname("SLIPSTREAM_NAMESERVER")
      ->required();
  command->add_option("--credentials", cluster.security.credentials_file,
                      "file with accessKey=, secretKey=, securityToken=");
  rocketmq::TlsOptions& tls = cluster.security.tls;
  command->add_flag("--tls", tls.enabled, "encrypt the connections")->envname("SLIPSTREAM_TLS");
  command->add_option("--tls-ca", tls.ca_file, "trusted authorities, PEM");
  command->add_option("--tls-cert", tls.cert_file, "certificate of this client, PEM");
  command->add_option("--tls-key", tls.key_file, "its private key, PEM");
  command->add_option("--tls-server-name", tls.server_name, "name that certificates are for");
  command
      ->add_option("--tls-verify", cluster.tls_verify,
                   "what a certificate must prove: full, ca, none")
      ->check(CLI::IsMember({"full", "ca", "none"}))
      ->envname("SLIPSTREAM_TLS_VERIFY");
}

void add_output(CLI::App* command, OutputFormat& output, const std::string& what) {
  const std::map<std::string, OutputFormat> formats = {
      {"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}, {"csv", OutputFormat::kCsv}};
  command->add_option("--output", output, what + ": table, json, csv")
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

void add_log_format(CLI::App* command, LogFormat& format) {
  const std::map<std::string, LogFormat> formats = {{"text", LogFormat::kText},
                                                    {"json", LogFormat::kJson}};
  command->add_option("--log-format", format, "lines on standard error: text, json")
      ->transform(CLI::CheckedTransformer(formats));
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
  add_log_format(run, arguments.log_format);
  add_output(run, arguments.output, "rows of a SELECT");
  run->callback([&] { exit_code = run_command(arguments); });

  CLI::App* shell = app.add_subcommand("sql", "type SQL and see its rows");
  add_settings(shell, arguments);
  shell->add_option("--checkpoint-dir", arguments.checkpoint_dir,
                    "keep the checkpoints of INSERTs here, and resume from the newest");
  add_output(shell, arguments.output, "rows of a SELECT");
  shell->callback([&] { exit_code = sql_command(arguments); });

  CLI::App* explain = app.add_subcommand("explain", "show the plan of a SQL script");
  add_script(explain, arguments);
  explain->callback([&] { exit_code = explain_command(arguments); });
  CLI::App* check = app.add_subcommand("check", "find all errors of a SQL script");
  add_script(check, arguments);
  check->callback([&] { exit_code = check_command(arguments); });
}

void add_serve(CLI::App& app, ServeArguments& arguments, int& exit_code) {
  CLI::App* serve = app.add_subcommand("serve", "run many jobs, with REST, metrics and a web page");
  arguments.version = SLIPSTREAM_VERSION;
  serve->add_option("--port", arguments.port, "port of HTTP; 0 takes a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  serve->add_option("--bind", arguments.bind, "address; other than loopback needs a token")
      ->capture_default_str();
  serve->add_option("--state-dir", arguments.state_dir, "jobs, checkpoints and savepoints are here")
      ->capture_default_str();
  serve->add_option("--token-file", arguments.token_file,
                    "file with the token that requests must carry");
  serve->add_option("--memory", arguments.memory, "budget of all jobs for state and buffers")
      ->capture_default_str();
  add_log_format(serve, arguments.log_format);
  serve->callback([&] { exit_code = serve_command(arguments); });
}

void add_topic(CLI::App& app, TopicArguments& arguments, int& exit_code) {
  CLI::App* topic =
      app.add_subcommand("topic", "topics of a RocketMQ cluster")->require_subcommand(1);
  CLI::App* list = topic->add_subcommand("list", "names of all topics");
  add_cluster(list, arguments.cluster);
  add_output(list, arguments.output, "how they are written");
  list->callback([&] { exit_code = topic_list_command(arguments); });
  const auto add = [&](const char* name, const char* help, int (*command)(const TopicArguments&),
                       bool queues) {
    CLI::App* sub = topic->add_subcommand(name, help);
    sub->add_option("topic", arguments.topic)->required();
    add_cluster(sub, arguments.cluster);
    if (queues)
      sub->add_option("--queues", arguments.queues, "queues per broker")
          ->check(CLI::Range(1, 4096));
    if (command == topic_describe_command)
      add_output(sub, arguments.output, "how they are written");
    sub->callback([&arguments, &exit_code, command] { exit_code = command(arguments); });
  };
  add("create", "create a topic", topic_create_command, true);
  add("describe", "queues and offsets", topic_describe_command, false);
  add("delete", "delete a topic", topic_delete_command, false);
  add("widen", "more queues", topic_widen_command, true);
}

void add_group(CLI::App& app, GroupArguments& arguments, int& exit_code) {
  CLI::App* group =
      app.add_subcommand("group", "consumer groups and their offsets")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*command)(const GroupArguments&)) {
    CLI::App* sub = group->add_subcommand(name, help);
    if (command != group_list_command) sub->add_option("group", arguments.group)->required();
    add_cluster(sub, arguments.cluster);
    add_output(sub, arguments.output, "how they are written");
    sub->callback([&arguments, &exit_code, command] { exit_code = command(arguments); });
    return sub;
  };
  add("list", "groups with offsets or members, and their topics", group_list_command);
  add("describe", "offsets, lag and members", group_describe_command)
      ->add_option("--topic", arguments.topic, "only this topic");
  CLI::App* reset = add("reset", "write the group's offsets", group_reset_command);
  reset->add_option("--topic", arguments.topic, "topic to reset")->required();
  reset
      ->add_option("--to", arguments.to,
                   "earliest, latest, milliseconds since 1970, a time (UTC), [BROKER:]QUEUE:OFFSET")
      ->required();
  reset->add_flag("--dry-run", arguments.dry_run, "show what would be written");
  reset->add_flag("--force", arguments.force, "also while members are online");
}

void add_checkpoints(CLI::App& app, CheckpointArguments& arguments, int& exit_code) {
  CLI::App* checkpoints =
      app.add_subcommand("checkpoints", "what a checkpoint directory holds")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help,
                       int (*command)(const CheckpointArguments&)) {
    CLI::App* sub = checkpoints->add_subcommand(name, help);
    sub->add_option("directory", arguments.directory, "as given to --checkpoint-dir")->required();
    add_output(sub, arguments.output, "how they are written");
    sub->callback([&arguments, &exit_code, command] { exit_code = command(arguments); });
    return sub;
  };
  add("list", "checkpoints and savepoints, checked", checkpoints_list_command);
  add("inspect", "state, positions and epochs of one", checkpoints_inspect_command)
      ->add_option("--id", arguments.id, "which one; the newest whole one when not given");
}

void add_words(const CLI::App& app, const std::string& path, std::vector<CommandWords>& words) {
  CommandWords own{path, {}, {}};
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    own.commands.push_back(command->get_name());
    add_words(*command, path.empty() ? command->get_name() : path + " " + command->get_name(),
              words);
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) own.options.push_back("--" + name);
  }
  words.push_back(std::move(own));
}

void add_completion(CLI::App& app, std::string& shell) {
  CLI::App* completion =
      app.add_subcommand("completion", "completion script: source <(slipstream completion bash)");
  completion->add_option("shell", shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  completion->callback([&app, &shell] {
    std::vector<CommandWords> words;
    add_words(app, "", words);
    std::cout << completion_script(words, shell == "zsh");
  });
}

void add_messages(CLI::App& app, ProduceArguments& produce, ConsumeArguments& consume,
                  int& exit_code) {
  CLI::App* send = app.add_subcommand("produce", "send lines as messages");
  send->add_option("topic", produce.topic)->required();
  add_cluster(send, produce.cluster);
  send->add_option("--file", produce.file, "read lines from here instead of standard input");
  send->add_option("--tag", produce.tag);
  send->add_option("--key", produce.key);
  send->add_option("--property", produce.properties, "NAME=VALUE");
  send->add_option("--delay", produce.delay,
                   "delay level 1 to 18, or a time such as '30 s' (brokers 5.0 and later)");
  send->add_option("--rate", produce.rate, "messages per second");
  send->callback([&] { exit_code = produce_command(produce); });
  CLI::App* read = app.add_subcommand("consume", "print messages");
  read->add_option("topic", consume.topic)->required();
  add_cluster(read, consume.cluster);
  read->add_option(
      "--from", consume.from,
      "earliest, latest, milliseconds since 1970, a time (UTC), [BROKER:]QUEUE:OFFSET");
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
  add("metrics", "what is counted, as Prometheus reads it", metrics_command);
  app.add_subcommand("version", "print the version")->callback([] {
    std::cout << "slipstream " SLIPSTREAM_VERSION "\n";
  });
}

int run_main(int argc, char** argv) {
  CLI::App app{"Slipstream: SQL over RocketMQ topics, exactly once", "slipstream"};
  app.require_subcommand(1);
  int exit_code = kExitOk;
  RunArguments run;
  ServeArguments serve;
  TopicArguments topic;
  ProduceArguments produce;
  ConsumeArguments consume;
  GroupArguments group;
  CheckpointArguments checkpoints;
  std::string entry;
  std::string shell;
  add_run(app, run, exit_code);
  add_serve(app, serve, exit_code);
  add_topic(app, topic, exit_code);
  add_group(app, group, exit_code);
  add_messages(app, produce, consume, exit_code);
  add_checkpoints(app, checkpoints, exit_code);
  add_catalogues(app, entry, exit_code);
  add_completion(app, shell);
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
