# Names the wanted paths that exist, canonical and link by link, and lists them. Read by eval; only builtins, then one find per depth.
LC_ALL=C; export LC_ALL; NL='
'; IFS=$NL; T='	'; P= G=; L_0= L_1= L_2= L_3= L_4= L_9=; set -f
add() {
  case $1 in
    0) L_0=$L_0$2$NL ;;
    *) eval "case \$NL\$L_$1 in *\"\$NL\$2\$NL\"*) ;; *) L_$1=\"\$L_$1\$2\$NL\" ;; esac" ;;
  esac
}
walk() {
  local d r c h x
  d=$1; r=$2
  while [ -n "$r" ]; do
    case $r in */*) c=${r%%/*}; r=${r#*/} ;; *) c=$r; r= ;; esac
    case $c in
      ''|.) continue ;;
      ..) d=${d%/*}; continue ;;
      *[*?[]*)
        case $G in "$d/") ;; *) G=$d/; add 1 "${d:-/}"; printf 'a\ts\t1\tplain\t%s\n' "${d:-/}" ;; esac
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
      add 0 "$h"; printf 'k\t%s\t%s\t%s\t%s\t%s\n' "$fl" "$dp" "$fa" "$h" "$r"
      return
    elif [ -e "$h" ]; then
      add 0 "$h"; d=$h; P=$h
    else
      if [ ! -d "${d:-/}" ] || [ -x "${d:-/}" ]; then printf '%s\t\t\t\t\t\t%s\n' - "$h"; else printf '!\tdenied\t\t\t\t\t%s\n' "$h"; fi
      return
    fi
  done
  printf 'a\t%s\t%s\t%s\t%s\n' "$fl" "$dp" "$fa" "${d:-/}"
  case $dp$d in 0?*) ;; *) add "$dp" "${d:-/}" ;; esac  # a path alone was added on the way
}
for w in $SOVAUDIT_W; do
  fl=${w%% *}; w=${w#* }; dp=${w%% *}; w=${w#* }; fa=${w%% *}; w=${w#* }
  case $dp in 5|6|7|8) dp=9 ;; esac
  walk '' "${w#/}"
done
C=$SOVAUDIT_CONTROL
look() {
  [ -n "$2" ] || return 0
  if [ -n "$SOVAUDIT_PRINTF" ]; then
    find $2 -maxdepth "$1" \( -name "$C" -o -lname "$C" \) -printf 'n\t%h\n' -prune -o \( -type d ! \( -readable -executable \) -printf 'x\t%p\n' -o -true \) \
      -printf "r\t$1\t%H\t%d\t%y\t%m\t%U\t%G\t%s\t%Ts\t%p\t%l\n" 2>/dev/null
  else
    find $2 -maxdepth "$1" -name "$C" -prune -o ! -type l -exec stat -c "r$T$1$T?$T?$T%F$T%a$T%u$T%g$T%s$T%Y$T%n" {} + 2>/dev/null
    find $2 -maxdepth "$1" -name "$C" -prune -o -type d -exec /bin/sh -c 'for d; do [ -r "$d" ] && [ -x "$d" ] || printf "x\t%s\n" "$d"; done' sh {} + 2>/dev/null
    find $2 -maxdepth "$1" -name "$C" -prune -exec /bin/sh -c 'for d; do d=${d%/*}; printf "n\t%s\n" "${d%%[[:cntrl:]]*}"; done' sh {} + 2>/dev/null
    find $2 -maxdepth "$1" -name "$C" -prune -o -type l -exec /bin/sh -c 'for l; do t=$(readlink "$l"); case $t in *[[:cntrl:]]*) printf "n\t%s\n" "${l%/*}" ;;
      *) printf "%s\t%s\n" "$(stat -c "$0" "$l")" "$t" ;; esac; done' "r$T$1$T?$T?$T%F$T%a$T%u$T%g$T%s$T%Y$T%n" {} + 2>/dev/null
  fi
  [ $? -lt 128 ] || exit 0
}
look 0 "$L_0"; look 1 "$L_1"; look 2 "$L_2"; look 3 "$L_3"; look 4 "$L_4"; look 9 "$L_9"
echo Z
