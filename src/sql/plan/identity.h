// Which state belongs to which node of a plan: by content, so that it is found again when plans are
// made or printed in other ways. Never change what enters (test/golden/uids.txt).
#pragma once

#include <map>
#include <string>

#include "sql/plan/rel.h"

namespace slipstream::sql {

// Gives every node that keeps something between rows its identity and a uid. To be called on the
// plan as it was bound: rules of the optimizer, columns that nobody reads, and where filters and
// projections stand do not count.
//
// The content of a node is a digest of: a word for its kind; what it is declared to be (sources and
// sinks: connector, table, options that identify); its keys, calls and conditions over columns of
// tables; the contents below it; filters below it, and those above it that may be applied below.
// `used`: uids of the plans of the same job so far; equal contents are numbered.
void identify(Rel& root, std::map<std::string, int>& used);

// The uids by which manifests of version 1 name the same nodes. On the optimized plan.
void name_formerly(Rel& root, std::map<std::string, int>& used);

}  // namespace slipstream::sql
