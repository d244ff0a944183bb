#include "connector_kit/testing/memory_sink.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "base/try.h"
#include "connector_kit/delivery_guarantee.h"
#include "connector_kit/row_serializer.h"
#include "connector_kit/two_phase.h"

namespace slipstream::testing {
namespace {

using connector_kit::RowSerializer;

constexpr Option<Guarantee> kGuarantee{.name = "sink.delivery-guarantee",
                                       .default_value = "at-least-once",
                                       .description = "What holds after failures.",
                                       .limits = {connector_kit::kGuaranteeWords},
                                       .scope = OptionScope::kSink};

struct SinkPlan {
  std::shared_ptr<MemoryBroker> broker;
  std::string table;
  std::string uid;
  Schema schema;
  connector_kit::TableFormat format;
  Guarantee guarantee = Guarantee::kAtLeastOnce;
};

// At-least-once: to the broker at once. Exactly-once: lines of the epoch file, whose handle is the
// name under which the broker takes them one time only.
class Writer final : public SinkWriter {
 public:
  Writer(std::shared_ptr<const SinkPlan> plan, WriterContext context,
         std::unique_ptr<RowSerializer> rows)
      : plan_(std::move(plan)), context_(std::move(context)), rows_(std::move(rows)) {}

  Result<Write> write(const Batch& batch, EpochFile* file) override {
    TRY(rows_->encode(batch));
    const format::EncodedBodies& bodies = rows_->bodies();
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      if (file != nullptr) {
        const std::string line = std::string(bodies[i]) + "\n";
        TRY(file->append(std::as_bytes(std::span(line))));
      } else {
        plan_->broker->append(context_.subtask % plan_->broker->partitions(),
                              std::string(bodies[i]));
      }
    }
    sealed_rows_ += bodies.size();
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override {
    if (std::exchange(sealed_rows_, 0) == 0 || file == nullptr)
      return std::optional<std::string>("");
    return std::optional<std::string>(plan_->uid + "/" + std::to_string(context_.attempt_token) +
                                      "/" + std::to_string(context_.subtask) + "/" +
                                      std::to_string(checkpoint));
  }

 private:
  const std::shared_ptr<const SinkPlan> plan_;
  const WriterContext context_;
  const std::unique_ptr<RowSerializer> rows_;
  std::size_t sealed_rows_ = 0;
};

class Committer final : public SinkCommitter {
 public:
  Committer(std::shared_ptr<const SinkPlan> plan, const Clock& clock)
      : plan_(std::move(plan)), clock_(clock) {}

  Status commit(std::span<const Committable> committables, const CommitContext& context) override {
    return connector_kit::publish_until_done(
        {.subject = "table '" + plan_->table + "'", .component = "memory"}, context, clock_,
        [&]() -> Status {
          for (const Committable& each : committables) TRY(publish(each, context));
          return {};
        });
  }

 private:
  Status publish(const Committable& committable, const CommitContext& context) {
    if (context.stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
    TRY(connector_kit::check_lease(context));
    std::vector<std::string> bodies;
    std::ifstream lines(committable.epoch_file);
    if (!lines.is_open())
      return Error{ErrorCode::kNotFound, "cannot read " + committable.epoch_file};
    for (std::string line; std::getline(lines, line);) bodies.push_back(line);
    plan_->broker->append_once(committable.handle, std::move(bodies));
    return {};
  }

  const std::shared_ptr<const SinkPlan> plan_;
  const Clock& clock_;
};

class MemorySink final : public Sink {
 public:
  explicit MemorySink(std::shared_ptr<const SinkPlan> plan) : plan_(std::move(plan)) {}
  Schema schema() const override { return plan_->schema; }
  Guarantee guarantee() const override { return plan_->guarantee; }
  std::vector<std::string> endpoints() const override { return {memory_endpoint(*plan_->broker)}; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    TRY_ASSIGN(auto rows, RowSerializer::make(plan_->table, plan_->format, plan_->schema));
    return std::unique_ptr<SinkWriter>(
        std::make_unique<Writer>(plan_, std::move(context), std::move(rows)));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override {
    if (plan_->guarantee != Guarantee::kExactlyOnce) return std::unique_ptr<SinkCommitter>();
    return std::unique_ptr<SinkCommitter>(std::make_unique<Committer>(plan_, *context.clock));
  }

 private:
  const std::shared_ptr<const SinkPlan> plan_;
};

}  // namespace

std::vector<OptionSpec> memory_sink_options() { return option_specs(kGuarantee); }

std::string memory_endpoint(const MemoryBroker& broker) {
  std::ostringstream text;
  text << "memory at " << &broker;
  return text.str();
}

Result<std::unique_ptr<Sink>> make_memory_sink(const SinkRequest& request,
                                               const OptionTable& options,
                                               std::shared_ptr<MemoryBroker> broker) {
  auto plan = std::make_shared<SinkPlan>();
  plan->broker = std::move(broker);
  plan->table = request.table.name;
  plan->uid = request.uid;
  plan->schema = request.table.physical;
  TRY_ASSIGN(plan->format, connector_kit::read_table_format(request.table, options, "json"));
  plan->guarantee = plan->format.options[kGuarantee];
  TRY(connector_kit::require_changelog(request, plan->format));
  return std::unique_ptr<Sink>(std::make_unique<MemorySink>(std::move(plan)));
}

}  // namespace slipstream::testing
