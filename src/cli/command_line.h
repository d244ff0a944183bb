// The commands of the program and their options.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/access_commands.h"
#include "cli/audit_command.h"
#include "cli/broker_commands.h"
#include "cli/checkpoint_commands.h"
#include "cli/consume_command.h"
#include "cli/dead_letter_commands.h"
#include "cli/group_commands.h"
#include "cli/infer_command.h"
#include "cli/message_commands.h"
#include "cli/produce_command.h"
#include "cli/recording_commands.h"
#include "cli/run_command.h"
#include "cli/serve_command.h"
#include "cli/tap_command.h"
#include "cli/test_command.h"
#include "cli/topic_commands.h"

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
}

namespace slipstream::cli {

// What the line says; one of them is used.
struct CommandLine {
  RunArguments run;
  ServeArguments serve;
  TapArguments tap;
  TopicArguments topic;
  GroupArguments group;
  DeadLetterArguments dead_letters;
  BrokerArguments brokers;
  AccessArguments access;
  MessageArguments message;
  InferArguments infer;
  RecordArguments record;
  ReplayArguments replay;
  AuditArguments audit;
  TestArguments test;
  ProduceArguments produce;
  ConsumeArguments consume;
  CheckpointArguments checkpoints;
  std::string catalogue_entry;
  std::string shell;
  std::vector<std::string> help_of;  // the words of a command
  int exit_code = 0;
};

// Both outlive what they are given to: reading the line runs the command. Where the first word names
// a command, only that one and those it is built with are added: building the options of all costs
// millions of instructions at each start.
void add_commands(CLI::App& app, CommandLine& line, std::string_view first_word);

}  // namespace slipstream::cli
