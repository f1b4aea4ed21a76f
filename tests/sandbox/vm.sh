#!/usr/bin/env bash
# Runs the sandbox's tests in a virtual machine: on another kernel, with cgroups of version 2, which the machine at hand may not
# have. No part of test.sh: emulated, it takes about ten times as long (ASSAY_VM_ACCEL=kvm where that works).
#
#   tests/sandbox/vm.sh BUILD [-- COMMAND...]        BUILD: a build folder with test_sandbox, as build/dev
#
# The machine is Debian's cloud kernel over a root made by debootstrap; both are kept in ${ASSAY_VM:-/var/tmp/assay-vm} for the next
# time. It has no network. COMMAND replaces "tests/test_sandbox" and is run in a copy of BUILD. The status is the command's.
set -euo pipefail

fail() { echo "vm: $*" >&2; exit 2; }

build=$(realpath "${1:?usage: tests/sandbox/vm.sh BUILD [-- COMMAND...]}")
shift
[ "${1:-}" != -- ] || shift
[ $# -gt 0 ] || set -- tests/test_sandbox
[ -x "$build/tests/test_sandbox" ] || fail "$build has no tests/test_sandbox; try: scripts/build.sh dev test_sandbox"
[ "$(id -u)" -eq 0 ] || fail "needs root, for debootstrap; try: sudo $0"
for tool in qemu-system-x86_64 debootstrap cpio mke2fs; do
  command -v $tool >/dev/null || fail "needs $tool; try: apt-get install qemu-system-x86 debootstrap cpio e2fsprogs"
done

place=${ASSAY_VM:-/var/tmp/assay-vm}
mkdir -p "$place"
cd "$place"

if [ ! -e root/ready ]; then
  echo "vm: making a root in $place"
  rm -rf root
  . /etc/os-release
  mirror=$(apt-get indextargets --no-release-info --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
    awk -v suite="$VERSION_CODENAME" '$1 == "Packages" && $2 == suite && $3 == "main" { print $4; exit }')
  debootstrap --variant=minbase "$VERSION_CODENAME" root "$mirror" >debootstrap.log
  cp -L /etc/resolv.conf root/etc/
  chroot root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends kmod busybox-static git bubblewrap libseccomp2 \
    python3-ipykernel python3-jupyter-client python3-numpy python3-matplotlib >install.log
  # The kernel alone, without what its package does to a machine that boots by it.
  (cd root/tmp && chroot .. sh -c 'cd /tmp && apt-get download $(apt-cache depends linux-image-cloud-amd64 | sed -n "s/^ *Depends: \(linux-image-.*\)/\1/p" | head -1) && dpkg-deb -x linux-image-*.deb /')
  chroot root depmod "$(basename root/lib/modules/*)"
  touch root/ready
fi

rm -rf root/build boot
mkdir -p root/build/tests boot/bin
cp "$build/assay-launcher" root/build/
cp "$build"/tests/{test_sandbox,escape_inside} root/build/tests/
[ ! -x "$build/assay" ] || cp "$build/assay" root/build/
printf '%q ' "$@" >root/build/command
cat >root/build/init <<'INIT'
#!/bin/bash
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm && mount -t devpts pts /dev/pts && mount -t tmpfs shm /dev/shm
mount -t cgroup2 cgroup /sys/fs/cgroup && mount -t tmpfs run /run && mount -t tmpfs tmp /tmp
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
modprobe overlay; ip link set lo up 2>/dev/null || busybox ifconfig lo up
echo "vm: $(uname -r), $(nproc) processors, cgroup controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"
cd /build && bash ./command </dev/null
echo "vm: status $?"
busybox poweroff -f
INIT
chmod +x root/build/init

# The kernel's drivers for the disk are modules: a first root with no more than them, in the order in which they need each other.
cp root/bin/busybox boot/bin/
{
  echo '#!/bin/busybox sh'
  chroot root modprobe --set-version "$(basename root/lib/modules/*)" --show-depends --all virtio_pci virtio_blk crc32c | sed -n 's/^insmod //p' | awk '!seen[$1]++' |
    while read -r module; do
      cp "root$module" boot/
      echo "/bin/busybox insmod /$(basename "$module")"
    done
  echo '/bin/busybox mount -t devtmpfs dev /dev; /bin/busybox mount -t ext4 /dev/vda /root; /bin/busybox umount /dev'
  echo 'exec /bin/busybox switch_root /root /build/init'
} >boot/init
chmod +x boot/init
(cd boot && find . | cpio --quiet -o -H newc) >boot.cpio
rm -f disk
mke2fs -q -t ext4 -d root disk 6G

# Emulated unless told otherwise: a /dev/kvm inside of another virtual machine may be there and hang.
accelerator=${ASSAY_VM_ACCEL:-tcg,thread=multi}
echo "vm: booting with $accelerator"
timeout --foreground "${ASSAY_VM_SECONDS:-7200}" qemu-system-x86_64 -accel $accelerator -cpu max -smp "$(nproc)" -m 4G -nographic -no-reboot -nic none \
  -kernel root/boot/vmlinuz-* -initrd boot.cpio -append "console=ttyS0 quiet panic=-1 ${ASSAY_VM_KERNEL:-}" \
  -drive file=disk,format=raw,if=virtio,cache=unsafe </dev/null | tee console.log | stdbuf -oL tr -d '\r'
status=$(tr -d '\r' <console.log | sed -n 's/^vm: status \([0-9]*\)$/\1/p' | tail -1)
[ -n "$status" ] || fail "the machine stopped before its command had ended"
exit "$status"
