// Reads a recording in place of a topic: 'scan.recording'.
#pragma once

#include <memory>

#include "slipstream/connector.h"

#include "connectors/rocketmq/reader.h"

namespace slipstream::rocketmq_connector {

// The queues of the recording, each from its first message to its last one. What a line does not say
// is filled in: the table's topic, broker "recording", queue 0, the offset behind the one before it
// in the queue, time 0.
//
// Thread:  the coordinator's; discover() reads the file once.
// Failure: names the file and the line that is no message, or whose offset does not ascend.
Result<std::unique_ptr<SplitEnumerator>> make_recorded_enumerator(
    std::shared_ptr<const SourceSettings> settings, const EnumeratorContext& context);

// Order:   as in the file; so the rows of several queues have the order in which they were stored.
//          A queue that was paused is read later.
// Thread:  task; blocks for the disk.
// Bounds:  one line of the file, and RowAssembler::kBytesMax of bodies per batch.
// Failure: as the enumerator's; kCorrupt when the file is another one than it was; bodies that are no
//          row under 'fail', with file and line.
Result<std::unique_ptr<SourceReader>> make_recorded_reader(std::shared_ptr<const RowPlan> plan,
                                                           ReaderContext context);

}  // namespace slipstream::rocketmq_connector
