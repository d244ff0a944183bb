// slipstream sql: statements typed one after the other.
#pragma once

#include "cli/run_command.h"

namespace slipstream::cli {

// Reads statements up to ';' and runs each at once; tables, views and settings stay. Also \d
// [NAME], \f [NAME], \timing, \h, \q. Ctrl-C ends what runs, or empties the line. Not on a
// terminal: reads a script from standard input and stops at the first error.
int sql_command(const RunArguments& arguments);

}  // namespace slipstream::cli
