#include "cli/line_reader.h"

#include <algorithm>
#include <clocale>
#include <cwchar>
#include <iostream>

#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sql/parse/hide_secrets.h"

namespace slipstream::cli {
namespace {

constexpr int kHistoryMax = 1'000;

bool starts_with_any_case(const std::string& text, const std::string& prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) ==
                  std::tolower(static_cast<unsigned char>(b));
         });
}

bool is_name_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '\\' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

std::vector<std::string> continuations(const std::vector<std::string>& candidates,
                                       const std::string& prefix) {
  std::vector<std::string> found;
  for (const std::string& candidate : candidates) {
    if (starts_with_any_case(candidate, prefix)) found.push_back(candidate);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

struct LineReader::State {
  std::string history_file;
  Candidates candidates;
  std::string prompt;
  EditLine* edit = nullptr;
  History* history = nullptr;
  int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  bool interrupted = false;

  void open();
  unsigned char complete();
  // Waits for a key or for interrupt(); libedit takes 0 as the end of the input.
  int wait_for_key(wchar_t* key);
  bool take_interrupt() {
    std::uint64_t count = 0;
    return ::read(wake, &count, sizeof count) > 0;
  }
};

int LineReader::State::wait_for_key(wchar_t* key) {
  std::mbstate_t partial{};
  while (true) {
    pollfd waited[2] = {{STDIN_FILENO, POLLIN, 0}, {wake, POLLIN, 0}};
    while (::poll(waited, 2, -1) < 0 && errno == EINTR) {
    }
    if ((waited[1].revents & POLLIN) != 0 && take_interrupt()) {
      interrupted = true;
      return 0;
    }
    char byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) <= 0) return 0;
    // A Ctrl-D from before the editor took the terminal over: the kernel makes a NUL of it, and
    // libedit would hold a line that looks empty and cannot be left.
    if (byte == '\0') continue;
    const std::size_t length = std::mbrtowc(key, &byte, 1, &partial);
    if (length == 1) return 1;
    if (length == static_cast<std::size_t>(-1)) partial = {};  // no UTF-8: dropped
  }
}

unsigned char LineReader::State::complete() {
  const LineInfo* line = el_line(edit);
  const std::string before(line->buffer, line->cursor);
  const bool quoted = std::count(before.begin(), before.end(), '\'') % 2 == 1;
  std::size_t begin = before.size();
  if (quoted) {
    begin = before.rfind('\'') + 1;
  } else {
    while (begin > 0 && is_name_byte(before[begin - 1])) --begin;
  }
  const std::string prefix = before.substr(begin);
  if (prefix.empty() && !quoted) return CC_ERROR;
  const std::vector<std::string> found = continuations(candidates(before.substr(0, begin)), prefix);
  if (found.empty()) return CC_ERROR;
  std::string longest = found.front();
  for (const std::string& other : found) {
    std::size_t same = 0;
    while (same < longest.size() && same < other.size() &&
           std::tolower(static_cast<unsigned char>(longest[same])) ==
               std::tolower(static_cast<unsigned char>(other[same])))
      ++same;
    longest.resize(same);
  }
  if (found.size() == 1 && !quoted) longest += ' ';
  if (longest.size() > prefix.size()) {
    el_deletestr(edit, static_cast<int>(prefix.size()));
    return el_insertstr(edit, longest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }
  std::cout << '\n';
  for (const std::string& name : found) std::cout << name << "  ";
  std::cout << std::endl;
  return CC_REDISPLAY;
}

void LineReader::State::open() {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  edit = el_init("slipstream", stdin, stdout, stderr);
  history = history_init();
  HistEvent event;
  ::history(history, &event, H_SETSIZE, kHistoryMax);
  ::history(history, &event, H_SETUNIQUE, 1);
  if (!history_file.empty()) {
    const int made = ::open(history_file.c_str(), O_CREAT | O_CLOEXEC, 0600);
    if (made >= 0) ::close(made);
    ::history(history, &event, H_LOAD, history_file.c_str());
  }
  const auto state_of = [](EditLine* e) {
    void* data = nullptr;
    el_get(e, EL_CLIENTDATA, &data);
    return static_cast<State*>(data);
  };
  static const auto kState = state_of;
  el_set(edit, EL_CLIENTDATA, this);
  el_set(
      edit, EL_PROMPT, +[](EditLine* e) { return kState(e)->prompt.data(); });
  el_set(edit, EL_EDITOR, "emacs");
  el_set(edit, EL_SIGNAL, 0);
  el_set(edit, EL_HIST, ::history, history);
  el_set(
      edit, EL_GETCFN, +[](EditLine* e, wchar_t* key) { return kState(e)->wait_for_key(key); });
  // The wide form, as the narrow one leaks its copies of both texts.
  el_wset(
      edit, EL_ADDFN, L"slipstream-complete", L"complete the word",
      +[](EditLine* e, int) { return kState(e)->complete(); });
  el_set(edit, EL_BIND, "^I", "slipstream-complete", nullptr);
  el_set(edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

LineReader::LineReader(const std::string& history_file, Candidates candidates)
    : state_(std::make_unique<State>()) {
  state_->history_file = history_file;
  state_->candidates = std::move(candidates);
  if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1) state_->open();
}

LineReader::~LineReader() {
  if (state_->edit != nullptr) {
    HistEvent event;
    if (!state_->history_file.empty())
      ::history(state_->history, &event, H_SAVE, state_->history_file.c_str());
    history_end(state_->history);
    el_end(state_->edit);
  }
  ::close(state_->wake);
}

LineReader::Outcome LineReader::read(const std::string& prompt, std::string* line) {
  if (state_->edit == nullptr) {
    if (state_->take_interrupt()) return Outcome::kInterrupted;
    return std::getline(std::cin, *line) ? Outcome::kLine : Outcome::kEnd;
  }
  state_->prompt = prompt;
  state_->interrupted = false;
  int count = 0;
  const char* text = el_gets(state_->edit, &count);
  if (state_->interrupted) {
    el_reset(state_->edit);
    return Outcome::kInterrupted;
  }
  if (text == nullptr || count <= 0) return Outcome::kEnd;
  line->assign(text, static_cast<std::size_t>(count));
  if (line->ends_with('\n')) line->pop_back();
  return Outcome::kLine;
}

void LineReader::remember(const std::string& statement) {
  if (state_->history == nullptr) return;
  std::string one_line = sql::hide_secrets(statement);
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  HistEvent event;
  ::history(state_->history, &event, H_ENTER, one_line.c_str());
}

bool LineReader::interactive() const { return state_->edit != nullptr; }

void LineReader::interrupt() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(state_->wake, &one, sizeof one));
}

}  // namespace slipstream::cli
