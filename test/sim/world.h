// One run: brokers, a producer, bad weather, and a job that is lost and started again until all is
// done.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector.h"

#include "disk.h"
#include "flow/job.h"
#include "flow/runtime.h"
#include "oracle.h"
#include "rocketmq/testing/scripted_broker.h"
#include "scenario.h"
#include "scheduler.h"

namespace slipstream::sim {

// What seeds are for: none of it may happen in no seed at all.
inline constexpr const char* kGivenUp = "checkpoints given up";
inline constexpr const char* kPowerCuts = "power cuts";
inline constexpr const char* kNewInputs = "times that new queues were read";
inline constexpr const char* kNewOutputs = "times that there were new queues to write";
inline constexpr const char* kShrunk = "times that a topic lost queues";
inline constexpr const char* kRefused = "second processes refused";
inline constexpr const char* kTakenOver = "processes whose checkpoint directory another one took";
inline constexpr const char* kLostQueues = "words of epochs that wait for a queue their topic lost";
inline constexpr const char* kOccurrences[] = {kGivenUp, kPowerCuts, kNewInputs, kNewOutputs,
                                               kShrunk,  kRefused,   kTakenOver, kLostQueues};
inline constexpr std::string_view kHappened = "happened ";  // before each in what a seed prints

// What happened, with virtual times, for the reader of a failure.
class Diary {
 public:
  void note(const std::string& text);
  // One of kOccurrences.
  void count(const char* what) { ++counts_[what]; }
  // The last lines.
  std::string text() const;
  // A line for each that occurred.
  std::string counts() const;

 private:
  std::vector<std::string> lines_;
  std::map<std::string, std::int64_t> counts_;
};

// One process that runs the job: its threads share nothing with others but the disk and the
// network.
struct JobProcess {
  scheduler::Process number = 0;
  disk::Host host = 0;
  std::atomic<flow::Job*> job{nullptr};
  std::atomic<flow::Runtime*> runtime{nullptr};
  std::int64_t late_rows = 0;
  bool ended = false;  // by itself
  // Checkpoints that were complete when all input queues were first seen to be read; -1 = not yet.
  std::int64_t complete_then = -1;
  bool lost = false;
  bool lost_power = false;  // then its machine was lost
  Status result;
};

// Queues of an output topic at each broker.
struct OutputQueues {
  int now = 1;
  int most = 1;  // ever
};

// Owner:  the main thread of a run. Works in the current directory.
// Thread: simulated ones.
class World {
 public:
  World(const Scenario& scenario, Diary& diary);
  ~World();

  // What is wrong with what came out; empty = nothing.
  std::vector<std::string> run();

 private:
  void produce();
  void disturb();
  std::optional<rocketmq::testing::Fault> fault_for(rocketmq::RequestCode code);
  std::optional<rocketmq::testing::Fault> draw_fault(bool send);
  std::optional<rocketmq::testing::Fault> lose_at_send();
  std::shared_ptr<JobProcess> make_process(disk::Host host);
  void start_process();
  void run_job(JobProcess& process, std::int64_t parallelism, std::int64_t batch_rows);
  Status start_and_wait(JobProcess& process, std::int64_t parallelism, std::int64_t batch_rows);
  void plan_loss();
  void plan_no_loss();
  void live();
  void start_second();
  void hang(const std::shared_ptr<JobProcess>& process);
  void wait_for_start(const JobProcess& process);
  void take_over(const std::shared_ptr<JobProcess>& second);
  void wake_when_due();
  void await_former(std::vector<std::string>& wrong);
  void lose(const std::string& where);
  void take_over_disk();
  void note_tasks();
  void watch_inputs(JobProcess& process, flow::Job& job);
  void change_topics();
  void change_inputs();
  void give_back_outputs();
  void change_output(const std::string& topic, int queues);
  void finish(std::vector<std::string>& wrong);
  bool all_there();
  Oracle::Topic read(const std::string& topic);
  std::size_t count(const std::string& topic);
  std::vector<rocketmq::MessageQueue> queues_of(const std::string& topic, int count) const;
  void clear_weather();
  std::string script(const std::string& name_servers) const;

  const Scenario scenario_;
  // Of each broker: in the route, and those of them that get messages.
  int input_queues_there_;
  int input_queues_;
  std::map<std::string, OutputQueues> outputs_;
  Diary& diary_;
  Dice dice_;          // of the supervisor
  Dice weather_dice_;  // of the weather
  Dice fault_dice_;    // of the brokers
  Oracle oracle_;
  rocketmq::testing::ScriptedBroker broker_;
  ConnectorRegistry registry_;
  BrokerFaults faults_;
  bool backlog_is_there_ = false;
  bool produced_ = false;
  bool weather_over_ = false;
  std::int64_t deadline_ms_ = 0;         // for the last result
  std::shared_ptr<JobProcess> process_;  // the running one
  std::uint32_t processes_ = 0;
  std::vector<std::shared_ptr<JobProcess>> former_;  // whose directory was taken while they lived
  std::shared_ptr<JobProcess> hanging_;
  std::int64_t wake_time_ms_ = 0;    // of that one
  bool hang_at_send_ = false;        // the running one, when a broker gets the next
  std::int64_t second_time_ms_ = 0;  // when somebody starts the job a second time
  std::int64_t late_rows_ = 0;       // of former processes
  int losses_left_ = 0;
  std::int64_t sends_until_loss_ = 0;  // 0 = not so
  std::int64_t loss_time_ms_ = -1;     // -1 = not so
  bool stop_then_ = false;             // with a savepoint
  std::int64_t topics_time_ms_ = 0;    // of the next change
  bool loss_is_power_cut_ = false;
};

}  // namespace slipstream::sim
