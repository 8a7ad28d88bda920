#!/usr/bin/env bash
# Shrink a cluster as Kubernetes' e2e suite did: kube-down.sh with four variables given by position.
#
#   e2e-shrink-cluster.sh [KUBE_GCE_ZONE [MULTIZONE [KUBE_DELETE_NODES [KUBE_USE_EXISTING_MASTER]]]]
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
  KUBE_GCE_ZONE MULTIZONE KUBE_DELETE_NODES KUBE_USE_EXISTING_MASTER -- "$@"
if is_in_each_zone "$@"; then
  down_in_each_zone "$root/bin/kube-down.sh"
else
  exec "$root/bin/kube-down.sh"
fi
