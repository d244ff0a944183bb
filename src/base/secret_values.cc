#include "slipstream/secret_values.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <vector>

#include <sys/stat.h>

#include "base/mutex.h"
#include "base/try.h"

namespace slipstream {
namespace {

constexpr std::string_view kBegin = "${secret_values.";
constexpr std::size_t kHiddenBytesMin = 4;

bool is_name(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-' || c == '.';
    if (!fine) return false;
  }
  return true;
}

struct LongestFirst {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  }
};

// Values that were put into texts, with their references. Values of a process are few.
struct Known {
  Mutex mutex;
  // By value: one that begins with another one goes before it.
  std::map<std::string, std::string, LongestFirst> references SLIPSTREAM_GUARDED_BY(mutex);
};

// Leaked on purpose: threads that end after main() may still log.
Known& known() {
  static auto* all = new Known;
  return *all;
}

void remember(const std::string& value, const std::string& reference) {
  if (value.size() < kHiddenBytesMin) return;
  Known& all = known();
  MutexLock lock(all.mutex);
  all.references.emplace(value, reference);
}

}  // namespace

Result<SecretValues> SecretValues::read(const std::string& path) {
  const auto bad = [&](ErrorCode code, const std::string& text) {
    return Error{code, "secrets file '" + path + "'" + text};
  };
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return bad(ErrorCode::kNotFound, " cannot be read");
  if ((found.st_mode & S_IROTH) != 0) {
    return bad(ErrorCode::kPermissionDenied,
               " can be read by every user of this machine: chmod o-r '" + path + "'");
  }
  std::ifstream in(path);
  if (!in) return bad(ErrorCode::kNotFound, " cannot be read");
  SecretValues secrets;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    const std::string name = line.substr(0, equals);
    const std::string where = ", line " + std::to_string(number);
    if (equals == std::string::npos || !is_name(name))
      return bad(ErrorCode::kInvalidArgument, where + " is not NAME=value");
    if (!secrets.values_.emplace(name, line.substr(equals + 1)).second)
      return bad(ErrorCode::kInvalidArgument, where + " gives '" + name + "' again");
  }
  if (in.bad()) return bad(ErrorCode::kNotFound, " cannot be read");
  return secrets;
}

bool SecretValues::is_named_in(std::string_view text) {
  return text.find(kBegin) != std::string_view::npos;
}

Result<std::string> SecretValues::put_into(std::string_view text) const {
  std::string out;
  while (true) {
    const std::size_t begin = text.find(kBegin);
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos ||
        !is_name(text.substr(kBegin.size(), end - kBegin.size()))) {
      return Error{ErrorCode::kInvalidArgument,
                   "a reference to a secret is written '${secret_values.NAME}'"};
    }
    const std::string name(text.substr(kBegin.size(), end - kBegin.size()));
    const std::string variable = "SLIPSTREAM_SECRET_" + name;
    const auto found = values_.find(name);
    const char* set = found == values_.end() ? std::getenv(variable.c_str()) : nullptr;
    if (found == values_.end() && set == nullptr) {
      return Error{ErrorCode::kNotFound, "there is no secret '" + name +
                                             "'; give it in the file of --secrets, or in the "
                                             "environment as " +
                                             variable};
    }
    const std::string value = set != nullptr ? std::string(set) : found->second;
    remember(value, std::string(text.substr(0, end + 1)));
    out += value;
    text.remove_prefix(end + 1);
  }
}

std::string hide_secret_values(std::string text) {
  Known& all = known();
  MutexLock lock(all.mutex);
  if (all.references.empty()) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto found = std::find_if(
        all.references.begin(), all.references.end(),
        [&](const auto& each) { return text.compare(at, each.first.size(), each.first) == 0; });
    if (found == all.references.end()) {
      out += text[at++];
    } else {
      out += found->second;
      at += found->first.size();
    }
  }
  return out;
}

}  // namespace slipstream
