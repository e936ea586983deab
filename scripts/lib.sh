# shellcheck shell=bash
# Sourced by scripts/test and scripts/test-full: counting, skipping, installing.

n_passed=0
n_failed=0
failures=()
log_directory=${CARGO_TARGET_DIR:-target}/test-logs
skips=${CARGO_TARGET_DIR:-target}/tmp/skipped
mkdir -p "$log_directory"
rm -f "$skips"

passed() { n_passed=$((n_passed + $1)); }
failed() { n_failed=$((n_failed + $1)); failures+=("$2"); }

# step NAME COMMAND...: one check; its output is shown as it comes.
step() {
  local name=$1 started=$SECONDS
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  if "$@"; then passed 1; else failed 1 "$name"; fi
  printf '== %s took %s s\n' "$name" "$((SECONDS - started))"
}

# tests NAME COMMAND...: many tests; counted from what the runner prints.
tests() {
  local name=$1 started=$SECONDS log=$log_directory/$1.log counts status
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  counts=$(count_tests "$log")
  passed "${counts% *}"
  if [ "${counts#* }" != 0 ]; then
    failed "${counts#* }" "$name"
  elif [ "$status" != 0 ]; then
    failed 1 "$name (exit $status)"
  fi
  printf '== %s took %s s\n' "$name" "$((SECONDS - started))"
}

# count_tests LOG: prints "PASSED FAILED" of cargo test.
count_tests() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^test result:/ { p += number($0, "passed"); f += number($0, "failed") }
    function number(line, word) { return match(line, "[0-9]+ " word) ? substr(line, RSTART, RLENGTH) + 0 : 0 }
    END { print p + 0, f + 0 }'
}

# report_skips: tests write the reason for what this machine cannot have to one file, a line each.
report_skips() {
  local reason
  [ -f "$skips" ] || return
  while IFS= read -r reason; do
    case $reason in
      *../shared*) printf 'skipped: %s\n' "$reason" ;;
      *) skip "a test" "$reason" ;;
    esac
  done < <(sort -u "$skips")
}

# skip NAME REASON: a failure where CI=true, a note elsewhere.
skip() {
  printf 'skipped: %s: %s\n' "$1" "$2"
  if [ "${CI:-}" = true ]; then failed 1 "$1 (skipped, but CI=true)"; fi
}

need_command() {
  command -v "$1" >/dev/null 2>&1 && return
  printf "%s is needed: %s\n" "$1" "$2"
  failed 1 "$1 is missing"
  return 1
}

# need_component SUBCOMMAND COMPONENT: of the Rust toolchain; the step that calls it fails where it is missing.
need_component() {
  cargo "$1" --version >/dev/null 2>&1 || rustup component add "$2"
}

# Debian packages behind the commands that builds and tests call.
need_packages() {
  local missing=()
  command -v cc >/dev/null 2>&1 || missing+=(gcc libc6-dev)
  command -v git >/dev/null 2>&1 || missing+=(git)
  command -v promtool >/dev/null 2>&1 || missing+=(prometheus)
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || missing+=(python3 python3-venv)
  [ ${#missing[@]} = 0 ] && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -q && apt-get install -qy --no-install-recommends "${missing[@]}" && return
  fi
  printf 'these packages are missing and cannot be installed here: %s\n' "${missing[*]}"
}

# python_packages FILE: a virtual environment below target/ with the packages of a file.
python_packages() {
  local wanted
  wanted=$(sha256sum "$1" | cut -c1-16)
  venv=$PWD/target/venv-$wanted
  export PATH=$venv/bin:$PATH
  [ -f "$venv/complete" ] && return
  if python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r "$1"; then
    touch "$venv/complete"
  else
    skip "$1" "no Python with venv, or its packages cannot be downloaded here"
    return 1
  fi
}

finish() {
  local failure
  report_skips
  printf '\n'
  for failure in ${failures[@]+"${failures[@]}"}; do printf 'failed: %s\n' "$failure"; done
  printf '%s passed, %s failed\n' "$n_passed" "$n_failed"
  [ "$n_failed" = 0 ]
  exit
}
