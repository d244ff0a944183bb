// What the commands read: positions, formats of messages, sampled and identified bodies, rows that
// a test expects, lines of a file.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/try.h"
#include "cli/line_source.h"
#include "cli/message_format.h"
#include "cli/message_identity.h"
#include "cli/position.h"
#include "cli/row_difference.h"
#include "cli/table_inference.h"
#include "file_with.h"
#include "sql/parse/parser.h"

namespace {

using namespace slipstream;  // NOLINT: one file

constexpr std::size_t kLineBytesMax = 64;

std::vector<std::string> read_lines(const std::uint8_t* data, std::size_t size) {
  const fuzz::FileWith file(data, size);
  const int descriptor = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
  cli::LineSource source(descriptor, kLineBytesMax);
  std::vector<std::string> lines;
  for (std::string line;;) {
    const auto next = source.next(&line, 0);
    if (!next.ok() || *next == cli::LineSource::Next::kEnd) break;
    if (*next != cli::LineSource::Next::kLine) continue;
    CHECK(line.size() <= kLineBytesMax && line.find('\n') == std::string::npos);
    lines.push_back(line);
  }
  ::close(descriptor);
  CHECK(lines.size() <= size);
  return lines;
}

void infer(const std::vector<std::string>& bodies) {
  const cli::InferredTable table = cli::infer_table(bodies);
  const std::string sql = cli::create_table_text(table, "t", "topic", "127.0.0.1:9876");
  CHECK(sql::parse_script(sql).ok());
}

void identify(const std::string& body) {
  rocketmq::ReceivedMessage message;
  message.body = body;
  message.keys = {"k"};
  const cli::MessageIdentity by_column({.columns = {"id", "order.id"}, .time = "at"});
  const auto identity = by_column.of(message);
  static_cast<void>(by_column.counted(message, identity));
  cli::restore_dead_letter(message);
}

void compare(const std::vector<std::string>& lines) {
  std::vector<cli::ComparableRow> rows;
  for (const std::string& line : lines) {
    const auto row = cli::comparable_row(line);
    if (row.ok()) rows.push_back(*row);
  }
  CHECK(cli::compare_rows(rows, rows, true).none());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text({data, size}));
  const auto position = cli::parse_position(text);
  CHECK(!position.ok() || !position->queue || *position->queue >= 0);
  CHECK(cli::unescaped(text).size() <= text.size());
  const auto format = cli::MessageFormat::parse(text);
  if (format.ok()) {
    rocketmq::ReceivedMessage message;
    message.body = text;
    std::string out;
    format->append(message, out);
  }
  infer({text});
  identify(text);
  const std::vector<std::string> lines = read_lines(data, size);
  if (!lines.empty()) infer(lines);
  compare(lines);
  return 0;
}
