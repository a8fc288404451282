#!/usr/bin/env bash
# Builds the first-party plugins for wasm and assembles a folder for each, ready for `leahpm pack`:
# plugins/target/packages/<name>/ with plugin.yaml, plugin.wasm, README.md and LICENSE if there is one.
#
# The same sources and the same toolchain give the same bytes on every machine. That is why the toolchain is
# looked for here and not left to whatever `cargo` is: rustup's with the target wasm32-unknown-unknown, else
# that of Debian.
set -euo pipefail

plugins=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(dirname "$plugins")
target=wasm32-unknown-unknown
# A folder of its own: cargo would take what was built by hand for the same, in spite of other paths and
# symbols.
build=(build --release --locked --target "$target" --target-dir "$plugins/target/reproducible")

if sysroot=$(cd "$plugins" && rustc --print sysroot 2>/dev/null) && [[ -d $sysroot/lib/rustlib/$target ]]; then
  cargo=cargo
elif [[ -x /usr/bin/cargo && -d /usr/lib/rustlib/src/rust/library ]] && command -v wasm-ld-19 >/dev/null; then
  # Debian has no compiled standard library for this target, but its source: cargo builds it, which needs a
  # switch that is not stable yet. /usr/bin comes first so that this cargo finds its own rustc.
  cargo=/usr/bin/cargo
  sysroot=/usr
  export PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1
  build+=("-Zbuild-std=std,panic_abort" --config "target.$target.linker='wasm-ld-19'")
else
  cat >&2 <<'HINT'
error: no Rust toolchain for wasm32-unknown-unknown
hint: with rustup, run `rustup target add wasm32-unknown-unknown`
hint: on Debian, run `apt-get install rustc-web cargo-web rust-web-src lld-19`
HINT
  exit 1
fi

# Panic messages name source files. No folder of this machine belongs into a plugin, nor may it change its
# bytes. The standard library gets the name it has where it comes compiled. The separator is the one cargo
# takes for arguments that may hold spaces.
library=$sysroot/lib/rustlib/src/rust
if [[ -L $library ]]; then library=$(readlink -f "$library"); fi
commit=$(cd "$plugins" && rustc --version --verbose | sed -n 's/^commit-hash: //p')
CARGO_ENCODED_RUSTFLAGS=$(
  printf -- '--remap-path-prefix=%s\x1f' \
    "$repository=/leahpm" \
    "${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates" \
    "$sysroot/lib/rustlib/src/rust=/rustc/$commit" \
    "$library=/rustc/$commit"
)
export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
unset RUSTFLAGS
export LEAHPM_REPOSITORY=$repository RUSTC_WRAPPER=$plugins/same-symbols.sh

(cd "$plugins" && "$cargo" "${build[@]}")

for manifest in "$plugins"/*/plugin.yaml; do
  plugin=$(dirname "$manifest")
  name=$(basename "$plugin")
  package=$plugins/target/packages/$name
  rm -rf "$package"
  mkdir -p "$package"
  cp "$manifest" "$plugin/README.md" "$package/"
  if [[ -f $plugin/LICENSE ]]; then cp "$plugin/LICENSE" "$package/"; fi
  cp "$plugins/target/reproducible/$target/release/${name//-/_}.wasm" "$package/plugin.wasm"
  echo "assembled $package" >&2
done
