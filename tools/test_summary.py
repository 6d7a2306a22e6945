#!/usr/bin/python3
"""Turns CTest's JUnit report into the closing line `N passed, M failed, K skipped`; exit 1 unless all passed."""
import sys
import xml.etree.ElementTree as xml

suite = xml.parse(sys.argv[1]).getroot()
total = failed = skipped = 0
for case in suite.iter("testcase"):
    total += 1
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        failed += 1
        print(f"failed: {case.get('name')}")
    elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        skipped += 1
        print(f"skipped: {case.get('name')}")
print(f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or total == 0 else 0)
