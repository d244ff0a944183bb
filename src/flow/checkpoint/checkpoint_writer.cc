#include "flow/checkpoint/checkpoint_writer.h"

#include <algorithm>
#include <utility>

#include "base/thrown.h"
#include "base/try.h"
#include "flow/checkpoint/section_writer.h"

namespace slipstream::flow {

CheckpointWriter::CheckpointWriter(CheckpointStorage& storage, WorkPool& pool, Callbacks callbacks)
    : storage_(storage), callbacks_(std::move(callbacks)), queue_(pool) {}

void CheckpointWriter::add(TaskSnapshot snapshot) {
  queue_.post(
      [this, held = std::make_shared<TaskSnapshot>(std::move(snapshot))] { handle(*held); });
}

void CheckpointWriter::store(Manifest manifest) {
  queue_.post([this, manifest = std::move(manifest)]() mutable { handle(manifest); });
}

void CheckpointWriter::drop(CheckpointId checkpoint) {
  queue_.post([this, checkpoint] { handle(checkpoint); });
}

void CheckpointWriter::run(std::function<void(CheckpointStorage&)> work) {
  queue_.post([this, work = std::move(work)] { work(storage_); });
}

Result<BlobWriter*> CheckpointWriter::output(CheckpointId checkpoint) {
  auto found = outputs_.find(checkpoint);
  if (found == outputs_.end()) {
    TRY_ASSIGN(auto made, storage_.create(state_file(checkpoint)));
    found = outputs_.emplace(checkpoint, std::move(made)).first;
  }
  return found->second.get();
}

Result<StoredSnapshot> CheckpointWriter::write(TaskSnapshot& snapshot) {
  StoredSnapshot stored;
  stored.task = snapshot.task;
  stored.barrier = snapshot.barrier;
  stored.source = std::move(snapshot.source);
  // First the epoch: its rows will not come again, so it counts even when the state cannot be
  // written.
  if (snapshot.epoch) {
    Epoch epoch;
    epoch.sink = snapshot.epoch->sink;
    epoch.checkpoint = snapshot.barrier.checkpoint;
    epoch.subtask = snapshot.epoch->subtask;
    epoch.handle = std::move(snapshot.epoch->handle);
    if (snapshot.epoch->file != nullptr) {
      TRY_ASSIGN(EpochLog::Sealed sealed, snapshot.epoch->file->seal());
      epoch.file = std::move(sealed.name);
      epoch.file_size = sealed.size;
      epoch.file_checksum = sealed.checksum;
    }
    stored.epochs.push_back(std::move(epoch));
  }
  for (OperatorSnapshot& part : snapshot.operators) {
    if (snapshot.barrier.checkpoint <= dropped_) break;
    TRY_ASSIGN(BlobWriter * out, output(snapshot.barrier.checkpoint));
    SectionWriter writer(*out, part.subtask);
    TRY(part.state->write(writer).with_context("operator '" + part.name + "'"));
    TRY_ASSIGN(auto sections, writer.finish());
    for (const std::string& name : writer.additions())
      stored.additions.push_back({part.uid, part.subtask, name});
    stored.operators.push_back(OperatorState{part.uid, part.name, part.parallelism,
                                             std::move(sections), std::move(part.schema)});
    part.state.reset();
  }
  return stored;
}

void CheckpointWriter::handle(TaskSnapshot& snapshot) {
  const CheckpointId checkpoint = snapshot.barrier.checkpoint;
  const bool has_epoch = snapshot.epoch.has_value();
  Result<StoredSnapshot> stored = without_exceptions([&] { return write(snapshot); });
  if (stored.ok()) {
    callbacks_.written(std::move(*stored));
  } else {
    callbacks_.write_failed(
        checkpoint,
        stored.status().with_context("writing checkpoint " + std::to_string(checkpoint)),
        has_epoch);
  }
}

// A file of which less than half is referred to goes; its sections are copied.
Status CheckpointWriter::gather(Manifest& manifest, BlobWriter& out) {
  std::vector<std::uint64_t> used(manifest.files.size(), 0);
  for (const OperatorState& state : manifest.operators) {
    for (const Section& section : state.sections) used[section.file] += section.size;
  }
  std::vector<std::uint32_t> place(manifest.files.size(), 0);
  std::vector<StateFile> kept(1);
  for (std::size_t file = 1; file < used.size(); ++file) {
    if (used[file] < manifest.files[file].size / 2) continue;
    place[file] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(manifest.files[file]);
  }
  for (OperatorState& state : manifest.operators) {
    for (Section& section : state.sections) {
      if (section.file != 0 && place[section.file] == 0) {
        TRY_ASSIGN(const std::string bytes, read_section(storage_, manifest, section));
        section.offset = out.size();
        TRY(out.append(bytes));
      }
      section.file = place[section.file];
    }
  }
  manifest.files = std::move(kept);
  return {};
}

Status CheckpointWriter::publish(Manifest& manifest) {
  const auto output = outputs_.find(manifest.id);
  if (output == outputs_.end()) {
    manifest.files.clear();
  } else {
    BlobWriter& file = *output->second;
    TRY(gather(manifest, file));
    TRY(file.sync());
    manifest.files.front() = StateFile{state_file(manifest.id), file.size(), file.checksum()};
    outputs_.erase(output);
  }
  return storage_.publish(manifest_file(manifest.id), encode_manifest(manifest));
}

void CheckpointWriter::handle(Manifest& manifest) {
  const CheckpointId checkpoint = manifest.id;
  const Status status = publish(manifest);
  if (status.ok()) {
    callbacks_.stored(checkpoint, std::move(manifest));
  } else {
    callbacks_.stored(checkpoint,
                      status.with_context("writing checkpoint " + std::to_string(checkpoint)));
  }
}

void CheckpointWriter::handle(CheckpointId dropped) {
  dropped_ = std::max(dropped_, dropped);
  outputs_.erase(dropped);
  // What stays behind after a failure here has no manifest and is collected at the next start.
  static_cast<void>(storage_.remove_folder(checkpoint_folder(dropped)));
}

}  // namespace slipstream::flow
