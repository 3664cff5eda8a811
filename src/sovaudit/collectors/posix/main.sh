sovaudit_main() {
  N=$SOVAUDIT_N; MAX=${SOVAUDIT_MAX:-67108864}
  case $N in ''|*[!0-9a-f]*) echo 'sovaudit: no nonce' >&2; exit 2 ;; esac
  case $MAX in *[!0-9]*) exit 2 ;; esac
  unset SOVAUDIT_N ENV BASH_ENV CDPATH IFS
  PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin LC_ALL=C; export PATH LC_ALL; unset LANG LANGUAGE
  umask 077; exec 2>/dev/null; cd / || exit 2
  if NOW=$(timeout -k 1 5 date '+%s.%N'); then TIMEOUT=1; else TIMEOUT= NOW=$(date '+%s.%N'); fi
  UIDN=$(id -u); read -r HOSTN </proc/sys/kernel/hostname || HOSTN=$(uname -n)
  if command -v gzip >/dev/null 2>&1; then PACK=gzip; else PACK=plain; fi
  printf '\nSOVAUDIT/1 %s %s %s\n' "$N" "$PACK" "$NOW"
  # whatever happens, this ends: the whole group after 110 s
  ( trap 'kill $_z 2>/dev/null; exit 0' TERM; sleep 110 & _z=$!; wait $_z; kill -KILL 0 ) >/dev/null 2>&1 </dev/null & WATCH=$!
  if find / -maxdepth 0 -printf '' 2>/dev/null; then SOVAUDIT_PRINTF=1 SOVAUDIT_CONTROL=$(printf '*[! -~\200-\377]*'); else SOVAUDIT_PRINTF= SOVAUDIT_CONTROL='*[[:cntrl:]]*'; fi  # a range is matched faster than a class
  if command -v rpm >/dev/null 2>&1; then SOVAUDIT_RPM="rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\n' 2>/dev/null"; else SOVAUDIT_RPM=; fi
  SOVAUDIT_MAX=$MAX SOVAUDIT_HOST=$HOSTN SOVAUDIT_UID=$UIDN SOVAUDIT_GETCAP=$(command -v getcap); if [ -n "$TIMEOUT" ]; then SOVAUDIT_TIMEOUT='timeout -k 1 20'; else SOVAUDIT_TIMEOUT=; fi
  export SOVAUDIT_PRINTF SOVAUDIT_CONTROL SOVAUDIT_RPM SOVAUDIT_MAX SOVAUDIT_HOST SOVAUDIT_FN SOVAUDIT_ITEMS SOVAUDIT_NEVER SOVAUDIT_LOGS SOVAUDIT_PACKAGES SOVAUDIT_HOMES SOVAUDIT_UID SOVAUDIT_TIMEOUT SOVAUDIT_GETCAP SOVAUDIT_SCANNED SOVAUDIT_UNSCANNED SOVAUDIT_PROC
  # what runs already, before we start more; then the files beside the commands
  P=$(SOVAUDIT_N=$N TIMEOUT=$TIMEOUT guard 10 /bin/sh -c "$SOVAUDIT_PROCESSES" </dev/null)
  { unset SOVAUDIT_FN SOVAUDIT_ITEMS
    B=$({ printf '%s\n' "$P"; SOVAUDIT_N=$N UIDN=$UIDN TIMEOUT=$TIMEOUT guard 40 /bin/sh -c "$SOVAUDIT_COMMANDS" </dev/null; } | SOVAUDIT_N=$N SOVAUDIT_MODE=filter awk "$SOVAUDIT_AWK")
    printf '%s\n' "$B"; } | {
  A=$(SOVAUDIT_N=$N SOVAUDIT_MORE=${SOVAUDIT_MORE:-} SOVAUDIT_MODE=files guard 45 awk "$SOVAUDIT_AWK" </dev/null)
  B=$(cat)
  if [ -r /etc/machine-id ] && command -v sha256sum >/dev/null 2>&1; then
    read -r ID </etc/machine-id; case $ID in ''|uninitialized) ID= ;; *) ID=$(printf 'sovaudit machine id 1\n%s\n' "$ID" | sha256sum); ID=${ID%% *} ;; esac
  else ID=; fi
  C="$N i hostname $HOSTN
$N i uid $UIDN
$N i user $(id -un 2>/dev/null)
$N i machine_id $ID
$N z"
  if command -v sha256sum >/dev/null 2>&1; then S=$(printf '\n%s\n%s\n%s\n' "$A" "$B" "$C" | sha256sum); S=${S%% *}; else S=none; fi
  if [ $PACK = gzip ]; then
    { printf '\n%s\n%s\n%s\n' "$A" "$B" "$C"; printf '%s end %s\n' "$N" "$S"; } | gzip -1 -c
  else
    printf '\n%s\n%s\n%s\n' "$A" "$B" "$C"; printf '%s end %s\n' "$N" "$S"
  fi; }
  kill -TERM $WATCH; wait $WATCH
}
# guard SECONDS COMMAND…: the command, killed with what it started when it takes longer
guard() {
  if [ -n "$TIMEOUT" ]; then timeout -k 1 "$@"; return $?; fi
  _s=$1; shift
  # in a session of its own where that can be had, so that its children end with it
  if command -v setsid >/dev/null 2>&1; then _g=-; setsid "$@" & _p=$!; else _g=; "$@" & _p=$!; fi
  ( trap 'kill $_z 2>/dev/null; exit 0' TERM; sleep "$_s" & _z=$!; wait $_z; kill -TERM $_g$_p; sleep 1 & _z=$!; wait $_z; kill -KILL $_g$_p ) >/dev/null 2>&1 </dev/null &
  _w=$!
  wait $_p; _r=$?
  kill -TERM $_w 2>/dev/null; wait $_w 2>/dev/null
  return $_r
}
