#include "sql/settings/flink_settings.h"

#include <algorithm>
#include <array>

namespace slipstream::sql {
namespace {

constexpr std::string_view kOneProcess =
    "the job is one process; its memory is 'slipstream.memory'";
constexpr std::string_view kNoCluster = "there is no cluster to talk to";
constexpr std::string_view kNoTuning = "plans and operators need no such tuning";
constexpr std::string_view kPage = "'slipstream serve' has flags for its address and its access";
constexpr std::string_view kState =
    "state lies in memory, in pages that checkpoints share; checkpoints are incremental";
constexpr std::string_view kRestarts =
    "restarts follow 'restart-strategy.attempts' and 'restart-strategy.delay'";

constexpr std::array kSettings = {
    FlinkSetting{"akka.", kNoCluster},
    FlinkSetting{"classloader.", "connectors are part of the program"},
    FlinkSetting{"cluster.", kNoCluster},
    FlinkSetting{"env.", kOneProcess},
    FlinkSetting{"execution.attached", "'slipstream run' stays until the job ends"},
    FlinkSetting{"execution.buffer-timeout", kNoTuning},
    FlinkSetting{"execution.checkpointing.aligned-checkpoint-timeout",
                 "barriers are always aligned"},
    FlinkSetting{"execution.checkpointing.externalized-checkpoint-retention",
                 "checkpoints stay when the job ends"},
    FlinkSetting{"execution.checkpointing.max-concurrent-checkpoints", "there is one at a time"},
    FlinkSetting{"execution.checkpointing.min-pause",
                 "a checkpoint begins when the interval is over and the one before is complete"},
    FlinkSetting{"execution.checkpointing.mode",
                 "state is always exact; a sink says what it promises: 'sink.delivery-guarantee'"},
    FlinkSetting{"execution.checkpointing.tolerable-failed-checkpoints",
                 "a checkpoint that fails is given up and the job goes on"},
    FlinkSetting{"execution.checkpointing.unaligned", "barriers are always aligned"},
    FlinkSetting{"execution.checkpointing.unaligned.enabled", "barriers are always aligned"},
    FlinkSetting{"execution.runtime-mode",
                 "queries run as streams; one over bounded inputs ends with them"},
    FlinkSetting{"execution.savepoint.ignore-unclaimed-state", "", "--allow-dropped-state"},
    FlinkSetting{"execution.savepoint.path", "", "--from PATH"},
    FlinkSetting{"execution.shutdown-on-attached-exit",
                 "SIGINT and SIGTERM end the job with a savepoint"},
    FlinkSetting{"execution.state-recovery.ignore-unclaimed-state", "", "--allow-dropped-state"},
    FlinkSetting{"execution.state-recovery.path", "", "--from PATH"},
    FlinkSetting{"execution.target", kNoCluster},
    FlinkSetting{"fs.", "checkpoints lie in a directory"},
    FlinkSetting{"heartbeat.", kNoCluster},
    FlinkSetting{"high-availability.", "the lease in the checkpoint directory keeps a job single"},
    FlinkSetting{"historyserver.", kPage},
    FlinkSetting{"io.", kOneProcess},
    FlinkSetting{"jobmanager.", kOneProcess},
    FlinkSetting{"kubernetes.", kNoCluster},
    FlinkSetting{"metrics.", "metrics are served with --metrics-port"},
    FlinkSetting{"pekko.", kNoCluster},
    FlinkSetting{"pipeline.auto-watermark-interval", "watermarks follow the rows"},
    FlinkSetting{"pipeline.classpaths", "connectors are part of the program"},
    FlinkSetting{"pipeline.generic-types", kNoTuning},
    FlinkSetting{"pipeline.jars", "connectors are part of the program"},
    FlinkSetting{"pipeline.object-reuse", "rows come in batches of columns"},
    FlinkSetting{"pipeline.operator-chaining", "operators are chained where they can be"},
    FlinkSetting{"pipeline.operator-chaining.enabled", "operators are chained where they can be"},
    FlinkSetting{"pipeline.vertex-description-mode", kNoTuning},
    FlinkSetting{"python.", "there are no Python functions"},
    FlinkSetting{"rest.", kPage},
    FlinkSetting{"restart-strategy", kRestarts},
    FlinkSetting{"restart-strategy.exponential-delay.", kRestarts},
    FlinkSetting{"restart-strategy.failure-rate.", kRestarts},
    FlinkSetting{"restart-strategy.type", kRestarts},
    FlinkSetting{"s3.", "checkpoints lie in a directory"},
    FlinkSetting{"security.", "connectors have options for it"},
    FlinkSetting{"sql-client.", "the form of results is --output"},
    FlinkSetting{"state.backend", kState},
    FlinkSetting{"state.backend.local-recovery", kState},
    FlinkSetting{"state.backend.rocksdb.", kState},
    FlinkSetting{"state.backend.type", kState},
    FlinkSetting{"state.checkpoint-storage", "checkpoints lie in --checkpoint-dir"},
    FlinkSetting{"state.savepoints.dir", "savepoints lie in --checkpoint-dir"},
    FlinkSetting{"table.dml-sync", "an INSERT at the end of a script is waited for"},
    FlinkSetting{"table.dynamic-table-options.enabled", "the hint OPTIONS is always read"},
    FlinkSetting{"table.exec.async-lookup.", kNoTuning},
    FlinkSetting{"table.exec.deduplicate.", kNoTuning},
    FlinkSetting{"table.exec.disabled-operators", kNoTuning},
    FlinkSetting{"table.exec.legacy-cast-behaviour",
                 "a CAST that cannot be ends the job; TRY_CAST"
                 " gives NULL"},
    FlinkSetting{"table.exec.mini-batch.", "changes of one batch are always folded"},
    FlinkSetting{"table.exec.resource.", "'parallelism.default' is the one there is"},
    FlinkSetting{"table.exec.sink.keyed-shuffle", kNoTuning},
    FlinkSetting{"table.exec.sink.upsert-materialize", "no sink needs it"},
    FlinkSetting{"table.exec.source.cdc-events-duplicate",
                 "duplicates of changes are not looked for"},
    FlinkSetting{"table.exec.source.idle-timeout", "",
                 "'scan.watermark.idle-timeout' among the options of the table"},
    FlinkSetting{"table.exec.spill-compression.", kOneProcess},
    FlinkSetting{"table.exec.window-agg.", kNoTuning},
    FlinkSetting{"table.optimizer.", kNoTuning},
    FlinkSetting{"table.planner", "there is one planner"},
    FlinkSetting{"table.rtas-ctas.", "CREATE TABLE AS is not supported"},
    FlinkSetting{"table.sql-dialect", "the dialect is Flink's default one"},
    FlinkSetting{"taskmanager.", kOneProcess},
    FlinkSetting{"web.", kPage},
    FlinkSetting{"yarn.", kNoCluster},
};

}  // namespace

std::span<const FlinkSetting> flink_settings() { return kSettings; }

const FlinkSetting* find_flink_setting(std::string_view key) {
  const auto found = std::find_if(kSettings.begin(), kSettings.end(), [key](const auto& setting) {
    return setting.key.ends_with('.') ? key.starts_with(setting.key) : key == setting.key;
  });
  return found == kSettings.end() ? nullptr : &*found;
}

std::string to_markdown(std::span<const FlinkSetting> settings) {
  std::string text = "| key of Flink | here |\n|---|---|\n";
  for (const FlinkSetting& setting : settings) {
    text += "| `" + std::string(setting.key) + (setting.key.ends_with('.') ? "*` | " : "` | ");
    text += setting.instead.empty() ? std::string(setting.note)
                                    : "refused: use " + std::string(setting.instead);
    text += " |\n";
  }
  return text;
}

}  // namespace slipstream::sql
