// Reads queues of a topic as batches of rows.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"

#include "connectors/rocketmq/metadata_columns.h"
#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/split_codec.h"
#include "rocketmq/protocol/record.h"

namespace slipstream::rocketmq_connector {

// What a reader produces.
struct RowPlan {
  std::shared_ptr<const SourceSettings> settings;
  Schema physical;                      // of the table
  std::vector<std::size_t> projection;  // into `physical`
  std::vector<ReadColumn> metadata;
  Schema schema;                  // of the batches
  std::vector<std::string> tags;  // empty = all
};

// Owner:   a source task.
// Thread:  task; the wake comes from the client's thread.
// End:     waits a moment for group offsets that are being written.
// Order:   offsets ascend within a queue; a message's rows are in one batch, which may exceed
// batch_rows for it. Bounds:  the consumer's bytes in flight, and kBatchBytesMax of bodies per
// batch. Failure: what no retry can mend, and poison bodies under 'fail', with topic, broker, queue
// and offset.
class QueueRowReader final : public SourceReader {
 public:
  static Result<std::unique_ptr<SourceReader>> make(std::shared_ptr<const RowPlan> plan,
                                                    ReaderContext context);
  ~QueueRowReader() override;

  Status add_split(std::uint32_t index, const Split& split) override;
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override;
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override;
  void checkpoint_complete(CheckpointId checkpoint) override;
  void pause(std::span<const std::uint32_t> splits) override;
  void prefer(std::span<const std::uint32_t> splits) override;
  std::vector<SplitProgress> progress() const override;

 private:
  struct State {
    QueuePosition position;
    bool ended = false;
    bool paused = false;
    std::deque<rocketmq::PulledFrame> held;  // polled while paused
    std::int64_t proof_told_ms = -1;
    std::int64_t damaged_at = -1;  // what came damaged from there was read again so often
    int damages = 0;
    std::int64_t max_offset = -1;  // as the broker said last
  };
  class ReceivedBytes;
  // The frame being read.
  struct Frame {
    rocketmq::PulledFrame pulled;
    std::uint32_t split = 0;
    std::unique_ptr<rocketmq::RecordCursor> cursor;
    std::shared_ptr<ReceivedBytes> buffer;
  };
  class Rejected;
  class Alarm;
  class Lookout;
  class Commits;
  struct Chunk;

  QueueRowReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                 std::shared_ptr<rocketmq::Client> client,
                 std::unique_ptr<format::RowDecoder> decoder);

  Result<bool> next_frame();
  Status read_frame(Rejected& rejected);
  Status read_again(const Status& damage);
  bool may_pass_over(const State& state) const;
  void reject_damaged(const Chunk& chunk, Rejected& rejected);
  bool wanted(const rocketmq::RecordView& record) const;
  Status gather(Chunk& chunk);
  Status add_body(Chunk& chunk, const rocketmq::RecordView& record);
  Status decode(Chunk& chunk, Rejected& rejected);
  void decode_range(Chunk& chunk, std::size_t begin, std::size_t end, bool padded);
  void add_metadata(const Chunk& chunk, std::size_t begin_row);
  Status handle_failures(const Chunk& chunk, Rejected& rejected);
  void finish_frame(std::int64_t next);
  void end_split(std::uint32_t index, State& state);
  void tell_proofs();
  void renew_proofs_if_needed();
  void await_watermarks_of_others();
  bool proof_under_way() const;
  bool awaits_proofs();
  void build(SourceBatch* out);
  bool all_ended() const;

  const std::shared_ptr<const RowPlan> plan_;
  const ReaderContext context_;
  const std::shared_ptr<rocketmq::Client> client_;
  const std::unique_ptr<format::RowDecoder> decoder_;
  std::unique_ptr<rocketmq::Consumer> consumer_;
  std::shared_ptr<Alarm> alarm_;
  std::shared_ptr<Lookout> lookout_;

  std::map<std::uint32_t, State> splits_;
  std::deque<std::uint32_t> unheld_;  // splits with held frames that are not paused any more
  std::unique_ptr<Frame> frame_;
  std::int64_t last_received_ms_ = -1;  // of all frames that rows were given of
  std::int64_t renewed_ms_ = 0;
  std::int64_t awaited_until_ms_ = 0;  // no rows until the proofs are there; 0 = go on
  std::int64_t await_again_ms_ = 0;
  bool proof_missing_ = false;
  std::int64_t oldest_proof_ms_ = 0;  // of those told that hold

  // the batch being built
  std::vector<std::unique_ptr<ColumnBuilder>> builders_;
  std::vector<ColumnBuilder*> columns_;
  format::DecodedRows rows_;
  std::size_t batch_bytes_ = 0;
  std::vector<SplitRun> runs_;
  std::vector<SplitEvent> events_;

  std::map<CheckpointId, std::vector<rocketmq::GroupOffset>> uncommitted_;
  const std::shared_ptr<Commits> commits_;

  std::atomic<std::int64_t>* messages_;
  std::atomic<std::int64_t>* body_bytes_;
  std::atomic<std::int64_t>* failed_bodies_;
  std::atomic<std::int64_t>* ignored_;
  std::atomic<std::int64_t>* out_of_range_;
};

}  // namespace slipstream::rocketmq_connector
