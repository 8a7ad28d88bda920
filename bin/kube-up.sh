#!/usr/bin/env bash
# Create the first master, or add one in KUBE_GCE_ZONE with KUBE_REPLICATE_EXISTING_MASTER=true.
# Makes the checkout's own Python environment on first use; all else is in `python -m hakube_gce up`.
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
run_program "$root" up "$@"
