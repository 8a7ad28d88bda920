# Sourced, never run: variables given as positional arguments, as the e2e suite's wrappers took them.
# shellcheck shell=bash

# export_by_position PROGRAM NAME… -- ARGUMENT…: export each argument that is not empty under the name
# at its position. Whether a value makes sense is the program's to judge.
export_by_position() {
  local program=$1 names=()
  shift
  while [[ $1 != -- ]]; do
    names+=("$1")
    shift
  done
  shift
  if (($# > ${#names[@]})); then
    printf 'hakube-gce: %s takes at most %s arguments (%s), not %s. Nothing was changed.\n' \
      "$program" "${#names[@]}" "${names[*]}" "$#" >&2
    exit 2
  fi
  local position=0 argument
  for argument in "$@"; do
    [[ -z $argument ]] || export "${names[position]}=$argument"
    position=$((position + 1))
  done
}
