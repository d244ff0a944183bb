#include "cli/infer_command.h"

#include <algorithm>
#include <vector>

#include <unistd.h>

#include "base/output.h"
#include "base/try.h"
#include "cli/progress.h"
#include "cli/queue_scan.h"
#include "cli/report.h"
#include "cli/table_inference.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

struct Sample {
  std::vector<std::string> bodies;
  std::int64_t bytes = 0;
  bool cut = false;  // there was no room for more
};

// The newest bodies of each queue, `count` of all together, as long as there is room.
Result<Sample> sample_of(mq::Admin& admin, const InferArguments& arguments) {
  auto ranges = admin.bounds(arguments.topic);
  if (!ranges.ok()) return with_nearest_topic(admin, arguments.topic, std::move(ranges).error());
  // Queues with the fewest messages first: what they lack the others give.
  std::sort(ranges->begin(), ranges->end(), [](const auto& a, const auto& b) {
    return a.max_offset - a.min_offset < b.max_offset - b.min_offset;
  });
  Sample sample;
  for (std::size_t i = 0; i < ranges->size() && !sample.cut; ++i) {
    mq::OffsetRange range = (*ranges)[i];
    const std::int64_t share = (arguments.count - std::ssize(sample.bodies)) /
                               static_cast<std::int64_t>(ranges->size() - i);
    range.min_offset = std::max(range.min_offset, range.max_offset - share);
    TRY(scan_queue(admin, range, [&](const mq::ReceivedMessage& message) -> Result<bool> {
          sample.bytes += std::ssize(message.body);
          sample.cut = sample.bytes > arguments.bytes_max && !sample.bodies.empty();
          if (!sample.cut) sample.bodies.push_back(message.body);
          return !sample.cut;
        }).status());
  }
  if (!sample.bodies.empty()) return sample;
  return Error{ErrorCode::kNotFound,
               "topic '" + arguments.topic + "' holds no message to infer a table from"};
}

}  // namespace

int infer_command(const InferArguments& arguments) {
  const auto options = client_options(arguments.cluster);
  if (!options.ok()) return fail(options.error(), kExitUsage);
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    TRY_ASSIGN(const Sample sample, sample_of(admin, arguments));
    const InferredTable table = infer_table(sample.bodies);
    TRY(write_output(
        STDOUT_FILENO,
        create_table_text(table, arguments.name.empty() ? arguments.topic : arguments.name,
                          arguments.topic, options->name_servers)));
    notify("from " + counted(std::ssize(sample.bodies), "message") + " of topic '" +
           arguments.topic + "': " + table.format +
           (sample.cut ? "; more than " + bytes_text(arguments.bytes_max) + " are not looked at"
                       : ""));
    return {};
  });
}

}  // namespace slipstream::cli
