// The connector contract: how rows come in and go out. One contract for SQL, DataStream and every
// host.
//
// A connector is a ConnectorFactory in a registry. It makes a Source (an enumerator that finds
// splits, and readers that poll batches of them), a Sink (writers, and a committer when it can
// publish exactly once) or a LookupSource (readers that find rows by key).
// Offsets, splits and committables are owned and persisted by the engine, never by the connector.
#pragma once

#include "slipstream/connector/lookup.h"
#include "slipstream/connector/registry.h"
#include "slipstream/connector/sink.h"
#include "slipstream/connector/source.h"
#include "slipstream/connector/table.h"
