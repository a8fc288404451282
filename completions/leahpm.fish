complete --keep-order --exclusive --command leahpm --arguments "(LEAHPM_COMPLETE=fish leahpm -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
