// What the command line shows of itself: help without internals, errors with the nearest name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/suggest.h"

namespace CLI {
class App;
class FormatterBase;
class ParseError;
}  // namespace CLI

namespace slipstream::cli {

// Help as people read it. Every option says what stands behind it by its option_text().
std::shared_ptr<CLI::FormatterBase> help_formatter();

// Makes the value of an option what is read; answers what is wrong with it, or nothing.
using OptionRule = std::function<std::string(std::string&)>;

// One of some words.
OptionRule one_of(std::vector<std::string> words);
// The same, each standing for a value of an enumeration.
template <typename Enum>
OptionRule one_of(const std::map<std::string, Enum>& values) {
  std::vector<std::string> words;
  for (const auto& [word, value] : values) words.push_back(word);
  return [values, known = one_of(std::move(words))](std::string& input) {
    std::string wrong = known(input);
    if (wrong.empty()) input = std::to_string(static_cast<int>(values.at(input)));
    return wrong;
  };
}

// A number with bounds.
OptionRule whole_number(std::int64_t least, std::int64_t most);
OptionRule number(double least, double most);
// A duration with a least one; becomes milliseconds.
OptionRule duration(std::int64_t least_ms);

// The command of that name right below `app`; null when there is none.
const CLI::App* find_command(const CLI::App& app, const std::string& name);
// The command that the line named, at any depth; `app` when it named none.
const CLI::App& named_command(const CLI::App& app);
// "slipstream topic create": how the line named it.
std::string path_of(const CLI::App& app);

// What is wrong with the words of the line, before it is read: a command that there is not. Empty:
// nothing.
std::string unknown_command(const CLI::App& app, const std::vector<std::string>& words);
// What reading the line found, in our words.
std::string error_text(const CLI::App& app, const CLI::ParseError& error);

// The help of `command`, called by `path`.
std::string help_of(const CLI::App& command, const std::string& path);

}  // namespace slipstream::cli
