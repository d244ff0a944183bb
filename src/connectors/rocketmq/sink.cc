#include "base/try.h"
#include "connectors/rocketmq/check_sink.h"
#include "connectors/rocketmq/committer.h"
#include "connectors/rocketmq/epoch_writer.h"
#include "connectors/rocketmq/shared_client.h"
#include "connectors/rocketmq/sink_plan.h"
#include "connectors/rocketmq/source_sink.h"
#include "connectors/rocketmq/writer.h"

namespace slipstream::rocketmq_connector {
namespace {

class QueueSink final : public Sink {
 public:
  explicit QueueSink(std::shared_ptr<const SinkPlan> plan) : plan_(std::move(plan)) {}

  Schema schema() const override { return plan_->schema; }
  Guarantee guarantee() const override { return plan_->settings.guarantee; }
  std::vector<std::string> endpoints() const override {
    return topic_endpoints(plan_->settings.client.name_servers, plan_->settings.topic);
  }
  std::vector<std::string> explain() const override {
    std::vector<std::string> lines{
        "topic=" + plan_->settings.topic, "format=" + plan_->settings.format.format->name,
        "guarantee=" + std::string(guarantee_name(plan_->settings.guarantee))};
    if (plan_->settings.format.upsert()) lines.emplace_back("changelog=upsert");
    std::string tags;
    for (const std::string& tag : plan_->settings.tags) tags += (tags.empty() ? "" : ",") + tag;
    if (!tags.empty()) lines.push_back("tag=" + tags);
    if (plan_->partition_column)
      lines.push_back("order=per " + plan_->settings.partition_field);
    else if (const WriteColumn* sharding = plan_->find(MetadataKey::kShardingKey))
      lines.push_back("order=per " + sharding->name);
    else if (plan_->hashed)
      lines.emplace_back("order=per key");
    if (const WriteColumn* queue = plan_->find(MetadataKey::kQueueId))
      lines.push_back("queue=" + queue->name);
    return lines;
  }
  Status check_before_start() override {
    TRY_ASSIGN(const auto client, shared_client(plan_->settings.client));
    return check_output_topic(*client, *plan_);
  }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    if (plan_->settings.guarantee == Guarantee::kExactlyOnce)
      return EpochWriter::make(plan_, std::move(context));
    return QueueWriter::make(plan_, std::move(context));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override {
    if (plan_->settings.guarantee != Guarantee::kExactlyOnce)
      return std::unique_ptr<SinkCommitter>();
    return EpochCommitter::make(plan_, context);
  }

 private:
  std::shared_ptr<const SinkPlan> plan_;
};

}  // namespace

Result<std::unique_ptr<Sink>> make_queue_sink(const SinkRequest& request) {
  TRY_ASSIGN(std::shared_ptr<const SinkPlan> plan, make_sink_plan(request));
  TRY(MessageEncoder::make(plan, MessageEncoder::Largest::kInBatch));
  return std::unique_ptr<Sink>(std::make_unique<QueueSink>(std::move(plan)));
}

}  // namespace slipstream::rocketmq_connector
