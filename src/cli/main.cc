// The program `slipstream`: reads the command line and calls one command.
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/output.h"
#include "cli/command_line.h"
#include "cli/report.h"
#include "cli/usage.h"

namespace slipstream::cli {
namespace {

int refuse(const std::string& text, const std::string& path) {
  std::cerr << "error: " << text << "\nSee: " << path << " --help\n";
  return kExitUsage;
}

int read_line(int argc, char** argv) {
  CLI::App app{"Slipstream: SQL over RocketMQ topics, exactly once", "slipstream"};
  app.formatter(help_formatter());
  app.require_subcommand(1);
  app.footer("A command says more: slipstream help COMMAND");
  CommandLine line;
  add_commands(app, line, argc > 1 ? argv[1] : "");
  if (argc == 1) {
    std::cerr << help_of(app, app.get_name());
    return kExitUsage;
  }
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const std::string wrong = unknown_command(app, words); !wrong.empty())
    return refuse(wrong, app.get_name());
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << help_of(named_command(app), path_of(app));
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << '\n';
  } catch (const CLI::ParseError& error) {
    return refuse(error_text(app, error), path_of(app));
  }
  return line.exit_code;
}

int run_main(int argc, char** argv) {
  fill_standard_descriptors();
  const int code = read_line(argc, argv);
  std::cout.flush();
  if (std::cout.good() || code != kExitOk) return code;
  return fail(Error{ErrorCode::kUnavailable, "standard output cannot be written"}, kExitFailed);
}

}  // namespace
}  // namespace slipstream::cli

int main(int argc, char** argv) { return slipstream::cli::run_main(argc, argv); }
