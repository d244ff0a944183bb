#include "world.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/try.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "flow/metrics.h"
#include "power.h"
#include "sql/launch.h"
#include "sql/session.h"

namespace slipstream::sim {
namespace {

using rocketmq::RequestCode;
using rocketmq::testing::Fault;

constexpr std::size_t kDiaryLinesMax = 400;
constexpr std::int64_t kPatienceMs = 300'000;  // from the end of bad weather to the last result
constexpr std::int64_t kDriftMs = 200;  // between the choice of a time and the message in its queue
constexpr std::int64_t kBacklogGapMs = 10;
constexpr int kQueuesMax = 5;       // of one topic at one broker
constexpr int kReadersOfInput = 2;  // each INSERT reads it
constexpr std::int64_t kFarMs = 36'000'000;
constexpr std::int64_t kFarId = 1'000'000'000;  // does not pass the filter
constexpr std::int64_t kLateMsMax = 1'900;      // below sink.fence-wait
// Until a machine is back: a lease that was half written is not waited for any more.
constexpr std::int64_t kRebootMs = 10'000;
constexpr disk::Host kHosts = 2;  // that share the disk
constexpr std::int64_t kSendSoonMs = 3'000;
constexpr std::int64_t kFenceMs = 10'000;    // at most, of what was recovered
constexpr std::int64_t kLeaseMs = 10'000;    // of a checkpoint directory
constexpr std::int64_t kHangMsMax = 40'000;  // longer than that and the fence behind it
constexpr const char* kCheckpoints = "checkpoints";
constexpr const char* kInput = "events";
constexpr const char* kKept = "kept";
constexpr const char* kTotals = "totals";

constexpr const char* kTables = R"(
CREATE TABLE events (
  id BIGINT, k STRING, ts BIGINT,
  happened AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR happened AS happened - INTERVAL {delay}
) WITH (
  'connector' = 'rocketmq', 'topic' = 'events', 'consumerGroup' = 'simulation',
  'nameServerAddress' = '{servers}', 'format' = 'json', 'scan.startup.mode' = 'earliest',
  'scan.topic-partition-discovery.interval' = '1 s');
CREATE TABLE kept (id BIGINT, k STRING) WITH (
  'connector' = 'rocketmq', 'topic' = 'kept', 'nameServerAddress' = '{servers}', 'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once');
CREATE TABLE totals (s BIGINT, k STRING, n BIGINT, ids BIGINT) WITH (
  'connector' = 'rocketmq', 'topic' = 'totals', 'nameServerAddress' = '{servers}', 'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once');
INSERT INTO kept SELECT id, k FROM events WHERE MOD(id, 10) <> 0;
INSERT INTO totals
SELECT MIN(ts) / 1000, k, COUNT(*), SUM(id)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(happened), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, k;
)";

std::int64_t now_ms() { return scheduler::now_ns() / 1'000'000; }

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void pause(std::int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

void replace_all(std::string& text, std::string_view name, const std::string& value) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at))
    text.replace(at, name.size(), value);
}

std::string broker_name(int index) {
  return "broker-" + std::string(1, static_cast<char>('a' + index));
}

std::string describe(const Fault& fault) {
  constexpr const char* kKinds[] = {
      "cut before it is done", "cut when it is done", "refused",   "done, but an error is answered",
      "done, no answer",       "done, answered late", "done late", "cut, done late all the same",
      "answered twice"};
  std::string text = kKinds[static_cast<std::size_t>(fault.kind)];
  if (fault.code != 0) text += ", code " + std::to_string(fault.code);
  if (fault.delay_ms != 0) text += ", " + std::to_string(fault.delay_ms) + " ms";
  return text;
}

Fault busy(Dice& dice) {
  const std::int32_t code =
      dice.one_of(2) ? rocketmq::response_code::kSystemBusy : rocketmq::response_code::kFlowControl;
  return Fault{.kind = Fault::Kind::kCode, .code = code, .remark = "simulated: busy"};
}

rocketmq::testing::ScriptedBrokerOptions broker_options(const Scenario& scenario) {
  rocketmq::testing::ScriptedBrokerOptions options;
  options.brokers.clear();
  for (int i = 0; i < scenario.brokers; ++i) options.brokers.push_back(broker_name(i));
  options.pull_count_max = scenario.pull_count_max;
  return options;
}

}  // namespace

void Diary::note(const std::string& text) {
  std::string at = std::to_string(now_ms());
  at.insert(0, at.size() < 7 ? 7 - at.size() : 0, ' ');
  lines_.push_back(at + " ms  " + text);
}

std::string Diary::text() const {
  std::string all;
  const std::size_t first = lines_.size() > kDiaryLinesMax ? lines_.size() - kDiaryLinesMax : 0;
  for (std::size_t i = first; i < lines_.size(); ++i) all += lines_[i] + "\n";
  return all;
}

std::string Diary::counts() const {
  std::string all;
  for (const auto& [what, count] : counts_)
    all += std::string(kHappened) + std::to_string(count) + " " + what + "\n";
  return all;
}

World::World(const Scenario& scenario, Diary& diary)
    : scenario_(scenario),
      input_queues_there_(scenario.input_queues),
      input_queues_(scenario.input_queues),
      diary_(diary),
      dice_(scenario.seed * 3 + 1),
      weather_dice_(scenario.seed * 5 + 2),
      fault_dice_(scenario.seed * 7 + 3),
      broker_(broker_options(scenario)),
      losses_left_(scenario.losses) {
  broker_.create_topic(kInput, scenario.input_queues);
  for (const char* topic : {kKept, kTotals}) {
    broker_.create_topic(topic, scenario.output_queues);
    outputs_[topic] = {scenario.output_queues, scenario.output_queues};
  }
  disk::set_sync_ms_max(scenario.sync_ms_max);
  power::watch(kCheckpoints);
  broker_.set_dispatch_lag(scenario.dispatch_lag_ms);
  broker_.disturb([this](RequestCode code) { return fault_for(code); });
  registry_.add(rocketmq_connector::make_factory());
}

World::~World() { broker_.disturb({}); }

std::string World::script(const std::string& name_servers) const {
  std::string text = kTables;
  replace_all(text, "{delay}", "'" + std::to_string(scenario_.delay_s) + "' SECOND");
  replace_all(text, "{servers}", name_servers);
  return text;
}

// --- input and weather ------------------------------------------------------------------------

void World::produce() {
  Dice dice(scenario_.seed * 11 + 4);
  const auto append = [&](const Sent& message) {
    broker_.append(message.queue, "{\"id\":" + std::to_string(message.id) + ",\"k\":\"" +
                                      message.key + "\",\"ts\":" + std::to_string(message.time_ms) +
                                      "}");
  };
  // `age_ms`: how long ago its time may be at least.
  const auto produce_one = [&](std::int64_t id, std::int64_t age_ms) {
    Sent message;
    message.id = id;
    message.key = "k" + std::to_string(dice.between(0, 4));
    message.time_ms = wall_ms() - age_ms - dice.between(0, scenario_.delay_s * 1'000 - kDriftMs);
    const auto queues = queues_of(kInput, input_queues_);
    message.queue = queues[static_cast<std::size_t>(
        dice.between(0, static_cast<std::int64_t>(queues.size()) - 1))];
    oracle_.sent(message);
    append(message);
  };
  std::int64_t id = 1;
  for (; id <= scenario_.backlog; ++id) produce_one(id, (scenario_.backlog - id) * kBacklogGapMs);
  backlog_is_there_ = true;
  std::int64_t burst = 0;
  for (; id <= scenario_.backlog + scenario_.messages; ++id) {
    // Now and then many at once: more than one batch of a task holds.
    if (burst == 0) {
      pause(dice.between(0, scenario_.message_gap_ms_max));
      burst = dice.one_of(12) ? dice.between(2, 40) : 1;
    }
    --burst;
    produce_one(id, 0);
  }
  // Event time far behind all others closes the windows; that of these stays open.
  for (const auto& queue : queues_of(kInput, input_queues_))
    append({kFarId, "end", wall_ms() + kFarMs, queue});
  produced_ = true;
  diary_.note("all input is there");
}

void World::disturb() {
  Dice& dice = weather_dice_;
  while (!produced_ || now_ms() < scenario_.weather_ms) {
    pause(dice.between(100, 2'000));
    const int weather = static_cast<int>(dice.between(0, scenario_.weather_max));
    network::set_faults(network_faults(dice, weather));
    faults_ = broker_faults(dice, weather);
    disk::set_faults(disk_faults(dice, weather));
    diary_.note("weather " + std::to_string(weather));
    if (weather == 0 || !dice.one_of(4)) continue;
    const bool brokers = !dice.one_of(4);
    diary_.note(brokers ? "brokers down" : "name server down");
    brokers ? broker_.set_brokers_up(false) : broker_.set_name_server_up(false);
    pause(dice.between(100, 6'000));
    brokers ? broker_.set_brokers_up(true) : broker_.set_name_server_up(true);
    diary_.note("up again");
  }
  clear_weather();
}

void World::clear_weather() {
  network::set_faults({});
  disk::set_faults({});
  pause(kDiskStallMsMax);  // a savepoint is not repeated: what stalls now is to be over
  scheduler::end_stalls();
  faults_ = {};
  weather_over_ = true;
  deadline_ms_ = now_ms() + kPatienceMs;
  diary_.note("weather is fine from here on");
}

std::optional<Fault> World::fault_for(RequestCode code) {
  scheduler::trace("request", static_cast<std::uint64_t>(code));
  const bool send = code == RequestCode::kSendBatchMessage || code == RequestCode::kSendMessageV2;
  if (send && std::exchange(hang_at_send_, false)) {
    scheduler::pause(process_->number);
    if (!fault_dice_.one_of(3)) return busy(fault_dice_);  // so it is to be sent again
  }
  if (send && sends_until_loss_ > 0 && --sends_until_loss_ == 0) return lose_at_send();
  auto fault = draw_fault(send);
  if (fault && send) diary_.note("a send is disturbed: " + describe(*fault));
  return fault;
}

std::optional<Fault> World::draw_fault(bool send) {
  Dice& dice = fault_dice_;
  const auto hits = [&](std::uint32_t one_of) {
    const std::int64_t more = send ? BrokerFaults::kSendsMore : 1;
    return one_of != 0 && dice.one_of(std::max<std::int64_t>(one_of / more, 3));
  };
  if (hits(faults_.drop_before_one_of)) return Fault{.kind = Fault::Kind::kDropBefore};
  if (hits(faults_.drop_after_one_of)) return Fault{.kind = Fault::Kind::kDropAfter};
  if (hits(faults_.refuse_one_of)) return busy(dice);
  if (send && hits(faults_.unknown_one_of)) {
    return Fault{.kind = dice.one_of(2) ? Fault::Kind::kCode : Fault::Kind::kCodeAfter,
                 .code = rocketmq::response_code::kSystemError,
                 .remark = "simulated: error"};
  }
  if (send && hits(faults_.weak_one_of)) {
    return Fault{.kind = Fault::Kind::kCodeAfter,
                 .code = static_cast<std::int32_t>(dice.between(10, 12)),
                 .remark = "simulated: weak"};
  }
  if (hits(faults_.silent_one_of)) return Fault{.kind = Fault::Kind::kSilence};
  if (hits(faults_.slow_one_of)) {
    constexpr Fault::Kind kSlow[] = {Fault::Kind::kDelay, Fault::Kind::kLate,
                                     Fault::Kind::kDropLate};
    return Fault{.kind = kSlow[dice.between(0, 2)],
                 .remark = {},
                 .delay_ms = dice.between(1, faults_.slow_ms_max)};
  }
  if (hits(faults_.twice_one_of)) return Fault{.kind = Fault::Kind::kTwice};
  return std::nullopt;
}

std::optional<Fault> World::lose_at_send() {
  switch (fault_dice_.between(0, 3)) {
    case 0:
      lose("before a send is done");
      return Fault{.kind = Fault::Kind::kDropBefore};
    case 1:
      lose("while a send is done");
      return std::nullopt;
    default:
      lose("a while before a send is done");
      return Fault{.kind = Fault::Kind::kLate,
                   .remark = {},
                   .delay_ms = fault_dice_.between(100, kLateMsMax)};
  }
}

// --- the job ----------------------------------------------------------------------------------

void World::start_process() {
  if (process_ != nullptr) late_rows_ += process_->late_rows;
  disk::Host host = process_ == nullptr ? 1 : process_->host;
  if (scenario_.two_processes && dice_.one_of(3)) host = kHosts + 1 - host;
  process_ = make_process(host);
}

std::shared_ptr<JobProcess> World::make_process(disk::Host host) {
  auto made = std::make_shared<JobProcess>();
  made->number = ++processes_;
  made->host = host;
  disk::run_on(made->number, host);
  const std::int64_t parallelism = dice_.between(1, scenario_.parallelism_max);
  const std::int64_t batch_rows =
      scenario_.backlog > 0 || dice_.one_of(3) ? dice_.between(1, 7) : 1'024;
  diary_.note("process " + std::to_string(processes_) + " starts on host " + std::to_string(host) +
              " with parallelism " + std::to_string(parallelism));
  scheduler::as_process(made->number, [&] {
    std::thread([this, process = made, parallelism, batch_rows] {
      run_job(*process, parallelism, batch_rows);
    }).detach();
  });
  return made;
}

void World::run_job(JobProcess& process, std::int64_t parallelism, std::int64_t batch_rows) {
  process.result = start_and_wait(process, parallelism, batch_rows);
  process.ended = true;
  diary_.note("process " + std::to_string(process.number) + " ends: " + process.result.to_string());
}

namespace {

std::int64_t late_rows_of(const flow::Runtime& runtime) {
  return runtime.metrics().total(flow::kLateRows.name);
}

}  // namespace

Status World::start_and_wait(JobProcess& process, std::int64_t parallelism,
                             std::int64_t batch_rows) {
  flow::Runtime runtime;
  sql::Session session(registry_, runtime);
  TRY(session.set("slipstream.batch-rows", std::to_string(batch_rows)));
  TRY(session.set("parallelism.default", std::to_string(parallelism)));
  TRY(session.set("execution.checkpointing.interval",
                  std::to_string(scenario_.checkpoint_ms) + " ms"));
  TRY(session.set("execution.checkpointing.timeout",
                  std::to_string(scenario_.checkpoint_timeout_ms) + " ms"));
  TRY(session.set("restart-strategy.delay", "500 ms"));
  // Each process has a name server address of its own, so that it shares no client with a lost one.
  const std::string own = "process-" + std::to_string(process.number);
  auto compiled = session.compile(script(own + broker_.name_server().substr(9)));
  if (!compiled.ok()) {
    const auto& first = compiled.diagnostics.front();
    return Error{ErrorCode::kInvalidArgument,
                 "line " + std::to_string(first.line) + ": " + first.message};
  }
  std::vector<sql::RelPtr> plans;
  for (sql::Step& step : compiled.steps) {
    if (step.plan) plans.push_back(std::move(step.plan));
  }
  sql::LaunchOptions options;
  options.name = "simulation";
  options.checkpoint_dir = kCheckpoints;
  options.changes_cost_bytes = 0;
  TRY_ASSIGN(const auto job,
             sql::start_inserts(session, plans, options, [this, own](std::string_view text) {
               diary_.note(own + ": " + std::string(text));
               if (text.find(" was given up: ") != std::string_view::npos) diary_.count(kGivenUp);
               if (text.find("] is illegal") != std::string_view::npos) diary_.count(kLostQueues);
             }));
  process.runtime = &runtime;
  process.job = job.get();
  std::thread watch;
  if (scenario_.topics_change) watch = std::thread([&] { watch_inputs(process, *job); });
  Status status = job->wait();
  process.job = nullptr;
  if (watch.joinable()) watch.join();
  process.late_rows = late_rows_of(runtime);
  process.runtime = nullptr;
  return status;
}

void World::plan_no_loss() {
  loss_time_ms_ = -1;
  sends_until_loss_ = 0;
  disk::lose_at(0, 0, {});
  stop_then_ = false;
}

void World::plan_loss() {
  plan_no_loss();
  if (losses_left_ == 0 || weather_over_) return;
  --losses_left_;
  loss_is_power_cut_ = dice_.one_of(3);
  switch (dice_.between(0, 5)) {
    case 0:
    case 1:
      sends_until_loss_ = dice_.between(1, 10);
      return;
    case 2:
      disk::lose_at(process_->number, static_cast<std::uint32_t>(dice_.between(1, 150)),
                    [this] { lose("while it writes to the disk"); });
      return;
    case 3:
      stop_then_ = true;
      break;
    default:
      break;
  }
  loss_time_ms_ =
      now_ms() + (dice_.one_of(3) ? dice_.between(0, 2'000) : dice_.between(2'000, 12'000));
}

// Until the process is lost or has ended, or everything came out in fine weather.
void World::live() {
  std::shared_ptr<JobProcess> served = process_;
  std::int64_t stop_requested_ms = -1;  // to stop
  const auto is_stopping = [&] {
    return stop_requested_ms >= 0 && now_ms() < stop_requested_ms + kPatienceMs;
  };
  while (!process_->lost && !process_->ended) {
    if (std::exchange(served, process_) != process_) stop_requested_ms = -1;
    wake_when_due();
    if (weather_over_ && loss_time_ms_ < 0 && !is_stopping()) {
      plan_no_loss();
      if ((all_there() && process_->job != nullptr) || now_ms() >= deadline_ms_) return;
      pause(90);
    }
    if (loss_time_ms_ >= 0 && now_ms() >= loss_time_ms_) {
      loss_time_ms_ = -1;
      flow::Job* job = process_->job;
      if (!stop_then_ || job == nullptr) return lose("at some time");
      diary_.note("stop with a savepoint");
      job->stop_with_savepoint();
      stop_requested_ms = now_ms();
    }
    change_topics();
    if (stop_requested_ms < 0) start_second();
    pause(10);
  }
}

// --- topics -----------------------------------------------------------------------------------

std::vector<rocketmq::MessageQueue> World::queues_of(const std::string& topic, int count) const {
  std::vector<rocketmq::MessageQueue> queues;
  for (int broker = 0; broker < scenario_.brokers; ++broker) {
    for (int id = 0; id < count; ++id) queues.push_back({topic, broker_name(broker), id});
  }
  return queues;
}

// New queues of the input get messages when a checkpoint holds them: until the job has found them,
// event time goes on without them. In the job's process, as long as it has a job.
void World::watch_inputs(JobProcess& process, flow::Job& job) {
  for (; process.job != nullptr; pause(100)) {
    const int wanted = input_queues_there_;
    if (wanted == input_queues_) continue;
    const JobReport report = job.report();
    std::map<std::string, int> readers;
    for (const TaskReport& task : report.tasks) {
      for (const SplitReport& split : task.splits) ++readers[split.id];
    }
    const auto queues = queues_of(kInput, wanted);
    const bool all_read = std::all_of(queues.begin(), queues.end(), [&](const auto& queue) {
      return readers[queue.to_string()] == kReadersOfInput;
    });
    const auto complete = static_cast<std::int64_t>(report.completed_checkpoints);
    if (!all_read || wanted != input_queues_there_) {
      process.complete_then = -1;
    } else if (process.complete_then < 0) {
      process.complete_then = complete;
    } else if (complete >= process.complete_then + 2) {  // the first had begun before, perhaps
      process.complete_then = -1;
      input_queues_ = wanted;
      diary_.note("new queues of " + std::string(kInput) + " get messages");
      diary_.count(kNewInputs);
    }
  }
}

void World::change_topics() {
  if (!scenario_.topics_change) return;
  if (weather_over_) return give_back_outputs();
  if (now_ms() < topics_time_ms_) return;
  topics_time_ms_ = now_ms() + dice_.between(500, 4'000);
  if (dice_.one_of(3)) return change_inputs();
  const std::string topic = dice_.one_of(4) ? kTotals : kKept;
  const int queues = outputs_.at(topic).now;
  if (queues > 1 && dice_.one_of(2))
    return change_output(topic, static_cast<int>(dice_.between(1, queues - 1)));
  if (queues < kQueuesMax) change_output(topic, queues + 1);
}

// One that got no message may be taken away again.
void World::change_inputs() {
  if (input_queues_there_ > input_queues_) {
    if (!dice_.one_of(3)) return;
    --input_queues_there_;  // first: nobody is to write to it
    broker_.shrink_topic(kInput, input_queues_there_);
    diary_.count(kShrunk);
  } else if (input_queues_ < kQueuesMax) {
    broker_.create_topic(kInput, input_queues_there_ + 1);
    ++input_queues_there_;
  }
  diary_.note(std::string(kInput) + " has " + std::to_string(input_queues_there_) + " queues now");
}

void World::change_output(const std::string& topic, int queues) {
  OutputQueues& known = outputs_.at(topic);
  if (queues == known.now) return;
  diary_.count(queues > known.now ? kNewOutputs : kShrunk);
  queues > known.now ? broker_.create_topic(topic, queues) : broker_.shrink_topic(topic, queues);
  known = {queues, std::max(known.most, queues)};
  diary_.note(topic + " has " + std::to_string(queues) + " queues now");
}

// What waits for a queue would wait forever.
void World::give_back_outputs() {
  for (const auto& [topic, queues] : std::map(outputs_)) change_output(topic, queues.most);
}

// --- two processes ----------------------------------------------------------------------------

namespace {

// Since the checkpoint directory belongs to another process.
bool was_refused(const JobProcess& process) {
  if (!process.ended || process.result.ok()) return false;
  const std::string& why = process.result.error().message;
  return why.find("belongs to a running job") != std::string::npos ||
         why.find("was used a moment ago") != std::string::npos;
}

}  // namespace

// By mistake, or because the first one hangs and is taken for dead.
void World::start_second() {
  if (!scenario_.two_processes || weather_over_ || now_ms() < second_time_ms_) return;
  second_time_ms_ = now_ms() + dice_.between(1'000, 8'000);
  if (process_->job == nullptr || hanging_ != nullptr) return;
  const std::shared_ptr<JobProcess> first = process_;
  const bool hangs = !dice_.one_of(3);
  if (hangs) hang(first);
  do {
    const auto second = make_process(dice_.one_of(4) ? first->host : kHosts + 1 - first->host);
    wait_for_start(*second);
    if (was_refused(*second)) diary_.count(kRefused);
    if (second->job != nullptr) return take_over(second);
    pause(dice_.between(0, 4'000));
    wake_when_due();
  } while (hanging_ == first && !first->lost);
}

// Most while they publish, when that is soon.
void World::hang(const std::shared_ptr<JobProcess>& process) {
  hang_at_send_ = !dice_.one_of(3);
  const std::int64_t until_ms = now_ms() + kSendSoonMs;
  while (hang_at_send_ && !process->lost && !process->ended && now_ms() < until_ms) pause(10);
  hang_at_send_ = false;
  scheduler::pause(process->number);
  wake_time_ms_ = now_ms() + (dice_.one_of(3) ? dice_.between(500, kLeaseMs)
                                              : dice_.between(kLeaseMs, kHangMsMax));
  hanging_ = process;
  diary_.note("process " + std::to_string(process->number) + " hangs until " +
              std::to_string(wake_time_ms_) + " ms");
}

// Until it has a job or none.
void World::wait_for_start(const JobProcess& process) {
  while (!process.ended && process.job == nullptr) {
    wake_when_due();
    pause(10);
  }
}

void World::take_over(const std::shared_ptr<JobProcess>& second) {
  const std::shared_ptr<JobProcess> first = std::exchange(process_, second);
  if (!first->lost && !first->ended) {
    diary_.note("process " + std::to_string(second->number) +
                " has taken the directory of process " + std::to_string(first->number));
    diary_.count(kTakenOver);
    if (const flow::Runtime* runtime = first->runtime) late_rows_ += late_rows_of(*runtime);
    former_.push_back(first);
  }
  plan_loss();
}

void World::wake_when_due() {
  if (hanging_ == nullptr || now_ms() < wake_time_ms_) return;
  const auto awake = std::exchange(hanging_, nullptr);
  if (awake->lost) return;
  diary_.note("process " + std::to_string(awake->number) + " wakes up");
  scheduler::resume(awake->number);
}

// They end by themselves, and publish nothing before.
void World::await_former(std::vector<std::string>& wrong) {
  const std::int64_t until_ms = now_ms() + kPatienceMs;
  for (const auto& each : former_) {
    while (!each->ended && now_ms() < until_ms) {
      wake_when_due();
      pause(100);
    }
    if (each->ended) continue;
    wrong.push_back("process " + std::to_string(each->number) +
                    " goes on, although another one took its checkpoint directory");
    scheduler::freeze(each->number);
  }
}

// --- losses -----------------------------------------------------------------------------------

void World::lose(const std::string& where) {
  // The disk of others, who live, loses nothing.
  const bool others_live =
      std::any_of(former_.begin(), former_.end(), [](const auto& each) { return !each->ended; });
  if (others_live) loss_is_power_cut_ = false;
  diary_.note("process " + std::to_string(process_->number) + " is lost " + where +
              (loss_is_power_cut_ ? ", with the power" : ""));
  network::lose_process(process_->number);
  if (const flow::Runtime* runtime = process_->runtime)
    process_->late_rows = late_rows_of(*runtime);
  process_->lost_power = loss_is_power_cut_;
  process_->lost = true;
  scheduler::freeze(process_->number);
}

// How it was stays there for the reader.
void World::take_over_disk() {
  namespace fs = std::filesystem;
  const std::string old = "lost-" + std::to_string(process_->number);
  disk::forget_lock(process_->host);  // its threads stand still and hold what they locked
  if (!fs::exists(kCheckpoints)) return;
  if (process_->lost_power) {
    power::cut(old);
    diary_.count(kPowerCuts);
    return;
  }
  fs::copy(kCheckpoints, old, fs::copy_options::recursive | fs::copy_options::create_hard_links);
}

// --- judgement --------------------------------------------------------------------------------

Oracle::Topic World::read(const std::string& topic) {
  Oracle::Topic all;
  for (const auto& queue : queues_of(topic, outputs_.at(topic).most))
    all.push_back(broker_.messages(queue));
  return all;
}

std::size_t World::count(const std::string& topic) {
  std::int64_t sum = 0;
  for (const auto& queue : queues_of(topic, outputs_.at(topic).most))
    sum += broker_.max_offset(queue);
  return static_cast<std::size_t>(sum);
}

bool World::all_there() {
  return count(kKept) >= oracle_.rows_kept() && count(kTotals) >= oracle_.windows();
}

void World::note_tasks() {
  flow::Job* job = process_->job;
  if (job == nullptr) return;
  for (const TaskReport& task : job->report().tasks) {
    diary_.note("task " + task.name + " " + std::to_string(task.subtask) + ": " +
                std::to_string(task.rows_in) + " rows in, " + std::to_string(task.rows_out) +
                " out, watermark " + std::to_string(task.watermark));
  }
}

void World::finish(std::vector<std::string>& wrong) {
  if (process_->ended) {
    wrong.push_back("the job ended by itself: " + process_->result.to_string());
    return;
  }
  if (!all_there()) note_tasks();
  if (!all_there())
    wrong.push_back("not everything came out within " + std::to_string(kPatienceMs) + " ms");
  give_back_outputs();  // where all was there before the weather was over, nobody has
  // The last savepoint is not repeated: what was recovered has to be behind its fence.
  pause(kFenceMs);
  bool told = false;
  while (!process_->ended && now_ms() < deadline_ms_ + kPatienceMs) {
    if (flow::Job* job = process_->job; job != nullptr && !std::exchange(told, true))
      job->stop_with_savepoint();
    pause(100);
  }
  if (!process_->ended) wrong.emplace_back("the job did not stop");
  if (process_->ended && !process_->result.ok())
    wrong.push_back("the job stopped with an error: " + process_->result.to_string());
}

std::vector<std::string> World::run() {
  std::thread producer([this] { produce(); });
  while (!backlog_is_there_) pause(1);
  std::thread weather([this] { disturb(); });
  while (true) {
    const bool fine = weather_over_;  // then it has no reason to end by itself
    start_process();
    plan_loss();
    live();
    if (!process_->lost && !process_->ended) break;
    if (process_->lost) take_over_disk();
    wake_when_due();
    const bool refused = was_refused(*process_) && (!weather_over_ || now_ms() < deadline_ms_);
    if (!process_->lost && fine && !process_->result.ok() && !refused) break;
    // A savepoint leaves nothing to be published, so no queue of an output need be there.
    if (scenario_.topics_change && !process_->lost && process_->result.ok()) {
      for (const auto& [topic, queues] : std::map(outputs_))
        change_output(topic, static_cast<int>(dice_.between(1, queues.now)));
    }
    pause(process_->lost_power ? dice_.between(kRebootMs, 2 * kRebootMs)
          : dice_.one_of(4)    ? dice_.between(100, 12'000)
                               : dice_.between(0, 300));
  }
  std::vector<std::string> wrong;
  finish(wrong);
  await_former(wrong);
  producer.join();
  weather.join();
  for (std::string& line : oracle_.judge(read(kKept), read(kTotals)))
    wrong.push_back(std::move(line));
  const std::int64_t late = late_rows_ + process_->late_rows;
  if (late != 0) wrong.push_back(std::to_string(late) + " rows were late");
  return wrong;
}

}  // namespace slipstream::sim
