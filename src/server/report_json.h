// Jobs as the REST interface shows them: JSON texts, schemas in openapi.json.
#pragma once

#include <string>
#include <vector>

#include "server/hosted_job.h"

namespace slipstream::server {

std::string summary_json(const HostedJob::View& view);
std::string list_json(const std::vector<HostedJob::View>& views);
// With script (secrets as stars), graph, queues, checkpoints, failures and events.
std::string detail_json(const HostedJob::View& view, const StateDirectory& state);
// The points as one array per number.
std::string series_json(const std::vector<SeriesPoint>& points);
std::string audit_json(const flow::RowAudit::Report& report);
// {"diagnostics": [...]}
std::string diagnostics_json(const std::vector<sql::Diagnostic>& diagnostics,
                             const std::string& script);
std::string refusal_json(const Refusal& refusal);

}  // namespace slipstream::server
