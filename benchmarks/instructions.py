"""Instructions of the hot calls, counted by Callgrind, against the stored counts.

Counts do not depend on what else the machine does, so that a loss of speed shows on a busy one too. Callgrind knows no
AVX-512, hence AVX2 and scalar. A call's count is the difference between runs with few and with more repeats, in
instructions. With another compiler than the stored one the counts are shown and nothing fails.

    cmake --preset count && cmake --build --preset count && python benchmarks/instructions.py [--record] [--json]

Exit status 1: some call takes more than 5 % more instructions than stored. Needs valgrind.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build/count/src_cpp/bench/hpe_hot_calls"
STORED = Path(__file__).with_suffix(".json")
MODELS = ROOT / "hpe_edge/models"
LIMIT = 1.05
REPEATS = (2, 12)
CALLS = {  # name -> call, network file
    "crop": ("crop", "fsanet.safetensors"),
    "network fp32": ("network", "fsanet.safetensors"),
    "network int8": ("network", "fsanet-int8.safetensors"),
    "estimate fp32": ("estimate", "fsanet.safetensors"),
    "estimate int8": ("estimate", "fsanet-int8.safetensors"),
}
ISAS = ("avx2", "scalar")


def count(call: str, isa: str, network: str) -> int:
    """Instructions of one call."""
    totals = []
    for repeats in REPEATS:
        command = [
            "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
            str(PROGRAM), call, str(repeats), isa, str(MODELS / "fsanet.json"), str(MODELS / network),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or found is None:
            raise SystemExit(f"instructions: {' '.join(command)} failed:\n{done.stderr}")
        totals.append(int(found[1]))
    return (totals[1] - totals[0]) // (REPEATS[1] - REPEATS[0])


def compiler() -> str:
    """The compiler that the preset finds, by its first line."""
    cache = (ROOT / "build/count/CMakeCache.txt").read_text()
    path = re.search(r"CMAKE_CXX_COMPILER:\w+=(.+)", cache)
    assert path is not None
    return subprocess.run([path[1], "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="store the counts of this build")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    args = parser.parse_args()
    if shutil.which("valgrind") is None or not PROGRAM.exists():
        raise SystemExit(f"instructions: expected valgrind and {PROGRAM}: see --help")
    counts = {f"{name}, {isa}": count(call, isa, file) for isa in ISAS for name, (call, file) in CALLS.items()}
    result = {"compiler": compiler(), "instructions": counts}
    if args.record:
        STORED.write_text(json.dumps(result, indent=2) + "\n")
    stored = json.loads(STORED.read_text())
    unknown = sorted(set(counts) ^ set(stored["instructions"]))
    if unknown:
        raise SystemExit(f"instructions: stored and counted calls differ in {unknown}: store with --record")
    factors = {name: now / stored["instructions"][name] for name, now in counts.items()}
    if args.json:
        print(json.dumps(result | {"factors": factors}))
    else:
        for name, now in counts.items():
            print(f"{name:24} {now:>12,}  {factors[name]:.3f} of stored")
    return verdict(factors, same_compiler=stored["compiler"] == result["compiler"])


def verdict(factors: dict[str, float], *, same_compiler: bool) -> int:
    """The exit status, said in words on stderr."""
    slower = [name for name, factor in factors.items() if factor > LIMIT]
    if not slower:
        return 0
    print(f"more than {LIMIT:.2f} times the stored instructions: {'; '.join(slower)}", file=sys.stderr)
    if not same_compiler:
        print("the stored counts are another compiler's: nothing concluded", file=sys.stderr)
        return 0
    print("make it faster again, or say why in the commit and store with --record", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
