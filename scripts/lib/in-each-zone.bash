# Sourced by the e2e suite's wrappers: one run in each of E2E_ZONES, as the suite's own loops did.
#
# Only with MULTIZONE=true, and not when a zone was given by position: that one zone is meant, and to
# take a master away in every zone would be more than anybody asked for.
# shellcheck shell=bash

# Tell whether the loop is wanted: is_in_each_zone "$@"
is_in_each_zone() {
  [[ -z ${1-} && ${MULTIZONE-} == true && -n ${E2E_ZONES-} ]]
}

# Found or grow in the first zone; the others get nodes for the masters that are there by then.
up_in_each_zone() {
  local program=$1 zone zones
  read -ra zones <<<"$E2E_ZONES"
  for zone in "${zones[@]}"; do
    KUBE_GCE_ZONE=$zone "$program"
    export KUBE_USE_EXISTING_MASTER=true
  done
}

# The last zone first, so that the masters' own goes when no other zone has nodes any more.
down_in_each_zone() {
  local program=$1 place zones
  read -ra zones <<<"$E2E_ZONES"
  for ((place = ${#zones[@]} - 1; place >= 0; place--)); do
    KUBE_GCE_ZONE=${zones[place]} "$program"
  done
}
