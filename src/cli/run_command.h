// slipstream run, explain, check.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "slipstream/job.h"

#include "base/log.h"
#include "cli/progress.h"
#include "cli/row_printer.h"
#include "sql/parse/diagnostic.h"

namespace slipstream::cli {

struct RunArguments {
  std::string file;  // one of file and text; "-" = standard input
  std::string text;
  std::string checkpoint_dir;
  StartOptions start;
  int parallelism = 0;
  std::vector<std::pair<std::string, std::string>> settings;
  std::string secrets_file;
  int metrics_port = -1;  // -1 = off, 0 = a free one
  OutputFormat output = OutputFormat::kTable;
  LogFormat log_format = LogFormat::kText;
  ProgressArguments progress;
  std::string format = "text";  // explain: text, dot, mermaid, json
};

// What is wrong with a script, with its places, on standard error. `name`: of the script.
void print_diagnostics(const std::string& script, const std::string& name,
                       const std::vector<sql::Diagnostic>& list);

int run_command(const RunArguments& arguments);
int explain_command(const RunArguments& arguments);
int check_command(const RunArguments& arguments);

}  // namespace slipstream::cli
