#include "flow/checkpoint/state_match.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/try.h"

namespace slipstream::flow {
namespace {

// "a, b, c" or "nothing"
std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "nothing" : text;
}

std::string named(const std::string& name, const std::string& uid) {
  return name.empty() || name == uid ? uid : name + " (" + uid + ")";
}

std::set<std::string> uids_of(const Manifest& manifest) {
  std::set<std::string> uids(manifest.exactly_once_sinks.begin(),
                             manifest.exactly_once_sinks.end());
  for (const OperatorState& state : manifest.operators) uids.insert(state.uid);
  for (const SourceState& source : manifest.sources) uids.insert(source.uid);
  for (const Epoch& epoch : manifest.epochs) uids.insert(epoch.sink);
  return uids;
}

std::size_t common_prefix(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(ends.first - a.begin());
}

// Saved uid -> uid in the graph.
class UidMap {
 public:
  UidMap(const Manifest& saved, const Graph& graph) : graph_(graph), taken_(graph.nodes.size()) {
    std::map<std::string, const StateOwner*> owners;
    for (const StateOwner& owner : saved.owners) owners.emplace(owner.uid, &owner);
    std::vector<const StateOwner*> by_content;
    for (const std::string& uid : uids_of(saved)) {
      const auto owner = owners.find(uid);
      if (owner == owners.end()) {
        match_by_uid(uid);
      } else {
        by_content.push_back(owner->second);
      }
    }
    match_by_content(by_content);
  }

  const std::string* find(const std::string& saved) const {
    const auto found = map_.find(saved);
    return found == map_.end() ? nullptr : &found->second;
  }

 private:
  void take(const std::string& saved, std::size_t node) {
    taken_[node] = true;
    map_[saved] = graph_.nodes[node].uid;
  }

  void match_by_uid(const std::string& uid) {
    const auto match = [&](auto&& is_it) {
      for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
        if (!taken_[i] && is_it(graph_.nodes[i])) return take(uid, i), true;
      }
      return false;
    };
    if (match([&](const Node& node) { return node.identity.former_uid == uid; })) return;
    match([&](const Node& node) { return node.uid == uid; });
  }

  // The pair that has most in common first; else in the order of both.
  void match_by_content(const std::vector<const StateOwner*>& owners) {
    std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> pairs;
    for (std::size_t i = 0; i < owners.size(); ++i) {
      for (std::size_t at = 0; at < graph_.nodes.size(); ++at) {
        const StateIdentity& identity = graph_.nodes[at].identity;
        if (identity.content.empty() || identity.content != owners[i]->content) continue;
        const std::size_t common = common_prefix(identity.uses, owners[i]->uses);
        pairs.emplace_back(~common, i, at);
      }
    }
    std::sort(pairs.begin(), pairs.end());
    for (const auto& [rank, owner, node] : pairs) {
      if (!taken_[node] && !map_.contains(owners[owner]->uid)) take(owners[owner]->uid, node);
    }
  }

  const Graph& graph_;
  std::vector<bool> taken_;
  std::map<std::string, std::string> map_;
};

std::string label(const StateField& field) {
  return field.name.starts_with('$') ? field.role : field.role + " '" + field.name + "'";
}

// What differs in the first field that does; empty = nothing that both know of.
std::string difference(const StateSchema& saved, const StateSchema& now) {
  std::vector<std::string> roles;
  for (const StateField& field : now) {
    if (std::find(roles.begin(), roles.end(), field.role) == roles.end())
      roles.push_back(field.role);
  }
  for (const std::string& role : roles) {
    const auto of_role = [&](const StateSchema& all) {
      StateSchema some;
      std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                   [&](const StateField& field) { return field.role == role; });
      return some;
    };
    const StateSchema before = of_role(saved);
    const StateSchema after = of_role(now);
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      if (i >= before.size()) return label(after[i]) + " is new and the saved state has none";
      if (i >= after.size()) return label(before[i]) + " is saved and used no more";
      if (before[i].type != after[i].type) {
        return label(after[i]) + " was saved as " + before[i].type + " and is " + after[i].type +
               " now";
      }
      const bool own_names = before[i].name.starts_with('$') || after[i].name.starts_with('$');
      if (before[i].name != after[i].name && !own_names) {
        return label(before[i]) + " is saved where '" + after[i].name + "' is expected now";
      }
    }
  }
  return "";
}

class Match {
 public:
  Match(Manifest saved, const Graph& graph, const EngineOptions& options)
      : graph_(graph), options_(options), uids_(saved, graph) {
    matched_.manifest = std::move(saved);
    for (const Node& node : graph.nodes) nodes_.emplace(node.uid, &node);
  }

  Result<MatchedState> run() {
    TRY(match_epochs());
    TRY(match_sources());
    match_operators();
    find_fresh();
    TRY(conclude());
    matched_.manifest.owners = owners_of(matched_.manifest, graph_);
    return std::move(matched_);
  }

 private:
  std::string checkpoint() const { return "checkpoint " + std::to_string(matched_.manifest.id); }

  const Node* node_of(const std::string& saved_uid) const {
    const std::string* uid = uids_.find(saved_uid);
    return uid == nullptr ? nullptr : nodes_.at(*uid);
  }

  Status match_epochs() {
    for (Epoch& epoch : matched_.manifest.epochs) {
      const Node* node = node_of(epoch.sink);
      const bool there = node != nullptr && node->sink != nullptr &&
                         node->sink->guarantee() == Guarantee::kExactlyOnce;
      if (!there) {
        return Error{ErrorCode::kInvalidArgument,
                     checkpoint() + " holds rows of sink '" + epoch.sink +
                         "' that are not published yet, and this job has no such exactly-once "
                         "sink; run the former job once more so that it publishes them (SIGTERM "
                         "ends it with a savepoint)"};
      }
      epoch.sink = node->uid;
    }
    for (std::string& uid : matched_.manifest.exactly_once_sinks) {
      if (const Node* node = node_of(uid)) uid = node->uid;
    }
    return {};
  }

  Status match_sources() {
    std::vector<SourceState> sources;
    for (SourceState& source : matched_.manifest.sources) {
      const Node* node = node_of(source.uid);
      if (node == nullptr) {
        dropped_.push_back(named("source", source.uid));
        continue;
      }
      if (node->source == nullptr) {
        return Error{ErrorCode::kInvalidArgument, "'" + source.uid + "' is a source in " +
                                                      checkpoint() + " and none in this job"};
      }
      source.uid = node->uid;
      restored_.insert(node->uid);
      kept_.push_back(named("source", source.uid));
      sources.push_back(std::move(source));
    }
    matched_.manifest.sources = std::move(sources);
    return {};
  }

  void match_operators() {
    std::vector<OperatorState> operators;
    for (OperatorState& state : matched_.manifest.operators) {
      const Node* node = node_of(state.uid);
      if (node == nullptr) {
        dropped_.push_back(named(state.name, state.uid));
        continue;
      }
      const bool compared = node->state_schema.empty() || !state.schema.empty();
      const std::string differs = compared ? difference(state.schema, node->state_schema) : "";
      if (!differs.empty()) {
        misfits_.push_back("operator " + named(node->name, node->uid) + ": " + differs);
        dropped_.push_back(named(state.name, state.uid));
        continue;
      }
      if (!compared) uncompared_.push_back(named(node->name, node->uid));
      state.uid = node->uid;
      restored_.insert(node->uid);
      kept_.push_back(named(state.name, state.uid));
      operators.push_back(std::move(state));
    }
    matched_.manifest.operators = std::move(operators);
  }

  void find_fresh() {
    for (const Node& node : graph_.nodes) {
      const bool has_state = node.source != nullptr || !node.state_note.empty();
      if (has_state && !restored_.contains(node.uid)) fresh_.push_back(named(node.name, node.uid));
    }
  }

  Status conclude() {
    const std::string lists = "kept: " + joined(kept_) + "; dropped: " + joined(dropped_) +
                              "; starting empty: " + joined(fresh_);
    if (!misfits_.empty() && !options_.start.allow_dropped_state) {
      std::string text = checkpoint() + " has state of other types than this job:";
      for (const std::string& misfit : misfits_) text += "\n  " + misfit;
      return Error{ErrorCode::kInvalidArgument,
                   text +
                       "\nmake them what they were, or let the state of these operators go with " +
                       option_name(options_, "allow_dropped_state") +
                       " (they start empty), or start with " + option_name(options_, "fresh")};
    }
    if (!dropped_.empty() && !options_.start.allow_dropped_state) {
      return Error{ErrorCode::kInvalidArgument,
                   checkpoint() + " has state that this job does not use (" + lists +
                       "); allow it with " + option_name(options_, "allow_dropped_state") +
                       ", or start with " + option_name(options_, "fresh")};
    }
    for (const std::string& misfit : misfits_)
      matched_.notes.push_back(checkpoint() +
                               " has state of another type, which is dropped: " + misfit);
    if (!dropped_.empty() || !fresh_.empty())
      matched_.notes.push_back("restoring " + checkpoint() + ": " + lists);
    if (!uncompared_.empty()) {
      matched_.notes.push_back(
          checkpoint() +
          " does not say of what types its state is (a former version wrote it): "
          "they could not be compared for " +
          joined(uncompared_) + "; its values are right only if no column changed its type since");
    }
    return {};
  }

  const Graph& graph_;
  const EngineOptions& options_;
  const UidMap uids_;
  MatchedState matched_;
  std::map<std::string, const Node*> nodes_;
  std::set<std::string> restored_;
  std::vector<std::string> kept_, dropped_, fresh_, misfits_, uncompared_;
};

}  // namespace

Result<MatchedState> match_state(Manifest saved, const Graph& graph, const EngineOptions& options) {
  return Match(std::move(saved), graph, options).run();
}

std::vector<StateOwner> owners_of(const Manifest& manifest, const Graph& graph) {
  const std::set<std::string> uids = uids_of(manifest);
  std::vector<StateOwner> owners;
  for (const Node& node : graph.nodes) {
    if (!node.identity.content.empty() && uids.contains(node.uid))
      owners.push_back({node.uid, node.identity.content, node.identity.uses});
  }
  return owners;
}

}  // namespace slipstream::flow
