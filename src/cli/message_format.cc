#include "cli/message_format.h"

#include <utility>

#include "data/text/temporal.h"

namespace slipstream::cli {

namespace mq = rocketmq;

namespace {

constexpr std::string_view kParts = "tbqokgiTs%";
// Of the years 1 to 9999.
constexpr std::int64_t kTimeMsMin = -62'135'596'800'000;
constexpr std::int64_t kTimeMsMax = 253'402'300'799'999;

Error bad(std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; }

}  // namespace

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    out += next == 'n' ? '\n' : next == 't' ? '\t' : next == '0' ? '\0' : next;
  }
  return out;
}

std::string time_text(std::int64_t ms) {
  if (!is_calendar_time(ms)) return std::to_string(ms);
  std::string text;
  text::append_timestamp(ms * 1'000, 3, text);
  return text;
}

bool is_calendar_time(std::int64_t ms) { return ms >= kTimeMsMin && ms <= kTimeMsMax; }

std::string joined_keys(const mq::ReceivedMessage& message) {
  std::string text;
  for (const std::string& key : message.keys) text += (text.empty() ? "" : " ") + key;
  return text;
}

Result<MessageFormat> MessageFormat::parse(std::string_view format) {
  MessageFormat made;
  const std::string text = unescaped(format);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const std::string part = text.substr(i + 1, 1);
    if (part.empty() || kParts.find(part) == std::string_view::npos) {
      return bad("format '" + std::string(format) + "': there is no %" + part +
                 "; there are %t topic, %b broker, %q queue, %o offset, %k keys, %g tags, %i id, "
                 "%T time, %s body and %% for a percent sign");
    }
    ++i;
    if (part == "%") {
      plain += '%';
      continue;
    }
    made.parts_.push_back({0, std::exchange(plain, {})});
    made.parts_.push_back({part[0], {}});
  }
  made.parts_.push_back({0, std::move(plain)});
  return made;
}

void MessageFormat::append(const mq::ReceivedMessage& message, std::string& out) const {
  for (const Part& part : parts_) {
    switch (part.letter) {
      case 't':
        out += message.topic;
        break;
      case 'b':
        out += message.broker;
        break;
      case 'q':
        out += std::to_string(message.queue_id);
        break;
      case 'o':
        out += std::to_string(message.queue_offset);
        break;
      case 'k':
        out += joined_keys(message);
        break;
      case 'g':
        out += message.tags;
        break;
      case 'i':
        out += message.message_id;
        break;
      case 'T':
        out += std::to_string(message.stored_ms);
        break;
      case 's':
        out += message.body;
        break;
      default:
        out += part.text;
    }
  }
}

}  // namespace slipstream::cli
