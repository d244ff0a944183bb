// Counts words: word_count [TEXT...]
#include <iostream>
#include <sstream>

#include "slipstream/stream.h"

using namespace slipstream::stream;

namespace {

struct WordCount {
  std::string word;
  std::int64_t count = 0;
};
auto describe_row(const WordCount*) {
  return columns(column("word", &WordCount::word), column("count", &WordCount::count));
}

class Print final : public SinkFunction<WordCount> {
 public:
  void invoke(const WordCount& counted, Context&) override {
    std::cout << counted.word << ' ' << counted.count << std::endl;
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> lines(argv + 1, argv + argc);
  if (lines.empty()) lines = {"to be or not to be", "that is the question"};

  Environment env({.name = "word-count"});
  env.from_elements(lines)
      .flat_map<WordCount>([](const std::string& line, Collector<WordCount>& out) {
        std::istringstream words(line);
        for (std::string word; words >> word;) out.collect({word, 1});
      })
      .key_by([](const WordCount& one) { return one.word; })
      .reduce([](const WordCount& a, const WordCount& b) {
        return WordCount{a.word, a.count + b.count};
      })
      .uid("count")
      .add_sink(Print());

  const slipstream::Status status = env.execute();
  if (status.ok()) return 0;
  std::cerr << "error: " << status.to_string() << '\n';
  return 1;
}
