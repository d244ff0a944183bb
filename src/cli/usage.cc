#include "cli/usage.h"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>

#include "slipstream/options.h"

namespace slipstream::cli {
namespace {

template <typename T>
std::string between(const std::string& input, const char* what, T least, T most) {
  T value{};
  const char* end = input.data() + input.size();
  const auto [rest, error] = std::from_chars(input.data(), end, value);
  // Written so that NaN is refused.
  if (error == std::errc() && rest == end && value >= least && value <= most) return "";
  const auto text = [](T bound) {
    std::string digits = std::to_string(bound);
    if (digits.find('.') != std::string::npos) {
      digits.erase(digits.find_last_not_of('0') + 1);
      if (digits.ends_with('.')) digits.pop_back();
    }
    return digits;
  };
  return "'" + input + "' is no " + what + " from " + text(least) + " to " + text(most);
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// A word that looks like an option and is none of the command.
std::string unknown_option(const CLI::App& command, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::string name = word.substr(0, word.find('='));
  return "unknown option " + name + did_you_mean(name, known);
}

// CLI11's own shows types, enumerations and needs as the code has them.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string text = "Usage: " + name;
    const bool groups = !names_of_commands(*app).empty();
    if (groups) return text + (app->get_parent() == nullptr ? " COMMAND ..." : " VERB ...") + "\n";
    for (const CLI::Option* option :
         app->get_options([](const CLI::Option* each) { return each->get_positional(); })) {
      const std::string word = make_option_name(option, true);
      text += option->get_required() ? " " + word : " [" + word + "]";
    }
    return text + " [OPTIONS]\n";
  }
  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, positional);
    if (positional) {
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    }
    return name;
  }
  // It tells of commands: those that have none do without.
  std::string make_footer(const CLI::App* app) const override {
    return names_of_commands(*app).empty() ? "" : CLI::Formatter::make_footer(app);
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = option->get_option_text();
    if (!text.empty()) text = " " + text;
    if (option->get_required() && !option->get_positional()) text += " (required)";
    return text;
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<HelpFormatter>(); }

OptionRule one_of(std::vector<std::string> words) {
  return [words = std::move(words)](std::string& input) -> std::string {
    if (std::find(words.begin(), words.end(), input) != words.end()) return "";
    return "'" + input + "' is none of " + list(words) + did_you_mean(input, words);
  };
}

OptionRule whole_number(std::int64_t least, std::int64_t most) {
  return [least, most](std::string& input) {
    return between<std::int64_t>(input, "whole number", least, most);
  };
}

OptionRule number(double least, double most) {
  return
      [least, most](std::string& input) { return between<double>(input, "number", least, most); };
}

OptionRule duration(std::int64_t least_ms) {
  return [least_ms](std::string& input) -> std::string {
    const auto parsed = parse_duration(input);
    if (!parsed.ok()) return parsed.error().message;
    if (parsed->count() < least_ms)
      return "'" + input + "' is less than " + std::to_string(least_ms) + " ms";
    input = std::to_string(parsed->count());
    return "";
  };
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  const auto found =
      app.get_subcommands([&name](const CLI::App* command) { return command->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

const CLI::App& named_command(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? app : named_command(*named.front());
}

std::string path_of(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return app.get_name() + (named.empty() ? "" : " " + path_of(*named.front()));
}

std::string unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    const std::vector<std::string> names = names_of_commands(*at);
    if (names.empty() || word.starts_with('-')) return "";
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      const std::string what = at == &app ? "command" : at->get_name() + " verb";
      const std::string near = did_you_mean(word, names);
      return "no " + what + " '" + word + "'" +
             (near.empty() ? "; there are " + list(names) : near);
    }
    at = find_command(*at, word);
  }
  return "";
}

std::string error_text(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = named_command(app);
  for (const std::string& word : app.remaining(true)) {
    if (word.starts_with("--")) return unknown_option(command, word);
  }
  if (!names_of_commands(command).empty()) {
    const char* what = &command == &app ? "a command" : "a verb";
    return std::string(what) + " is missing: " + list(names_of_commands(command));
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> words = app.remaining(true);
    if (!words.empty()) return "'" + words.front() + "' was not expected";
  }
  return error.what();
}

std::string help_of(const CLI::App& command, const std::string& path) {
  return command.get_formatter()->make_help(&command, path, CLI::AppFormatMode::Normal);
}

}  // namespace slipstream::cli
