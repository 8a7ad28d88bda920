#!/usr/bin/env bash
# Grow a cluster as Kubernetes' e2e suite did: kube-up.sh with four variables given by position.
#
#   e2e-grow-cluster.sh [KUBE_GCE_ZONE [MULTIZONE [KUBE_REPLICATE_EXISTING_MASTER
#                       [KUBE_USE_EXISTING_MASTER]]]]
#
# An empty argument leaves its variable as the environment has it. With MULTIZONE=true, E2E_ZONES and no
# zone given, it is done in each of those zones.
set -euo pipefail
unset CDPATH

self=${BASH_SOURCE[0]}
while [[ -L $self ]]; do
  folder=$(cd -P "$(dirname "$self")" && pwd)
  self=$(readlink "$self")
  [[ $self == /* ]] || self=$folder/$self
done
root=$(cd -P "$(dirname "$self")/.." && pwd)

# shellcheck source=../scripts/lib/by-position.bash
source "$root/scripts/lib/by-position.bash"
# shellcheck source=../scripts/lib/in-each-zone.bash
source "$root/scripts/lib/in-each-zone.bash"
export_by_position "${0##*/}" \
  KUBE_GCE_ZONE MULTIZONE KUBE_REPLICATE_EXISTING_MASTER KUBE_USE_EXISTING_MASTER -- "$@"
if is_in_each_zone "$@"; then
  up_in_each_zone "$root/bin/kube-up.sh"
else
  exec "$root/bin/kube-up.sh"
fi
