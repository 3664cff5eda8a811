# Reads what the list names and what that leads to; prints frames. Runs in mawk, gawk and busybox awk, C locale. No single quote stands in it.
function gap(reason, item, detail) { if (!(item in GAPS)) { GAPS[item] = 1; print N " g " reason " " item "\t" detail } }
function quote(s) { gsub(/\047/, "\047\\\047\047", s); return "\047" s "\047" }
function trim(s) { if (s ~ /^[ \t\r]/) sub(/^[ \t\r]+/, "", s); if (s ~ /[ \t\r]$/) sub(/[ \t\r]+$/, "", s); return s }
function dirname(p) { if (p !~ /\057.*\057/) return "/"; sub(/\057[^\057]*$/, "", p); return p }

# masking: masking.py says the same in the same order
function password(f,   rest, locks, head, tail, cost, id) {
  rest = f; gsub(/^!+/, "", rest); locks = substr(f, 1, length(f) - length(rest))
  if (rest == "" || rest == "*" || rest == "x") return f
  if (match(rest, /^\$[-A-Za-z0-9]+[$,]/)) {
    head = substr(rest, 1, RLENGTH); tail = substr(rest, RLENGTH + 1); id = substr(head, 2, length(head) - 2)
    if (length(head) > 10) return locks "<other>"
    if (head ~ /,$/) {
      if (head != "$md5,") return locks "<other>"
      if (match(tail, /^rounds=[0-9]+\$/)) return locks head substr(tail, 1, RLENGTH) "masked"
      return locks "$md5$masked"
    }
    cost = ""
    if (id == "y" || id == "gy") { if (match(tail, /^[.\057A-Za-z0-9]+\$/) && RLENGTH <= 9) cost = substr(tail, 1, RLENGTH) }
    else if (id == "5" || id == "6") { if (match(tail, /^rounds=[0-9]+\$/) && RLENGTH <= 20) cost = substr(tail, 1, RLENGTH) }
    else if (id ~ /^2[abxy]$/ || id == "sha1") { if (match(tail, /^[0-9]+\$/) && RLENGTH <= 20) cost = substr(tail, 1, RLENGTH) }
    return locks head cost "masked"
  }
  head = rest; sub(/[^.\0570-9A-Za-z].*/, "", head); cost = length(head)
  if (cost >= 13 && cost <= 178 && cost % 11 == 2) return locks "<des>"
  if (length(rest) == 20 && rest ~ /^_[.\0570-9A-Za-z]+$/) return locks "<bsdi>"
  return locks "<other>"
}
function account_line(l,   i, name, rest, f, c) {
  i = index(l, ":"); if (!i) return (l == "" || (l ~ /^[+-](@?[a-z_][a-z0-9_-]*)?$/ && length(l) < 34)) ? l : M
  name = substr(l, 1, i - 1); rest = substr(l, i + 1); i = index(rest, ":"); c = ""
  if (i) { f = substr(rest, 1, i - 1); rest = substr(rest, i + 1); c = ":" } else { f = rest; rest = "" }
  return mask_line("plain", name) ":" password(f) c mask_line("plain", rest)
}
function oath_line(l,   t, n, w) {
  t = trim(l); if (t == "") return l
  if (t ~ /^#/) return "#"
  n = split(t, w, /[ \t]+/); if (n < 3) return M
  return w[1] "\t" w[2] "\t" ((w[3] == "-" || w[3] == "+") ? w[3] : M) "\t" M
}
function value(rest, whole,   q, e, v) {  # masked value into VALUE, what follows is returned
  q = substr(rest, 1, 1)
  if (q == "\"" || q == "\047") {
    e = index(substr(rest, 2), q)
    if (!e) { VALUE = q (length(rest) > 1 ? M : ""); return "" }
    VALUE = q (e > 1 ? M : "") q; return substr(rest, e + 2)
  }
  if (whole) { if (match(rest, /^[^\r]+/)) v = substr(rest, 1, RLENGTH); else v = "" }
  else { if (match(rest, /^[^ \t\r"\047,;)]+/)) v = substr(rest, 1, RLENGTH); else v = "" }
  rest = substr(rest, length(v) + 1)
  q = tolower(v); gsub(/[ \t]+$/, "", q)
  VALUE = (v == "" || (q in HARMLESS)) ? v : M
  return rest
}
function urls(l,   out, i, w) {
  gsub(/:\057\057[^ \t\057@"\047]*:[^ \t@"\047]*@/, "://<masked>@", l)
  i = index(l, "://"); if (!i) return l
  out = substr(l, 1, i + 2); l = substr(l, i + 3)
  while (match(l, /\057[-A-Za-z0-9_]+/)) {
    w = substr(l, RSTART, RLENGTH); i = RSTART + RLENGTH
    out = out substr(l, 1, RSTART - 1) ((length(w) > 20 && w ~ /[0-9]/ && w ~ /[A-Za-z]/) ? "/" M : w); l = substr(l, i)
  }
  return out l
}
function bearer(l,   out, f, v, p) {
  out = ""
  while (match(tolower(l), /(bearer|basic|apikey|token)[ \t]+[-a-z0-9._~+\057=]+/)) {
    f = substr(l, RSTART, RLENGTH); out = out substr(l, 1, RSTART - 1); l = substr(l, RSTART + RLENGTH)
    match(f, /^[A-Za-z]+[ \t]+/); p = substr(f, 1, RLENGTH); v = substr(f, RLENGTH + 1)
    out = out p (length(v) < 8 ? v : M)
  }
  return out l
}
function keys(fam, l,   out, head, key, sep, whole, t) {
  out = ""
  while (match(tolower(l), /(password|passwd|passphrase|passwort|passcode|pwd|pass|secret|authtok|token|credential|credentials|api[-_]?key|secret[-_]?key|access[-_]?key|shared[-_]?key|auth[-_]?key|encryption[-_]?key|crypt[-_]?key|header[-_]?value|pass(word)?[-_]?hash|community|bindpw|rootpw|psk|skey|motdepasse|mot_de_passe)["\047]?([ \t]+(default|override))?[ \t]*[=:(][ \t]*/)) {
    head = substr(l, 1, RSTART - 1); key = tolower(substr(l, RSTART, RLENGTH)); t = substr(l, 1, RSTART + RLENGTH - 1); l = substr(l, RSTART + RLENGTH)
    sep = key; gsub(/[ \t]+$/, "", sep); sep = substr(sep, length(sep))
    whole = (out == "" && fam != "rc" && (sep == "=" || sep == ":") && head ~ /^[ \t#;$]*(export[ \t]+)?[-A-Za-z0-9_."\047]*$/)
    out = out t
    if ((fam == "sudo" && sep == ":" && substr(key, 1, 6) == "passwd") || (fam == "doas" && sep == ":" && substr(key, 1, 4) == "pass" && head ~ /no$/) || (fam == "pam" && substr(key, 1, 6) == "secret" && l ~ /^[\057~$]/) || (sep == "(" && l !~ /^["\047]/) || head ~ /NO$/) continue
    l = value(l, whole); out = out VALUE
  }
  return out l
}
function spaced(l,   out) {
  out = ""
  while (match(tolower(l), /(^[ \t#]*(bindpw|rootpw|rootbindpw|sharedkey|identified by)|bad configuration option:|after keyword|--?[-a-z0-9]*(password|passwd|passphrase|pass|token|secret|api-?key|auth-?token|psk)|login[ \t]+[^ \t]+[ \t]+password)[ \t]+/)) {
    out = out substr(l, 1, RSTART + RLENGTH - 1); l = value(substr(l, RSTART + RLENGTH), 0); out = out VALUE
  }
  return out l
}
function user_options(l,   out) {
  out = ""
  while (match(l, /(^|[ \t])(-u|--user|--proxy-user)[ \t]*[^ \t:"\047-][^ \t:"\047]*:/)) {
    out = out substr(l, 1, RSTART + RLENGTH - 1); l = value(substr(l, RSTART + RLENGTH), 0); out = out VALUE
  }
  return out l
}
function mask_line(fam, l,   t, low) {
  if (fam == "nss" || l == "") return l
  if (length(l) >= 48 && l ~ /^[ \t\r]*[A-Za-z0-9+\057]+=?=?[ \t\r]*$/ && length(trim(l)) >= 48) return M
  if ((fam == "chrony" || fam == "ntp") && l ~ /^[ \t\r]*[0-9]/) return M
  low = tolower(l)
  if (low !~ /pass|pwd|secret|authtok|token|credential|key|community|rootpw|bindpw|psk|passe|\$|[{]|:\057\057|bearer|basic|-u|-p|-w|om(mysql|pgsql|libdbi)|>|vault|masterauth|ipmitool|redis-cli|snmp|openssl|sudo -s|header|bad conf|akia|asia|gh[ops]_|github_pat|glpat|xox|hvs\.|npm_|eyj|identified/) return l
  t = trim(l)
  gsub(/\$(2[abxy]|argon2id|argon2i|argon2d|apr1|gy|md5|sha1|scrypt|1|5|6|7|y)[$,][^ \t"\047:;]+/, M, l)
  gsub(/[{](CRYPT|crypt|S?SHA[0-9]*|S?MD5|PBKDF2[-A-Z0-9]*|ARGON2)[}][^ \t"\047]+/, M, l)
  gsub(/(AKIA|ASIA|ghp_|gho_|ghs_|github_pat_|glpat-|xoxb-|xoxa-|xoxp-|xoxs-|hvs\.|npm_|eyJ)[-A-Za-z0-9_.]+/, M, l)
  l = urls(l)
  if (match(l, /:?om(mysql|pgsql|libdbi):[^,]*,[^,]*,[^,]*,/)) l = substr(l, 1, RSTART + RLENGTH - 1) M
  if (match(l, /^[^#>]*[ \t]>[^ \t,]+,[^,]*,[^,]*,/)) l = substr(l, 1, RSTART + RLENGTH - 1) M
  l = bearer(l); l = keys(fam, l)
  if (!(fam == "pam" && t ~ /^-/)) l = spaced(l)
  if (fam == "pam") { t = ""; while (match(l, /(^|[ \t])key=/)) { t = t substr(l, 1, RSTART + RLENGTH - 1); l = value(substr(l, RSTART + RLENGTH), 0); t = t VALUE } l = t l }
  else if (match(tolower(l), /^[ \t#]*(secret|password|passphrase|requirepass|masterauth|auth_pass|bindpassword|community|rocommunity|rwcommunity|psk)[ \t]+/)) { t = substr(l, 1, RLENGTH); l = value(substr(l, RLENGTH + 1), 0); l = t VALUE l }
  if (fam == "audit") return l
  l = user_options(l); low = tolower(l)
  if (low ~ /mysql|mariadb|sshpass|smbclient|rpcclient|ldap(search|whoami|add|modify|delete|passwd|modrdn|compare|exop)|mongo|(docker|podman) login/) {
    gsub(/[ \t]-p[ \t]*("[^"]*"|\047[^\047]*\047|[^ \t"\047-][^ \t"\047]*)/, " -p<masked>", l)
    gsub(/[ \t]-w[ \t]*("[^"]*"|\047[^\047]*\047|[^ \t"\047-][^ \t"\047]*)/, " -w <masked>", l)
    gsub(/[ \t]-U[ \t]*[^ \t%"\047]*%[^ \t"\047]+/, " -U <masked>", l)
  }
  if (low ~ /ipmitool|redis-cli|snmp/) gsub(/[ \t]-[PaAXc][ \t]*("[^"]*"|\047[^\047]*\047|[^ \t"\047-][^ \t"\047]*)/, " -<masked>", l)
  if (low ~ /openssl/) gsub(/[ \t]-[kK][ \t]+("[^"]*"|\047[^\047]*\047|[^ \t"\047-][^ \t"\047]*)/, " -k <masked>", l)
  low = tolower(l)
  if (match(low, /(echo|printf)[ \t]+[^|]*[|]/) && substr(low, RSTART + RLENGTH) ~ /chpasswd|--stdin|sudo [^|]*-s|newusers|passwd/) {
    match(low, /(echo|printf)[ \t]+[^|]*[|]/); l = substr(l, 1, RSTART - 1) "echo " M " |" substr(l, RSTART + RLENGTH)
  }
  if (fam != "rc" && match(tolower(l), /(htpasswd[ \t]+-[a-z]*b[a-z]*|vault[ \t]+login)[ \t]+/)) l = substr(l, 1, RSTART + RLENGTH - 1) M
  return l
}

function startup_line(l,   out, v, shown) {
  if (trim(l) ~ /^#/) return "#"
  out = ""
  while (match(l, /(^|[ \t;&|({])[A-Za-z_][A-Za-z0-9_]*[+]?=/)) {
    v = substr(l, 1, RSTART + RLENGTH - 1); out = out v; l = substr(l, RSTART + RLENGTH)
    shown = (v ~ /(TMOUT|UMASK|ENV|ZDOTDIR)[+]?=$/); v = ""
    while (match(l, /^("([^"\\]|\\.)*"|\047[^\047]*\047|([^ \t\r;&|()<>"\047`$\\]|[$][A-Za-z0-9_{}]|\\.)+)/)) { v = v substr(l, 1, RLENGTH); l = substr(l, RLENGTH + 1) }
    out = out ((shown || v ~ /^["\047]?([0-9]?[0-9]?[0-9]?[0-9]?[0-9]?|yes|no|true|false|on|off)["\047]?$|^"?[$][{]?[A-Za-z_]+[}]?"?$/) ? v : M)
    if (l ~ /^["\047]/) return mask_line("rc", out substr(l, 1, 1) (length(l) > 1 ? M : ""))
  }
  return mask_line("rc", out l)
}
# what files name: follow.py says the same
function want(flag, depth, fam, path,   k) {
  if (path !~ /^\057/ || length(path) >= 1024 || path ~ /[\001-\037\177]/) return
  k = flag " " depth " " fam " " path
  if (k in SEEN) return
  SEEN[k] = 1; QUEUE[++TAIL] = k
}
function under(base, p) { return p ~ /^\057/ ? p : base "/" p }
function rest_of(l) { if (!match(l, /[ \t]+/)) return ""; l = substr(l, RSTART + RLENGTH); gsub(/[ \t]+/, " ", l); return l }
function pattern(flag, v, fam) {
  gsub(/[$][{]HOME[}]/, "%h", v); gsub(/[$][{]USER[}]/, "%u", v)
  if (substr(v, 1, 2) == "~/") v = "%h" substr(v, 2)
  if (index(v, "%")) PAT["s " v] = 1; else want(flag, 0, fam, v)
}
function words(p) { want("s", 0, "plain", p ".pwd"); want("s", 0, "plain", p ".pwd.gz"); want("s", 0, "plain", p ".pwi") }
function folder(p) { sub(/\057[^\057]*$/, "", p); return p == "" ? "/" : p }
function programs(l,   w, n, i, c, many) {
  many = l ~ /PATH|run-parts/; gsub(/[][;&|<>(){}="\047`$@:+!-]/, " ", l); n = split(trim(l), w, /[ \t]+/); c = 0
  for (i = 1; i <= n; i++) if (w[i] ~ /^\057/ && !(top_of(w[i]) in TOP) && w[i] !~ /[*?\\%,]/) { want("s", (many || (i > 1 && w[i - 1] == "cd")) ? 1 : 0, "plain", w[i]); c++ }
  return c
}
function counted(p) { if (p !~ /^\057/) return; gsub(/\057+$/, "", p); if (p == "") p = "/"; want("s", 0, "plain", p); want("s", 0, "plain", dirname(p)) }
function follow(fam, path, l,   w, n, i, k, v, c, e, prev, word, low, fl) {
  l = trim(l); if (l == "") return 0
  if (fam == "sshd") {
    gsub(/[="\047]/, " ", l); l = trim(l); n = split(l, w, /[ \t]+/); word = tolower(w[1])
    if (word == "include") { for (i = 2; i <= n; i++) want("c", 0, "sshd", under("/etc/ssh", w[i])) }
    else if (word == "authorizedkeysfile" || word == "authorizedprincipalsfile") { for (i = 2; i <= n; i++) { if (w[i] ~ /^~\057/) w[i] = "/root" substr(w[i], 2); PAT["c " ((w[i] ~ /^\057/ || w[i] ~ /^%h/) ? w[i] : "%h/" w[i])] = 1 } }
    else if (word == "chrootdirectory") {
      if (n > 1) {
        v = substr(w[2], 1, 1) == "~" ? "%h" substr(w[2], 2) : w[2]; e = v; sub(/\057+$/, "", e); pattern("s", e "/bin/sh", "plain"); pattern("s", e "/bin/bash", "plain")
        while (length(v) > 1) { pattern("s", v, "plain"); if (!index(v, "/")) break; v = folder(v) }
      }
    }
    else if (word == "trustedusercakeys" || word == "revokedkeys" || word == "hostcertificate") { if (n > 1) want("c", 0, "plain", w[2]) }
    else if (word == "hostkey" || word == "authorizedkeyscommand" || word == "authorizedprincipalscommand" || word == "banner") { if (n > 1) { want("s", 0, "plain", w[2]); if (word == "hostkey") want("c", 0, "plain", w[2] ".pub") } }
    else return 0
    return n - 1
  }
  if (fam == "shell" || fam == "rc") {
    if (l ~ /^#/) return 0
    c = l ~ /PATH|LD_PRELOAD/ ? programs(l) : 0
    while (match(l, /(^|[ \t;&|({])([.]|source)[ \t]+["\047]?([$]HOME|[$][{]HOME[}]|~)?\057[-A-Za-z0-9_.\057]+/)) {
      v = substr(l, RSTART, RLENGTH); l = substr(l, RSTART + RLENGTH); c++
      low = (v ~ /[$~]/); v = substr(v, index(v, "/"))
      if (low) PAT["r %h" v] = 1; else want("c", 0, "rc", v)
    }
    return c
  }
  if (fam == "sudoconf") {
    if (l ~ /^#/) return 0
    n = split(l, w, /[ \t]+/); c = 0
    for (i = 1; i <= n; i++) {
      if (w[i] ~ /^\057/) want("s", 0, "plain", w[i])
      else if (substr(w[i], 1, 14) == "sudoers_file=/") want("c", 0, "sudo", substr(w[i], 14))
      else continue
      c++
    }
    return c
  }
  if (fam == "sudo") {
    split(l, w, /[ \t]+/)
    if (w[1] ~ /^[@#]include(dir)?$/) {
      v = rest_of(l); if (sub(/^"/, "", v)) sub(/".*/, "", v); else { match(v, /^([^ \t\\]|\\.)*/); v = substr(v, 1, RLENGTH) }
      gsub(/\\ /, " ", v); gsub(/%h/, HOST, v)
      if (v !~ /^\057/) v = (dirname(path) == "/" ? "" : dirname(path)) "/" v
      want("c", w[1] ~ /dir$/ ? 1 : 0, "sudo", v); return 1
    }
    if (l ~ /^#/) return 0
    fl = l; gsub(/[,:=!()"]/, " ", l); l = trim(l); n = split(l, w, /[ \t]+/); c = 0
    for (i = 1; i <= n; i++) if (w[i] ~ /^\057/) {
      c++; v = w[i]
      if (v !~ /[*?[\\^]|\057$/) for (k = 224; k <= 512; k += k == 224 ? 32 : 128) if (fl ~ ("sha" k "[ \t]*:")) PINNED[v "\tsha" k] = 1
      if (match(v, /[*?[\\^]/) || v ~ /\057$/) {
        if (match(v, /[*?[\\^]/)) v = substr(v, 1, RSTART - 1)
        v = folder(v); want("s", 1, "plain", v)
      }
      while (length(v) > 1) { want("s", 0, "plain", v); v = folder(v) }
    }
    return c
  }
  if (fam == "pam") {
    n = split(l, w, /[ \t]+/)
    if (w[1] == "@include") { if (n > 1) want("c", 0, "pam", under("/etc/pam.d", w[2])); return 1 }
    if (l ~ /^#/) return 0
    prev = ""; c = 0; fl = l ~ /pam_exec[.]so([ \t]|$)/
    for (i = 1; i <= n; i++) {
      if (fl && w[i] ~ /^\057/ && w[i] !~ /[.]so$/) { want("s", 0, "plain", w[i]); c++; break }
      e = index(w[i], "="); k = e ? substr(w[i], 1, e - 1) : w[i]; v = e ? substr(w[i], e + 1) : ""
      if ((prev == "include" || prev == "substack") && w[i] ~ /^\057/) want("c", 0, "pam", w[i])
      else if (w[i] ~ /^\057/) want("s", 0, "plain", w[i])
      else if (!e) { prev = w[i]; continue }
      else if (k == "dictpath") words(v)
      else if (k == "dir") counted(v)
      else if (k == "conf" || k == "conffile" || k == "accessfile" || k == "file" || k == "listfile" || k == "envfile") want("c", 0, "plain", v)
      else if (k == "config") want("c", 0, "settings", v)
      else if (k == "wordlist" || k == "denylist" || k == "filter") want("s", 0, "plain", v)
      else if (k == "usersfile") pattern("c", v, "oath")
      else if (k == "secret" || k == "authfile" || k == "authpending_file") pattern("s", v, "plain")
      else { prev = w[i]; continue }
      prev = w[i]; c++
    }
    return c
  }
  if (fam == "rsyslog") {
    n = split(l, w, /[ \t]+/)
    if (tolower(w[1]) == "$includeconfig") { if (n > 1) want("c", 0, "rsyslog", w[2]); return 1 }
    if (l ~ /^#/) return 0
    low = tolower(l); k = low; gsub(/ /, "", k); fl = index(k, "include(") ? "c" : "s"; c = 0; v = l
    while (match(low, /(file|directory|cacert)[ \t]*=[ \t]*"[^"]*"/)) {
      k = substr(v, RSTART, RLENGTH); e = RSTART + RLENGTH; sub(/^[^"]*"/, "", k); sub(/"$/, "", k)
      want(fl, 0, fl == "c" ? "rsyslog" : "plain", k); v = substr(v, e); low = substr(low, e); c++
    }
    v = w[n]; gsub(/^-+/, "", v)
    if (v ~ /^\057/) { sub(/;.*/, "", v); want("s", 0, "plain", v); c++ }
    return c
  }
  if (fam == "settings") {
    if (match(l, /^(wordlist|denylist|filter)=/)) { want("s", 0, "plain", substr(l, RLENGTH + 1)); return 1 }
    if (l ~ /^config=/) { want("c", 0, "settings", substr(l, 8)); return 1 }
    if (!match(tolower(l), /^(dictpath|dir)([ \t]*=[ \t]*|[ \t]+)[^ \t=]+/)) return 0
    v = substr(l, 1, RLENGTH); k = tolower(v) ~ /^dir[ \t=]/; sub(/^[A-Za-z]*([ \t]*=[ \t]*|[ \t]+)/, "", v)
    if (k) counted(v); else words(v)
    return 1
  }
  if (fam == "cron") return l ~ /^#/ ? 0 : programs(l)
  if (fam == "path") return (l !~ /PATH|LD_PRELOAD/ || l ~ /^#/) ? 0 : programs(l)
  if (fam == "unit" && l ~ /^Exec.*(rsyslog|chrony)d[ \t]/ && match(l, /[ \t]-[A-Za-z0-9]*f[ \t]*\057[^ \t;"`\047]+/)) { v = substr(l, RSTART, RLENGTH); sub(/^[^\057]*/, "", v); want("c", 0, l ~ /^Exec.*chronyd[ \t]/ ? "chrony" : "rsyslog", v) }
  if (fam == "unit") return l ~ /^(Exec|EnvironmentFile=)/ ? programs(l) : 0
  if (fam == "audit") {
    if (l ~ /^#/) return 0
    gsub(/\\ /, "\001", l); n = split(l, w, /[ \t]+/); c = 0
    for (i = 1; i <= n; i++) {
      v = w[i]
      if (v ~ /^-[wW]\057/) v = substr(v, 3)
      else if (v ~ /^(-F)?(path|dir|exe)!?=\057/) sub(/^[^=]*=/, "", v)
      else if (v !~ /^\057/) continue
      gsub(/\001/, " ", v); gsub(/\057+$/, "", v); want("s", 0, "plain", v == "" ? "/" : v); c++
    }
    return c
  }
  split(l, w, /[ \t]+/); word = w[1]; v = rest_of(l)
  if (fam == "logrotate") { if (word == "include") { want("c", 1, "logrotate", v); return 1 } return l ~ /^#/ ? 0 : programs(l) }
  if (fam == "chrony" && (word == "include" || word == "confdir" || word == "sourcedir" || word == "keyfile" || word == "driftfile")) {
    if (word ~ /dir$/) { n = split(v, w, / /); for (i = 1; i <= n; i++) want("c", 1, "chrony", w[i]); return n }
    want(word == "include" ? "c" : "s", 0, "chrony", v); return 1
  }
  if (fam == "auditd") {
    if (l ~ /^#/) return 0
    gsub(/=/, " ", l); n = split(trim(l), w, /[ \t]+/); c = 0
    for (i = 2; i <= n; i++) if (w[i] ~ /^\057/) { want("s", 0, "plain", w[i]); c++ }
    return c
  }
  if (fam == "ntp" && word == "includefile") { want("c", 0, "ntp", under("/etc", v)); return 1 }
  if (fam == "ldso") { if (word == "include") { want("c", 0, "ldso", under("/etc", v)); return 1 } return l ~ /^\057/ ? programs("PATH " l) : 0 }
  if (fam == "syslogng" && word == "@include") { gsub(/["\047]/, "", v); want("c", 1, "syslogng", under("/etc/syslog-ng", v)); return 1 }
  return 0
}
function account(l,   w, n, k) {
  n = split(l, w, ":")
  for (k = 8; k <= n; k++) w[7] = w[7] ":" w[k]
  if (n == 6) w[7] = ""
  if (n > 5 && w[1] != "" && !(w[1] in HOME) && ACCOUNTS < 2000) { ACCOUNTS++; HOME[w[1]] = w[6]; UID[w[1]] = w[3]; SHELL[w[1]] = w[7] }
  if (n > 3 && w[3] ~ /^[0-9]+$/ && length(w[3]) <= 10) UIDS[sprintf("%.0f", w[3])] = 1
}
function expand(p, name,   out, h, c) {
  h = HOME[name]; if (h !~ /^\057/ || index(name, "/")) return ""
  if (h == "/") h = ""
  out = ""
  while (match(p, /%[huU%]/)) {
    c = substr(p, RSTART + 1, 1)
    out = out substr(p, 1, RSTART - 1) (c == "h" ? h : c == "u" ? name : c == "U" ? UID[name] : "%"); p = substr(p, RSTART + 2)
  }
  out = out p
  return out == "" ? "/" : out
}
function starts(shell, p) {
  if (shell ~ /\057(nologin|false|sync|halt|shutdown|true)$/) return 0
  if (p ~ /\057[.]z/) return shell ~ /zsh/
  return (p ~ /cshrc|[.]login/) ? shell ~ /csh/ : shell !~ /zsh|csh/
}
function people(   p, a) {
  for (a in HOME) {
    for (p in PAT) if (p !~ /^r/) want(substr(p, 1, 1), 0, "plain", expand(substr(p, 3), a)); else if (starts(SHELL[a], p)) want("c", 0, "rc", expand(substr(p, 3), a))
    want("s", 0, "plain", SHELL[a])
  }
}

# contents
function bring(fam, path, size,   l, n, sum, r, i, named, text, key) {
  if (path ~ NEVER || (path in DONE)) return
  DONE[path] = 1
  if (size > MAXFILE || size > LEFT || COUNT >= MAXFILES) { gap("truncated", "file:" path, size " bytes"); return }
  n = 0; sum = 0; text = 1; key = 0
  while ((r = (getline l < path)) > 0) {
    sum += length(l) + 1
    if (sum > MAXFILE + 2) break
    if (Z != "" && index(l, Z)) text = 0
    if (l ~ /BEGIN [A-Z0-9 ]*PRIVATE KEY|PRIVATE KEY FILE FORMAT|PuTTY-User-Key-File|AGE-SECRET-KEY-|^b3BlbnNzaC1rZXktdjE/) key = 1
    BUF[++n] = l
  }
  close(path)
  if (r < 0) { gap("denied", "file:" path, ""); return }
  if (Z == "" && n) {  # busybox: a NUL ends a record like a newline does, so count the newlines another way
    l = "wc -l <" quote(path); l | getline r; close("wc -l <" quote(path))
    if (r + (sum != size) != n) text = 0
  }
  if (!text || (sum != size && sum != size + 1)) { gap(sum > MAXFILE ? "truncated" : "unsupported", "file:" path, sum > MAXFILE ? "it grows while it is read" : "not text"); return }
  if (key) { gap("unsupported", "file:" path, "holds a private key"); return }
  COUNT++
  print N " f " (size == 0 ? "e" : sum == size ? "1" : "0") " " path
  named = 0
  for (i = 1; i <= n; i++) {
    l = BUF[i]
    l = (fam == "shadow") ? account_line(l) : (fam == "oath") ? oath_line(l) : (fam == "rc") ? startup_line(l) : mask_line(fam, l)
    LEFT -= length(l) + 1
    print l
    if (fam != "plain" && named <= 600) named += follow(fam, path, BUF[i])
  }
  if (path == "/etc/passwd") for (i = 1; i <= n; i++) account(BUF[i])
}
function start_of(flag, max, p,   q) { q = p; while (!((flag, max, q) in FAM)) { if (q == "/") return ""; q = dirname(q) } return q }
function slashes(p) { return p == "/" ? 0 : gsub(/\057/, "/", p) }
# r maxdepth start depth kind mode uid gid size mtime path link
function row(f, n,   max, p, d, kind, t, s, c) {
  max = f[2]; p = f[11]; kind = f[5]
  if (kind == "symbolic link") kind = "l"; else if (kind == "directory") kind = "d"; else if (kind ~ /^regular/) kind = "f"
  else if (kind ~ /^fifo/) kind = "p"; else if (kind == "socket") kind = "s"; else if (kind ~ /^block/) kind = "b"; else if (kind ~ /^char/) kind = "c"
  if (!(p in ROW)) {
    if (++ROWS > MAXROWS) { gap("truncated", "tree:/", "more than " MAXROWS " paths"); FULL = 1; return }
    ROW[p] = kind "\t" f[6] "\t" f[7] "\t" f[8] "\t" f[9] "\t" f[10] "\t" p (kind == "l" ? "\t" f[12] : "")
    if (kind == "l") LINK[p] = f[12]
  }
  if (kind == "d") { if (f[3] == "?") { s = start_of("s", max, p); c = start_of("c", max, p); d = slashes(p) - slashes(length(s) > length(c) ? s : c) } else d = f[4]; if (d + 0 < max + 0) PENDING[p] = 1 }
  else if (kind == "f" || kind == "l") {
    if (f[3] == "?") { s = start_of("c", max, p); d = slashes(p) - slashes(s); if (s == "" || d > max + 0) return } else { s = f[3]; d = f[4]; if (!(("c", max, s) in FAM)) return }
    if (kind == "f") bring(FAM["c", max, s], p, f[9] + 0)
    else if (d + 0 > 0) { t = f[12]; want("c", max - d, FAM["c", max, s], t ~ /^\057/ ? t : (dirname(p) == "/" ? "" : dirname(p)) "/" t) }
  }
}
function ask(batch,   cmd, l, n, f, p, t, whole) {
  cmd = "SOVAUDIT_W=" quote(batch) "; eval \"$SOVAUDIT_FN\""
  whole = 0
  split("", PENDING)
  while ((cmd | getline l) > 0) {
    n = split(l, f, "\t")
    if (f[1] == "r") row(f, n)
    else if (f[1] == "-") ABSENT[f[7]] = 1
    else if (f[1] == "!") HIDDEN[f[7]] = 1
    else if (f[1] == "a") { if (!((f[2], f[3], f[5]) in FAM)) FAM[f[2], f[3], f[5]] = f[4] }
    else if (f[1] == "k") { LATER[++LATERS] = l }
    else if (f[1] == "x") { UNREAD[f[2]] = 1 }
    else if (f[1] == "n") { STRANGE[f[2]] = 1 }
    else if (f[1] == "Z") whole = 1
    if (FULL) break
  }
  close(cmd)
  if (whole) for (p in PENDING) LISTED[p] = 1
  else gap(FULL ? "truncated" : "timeout", "tree:/", "a listing did not end")
}
function links(   i, f, t, n) {  # the rest of a path behind a link
  for (i = 1; i <= LATERS; i++) {
    n = split(LATER[i], f, "\t")
    if (!(f[5] in LINK)) continue
    t = LINK[f[5]]; if (t !~ /^\057/) t = (dirname(f[5]) == "/" ? "" : dirname(f[5])) "/" t
    want(f[2], f[3], f[4], f[6] == "" ? t : t "/" f[6])
  }
  LATERS = 0
}
# what /proc says, as the answer of a command
function told(name, path,   l, r) {
  print N " c " name
  while ((r = (getline l < path)) > 0) print mask_line("plain", l)
  close(path); print "\n" N " x " name " " (r < 0 ? 1 : 0)
}
function packages(   l, name, version, ok, cmd, path, n, w) {
  n = split("/var/lib/dpkg/status /lib/apk/db/installed /usr/lib/apk/db/installed", w, / /)
  for (path = 1; path <= n; path++) {
    if ((getline l < w[path]) <= 0) continue
    print N " p"
    name = version = ""; ok = path > 1
    do {
      if (l == "") { if (ok && name ~ WANTED) print name " " version; name = version = ""; ok = path > 1 }
      else if (path == 1) {
        if (l ~ /^Package: /) name = trim(substr(l, 10)); else if (l ~ /^Version: /) version = trim(substr(l, 10)); else if (l ~ /^Status: /) ok = trim(l) ~ / installed$/
      }
      else if (l ~ /^P:/) name = trim(substr(l, 3)); else if (l ~ /^V:/) version = trim(substr(l, 3))
    } while ((getline l < w[path]) > 0)
    if (ok && name ~ WANTED) print name " " version
    close(w[path]); return
  }
  if (RPM == "") { gap("unsupported", "packages", "no package database that we know"); return }
  print N " p"
  cmd = RPM
  while ((cmd | getline l) > 0) { if (l ~ WANTED2) print l }
  close(cmd)
}
function log_starts(   p, k, path, l, cmd, n, r) {
  for (path in ROW) {
    if (path !~ LOGS || ROW[path] !~ /^f/) continue
    if (++n > 200) { gap("truncated", "log-starts", "more than 200 logs"); break }
    l = ""
    if (path ~ /\.(gz|xz|zst|bz2)$/) {
      cmd = path ~ /gz$/ ? "gzip -dc" : path ~ /xz$/ ? "xz -dc" : path ~ /zst$/ ? "zstd -dcq" : "bzip2 -dc"
      cmd = "if [ -r " quote(path) " ]; then " cmd " <" quote(path) " 2>/dev/null | head -c 4096; else echo; echo denied; fi"
      r = (cmd | getline l); if (r > 0 && l == "") { r = (cmd | getline l); if (l == "denied") r = -1 }
      close(cmd)
      if (r == 0 || (r > 0 && l == "")) { gap("unsupported", "log-starts:" path, "cannot be unpacked here"); continue }
    } else { r = (getline l < path); close(path) }
    if (r < 0) { gap("denied", "log-starts:" path, ""); continue }
    l = substr(l, 1, LOGSTART); gsub(/[^ -~]/, "?", l); k = k path "\t" l "\n"
  }
  print N " l"; if (k != "") { sub(/\n$/, "", k); print k }
}
function acls(   p, n, m, i, w, l, list, cmd, k, at) {  # of what a group may write: only there can a list let others write; and of homes
  n = 0; m = 0
  for (p in ROW) if (ROW[p] ~ /^[fd]\t[0-7]*[2367][0-7]\t/) n++; else if (ROW[p] ~ /^d\t[0-7]*[145][0-7]\t[1-9][0-9][0-9]/) m++
  if (n > 400) { gap("truncated", "acls", "more than 400 paths that a group may write"); return }
  m = (n + m <= 400); n = 0
  for (p in ROW) if (ROW[p] ~ /^[fd]\t[0-7]*[2367][0-7]\t/ || (m && ROW[p] ~ /^d\t[0-7]*[145][0-7]\t[1-9][0-9][0-9]/)) { w[++n] = p; list = list " " quote(p) }
  if (n) {
    cmd = "if command -v getfacl >/dev/null 2>&1; then echo F; getfacl -nps --" list " 2>/dev/null; elif ls --version >/dev/null 2>&1; then echo L; ls -ldU --" list " 2>/dev/null; fi"
    l = ""; cmd | getline l
    if (l == "F") while ((cmd | getline l) > 0) {
      if (l ~ /^# file: /) { at = substr(l, 9); gsub(/\\040/, " ", at) }
      else if (l ~ /^(user|group):/ && l !~ /^user::/) { sub(/[ \t].*/, "", l); k[at] = (at in k) ? k[at] "," l : l }
    }
    else if (l == "L") for (i = 1; (cmd | getline l) > 0;) {
      while (i <= n && substr(l, length(l) - length(w[i])) != " " w[i]) i++
      if (i <= n && substr(l, 11, 1) == "+") k[w[i]] = "?"
    }
    else { close(cmd); gap("unsupported", "acls", "neither getfacl nor an ls that shows lists"); return }
    close(cmd)
  }
  print N " e"
  for (p in k) print p "\t" k[p]
}
function digests(   k, w, p, l, h, any) {  # of programs that sudoers pins
  for (k in PINNED) {
    split(k, w, "\t"); p = quote(w[1])
    l = "[ -f " p " ] && [ -r " p " ] && [ $(wc -c <" p ") -le " MAXHASHED " ] && command -v " w[2] "sum >/dev/null && " w[2] "sum <" p
    if ((l | getline h) > 0) { if (!any++) print N " d"; sub(/ .*/, "", h); print w[1] "\t" w[2] "\t" h }
    close(l)
  }
}
# uid and seconds of accounts that logged in: lastlog.py says the same; records are looked up 128 at a time
function last_logins(   p, r, w, n, i, l, size, cmd, at, k, uid, first, many, how) {
  p = "/var/log/lastlog"
  if (!(p in ROW)) { if (p in HIDDEN) gap("denied", "last-logins", ""); else gap("absent", "last-logins", "no " p); return }
  r = 292; how = ""
  cmd = "for n in ld-linux-aarch64.so.1 ld-linux-riscv64-lp64d.so.1 ld-linux-loongarch-lp64d.so.1; do [ -e /lib/$n ] || [ -e /usr/lib/$n ] && echo 1; done; " \
    "[ -r " p " ] || echo denied; command -v od >/dev/null 2>&1 || echo unsupported"
  while ((cmd | getline l) > 0) if (l == "1") r = 296; else if (how == "") how = l
  close(cmd)
  split(ROW[p], w, "\t"); size = w[5] + 0
  if (w[1] != "f" || size % r) { gap("unsupported", "last-logins", p " has a shape that we do not know"); return }
  if (how != "") { gap(how, "last-logins", how == "denied" ? "" : "no od here"); return }
  for (uid in UIDS) { many++; if ((uid + 1) * r <= size) first[int(uid / 128)] = 1 }
  if (many > 20000) { gap("truncated", "last-logins", "more than 20000 accounts"); return }
  print N " o"
  for (k in first) {
    cmd = sprintf("od -An -v -tu4 -j %.0f -N %.0f %s", k * 128 * r, 128 * r, p); at = 0
    while ((cmd | getline l) > 0) {
      n = split(l, w, " ")
      for (i = 1; i <= n; i++) { if (at % r == 0 && w[i] + 0) { uid = sprintf("%.0f", k * 128 + at / r); if (uid in UIDS) print uid " " w[i] } at += 4 }
    }
    close(cmd)
  }
}
function chars(w, from, upto,   i, k, b, s) {  # text in the words of a record, up to its end
  for (i = from; i <= upto; i++) for (k = 0; k < 4; k++) {
    b = w[i] % 256; if (b == 0) return s
    w[i] = (w[i] - b) / 256; s = s (b > 32 && b < 127 ? sprintf("%c", b) : "?")
  }
  return s
}
# logins at the machine itself: consoles.py says the same
function console_logins(   p, w, r, size, from, cmd, l, n, i, at, k, tty, how) {
  p = "/var/log/wtmp"
  if (!(p in ROW)) { if (p in HIDDEN) gap("denied", "console-logins", ""); else gap("absent", "console-logins", "no " p); return }
  cmd = "for n in ld-linux-aarch64.so.1 ld-linux-riscv64-lp64d.so.1 ld-linux-loongarch-lp64d.so.1; do [ -e /lib/$n ] || [ -e /usr/lib/$n ] && echo 1; done; " \
    "[ -r " p " ] || echo denied; command -v od >/dev/null 2>&1 || echo unsupported"
  while ((cmd | getline l) > 0) if (l == "1" || how == "") how = l
  close(cmd)
  split(ROW[p], w, "\t"); size = w[5] + 0
  if (w[1] != "f" || size % 384 || how == "1") { gap("unsupported", "console-logins", p " has a shape that we do not know"); return }
  if (how != "") { gap(how, "console-logins", how == "denied" ? "" : "no od here"); return }
  print N " w"
  if (size == 0) return
  from = size > 393216 ? size - 393216 : 0
  cmd = sprintf("od -An -v -tu4 -j %.0f -N %.0f %s", from, size - from, p); at = 0
  while ((cmd | getline l) > 0) {
    n = split(l, w, " ")
    for (i = 1; i <= n; i++) {
      k = at % 96; r[k] = w[i]
      if (k == 85 && at == 85) print "since " r[85]
      if (k == 85 && r[0] % 65536 == 7) {
        tty = chars(r, 2, 9)
        if (tty ~ /^(tty[A-Za-z]*[0-9]+|console|hvc[0-9]+|:[0-9]+)$/) { l = chars(r, 11, 18); if (l != "") print r[85] " " tty " " l }
      }
      at++
    }
  }
  close(cmd)
}
BEGIN {
  LC = "C"; N = ENVIRON["SOVAUDIT_N"]; M = "<masked>"; Z = sprintf("%c", 0); if (length(Z) != 1) Z = ""
  split("yes no true false on off none null required optional prompt ask 0 1 2 3 4 5 6 7 8 9", hw, / /); for (hi in hw) HARMLESS[hw[hi]] = 1
  if (ENVIRON["SOVAUDIT_MODE"] == "filter") {
    while ((getline line) > 0) { if (index(line, N " ") == 1) { print line; fam = line == N " c auditctl-l" ? "audit" : "plain" } else { if ((OUT += length(line)) > 8000000) exit 0; print mask_line(fam, line) } }
    exit 0
  }
  NEVER = ENVIRON["SOVAUDIT_NEVER"]; HOST = ENVIRON["SOVAUDIT_HOST"]; sub(/\..*/, "", HOST); LOGS = ENVIRON["SOVAUDIT_LOGS"]; WANTED = ENVIRON["SOVAUDIT_PACKAGES"]; RPM = ENVIRON["SOVAUDIT_RPM"]
  WANTED2 = WANTED; sub(/[$]$/, " ", WANTED2)
  MAXEXPOSED = 2000; MAXLINKS = 300; MAXPROGRAMS = 500; MAXHASHED = 33554432
  MAXFILE = 1048576; MAXROWS = 20000; MAXFILES = 4000; LOGSTART = 32; AUDITTAIL = 9437184; LEFT = ENVIRON["SOVAUDIT_MAX"] + 0
  n = split(ENVIRON["SOVAUDIT_HOMES"], hw, /\n/); for (i = 1; i <= n; i++) PAT[hw[i]] = 1
  n = split(ENVIRON["SOVAUDIT_ITEMS"], hw, /\n/); for (i = 1; i <= n; i++) if (!(hw[i] in SEEN)) { SEEN[hw[i]] = 1; QUEUE[++TAIL] = hw[i] }
  scan_begin()
  head = 1
  for (round = 1; round <= 12 && head <= TAIL && !FULL; round++) {
    last = TAIL
    while (head <= last && !FULL) { batch = ""; while (head <= last && length(batch) < 60000) { batch = batch QUEUE[head] "\n"; delete QUEUE[head]; head++ } ask(batch) }
    if (round == 1) scan_end()
    links(); people()
  }
  if (head <= TAIL) gap("truncated", "tree:/", "links or includes too deep")
  n = split(ENVIRON["SOVAUDIT_PROC"], hw, / /); for (i = 1; i < n; i += 2) told(hw[i], hw[i + 1])
  packages(); log_starts(); acls(); digests(); last_logins(); console_logins(); serials(); if (ENVIRON["SOVAUDIT_MORE"] == "log-records") log_tail()
  for (p in STRANGE) gap("unsupported", "tree:" p, "a name with control characters")
  for (p in UNREAD) if (p in LISTED) gap("denied", "tree:" p, "")
  print N " t"
  for (p in ROW) print ROW[p]
  for (p in ABSENT) print "-\t\t\t\t\t\t" p
  for (p in HIDDEN) print "!\tdenied\t\t\t\t\t" p
  for (p in LISTED) if (!(p in UNREAD) && !(p in STRANGE)) print "D\t\t\t\t\t\t" p
  if (!("scan:/" in GAPS)) for (p in TOP) if (ROW[p] ~ /^d/ && !(("scan:" p) in GAPS)) print "W\t\t\t\t\t\t" p
  print N " a"
}
