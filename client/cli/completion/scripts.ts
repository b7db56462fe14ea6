export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script as it reads, but for `%{`, which stands for the shell's `${` where TypeScript has a meaning of its own for it. */
const script = (text: string): string => text.replaceAll('%{', '${');

/**
 * What a shell runs when somebody presses Tab. Each asks `reseal complete -- LINE`, which answers one completion a line,
 * `VALUE<Tab>DESCRIPTION`, or `:files` or `:dirs`, and is silent about whatever goes wrong.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: script(String.raw`# Completion of reseal for bash.
# Now:    source <(reseal completion bash)
# Always: reseal completion bash > ~/.local/share/bash-completion/completions/reseal
_reseal() {
  local line=%{COMP_LINE:0:COMP_POINT} value about
  local word=%{line##*[[:space:]]} part=%{COMP_WORDS[COMP_CWORD]}
  # Bash ends words at = and @ too, and puts back only the last piece.
  [[ $part == [=:@] ]] && part=
  local skip=$(( %{#word} - %{#part} ))
  COMPREPLY=()
  while IFS=$'\t' read -r value about; do
    case $value in
      :files | :dirs)
        compopt -o filenames 2>/dev/null
        while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -%{value:1:1} -- "$part")
        ;;
      *) COMPREPLY+=("%{value:skip}") ;;
    esac
  done < <("%{COMP_WORDS[0]/#\~/$HOME}" complete -- "$line" 2>/dev/null)
}
complete -o nosort -F _reseal reseal 2>/dev/null || complete -F _reseal reseal
`),
  zsh: script(String.raw`#compdef reseal
# Completion of reseal for zsh.
# Now:    source <(reseal completion zsh)
# Always: reseal completion zsh > "%{fpath[1]}/_reseal", and start a new shell
_reseal() {
  local answer value about
  local -a answers found
  answers=("%{(@f)$("%{words[1]/#\~/$HOME}" complete -- "%{(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
  for answer in $answers; do
    case $answer in
      :files) _files ;;
      :dirs) _files -/ ;;
      *)
        value=%{answer%%$'\t'*} about=%{answer#*$'\t'}
        found+=("%{value//:/\\:}%{about:+:$about}")
        ;;
    esac
  done
  (( $#found )) && _describe -V reseal found
}
if [[ $funcstack[1] == _reseal ]]; then _reseal "$@"; else compdef _reseal reseal; fi
`),
  fish: script(String.raw`# Completion of reseal for fish.
# Now:    reseal completion fish | source
# Always: reseal completion fish > ~/.config/fish/completions/reseal.fish
function __reseal_complete
    set -l typed (commandline -opc)
    set -l line (commandline -cp)
    for answer in ($typed[1] complete -- "$line" 2>/dev/null)
        switch $answer
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':dirs'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $answer
        end
    end
end
complete -c reseal -f -k -a '(__reseal_complete)'
`),
};
