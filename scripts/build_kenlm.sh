#!/bin/sh
# Builds lmplz, which `audiosearch lm` calls, from the source distribution of the kenlm package.
#
#   scripts/build_kenlm.sh [FOLDER [SDIST]]
#
# FOLDER   target of the program; default: ~/.local/bin. If it is not on the PATH, set AUDIOSEARCH_KENLM_BIN to it.
# SDIST    an existing kenlm-*.tar.gz; default: downloaded by pip (of the interpreter PYTHON, default python3).
#
# Needs a C++ compiler, cmake and Boost with headers; on Debian and Ubuntu:
#   apt install g++ cmake libboost-program-options-dev libboost-system-dev libboost-thread-dev libboost-test-dev
set -eu

folder=${1:-"$HOME/.local/bin"}
sdist=${2:-}
python=${PYTHON:-python3}

fail() {
    echo "build_kenlm.sh: $1" >&2
    exit 1
}

command -v cmake >/dev/null || fail "cmake is missing; install it (apt install cmake, or pip install cmake)."
command -v "${CXX:-c++}" >/dev/null || fail "there is no C++ compiler; install one (apt install g++)."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

if [ -z "$sdist" ]; then
    echo "Downloading the kenlm sources…" >&2
    # Only kenlm itself from source: ":all:" would compile its build tools as well, which takes an hour.
    "$python" -m pip download --quiet --no-deps --no-binary kenlm --dest "$work" "kenlm>=0.2" >&2 ||
        fail "pip could not download kenlm; check the network, or give a kenlm-*.tar.gz as second argument."
    sdist=$(find "$work" -name 'kenlm-*.tar.gz')
fi
mkdir "$work/source"
tar -xzf "$sdist" -C "$work/source" --strip-components=1 || fail "$sdist cannot be unpacked."

echo "Compiling (a minute or two)…" >&2
# The policy version lets cmake 4 accept sources written for cmake 2.
cmake -S "$work/source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_POLICY_VERSION_MINIMUM=3.10 \
    >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    fail "cmake failed; see the lines above. Most often Boost is missing: apt install libboost-program-options-dev libboost-system-dev libboost-thread-dev libboost-test-dev"
}
cmake --build "$work/build" --parallel "$(getconf _NPROCESSORS_ONLN)" --target lmplz >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    fail "the compiler failed; see the lines above."
}

mkdir -p "$folder"
install -m 755 "$work/build/bin/lmplz" "$folder"
echo "Installed lmplz in $folder." >&2
