#!/usr/bin/env bash
# Builds the plugins that tests run in a host and puts the component of each beside this file, where it is committed:
# tests need no toolchain for wasm. README.md says what each is for.
#
#   tests/plugins/build.sh [NAME…]    NAME: good, fault, probe, older, newer; default: all
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$here/../../plugins/toolchain.sh"

names=("$@")
if [[ $# == 0 ]]; then names=(good fault probe older newer); fi

cargo build --quiet --manifest-path "$repository/Cargo.toml" -p leahpm
leahpm=$repository/target/debug/leahpm

(build_for_wasm "$here")

for name in "${names[@]}"; do
  folder=$here/target/packages/$name
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$here/$name/plugin.yaml" "$folder/"
  cp "$(module_of "$here" "$name")" "$folder/plugin.wasm"
  # Packing makes a component of a module, and refuses what does not fit its manifest.
  "$leahpm" pack "$folder" --output "$here/target/packages"
  tar -xOzf "$here/target/packages/$name"-*.tar.gz plugin.wasm >"$here/$name.wasm"
  # The same sum that the test in tests/cli/plugins.rs makes.
  sum=$(cd "$here" && find -L "$name" -type f | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum | cut -d ' ' -f 1)
  touch "$here/built.sha256"
  sed -i "/ $name$/d" "$here/built.sha256"
  echo "$sum $(sha256sum <"$here/$name.wasm" | cut -d ' ' -f 1) $name" >>"$here/built.sha256"
  LC_ALL=C sort -k 3 -o "$here/built.sha256" "$here/built.sha256"
done
