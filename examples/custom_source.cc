// A parallel source of one's own: four splits, read by two instances, each rewound to its saved
// position after a restart. The numbers go to files exactly once: custom_source OUTPUT CHECKPOINTS
// [NUMBERS PER SPLIT]. Kill it at any moment and start it again: every number is there once.
#include <iostream>

#include "until_signal.h"

using namespace slipstream::stream;
using namespace std::chrono_literals;

namespace {

struct Number {
  std::int64_t split = 0;
  std::int64_t value = 0;
};
auto describe_row(const Number*) {
  return columns(column("split", &Number::split), column("value", &Number::value));
}

// Counts from its position up, a hundred at a time.
class RangeReader final : public SplitReader<Number> {
 public:
  RangeReader(std::int64_t split, std::int64_t next, std::int64_t end)
      : split_(split), next_(next), end_(end) {}
  Poll poll(SplitOutput<Number>& out) override {
    for (std::size_t i = 0; i < std::min<std::size_t>(out.wanted(), 100) && next_ < end_; ++i)
      out.collect({split_, next_++});
    return next_ == end_ ? Poll::kEnd : Poll::kLater;
  }
  std::string position() const override { return to_bytes(next_); }

 private:
  std::int64_t split_;
  std::int64_t next_;
  std::int64_t end_;
};

class Ranges final : public SplitSource<Number> {
 public:
  explicit Ranges(std::int64_t size) : size_(size) {}
  std::vector<slipstream::Split> discover() override {
    std::vector<slipstream::Split> splits;
    for (int i = 0; i < 4; ++i) splits.push_back({std::to_string(i), to_bytes(std::int64_t{0})});
    return splits;
  }
  std::unique_ptr<SplitReader<Number>> open(const slipstream::Split& split) override {
    const auto position = from_bytes<std::int64_t>(split.state);
    return std::make_unique<RangeReader>(std::stoll(split.id), position.value(), size_);
  }

 private:
  std::int64_t size_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: custom_source OUTPUT CHECKPOINTS [NUMBERS PER SPLIT]\n";
    return 2;
  }
  Environment env({.name = "custom-source",
                   .parallelism = 2,
                   .checkpoint_dir = argv[2],
                   .checkpoint_interval = 200ms});
  env.settings().on_message = [](std::string_view text) { std::cerr << text << '\n'; };
  env.add_split_source(Ranges(argc > 3 ? std::stoll(argv[3]) : 100'000), "ranges")
      .uid("ranges")
      .sink_to_connector("filesystem", {{"path", argv[1]}, {"format", "json"}})
      .uid("files");
  auto job = env.execute_async();
  if (job.ok()) return wait_until_signal(*job);
  std::cerr << "error: " << job.status().to_string() << '\n';
  return 1;
}
