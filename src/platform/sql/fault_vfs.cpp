#include "platform/sql/fault_vfs.h"

#include <atomic>
#include <cstring>
#include <new>

#include <sqlite3.h>

#include "base/ensure.h"

namespace onshi::sql {

namespace {

std::atomic<FaultVfs::Fault> current{FaultVfs::Fault::none};

// A file of ours: SQLite's view first, then the system's file behind it.
struct FaultFile {
    sqlite3_file base;
    sqlite3_io_methods methods;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* ours(sqlite3_file* file) {
    return reinterpret_cast<FaultFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
    return ours(file)->real();
}
const sqlite3_io_methods& real_methods(sqlite3_file* file) {
    return *real(file)->pMethods;
}

int write_fault() {
    switch (current.load()) {
        case FaultVfs::Fault::disk_full: return SQLITE_FULL;
        case FaultVfs::Fault::read_only: return SQLITE_READONLY;
        default: return SQLITE_OK;
    }
}

int fault_write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    const int fault = write_fault();
    return fault != SQLITE_OK ? fault : real_methods(file).xWrite(real(file), bytes, count, offset);
}

int fault_sync(sqlite3_file* file, int flags) {
    if (current.load() == FaultVfs::Fault::sync_failed) return SQLITE_IOERR_FSYNC;
    return real_methods(file).xSync(real(file), flags);
}

// The system's methods with ours in front of writing and syncing. Every other call needs its own forwarder, because the
// system's implementation must be given its own file.
void fill_methods(sqlite3_io_methods& m, int version) {
    std::memset(&m, 0, sizeof m);
    m.iVersion = version;
    m.xClose = [](sqlite3_file* f) { return real_methods(f).xClose(real(f)); };
    m.xRead = [](sqlite3_file* f, void* b, int n, sqlite3_int64 o) { return real_methods(f).xRead(real(f), b, n, o); };
    m.xWrite = fault_write;
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) { return real_methods(f).xTruncate(real(f), n); };
    m.xSync = fault_sync;
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return real_methods(f).xFileSize(real(f), n); };
    m.xLock = [](sqlite3_file* f, int l) { return real_methods(f).xLock(real(f), l); };
    m.xUnlock = [](sqlite3_file* f, int l) { return real_methods(f).xUnlock(real(f), l); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* r) { return real_methods(f).xCheckReservedLock(real(f), r); };
    m.xFileControl = [](sqlite3_file* f, int op, void* p) { return real_methods(f).xFileControl(real(f), op, p); };
    m.xSectorSize = [](sqlite3_file* f) { return real_methods(f).xSectorSize(real(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) { return real_methods(f).xDeviceCharacteristics(real(f)); };
    m.xShmMap = [](sqlite3_file* f, int r, int n, int e, void volatile** p) {
        return real_methods(f).xShmMap(real(f), r, n, e, p);
    };
    m.xShmLock = [](sqlite3_file* f, int o, int n, int l) { return real_methods(f).xShmLock(real(f), o, n, l); };
    m.xShmBarrier = [](sqlite3_file* f) { real_methods(f).xShmBarrier(real(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int d) { return real_methods(f).xShmUnmap(real(f), d); };
    m.xFetch = [](sqlite3_file* f, sqlite3_int64 o, int n, void** p) {
        return real_methods(f).xFetch(real(f), o, n, p);
    };
    m.xUnfetch = [](sqlite3_file* f, sqlite3_int64 o, void* p) { return real_methods(f).xUnfetch(real(f), o, p); };
}

int fault_open(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* out_flags) {
    auto* system = static_cast<sqlite3_vfs*>(vfs->pAppData);
    FaultFile* mine = ours(file);
    mine->base.pMethods = nullptr;
    const int opened = system->xOpen(system, path, mine->real(), flags, out_flags);
    if (mine->real()->pMethods == nullptr) return opened;
    fill_methods(mine->methods, mine->real()->pMethods->iVersion);
    mine->base.pMethods = &mine->methods;
    return opened;
}

}  // namespace

FaultVfs::FaultVfs() : name_("onshi-fault") {
    sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
    ENSURE(system != nullptr);
    static sqlite3_vfs vfs = *system;
    vfs.zName = "onshi-fault";
    vfs.szOsFile = static_cast<int>(sizeof(FaultFile)) + system->szOsFile;
    vfs.pAppData = system;
    vfs.pNext = nullptr;
    vfs.xOpen = fault_open;
    ENSURE(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

FaultVfs& FaultVfs::instance() {
    static FaultVfs vfs;
    return vfs;
}

void FaultVfs::set(Fault fault) {
    current.store(fault);
}
FaultVfs::Fault FaultVfs::get() const {
    return current.load();
}

}  // namespace onshi::sql
