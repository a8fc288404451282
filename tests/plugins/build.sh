#!/usr/bin/env bash
# Builds the plugins that tests run in a host and puts the component of each beside this file, where it is committed:
# tests need no toolchain for wasm. README.md says what each is for.
#
#   tests/plugins/build.sh [NAME…]    NAME: good, fault, probe, wasi, shout, older, newer, javascript; default: all
#
# `javascript` is made with `componentize-qjs` 0.4.5 of npm, which has to be on the PATH; the others as those in plugins/.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$here/../../plugins/toolchain.sh"

names=("$@")
if [[ $# == 0 ]]; then names=(good fault probe wasi shout older newer javascript); fi

cargo build --quiet --manifest-path "$repository/Cargo.toml" -p leahpm
leahpm=$repository/target/debug/leahpm

if [[ ${names[*]} != javascript ]]; then (build_for_wasm "$here"); fi

for name in "${names[@]}"; do
  folder=$here/target/packages/$name
  rm -rf "$folder" "$here/target/wit"
  mkdir -p "$folder"
  cp "$here/$name/plugin.yaml" "$folder/"
  if [[ $name == javascript ]]; then
    # `--sync`: without the async functions of the component model, which no host enables. WASI stays as it is: that
    # the host has what a runtime imports is what this plugin is there to show.
    wit=$here/target/wit
    mkdir -p "$wit/deps"
    cp "$here/javascript/plugin.wit" "$wit/"
    cp -r "$repository/wit" "$wit/deps/leah-plugin"
    componentize-qjs --wit "$wit" --js "$here/javascript/plugin.js" --world plugin \
      --sync --opt-size --output "$folder/plugin.wasm"
  else
    cp "$(module_of "$here" "$name")" "$folder/plugin.wasm"
  fi
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
