#!/usr/bin/env bash
# Remove one master with KUBE_DELETE_NODES=false, or tear the whole cluster down.
# Makes the checkout's own Python environment on first use; all else is in `python -m hakube_gce down`.
set -euo pipefail
unset CDPATH

self=${BASH_SOURCE[0]}
while [[ -L $self ]]; do
  folder=$(cd -P "$(dirname "$self")" && pwd)
  self=$(readlink "$self")
  [[ $self == /* ]] || self=$folder/$self
done
root=$(cd -P "$(dirname "$self")/.." && pwd)

# shellcheck source=../scripts/lib/environment.bash
source "$root/scripts/lib/environment.bash"
run_program "$root" down "$@"
