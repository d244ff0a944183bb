#include "flow/runtime/script_nodes.h"

#include <cstring>

#include "data/hash.h"

namespace slipstream::flow::script {
namespace {

std::vector<std::size_t> first_column() { return {0}; }

class SumSnapshot final : public PendingSnapshot {
 public:
  std::map<std::uint32_t, std::string> groups;
  std::string watermark;

  Status write(SnapshotWriter& out) override {
    for (const auto& [group, bytes] : groups)
      TRY(out.write("sums", group, std::as_bytes(std::span(bytes))));
    return out.write("watermark", kOperatorState, std::as_bytes(std::span(watermark)));
  }
};

}  // namespace

// Input: (key, number) hashed by key; output (key, number) and, at the end, (-1 - key, sum).
Result<Progress> KeyedSum::push(std::size_t input, Batch&& batch, Emitter& out) {
  static_cast<void>(input);
  const std::int64_t* keys = batch.column(0)->data<std::int64_t>();
  const std::int64_t* numbers = batch.column(1)->data<std::int64_t>();
  const auto hashes = batch.key_hashes();
  if (hashes.size() != batch.rows()) return Error{ErrorCode::kInternal, "no hashes came along"};
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::uint32_t group = key_group(hashes[row], context_.key_groups.total);
    if (group < context_.key_groups.begin || group >= context_.key_groups.end) {
      return Error{ErrorCode::kInternal, "a key of another task came here"};
    }
    Sum& sum = groups_[group][keys[row] % keys_];
    sum.sum += numbers[row];
    ++sum.count;
  }
  out.emit(std::move(batch));
  return Progress::kDone;
}

Result<Progress> KeyedSum::end_input(std::size_t input, Emitter& out) {
  static_cast<void>(input);
  if (watermark_ != kMaxWatermark)
    return Error{ErrorCode::kInternal, "the end came before the last watermark"};
  ColumnBuilder keys(Type::bigint());
  ColumnBuilder sums(Type::bigint());
  for (const auto& [group, entries] : groups_) {
    for (const auto& [key, sum] : entries) {
      keys.append(std::int64_t{-1} - key);
      sums.append(sum.sum);
    }
  }
  const std::size_t rows = keys.size();
  if (rows != 0) out.emit(Batch(rows, {keys.finish(), sums.finish()}));
  groups_.clear();
  return Progress::kDone;
}

Result<std::unique_ptr<PendingSnapshot>> KeyedSum::snapshot(CheckpointId checkpoint) {
  static_cast<void>(checkpoint);
  auto pending = std::make_unique<SumSnapshot>();
  pending->watermark = std::to_string(watermark_);
  for (const auto& [group, entries] : groups_) {
    std::string& bytes = pending->groups[group];
    for (const auto& [key, sum] : entries) {
      const std::int64_t values[3] = {key, sum.sum, sum.count};
      bytes.append(reinterpret_cast<const char*>(values), sizeof values);
    }
  }
  return std::unique_ptr<PendingSnapshot>(std::move(pending));
}

Status KeyedSum::restore(const SnapshotReader& from) {
  return from.visit(
      "sums",
      [this](std::uint32_t group, std::uint32_t, std::span<const std::byte> bytes) -> Status {
        if (group < context_.key_groups.begin || group >= context_.key_groups.end) {
          return Error{ErrorCode::kInternal, "state of another task came here"};
        }
        for (std::size_t at = 0; at < bytes.size(); at += 24) {
          std::int64_t values[3];
          std::memcpy(values, bytes.data() + at, sizeof values);
          Sum& sum = groups_[group][values[0]];
          sum.sum += values[1];
          sum.count += values[2];
        }
        return {};
      });
}

namespace {

class AuditWriter final : public SinkWriter {
 public:
  AuditWriter(AuditSinkOptions options, WriterContext context)
      : options_(std::move(options)), context_(std::move(context)) {}

  Result<Write> write(const Batch& batch, EpochFile* file) override {
    if (options_.full != nullptr && options_.full->load()) return Write::kFull;
    if ((file != nullptr) != (context_.guarantee == Guarantee::kExactlyOnce))
      return Error{ErrorCode::kInternal, "wrong epoch file"};
    const std::int64_t* keys = batch.column(0)->data<std::int64_t>();
    const std::int64_t* numbers = batch.column(1)->data<std::int64_t>();
    if (file == nullptr) {
      std::lock_guard lock(options_.audit->mutex);
      for (std::size_t row = 0; row < batch.rows(); ++row)
        options_.audit->rows.emplace_back(keys[row], numbers[row]);
      return Write::kAccepted;
    }
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      const std::int64_t values[2] = {keys[row], numbers[row]};
      TRY(file->append(std::as_bytes(std::span(values))));
    }
    rows_ += batch.rows();
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override {
    static_cast<void>(file);
    // Needs two calls.
    if (!asked_) {
      asked_ = true;
      context_.wake();
      return std::optional<std::string>();
    }
    asked_ = false;
    if (options_.fail_prepares != nullptr && options_.fail_prepares->load() > 0) {
      options_.fail_prepares->fetch_sub(1);
      return Error{ErrorCode::kUnavailable, "prepare failed on purpose"};
    }
    if (rows_ == 0) return std::optional<std::string>("");
    rows_ = 0;
    {
      std::lock_guard lock(options_.audit->mutex);
      options_.audit->sealed.insert(checkpoint);
    }
    return std::optional<std::string>(std::to_string(context_.attempt_token) + "/" +
                                      std::to_string(checkpoint) + "/" +
                                      std::to_string(context_.subtask));
  }
  Status checkpoint_aborted(CheckpointId checkpoint) override {
    static_cast<void>(checkpoint);
    std::lock_guard lock(options_.audit->mutex);
    ++options_.audit->aborted;
    return {};
  }

 private:
  const AuditSinkOptions options_;
  const WriterContext context_;
  std::size_t rows_ = 0;
  bool asked_ = false;
};

class AuditCommitter final : public SinkCommitter {
 public:
  explicit AuditCommitter(AuditSinkOptions options) : options_(std::move(options)) {}
  Status commit(std::span<const Committable> committables, const CommitContext& context) override {
    while (options_.hold_commit != nullptr && options_.hold_commit->load() &&
           !context.stop.stop_requested())
      std::this_thread::yield();
    if (context.stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
    TRY(context.check_lease());
    std::lock_guard lock(options_.audit->mutex);
    for (const Committable& committable : committables) {
      if (!options_.audit->published.insert(committable.handle).second) continue;
      std::ifstream file(committable.epoch_file, std::ios::binary);
      if (!file)
        return Error{ErrorCode::kNotFound, "no epoch file '" + committable.epoch_file + "'"};
      std::int64_t values[2];
      while (file.read(reinterpret_cast<char*>(values), sizeof values))
        options_.audit->rows.emplace_back(values[0], values[1]);
      options_.audit->commits.push_back(committable.checkpoint);
      if (context.recovered) ++options_.audit->recovered;
    }
    return {};
  }

 private:
  const AuditSinkOptions options_;
};

}  // namespace

Result<std::unique_ptr<SinkWriter>> AuditSink::make_writer(WriterContext context) {
  std::lock_guard lock(mutex_);
  wakes_.push_back(context.wake);
  {
    std::lock_guard audit_lock(options_.audit->mutex);
    ++options_.audit->writers;
  }
  return std::unique_ptr<SinkWriter>(std::make_unique<AuditWriter>(options_, std::move(context)));
}

Result<std::unique_ptr<SinkCommitter>> AuditSink::make_committer(Metrics metrics) {
  static_cast<void>(metrics);
  if (options_.guarantee != Guarantee::kExactlyOnce) return std::unique_ptr<SinkCommitter>();
  return std::unique_ptr<SinkCommitter>(std::make_unique<AuditCommitter>(options_));
}

Node source_node(std::shared_ptr<Source> source, std::uint32_t parallelism) {
  Node node;
  node.uid = "numbers";
  node.name = "Numbers";
  node.parallelism = parallelism;
  node.output = NumbersSource::numbers_schema();
  node.source = std::move(source);
  return node;
}

Node sink_node(NodeId from, std::shared_ptr<Sink> sink, Partitioning partitioning,
               std::uint32_t parallelism) {
  Node node;
  node.uid = "audit";
  node.name = "Audit";
  node.parallelism = parallelism;
  node.inputs = {Input{from, 0, partitioning, {}}};
  node.sink = std::move(sink);
  return node;
}

Node sum_node(NodeId from, std::int64_t keys, std::uint32_t parallelism) {
  Node node;
  node.uid = "sum";
  node.name = "Sum";
  node.parallelism = parallelism;
  node.inputs = {Input{from, 0, Partitioning::kHash, first_column()}};
  node.state_note = "grows with the number of keys";
  node.make = [keys]() -> Result<std::unique_ptr<Operator>> {
    return std::unique_ptr<Operator>(std::make_unique<KeyedSum>(keys));
  };
  return node;
}

Node operator_node(NodeId from, std::string uid, std::function<std::unique_ptr<Operator>()> make) {
  Node node;
  node.name = uid;
  node.uid = std::move(uid);
  node.inputs = {Input{from, 0, Partitioning::kForward, {}}};
  node.make = [make = std::move(make)]() -> Result<std::unique_ptr<Operator>> { return make(); };
  return node;
}

}  // namespace slipstream::flow::script
