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

#include "connector_kit/emptiness_proofs.h"
#include "connector_kit/row_assembler.h"
#include "connectors/rocketmq/flink_metrics.h"
#include "connectors/rocketmq/group_offsets.h"
#include "connectors/rocketmq/metadata_columns.h"
#include "connectors/rocketmq/proof_watch.h"
#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/split_codec.h"
#include "connectors/rocketmq/wake_timer.h"
#include "rocketmq/message/record.h"

namespace slipstream::rocketmq_connector {

// What a reader produces.
struct RowPlan {
  std::shared_ptr<const SourceSettings> settings;
  std::shared_ptr<const connector_kit::DecodedTable> rows;
  std::vector<ReadColumn> metadata;
  std::vector<std::string> tags;  // empty = all
  // SQL92 of what WHERE says, with which brokers may leave messages out; empty = nothing.
  std::string narrowing;
};

// Owner:   a source task.
// Thread:  task; the wake comes from the client's thread.
// End:     waits a moment for group offsets that are being written.
// Order:   offsets ascend within a queue; a message's rows are in one batch, which may exceed
//          batch_rows for it.
// Bounds:  the consumer's bytes in flight, and RowAssembler::kBytesMax of bodies per batch.
// Failure: what no retry can mend, and poison bodies under 'fail', with topic, broker, queue and
//          offset.
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
  void set_read_order(std::span<const std::uint32_t> splits) override;
  std::vector<SplitProgress> progress() const override;

 private:
  struct State {
    QueuePosition position;
    bool ended = false;
    bool paused = false;
    std::deque<rocketmq::PulledFrame> held;  // polled while paused
    std::int64_t unreadable_at = -1;         // what is there was read again so often
    int read_again = 0;
    std::int64_t max_offset = -1;  // as the broker said last
    bool topic_deleted = false;
  };
  class ReceivedBytes;
  // The frame being read.
  struct Frame {
    rocketmq::PulledFrame pulled;
    std::uint32_t split = 0;
    std::unique_ptr<rocketmq::RecordCursor> cursor;
    std::shared_ptr<ReceivedBytes> buffer;
  };
  struct Chunk;
  using Proofs = connector_kit::EmptinessProofs;

  QueueRowReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                 std::shared_ptr<rocketmq::Client> client,
                 std::unique_ptr<connector_kit::RowAssembler> rows);

  void make_consumer();
  Status assign(std::uint32_t index, const QueuePosition& position);
  Result<std::optional<rocketmq::PulledFrame>> poll_consumer();
  void apply_read_order();
  // From where all splits are, without RowPlan::narrowing.
  Status read_whole(const Error& refusal);
  Result<bool> next_frame();
  Status read_frame();
  Status read_again(const Chunk& chunk);
  bool wanted(const rocketmq::RecordView& record) const;
  void gather(Chunk& chunk);
  bool end_at(Chunk& chunk, std::int64_t offset) const;
  bool pass_over(Chunk& chunk);
  bool keep_unreadable(Chunk& chunk, const rocketmq::UnreadableRecord& unreadable,
                       std::optional<std::int64_t> behind) const;
  void reject_unreadable(const Chunk& chunk);
  Status add_body(Chunk& chunk, const rocketmq::RecordView& record);
  Status decode(const Chunk& chunk);
  connector_kit::BodyOrigin origin_of(const rocketmq::RecordView& record) const;
  void finish_frame(std::int64_t next);
  void end_split(std::uint32_t index, State& state);
  // Failure: a queue with an end left its topic before that was read.
  Result<std::vector<Proofs::Fact>> look_at_queues();
  Status give_proofs();
  bool all_ended() const;

  const std::shared_ptr<const RowPlan> plan_;
  const ReaderContext context_;
  const std::shared_ptr<rocketmq::Client> client_;
  const std::unique_ptr<connector_kit::RowAssembler> rows_;
  std::unique_ptr<rocketmq::Consumer> consumer_;
  GroupOffsets group_offsets_;  // behind the consumer, which writes what it waits for at the end
  const std::shared_ptr<WakeTimer> timer_;
  const std::shared_ptr<ProofWatch> watch_;

  bool narrowed_;  // brokers are asked to
  std::vector<std::uint32_t> read_order_;
  std::map<std::uint32_t, State> splits_;
  std::deque<std::uint32_t> resumed_;  // splits with held frames that are not paused any more
  std::unique_ptr<Frame> frame_;
  Proofs proofs_;
  std::vector<connector_kit::RowAssembler::AppendMetadata> metadata_;  // of the chunk being read
  const Chunk* chunk_ = nullptr;

  std::atomic<std::int64_t>* out_of_range_;
  FlinkSourceMetrics metrics_;
  // Since the rows that were given last.
  std::int64_t body_bytes_ = 0;
  std::int64_t born_ms_ = 0;  // of the last message
  std::int64_t received_ms_ = 0;
};

}  // namespace slipstream::rocketmq_connector
