# What runs, by name, and how sshd was started. Read by sh -c; only builtins, but for tr.
N=$SOVAUDIT_N; unset SOVAUDIT_N
seen='
'; daemons=; boot=
[ -r /proc/1/comm ] || { printf '%s g denied cmd:processes\t/proc hides them\n%s g denied cmd:sshd-daemons\t/proc hides them\n' "$N" "$N"; exit 0; }
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
