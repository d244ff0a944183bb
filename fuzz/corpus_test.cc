// Feeds each fuzz target its corpus, without libFuzzer: every file as it is, cut short, and with
// changes that a seed decides. What was fed last stays in fuzz_input of the working directory when
// the process is ended by it.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#define SLIPSTREAM_FUZZ_TARGET(name) \
  extern "C" int name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.inc"
#undef SLIPSTREAM_FUZZ_TARGET

// Of the sanitizers' runtime, where there is one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());  // NOLINT

namespace {

using Target = int (*)(const std::uint8_t* data, std::size_t size);
struct NamedTarget {
  const char* name;
  Target run;
};
constexpr NamedTarget kTargets[] = {
#define SLIPSTREAM_FUZZ_TARGET(name) {#name, name},
#include "fuzz_targets.inc"
#undef SLIPSTREAM_FUZZ_TARGET
};

std::string input;  // what is being fed

void keep_input() {
  const int file = ::open("fuzz_input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  static_cast<void>(!::write(file, input.data(), input.size()));
  ::close(file);
}

void feed(Target target, std::string bytes) {
  input = std::move(bytes);
  // Of its own size, so that the address sanitizer sees a read behind it.
  const std::vector<std::uint8_t> copy(input.begin(), input.end());
  EXPECT_EQ(target(copy.data(), copy.size()), 0);
}

// Changed copies of each file: a number in SLIPSTREAM_FUZZ_CHANGES, else one that takes no time.
std::size_t changes() {
  const char* given = std::getenv("SLIPSTREAM_FUZZ_CHANGES");
  return given == nullptr ? 16 : static_cast<std::size_t>(std::strtoul(given, nullptr, 10));
}

std::string changed(std::string bytes, std::minstd_rand& random) {
  for (std::size_t times = 1 + random() % 4; times > 0 && !bytes.empty(); --times) {
    const std::size_t at = random() % bytes.size();
    switch (random() % 5) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, 1 + random() % 8);
        break;
      case 3:
        bytes.insert(at, std::string(1 + random() % 20, "\0\xFF-09\"{[,:"[random() % 11]));
        break;
      default:
        bytes.insert(at, bytes.substr(random() % bytes.size(), 1 + random() % 32));
    }
  }
  return bytes;
}

class FuzzCorpus : public testing::TestWithParam<NamedTarget> {
 protected:
  static void SetUpTestSuite() {
    std::signal(SIGABRT, [](int) { keep_input(); });
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_input);
  }
};

TEST_P(FuzzCorpus, IsReadWhateverItHolds) {
  const auto& [name, target] = GetParam();
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SLIPSTREAM_FUZZ_CORPUS "/") + name))
    files.push_back(entry.path());
  ASSERT_FALSE(files.empty()) << "a target has at least one seed in fuzz/corpus/" << name;
  std::sort(files.begin(), files.end());
  feed(target, "");
  std::vector<std::string> seeds;
  for (const auto& path : files) {
    SCOPED_TRACE(path.filename());
    std::ifstream file(path, std::ios::binary);
    const std::string& bytes =
        seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    feed(target, bytes);
    const std::size_t step = 1 + bytes.size() / 16;
    for (std::size_t size = 0; size < bytes.size(); size += step)
      feed(target, bytes.substr(0, size));
  }
  std::minstd_rand random(1);
  for (std::size_t i = changes(); i > 0; --i) {
    for (const std::string& bytes : seeds) feed(target, changed(bytes, random));
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzCorpus, testing::ValuesIn(kTargets),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
