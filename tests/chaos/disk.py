"""The switch of disk_faults.cpp: what a program's disk does from now on."""

import errno
import mmap
import os
import shutil
import struct
from pathlib import Path

LAYOUT = struct.Struct("=iii")  # error of writes, microseconds before a write, microseconds before a sync


class Disk:
    """One folder of one program. `environment` is what the program is started with."""

    def __init__(self, folder, switch_file):
        built = Path(os.environ.get("ONSHI_DISK_FAULTS", ""))
        assert built.is_file(), f"{built}: build the target chaos_disk_faults, or set ONSHI_DISK_FAULTS"
        # A database server may run as another user, who cannot look into a checkout in somebody's home.
        self.library = switch_file.with_suffix(".so")
        shutil.copyfile(built, self.library)
        self.library.chmod(0o755)
        switch_file.write_bytes(LAYOUT.pack(0, 0, 0))
        switch_file.chmod(0o644)
        with switch_file.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)
        self.environment = {"LD_PRELOAD": str(self.library), "ONSHI_DISK_FOLDER": str(folder),
                            "ONSHI_DISK_SWITCH": str(switch_file)}

    def _set(self, error=0, write_us=0, sync_us=0):
        self.map[:] = LAYOUT.pack(error, write_us, sync_us)

    def works(self):
        self._set()

    def is_full(self):
        self._set(error=errno.ENOSPC)

    def is_read_only(self):
        self._set(error=errno.EROFS)

    def is_slow(self, write_ms, sync_ms):
        self._set(write_us=write_ms * 1000, sync_us=sync_ms * 1000)
