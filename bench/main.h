// What the benchmark programs share: command lines (--name value), and main().
#pragma once

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "slipstream/rocketmq/client.h"
#include "slipstream/status.h"

namespace slipstream::bench {

// Ends the program when a flag has no value or is not known.
class Flags {
 public:
  Flags(int argc, char** argv, std::map<std::string, std::string> defaults)
      : values_(std::move(defaults)) {
    for (int i = 1; i < argc; i += 2) {
      const std::string name = argv[i];
      const auto known = name.starts_with("--") ? values_.find(name.substr(2)) : values_.end();
      if (known == values_.end() || i + 1 == argc) {
        std::cerr << argv[0] << ": '" << name << "' is unknown or has no value\n";
        std::exit(2);
      }
      known->second = argv[i + 1];
    }
  }
  const std::string& text(const std::string& name) const { return values_.at(name); }
  long number(const std::string& name) const { return std::atol(values_.at(name).c_str()); }

 private:
  std::map<std::string, std::string> values_;
};

// A client of the name servers that the flag names.
inline Result<std::unique_ptr<rocketmq::Client>> connect(const Flags& flags) {
  rocketmq::ClientOptions options;
  options.name_servers = flags.text("nameserver");
  return rocketmq::Client::connect(options);
}

// What one benchmark program is: bench/main.cc runs it, and prints its error.
struct Program {
  std::map<std::string, std::string> flags;  // name and default of each
  Status (*run)(const Flags&);
};
extern const Program kProgram;  // each program defines its own

}  // namespace slipstream::bench
