// 'connector' = 'script': rows, watermarks and cuts given by a test, in an order that it controls.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector.h"

namespace slipstream::test {

// What a scripted table says next.
struct ScriptItem {
  enum class Kind : std::uint8_t {
    kRow,
    kWatermark,
    kCut,         // ends a batch
    kCheckpoint,  // waits until a checkpoint that holds everything before it is complete
  } kind = Kind::kRow;
  RowKind row_kind = RowKind::kInsert;
  std::vector<std::optional<std::string>>
      cells;                      // kRow: one per physical column, as CAST reads them
  std::int64_t watermark_ms = 0;  // kWatermark: event time has reached this
};

// Table name -> what it says, complete before the job starts.
struct ScriptFeeds {
  bool wait_for_checkpoints = false;  // false: kCheckpoint is only a cut
  std::map<std::string, std::vector<ScriptItem>, std::less<>> tables;
};

// The connector reads from `feeds`, which must not change while a job runs. Option 'changelog' =
// 'all' declares that rows of other kinds than +I come.
std::unique_ptr<ConnectorFactory> make_script_connector(std::shared_ptr<const ScriptFeeds> feeds);

}  // namespace slipstream::test
