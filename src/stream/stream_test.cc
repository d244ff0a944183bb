// Jobs of the DataStream API as users write them.
#include "slipstream/stream.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/temporary_folder.h"
#include "stream/plan.h"

namespace slipstream::stream {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// What instances of a sink saw.
// Thread: any.
template <typename T>
class Seen {
 public:
  void add(const T& value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(value);
    changed_.notify_all();
  }
  std::vector<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(values_, {});
  }
  // True when so many have come before the deadline.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 120s, [&] { return values_.size() >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

template <typename T>
class Into final : public SinkFunction<T> {
 public:
  using typename SinkFunction<T>::Context;
  explicit Into(std::shared_ptr<Seen<T>> seen) : seen_(std::move(seen)) {}
  void invoke(const T& element, Context&) override { seen_->add(element); }

 private:
  std::shared_ptr<Seen<T>> seen_;
};

struct Sale {
  std::string item;
  std::int64_t at = 0;
  std::optional<double> price;
};
inline auto describe_row(const Sale*) {
  return columns(column("item", &Sale::item), column("at", &Sale::at),
                 column("price", &Sale::price));
}

struct Strict {
  std::string item;
  double price = 0;
};
inline auto describe_row(const Strict*) {
  return columns(column("item", &Strict::item), column("price", &Strict::price));
}

using Total = std::pair<std::string, std::int64_t>;

class Count final : public KeyedProcessFunction<std::string, std::string, Total> {
 public:
  void open(RuntimeContext& context) override {
    count_ = context.value_state<std::int64_t>("count");
  }
  void process_element(const std::string& word, Context& context, Collector<Total>& out) override {
    const std::int64_t count = count_.value_or(0) + 1;
    count_.update(count);
    out.collect({context.current_key(), count});
    static_cast<void>(word);
  }

 private:
  ValueState<std::int64_t> count_;
};

TEST(Stream, CountsWordsByKey) {
  Environment env({.name = "words", .parallelism = 2});
  auto seen = std::make_shared<Seen<Total>>();
  env.from_elements<std::string>({"to be or", "not to be"})
      .flat_map<std::string>([](const std::string& line, Collector<std::string>& out) {
        std::size_t begin = 0;
        while (begin < line.size()) {
          const std::size_t end = std::min(line.find(' ', begin), line.size());
          out.collect(line.substr(begin, end - begin));
          begin = end + 1;
        }
      })
      .key_by([](const std::string& word) { return word; })
      .process(Count())
      .uid("count")
      .filter([](const Total& total) { return total.first != "or"; })
      .add_sink(Into<Total>(seen));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(seen->take(), UnorderedElementsAre(Total("to", 1), Total("to", 2), Total("be", 1),
                                                 Total("be", 2), Total("not", 1)));
}

// Numbers from 0 on, each once; stops before `pause_at` until the gate opens.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t limit = 0;
  void open(std::int64_t to) {
    const std::lock_guard lock(mutex);
    limit = to;
    changed.notify_all();
  }
};
class Numbers final : public SourceFunction<std::int64_t> {
 public:
  Numbers(std::shared_ptr<Gate> gate, std::int64_t end) : gate_(std::move(gate)), end_(end) {}
  void run(SourceContext<std::int64_t>& context) override {
    while (next_ < end_) {
      {
        std::unique_lock lock(gate_->mutex);
        gate_->changed.wait(lock, [&] { return next_ < gate_->limit || !context.is_running(); });
      }
      if (!context.is_running()) return;
      const auto lock = context.checkpoint_lock();
      context.collect_with_timestamp(next_, next_ * 10);
      context.emit_watermark(next_ * 10);
      ++next_;
    }
  }
  void cancel() override { gate_->open(gate_->limit); }
  std::string snapshot_state() override { return to_bytes(next_); }
  void restore_state(std::string_view state) override {
    next_ = from_bytes<std::int64_t>(state).value();
  }

 private:
  std::shared_ptr<Gate> gate_;
  std::int64_t end_;
  std::int64_t next_ = 0;
};

// Source function -> map -> key_by -> window -> sink, stopped with a savepoint and started again.
TEST(Stream, GoesOnFromASavepointAtAnotherParallelism) {
  const TemporaryFolder folder;
  auto gate = std::make_shared<Gate>();
  auto seen = std::make_shared<Seen<Total>>();
  const auto start = [&](std::uint32_t parallelism) {
    Environment env({.name = "windows",
                     .parallelism = parallelism,
                     .checkpoint_dir = folder.path(),
                     .checkpoint_interval = 50ms});
    auto numbers = env.add_source(Numbers(gate, 100)).uid("numbers");
    // what has no state may change between two starts
    if (parallelism == 2) numbers = numbers.filter([](std::int64_t) { return true; });
    numbers.map([](std::int64_t number) { return Total(number % 2 == 0 ? "even" : "odd", number); })
        .key_by([](const Total& total) { return total.first; })
        .window(tumbling_event_time_windows(200ms))
        .reduce([](const Total& a, const Total& b) { return Total(a.first, a.second + b.second); })
        .uid("sums")
        .add_sink(Into<Total>(seen));
    auto job = env.execute_async();
    EXPECT_TRUE(job.ok()) << job.status().to_string();
    return *job;
  };
  gate->open(50);
  {
    JobHandle job = start(3);
    ASSERT_TRUE(seen->wait_for(4));
    const Status stopped = job.stop();
    ASSERT_TRUE(stopped.ok()) << stopped.to_string();
  }
  gate->open(100);
  const Status finished = start(2).await();
  ASSERT_TRUE(finished.ok()) << finished.to_string();
  std::vector<Total> expected;
  for (std::int64_t window = 0; window < 5; ++window) {
    Total even("even", 0), odd("odd", 0);
    for (std::int64_t number = window * 20; number < window * 20 + 20; ++number)
      (number % 2 == 0 ? even : odd).second += number;
    expected.push_back(even);
    expected.push_back(odd);
  }
  EXPECT_THAT(seen->take(), ::testing::UnorderedElementsAreArray(expected));
}

// Makes a job fail once, after its first checkpoint.
struct Fuse {
  std::atomic<bool> armed{false};
  std::atomic<bool> burnt{false};
};

// Splits of consecutive numbers; the position is the next one. None ends before the fuse is burnt.
class Ranges final : public SplitSource<std::int64_t> {
 public:
  Ranges(std::int64_t splits, std::int64_t size, std::shared_ptr<Fuse> fuse)
      : splits_(splits), size_(size), fuse_(std::move(fuse)) {}
  std::vector<Split> discover() override {
    std::vector<Split> splits;
    for (std::int64_t i = 0; i < splits_; ++i)
      splits.push_back({std::to_string(i), to_bytes(i * size_)});
    return splits;
  }
  std::unique_ptr<SplitReader<std::int64_t>> open(const Split& split) override {
    class Reader final : public SplitReader<std::int64_t> {
     public:
      Reader(std::int64_t next, std::int64_t end, std::shared_ptr<Fuse> fuse)
          : next_(next), end_(end), restarted_(fuse->burnt), fuse_(std::move(fuse)) {}
      Poll poll(SplitOutput<std::int64_t>& out) override {
        const std::int64_t end = restarted_ ? end_ : fuse_->armed ? end_ - 1 : end_ - 10;
        for (std::size_t i = 0; i < std::min<std::size_t>(out.wanted(), 7) && next_ < end; ++i)
          out.collect(next_++);
        if (next_ == end_) return Poll::kEnd;
        return next_ >= end || next_ % 3 == 0 ? Poll::kLater : Poll::kMore;
      }
      std::string position() const override { return to_bytes(next_); }

     private:
      std::int64_t next_;
      std::int64_t end_;
      bool restarted_;
      std::shared_ptr<Fuse> fuse_;
    };
    const std::int64_t end = (std::stoll(split.id) + 1) * size_;
    return std::make_unique<Reader>(*from_bytes<std::int64_t>(split.state), end, fuse_);
  }

 private:
  std::int64_t splits_;
  std::int64_t size_;
  std::shared_ptr<Fuse> fuse_;
};

// Holds elements back and hands them over at checkpoints only; what it holds is in its state.
class Buffering final : public SinkFunction<std::int64_t>, public Checkpointed {
 public:
  explicit Buffering(std::shared_ptr<Seen<std::int64_t>> seen) : seen_(std::move(seen)) {}
  void invoke(const std::int64_t& element, Context&) override { held_.push_back(element); }
  void finish() override {
    for (const std::int64_t element : held_) seen_->add(element);
    held_.clear();
  }
  std::string snapshot_state() override { return to_bytes(held_); }
  void restore_state(const std::vector<std::string>& pieces) override {
    for (const std::string& piece : pieces) {
      const auto held = from_bytes<std::vector<std::int64_t>>(piece).value();
      held_.insert(held_.end(), held.begin(), held.end());
    }
  }

 private:
  std::shared_ptr<Seen<std::int64_t>> seen_;
  std::vector<std::int64_t> held_;
};

TEST(Stream, RestartsAfterAnExceptionWithoutLossOrDuplicate) {
  const TemporaryFolder folder;
  auto fuse = std::make_shared<Fuse>();
  auto seen = std::make_shared<Seen<std::int64_t>>();
  auto said = std::make_shared<Seen<std::string>>();
  Environment env({.name = "fuse",
                   .parallelism = 2,
                   .checkpoint_dir = folder.path(),
                   .checkpoint_interval = 10ms,
                   .restart_delay = 1ms});
  env.settings().on_message = [said](std::string_view text) { said->add(std::string(text)); };
  env.add_split_source(Ranges(5, 2'000, fuse))
      .map([fuse](std::int64_t number) {
        if (fuse->armed && !fuse->burnt.exchange(true)) throw std::runtime_error("blown");
        return number;
      })
      .name("fuse")
      .add_sink(Buffering(seen))
      .uid("buffer");
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  while (job->report().completed_checkpoints == 0 && !job->wait_for(1ms)) {
  }
  fuse->armed = true;
  const Status status = job->await();
  ASSERT_TRUE(status.ok()) << status.to_string();
  auto numbers = seen->take();
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::int64_t> expected(10'000);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<std::int64_t>(i);
  EXPECT_EQ(numbers, expected);
  EXPECT_EQ(job->report().restarts, 1U);
  EXPECT_THAT(said->take(), Contains(AllOf(HasSubstr("fuse"), HasSubstr("blown"))));
}

// Transactions in memory, shared by writers and the committer.
struct Ledger {
  std::mutex mutex;
  std::map<std::string, std::vector<std::int64_t>> sealed;
  std::set<std::string> committed;
  std::vector<std::int64_t> visible;
  int refusals = 2;  // of commit(), retryable
};
class Transactions final : public TwoPhaseSink<std::int64_t> {
 public:
  explicit Transactions(std::shared_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}
  void open(const TransactionContext& context) override {
    prefix_ = std::to_string(context.attempt_token) + "/" + std::to_string(context.subtask) + "/";
  }
  void invoke(const std::int64_t& element) override { open_.push_back(element); }
  std::string pre_commit() override {
    if (open_.empty()) return {};
    std::string name = prefix_ + std::to_string(next_++);
    const std::lock_guard lock(ledger_->mutex);
    ledger_->sealed[name] = std::exchange(open_, {});
    return name;
  }
  Status commit(const std::string& transaction) override {
    const std::lock_guard lock(ledger_->mutex);
    if (ledger_->refusals-- > 0) return Error::retry(ErrorCode::kUnavailable, "not now");
    if (!ledger_->committed.insert(transaction).second) return {};
    const auto& rows = ledger_->sealed.at(transaction);
    ledger_->visible.insert(ledger_->visible.end(), rows.begin(), rows.end());
    return {};
  }

 private:
  std::shared_ptr<Ledger> ledger_;
  std::string prefix_;
  std::vector<std::int64_t> open_;
  int next_ = 0;
};

TEST(Stream, TransactionsAreCommittedOnceWithTheirCheckpoint) {
  const TemporaryFolder folder;
  auto ledger = std::make_shared<Ledger>();
  auto fuse = std::make_shared<Fuse>();
  Environment env({.name = "transactions",
                   .parallelism = 2,
                   .checkpoint_dir = folder.path(),
                   .checkpoint_interval = 10ms,
                   .restart_delay = 1ms});
  env.add_split_source(Ranges(3, 3'000, fuse))
      .map([fuse](std::int64_t number) {
        if (fuse->armed && !fuse->burnt.exchange(true)) throw std::runtime_error("blown");
        return number;
      })
      .add_two_phase_sink(Transactions(ledger))
      .uid("ledger");
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  while (job->report().completed_checkpoints == 0 && !job->wait_for(1ms)) {
  }
  fuse->armed = true;
  const Status status = job->await();
  ASSERT_TRUE(status.ok()) << status.to_string();
  auto numbers = ledger->visible;
  std::sort(numbers.begin(), numbers.end());
  ASSERT_EQ(numbers.size(), 9'000U);
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end());
}

TEST(Stream, CancelEndsAJobWhoseSourceWaits) {
  auto gate = std::make_shared<Gate>();
  auto seen = std::make_shared<Seen<std::int64_t>>();
  Environment env({.name = "cancelled"});
  gate->open(3);
  env.add_source(Numbers(gate, 100)).add_sink(Into<std::int64_t>(seen));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok());
  ASSERT_TRUE(seen->wait_for(3));
  EXPECT_EQ(job->wait_for(0ms), std::nullopt);
  const auto first = job->savepoint(120s);
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  const auto second = job->savepoint(120s);
  ASSERT_TRUE(second.ok()) << second.status().to_string();
  EXPECT_GT(*second, *first);
  job->cancel();
  EXPECT_EQ(job->await().error().code, ErrorCode::kCancelled);
  EXPECT_THAT(job->prometheus_text(), HasSubstr("cancelled"));
}

TEST(Stream, AFailureThatRepeatsItselfEndsTheJob) {
  Environment env({.name = "refused", .restart_delay = 1ms});
  env.from_elements<std::int64_t>({1, 2, 3})
      .map([](std::int64_t number) -> std::int64_t {
        if (number == 2) throw Failure(Error{ErrorCode::kDataError, "two is refused"});
        return number;
      })
      .name("check")
      .add_sink(Into<std::int64_t>(std::make_shared<Seen<std::int64_t>>()));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok());
  const Status status = job->await();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kDataError);
  EXPECT_THAT(status.to_string(), AllOf(HasSubstr("'check'"), HasSubstr("two is refused")));
  EXPECT_EQ(job->report().restarts, 0U);
}

TEST(Stream, StateBeyondTheMemoryOfTheJobIsAnErrorThatNamesIt) {
  class Hoard final : public KeyedProcessFunction<bool, std::int64_t, std::int64_t> {
   public:
    void open(RuntimeContext& context) override { list_ = context.list_state<std::string>("l"); }
    void process_element(const std::int64_t&, Context&, Collector<Out>&) override {
      list_.add(std::string(100'000, 'x'));
    }

   private:
    ListState<std::string> list_;
  };
  Environment env({.name = "hoard", .restart_attempts = 0, .memory_bytes = std::size_t{16} << 20});
  env.from_elements<std::int64_t>(std::vector<std::int64_t>(1'000))
      .key_by([](std::int64_t) { return true; })
      .process(Hoard())
      .name("hoard")
      .add_sink(Into<std::int64_t>(std::make_shared<Seen<std::int64_t>>()));
  const Status status = env.execute();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(status.to_string(), AllOf(HasSubstr("hoard"), HasSubstr("state 'l'")));
}

TEST(Stream, NullWhereTheTypeHasNoneIsAnErrorThatNamesTheColumn) {
  const TemporaryFolder folder;
  {
    Environment env({.name = "write", .checkpoint_dir = folder.path() + "/state"});
    env.from_elements<Sale>({{"tea", 1, std::nullopt}})
        .sink_to_connector("filesystem", {{"path", folder.path() + "/sales"}, {"format", "json"}});
    ASSERT_TRUE(env.execute().ok());
  }
  Environment env({.name = "read"});
  env.from_connector<Strict>("filesystem", {{"path", folder.path() + "/sales"}, {"format", "json"}})
      .map([](const Strict& sale) { return sale.price; })
      .add_sink(Into<double>(std::make_shared<Seen<double>>()));
  EXPECT_THAT(env.execute().to_string(), HasSubstr("price"));
}

TEST(Stream, MistakesAreToldTogetherBeforeAnythingRuns) {
  Environment env({.name = "wrong"});
  auto numbers = env.from_connector<std::int64_t>("datagenn", {});
  numbers.sink_to_connector("print", {{"no-such-option", "1"}});
  numbers.map([](std::int64_t number) { return number; }).uid("twice");
  numbers.map([](std::int64_t number) { return number; }).uid("twice");
  EXPECT_THAT(env.execute().to_string(),
              AllOf(HasSubstr("no connector 'datagenn'"), HasSubstr("datagen"),
                    HasSubstr("no-such-option"), HasSubstr("uid 'twice'")));
}

TEST(Stream, ConnectorTablesAreReadAndWritten) {
  const TemporaryFolder folder;
  {
    Environment env({.name = "write", .checkpoint_dir = folder.path() + "/state"});
    env.from_elements<Sale>({{"tea", 1, 2.5}, {"milk", 2, std::nullopt}})
        .sink_to_connector("filesystem", {{"path", folder.path() + "/sales"}, {"format", "json"}});
    const Status status = env.execute();
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  auto seen = std::make_shared<Seen<std::string>>();
  Environment env({.name = "read"});
  env.from_connector<Sale>("filesystem", {{"path", folder.path() + "/sales"}, {"format", "json"}})
      .map([](const Sale& sale) {
        return sale.item + std::to_string(sale.at) + (sale.price ? "!" : "?");
      })
      .add_sink(Into<std::string>(seen));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(seen->take(), UnorderedElementsAre("tea1!", "milk2?"));
}

TEST(Stream, StepsRunInsideTheOperatorInFrontOfThem) {
  Environment env({.name = "explained"});
  auto words = env.from_elements<std::string>({"a"});
  words.map([](const std::string& word) { return word; })
      .filter([](const std::string&) { return true; })
      .key_by([](const std::string& word) { return word; })
      .process(Count())
      .uid("count")
      .map([](const Total& total) { return total.second; })
      .add_sink(Into<std::int64_t>(std::make_shared<Seen<std::int64_t>>()));
  const auto text = env.explain();
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text,
            "source-1: elements x1\n"
            "map-1: map-1 -> filter-1 -> key-by-1, rebalance from source-1\n"
            "count: process-1 -> map-2, by key from map-1\n"
            "sink-1: sink-1, forward from count\n");
}

}  // namespace
}  // namespace slipstream::stream
