#!/usr/bin/env bash
# Publishes what is new in plugins/ into the registry that is compiled into leahpm: builds each plugin whose
# version `bundled/` does not have yet, packs, signs and publishes it, and notes the hash of its sources.
#
#   plugins/publish.sh KEYS    KEYS: folder with bundled-root.key, bundled-index.key, bundled-publisher.key
set -euo pipefail

plugins=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(dirname "$plugins")
keys=$(cd "${1:?usage: plugins/publish.sh KEYS}" && pwd -P)
registry=$repository/bundled
packages=$plugins/target/packages

cargo build --quiet --release --manifest-path "$repository/Cargo.toml" -p leahpm -p leah-registry
leahpm=$repository/target/release/leahpm
tool=$repository/target/release/leah-registry

"$plugins/build.sh"

if [[ ! -e $registry/head ]]; then
  "$tool" init "$registry" --origin bundled --head-days 400 \
    --root-key "$keys/bundled-root.key" --index-key "$keys/bundled-index.key"
fi

for folder in "$packages"/*/; do
  name=$(basename "$folder")
  version=$(sed -n 's/^version: //p' "$folder/plugin.yaml")
  archive=$packages/$name-$version.tar.gz
  if [[ -e $registry/packages/$name/$(basename "$archive") ]]; then
    echo "$name $version is published already" >&2
    continue
  fi
  "$leahpm" pack "$folder" --output "$packages"
  "$leahpm" sign "$archive" --for bundled --key "$keys/bundled-publisher.key"
  "$tool" publish "$registry" "$archive" \
    --index-key "$keys/bundled-index.key" --publisher-key "$keys/bundled-publisher.key"
  # The same sum that the test in tests/cli/bundled.rs makes.
  sum=$(cd "$plugins/$name" && find . -type f | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum | cut -d ' ' -f 1)
  sed -i "/ $name$/d" "$plugins/published.sha256" 2>/dev/null || true
  echo "$sum $version $name" >>"$plugins/published.sha256"
done
LC_ALL=C sort -k 3 -o "$plugins/published.sha256" "$plugins/published.sha256"
"$tool" check "$registry"
