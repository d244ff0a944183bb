// slipstream completion: what a shell offers behind <Tab>.
#pragma once

#include <string>
#include <vector>

namespace slipstream::cli {

// One command with the words that may follow it.
struct CommandWords {
  std::string path;  // "topic create"; empty = the program itself
  std::vector<std::string> commands;
  std::vector<std::string> options;
};

// A script for bash; zsh reads the same through its bashcompinit.
std::string completion_script(const std::vector<CommandWords>& words, bool zsh);

}  // namespace slipstream::cli
