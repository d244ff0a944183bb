#include "cli/completion.h"

namespace slipstream::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::string completion_script(const std::vector<CommandWords>& words, bool zsh) {
  std::string text = zsh ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  text +=
      "_slipstream() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} path= commands= options= each\n"
      "  for each in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    [[ $each == -* ]] || path=\"${path:+$path }$each\"\n"
      "  done\n"
      "  case $path in\n";
  for (const CommandWords& each : words) {
    // Behind the last command come its own arguments.
    const std::string rest = each.commands.empty() && !each.path.empty() ? "*" : "";
    text += "    '" + each.path + "'" + rest + ") commands='" + joined(each.commands) +
            "' options='" + joined(each.options) + "' ;;\n";
  }
  text +=
      "  esac\n"
      "  if [[ $word == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
      "  elif [[ -n $commands ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$commands\" -- \"$word\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _slipstream slipstream\n";
  return text;
}

}  // namespace slipstream::cli
