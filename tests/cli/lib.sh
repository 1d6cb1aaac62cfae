# SPDX-License-Identifier: GPL-2.0-only
# Shared by the scripts of tests/cli: run a command, look at what it did.
set -u
bin=$(cd "${B:-build}/bin" && pwd) || exit 2
PATH=$bin:$PATH
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
n=0

# run COMMAND...: sets status, out and err
run() {
	"$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(cat "$tmp/out") err=$(cat "$tmp/err") command=$*
}

# check NAME TEST...: one line of TAP; on failure what the last command said
check() {
	n=$((n + 1))
	name=$1
	shift
	if "$@"; then
		echo "ok $n - $name"
		return
	fi
	echo "not ok $n - $name"
	printf '%s\n' "wanted: $*" "command: ${command-}" "status: ${status-}" \
		"out: ${out-}" "err: ${err-}" | sed 's/^/# /'
}

# The last command ended with this status and said this (on stderr, or stdout
# if it succeeded), and if it failed nothing on stdout.
said() {
	[ "$status" = "$1" ] || return 1
	if [ "$1" = 0 ]; then
		case $out in *"$2"*) return 0 ;; esac
		return 1
	fi
	[ -z "$out" ] || return 1
	case $err in *"$2"*) return 0 ;; esac
	return 1
}

plan() { echo "1..$n"; }
