"""A wall clock that jumps, for a process started with `environment` (Debian's faketime). The monotonic clock goes on."""

from pathlib import Path

class WallClock:
    def __init__(self, file):
        self.file = file
        self.jump("+0")
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        assert found, "Debian's package faketime is missing: ./dev setup"
        self.environment = {"LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def jump(self, by):
        """To this far from the true time, like +3600 or -3600 seconds; whoever reads meanwhile sees the old or the new."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{by}\n")
        new.rename(self.file)
