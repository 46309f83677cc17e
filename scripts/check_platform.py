"""What wheels ask of a Linux: the oldest one they run on, no library that it may lack, no search path of their own.

python scripts/check_platform.py dist/*.whl       # needs auditwheel
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile

ALLOWED = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0"}
LOADERS = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}  # named where a variable of a thread is read
SEARCH_PATHS = {"DT_RPATH", "DT_RUNPATH"}


def modules(wheel: Path) -> Iterator[tuple[str, ELFFile]]:
    """The shared objects in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.search(r"\.so(\.|$)", name):
                yield name, ELFFile(io.BytesIO(archive.read(name)))


def check(wheel: Path) -> list[str]:
    """What is wrong with it, a line each."""
    problems, found = [], list(modules(wheel))
    if not found:
        return [f"{wheel.name}: expected a compiled module in it, found none"]
    for name, module in found:
        tags = list(module.get_section_by_name(".dynamic").iter_tags())
        needed = {tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"}
        paths = [tag.entry.d_tag for tag in tags if tag.entry.d_tag in SEARCH_PATHS]
        if needed - ALLOWED - LOADERS:
            problems.append(f"{name}: needs {sorted(needed - ALLOWED - LOADERS)}, allowed are {sorted(ALLOWED)}")
        if paths:
            problems.append(f"{name}: has {paths}, expected no search path")
    return problems


def oldest_platform(wheel: Path) -> str:
    """The platform tag that auditwheel finds, which is also that of a repaired wheel."""
    command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tag = re.search(r'platform\s+tag:\s+"([^"]+)"', shown)
    if tag is None or not tag[1].startswith("manylinux_"):
        raise SystemExit(f"{wheel.name}: expected a manylinux tag, auditwheel says: {shown}")
    return tag[1]


def main(names: list[str]) -> int:
    """Check the wheels; 1 where one is wrong."""
    if not names:
        raise SystemExit(__doc__)
    problems = []
    for wheel in map(Path, names):
        problems += check(wheel)
        print(f"{wheel.name}: {oldest_platform(wheel)}")
    print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
