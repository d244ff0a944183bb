// A sink of one's own that writes in groups: buffering_sink OUTPUT CHECKPOINTS [NUMBERS]
// What it holds back is in its checkpoints, so nothing is lost however the program ends; a group
// that was written after the last checkpoint is written again (at least once).
#include <fstream>
#include <iostream>

#include "until_signal.h"

using namespace slipstream::stream;
using namespace std::chrono_literals;

namespace {

class GroupWriter final : public SinkFunction<std::int64_t>, public Checkpointed {
 public:
  GroupWriter(std::string path, std::size_t group) : path_(std::move(path)), group_(group) {}
  void invoke(const std::int64_t& number, Context&) override {
    held_.push_back(number);
    if (held_.size() >= group_) write();
  }
  void finish() override { write(); }
  std::string snapshot_state() override { return to_bytes(held_); }
  void restore_state(const std::vector<std::string>& pieces) override {
    for (const std::string& piece : pieces) {
      const auto held = from_bytes<std::vector<std::int64_t>>(piece).value();
      held_.insert(held_.end(), held.begin(), held.end());
    }
  }

 private:
  void write() {
    std::ofstream file(path_, std::ios::app);
    for (const std::int64_t number : held_) file << number << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + path_);
    held_.clear();
  }

  std::string path_;
  std::size_t group_;
  std::vector<std::int64_t> held_;
};

// Numbers from 0 on, a thousand a second or so.
class Numbers final : public SourceFunction<std::int64_t> {
 public:
  explicit Numbers(std::int64_t end) : end_(end) {}
  void run(SourceContext<std::int64_t>& context) override {
    while (next_ < end_ && context.is_running()) {
      {
        const auto lock = context.checkpoint_lock();
        context.collect(next_++);
      }
      if (next_ % 20 == 0) std::this_thread::sleep_for(20ms);
    }
  }
  std::string snapshot_state() override { return to_bytes(next_); }
  void restore_state(std::string_view state) override {
    next_ = from_bytes<std::int64_t>(state).value();
  }
  bool bounded() const override { return true; }

 private:
  std::int64_t end_;
  std::int64_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: buffering_sink OUTPUT CHECKPOINTS [NUMBERS]\n";
    return 2;
  }
  Environment env(
      {.name = "buffering-sink", .checkpoint_dir = argv[2], .checkpoint_interval = 100ms});
  env.settings().on_message = [](std::string_view text) { std::cerr << text << '\n'; };
  env.add_source(Numbers(argc > 3 ? std::stoll(argv[3]) : 10'000), "numbers")
      .uid("numbers")
      .add_sink(GroupWriter(argv[1], 64))
      .uid("groups");
  auto job = env.execute_async();
  if (job.ok()) return wait_until_signal(*job);
  std::cerr << "error: " << job.status().to_string() << '\n';
  return 1;
}
