#pragma once

#include <string>

namespace onshi::sql {

// Disk faults for tests: an SQLite VFS that behaves like the system's until it is told to fail (design §9.14). One per
// process, by name; switched from any thread.
class FaultVfs {
  public:
    enum class Fault : unsigned char {
        none,
        disk_full,    // writes fail as if no space were left
        read_only,    // writes fail as if the disk had become read-only
        sync_failed,  // writes succeed, fsync does not
    };
    // Registers the VFS on first use; give `name()` to SqliteOptions::vfs.
    [[nodiscard]] static FaultVfs& instance();
    [[nodiscard]] const std::string& name() const { return name_; }
    void set(Fault fault);
    [[nodiscard]] Fault get() const;

  private:
    FaultVfs();
    std::string name_;
};

}  // namespace onshi::sql
