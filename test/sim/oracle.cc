#include "oracle.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace slipstream::sim {
namespace {

constexpr std::size_t kLinesMax = 20;

// The value behind "name": in flat JSON, without quotes.
std::string field(std::string_view body, std::string_view name) {
  const std::string wanted = "\"" + std::string(name) + "\":";
  const std::size_t found = body.find(wanted);
  if (found == std::string_view::npos) return "";
  std::string_view rest = body.substr(found + wanted.size());
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    return std::string(rest.substr(0, rest.find('"')));
  }
  return std::string(rest.substr(0, rest.find_first_of(",}")));
}

std::int64_t number(std::string_view body, std::string_view name) {
  const std::string text = field(body, name);
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string place(const rocketmq::ReceivedMessage& message) {
  return message.queue().to_string() + " offset " + std::to_string(message.queue_offset) + ": " +
         message.body;
}

}  // namespace

void Oracle::sent(const Sent& message) {
  sent_.emplace(message.id, message);
  if (passes(message.id)) ++rows_kept_;
  Window& window = windows_[{message.time_ms / 1'000, message.key}];
  ++window.count;
  window.sum += message.id;
}

std::vector<std::string> Oracle::judge(const Topic& kept, const Topic& totals) const {
  std::vector<std::string> wrong;
  judge_kept(kept, wrong);
  judge_totals(totals, wrong);
  if (wrong.size() > kLinesMax) {
    wrong.push_back("and " + std::to_string(wrong.size() - kLinesMax) + " more");
    wrong.erase(wrong.begin() + kLinesMax, wrong.end() - 1);
  }
  return wrong;
}

void Oracle::judge_kept(const Topic& kept, std::vector<std::string>& wrong) const {
  std::set<std::int64_t> seen;
  std::set<std::string> message_ids;
  for (const auto& queue : kept) {
    std::map<rocketmq::MessageQueue, std::int64_t> last;
    for (const rocketmq::ReceivedMessage& message : queue) {
      const std::int64_t id = number(message.body, "id");
      const auto origin = sent_.find(id);
      if (!message_ids.insert(message.message_id).second)
        wrong.push_back("kept: message id " + message.message_id + " twice, " + place(message));
      if (origin == sent_.end() || !passes(id)) {
        wrong.push_back("kept: nobody sent " + place(message));
        continue;
      }
      if (!seen.insert(id).second) wrong.push_back("kept: twice, " + place(message));
      const auto [before, first] = last.try_emplace(origin->second.queue, id);
      if (!first && before->second > id)
        wrong.push_back("kept: behind " + std::to_string(before->second) + " of the same queue, " +
                        place(message));
      before->second = std::max(before->second, id);
    }
  }
  for (const auto& [id, message] : sent_) {
    if (passes(id) && !seen.contains(id))
      wrong.push_back("kept: missing id " + std::to_string(id) + " of " +
                      message.queue.to_string());
  }
}

void Oracle::judge_totals(const Topic& totals, std::vector<std::string>& wrong) const {
  std::set<std::pair<std::int64_t, std::string>> seen;
  for (const auto& queue : totals) {
    for (const rocketmq::ReceivedMessage& message : queue) {
      const std::pair window(number(message.body, "s"), field(message.body, "k"));
      const auto expected = windows_.find(window);
      if (expected == windows_.end()) {
        wrong.push_back("totals: no such window, " + place(message));
        continue;
      }
      if (!seen.insert(window).second) wrong.push_back("totals: twice, " + place(message));
      if (number(message.body, "n") != expected->second.count ||
          number(message.body, "ids") != expected->second.sum) {
        wrong.push_back("totals: should be " + std::to_string(expected->second.count) +
                        " rows with ids that add up to " + std::to_string(expected->second.sum) +
                        ", " + place(message));
      }
    }
  }
  for (const auto& [window, expected] : windows_) {
    if (!seen.contains(window))
      wrong.push_back("totals: missing window of second " + std::to_string(window.first) +
                      ", key " + window.second);
  }
}

}  // namespace slipstream::sim
