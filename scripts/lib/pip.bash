# Sourced, never run: what pip's words mean.
# shellcheck shell=bash

# pip_was_offline LOG: true when pip failed for want of a package index, not of a package.
pip_was_offline() {
  grep -qE 'ConnectionError|ConnectTimeout|ConnectionRefused|ConnectionReset|ProxyError|ReadTimeout|name resolution|Network is unreachable|Max retries' "$1"
}
