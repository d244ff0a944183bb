// A job inside a program that has a main loop of its own: embedded CHECKPOINTS
// The loop reads commands from standard input (send WORD, status, savepoint, restart, cancel, quit)
// while the job counts the words that are sent to it.
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "slipstream/stream.h"

using namespace slipstream::stream;
using namespace std::chrono_literals;

namespace {

// Between the program and its job.
class Mailbox {
 public:
  void put(std::string word) {
    const std::lock_guard lock(mutex_);
    words_.push_back(std::move(word));
  }
  std::optional<std::string> take() {
    const std::lock_guard lock(mutex_);
    if (words_.empty()) return std::nullopt;
    std::string word = std::move(words_.front());
    words_.pop_front();
    return word;
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> words_;
};

class FromMailbox final : public SourceFunction<std::string> {
 public:
  explicit FromMailbox(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}
  void run(SourceContext<std::string>& context) override {
    while (context.is_running()) {
      if (const auto word = mailbox_->take()) {
        context.collect(*word);
      } else {
        std::this_thread::sleep_for(5ms);
      }
    }
  }

 private:
  std::shared_ptr<Mailbox> mailbox_;
};

using Count = std::pair<std::string, std::int64_t>;

class Print final : public SinkFunction<Count> {
 public:
  void invoke(const Count& count, Context&) override {
    std::cout << count.first + " " + std::to_string(count.second) + "\n" << std::flush;
  }
};

slipstream::Result<JobHandle> start(const std::string& checkpoints,
                                    const std::shared_ptr<Mailbox>& mailbox) {
  Environment env({.name = "embedded",
                   .parallelism = 2,
                   .checkpoint_dir = checkpoints,
                   .checkpoint_interval = 1s});
  env.add_source(FromMailbox(mailbox), "mailbox")
      .uid("mailbox")
      .map([](const std::string& word) { return Count(word, 1); })
      .key_by([](const Count& count) { return count.first; })
      .reduce([](const Count& a, const Count& b) { return Count(a.first, a.second + b.second); })
      .uid("counts")
      .add_sink(Print());
  return env.execute_async();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: embedded CHECKPOINTS\n";
    return 2;
  }
  const auto mailbox = std::make_shared<Mailbox>();
  auto job = start(argv[1], mailbox);
  for (std::string line; job.ok() && std::getline(std::cin, line);) {
    std::istringstream parts(line);
    std::string command, word;
    parts >> command >> word;
    if (command == "send") mailbox->put(word);
    if (command == "status")
      std::cout << job->report().completed_checkpoints << " checkpoints" << std::endl;
    if (command == "savepoint") {
      const auto id = job->savepoint();
      std::cout << (id.ok() ? "savepoint " + std::to_string(*id) : id.status().to_string())
                << std::endl;
    }
    if (command == "restart" || command == "cancel") {
      if (command == "restart") {
        std::cout << "stopped: " << job->stop().to_string() << std::endl;
      } else {
        job->cancel();
        std::cout << "cancelled: " << job->await().to_string() << std::endl;
      }
      job = start(argv[1], mailbox);
    }
    if (command == "quit") break;
  }
  if (!job.ok()) {
    std::cerr << "error: " << job.status().to_string() << '\n';
    return 1;
  }
  return job->stop().ok() ? 0 : 1;
}
