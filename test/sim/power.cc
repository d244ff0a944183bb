// A hard link to each file that a synced folder names keeps its bytes when the engine removes it or
// puts another in its place.
#include "power.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "scheduler.h"

namespace slipstream::sim::power {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKept = "synced";  // the hard links, by inode

struct Folder {
  Listing listing;         // as synced
  std::uint64_t sync = 0;  // the one that saw it
};

std::string watched;
std::uint64_t last_sync = 0;
std::map<std::string, Folder> folders;
std::map<ino_t, std::uint64_t> bytes_of_synced;  // of files

std::optional<struct stat> attributes_of(const fs::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
  return found;
}

fs::path kept(ino_t inode) { return fs::path(kKept) / std::to_string(inode); }

// The working directory holds much, of which one name counts.
Listing list(const fs::path& folder) {
  Listing listing;
  std::error_code error;
  const auto add = [&](const fs::path& path) {
    if (const auto found = attributes_of(path))
      listing[path.filename().string()] = {found->st_ino, S_ISDIR(found->st_mode)};
  };
  if (folder == ".") {
    add(watched);
  } else {
    for (const auto& each : fs::directory_iterator(folder, error)) add(each.path());
  }
  return listing;
}

std::string inside(const std::string& folder, const std::string& name) {
  return (fs::path(folder) / name).lexically_normal().string();
}

void keep(const std::string& folder, const Listing& listing) {
  std::error_code error;  // it is kept already
  for (const auto& [name, entry] : listing) {
    if (!entry.is_folder) fs::create_hard_link(inside(folder, name), kept(entry.inode), error);
  }
}

void forget(const std::string& folder) {
  const auto found = folders.find(folder);
  if (found == folders.end()) return;
  const Listing listing = std::move(found->second.listing);
  folders.erase(found);
  for (const auto& [name, entry] : listing) {
    bytes_of_synced.erase(entry.inode);
    if (entry.is_folder)
      forget(inside(folder, name));
    else
      fs::remove(kept(entry.inode));
  }
}

void set_synced(const std::string& folder, Listing listing, std::uint64_t sync) {
  Folder& known = folders[folder];
  if (sync < known.sync) return;  // a younger one was done before
  std::set<ino_t> named;
  for (const auto& [name, entry] : listing) named.insert(entry.inode);
  std::vector<std::string> gone;
  for (const auto& [name, entry] : known.listing) {
    if (named.contains(entry.inode)) continue;
    if (entry.is_folder)
      gone.push_back(inside(folder, name));
    else
      fs::remove(kept(entry.inode));
  }
  known = Folder{std::move(listing), sync};
  for (const std::string& each : gone) forget(each);
}

void set_all_synced(const std::string& folder) {
  Listing listing = list(folder);
  keep(folder, listing);
  for (const auto& [name, entry] : listing) {
    const std::string path = inside(folder, name);
    if (entry.is_folder)
      set_all_synced(path);
    else
      bytes_of_synced[entry.inode] = fs::file_size(path);
  }
  set_synced(folder, std::move(listing), ++last_sync);
}

std::uint64_t draw(std::uint64_t most) { return scheduler::random() % (most + 1); }

// What was synced, and of the rest nothing, its beginning, or room without its bytes.
std::string torn(std::string content, ino_t inode) {
  const auto found = bytes_of_synced.find(inode);
  const std::uint64_t synced =
      std::min<std::uint64_t>(content.size(), found == bytes_of_synced.end() ? 0 : found->second);
  const std::uint64_t rest = content.size() - synced;
  if (rest == 0) return content;
  switch (draw(2)) {
    case 0:
      content.resize(synced);
      break;
    case 1:
      content.resize(synced + draw(rest));
      break;
    default:
      std::fill(content.begin() + static_cast<std::ptrdiff_t>(synced + draw(rest)), content.end(),
                '\0');
      break;
  }
  return content;
}

void restore_file(const fs::path& from, ino_t inode, const fs::path& to) {
  std::ifstream in(from, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::ofstream out(to, std::ios::binary);
  out << torn(std::move(content), inode);
}

// Each name that was changed since the last sync is as it was then or as it is now.
void restore_folder(const std::string& folder, const fs::path& to) {
  const auto found = folders.find(folder);
  const Listing synced = found == folders.end() ? Listing() : found->second.listing;
  const Listing current = list(folder);
  std::set<std::string> names;
  for (const auto& [name, entry] : synced) names.insert(name);
  for (const auto& [name, entry] : current) names.insert(name);
  for (const std::string& name : names) {
    const auto was = synced.find(name);
    const auto is = current.find(name);
    const bool same = was != synced.end() && is != current.end() && was->second == is->second;
    const bool take_current = same || draw(1) == 0;
    const auto chosen = take_current ? is : was;
    if (chosen == (take_current ? current.end() : synced.end())) continue;
    const Entry& entry = chosen->second;
    const std::string path = inside(folder, name);
    if (entry.is_folder) {
      fs::create_directory(to / name);
      restore_folder(path, to / name);
    } else {
      restore_file(take_current ? fs::path(path) : kept(entry.inode), entry.inode, to / name);
    }
  }
}

}  // namespace

Sync::Sync(int fd) {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
  const fs::path relative = path.lexically_relative(fs::current_path());
  counts_ = !error && !watched.empty() && !relative.empty() &&
            (relative == "." || *relative.begin() == watched);
  struct stat found {};
  if (!counts_ || ::fstat(fd, &found) != 0) return;
  number_ = ++last_sync;
  inode_ = found.st_ino;
  bytes_ = static_cast<std::uint64_t>(found.st_size);
  if (!S_ISDIR(found.st_mode)) return;
  folder_ = relative.string();
  listing_ = list(relative);
  keep(folder_, listing_);
}

void Sync::done() {
  if (!counts_) return;
  if (folder_.empty())
    bytes_of_synced[inode_] = std::max(bytes_of_synced[inode_], bytes_);
  else
    set_synced(folder_, std::move(listing_), number_);
}

void watch(const std::string& folder) {
  watched = folder;
  fs::create_directory(kKept);
  set_all_synced(".");
}

void cut(const std::string& former) {
  const std::string rebuilt = former + "-rebuilt";
  fs::create_directory(rebuilt);
  restore_folder(".", rebuilt);
  if (fs::exists(watched)) fs::rename(watched, former);
  if (fs::exists(fs::path(rebuilt) / watched)) fs::rename(fs::path(rebuilt) / watched, watched);
  fs::remove_all(rebuilt);
  fs::remove_all(kKept);
  folders.clear();
  bytes_of_synced.clear();
  watch(watched);
}

}  // namespace slipstream::sim::power
