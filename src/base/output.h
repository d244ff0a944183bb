// What a process writes to the descriptors that it was given: standard output and standard error.
#pragma once

#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream {

// Writes everything; waits while the descriptor is full. Texts of several threads do not mix.
//
// Thread:  any.
// Failure: nothing that trying again mends, and a job that starts again would print its rows twice:
//          kCancelled = the reader is gone, kResourceExhausted = the disk is full,
//          kInvalidArgument = the descriptor is closed or cannot be written.
Status write_output(int descriptor, std::string_view text);

// The line at the foot of the terminal on standard error, drawn anew each time; empty = none. It
// gives way to what write_output() and log() write there.
// Thread: any. REQUIRES: standard error is a terminal, the line fits in its width.
void set_status_line(std::string line);

// For as long as it lives the status line is not on the terminal. Whoever writes to standard error
// by other means than write_output() holds one.
class StatusLinePause {
 public:
  StatusLinePause();
  ~StatusLinePause();
  StatusLinePause(const StatusLinePause&) = delete;
  StatusLinePause& operator=(const StatusLinePause&) = delete;
};

// A standard descriptor that the process was started without is opened in a way that fails when it
// is used: the next file would take its number, and get the rows. REQUIRES: the first thing that
// main() does.
void fill_standard_descriptors();

}  // namespace slipstream
