#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The tools against the real module, in the guest: make guest-tools
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -d "${LFS_SCRATCH-}" ]; then
	echo "guest_tools: to be run by tests/vm/run" >&2
	exit 2
fi
scratch=$LFS_SCRATCH/tools
export LAYERCTL_ROOT="$scratch/store"
# Not /tmp/...: findmnt and umount shall work on ordinary directories.
m=/mnt/tools
mkdir -p "$m/1" "$m/2" "$m/3" "$m/4" "$scratch"

# json PYTHON: an expression about the last output, as d
json() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(not eval("(" + sys.argv[2] + ")"))' "$tmp/out" "$1"
}
options_of() { findmnt -no OPTIONS "$1"; }

"$here/make-image" "$tmp/a" web:a "etc/,etc/passwd=root,big=$(printf '%0100000d' 0)" "bin/,bin/sh=x" "index=A"
"$here/make-image" "$tmp/b" web:b "etc/,etc/passwd=root,big=$(printf '%0100000d' 0)" "bin/,bin/sh=x" "index=B"
run layerctl import "$tmp/a"
check "import of A" [ "$status" = 0 ]
run layerctl import "$tmp/b"
check "import of B" [ "$status" = 0 ]

# Containers
run layerctl mount --name one web:a "$m/1"
check "mount prints the name" [ "$status:$out" = 0:one ]
check "the image is there" [ "$(cat "$m/1/index")" = A ]
run layerctl mount --name one web:a "$m/2"
check "a mounted name is refused" said 1 "mounted on '$m/1' already"
run layerctl mount --name one web:b "$m/2"
check "another image under a known name is refused" said 1 "stands on another image"
run layerctl mount web:a "$m/2" --format json
check "a name is made up" json 'len(d) == 1 and len(d[0]["name"]) > 4 and d[0]["target"] == "'$m/2'"'
second=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["name"])' "$tmp/out")
run layerctl mount --name ro --read-only web:b "$m/3"
check "read-only mount" [ "$status" = 0 ]
run touch "$m/3/x"
check "and nothing can be written there" [ "$status" != 0 ]
echo changed >>"$m/1/etc/passwd"
check "a change is in its own container" grep -q changed "$m/1/etc/passwd"
check "and in no other" sh -c '! grep -q changed "$1"' sh "$m/2/etc/passwd"
cat "$m/1/big" >/dev/null

run layerctl ps --format json --size
check "ps: three containers, mounted" json 'sorted((c["name"], c["status"], c["image"]) for c in d) ==
	sorted([("one", "mounted", "web:a"), ("'$second'", "mounted", "web:a"), ("ro", "mounted", "web:b")])'
check "ps: what the upper holds" json '[c["upper_size"] for c in d if c["name"] == "one"] == [12]'
check "ps: an untouched upper" json '[c["upper_size"] for c in d if c["name"] == "'$second'"] == [0]'
check "ps: no upper, no size" json '[(c["read_only"], c["upper_size"]) for c in d if c["name"] == "ro"] == [(True, None)]'
run layerctl tree --format json
check "tree: one bottom, parted at the top" json 'len(d["layers"]) == 1 and
	len(d["layers"][0]["above"]) == 1 and len(d["layers"][0]["above"][0]["above"]) == 2'
check "tree: who stands where" json 'sorted((x["images"][0]["names"][0], sorted(c["name"] for c in x["images"][0]["containers"]))
	for x in d["layers"][0]["above"][0]["above"]) == [("web:a", sorted(["one", "'$second'"])), ("web:b", ["ro"])]'
run layerctl usage --format json
check "usage: sharing is counted" json 'all((l[-1]["images"], l[-1]["containers"]) == (2, 3) and l[0]["images"] == 1
	for l in (i["layers"] for i in d["images"]))'
check "usage: the layer was read" json 'd["images"][0]["layers"][-1]["read_bytes"] >= 100000'
check "usage: copied up from the layer" json 'd["images"][0]["layers"][-1]["copyup_files"] == 2'
check "usage: copied up into the container" json '[c["copyup_files"] for i in d["images"] for c in i["containers"]
	if c["name"] == "one"] == [2]'
check "usage: totals" json 'd["totals"]["used"] == 100000 + 4 + 1 + 1 + 1 + 12 and
	d["totals"]["if_unshared"] == 3 * 100006 + 12'
run layerctl usage ro --format json
check "usage of a container shows its image only" json '[i["name"] for i in d["images"]] == ["web:b"]'

run layerctl rm web:b
check "an image in use stays" said 1 "container ro stands on image"
run sh -c 'cd "$1" && layerctl umount one' sh "$m/1"
check "a busy container stays mounted" said 1 "is busy"
run layerctl umount one "$m/2" ro
check "umount by name and by target" [ "$status" = 0 ]
check "all are unmounted" [ -z "$(findmnt -nt layerfs)" ]
run layerctl ps --all --format json
check "uppers are kept, what has none is gone" json 'sorted((c["name"], c["status"]) for c in d) ==
	sorted([("one", "unmounted"), ("'$second'", "unmounted")])'
run layerctl usage --format json
check "no counters for what is not in use" json 'all(l["lookups"] is None for i in d["images"] for l in i["layers"])'
run layerctl mount --name one web:a "$m/1"
check "a known container comes back as it was" grep -q changed "$m/1/etc/passwd"
run layerctl mount --name dir web:a "$m/1/etc/passwd"
check "a mount that fails" [ "$status" = 1 ]
run layerctl ps --all --format json
check "leaves no container behind" json '"dir" not in [c["name"] for c in d]'
run layerctl mount --name fast --volatile web:a "$m/4"
check "volatile" grep -q "$m/4 .*,volatile" /proc/self/mounts
touch "$m/4/new"
run layerctl umount fast
run layerctl mount --name fast web:a "$m/4"
check "a volatile container that ended well comes back" [ -e "$m/4/new" ]
run layerctl umount --rm fast
run layerctl umount --rm one "$second"
check "removal" [ "$status" = 0 ]
check "removal leaves nothing" [ -z "$(ls -A "$LAYERCTL_ROOT/containers" "$LAYERCTL_ROOT/tmp" | grep -v :)" ]
run layerctl rm web:b
check "an image that is no longer used goes" [ "$status" = 0 ]

# mount(8) finds the helper in /sbin only: a layerfs puts it there, for us alone.
cat >"$tmp/mount8.sh" <<'MOUNT8'
here=$1 m=$2 scratch=$3
. "$here/lib.sh" && trap - EXIT
rmdir "$tmp"
tmp=$4 n=$5
mkdir -p "$tmp/sbin"
ln -s "$bin/mount.layerfs" "$tmp/sbin/mount.layerfs"
mount.layerfs sbin /usr/sbin -o "lowerdir=$tmp/sbin:/usr/sbin" || exit 2

mkfifo "$tmp/up" "$tmp/end"
mkdir -p "$tmp/u" "$tmp/w" "$tmp/com,ma" "$tmp/co:lon" "$tmp/sp ace"
touch "$tmp/com,ma/1" "$tmp/co:lon/2" "$tmp/sp ace/3"
for count in 1 8 64 500; do
	list=$(python3 -c 'import os, sys
layers = [f"{sys.argv[1]}/layer{i}" for i in range(int(sys.argv[2]))]
for i, layer in enumerate(layers):
	os.makedirs(layer)
	open(f"{layer}/f{i}", "w").close()
print(":".join(layers))' "$tmp/l$count" $count)
	run mount -t layerfs -o "lowerdir=$list" src "$m/4"
	check "mount(8) with $count layers" [ "$status" = 0 ]
	check "all $count layers are there" [ "$(ls "$m/4" | wc -l)" = $count ]
	run umount "$m/4"
	check "umount of $count layers" [ "$status" = 0 ]
done

run mount -t layerfs -o "nosuid,noatime,lowerdir=$tmp/l1/layer0:/etc,upperdir=$tmp/u,workdir=$tmp/w" src "$m/4"
check "flags of the mount" [ "$(findmnt -no VFS-OPTIONS "$m/4")" = rw,nosuid,noatime ]
check "source and type" [ "$(findmnt -no SOURCE,FSTYPE "$m/4" | tr -s ' ')" = "src layerfs" ]
run mountpoint -q "$m/4"
check "mountpoint" [ "$status" = 0 ]
run df "$m/4"
check "df" said 0 "$m/4"
run mount -o remount,ro "$m/4"
check "remount,ro" [ "$status" = 0 ]
run touch "$m/4/x"
check "is read-only" [ "$status" != 0 ]
check "remount keeps the other flags" [ "$(findmnt -no VFS-OPTIONS "$m/4")" = ro,nosuid,noatime ]
run mount -o remount,rw,relatime "$m/4"
check "remount,rw" [ "$status" = 0 ]
run touch "$m/4/x"
check "is writable" [ "$status" = 0 ]
run mount -o "remount,lowerdir=/etc" -t layerfs src "$m/4"
check "layers cannot be changed" said 32 "lowerdir cannot be changed"
run mount.layerfs src "$m/4" -o "remount,$(findmnt -no OPTIONS "$m/4")"
check "what findmnt shows is accepted" [ "$status" = 0 ]
umount "$m/4"

run mount.layerfs src "$m/4" -o "lowerdir=$tmp/com\\,ma:$tmp/co\\:lon:$tmp/sp ace"
check "paths with commas, colons and spaces" [ "$status:$(echo "$m/4/"*)" = "0:$m/4/1 $m/4/2 $m/4/3" ]
umount "$m/4"
long=$tmp/$(printf '%0200d/%0200d' 0 0)
mkdir -p "$long" && touch "$long/deep"
run mount.layerfs src "$m/4" -o "lowerdir=$long:/etc"
check "a path longer than fsconfig takes" [ -e "$m/4/deep" ]
run mount.layerfs src "$m/4" -o "remount,$(findmnt -no OPTIONS "$m/4")"
check "what findmnt shows of it is accepted" [ "$status" = 0 ]
umount "$m/4"

printf '%s\n' "$tmp/com,ma" "$tmp/co:lon" >"$tmp/list"
echo "fs $m/4 layerfs layers=$tmp/list,ro,nofail,x-systemd.requires-mounts-for=$tmp 0 0" >"$tmp/fstab"
run mount -T "$tmp/fstab" "$m/4"
check "fstab with a list of layers" [ "$status:$(echo "$m/4/"*)" = "0:$m/4/1 $m/4/2" ]
umount "$m/4"
run mount -t layerfs -o image=web:a,root="$scratch/store" src "$m/4"
check "an image of the store by mount(8)" [ "$(cat "$m/4/index")" = A ]
run layerctl ps --format json
check "ps knows a mount that is not its own" json 'any(c["name"] == "src" and c["image"] == "web:a" and
	c["target"] == "'"$m/4"'" and c["created"] is None for c in d)'
run layerctl usage web:a --format json
check "usage, too" json '[c["name"] for i in d["images"] for c in i["containers"]] == ["src"]'
run layerctl rm web:a
check "rm refuses an image that mount(8) has mounted" said 1 "it is mounted on $m/4"
check "which is all there" [ "$(cat "$m/4/index")" = A ]
record=$(echo "$scratch"/store/images/*.json)
mv "$record" "$scratch/record"
run layerctl gc
check "gc keeps its layers even if no record has them" said 0 "it is mounted on $m/4"
check "all of them" [ "$(layerctl layers -q | wc -l)" = 3 ]
# Moved out of this namespace, it is told by the kernel alone.
unshare -m sh -c 'echo >"$1"; read -r _ <"$2"' sh "$tmp/up" "$tmp/end" &
other=$!
read -r _ <"$tmp/up"
umount "$m/4"
run layerctl gc --format json
check "also those of a mount in another namespace" json 'len(d) == 3 and all("namespace" in g["kept_because"] for g in d)'
echo >"$tmp/end"
wait $other
mv "$scratch/record" "$record"
run layerctl fsck
check "the store is whole" [ "$status" = 0 ]

run mount -t layerfs -o lowerdir=/no/such src "$m/4"
check "the kernel's reason is shown" said 32 "/no/such"
run mount -t layerfs -o lowerdir=/etc,bogus src "$m/4"
check "an unknown option is named" said 32 "bogus"
run mount -t layerfs -s -o lowerdir=/etc,bogus,ro src "$m/4"
check "-s tolerates it" [ "$status" = 0 ]
umount "$m/4"
run mount.layerfs src "$m/4" -o "lowerdir=/etc,upperdir=$tmp/u"
check "upperdir without workdir" said 32 "workdir"
run mount.layerfs src "$m/4" -o "lowerdir=/etc,upperdir=$tmp/u,workdir=$scratch"
check "workdir elsewhere" said 32 "workdir"
check "nothing stays mounted" [ "$(findmnt -nt layerfs -o TARGET)" = /usr/sbin ]
echo "$n" >"$tmp/n"
MOUNT8
# Functions of this script that the other one needs, too.
{ sed -n '/^json() {$/,/^}$/p' "$0"; cat "$tmp/mount8.sh"; } >"$tmp/mount8+.sh"
unshare -m sh "$tmp/mount8+.sh" "$here" "$m" "$scratch" "$tmp" "$n"
check "mount(8)'s part ran to its end" [ -s "$tmp/n" ]
[ -s "$tmp/n" ] && n=$(($(cat "$tmp/n") + 1))

# Another mount namespace, which lives until its fifo is opened.
unshare -m sh -c 'echo >"$1"; read -r _ <"$2"' sh "$tmp/up" "$tmp/end" &
other=$!
read -r _ <"$tmp/up"
run mount.layerfs far "$m/4" -N "$other" -o "lowerdir=$LAYERCTL_ROOT/layers"
check "mount in another namespace" [ "$status" = 0 ]
check "it is not in this one" sh -c '! mountpoint -q "$1"' sh "$m/4"
run layerctl ps --format json
check "ps tells that it is elsewhere" json '[(c["status"], c["target"]) for c in d] == [("elsewhere", None)]'
echo >"$tmp/end"
wait $other

# What the kernel has to say of a mount that it makes all the same.
mkdir -p "$scratch/sub/in"
mount -t tmpfs none "$scratch/sub/in"
run mount.layerfs src "$m/4" -o "lowerdir=$scratch/sub"
hidden="lowerdir '$scratch/sub' has mounts in it, which do not show"
check "mount.layerfs warns" [ "$status:$out:$err" = "0::mount.layerfs: warning: $hidden" ]
umount "$m/4" "$scratch/sub/in"
run mount.layerfs src "$m/4" -o "lowerdir=$scratch/sub"
check "and is silent where there is nothing to say" [ "$status:$out$err" = 0: ]
umount "$m/4"
"$here/make-image" "$tmp/w" warn:w "only/,only/here=w"
run layerctl import "$tmp/w"
run layerctl mount --name warn --read-only warn:w "$m/4"
layer=$(options_of "$m/4" | sed 's/.*lowerdir=\([^:,]*\).*/\1/')
umount "$m/4"
mount -t tmpfs none "$layer/only"
run layerctl mount --name warn --read-only warn:w "$m/4"
check "layerctl mount warns" [ "$status:$out:$err" = \
	"0:warn:layerctl mount: warning: lowerdir '$layer' has mounts in it, which do not show" ]
umount "$m/4"
run layerctl --quiet mount --name warn --read-only warn:w "$m/4"
check "--quiet does not" [ "$status:$err" = 0: ]
umount "$m/4" "$layer/only"
rm -rf "$scratch"
plan
