// What users write in options, and files of secrets: lines NAME=value.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "slipstream/option.h"
#include "slipstream/options.h"
#include "slipstream/secret_values.h"

#include "base/bytes.h"
#include "base/try.h"
#include "file_with.h"

namespace {

using namespace slipstream;  // NOLINT: one file
using Duration = std::chrono::milliseconds;

enum class Word : std::uint8_t { kOne, kTwo };
constexpr auto kWords = std::to_array<OptionWord<Word>>({{"one", Word::kOne}, {"two", Word::kTwo}});
constexpr Option<std::string> kText{.name = "text"};
constexpr Option<std::int64_t> kCount{.name = "count", .limits = {{.min = -5, .max = 100}}};
constexpr Option<bool> kFlag{.name = "flag", .aliases = {"is"}};
constexpr Option<double> kRate{.name = "rate"};
constexpr Option<Duration> kWait{.name = "wait", .limits = {{.min = Duration(1)}}};
constexpr Option<ByteSize> kSize{.name = "size"};
constexpr Option<Word> kWord{.name = "word", .limits = {kWords}};

OptionMap lines_of(std::string_view rest) {
  OptionMap given;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t equals = std::min(line.find('='), line.size());
    given[std::string(line.substr(0, equals))] = line.substr(std::min(equals + 1, line.size()));
  }
  return given;
}

void read_options(const OptionMap& given) {
  static const OptionTable table(option_specs(kText, kCount, kFlag, kRate, kWait, kSize, kWord));
  const auto options = table.parse(given, "the fuzzer");
  if (!options.ok()) return;
  for (const auto& [name, value] : given) CHECK(table.find(name) != nullptr);
  if (options->has("count")) CHECK((*options)[kCount] >= -5 && (*options)[kCount] <= 100);
  if (options->has("wait")) CHECK((*options)[kWait] >= Duration(1));
  if (options->has("size")) CHECK((*options)[kSize].bytes >= 0);
}

void put_secrets(std::string_view text) {
  static const SecretValues secrets = [] {
    const std::string lines = "password=tiger-4711\nuser=scott\n";
    const fuzz::FileWith file(reinterpret_cast<const std::uint8_t*>(lines.data()), lines.size());
    return *SecretValues::read(file.path());
  }();
  const auto filled = secrets.put_into(text);
  if (!filled.ok()) return;
  CHECK(SecretValues::is_named_in(text) || *filled == text);
  CHECK(hide_secret_values(*filled).find("tiger-4711") == std::string::npos ||
        !SecretValues::is_named_in(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto duration = parse_duration(text);
  CHECK(!duration.ok() || duration->count() >= 0);
  const auto bytes = parse_bytes(text);
  CHECK(!bytes.ok() || *bytes >= 0);
  read_options(lines_of(text));
  put_secrets(text);
  const fuzz::FileWith file(data, size);
  static_cast<void>(SecretValues::read(file.path()));
  return 0;
}
