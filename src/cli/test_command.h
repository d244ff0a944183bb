// slipstream test: a SQL script over recorded input, compared with what is expected.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/progress.h"

namespace slipstream::cli {

struct TestArguments {
  std::string file;                             // of the script, which stays as it is
  std::map<std::string, std::string> inputs;    // table -> file
  std::map<std::string, std::string> expected;  // table -> file
  std::string folder;                           // of tests, or of one; empty: beside the script
  bool ordered = false;                         // the order of rows counts
  bool update = false;  // what differs is written to the files of what is expected
  int parallelism = 1;
  std::vector<std::pair<std::string, std::string>> settings;
  std::string secrets_file;
  ProgressArguments progress{};
};

// A line on standard output per test, and what differs. The INSERTs of the script run as one job over
// inputs that end; nothing outside of the process is read or written but these files.
// The exit code: kExitFailed where rows differ or a job failed, kExitUsage where a test cannot run.
int test_command(const TestArguments& arguments);

}  // namespace slipstream::cli
