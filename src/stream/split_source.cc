// Sources of many splits whose elements user code reads.
#include <algorithm>
#include <set>

#include "slipstream/stream/source.h"

#include "base/retry.h"
#include "base/try.h"
#include "stream/plan.h"
#include "stream/user_call.h"

namespace slipstream::stream {
namespace {

constexpr RetryPolicy kLater{.first_wait_ms = 1, .wait_ms_max = 50};  // asked again after so long

using erased::SplitSourceSpec;
using erased::UserCalls;

// What a split source is made of; the readers and the enumerator share it.
struct Parts {
  SplitSourceSpec spec;
  std::shared_ptr<UserCodeWatch> watch;  // null: it is no code of the user

  std::string place() const { return "source '" + spec.name + "'"; }
  std::shared_ptr<UserCalls> calls(const Metrics& metrics) const {
    if (watch == nullptr) return std::make_shared<UserCalls>(place());
    auto calls = watch->add(place());
    if (metrics.value) calls->set_gauge(metrics.value(kBlockedCall.name, kBlockedCall.help));
    return calls;
  }
};

class Enumerator final : public SplitEnumerator {
 public:
  Enumerator(std::shared_ptr<const Parts> parts, const EnumeratorContext& context)
      : parts_(std::move(parts)),
        calls_(parts_->calls(context.metrics)),
        discover_(calls_->add("discover() of " + parts_->place())) {
    std::string_view in = context.restored;
    std::string_view id;
    while (bytes::get_text(in, id)) known_.emplace(id);
  }
  Result<Discovery> discover() override {
    std::vector<Split> found;
    TRY(user_call(*calls_, discover_, [&] { found = parts_->spec.discover(); }));
    Discovery discovery;
    for (Split& split : found) {
      if (known_.insert(split.id).second) discovery.added.push_back(std::move(split));
    }
    discovery.complete = parts_->spec.discovery_interval.count() == 0;
    return discovery;
  }
  std::chrono::milliseconds discovery_interval() const override {
    return parts_->spec.discovery_interval;
  }
  std::string snapshot() override {
    std::string out;
    for (const std::string& id : known_) bytes::put_text(out, id);
    return out;
  }

 private:
  const std::shared_ptr<const Parts> parts_;
  const std::shared_ptr<UserCalls> calls_;
  const UserCalls::Site discover_;
  std::set<std::string> known_;
};

class Reader final : public SourceReader {
 public:
  Reader(std::shared_ptr<const Parts> parts, ReaderContext context)
      : parts_(std::move(parts)),
        context_(std::move(context)),
        rows_(erased::edge_schema(parts_->spec.element, false), context_.batch_rows,
              [this](Batch&& batch) { batches_.push_back(std::move(batch)); }),
        calls_(parts_->calls(context_.metrics)),
        open_(calls_->add("open() of " + parts_->place())),
        poll_(calls_->add("poll() of " + parts_->place())),
        position_(calls_->add("position() of " + parts_->place())),
        later_(kLater, *context_.clock, context_.stop, context_.subtask) {}

  Status add_split(std::uint32_t index, const Split& split) override {
    Open open;
    open.index = index;
    open.id = split.id;
    TRY(user_call(*calls_, open_, [&] { open.run = parts_->spec.open(split); }));
    splits_.push_back(std::move(open));
    events_.push_back(SplitEvent{index, SplitAdded{}});
    return {};
  }

  Result<Poll> poll(SourceBatch* out, Batch*) override {
    if (batches_.empty() && events_.empty()) {
      TRY(poll_splits());
    }
    if (!batches_.empty() || !events_.empty()) {
      if (!batches_.empty()) {
        out->rows = std::move(batches_.front());
        batches_.erase(batches_.begin());
        out->runs.push_back(SplitRun{polled_, 0});
      }
      // events stand behind the rows that they came with
      if (batches_.empty()) out->events = std::exchange(events_, {});
      return Poll::kBatch;
    }
    if (std::all_of(splits_.begin(), splits_.end(), [](const Open& open) { return open.ended; }))
      return Poll::kEnd;
    if (const auto wait_ms = later_.next_wait_ms()) context_.wake_after(*wait_ms);
    return Poll::kNothing;
  }

  Result<std::vector<Split>> snapshot(CheckpointId) override {
    std::vector<Split> states;
    // rows behind the saved position that the task has not taken: they are in nobody's state
    if (!batches_.empty())
      return Error{ErrorCode::kInternal, "a split gave more rows than it was asked for"};
    TRY(user_call(*calls_, position_, [&] {
      for (const Open& open : splits_) states.push_back(Split{open.id, open.run->position()});
    }));
    return states;
  }
  void checkpoint_complete(CheckpointId) override {}
  void pause(std::span<const std::uint32_t> splits) override {
    for (Open& open : splits_)
      open.paused = std::find(splits.begin(), splits.end(), open.index) != splits.end();
  }

 private:
  struct Open {
    std::uint32_t index = 0;
    std::string id;
    std::unique_ptr<erased::SplitCursor> run;
    bool ended = false;
    bool paused = false;
  };

  // One after the other, until one has something.
  Status poll_splits() {
    for (std::size_t i = 0; i < splits_.size(); ++i) {
      Open& open = splits_[next_++ % splits_.size()];
      if (open.ended || open.paused) continue;
      erased::SplitCursor::PollOutput output{rows_, std::nullopt};
      erased::SplitCursor::Poll polled = erased::SplitCursor::Poll::kLater;
      TRY(user_call(*calls_, poll_, [&] { polled = open.run->poll(output, context_.batch_rows); }));
      rows_.flush();
      polled_ = open.index;
      if (output.watermark) {
        events_.push_back(SplitEvent{open.index, SplitWatermark{*output.watermark}});
      }
      if (polled == erased::SplitCursor::Poll::kEnd) {
        open.ended = true;
        events_.push_back(SplitEvent{open.index, SplitEnded{}});
      }
      if (batches_.size() > 1) batches_ = {concat(std::exchange(batches_, {}))};
      if (!batches_.empty() || !events_.empty() || polled == erased::SplitCursor::Poll::kMore) {
        later_.reset();
        if (!batches_.empty() || !events_.empty()) return {};
      }
    }
    return {};
  }

  const std::shared_ptr<const Parts> parts_;
  ReaderContext context_;
  std::vector<Batch> batches_;
  erased::RowWriter rows_;
  std::vector<SplitEvent> events_;
  std::vector<Open> splits_;
  std::size_t next_ = 0;
  std::uint32_t polled_ = 0;
  const std::shared_ptr<UserCalls> calls_;
  const UserCalls::Site open_, poll_, position_;
  Retry later_;
};

class SplitSourceAdapter final : public Source {
 public:
  SplitSourceAdapter(SplitSourceSpec spec, std::shared_ptr<UserCodeWatch> watch)
      : parts_(std::make_shared<const Parts>(Parts{std::move(spec), std::move(watch)})) {}
  Schema schema() const override { return erased::edge_schema(parts_->spec.element, false); }
  bool bounded() const override { return parts_->spec.bounded; }
  std::vector<std::string> explain() const override { return {"splits=" + parts_->spec.name}; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return std::unique_ptr<SplitEnumerator>(std::make_unique<Enumerator>(parts_, context));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(std::make_unique<Reader>(parts_, std::move(context)));
  }

 private:
  const std::shared_ptr<const Parts> parts_;
};

// Rows that lie in memory, by position.
class BatchesRun final : public erased::SplitCursor {
 public:
  BatchesRun(std::shared_ptr<const std::vector<Batch>> batches, std::size_t begin)
      : batches_(std::move(batches)), next_(begin) {
    for (const Batch& batch : *batches_) rows_ += batch.rows();
  }
  Poll poll(PollOutput& output, std::size_t wanted) override {
    const std::size_t end = std::min(rows_, next_ + wanted);
    std::size_t first = 0;  // row of the current batch
    for (const Batch& batch : *batches_) {
      for (; next_ < end && next_ < first + batch.rows(); ++next_) {
        for (std::size_t column = 0; column < batch.columns().size(); ++column)
          output.rows[column].append_from(*batch.column(column), next_ - first);
        output.rows.end_row();
      }
      first += batch.rows();
    }
    return next_ == rows_ ? Poll::kEnd : Poll::kMore;
  }
  std::string position() const override { return to_bytes(static_cast<std::int64_t>(next_)); }

 private:
  std::shared_ptr<const std::vector<Batch>> batches_;
  std::size_t next_;
  std::size_t rows_ = 0;
};

}  // namespace

namespace erased {

std::shared_ptr<Source> make_split_source(StreamPlan& plan, SplitSourceSpec spec) {
  return std::make_shared<SplitSourceAdapter>(std::move(spec), plan.watch());
}

std::shared_ptr<Source> make_batches_source(std::string name, Schema element,
                                            std::vector<Batch> batches) {
  const auto shared = std::make_shared<const std::vector<Batch>>(std::move(batches));
  SplitSourceSpec spec;
  spec.name = std::move(name);
  spec.element = std::move(element);
  spec.discover = [] { return std::vector<Split>{{"elements", ""}}; };
  spec.open = [shared](const Split& split) -> std::unique_ptr<SplitCursor> {
    const auto begin = from_bytes<std::int64_t>(split.state);
    return std::make_unique<BatchesRun>(shared, static_cast<std::size_t>(begin.value_or(0)));
  };
  return std::make_shared<SplitSourceAdapter>(std::move(spec), nullptr);
}

}  // namespace erased
}  // namespace slipstream::stream
