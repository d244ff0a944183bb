// Runs seeds, each in a process of its own, and prints which of them failed and how to run them
// again.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "scenario.h"
#include "scheduler.h"
#include "world.h"

namespace slipstream::sim {
namespace {

constexpr unsigned kSecondsMax = 120;  // of real time, for one seed
constexpr int kExitWrong = 1;
constexpr int kExitStuck = 3;
constexpr std::uint64_t kSeedsForAll = 100;  // so many have all that can occur

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t count = 100;
  std::uint64_t twice_one_of =
      10;  // so many seeds are run twice and their traces compared; 0 = none
  int jobs = 2;
  bool print_switches = false;
  bool print_diary = false;
  bool keep = false;
  const char* directory = nullptr;  // of the one seed to run in this process
};

// --- one seed, in its own process --------------------------------------------------------------

[[noreturn]] void leave(int code, const std::string& verdict) {
  std::fputs(verdict.c_str(), stdout);
  std::fflush(stdout);
  ::_exit(code);
}

[[noreturn]] void run_seed(std::uint64_t seed, const Arguments& arguments, const char* directory) {
  ::alarm(kSecondsMax);
  if (::chdir(directory) != 0) leave(kExitWrong, "no directory to work in\n");
  const Scenario scenario = scenario_of(seed);
  static Diary diary;
  scheduler::Options options;
  options.seed = seed;
  options.preempt_one_of = scenario.preempt_one_of;
  options.stall_one_of = scenario.stall_one_of;
  options.stall_ms_max = scenario.stall_ms_max;
  options.cores = scenario.cores;
  options.print = arguments.print_switches;
  scheduler::start(options, [](const std::string& state) {
    leave(kExitStuck, diary.text() + "nothing can run any more:\n" + state);
  });
  set_log_sink([](LogLevel, std::string_view component, std::string_view text) {
    diary.note(std::string(component) + ": " + std::string(text));
  });
  std::vector<std::string> wrong;
  {
    World world(scenario, diary);
    wrong = world.run();
  }
  std::string verdict;
  if (!wrong.empty() || arguments.print_diary) verdict += diary.text();
  for (const std::string& line : wrong) verdict += "WRONG: " + line + "\n";
  verdict += diary.counts();
  verdict += "trace " + std::to_string(scheduler::trace_hash()) + " switches " +
             std::to_string(scheduler::switches()) + " seconds " +
             std::to_string(scheduler::now_ns() / 1'000'000'000) + "\n";
  leave(wrong.empty() ? 0 : kExitWrong, verdict);
}

// --- all seeds ---------------------------------------------------------------------------------

struct Child {
  std::uint64_t seed = 0;
  int output = -1;
  std::string text;
  std::string directory;
};

class Seeds {
 public:
  explicit Seeds(const Arguments& arguments) : arguments_(arguments) {}

  int run() {
    const auto begun = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < arguments_.count; ++i) {
      start(arguments_.first + i);
      if (arguments_.twice_one_of != 0 && i % arguments_.twice_one_of == 0)
        start(arguments_.first + i);
    }
    while (!children_.empty()) wait_for_one();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    const bool all_occurred = print_occurrences();
    std::printf(
        "%llu seeds, %zu failed, %zu run twice, %.1f s of real time, %lld s of virtual time\n",
        static_cast<unsigned long long>(arguments_.count), failed_.size(), compared_, took.count(),
        static_cast<long long>(virtual_seconds_));
    for (const std::uint64_t seed : failed_)
      std::printf("again: ./dev sim --seed %llu\n", static_cast<unsigned long long>(seed));
    return failed_.empty() && all_occurred ? 0 : 1;
  }

 private:
  void start(std::uint64_t seed) {
    while (children_.size() >= static_cast<std::size_t>(arguments_.jobs)) wait_for_one();
    const bool in_memory = ::access("/dev/shm", W_OK) == 0;
    std::string directory =
        (in_memory ? "/dev/shm" : "/tmp") + std::string("/slipstream-sim-XXXXXX");
    int ends[2];
    if (::mkdtemp(directory.data()) == nullptr || ::pipe2(ends, O_CLOEXEC) != 0) {
      std::perror("no temporary directory or pipe");
      std::exit(2);
    }
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      if (!arguments_.print_switches) ::dup2(ends[1], STDERR_FILENO);
      run_alone(seed, directory);
    }
    ::close(ends[1]);
    children_.emplace(child, Child{seed, ends[0], {}, directory});
  }

  // As a program begun anew: what this one has allocated by now would move addresses.
  [[noreturn]] void run_alone(std::uint64_t seed, const std::string& directory) const {
    const std::string number = std::to_string(seed);
    std::vector<const char*> words = {"sim_test", "--seed", number.c_str(), "--in",
                                      directory.c_str()};
    if (arguments_.print_switches) words.push_back("--switches");
    words.push_back(nullptr);
    ::execv("/proc/self/exe", const_cast<char* const*>(words.data()));
    leave(kExitWrong, "this program cannot be started anew\n");
  }

  void wait_for_one() {
    std::vector<pollfd> sources;
    std::vector<pid_t> pids;
    for (const auto& [pid, child] : children_) {
      sources.push_back({child.output, POLLIN, 0});
      pids.push_back(pid);
    }
    ::poll(sources.data(), sources.size(), -1);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].revents == 0) continue;
      Child& child = children_.at(pids[i]);
      char bytes[65'536];
      const ssize_t count = ::read(child.output, bytes, sizeof bytes);
      if (count > 0) {
        child.text.append(bytes, static_cast<std::size_t>(count));
        continue;
      }
      int status = 0;
      ::waitpid(pids[i], &status, 0);
      ::close(child.output);
      if (arguments_.keep) {
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(child.seed),
                    child.directory.c_str());
      } else {
        std::filesystem::remove_all(child.directory);
      }
      judge(child, status);
      children_.erase(pids[i]);
      return;
    }
  }

  // False: so many seeds, and something that they are for occurred in none.
  bool print_occurrences() const {
    bool all = true;
    for (const char* what : kOccurrences) {
      const auto found = happened_.find(what);
      const std::int64_t count = found == happened_.end() ? 0 : found->second;
      if (count > 0) std::printf("%lld %s\n", static_cast<long long>(count), what);
      if (count > 0 || arguments_.count < kSeedsForAll) continue;
      std::printf("WRONG: no %s in %llu seeds\n", what,
                  static_cast<unsigned long long>(arguments_.count));
      all = false;
    }
    return all;
  }

  void add_occurrences(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
      if (!line.starts_with(kHappened)) continue;
      line.erase(0, kHappened.size());
      happened_[line.substr(line.find(' ') + 1)] += std::atoll(line.c_str());
    }
  }

  void judge(const Child& child, int status) {
    const bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (arguments_.print_diary || !fine)
      std::printf("--- seed %llu\n%s", static_cast<unsigned long long>(child.seed),
                  child.text.c_str());
    if (WIFSIGNALED(status))
      std::printf("WRONG: ended by signal %d (%s)\n", WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    bool failed = !fine;
    const std::size_t line = child.text.rfind("trace ");
    if (line != std::string::npos) {
      const std::string trace = child.text.substr(line);
      const std::size_t seconds = trace.find("seconds ");
      virtual_seconds_ += std::atoll(trace.c_str() + seconds + 8);
      const auto [known, first] = traces_.emplace(child.seed, trace);
      if (first) add_occurrences(child.text);
      if (!first) ++compared_;
      if (!first && known->second != trace) {
        failed = true;
        std::printf("--- seed %llu\nWRONG: two runs differ:\n  %s  %s",
                    static_cast<unsigned long long>(child.seed), known->second.c_str(),
                    trace.c_str());
      }
    }
    if (failed && std::find(failed_.begin(), failed_.end(), child.seed) == failed_.end())
      failed_.push_back(child.seed);
    std::fflush(stdout);
  }

  const Arguments arguments_;
  std::map<pid_t, Child> children_;
  std::map<std::uint64_t, std::string> traces_;
  std::map<std::string, std::int64_t> happened_;
  std::vector<std::uint64_t> failed_;
  std::size_t compared_ = 0;
  std::int64_t virtual_seconds_ = 0;
};

constexpr const char* kUsage =
    "usage: sim_test [SEEDS] [--from N] [--seed N] [--twice N] [--jobs N] [--diary] [--switches]\n"
    "  SEEDS       how many, from 1 or N on (100)\n"
    "  --seed N    this one alone, with all that happened\n"
    "  --twice N   one of N is run twice and must do the same (10; 0 = none)\n"
    "  --diary     what happened, also in seeds without a failure\n"
    "  --keep      leave the checkpoint directories\n"
    "  --switches  each change of threads on standard error\n";

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = [&](const char* text) { return std::strtoull(text, nullptr, 10); };
    if (word == "--diary") {
      arguments.print_diary = true;
    } else if (word == "--switches") {
      arguments.print_switches = true;
    } else if (word == "--keep") {
      arguments.keep = true;
    } else if (!word.empty() && word.find_first_not_of("0123456789") == std::string::npos) {
      arguments.count = number(argv[i]);
    } else if (i + 1 == argc) {  // NOLINT(bugprone-branch-clone): no value follows
      return std::nullopt;
    } else if (word == "--from") {
      arguments.first = number(argv[++i]);
    } else if (word == "--twice") {
      arguments.twice_one_of = number(argv[++i]);
    } else if (word == "--in") {
      arguments.directory = argv[++i];
    } else if (word == "--jobs") {
      arguments.jobs = static_cast<int>(number(argv[++i]));
    } else if (word == "--seed") {
      arguments.first = number(argv[++i]);
      arguments.count = 1;
      arguments.print_diary = true;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

// Addresses decide about the order of some hash maps: the same in each run from here on. False
// where that is not allowed.
bool fix_addresses() {
  const int persona = ::personality(0xFFFFFFFF);
  if (persona == -1) return false;
  return ::personality(static_cast<unsigned long>(persona) | ADDR_NO_RANDOMIZE) != -1;
}

}  // namespace
}  // namespace slipstream::sim

int main(int argc, char** argv) {
  namespace sim = slipstream::sim;
  auto arguments = sim::parse(argc, argv);
  if (!arguments) {
    std::fputs(sim::kUsage, stderr);
    return 2;
  }
  if (arguments->directory != nullptr)
    sim::run_seed(arguments->first, *arguments, arguments->directory);
  if (!sim::fix_addresses()) {
    std::puts("addresses cannot be fixed here: no seed is run twice");
    arguments->twice_one_of = 0;
  }
  return sim::Seeds(*arguments).run();
}
