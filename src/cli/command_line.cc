#include "cli/command_line.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/catalogue_commands.h"
#include "cli/completion.h"
#include "cli/report.h"
#include "cli/shell.h"
#include "cli/usage.h"

namespace slipstream::cli {
namespace {

#ifndef SLIPSTREAM_VERSION
#define SLIPSTREAM_VERSION "0"
#endif

constexpr const char* kPosition =
    "earliest, latest, milliseconds since 1970, a time (UTC), [BROKER:]QUEUE:OFFSET";

constexpr const char* kQuietWithSummary = "say neither how far it is nor what it came to";

CLI::Validator checked(OptionRule rule) { return CLI::Validator(std::move(rule), ""); }

// The environment is read by client_options(): an option that is not given stays empty here.
void add_cluster(CLI::App* command, ClusterArguments& cluster) {
  command
      ->add_option("--nameserver", cluster.name_server, "name servers; else SLIPSTREAM_NAMESERVER")
      ->option_text("HOST:PORT[;HOST:PORT]");
  command
      ->add_option("--credentials", cluster.security.credentials_file,
                   "file with accessKey=, secretKey=, securityToken=; else SLIPSTREAM_CREDENTIALS")
      ->option_text("FILE");
  rocketmq::TlsOptions& tls = cluster.security.tls;
  auto* on = command->add_flag_callback(
      "--tls", [&cluster] { cluster.tls = true; }, "encrypt the connections; else SLIPSTREAM_TLS");
  command
      ->add_flag_callback(
          "--no-tls", [&cluster] { cluster.tls = false; }, "do not encrypt them")
      ->excludes(on);
  command->add_option("--tls-ca", tls.ca_file, "trusted authorities, PEM")->option_text("FILE");
  command->add_option("--tls-cert", tls.cert_file, "certificate of this client, PEM")
      ->option_text("FILE");
  command->add_option("--tls-key", tls.key_file, "its private key, PEM")->option_text("FILE");
  command->add_option("--tls-server-name", tls.server_name, "name that certificates are for")
      ->option_text("NAME");
  command
      ->add_option("--tls-verify", cluster.tls_verify,
                   "what a certificate must prove; else SLIPSTREAM_TLS_VERIFY, else full")
      ->transform(checked(one_of({"full", "ca", "none"})))
      ->option_text("full|ca|none");
}

void add_output(CLI::App* command, OutputFormat& output, const std::string& what) {
  const std::map<std::string, OutputFormat> formats = {
      {"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}, {"csv", OutputFormat::kCsv}};
  command->add_option("--output", output, what)
      ->transform(checked(one_of(formats)))
      ->option_text("table|json|csv");
}

void add_secrets(CLI::App* command, std::string& file) {
  command
      ->add_option(
          "--secrets", file,
          "file with lines NAME=value for ${secret_values.NAME} in options of tables; else "
          "SLIPSTREAM_SECRET_NAME")
      ->option_text("FILE");
}

// An option that may be repeated, each time with two words.
CLI::Option* add_pairs(CLI::App* command, const std::string& name, const std::string& words,
                       const std::string& help,
                       std::function<void(std::string key, std::string value)> add) {
  return command
      ->add_option_function<std::vector<std::string>>(
          name,
          [name, words, add = std::move(add)](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const std::size_t equals = pair.find('=');
              if (equals == std::string::npos)
                throw CLI::ValidationError(name, pair + ": " + words + " is expected");
              add(pair.substr(0, equals), pair.substr(equals + 1));
            }
          },
          help)
      ->allow_extra_args(false)
      ->option_text(words);
}

void add_set(CLI::App* command, std::vector<std::pair<std::string, std::string>>& settings) {
  add_pairs(command, "--set", "KEY=VALUE", "a setting, before the script's own",
            [&settings](std::string key, std::string value) {
              settings.emplace_back(std::move(key), std::move(value));
            });
}

void add_settings(CLI::App* command, RunArguments& arguments) {
  add_secrets(command, arguments.secrets_file);
  add_set(command, arguments.settings);
  command->add_option("--parallelism", arguments.parallelism, "subtasks per operator")
      ->transform(checked(whole_number(1, 1024)))
      ->option_text("N");
}

void add_progress(CLI::App* command, ProgressArguments& progress, const std::string& quiet) {
  command->add_flag("-q,--quiet", progress.quiet, quiet);
  command->add_flag("--progress", progress.lines,
                    "without a terminal, too: a line on standard error every 30 s");
  command->add_option("--progress-interval", progress.interval_ms, "time between those lines")
      ->transform(checked(duration(100)))
      ->option_text("TIME");
}

void add_log_format(CLI::App* command, LogFormat& format) {
  const std::map<std::string, LogFormat> formats = {{"text", LogFormat::kText},
                                                    {"json", LogFormat::kJson}};
  command->add_option("--log-format", format, "lines on standard error")
      ->transform(checked(one_of(formats)))
      ->option_text("text|json");
}

CLI::App* add_script(CLI::App& app, const char* name, const char* help, CommandLine& line,
                     int (*command)(const RunArguments&)) {
  CLI::App* sub = app.add_subcommand(name, help);
  auto* file = sub->add_option("file", line.run.file, "SQL file, - for standard input");
  auto* text = sub->add_option("-e", line.run.text, "SQL text")->option_text("SQL");
  file->excludes(text);
  add_settings(sub, line.run);
  sub->callback([&line, file, text, command] {
    if (file->count() + text->count() == 0)
      throw CLI::RequiredError("a script is missing: FILE, - or -e SQL",
                               CLI::ExitCodes::RequiredError);
    line.exit_code = command(line.run);
  });
  return sub;
}

void add_run(CLI::App& app, CommandLine& line) {
  RunArguments& arguments = line.run;
  CLI::App* run = add_script(app, "run", "run a SQL script", line, run_command);
  run->add_option("--checkpoint-dir", arguments.checkpoint_dir,
                  "keep checkpoints here, and resume from the newest")
      ->option_text("DIR");
  auto* from = run->add_option("--from", arguments.start.restore_from,
                               "start from this checkpoint or savepoint")
                   ->option_text("PATH");
  run->add_flag("--fresh", arguments.start.fresh, "ignore the checkpoints that are there")
      ->excludes(from);
  run->add_flag("--allow-duplicates", arguments.start.allow_duplicates,
                "accept that published epochs are published again");
  run->add_flag("--allow-dropped-state", arguments.start.allow_dropped_state,
                "accept that state of removed operators is lost");
  run->add_option("--metrics-port", arguments.metrics_port,
                  "serve Prometheus metrics on 127.0.0.1; 0 takes a free port")
      ->transform(checked(whole_number(0, 65535)))
      ->option_text("PORT");
  add_log_format(run, arguments.log_format);
  add_output(run, arguments.output, "rows of a SELECT");
  add_progress(run, arguments.progress, kQuietWithSummary);

  CLI::App* shell = app.add_subcommand("sql", "type SQL and see its rows");
  add_settings(shell, arguments);
  shell
      ->add_option("--checkpoint-dir", arguments.checkpoint_dir,
                   "keep the checkpoints of INSERTs here, and resume from the newest")
      ->option_text("DIR");
  add_output(shell, arguments.output, "rows of a SELECT");
  add_progress(shell, arguments.progress, "say neither how far a job is nor what it came to");
  shell->callback([&line] { line.exit_code = sql_command(line.run); });

  add_script(app, "explain", "show the plan of a SQL script", line, explain_command)
      ->add_option("--format", arguments.format, "a tree, a drawing of the job, or data")
      ->transform(checked(one_of({"text", "dot", "mermaid", "json"})))
      ->option_text("text|dot|mermaid|json");
  add_script(app, "check", "find all errors of a SQL script", line, check_command);
}

// A name with '=' in it stands in backticks, as in SQL: "`a=b`=FILE".
void unquote_table(std::string& table, std::string& file) {
  if (!table.starts_with('`')) return;
  const std::string pair = table + "=" + file;
  const std::size_t end = pair.find("`=", 1);
  if (end == std::string::npos) return;
  table = pair.substr(1, end - 1);
  file = pair.substr(end + 2);
}

void add_test(CLI::App& app, CommandLine& line) {
  TestArguments& arguments = line.test;
  CLI::App* test = app.add_subcommand("test", "run a SQL script over recorded input and compare");
  test->add_option("file", arguments.file, "SQL file")->required();
  const auto add_file = [&](const char* name, const char* help,
                            std::map<std::string, std::string>& files) {
    return add_pairs(test, name, "TABLE=FILE", help,
                     [name, &files](std::string table, std::string file) {
                       unquote_table(table, file);
                       if (!files.emplace(std::move(table), std::move(file)).second)
                         throw CLI::ValidationError(name, "a table is named twice");
                     });
  };
  auto* input =
      add_file("--input", "what is read in place of a table; may be repeated", arguments.inputs);
  auto* expected =
      add_file("--expect", "rows that a table must get; may be repeated", arguments.expected);
  test->add_option("--cases", arguments.folder,
                   "folder of tests, NAME/input/TABLE.jsonl and NAME/expect/TABLE.jsonl, or one of "
                   "them; tests/SCRIPT or tests beside the script when not given")
      ->option_text("DIR")
      ->excludes(input)
      ->excludes(expected);
  test->add_flag("--ordered", arguments.ordered, "rows must come in the order of the file");
  test->add_flag("--update", arguments.update, "write what came where it is not what is expected");
  test->add_option("--parallelism", arguments.parallelism,
                   "subtasks per operator; 1 when not given, the script's own does not count")
      ->transform(checked(whole_number(1, 1024)))
      ->option_text("N");
  add_set(test, arguments.settings);
  add_secrets(test, arguments.secrets_file);
  add_progress(test, arguments.progress, "do not show how far it is");
  test->callback([&line] { line.exit_code = test_command(line.test); });
}

void add_serve(CLI::App& app, CommandLine& line) {
  ServeArguments& arguments = line.serve;
  CLI::App* serve = app.add_subcommand("serve", "run many jobs, with REST, metrics and a web page");
  arguments.version = SLIPSTREAM_VERSION;
  serve
      ->add_option("--port", arguments.port,
                   "port of HTTP; 8080 when not given, 0 takes a free one")
      ->transform(checked(whole_number(0, 65535)))
      ->option_text("PORT");
  serve
      ->add_option("--bind", arguments.bind,
                   "address, 127.0.0.1 when not given; other than loopback needs a token")
      ->option_text("ADDRESS");
  serve
      ->add_option("--state-dir", arguments.state_dir,
                   "jobs, checkpoints and savepoints; slipstream-state when not given")
      ->option_text("DIR");
  serve
      ->add_option("--token-file", arguments.token_file,
                   "file with the token that requests must carry")
      ->option_text("FILE");
  serve
      ->add_option("--memory", arguments.memory,
                   "budget of all jobs for state and buffers; '1 gb' when not given")
      ->option_text("BYTES");
  add_secrets(serve, arguments.secrets_file);
  add_log_format(serve, arguments.log_format);
  serve->callback([&line] { line.exit_code = serve_command(line.serve); });
}

std::vector<CLI::Option*> add_server(CLI::App* command, ServerArguments& server) {
  auto* url =
      command
          ->add_option("--server", server.url, "where it is; http://127.0.0.1:8080 when not given")
          ->option_text("URL");
  auto* token =
      command->add_option("--token-file", server.token_file, "file with the token of the server")
          ->option_text("FILE");
  return {url, token};
}

void add_tap(CLI::App& app, CommandLine& line) {
  TapArguments& arguments = line.tap;
  CLI::App* tap = app.add_subcommand("tap", "rows that an operator of a job of a server emits");
  tap->add_option("job", arguments.job, "name of the job")->required();
  tap->add_option("operator", arguments.operator_name,
                  "its number or a part of its name; the one before the sink when not given");
  add_server(tap, arguments.server);
  tap->add_option("--rows", arguments.rows, "so many; 10 when not given")
      ->transform(checked(whole_number(1, 100'000)))
      ->option_text("N");
  tap->callback([&line] { line.exit_code = tap_command(line.tap); });
}

void add_topic(CLI::App& app, CommandLine& line) {
  TopicArguments& arguments = line.topic;
  CLI::App* topic =
      app.add_subcommand("topic", "topics of a RocketMQ cluster")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*command)(const TopicArguments&)) {
    CLI::App* sub = topic->add_subcommand(name, help);
    if (command != topic_list_command)
      sub->add_option("topic", arguments.topic, "name of the topic")->required();
    add_cluster(sub, arguments.cluster);
    sub->callback([&line, command] { line.exit_code = command(line.topic); });
    return sub;
  };
  const auto add_queues = [&](CLI::App* sub, const char* help) {
    return sub->add_option("--queues", arguments.queues, help)
        ->transform(checked(whole_number(1, 4096)))
        ->option_text("N");
  };
  add_output(add("list", "names of all topics", topic_list_command), arguments.output,
             "how they are written");
  add_queues(add("create", "create a topic", topic_create_command),
             "queues per broker; 4 when not given");
  add_output(add("describe", "queues and offsets", topic_describe_command), arguments.output,
             "how they are written");
  add("delete", "delete a topic", topic_delete_command);
  add_queues(add("widen", "more queues", topic_widen_command), "queues per broker")->required();
  CLI::App* shrink = add("shrink", "fewer queues", topic_shrink_command);
  add_queues(shrink, "queues per broker")->required();
  shrink->add_flag("--yes", arguments.yes, "also when messages get out of reach");
}

void add_dead_letters(CLI::App& group, CommandLine& line) {
  DeadLetterArguments& arguments = line.dead_letters;
  CLI::App* dead =
      group.add_subcommand("dead-letters", "what a group gave up")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help,
                       int (*command)(const DeadLetterArguments&)) {
    CLI::App* sub = dead->add_subcommand(name, help);
    sub->add_option("group", arguments.group, "name of the group")->required();
    add_cluster(sub, arguments.cluster);
    add_output(sub, arguments.output, "how they are written");
    sub->add_option("--from", arguments.from,
                    std::string(kPosition) + "; may be repeated, once per queue")
        ->allow_extra_args(false)
        ->option_text("POSITION");
    sub->add_option("--count", arguments.count, "stop after so many")
        ->transform(checked(whole_number(0, INT64_MAX)))
        ->option_text("N");
    sub->callback([&line, command] { line.exit_code = command(line.dead_letters); });
    return sub;
  };
  add("list", "dead letters and where they came from", dead_letters_list_command);
  CLI::App* redrive =
      add("redrive", "send copies again, which every group that reads the topic gets",
          dead_letters_redrive_command);
  redrive->add_option("--id", arguments.ids, "only this one; may be repeated")
      ->allow_extra_args(false)
      ->option_text("ID");
  redrive->add_flag("--all", arguments.all, "all of them behind --from");
  redrive->add_flag("--yes", arguments.yes,
                    "--all without --from: again what earlier runs sent, too");
  redrive
      ->add_option("--to", arguments.to,
                   "where to, for every group that reads it; where each came from when not given")
      ->option_text("TOPIC");
  redrive->add_flag("--dry-run", arguments.dry_run, "show what would be sent");
}

void add_group(CLI::App& app, CommandLine& line) {
  GroupArguments& arguments = line.group;
  CLI::App* group =
      app.add_subcommand("group", "consumer groups and their offsets")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*command)(const GroupArguments&)) {
    CLI::App* sub = group->add_subcommand(name, help);
    if (command != group_list_command)
      sub->add_option("group", arguments.group, "name of the group")->required();
    add_cluster(sub, arguments.cluster);
    add_output(sub, arguments.output, "how they are written");
    sub->callback([&line, command] { line.exit_code = command(line.group); });
    return sub;
  };
  add("list", "groups with offsets or members, and their topics", group_list_command);
  add("describe", "offsets, lag and members", group_describe_command)
      ->add_option("--topic", arguments.topic, "only this topic")
      ->option_text("TOPIC");
  CLI::App* reset = add("reset", "write the group's offsets", group_reset_command);
  reset->add_option("--topic", arguments.topic, "topic to reset")->required()->option_text("TOPIC");
  reset->add_option("--to", arguments.to, kPosition)->required()->option_text("POSITION");
  CLI::App* skip =
      add("skip-backlog", "go on at the end of every queue", group_skip_backlog_command);
  skip->add_option("--topic", arguments.topic, "only this topic")->option_text("TOPIC");
  for (CLI::App* writes : {reset, skip}) {
    writes->add_flag("--dry-run", arguments.dry_run, "show what would be written");
    writes->add_flag("--force", arguments.force, "also while members are online");
  }
  add("connections", "members online, their versions and filters", group_connections_command);
  add_dead_letters(*group, line);
}

void add_brokers(CLI::App& app, CommandLine& line) {
  BrokerArguments& arguments = line.brokers;
  const auto add = [&](CLI::App* parent, const char* name, const char* help,
                       int (*command)(const BrokerArguments&)) {
    CLI::App* sub = parent->add_subcommand(name, help);
    if (command != cluster_describe_command)
      sub->add_option("broker", arguments.broker, "its name or address")->required();
    add_cluster(sub, arguments.cluster);
    add_output(sub, arguments.output, "how they are written");
    sub->callback([&line, command] { line.exit_code = command(line.brokers); });
    return sub;
  };
  CLI::App* cluster =
      app.add_subcommand("cluster", "the brokers of a cluster")->require_subcommand(1);
  add(cluster, "describe", "brokers, versions, rates and disks", cluster_describe_command);
  CLI::App* broker =
      app.add_subcommand("broker", "settings and clients of a broker")->require_subcommand(1);
  CLI::App* config =
      broker->add_subcommand("config", "what a broker is set to")->require_subcommand(1);
  add(config, "get", "all settings, or those named", broker_config_get_command)
      ->add_option("name", arguments.settings, "settings");
  CLI::App* set = add(config, "set", "change settings", broker_config_set_command);
  set->add_option("setting", arguments.settings, "NAME=VALUE, one or more")->required();
  set->add_flag("--dry-run", arguments.dry_run, "show what would change");
  add(broker, "connections", "producers and consumers", broker_connections_command);
}

void add_access(CLI::App& app, CommandLine& line) {
  AccessArguments& arguments = line.access;
  CLI::App* acl = app.add_subcommand("acl", "users and access rules of brokers 5.3 and later")
                      ->require_subcommand(1);
  const auto add = [&](CLI::App* parent, const char* name, const char* help,
                       int (*command)(const AccessArguments&)) {
    CLI::App* sub = parent->add_subcommand(name, help);
    if (command != acl_user_list_command) {
      sub->add_option("user", arguments.user, "name of the user")
          ->required(command != acl_list_command);
    }
    add_cluster(sub, arguments.cluster);
    sub->callback([&line, command] { line.exit_code = command(line.access); });
    return sub;
  };
  CLI::App* user = acl->add_subcommand("user", "who may connect")->require_subcommand(1);
  CLI::App* users = add(user, "list", "users of every broker", acl_user_list_command);
  CLI::App* create = add(user, "create", "add a user", acl_user_create_command);
  create
      ->add_option("--password-file", arguments.password_file,
                   "file whose first line is the password, - for standard input")
      ->required()
      ->option_text("FILE");
  create->add_flag("--super", arguments.super, "may do everything");
  add(user, "delete", "remove a user", acl_user_delete_command);
  CLI::App* rules = add(acl, "list", "what users may do", acl_list_command);
  for (CLI::App* lists : {users, rules})
    add_output(lists, arguments.output, "how they are written");
  CLI::App* grant = add(acl, "grant", "let a user do something", acl_grant_command);
  CLI::App* revoke = add(acl, "revoke", "remove a rule of a user", acl_revoke_command);
  for (CLI::App* changes : {grant, revoke}) {
    changes->add_option("resource", arguments.resources, "topic:NAME, group:NAME, cluster:NAME")
        ->required();
  }
  grant
      ->add_option("--actions", arguments.actions,
                   "of pub, sub, create, update, delete, get, list, all")
      ->required()
      ->option_text("ACTION,...");
  grant->add_option("--source", arguments.source_ips, "only from this address; may be repeated")
      ->allow_extra_args(false)
      ->option_text("IP");
  grant->add_flag("--deny", arguments.deny, "forbid it instead");
}

void add_message(CLI::App& app, CommandLine& line) {
  MessageArguments& arguments = line.message;
  CLI::App* message =
      app.add_subcommand("message", "single messages, by id or key")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help,
                       int (*command)(const MessageArguments&)) {
    CLI::App* sub = message->add_subcommand(name, help);
    if (command != message_find_command)
      sub->add_option("id", arguments.id, "offset id or unique key")->required();
    add_cluster(sub, arguments.cluster);
    add_output(sub, arguments.output, "how they are written");
    sub->callback([&line, command] { line.exit_code = command(line.message); });
    return sub;
  };
  add("get", "one message with its properties and body", message_get_command)
      ->add_option("--topic", arguments.topic, "where to look for a unique key")
      ->option_text("TOPIC");
  CLI::App* find = add("find", "messages with a key", message_find_command);
  find->add_option("--topic", arguments.topic, "where to look")->required()->option_text("TOPIC");
  auto* key =
      find->add_option("--key", arguments.key, "one of the keys of a message")->option_text("KEY");
  find->add_option("--unique-key", arguments.unique_key, "the id that the producer gave")
      ->excludes(key)
      ->option_text("KEY");
  find->add_option("--count", arguments.count, "at most so many of each broker; 32 when not given")
      ->transform(checked(whole_number(1, 64)))
      ->option_text("N");
  add("trace", "who sent it and who consumed it, as clients reported", message_trace_command)
      ->add_option("--trace-topic", arguments.trace_topic, "RMQ_SYS_TRACE_TOPIC when not given")
      ->option_text("TOPIC");
}

void add_infer(CLI::App& app, CommandLine& line) {
  InferArguments& arguments = line.infer;
  CLI::App* infer = app.add_subcommand("infer", "CREATE TABLE for a topic, from its messages");
  infer->add_option("topic", arguments.topic, "whose messages")->required();
  add_cluster(infer, arguments.cluster);
  infer->add_option("--name", arguments.name, "of the table; the topic's when not given")
      ->option_text("TABLE");
  infer->add_option("--count", arguments.count, "newest messages looked at; 200 when not given")
      ->transform(checked(whole_number(1, 100'000)))
      ->option_text("N");
  infer->callback([&line] { line.exit_code = infer_command(line.infer); });
}

void add_recordings(CLI::App& app, CommandLine& line) {
  RecordArguments& from = line.record;
  CLI::App* record = app.add_subcommand("record", "write a slice of a topic to a file");
  record->add_option("topic", from.topic, "where from")->required();
  add_cluster(record, from.cluster);
  record->add_option("--from", from.from, kPosition)->option_text("POSITION");
  record->add_option("--to", from.to, "where to end, as --from; latest when not given")
      ->option_text("POSITION");
  record->add_option("--out", from.file, "file to write")->required()->option_text("FILE");
  record->add_flag("--overwrite", from.overwrite, "also when it exists");
  add_progress(record, from.progress, kQuietWithSummary);
  record->callback([&line] { line.exit_code = record_command(line.record); });

  ReplayArguments& to = line.replay;
  CLI::App* replay = app.add_subcommand("replay", "send what was recorded");
  replay->add_option("file", to.file, "file that record wrote")->required();
  add_cluster(replay, to.cluster);
  replay->add_option("--to", to.topic, "topic to send to")->required()->option_text("TOPIC");
  replay
      ->add_option("--speed", to.speed,
                   "times as fast as it was recorded, or max; 1 when not given")
      ->option_text("X|max");
  add_progress(replay, to.progress, kQuietWithSummary);
  replay->callback([&line] { line.exit_code = replay_command(line.replay); });
}

void add_audit(CLI::App& app, CommandLine& line) {
  AuditArguments& arguments = line.audit;
  CLI::App* audit =
      app.add_subcommand("audit", "whether all that went into a job came out of it, once");
  auto* job = audit
                  ->add_option("--job", arguments.job,
                               "instead of topics: whether the operators of this job of a server "
                               "took all that those before them emitted")
                  ->option_text("NAME");
  for (CLI::Option* option : add_server(audit, arguments.server)) option->needs(job);
  const auto add_flow = [&](const char* name, const char* help, std::vector<std::string>& flow) {
    return audit->add_option(name, flow, help)
        ->allow_extra_args(false)
        ->option_text("TOPIC|RECORDING");
  };
  add_flow("--in", "what the job reads; may be repeated", arguments.in)->excludes(job);
  add_flow("--out", "what it writes; may be repeated", arguments.out)->excludes(job);
  add_flow("--minus", "where it puts what it drops: dead letters, late rows; may be repeated",
           arguments.minus)
      ->excludes(job);
  add_cluster(audit, arguments.cluster);
  auto* columns =
      audit
          ->add_option("--column", arguments.columns,
                       "field of the JSON body, a.b, that says which message it is; may be "
                       "repeated; the whole body when not given")
          ->allow_extra_args(false)
          ->option_text("FIELD")
          ->excludes(job);
  audit->add_flag("--keys", arguments.keys, "the keys of a message say which it is")
      ->excludes(columns)
      ->excludes(job);
  audit
      ->add_option("--time", arguments.time,
                   "field of the JSON body with the time of a message: milliseconds since 1970 or "
                   "a timestamp; when it was stored when not given")
      ->option_text("FIELD")
      ->excludes(job);
  audit->add_option("--from", arguments.from, kPosition)->option_text("POSITION")->excludes(job);
  audit->add_option("--to", arguments.to, "where to end, as --from; latest when not given")
      ->option_text("POSITION")
      ->excludes(job);
  audit
      ->add_option("--show", arguments.show_max,
                   "messages shown of each kind of difference; 20 when not given")
      ->transform(checked(whole_number(0, 100'000)))
      ->option_text("N")
      ->excludes(job);
  audit->add_flag("--all-minutes", arguments.all_minutes, "minutes that are equal, too");
  add_output(audit, arguments.output, "how minutes, places and messages are written");
  add_progress(audit, arguments.progress, "do not show how far it is");
  audit->callback([&line] { line.exit_code = audit_command(line.audit); });
}

void add_checkpoints(CLI::App& app, CommandLine& line) {
  CheckpointArguments& arguments = line.checkpoints;
  CLI::App* checkpoints =
      app.add_subcommand("checkpoints", "what a checkpoint directory holds")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help,
                       int (*command)(const CheckpointArguments&)) {
    CLI::App* sub = checkpoints->add_subcommand(name, help);
    sub->add_option("directory", arguments.directory, "as given to --checkpoint-dir")->required();
    add_output(sub, arguments.output, "how they are written");
    sub->callback([&line, command] { line.exit_code = command(line.checkpoints); });
    return sub;
  };
  add("list", "checkpoints and savepoints, checked", checkpoints_list_command);
  add("inspect", "state, positions and epochs of one", checkpoints_inspect_command)
      ->add_option("--id", arguments.id, "which one; the newest whole one when not given")
      ->transform(checked(whole_number(1, INT64_MAX)))
      ->option_text("ID");
}

void add_messages(CLI::App& app, CommandLine& line) {
  ProduceArguments& produce = line.produce;
  CLI::App* send = app.add_subcommand("produce", "send lines as messages");
  send->add_option("topic", produce.topic, "where to")->required();
  add_cluster(send, produce.cluster);
  send->add_option("--file", produce.file, "read lines from here instead of standard input")
      ->option_text("FILE");
  send->add_option("--tag", produce.tag, "tag of all messages")->option_text("TAG");
  send->add_option("--key", produce.key, "key of all messages")->option_text("KEY");
  send->add_option("--key-separator", produce.key_separator,
                   "a line is a key, this text and a body; \\t is a tab")
      ->option_text("TEXT");
  send->add_option("--property", produce.properties, "property of all messages; may be repeated")
      ->allow_extra_args(false)
      ->option_text("NAME=VALUE");
  send->add_flag("--json", produce.json,
                 "a line is an object with body or body_base64, keys, tags and properties, as "
                 "consume --json writes it");
  send->add_option("--delay", produce.delay,
                   "delay level 1 to 18, or a time such as '30 s' (brokers 5.0 and later)")
      ->option_text("LEVEL|TIME");
  send->add_option("--rate", produce.rate, "messages per second")
      ->transform(checked(number(0.001, 1e9)))
      ->option_text("R");
  add_progress(send, produce.progress, kQuietWithSummary);
  send->callback([&line] { line.exit_code = produce_command(line.produce); });

  ConsumeArguments& consume = line.consume;
  CLI::App* read = app.add_subcommand("consume", "print messages");
  read->add_option("topic", consume.topic, "where from")->required();
  add_cluster(read, consume.cluster);
  read->add_option("--from", consume.from, kPosition)->option_text("POSITION");
  read->add_option("--count", consume.count, "stop after so many")
      ->transform(checked(whole_number(0, INT64_MAX)))
      ->option_text("N");
  read->add_option("--tag", consume.tag, "tag expression: a || b")->option_text("EXPR");
  auto* format = read->add_option("--format", consume.format,
                                  "%t topic %b broker %q queue %o offset %k keys %g tags %i id %T "
                                  "time %s body %% percent")
                     ->option_text("TEXT");
  read->add_flag("--json", consume.json, "an object per line, which produce --json takes")
      ->excludes(format);
  read->add_flag("--follow", consume.follow,
                 "wait for more at the end; else it ends at what was there when it began");
  add_progress(read, consume.progress, kQuietWithSummary);
  read->callback([&line] { line.exit_code = consume_command(line.consume); });
}

void add_catalogues(CLI::App& app, CommandLine& line) {
  const auto add = [&](const char* command, const char* help, int (*show)(const std::string&)) {
    CLI::App* list = app.add_subcommand(command, help);
    list->add_option("name", line.catalogue_entry, "one of them");
    list->callback([&line, show] { line.exit_code = show(line.catalogue_entry); });
  };
  add("connectors", "connectors, their options and metadata", connectors_command);
  add("functions", "SQL functions", functions_command);
  add("settings", "what SET takes", settings_command);
  add("metrics", "what is counted, as Prometheus reads it", metrics_command);
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

void add_itself(CLI::App& app, CommandLine& line) {
  CLI::App* completion =
      app.add_subcommand("completion", "completion script: source <(slipstream completion bash)");
  completion->add_option("shell", line.shell, "bash or zsh")
      ->required()
      ->transform(checked(one_of({"bash", "zsh"})));
  completion->callback([&app, &line] {
    std::vector<CommandWords> words;
    add_words(app, "", words);
    std::cout << completion_script(words, line.shell == "zsh");
  });
  app.add_subcommand("version", "print the version")->callback([] {
    std::cout << "slipstream " SLIPSTREAM_VERSION "\n";
  });
  CLI::App* help = app.add_subcommand("help", "this text, or the help of a command");
  help->add_option("command", line.help_of, "its words: topic create");
  help->callback([&app, &line] {
    if (const std::string wrong = unknown_command(app, line.help_of); !wrong.empty())
      throw CLI::ExtrasError(wrong, CLI::ExitCodes::ExtrasError);
    const CLI::App* command = &app;
    std::string path = app.get_name();
    for (const std::string& word : line.help_of) {
      const CLI::App* sub = find_command(*command, word);
      if (sub == nullptr) break;
      command = sub;
      path += " " + word;
    }
    std::cout << help_of(*command, path);
  });
}

// Commands whose options are built together.
struct Family {
  std::vector<std::string_view> names;
  void (*add)(CLI::App&, CommandLine&);
};

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {{"run", "sql", "explain", "check"}, add_run},
      {{"test"}, add_test},
      {{"serve"}, add_serve},
      {{"tap"}, add_tap},
      {{"topic"}, add_topic},
      {{"group"}, add_group},
      {{"cluster", "broker"}, add_brokers},
      {{"acl"}, add_access},
      {{"message"}, add_message},
      {{"produce", "consume"}, add_messages},
      {{"record", "replay"}, add_recordings},
      {{"audit"}, add_audit},
      {{"infer"}, add_infer},
      {{"checkpoints"}, add_checkpoints},
      {{"connectors", "functions", "settings", "metrics"}, add_catalogues},
      {{"completion", "version", "help"}, add_itself},
  };
  return all;
}

}  // namespace

void add_commands(CLI::App& app, CommandLine& line, std::string_view first_word) {
  app.set_version_flag("-V,--version", "slipstream " SLIPSTREAM_VERSION);
  const auto of_word =
      std::find_if(families().begin(), families().end(), [first_word](const Family& family) {
        return std::find(family.names.begin(), family.names.end(), first_word) !=
               family.names.end();
      });
  // Those of add_itself() tell of all others.
  if (of_word != families().end() && of_word->add != add_itself) return of_word->add(app, line);
  for (const Family& family : families()) family.add(app, line);
}

}  // namespace slipstream::cli
