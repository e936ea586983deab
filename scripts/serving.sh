# shellcheck shell=bash
# Sourced by scripts that ask a running service.

# listening LOG: waits until the service that writes this log listens; sets `address`.
listening() {
  for _ in $(seq 300); do
    address=$(grep -o 'http://127.0.0.1:[0-9]*' "$1" | head -1 || true)
    [ -z "$address" ] || return 0
    sleep 0.2
  done
  cat "$1"
  return 1
}
