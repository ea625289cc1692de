# What all parts stand on: one line of answer, a clock that nobody sets, a lock that its holder's death gives back.
#
# Owns where the state is and how it is written: under one folder, which is gone at a reboot, as the faults are. Must never know what a
# fault is. POSIX sh: it is dash here and bash there.

set -uf
LC_ALL=C
PATH=${PATH:-/usr/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077
cd /

RUN=${SQUALL_RUN:-/run/squall}
export SQUALL_RUN="$RUN"

# Hundredths of a second.
SECOND=100

# plain TEXT: what may stand in a JSON string as it is.
plain() { printf %s "$1" | tr '"\\\n\t' "'/  " | tr -c ' -~' '?' | head -c 500; }

# answer RESULT [DETAIL] [MEASURED] [MORE]: the one line. MEASURED and MORE are members of JSON objects.
answer() {
  printf '{"squall":1,"result":"%s"' "$1"
  [ -z "${2:-}" ] || printf ',"detail":"%s"' "$(plain "$2")"
  [ -z "${3:-}" ] || printf ',"measured":{%s}' "$3"
  [ -z "${4:-}" ] || printf ',%s' "$4"
  printf '}\n'
}

# refuse WHY: nothing was touched.
refuse() {
  answer failed "$1"
  exit 0
}

is_number() {
  case $1 in
    '' | *[!0-9]*) return 1 ;;
  esac
  [ ${#1} -le 15 ]
}

# clock: NOW, in hundredths of a second since the boot. It is CLOCK_BOOTTIME: nobody sets it, and it goes on in a hibernation.
clock() {
  read -r NOW _ </proc/uptime || exit 1
  NOW=$((${NOW%.*} * 100 + 1${NOW#*.} - 100))
}

# pause SECONDS: whoever waits keeps nothing open that a holder's death must close.
pause() { sleep "$1" 6<&- 7<&- 8>&- 9>&-; }

# get FILE: GOT, its first line; empty and a failure where it cannot be read.
get() {
  GOT=
  [ -r "$1" ] && read -r GOT <"$1"
}

# put FILE LINE: whoever reads sees the old line or the new one.
put() { printf '%s\n' "$2" >"$1.$$" && mv -f "$1.$$" "$1"; }

# locked COMMAND...: alone among all of ours on this instance. The kernel takes the lock back from the dead, so nothing that stays may start inside.
locked() { { flock -w 10 9 && "$@"; } 9>>"$RUN/lock"; }

# born PID: BORN, when it began, which tells it from another that has its number later; and PARENT. Fails where it has ended.
born() {
  [ -r "/proc/$1/stat" ] && read -r STAT <"/proc/$1/stat" || return 1
  # A name may hold anything, blanks and brackets too.
  # shellcheck disable=SC2086
  set -- ${STAT##*) }
  PARENT=${2:-} BORN=${20:-}
  case ${1:-X} in
    Z | X) return 1 ;;
  esac
}

# alive FILE: whether the process that is written there is the one that was meant.
alive() {
  get "$1" || return 1
  WHO=${GOT% *} THEN=${GOT#* }
  is_number "$WHO" && born "$WHO" && [ "$BORN" = "$THEN" ]
}

# orphaned PARENT: whether whoever started this process has ended. The kernel gives it another parent then, and no number can deceive.
orphaned() { ! born self || [ "$PARENT" != "$1" ]; }

# lacking TOOL...: says which are missing.
lacking() {
  MISSING=
  for TOOL in "$@"; do command -v "$TOOL" >/dev/null || MISSING="$MISSING $TOOL"; done
  [ -n "$MISSING" ]
}
