# Names the wanted paths that exist, canonical and link by link, and lists them. Read by eval; only builtins, then one find per depth.
LC_ALL=C; export LC_ALL; NL='
'; IFS=$NL; T='	'; P=; L_c0= L_c1= L_c2= L_c3= L_c4= L_c9= L_s0= L_s1= L_s2= L_s3= L_s4= L_s9=; set -f
add() { eval "L_$1$2=\"\$L_$1$2\$3\$NL\""; }
walk() {
  local d r c h x
  d=$1; r=$2
  while [ -n "$r" ]; do
    case $r in */*) c=${r%%/*}; r=${r#*/} ;; *) c=$r; r= ;; esac
    case $c in
      ''|.) continue ;;
      ..) d=${d%/*}; continue ;;
      *[*?[]*)
        add s 1 "${d:-/}"; printf 'a\ts\t1\tplain\t%s\n' "${d:-/}"
        set +f
        for x in "$d"/$c; do
          set -f
          x=${x##*/}
          case $x in *[*?[]*|*[[:cntrl:]]*) continue ;; esac
          walk "$d" "$x${r:+/$r}"
        done
        set -f
        return ;;
    esac
    h=$d/$c
    case $P/ in "$h"/*) d=$h; continue ;; esac
    if [ -L "$h" ]; then
      add s 0 "$h"; printf 'k\t%s\t%s\t%s\t%s\t%s\n' "$fl" "$dp" "$fa" "$h" "$r"
      return
    elif [ -e "$h" ]; then
      add s 0 "$h"; d=$h; P=$h
    else
      if [ ! -d "${d:-/}" ] || [ -x "${d:-/}" ]; then printf '%s\t\t\t\t\t\t%s\n' - "$h"; else printf '!\tdenied\t\t\t\t\t%s\n' "$h"; fi
      return
    fi
  done
  printf 'a\t%s\t%s\t%s\t%s\n' "$fl" "$dp" "$fa" "${d:-/}"
  add "$fl" "$dp" "${d:-/}"
}
for w in $SOVAUDIT_W; do
  fl=${w%% *}; w=${w#* }; dp=${w%% *}; w=${w#* }; fa=${w%% *}; w=${w#* }
  case $dp in 5|6|7|8) dp=9 ;; esac
  walk '' "${w#/}"
done
C='*[[:cntrl:]]*'
look() {
  [ -n "$3" ] || return 0
  if [ -n "$SOVAUDIT_PRINTF" ]; then
    find $3 -maxdepth "$2" \( -name "$C" -o -lname "$C" \) -printf 'n\t%h\n' -prune -o \( -type d ! \( -readable -executable \) -printf 'x\t%p\n' -o -true \) \
      -printf "r\t$1\t$2\t%H\t%d\t%y\t%m\t%U\t%G\t%s\t%Ts\t%p\t%l\n" 2>/dev/null
  else
    find $3 -maxdepth "$2" -name "$C" -prune -o ! -type l -exec stat -c "r$T$1$T$2$T?$T?$T%F$T%a$T%u$T%g$T%s$T%Y$T%n" {} + 2>/dev/null
    find $3 -maxdepth "$2" -name "$C" -prune -o -type d -exec /bin/sh -c 'for d; do [ -r "$d" ] && [ -x "$d" ] || printf "x\t%s\n" "$d"; done' sh {} + 2>/dev/null
    find $3 -maxdepth "$2" -name "$C" -prune -exec /bin/sh -c 'for d; do d=${d%/*}; printf "n\t%s\n" "${d%%[[:cntrl:]]*}"; done' sh {} + 2>/dev/null
    find $3 -maxdepth "$2" -name "$C" -prune -o -type l -exec /bin/sh -c 'for l; do t=$(readlink "$l"); case $t in *[[:cntrl:]]*) printf "n\t%s\n" "${l%/*}" ;;
      *) printf "%s\t%s\n" "$(stat -c "$0" "$l")" "$t" ;; esac; done' "r$T$1$T$2$T?$T?$T%F$T%a$T%u$T%g$T%s$T%Y$T%n" {} + 2>/dev/null
  fi
  [ $? -lt 128 ] || exit 0
}
look c 0 "$L_c0"; look c 1 "$L_c1"; look c 2 "$L_c2"; look c 3 "$L_c3"; look c 4 "$L_c4"; look c 9 "$L_c9"
look s 0 "$L_s0"; look s 1 "$L_s1"; look s 2 "$L_s2"; look s 3 "$L_s3"; look s 4 "$L_s4"; look s 9 "$L_s9"
echo Z
