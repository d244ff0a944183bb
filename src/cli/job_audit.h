// slipstream audit --job: the edges of a job of a server.
#pragma once

#include "cli/audit_command.h"

namespace slipstream::cli {

// REQUIRES: a job is named
// kExitOk: whatever was emitted was taken. kExitFailed: rows are missing, too many or others, or
// the server does not say. kExitUsage: wrong options.
int audit_job(const AuditArguments& arguments);

}  // namespace slipstream::cli
