# Sourced, never run: finds an etcd on this machine, or unpacks the distribution's packages into the
# checkout. Installs nothing on the machine and needs no root.
# shellcheck shell=bash

# etcd_is_usable FOLDER: true when etcd and etcdctl there run and etcd knows learners (3.4 or newer).
etcd_is_usable() {
  local folder=$1 first='' major minor
  [[ -x $folder/etcd && -x $folder/etcdctl ]] || return 1
  read -r _ _ first < <("$folder/etcd" --version 2>/dev/null) || return 1
  IFS=. read -r major minor _ <<<"$first"
  [[ $major =~ ^[0-9]+$ && $minor =~ ^[0-9]+$ ]] || return 1
  ((major > 3 || (major == 3 && minor >= 4)))
}

# etcd_folder ROOT: print the folder of the etcd to use: PATH's when it will do, else the checkout's.
etcd_folder() {
  local root=$1 found folder
  if found=$(command -v etcd); then
    folder=${found%/*}
    if etcd_is_usable "$folder"; then
      printf '%s\n' "$folder"
      return
    fi
  fi
  folder=$root/.cache/etcd/usr/bin
  etcd_is_usable "$folder" && printf '%s\n' "$folder"
}

# download_etcd FOLDER: the two packages into FOLDER, by the machine's lists, else by lists of our own.
download_etcd() {
  local folder=$1
  # The machine's sources and keys, but every file that apt writes stays in FOLDER.
  local private=(
    -o "Dir::State=$folder/apt/state" -o "Dir::State::Lists=$folder/apt/state/lists"
    -o "Dir::Cache=$folder/apt/cache"
    -o "Dir::State::status=$folder/apt/status" -o "APT::Sandbox::User=$(id -un)"
    -o Debug::NoLocking=1 -q
  )
  mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial"
  : >"$folder/apt/status"
  (
    cd "$folder" || exit
    apt-get -o "APT::Sandbox::User=$(id -un)" -q download etcd-server etcd-client && exit
    apt-get "${private[@]}" update && apt-get "${private[@]}" download etcd-server etcd-client
  ) >"$folder.log" 2>&1 </dev/null
}

# unpack_etcd ROOT: fill ROOT/.cache/etcd in one move, or leave it as it was.
unpack_etcd() {
  local root=$1 folder=$1/.cache/etcd.new package
  rm -rf "$folder"
  mkdir -p "$folder"
  download_etcd "$folder" || return 1
  for package in "$folder"/*.deb; do
    dpkg -x "$package" "$folder" >>"$folder.log" 2>&1 || return 1
  done
  etcd_is_usable "$folder/usr/bin" || return 1
  rm -rf "$folder/apt" "$folder"/*.deb "$root/.cache/etcd"
  mv "$folder" "$root/.cache/etcd"
}

# setup_etcd ROOT: an etcd to use and openssl, or one line that says what to install.
setup_etcd() {
  local root=$1 python=$1/.venv/bin/python
  command -v openssl >/dev/null || give_up 2 'the openssl command is missing; run: apt-get install openssl'
  etcd_folder "$root" >/dev/null && return
  lock "$python"
  etcd_folder "$root" >/dev/null && return
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    give_up 2 'no etcd 3.4 or newer on PATH; install one (etcd and etcdctl) from its release page'
  fi
  say 'unpacking etcd from the distribution into .cache/etcd'
  unpack_etcd "$root" && return
  if grep -qE 'Failed to fetch|failed to download|[Tt]emporary failure|Could not (resolve|connect)' "$root/.cache/etcd.new.log"; then
    give_up 9 "no package mirror in reach; connect and run it again, or: apt-get install etcd-server etcd-client (apt's words: $root/.cache/etcd.new.log)"
  fi
  give_up 2 "the distribution has no etcd 3.4 or newer; put etcd and etcdctl on PATH (apt's words: $root/.cache/etcd.new.log)"
}
