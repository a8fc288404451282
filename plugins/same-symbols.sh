#!/usr/bin/env bash
# Stands before rustc while build.sh runs: gives our own crates symbol names that do not depend on where the
# repository lies. Cargo mixes the absolute path of a package outside the workspace (here the SDK) into its
# `metadata`, that goes into every symbol, and the linker orders functions by their symbols: other folder,
# other bytes.
set -euo pipefail

arguments=()
for argument in "$@"; do
  if [[ $argument == metadata=* && ${CARGO_MANIFEST_DIR-} == "$LEAHPM_REPOSITORY"/* ]]; then
    argument=metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION
  fi
  arguments+=("$argument")
done
exec "${arguments[@]}"
