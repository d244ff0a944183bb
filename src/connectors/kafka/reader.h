// Reads partitions as batches of rows.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "slipstream/connector.h"

#include "connector_kit/emptiness_proofs.h"
#include "connector_kit/row_assembler.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/end_offsets.h"
#include "connectors/kafka/group_commits.h"
#include "connectors/kafka/metadata_columns.h"
#include "connectors/kafka/partition_queue.h"
#include "connectors/kafka/settings.h"
#include "connectors/kafka/split_codec.h"

namespace slipstream::kafka_connector {

// What a reader produces.
struct RowPlan {
  std::shared_ptr<const SourceSettings> settings;
  std::shared_ptr<const connector_kit::DecodedTable> rows;
  std::vector<ReadColumn> metadata;
};

// Owner:   a source task.
// Thread:  task; the wake comes from librdkafka's threads and from that of the end offsets.
// End:     waits a moment for group offsets that are being written.
// Order:   offsets ascend within a partition; a message's rows are in one batch.
// Bounds:  'queued.max.messages.kbytes' of each partition ahead of the reader, and
//          RowAssembler::kBytesMax of bodies per batch.
// Failure: what no retry can mend, and poison bodies under 'fail', with topic, partition and offset.
class PartitionRowReader final : public SourceReader {
 public:
  // `questions`: a client beside that of the reader, whose connections are busy with fetches.
  static Result<std::unique_ptr<SourceReader>> make(std::shared_ptr<const RowPlan> plan,
                                                    std::shared_ptr<const Client> questions,
                                                    ReaderContext context);
  ~PartitionRowReader() override;

  Status add_split(std::uint32_t index, const Split& split) override;
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override;
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override;
  void checkpoint_complete(CheckpointId checkpoint) override;
  void pause(std::span<const std::uint32_t> splits) override;
  void set_read_order(std::span<const std::uint32_t> splits) override;
  std::vector<SplitProgress> progress() const override;

 private:
  struct State {
    PartitionPosition position;
    std::unique_ptr<PartitionQueue> queue;  // null: ended
    bool paused = false;
    bool at_end = false;  // librdkafka said so, and nothing came since
    bool ended() const { return queue == nullptr; }
  };
  class Bodies;
  using Proofs = connector_kit::EmptinessProofs;

  PartitionRowReader(std::shared_ptr<const RowPlan> plan, std::shared_ptr<const Client> questions,
                     ReaderContext context, std::shared_ptr<Client> client,
                     std::unique_ptr<connector_kit::RowAssembler> rows);

  std::vector<std::uint32_t> turns();
  Status read(std::uint32_t index, State& state);
  // Those before the next that is no message of a row; how many they were.
  Result<std::size_t> read_messages(std::uint32_t index, State& state,
                                    std::span<const MessagePtr> messages);
  Status read_sign(std::uint32_t index, State& state, const rd_kafka_message_s& sign);
  Status go_on_elsewhere(State& state, const std::string& reason);
  Status decode(std::uint32_t index, const State& state, std::span<const MessagePtr> messages);
  void end_split(std::uint32_t index, State& state);
  std::vector<Proofs::Fact> look_at_partitions() const;
  void give_proofs();
  void count_commits();
  bool all_ended() const;

  const std::shared_ptr<const RowPlan> plan_;
  const ReaderContext context_;
  const std::shared_ptr<Client> client_;
  const std::unique_ptr<connector_kit::RowAssembler> rows_;
  EndOffsets ends_;
  GroupCommits commits_;
  std::map<std::uint32_t, State> splits_;  // behind the client, whose partitions they read
  std::vector<std::uint32_t> read_order_;
  std::uint32_t first_turn_ = 0;
  Proofs proofs_;
  std::vector<connector_kit::RowAssembler::AppendMetadata> metadata_;  // of the chunk being read
  std::span<const MessagePtr> chunk_;
  const Partition* chunk_partition_ = nullptr;
  std::atomic<std::int64_t>* out_of_range_;
  std::atomic<std::int64_t>* commits_succeeded_;
  std::atomic<std::int64_t>* commits_failed_;
};

}  // namespace slipstream::kafka_connector
