// Replays the worked run of README.md, line by line.
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

#include "flow/event_time/channel_watermarks.h"
#include "flow/event_time/source_watermark.h"

namespace slipstream::flow {
namespace {

std::string text_of(const TimeSignal& signal) {
  if (const auto* watermark = std::get_if<Watermark>(&signal)) {
    if (watermark->time_ms == kMaxWatermark) return "Watermark end";
    return "Watermark " + std::to_string(watermark->time_ms) + " as of " +
           std::to_string(watermark->as_of_ms);
  }
  const auto* idle = std::get_if<Idle>(&signal);
  if (idle == nullptr) return "Active";
  if (idle->proven_ms == kAlwaysIdle) return "Idle always";
  return "Idle proven " + std::to_string(idle->proven_ms);
}

std::string text_of(const std::vector<TimeSignal>& signals) {
  std::string text;
  for (const TimeSignal& signal : signals) text += (text.empty() ? "" : "; ") + text_of(signal);
  return text;
}

// The task behind the exchange, with a channel for each source task.
class TaskBehind {
 public:
  void receive(std::size_t channel, const TimeSignal& signal) {
    channels_.receive(channel, signal);
    if (const auto reached = channels_.advance()) {
      watermark_ = reached->time_ms;
      idle_signal_.interrupted();
      sent_.emplace_back(*reached);
    }
    if (const auto idle = idle_signal_.update(channels_.idle_ms())) sent_.push_back(*idle);
  }
  void receive_batch(std::size_t channel) {
    if (channels_.is_idle(channel)) receive(channel, Active{});
  }
  std::vector<TimeSignal> take_sent() { return std::exchange(sent_, {}); }
  std::string watermark() const {
    if (watermark_ == kMinWatermark) return "none";
    return watermark_ == kMaxWatermark ? "end" : std::to_string(watermark_);
  }

 private:
  ChannelWatermarks channels_{std::vector<ChannelWatermarks::Channel>(2)};
  IdleSignal idle_signal_;
  EventTime watermark_ = kMinWatermark;
  std::vector<TimeSignal> sent_;
};

class SourceTask final : private Emitter {
 public:
  SourceTask(TaskBehind& behind, std::size_t channel) : behind_(behind), channel_(channel) {
    OperatorContext context;
    context.set_timer = [this](std::int64_t at_ms) { timer_ms_ = at_ms; };
    time_.open(context);
  }

  void happens(const std::string& what, std::int64_t now_ms) {
    static const std::regex kRow(R"(row of split (\d+) at (\d+))");
    static const std::regex kEmpty(R"(split (\d+) empty, asked at (\d+))");
    static const std::regex kOther(R"(split (\d+) (added|active|ended))");
    std::smatch part;
    if (std::regex_match(what, part, kRow)) {
      time_.splits().rows(number(part[1]), std::stoll(part[2]), now_ms);
      time_.batch_noted();
      behind_.receive_batch(channel_);
    } else if (std::regex_match(what, part, kEmpty)) {
      time_.note({number(part[1]), SplitIdle{{.asked_ms = std::stoll(part[2])}}}, now_ms);
    } else if (std::regex_match(what, part, kOther)) {
      SplitEvent event{number(part[1]), SplitAdded{}};
      if (part[2] == "active") event.what = SplitActive{};
      if (part[2] == "ended") event.what = SplitEnded{};
      time_.note(event, now_ms);
    } else if (what == "timer") {
      EXPECT_EQ(timer_ms_, now_ms) << "it has asked for another moment";
      time_.timer_fired();
    } else {
      ASSERT_EQ(what, "end of input");
      return time_.advance(Watermark{kMaxWatermark}, *this);
    }
    time_.decide(now_ms, *this);
  }
  std::vector<TimeSignal> take_sent() { return std::exchange(sent_, {}); }

 private:
  static std::uint32_t number(const std::string& text) {
    return static_cast<std::uint32_t>(std::stoul(text));
  }
  void emit(Batch&&) override {}
  void emit(const TimeSignal& signal) override {
    sent_.push_back(signal);
    behind_.receive(channel_, signal);
  }
  void emit_side(std::size_t, Batch&&) override {}
  bool has_room() const override { return true; }

  TaskBehind& behind_;
  const std::size_t channel_;
  SourceWatermark time_{{.empty_grace_ms = 100}};
  std::int64_t timer_ms_ = 0;
  std::vector<TimeSignal> sent_;
};

// The cells of each line that begins with a time.
std::vector<std::vector<std::string>> table() {
  std::ifstream readme(SLIPSTREAM_EVENT_TIME_README);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(readme, line);) {
    if (!std::regex_search(line, std::regex(R"(^\| \d+ \|)"))) continue;
    std::istringstream in(line.substr(1));
    std::vector<std::string>& cells = lines.emplace_back();
    for (std::string cell; std::getline(in, cell, '|');)
      cells.push_back(std::regex_replace(cell, std::regex("^ +| +$"), ""));
  }
  return lines;
}

TEST(EventTime, TheWorkedRunOfTheReadmeIsTrue) {
  TaskBehind behind;
  SourceTask a(behind, 0);
  SourceTask b(behind, 1);
  const auto lines = table();
  ASSERT_GT(lines.size(), 20U);
  for (const auto& cells : lines) {
    ASSERT_EQ(cells.size(), 7U);
    SCOPED_TRACE(cells[0] + " ms, " + cells[1] + ": " + cells[2]);
    SourceTask& task = cells[1] == "A" ? a : b;
    task.happens(cells[2], std::stoll(cells[0]));
    EXPECT_EQ(text_of(task.take_sent()), cells[3]);
    EXPECT_EQ(text_of(behind.take_sent()), cells[4]);
    EXPECT_EQ(behind.watermark(), cells[5]);
  }
}

}  // namespace
}  // namespace slipstream::flow
