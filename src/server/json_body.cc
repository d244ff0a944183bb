#include "server/json_body.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/suggest.h"

namespace slipstream::server {

using nlohmann::json;

struct BodyReader::State {
  json body = json::object();

  // Null when it is not there, or of another kind: then *wrong.
  const json* find(const char* field, bool (json::*is_right)() const, bool* wrong) const {
    const auto found = body.find(field);
    if (found == body.end()) return nullptr;
    const json& value = *found;
    *wrong = !(value.*is_right)();
    return *wrong ? nullptr : &value;
  }
};

BodyReader::~BodyReader() = default;

void BodyReader::refuse(std::string why) {
  if (status_.ok()) status_ = Error{ErrorCode::kInvalidArgument, std::move(why)};
}

BodyReader::BodyReader(const std::string& text, std::initializer_list<std::string_view> fields)
    : state_(std::make_unique<State>()) {
  if (text.empty()) return;
  json body;
  try {
    body = json::parse(text);
  } catch (const json::exception& error) {
    refuse(std::string("the body is no JSON: ") + error.what());
    return;
  }
  if (!body.is_object()) {
    refuse("the body is no JSON object");
    return;
  }
  const std::vector<std::string> known(fields.begin(), fields.end());
  for (const auto& [field, value] : body.items()) {
    if (std::find(known.begin(), known.end(), field) != known.end()) continue;
    const auto near = nearest_name(field, known);
    refuse("unknown field '" + field + "'" + (near ? "; did you mean '" + *near + "'?" : ""));
  }
  state_->body = std::move(body);
}

std::string BodyReader::text(const char* field) {
  bool wrong = false;
  const json* value = state_->find(field, &json::is_string, &wrong);
  if (wrong) refuse(std::string("field '") + field + "' is no string");
  return value == nullptr ? "" : value->get<std::string>();
}

std::string BodyReader::required_text(const char* field) {
  std::string value = text(field);
  if (value.empty()) refuse(std::string("field '") + field + "' is missing or empty");
  return value;
}

bool BodyReader::flag(const char* field) {
  bool wrong = false;
  const json* value = state_->find(field, &json::is_boolean, &wrong);
  if (wrong) refuse(std::string("field '") + field + "' is no boolean");
  return value != nullptr && value->get<bool>();
}

std::int64_t BodyReader::integer(const char* field, std::int64_t otherwise) {
  bool wrong = false;
  const json* value = state_->find(field, &json::is_number_integer, &wrong);
  const bool too_large = value != nullptr && value->is_number_unsigned() &&
                         value->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max();
  if (wrong || too_large)
    refuse(std::string("field '") + field + "' is no integer" + (too_large ? " of 64 bits" : ""));
  return value == nullptr || too_large ? otherwise : value->get<std::int64_t>();
}

std::map<std::string, std::string> BodyReader::texts(const char* field) {
  std::map<std::string, std::string> out;
  bool wrong = false;
  const json* value = state_->find(field, &json::is_object, &wrong);
  if (wrong) refuse(std::string("field '") + field + "' is no object");
  if (value == nullptr) return out;
  for (const auto& [key, each] : value->items()) {
    if (each.is_string()) {
      out[key] = each.get<std::string>();
    } else {
      refuse(std::string("field '") + field + "': the value of '" + key + "' is no string");
    }
  }
  return out;
}

}  // namespace slipstream::server
