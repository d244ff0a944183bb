// Finds the files of a table.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "slipstream/connector.h"

#include "connectors/filesystem/settings.h"

namespace slipstream::filesystem_connector {

// A split per file, in the order of names. Every file is found once: what is appended to it later
// is not read. Monitoring passes over empty files, which are about to be written.
class FileEnumerator final : public SplitEnumerator {
 public:
  static Result<std::unique_ptr<SplitEnumerator>> make(
      std::shared_ptr<const SourceSettings> settings, const EnumeratorContext& context);

  Result<Discovery> discover() override;
  std::chrono::milliseconds discovery_interval() const override {
    return std::chrono::milliseconds(settings_->monitor_ms);
  }
  std::string snapshot() override;

 private:
  explicit FileEnumerator(std::shared_ptr<const SourceSettings> settings)
      : settings_(std::move(settings)) {}

  const std::shared_ptr<const SourceSettings> settings_;
  std::set<std::string> known_;
  bool looked_ = false;  // at least once, by this process or the one that wrote the snapshot
};

}  // namespace slipstream::filesystem_connector
