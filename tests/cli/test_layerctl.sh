#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# layerctl: command lines, right and wrong, on an empty store.
. "$(dirname "$0")/lib.sh"
export LAYERCTL_ROOT="$tmp/store"
verbs=$(layerctl --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')

check "there are commands" [ "$(echo "$verbs" | wc -l)" -gt 8 ]
for verb in $verbs; do
	run layerctl "$verb" --help
	check "$verb --help" said 0 "Usage: layerctl $verb"
	run layerctl help "$verb"
	check "help $verb" said 0 "Usage: layerctl $verb"
	run layerctl "$verb" --no-such-option
	check "$verb refuses an unknown option" said 2 "'--no-such-option'"
done

run layerctl
check "no command is wrong use" said 2 "Usage: layerctl"
run layerctl --help
check "--help is right use" said 0 "Usage: layerctl"
run layerctl --version
check "--version is one line" said 0 "layerctl "
check "--version is one line only" [ "$(wc -l <"$tmp/out")" = 1 ]
run layerctl frobnicate
check "unknown command" said 2 "no command 'frobnicate'"
run layerctl help frobnicate
check "help for an unknown command" said 2 "no command 'frobnicate'"
run layerctl --format yaml ps
check "unknown format" said 2 "--format 'yaml'"
run layerctl ps --format
check "option without its value" said 2 "'--format' needs a value"
run layerctl ps --all=1
check "flag with a value" said 2 "'--all' takes no value"
run layerctl ps -Z
check "unknown letter" said 2 "'-Z'"
run layerctl --root= ps
check "empty root" said 2 "--root is empty"
run layerctl ps extra
check "too many operands" said 2 "'extra'"
run layerctl mount image
check "too few operands" said 2 "IMAGE TARGET"
run layerctl mount --read-only --volatile a "$tmp"
check "options that exclude each other" said 2 "--volatile"
run layerctl umount --rm --lazy a
check "lazy removal" said 2 "--rm cannot be lazy"

run layerctl ps --format json
check "an empty store has no containers" [ "$status:$(echo "$out" | tr -d ' \n')" = "0:[]" ]
run layerctl --format json ps
check "options may stand before the command" said 0 "["
run layerctl version
check "version is one line" said 0 "layerctl "
for verb in ps usage tree images layers gc fsck version; do
	run layerctl "$verb"
	check "$verb on an empty store" [ "$status" = 0 ]
	run layerctl "$verb" --format json
	check "$verb gives JSON" python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$tmp/out"
done
check "reading makes no store" [ ! -e "$LAYERCTL_ROOT" ]

run layerctl mount nothing:here "$tmp"
check "mount of an unknown image" said 1 'nothing:here'
run layerctl mount nothing:here "$tmp/no/such"
check "mount on an absent directory" said 1 "mount point '$tmp/no/such'"
run layerctl mount --name ../x nothing:here "$tmp"
check "name with a slash" said 1 "'../x' is no container name"
run layerctl mount --name .hidden nothing:here "$tmp"
check "name with a dot first" said 1 "'.hidden' is no container name"
run layerctl mount --name "$(printf '%065d' 0)" nothing:here "$tmp"
check "name too long" said 1 "too long"
check "failed mounts make no store" [ ! -e "$LAYERCTL_ROOT" ]
run layerctl umount nobody
check "umount of an unknown container" said 1 "no container 'nobody'"
run layerctl umount "$tmp"
check "umount of no mount" said 1 "not a layerfs mount point"
run layerctl umount "$tmp/no/such"
check "umount of an absent directory" said 1 "No such file"
run layerctl usage nobody
check "usage of something unknown" said 1 "no container 'nobody'"
run layerctl umount "$(printf 'a\033[2Jb')"
check "messages hold no control characters" said 1 'a\033[2Jb'

run sh -c 'layerctl help >/dev/full'
check "a full disk is a failure" said 1 "cannot write the output"

# The completion script: offered words must be the table's.
run layerctl completion bash
check "the completion is bash" bash -n "$tmp/out"
cp "$tmp/out" "$tmp/completion"
cat >"$tmp/try.bash" <<'TRY'
_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	cur=${words[cword]} prev=${words[cword-1]}; }
__ltrim_colon_completions() { :; }
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_layerctl 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
TRY
complete() { run bash "$tmp/try.bash" "$tmp/completion" layerctl "$@"; }
complete ""
check "completion offers every command" [ "$out" = "$verbs" ]
complete mo
check "completion of a command" [ "$out" = mount ]
complete mount --vol
check "completion of a command's option" [ "$out" = --volatile ]
complete ps --ro
check "completion of a global option" [ "$out" = --root ]
complete ps --format j
check "completion of an option's value" [ "$out" = json ]
complete --format json ps --s
check "a global option's value is no command" [ "$out" = --size ]
# The manual knows every command and option.
man=$(dirname "$0")/../../Documentation/man/layerctl.1
for verb in $verbs; do
	check "manual: $verb" grep -q "^\.SS layerctl $verb" "$man"
	missing=$(layerctl "$verb" --help | sed -n 's/^  .*--\([a-z-]*\).*/\1/p' | sort -u |
		while read -r option; do
			sed 's/\\-/-/g' "$man" | grep -q -- "--$option" || echo "$option"
		done)
	check "manual: options of $verb" [ -z "$missing" ]
done
plan
