#include "server/job_record.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/try.h"

namespace slipstream::server {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr std::string_view kSuffix = ".json";

std::string file_of(const std::string& name) { return "jobs/" + name + std::string(kSuffix); }

}  // namespace

bool is_name(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 64 && plain(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return plain(c) || c == '_' || c == '-' || c == '.'; });
}

std::string encode_record(const JobRecord& record) {
  const json value = {{"format", kFormat},
                      {"name", record.name},
                      {"sql", record.sql},
                      {"settings", record.settings},
                      {"checkpoint_dir", record.checkpoint_dir},
                      {"submitted_ms", record.submitted_ms},
                      {"wanted", record.wanted},
                      {"ended", record.ended},
                      {"error", record.error},
                      {"ended_ms", record.ended_ms}};
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<JobRecord> decode_record(const std::string& text) {
  try {
    const json value = json::parse(text);
    if (value.at("format").get<int>() != kFormat) {
      return Error{ErrorCode::kUnsupported,
                   "format " + value.at("format").dump() + " of a job is of another version"};
    }
    JobRecord record;
    value.at("name").get_to(record.name);
    value.at("sql").get_to(record.sql);
    value.at("settings").get_to(record.settings);
    value.at("checkpoint_dir").get_to(record.checkpoint_dir);
    value.at("submitted_ms").get_to(record.submitted_ms);
    value.at("wanted").get_to(record.wanted);
    value.at("ended").get_to(record.ended);
    value.at("error").get_to(record.error);
    value.at("ended_ms").get_to(record.ended_ms);
    if (is_name(record.name) && is_name(record.checkpoint_dir)) return record;
    return Error{ErrorCode::kCorrupt, "a name in it is none"};
  } catch (const json::exception& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

StateDirectory::StateDirectory(std::string path, io::FileLock lock,
                               std::unique_ptr<flow::CheckpointStorage> storage)
    : path_(std::move(path)), lock_(std::move(lock)), storage_(std::move(storage)) {}

Result<std::unique_ptr<StateDirectory>> StateDirectory::open(const std::string& path) {
  std::error_code error;
  const bool is_new = !fs::exists(path, error);
  fs::create_directories(path, error);
  if (!error && is_new) fs::permissions(path, fs::perms::owner_all, error);
  for (const char* folder : {"jobs", "checkpoints", "savepoints"}) {
    if (!error) fs::create_directories(fs::path(path) / folder, error);
  }
  if (error) {
    return Error{ErrorCode::kPermissionDenied,
                 "the state directory '" + path + "' cannot be made: " + error.message()};
  }
  auto lock = io::FileLock::acquire(path + "/lock");
  if (!lock.ok()) {
    const bool is_held = lock.error().code == ErrorCode::kUnavailable;
    return lock.status().with_context("state directory '" + path + "'" +
                                      (is_held ? " (another server has it?)" : ""));
  }
  TRY_ASSIGN(auto storage, flow::open_directory_storage(path));
  return std::unique_ptr<StateDirectory>(
      new StateDirectory(path, std::move(*lock), std::move(storage)));
}

Status StateDirectory::save(const JobRecord& record) {
  return storage_->publish(file_of(record.name), encode_record(record))
      .with_context("saving job '" + record.name + "'");
}

Status StateDirectory::remove(const std::string& name) { return storage_->remove(file_of(name)); }

Result<StateDirectory::Loaded> StateDirectory::load() const {
  TRY_ASSIGN(std::vector<std::string> files, storage_->list("jobs"));
  std::sort(files.begin(), files.end());
  Loaded loaded;
  for (const std::string& file : files) {
    if (!file.ends_with(kSuffix)) continue;
    const auto text = storage_->read("jobs/" + file);
    auto record = text.ok() ? decode_record(*text) : Result<JobRecord>(text.status());
    if (record.ok() && file_of(record->name) != "jobs/" + file)
      record = Error{ErrorCode::kCorrupt, "it holds the job '" + record->name + "'"};
    if (record.ok()) {
      loaded.records.push_back(std::move(*record));
    } else {
      loaded.faults.push_back(path_ + "/jobs/" + file + ": " + record.error().message);
    }
  }
  return loaded;
}

}  // namespace slipstream::server
