
set edit:completion:arg-completer[leahpm] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) LEAHPM_COMPLETE="elvish" leahpm -- $@words) | to-lines
}
