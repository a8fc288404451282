# shellcheck shell=bash
# To be sourced. Builds plugins in Rust for wasm: the same sources and the same toolchain give the same bytes on every
# machine. That is why the toolchain is looked for here and not left to whatever `cargo` is: rustup's with the target
# wasm32-unknown-unknown, else that of Debian.
#
#   build_for_wasm FOLDER    builds the workspace in FOLDER
#   module_of FOLDER NAME    the module that its package NAME has become

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
target=wasm32-unknown-unknown

build_for_wasm() {
  local folder=$1 cargo=cargo sysroot
  # A folder of its own: cargo would take what was built by hand for the same, in spite of other paths and
  # symbols.
  local build=(build --release --locked --target "$target" --target-dir "$folder/target/reproducible")

  if sysroot=$(cd "$folder" && rustc --print sysroot 2>/dev/null) && [[ -d $sysroot/lib/rustlib/$target ]]; then
    :
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
    return 1
  fi

  # Panic messages name source files. No folder of this machine belongs into a plugin, nor may it change its
  # bytes. The standard library gets the name it has where it comes compiled. The separator is the one cargo
  # takes for arguments that may hold spaces.
  local library=$sysroot/lib/rustlib/src/rust commit flags
  if [[ -L $library ]]; then library=$(readlink -f "$library"); fi
  commit=$(cd "$folder" && rustc --version --verbose | sed -n 's/^commit-hash: //p')
  flags=$(
    printf -- '--remap-path-prefix=%s\x1f' \
      "$repository=/leahpm" \
      "${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates" \
      "$sysroot/lib/rustlib/src/rust=/rustc/$commit" \
      "$library=/rustc/$commit"
  )
  export CARGO_ENCODED_RUSTFLAGS=${flags%$'\x1f'}
  unset RUSTFLAGS
  export LEAHPM_REPOSITORY=$repository RUSTC_WRAPPER=$repository/plugins/same-symbols.sh

  (cd "$folder" && "$cargo" "${build[@]}")
}

module_of() {
  echo "$1/target/reproducible/$target/release/${2//-/_}.wasm"
}
