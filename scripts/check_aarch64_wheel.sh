#!/usr/bin/env bash
# The wheel for 64-bit ARM: cross-built, installed beside NumPy's, and run by Debian's arm64 Python under qemu-user on a
# photograph, without and with the dot product. Its angles must be those of this machine to 0.02 degrees.
#
# The arm64 Python is downloaded by apt into build/arm64 with a configuration of its own: no package of this machine and
# no setting of its apt changes, and no root is needed. Run it in the environment that scripts/test.sh makes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() {
    echo "ARM WHEEL SKIPPED: $*"
    exit 0
}
for tool in aarch64-linux-gnu-g++ qemu-aarch64 apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool not found; install g++-aarch64-linux-gnu and qemu-user on a Debian"
done
python -c 'import skimage' 2>/dev/null || skip "the photograph is in scikit-image: pip install scikit-image"
version=$(python -c 'import sys; print("{}.{}".format(*sys.version_info))')
root=$PWD/build/arm64

# The packages are those that an empty arm64 system would install for a Python with its headers.
fetch_python() {
    local apt=$root/apt
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/installed"
    cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "$apt/installed";
Dir::Cache "$apt/cache";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
CONF
    export APT_CONFIG=$apt/apt.conf
    apt-get update -qq
    apt-cache show "libpython$version-dev" >/dev/null 2>&1 || skip "this Debian has no Python $version for arm64"
    apt-get install -qqy --download-only --no-install-recommends \
        "python$version-minimal" "libpython$version-stdlib" "libpython$version-dev" libstdc++6 >/dev/null
    for package in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$package" "$root/system"; done
    unset APT_CONFIG
    ln -s ../aarch64-linux-gnu "$root/system/usr/include/python$version/"  # where Debian's pyconfig.h looks
    rm -rf "$apt"
    touch "$root/complete-$version"
}
[ -e "$root/complete-$version" ] || fetch_python

# What a build asks Python about its machine is answered by the arm64 Python's own file.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
about=_sysconfigdata__aarch64-linux-gnu
mkdir "$work/about"
cp "$root/system/usr/lib/python$version/$about.py" "$work/about"
# The folder of the C++ tests for ARM: the core in it is not compiled again.
cmake --preset aarch64 >/dev/null
_PYTHON_HOST_PLATFORM=linux-aarch64 _PYTHON_SYSCONFIGDATA_NAME=$about PYTHONPATH=$work/about \
    SKBUILD_CMAKE_DEFINE="HPE_PYTHON=ON;HPE_WERROR=ON;Python_INCLUDE_DIR=$root/system/usr/include/python$version" \
    python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work" --config-settings=build-dir=build/aarch64 .
wheel=$(echo "$work"/hpe_edge-*_aarch64.whl)
[ -e "$wheel" ] || { echo "expected a wheel tagged aarch64, got $(ls "$work")" >&2; exit 1; }
python scripts/check_platform.py "$wheel"

platforms=(--platform "$(basename "$wheel" .whl | sed 's/.*-//')")
for libc in 2_17 2_27 2_28; do platforms+=(--platform "manylinux_${libc}_aarch64"); done
python -m pip install --quiet --no-warn-conflicts --target "$work/site" --only-binary :all: "${platforms[@]}" \
    --implementation cp --python-version "$version" "$wheel"

cat >"$work/compare.py" <<'PYTHON'
import json, sys
import numpy as np

here, there = (json.load(open(name)) for name in sys.argv[1:])
assert len(here["euler_deg"]) == len(there["euler_deg"]) > 0, f"expected the same faces: {here}, {there}"
apart = {name: np.abs(np.subtract(here[name], there[name])).max() for name in here}
print(f"yaw, pitch, roll {np.round(there['euler_deg'][0], 3)}: {apart['euler_deg']:.6f} degrees from this machine's")
assert apart["euler_deg"] <= 0.02, f"expected angles within 0.02 degrees of this machine's: {here}, {there}"
PYTHON
photograph=$work/astronaut.npy
python -c 'import sys, numpy, skimage.data; numpy.save(sys.argv[1], skimage.data.astronaut())' "$photograph"
for precision in fp32 int8; do
    python scripts/smoke.py "$photograph" "$precision" >"$work/here.json"
    for cpu in cortex-a72 max; do
        QEMU_CPU=$cpu PYTHONPATH=$work/site PYTHONHOME=$root/system/usr PYTHONDONTWRITEBYTECODE=1 \
            qemu-aarch64 -L "$root/system" "$root/system/usr/bin/python$version" \
            scripts/smoke.py "$photograph" "$precision" >"$work/there.json"
        echo "$precision, $cpu: $(python "$work/compare.py" "$work/here.json" "$work/there.json")"
    done
done
echo "$(basename "$wheel") gives this machine's angles"
