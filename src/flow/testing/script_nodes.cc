#include "flow/testing/script_nodes.h"

#include <cstring>
#include <fstream>

#include "data/hash.h"

namespace slipstream::flow::script {
namespace {

std::vector<std::size_t> first_column() { return {0}; }

std::string_view bytes_of(const std::int64_t* values, std::size_t count) {
  return {reinterpret_cast<const char*>(values), count * sizeof *values};
}

}  // namespace

Status KeyedSum::open(const OperatorContext& context) {
  context_ = context;
  pool_ = StatePool(context.memory);
  snapshot_chain_ = IncrementalChain(context);
  sums_ =
      std::make_unique<state::KeyTable>(pool_.get(), state::KeyTableOptions{sizeof(Sum), {}, 0});
  rows_ = std::make_unique<state::KeyTable>(pool_.get(), state::KeyTableOptions{16, {}, 0});
  return {};
}

Status KeyedSum::check_group(std::uint64_t hash) const {
  const std::uint32_t group = key_group(hash, context_.key_groups.total);
  if (group >= context_.key_groups.begin && group < context_.key_groups.end) return {};
  return Error{ErrorCode::kInternal, "a key of another task came here"};
}

// Input: (key, number) hashed by key; output (key, number) and, at the end, (-1 - key, sum).
Result<Progress> KeyedSum::push(std::size_t input, Batch&& batch, Emitter& out) {
  static_cast<void>(input);
  const std::int64_t* keys = batch.column(0)->data<std::int64_t>();
  const std::int64_t* numbers = batch.column(1)->data<std::int64_t>();
  const auto hashes = batch.key_hashes();
  if (hashes.size() != batch.rows()) return Error{ErrorCode::kInternal, "no hashes came along"};
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    TRY(check_group(hashes[row]));
    const std::int64_t both[2] = {keys[row] % keys_, numbers[row]};
    TRY_ASSIGN(const auto sum, sums_->find_or_insert(bytes_of(both, 1), hashes[row], 0));
    reinterpret_cast<Sum*>(sum.value)->sum += numbers[row];
    ++reinterpret_cast<Sum*>(sum.value)->count;
    TRY_ASSIGN(const auto seen, rows_->find_or_insert(bytes_of(both, 2), hashes[row], 0));
    if (!seen.inserted) return Error{ErrorCode::kInternal, "a row came that state has already"};
  }
  sums_->release();
  rows_->release();
  out.emit(std::move(batch));
  return Progress::kDone;
}

Result<Progress> KeyedSum::end_input(std::size_t input, Emitter& out) {
  static_cast<void>(input);
  if (watermark_ != kMaxWatermark)
    return Error{ErrorCode::kInternal, "the end came before the last watermark"};
  ColumnBuilder keys(Type::bigint());
  ColumnBuilder sums(Type::bigint());
  std::size_t counted = 0;
  for (state::SlotId slot = state::kNoSlot; (slot = sums_->after(slot)) != state::kNoSlot;) {
    std::int64_t key;
    std::memcpy(&key, sums_->key(slot).data(), sizeof key);
    const Sum sum = *reinterpret_cast<const Sum*>(sums_->value(slot));
    keys.append(std::int64_t{-1} - key);
    sums.append(sum.sum);
    counted += static_cast<std::size_t>(sum.count);
    TRY(sums_->erase(slot));
  }
  if (counted != rows_->size())
    return Error{ErrorCode::kInternal, "the tables of one operator do not fit together"};
  for (state::SlotId slot = state::kNoSlot; (slot = rows_->after(slot)) != state::kNoSlot;)
    TRY(rows_->erase(slot));
  const std::size_t rows = keys.size();
  if (rows != 0) out.emit(Batch(rows, {keys.finish(), sums.finish()}));
  return Progress::kDone;
}

Result<std::unique_ptr<PendingSnapshot>> KeyedSum::snapshot(const SnapshotRequest& request) {
  auto pending = std::make_unique<StateSnapshot>(context_.key_groups);
  pending->add("sums", *sums_);
  pending->add("rows", *rows_);
  pending->freeze(snapshot_chain_, request);
  return std::unique_ptr<PendingSnapshot>(std::move(pending));
}

Status KeyedSum::restore(const SnapshotReader& from) {
  TRY(restore_tables(from, [&](std::string_view tag, state::EntryReader piece) {
    return tag == "sums" ? sums_->restore(piece) : rows_->restore(piece);
  }));
  for (const state::KeyTable* table : {sums_.get(), rows_.get()}) {
    for (state::SlotId slot = table->after(state::kNoSlot); slot != state::kNoSlot;
         slot = table->after(slot))
      TRY(check_group(table->hash(slot)));
  }
  return {};
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
    const bool held = options_.hold_commit != nullptr && options_.hold_commit->load();
    if (held && context.progress) context.progress("held by the test");
    while (held && options_.hold_commit->load() && !context.stop.stop_requested())
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

Result<std::unique_ptr<SinkCommitter>> AuditSink::make_committer(CommitterContext context) {
  static_cast<void>(context);
  if (options_.guarantee != Guarantee::kExactlyOnce) return std::unique_ptr<SinkCommitter>();
  return std::unique_ptr<SinkCommitter>(std::make_unique<AuditCommitter>(options_));
}

Runtime& test_runtime() {
  static Runtime runtime;
  return runtime;
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
