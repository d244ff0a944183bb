#include "sql/settings/watermark_options.h"

namespace slipstream::sql {

OptionTable watermark_options() {
  return OptionTable({
      OptionSpec{
          .name = "scan.watermark.empty-grace",
          .type = OptionType::kDuration,
          .default_value = "1 s",
          .description =
              "How long a queue must be proven empty before it stops holding the watermark."},
      OptionSpec{
          .name = "scan.watermark.idle-timeout",
          .type = OptionType::kDuration,
          .default_value = "0 ms",
          .description =
              "A queue that gives neither row nor proof for so long stops holding; 0 = never."},
      OptionSpec{
          .name = "scan.watermark.max-drift",
          .type = OptionType::kDuration,
          .default_value = "0 ms",
          .description = "Queues further ahead than this in event time are paused; 0 = off."},
  });
}

}  // namespace slipstream::sql
