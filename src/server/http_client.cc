#include "server/http_client.h"

#include <cctype>
#include <cstdio>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace slipstream::server {
namespace {

constexpr int kConnectSeconds = 10;
constexpr int kSilenceSeconds = 60;  // a stream says something twice a second
constexpr std::size_t kLineBytesMax = std::size_t{64} << 20;

// What the answer of a server that refuses says.
std::string refusal_text(int status, const std::string& body) {
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("error") || !answer["error"].is_object())
    return "status " + std::to_string(status);
  const auto text = [&](const char* field) {
    const auto found = answer["error"].find(field);
    return found != answer["error"].end() && found->is_string() ? found->get<std::string>() : "";
  };
  const std::string fix = text("fix");
  return text("message") + (fix.empty() ? "" : "; " + fix);
}

// Cuts lines out of what comes.
class Lines {
 public:
  explicit Lines(const LineVisitor& visit) : visit_(visit) {}
  bool add(std::string_view bytes) {
    pending_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = pending_.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      const std::string_view line = std::string_view(pending_).substr(begin, end - begin);
      if (!line.empty() && !visit_(line)) return false;
    }
    pending_.erase(0, begin);
    return pending_.size() <= kLineBytesMax;
  }

 private:
  const LineVisitor& visit_;
  std::string pending_;
};

}  // namespace

Status get_lines(const ServerAddress& server, const std::string& path, const LineVisitor& visit) {
  if (!server.url.starts_with("http://")) {
    return Error{ErrorCode::kInvalidArgument,
                 "server '" + server.url + "': http://HOST:PORT is expected"};
  }
  httplib::Client client(server.url);
  if (!client.is_valid())
    return Error{ErrorCode::kInvalidArgument, "server '" + server.url + "' is no URL"};
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(kSilenceSeconds);
  int status = 0;
  std::string refusal;
  Lines lines(visit);
  bool enough = false;
  httplib::Request request;
  request.method = "GET";
  request.path = path;
  if (!server.token.empty()) request.headers = {{"Authorization", "Bearer " + server.token}};
  request.response_handler = [&](const httplib::Response& response) {
    status = response.status;
    return true;
  };
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    if (status != 200) {
      refusal.append(data, size);
      return refusal.size() <= kLineBytesMax;
    }
    enough = !lines.add(std::string_view(data, size));
    return !enough;
  };
  const httplib::Result result = client.send(request);
  if (enough) return {};
  if (!result) {
    return Error::retry(ErrorCode::kUnavailable, "server " + server.url + ": " +
                                                     httplib::to_string(result.error()) +
                                                     "; is `slipstream serve` running there?");
  }
  if (status == 200) return {};
  return Error{status == 400 ? ErrorCode::kInvalidArgument : ErrorCode::kDataError,
               "server " + server.url + ": " + refusal_text(status, refusal)};
}

std::string encoded(std::string_view word) {
  std::string text;
  for (const char c : word) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.') {
      text += c;
      continue;
    }
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
    text += hex;
  }
  return text;
}

}  // namespace slipstream::server
