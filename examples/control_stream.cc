// Rules that change while a job runs: control_stream RULES CHECKPOINTS
// A source of one's own tails the file RULES ("block WORD" or "allow WORD" in each line) and
// broadcasts what it finds; words from standard input pass unless they are blocked. Rules are in
// the checkpoints: after a restart they hold without the file being read again.
#include <atomic>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include <poll.h>
#include <unistd.h>

#include "until_signal.h"

using namespace slipstream::stream;
using namespace std::chrono_literals;

namespace {

// Lines of a file, also those that are appended later; goes on behind the last one that was read.
class FileTail final : public SourceFunction<std::string> {
 public:
  explicit FileTail(std::string path) : path_(std::move(path)) {}
  void run(SourceContext<std::string>& context) override {
    while (context.is_running()) {
      std::ifstream file(path_);
      file.seekg(position_);
      for (std::string line; std::getline(file, line) && !file.eof();) {
        const auto lock = context.checkpoint_lock();
        context.collect(line);
        position_ = file.tellg();
      }
      std::this_thread::sleep_for(20ms);
    }
  }
  std::string snapshot_state() override { return to_bytes(std::int64_t{position_}); }
  void restore_state(std::string_view state) override {
    position_ = from_bytes<std::int64_t>(state).value();
  }

 private:
  std::string path_;
  std::streamoff position_ = 0;
};

// Words of standard input.
class Input final : public SourceFunction<std::string> {
 public:
  void run(SourceContext<std::string>& context) override {
    std::string line;
    while (context.is_running()) {
      pollfd input{STDIN_FILENO, POLLIN, 0};
      if (poll(&input, 1, 20) <= 0) continue;
      char byte = 0;
      if (read(STDIN_FILENO, &byte, 1) <= 0) return;
      if (byte != '\n') {
        line += byte;
        continue;
      }
      context.collect(line);
      line.clear();
    }
  }
};

const BroadcastStateDescriptor<std::string, bool> kBlocked{"blocked"};

class Filter final : public BroadcastProcessFunction<std::string, std::string, std::string> {
 public:
  void process_element(const std::string& word, ReadOnlyContext& context,
                       Collector<std::string>& out) override {
    if (!context.broadcast_state(kBlocked).contains(word)) out.collect(word);
  }
  void process_broadcast_element(const std::string& rule, Context& context,
                                 Collector<std::string>& out) override {
    std::istringstream parts(rule);
    std::string verb, word;
    parts >> verb >> word;
    auto blocked = context.broadcast_state(kBlocked);
    if (verb == "block") blocked.put(word, true);
    if (verb == "allow") blocked.remove(word);
    out.collect("rule: " + rule);
  }
};

class Print final : public SinkFunction<std::string> {
 public:
  void invoke(const std::string& text, Context&) override { std::cout << text << std::endl; }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: control_stream RULES CHECKPOINTS\n";
    return 2;
  }
  Environment env(
      {.name = "control-stream", .checkpoint_dir = argv[2], .checkpoint_interval = 200ms});
  const auto rules = env.add_source(FileTail(argv[1]), "rules").uid("rules");
  env.add_source(Input(), "words")
      .uid("words")
      .connect(rules.broadcast_state())
      .process(Filter())
      .uid("filter")
      .add_sink(Print());
  auto job = env.execute_async();
  if (job.ok()) return wait_until_signal(*job);
  std::cerr << "error: " << job.status().to_string() << '\n';
  return 1;
}
