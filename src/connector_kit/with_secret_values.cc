#include "connector_kit/with_secret_values.h"

#include <algorithm>
#include <utility>

#include "slipstream/connector/element_condition.h"

#include "base/try.h"
#include "connector_kit/factory_behind.h"

namespace slipstream::connector_kit {
namespace {

std::vector<std::string> hidden(std::vector<std::string> lines) {
  for (std::string& line : lines) line = hide_secret_values(std::move(line));
  return lines;
}

Error hidden(Error error) {
  error.message = hide_secret_values(std::move(error.message));
  return error;
}
Status hidden(Status status) {
  if (status.ok()) return status;
  return hidden(status.error());
}
template <typename T>
Result<T> hidden(Result<T> made) {
  if (made.ok()) return made;
  return hidden(made.error());
}

class HidingEnumerator final : public SplitEnumerator {
 public:
  explicit HidingEnumerator(std::unique_ptr<SplitEnumerator> inner) : inner_(std::move(inner)) {}
  Result<Discovery> discover() override { return hidden(inner_->discover()); }
  std::chrono::milliseconds discovery_interval() const override {
    return inner_->discovery_interval();
  }
  std::string snapshot() override { return inner_->snapshot(); }

 private:
  const std::unique_ptr<SplitEnumerator> inner_;
};

class HidingReader final : public SourceReader {
 public:
  explicit HidingReader(std::unique_ptr<SourceReader> inner) : inner_(std::move(inner)) {}
  Status add_split(std::uint32_t index, const Split& split) override {
    return hidden(inner_->add_split(index, split));
  }
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    return hidden(inner_->poll(out, rejected));
  }
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    return hidden(inner_->snapshot(checkpoint));
  }
  void checkpoint_complete(CheckpointId checkpoint) override {
    inner_->checkpoint_complete(checkpoint);
  }
  void pause(std::span<const std::uint32_t> splits) override { inner_->pause(splits); }
  void set_read_order(std::span<const std::uint32_t> splits) override {
    inner_->set_read_order(splits);
  }
  std::vector<SplitProgress> progress() const override { return inner_->progress(); }

 private:
  const std::unique_ptr<SourceReader> inner_;
};

class HidingWriter final : public SinkWriter {
 public:
  explicit HidingWriter(std::unique_ptr<SinkWriter> inner) : inner_(std::move(inner)) {}
  Result<Write> write(const Batch& batch, EpochFile* file) override {
    return hidden(inner_->write(batch, file));
  }
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override {
    return hidden(inner_->prepare(checkpoint, file));
  }
  Status checkpoint_aborted(CheckpointId checkpoint) override {
    return hidden(inner_->checkpoint_aborted(checkpoint));
  }

 private:
  const std::unique_ptr<SinkWriter> inner_;
};

class HidingCommitter final : public SinkCommitter {
 public:
  explicit HidingCommitter(std::unique_ptr<SinkCommitter> inner) : inner_(std::move(inner)) {}
  Status commit(std::span<const Committable> committables, const CommitContext& context) override {
    return hidden(inner_->commit(committables, context));
  }

 private:
  const std::unique_ptr<SinkCommitter> inner_;
};

// What was made, behind one that hides; nothing stays nothing.
template <typename Hiding, typename T>
Result<std::unique_ptr<T>> behind(Result<std::unique_ptr<T>> made) {
  if (!made.ok() || *made == nullptr) return hidden(std::move(made));
  return std::unique_ptr<T>(std::make_unique<Hiding>(std::move(*made)));
}

class HidingSource final : public Source, public NarrowedByElements {
 public:
  // `references`: what the table says for each value that it got.
  HidingSource(std::unique_ptr<Source> source, OptionMap references)
      : source_(std::move(source)), references_(std::move(references)) {}
  Schema schema() const override { return source_->schema(); }
  bool bounded() const override { return source_->bounded(); }
  bool updating() const override { return source_->updating(); }
  std::vector<std::size_t> accepted_predicates() const override {
    return source_->accepted_predicates();
  }
  std::vector<std::string> explain() const override { return hidden(source_->explain()); }
  std::vector<std::string> endpoints() const override { return hidden(source_->endpoints()); }
  void narrow(const std::vector<ElementCondition>& conditions) override {
    auto* const narrowed = dynamic_cast<NarrowedByElements*>(source_.get());
    if (narrowed != nullptr) narrowed->narrow(conditions);
  }
  // Whoever makes its sink fills it.
  std::optional<DeadLetterTable> dead_letters() const override {
    auto letters = source_->dead_letters();
    if (!letters) return letters;
    for (auto& [name, value] : letters->table.options) {
      const auto found = references_.find(value);
      value = found != references_.end() ? found->second : hide_secret_values(std::move(value));
    }
    return letters;
  }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return behind<HidingEnumerator>(source_->make_enumerator(std::move(context)));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return behind<HidingReader>(source_->make_reader(std::move(context)));
  }

 private:
  const std::unique_ptr<Source> source_;
  const OptionMap references_;  // by value
};

class HidingLookupReader final : public LookupReader {
 public:
  explicit HidingLookupReader(std::unique_ptr<LookupReader> inner) : inner_(std::move(inner)) {}
  Result<Ask> ask(std::uint64_t question, const Batch& keys) override {
    return hidden(inner_->ask(question, keys));
  }
  Result<std::optional<LookupAnswer>> poll() override { return hidden(inner_->poll()); }

 private:
  const std::unique_ptr<LookupReader> inner_;
};

class HidingLookup final : public LookupSource {
 public:
  explicit HidingLookup(std::unique_ptr<LookupSource> lookup) : lookup_(std::move(lookup)) {}
  Schema schema() const override { return lookup_->schema(); }
  std::vector<std::string> explain() const override { return hidden(lookup_->explain()); }
  std::vector<std::string> endpoints() const override { return hidden(lookup_->endpoints()); }
  Result<std::unique_ptr<LookupReader>> make_reader(LookupContext context) override {
    return behind<HidingLookupReader>(lookup_->make_reader(std::move(context)));
  }

 private:
  const std::unique_ptr<LookupSource> lookup_;
};

class HidingSink final : public Sink {
 public:
  explicit HidingSink(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
  Schema schema() const override { return sink_->schema(); }
  Guarantee guarantee() const override { return sink_->guarantee(); }
  std::vector<std::string> explain() const override { return hidden(sink_->explain()); }
  std::vector<std::string> endpoints() const override { return hidden(sink_->endpoints()); }
  Status check_before_start() override { return hidden(sink_->check_before_start()); }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    return behind<HidingWriter>(sink_->make_writer(std::move(context)));
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override {
    return behind<HidingCommitter>(sink_->make_committer(std::move(context)));
  }

 private:
  const std::unique_ptr<Sink> sink_;
};

class WithSecretValues final : public FactoryBehind {
 public:
  WithSecretValues(std::unique_ptr<ConnectorFactory> factory,
                   std::shared_ptr<const SecretValues> secrets)
      : FactoryBehind(std::move(factory)), secrets_(std::move(secrets)) {}

  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    if (!names_secrets(request.table)) return FactoryBehind::make_source(request);
    SourceRequest filled = request;
    TRY(fill(filled.table));
    auto made = FactoryBehind::make_source(filled);
    if (!made.ok() || *made == nullptr) return hidden(std::move(made));
    return std::unique_ptr<Source>(
        std::make_unique<HidingSource>(std::move(*made), references(request.table, filled.table)));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    if (!names_secrets(request.table)) return FactoryBehind::make_sink(request);
    SinkRequest filled = request;
    TRY(fill(filled.table));
    return behind<HidingSink>(FactoryBehind::make_sink(filled));
  }
  Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const override {
    if (!names_secrets(request.table)) return FactoryBehind::make_lookup(request);
    LookupRequest filled = request;
    TRY(fill(filled.table));
    return behind<HidingLookup>(FactoryBehind::make_lookup(filled));
  }

 private:
  // What was written for each value that was filled in.
  static OptionMap references(const TableDefinition& written, const TableDefinition& filled) {
    OptionMap by_value;
    for (const auto& [name, text] : written.options) {
      if (SecretValues::is_named_in(text)) by_value.emplace(filled.options.at(name), text);
    }
    return by_value;
  }
  static bool names_secrets(const TableDefinition& table) {
    return std::any_of(table.options.begin(), table.options.end(),
                       [](const auto& option) { return SecretValues::is_named_in(option.second); });
  }
  Status fill(TableDefinition& table) const {
    for (auto& [name, value] : table.options) {
      auto filled = secrets_->put_into(value);
      if (!filled.ok()) {
        return filled.error().with_context("table '" + table.name + "': option '" + name + "'");
      }
      value = std::move(*filled);
    }
    return {};
  }

  const std::shared_ptr<const SecretValues> secrets_;
};

}  // namespace

std::unique_ptr<ConnectorFactory> with_secret_values(std::unique_ptr<ConnectorFactory> factory,
                                                     std::shared_ptr<const SecretValues> secrets) {
  return std::make_unique<WithSecretValues>(std::move(factory), std::move(secrets));
}

}  // namespace slipstream::connector_kit
