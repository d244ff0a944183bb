// Lines from a person (editing, history, completion) or from a pipe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipstream::cli {

// Thread: one, save for interrupt().
class LineReader {
 public:
  // Names that may follow `before`, the line up to the word under the cursor; the reader keeps
  // those that begin as the word does. Behind an open quote the word is all that stands in it.
  using Candidates = std::function<std::vector<std::string>(const std::string& before)>;

  // On a terminal: libedit with the history of `history_file` (created with mode 0600, at most
  // 1,000 entries). Else: plain lines, no prompt.
  LineReader(const std::string& history_file, Candidates candidates);
  ~LineReader();

  enum class Outcome : std::uint8_t { kLine, kInterrupted, kEnd };
  // `line` gets no line break.
  Outcome read(const std::string& prompt, std::string* line);
  void remember(const std::string& statement);
  bool interactive() const;
  // Makes a read() that waits, or the next one, answer kInterrupted.
  // Thread: any.
  void interrupt();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The candidates that continue `prefix` (keywords and functions in any case), sorted, each once.
std::vector<std::string> continuations(const std::vector<std::string>& candidates,
                                       const std::string& prefix);

}  // namespace slipstream::cli
