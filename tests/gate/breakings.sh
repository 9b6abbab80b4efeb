#!/usr/bin/env bash
# Prove the gate: break the tree in five ways, each in a copy that is thrown away, and show that the
# stage whose task it is catches it; and that the same stage passes on the unbroken tree.
#
#   tests/gate/breakings.sh [PYTHON]
#
# The stages run few tests, so that this takes minutes. Their tools are those of .ci/run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly TESTS=(tests/auth tests/test_clock.py)
python=${1:-$(.ci/pythons | sed -n '1s/^[^ ]* //p')}
work=$(mktemp --directory --tmpdir mdmsim-breakings.XXXXXX)
trap 'rm -rf "$work"' EXIT
export CI=true PIP_CACHE_DIR="$work/pip"
failed=0

# Make the copy *$1* of the last commit, whose counts are those of the few tests.
copy() {
  git clone --quiet . "$work/$1"
  python3 - "$work/$1/.ci/counts.toml" "${TESTS[@]}" <<'PYTHON'
import json, sys
path, *tests = sys.argv[1:]
lines = ["[stranger]", r"line = '(\d+) passed'", "least = 0", f"tests = {json.dumps(tests)}"]
open(path, "w").write("\n".join([*lines, "[stranger.folders]", ""]))
PYTHON
}

commit() {
  git -C "$1" -c user.name=gate -c user.email=gate@mdmsim.example commit --quiet --all --message broken
}

# Run the stranger's stage of the copy *$1*, with the few tests and those that follow.
stranger() {
  local tree=$work/$1 log=$work/$1.log results=$work/$1.xml
  shift
  touch "$results"
  (
    cd "$tree"
    export STRANGER_TESTS="${TESTS[*]} $*"
    .ci/stranger "$python" "$results" >"$log" 2>&1 && # set -e is off where a status is looked at
      python3 .ci/counts.py stranger "$log" "$results" >>"$log" 2>&1
  )
}

wheel() {
  (cd "$work/$1" && PYTEST_ADDOPTS='-k holds_all_files' make wheel PYTHON="$python") >"$work/$1.log" 2>&1
}

# Say whether the stage *$3...* ended as *$1* (passes or catches) on the copy *$2*, whose log has to hold *$WORD*.
expect() {
  local wanted=$1 name=$2 got=passes
  shift 2
  "$@" || got=catches
  if [[ $got == "$wanted" ]] && grep --quiet --extended-regexp "$WORD" "$work/$name.log"; then
    echo "$name: ${1} $got it: $(grep --extended-regexp --max-count=1 "$WORD" "$work/$name.log")"
  else
    echo "$name: NOT SO, the stage ${1} $got it:" >&2
    tail -n 20 "$work/$name.log" >&2
    failed=1
  fi
}

copy unbroken
WORD='[0-9]+ counted' expect passes unbroken stranger unbroken
(
  cd "$work/unbroken"
  python3 .ci/counts.py --write stranger "$work/unbroken.log" "$work/unbroken.xml"
)
WORD='1 passed' expect passes unbroken wheel unbroken

copy product
sed -i '0,/^import/s//import testcontainers\nimport/' "$work/product/simulator/core/clock.py"
commit "$work/product"
WORD="No module named 'testcontainers'" expect catches product stranger product

copy test
sed -i '0,/^from/s//import playwright\nfrom/' "$work/test/tests/test_clock.py"
commit "$work/test"
WORD="No module named 'playwright'" expect catches test stranger test

copy stage
echo 'def test_it(): import schemathesis' >"$work/stage/tests/test_of_another_stage.py"
git -C "$work/stage" add tests
commit "$work/stage"
WORD="No module named 'schemathesis'" expect catches stage stranger stage tests/test_of_another_stage.py

copy emptied
cp "$work/unbroken/.ci/counts.toml" "$work/emptied/.ci/counts.toml"
: >"$work/emptied/tests/test_clock.py"
commit "$work/emptied"
WORD='[0-9]+ ran, and [0-9]+ are written' expect catches emptied stranger emptied

copy wheel
sed -i 's|^packages = \["simulator"\]|&\nexclude = ["simulator/disclosure/concepts.toml"]|' "$work/wheel/pyproject.toml"
commit "$work/wheel"
WORD='concepts.toml' expect catches wheel wheel wheel

((failed == 0)) && echo 'all five are caught'
exit "$failed"
