N=$SOVAUDIT_N; unset SOVAUDIT_N
run() {
  if [ -n "$2" ] && ! command -v "$2" >/dev/null 2>&1; then printf '%s g absent cmd:%s\tno %s here\n' "$N" "$1" "$2"; return; fi
  if [ "$3" = root ] && [ "$UIDN" != 0 ]; then printf '%s g denied cmd:%s\troot could run it\n' "$N" "$1"; return; fi
  printf '%s c %s\n' "$N" "$1"
  { guard 6 /bin/sh -c "$4" 2>&1 </dev/null; printf '\n%s x %s %s\n' "$N" "$1" $?; } | head -c 300000
  echo
}
processes() {
  seen='
'; daemons=; boot=
  [ -r /proc/1/comm ] || { printf '%s g denied cmd:processes\t/proc hides them\n%s g denied cmd:sshd-daemons\t/proc hides them\n' "$N" "$N"; return; }
  while read -r k v _; do [ "$k" = btime ] && boot=$v; done </proc/stat
  for p in /proc/[0-9]*; do
    c=; { read -r c <"$p/comm"; } 2>/dev/null || continue
    case $c in *[[:cntrl:]]*) continue ;; esac
    case $seen in *"
$c
"*) ;; *) seen="$seen$c
" ;; esac
    [ "$c" = sshd ] || continue
    l=$(tr '\000\n\t' '   ' <"$p/cmdline" 2>/dev/null)
    case $l in sshd:\ /*|/*|sshd\ *) ;; *) continue ;; esac
    { read -r s <"$p/stat"; } 2>/dev/null || continue
    s=${s##*)}; set -- $s
    daemons="$daemons${p#/proc/}	$((boot + ${20} / 100))	${l% }
"
  done
  printf '%s c processes\n%s\n%s x processes 0\n' "$N" "${seen#?}" "$N"
  printf '%s c sshd-daemons\n%s\n%s x sshd-daemons 0\n' "$N" "$daemons" "$N"
}
