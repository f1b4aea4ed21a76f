#!/usr/bin/env bash
# Proves that a clone and apt are enough: runs install, test and demo in a freshly bootstrapped Debian root.
#
#   tests/bare.sh [--worktree] [DIR] [-- COMMAND...]
#
# Tests a fresh clone of HEAD; with --worktree, the files of the working tree instead. DIR (empty or new) is kept for a look
# afterwards; without it a temporary directory is used and removed. COMMAND replaces the default steps; each argument is one
# step, a command line run in the clone.
#
# Debian is reached as this machine reaches it: release, mirror, proxy, sources and keys come from its own configuration. All
# mounts are made in a mount namespace of this run's own, so they are gone when it ends, however it ends.
set -euo pipefail

say() { echo "bare: $*"; }
fail() { echo "bare: $*" >&2; exit 2; }

# --- outside: find the tree and a place, enter a namespace ---------------------------------------------------------------
outside() {
  source=$(cd "$(dirname "$0")/.." && pwd)
  worktree=no keep=no root=
  while [ $# -gt 0 ]; do
    case $1 in
      --worktree) worktree=yes ;;
      --) shift; break ;;
      -*) fail "unknown option $1; usage: tests/bare.sh [--worktree] [DIR] [-- COMMAND...]" ;;
      *) root=$1 keep=yes ;;
    esac
    shift
  done
  [ $# -gt 0 ] || set -- "./scripts/install.sh" "./scripts/install.sh" "./test.sh" "./demo.sh"

  [ "$(id -u)" -eq 0 ] || fail "needs root, for chroot and mounts; try: sudo $0"
  for tool in debootstrap unshare setpriv git; do
    command -v $tool >/dev/null || fail "needs $tool; try: apt-get install debootstrap util-linux git"
  done

  if [ $keep = yes ]; then
    mkdir -p "$root"
    [ -z "$(ls -A "$root")" ] || fail "$root is not empty"
    root=$(cd "$root" && pwd)
  else
    root=$(mktemp -d "${TMPDIR:-/tmp}/assay-bare.XXXXXX")
  fi
  chmod 755 "$root"
  child=
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP

  # If this shell dies, setpriv ends unshare, unshare ends its children, and the kernel takes the mounts away.
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
    "$0" --inside "$source" "$worktree" "$root" "$@" &
  child=$!
  status=0
  wait $child || status=$?
  child=
  exit $status
}

clean_up() {
  if [ -n "$child" ]; then
    kill -KILL $child 2>/dev/null || true
    wait $child 2>/dev/null || true
  fi
  if [ $keep = yes ]; then
    say "the root is kept in $root"
  else
    rm -rf --one-file-system "$root"
  fi
}

# --- inside: bootstrap, copy, run --------------------------------------------------------------------------------------
bootstrap() {
  . /etc/os-release
  mirror=$(apt-get indextargets --no-release-info --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
    awk -v suite="$VERSION_CODENAME" '$1 == "Packages" && $2 == suite && $3 == "main" { print $4; exit }')
  [ -n "$mirror" ] || fail "this machine's apt has no source for $VERSION_CODENAME main; is it Debian?"
  eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
  export http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}"

  say "bootstrapping $VERSION_CODENAME into $root"
  if ! log=$(debootstrap --variant=minbase "$VERSION_CODENAME" "$root" "$mirror" 2>&1); then
    tail -20 <<<"$log" >&2
    fail "debootstrap failed; its last lines are above"
  fi

  # The same sources, keys and ways through proxies; none of the hooks, which call programs of this machine.
  rm -f "$root/etc/apt/sources.list"
  (cd / && for path in etc/apt/sources.list etc/apt/sources.list.d etc/apt/trusted.gpg etc/apt/trusted.gpg.d \
      etc/apt/keyrings etc/apt/auth.conf etc/apt/auth.conf.d usr/share/keyrings usr/local/share/ca-certificates \
      etc/ssl/certs/ca-certificates.crt; do
    [ ! -e $path ] || echo $path
  done | tar -c -h --files-from=- | tar -x -C "$root")
  apt-config dump Acquire | grep -E '^Acquire::(http|https|Check-|Retries|Languages|By-Hash)' >"$root/etc/apt/apt.conf.d/99bare"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
}

copy_tree() {
  say "cloning $source"
  # The owner of the clone may be somebody else than root; git must not mind.
  printf '[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n' >"$root/root/.gitconfig"
  export GIT_CONFIG_GLOBAL=$root/root/.gitconfig
  git clone --quiet --no-hardlinks "$source" "$root/root/assay"
  [ "$worktree" = yes ] || return 0
  find "$root/root/assay" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
  git -C "$source" ls-files -z --cached --others --exclude-standard |
    (cd "$source" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
    tar -c -C "$source" --null --files-from=- | tar -x -C "$root/root/assay" --no-same-owner
}

# Its own root, not a chroot: the sandbox makes namespaces, which the kernel refuses to those who are in a chroot.
run_in_root() {
  unshare --mount --propagation private bash -c 'cd "$1" && pivot_root . mnt && umount -l /mnt && shift && exec "$@"' \
    bash "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" http_proxy="$http_proxy" \
    https_proxy="$https_proxy" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd /root/assay && $1" </dev/null
}

inside() {
  source=$1 worktree=$2 root=$3
  shift 3
  bootstrap
  copy_tree
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"

  summary="bare: Debian $(cat "$root/etc/debian_version"), $(ls "$root"/var/lib/dpkg/info/*.list | wc -l) packages at the start"
  failed=0
  for step in "$@"; do
    start=$SECONDS result=passed
    if [ $failed -ne 0 ]; then
      result="not run"
    else
      say "running $step"
      run_in_root "$step" || { result=FAILED failed=1; }
    fi
    summary+=$'\n'"bare: $(printf '%-8s %5d s  %s' "$result" $((SECONDS - start)) "$step")"
  done
  echo "$summary"
  exit $failed
}

if [ "${1:-}" = --inside ]; then
  shift
  inside "$@"
else
  outside "$@"
fi
