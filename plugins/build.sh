#!/usr/bin/env bash
# Builds the first-party plugins for wasm and assembles a folder for each, ready for `leahpm pack`:
# plugins/target/packages/<name>/ with plugin.yaml, plugin.wasm, README.md and LICENSE if there is one.
#
# The same sources and the same toolchain give the same bytes on every machine; toolchain.sh sees to that.
set -euo pipefail

plugins=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$plugins/toolchain.sh"

build_for_wasm "$plugins"

for manifest in "$plugins"/*/plugin.yaml; do
  plugin=$(dirname "$manifest")
  name=$(basename "$plugin")
  package=$plugins/target/packages/$name
  rm -rf "$package"
  mkdir -p "$package"
  cp "$manifest" "$plugin/README.md" "$package/"
  if [[ -f $plugin/LICENSE ]]; then cp "$plugin/LICENSE" "$package/"; fi
  cp "$(module_of "$plugins" "$name")" "$package/plugin.wasm"
  echo "assembled $package" >&2
done
