# One walk over the local file systems: programs with rights of their own, whose they are, and what in the folders of root is not only his. scan.py says the same.
function blind(path, reason, detail,   t) {
  gap(reason, "setuid:/", detail)
  t = path; sub(/^\057/, "", t); sub(/\057.*/, "", t)
  if (("/" t) in TOP) gap(reason, "scan:/" t, detail)
}
function top_of(p) { sub(/^\057/, "", p); sub(/\057.*/, "", p); return "/" p }
function target_of(path, link,   n, i, w, out, depth) {
  if (link !~ /^\057/) link = dirname(path) "/" link
  n = split(link, w, "/"); depth = 0
  for (i = 1; i <= n; i++) {
    if (w[i] == "" || w[i] == ".") continue
    if (w[i] == "..") { if (depth) depth--; continue }
    out[++depth] = w[i]
  }
  link = ""; for (i = 1; i <= depth; i++) link = link "/" out[i]
  return link == "" ? "/" : link
}
function leads_out(t,   top) { top = top_of(t); return t != "/" && !(top in TOP) && top !~ /^\057(proc|sys|dev|run)$/ }
function reaches(t) {
  while (t != "/") { if ((t in RISKY) || (("/usr" t) in RISKY)) return 1; t = folder(t) }
  return 0
}
function follow_links(   p, k, n, i, list, round, found) {
  n = 0
  for (p in RISKY) want("s", 0, "plain", p)  # with the folders on the way
  for (p in POINTS) if (leads_out(POINTS[p])) { RISKY[p] = 1; list[++n] = p }
  for (p in RISKY) { found = 1; break }
  for (round = 1; round <= 8 && found; round++) {
    found = 0; split("", k)
    for (p in POINTS) if (!(p in RISKY) && reaches(POINTS[p])) k[p] = 1
    for (p in k) { RISKY[p] = 1; list[++n] = p; found = 1 }
  }
  if (n > MAXLINKS) { gap("truncated", "scan:/", "more than " MAXLINKS " links out of the folders of root"); sort(list, n); n = MAXLINKS }
  for (i = 1; i <= n; i++) want("s", 0, "plain", list[i])
}
function sort(list, n,   i, j, t) { for (i = 2; i <= n; i++) { t = list[i]; for (j = i - 1; j > 0 && list[j] > t; j--) list[j + 1] = list[j]; list[j + 1] = t } }
function mounts(   l, w, n) {
  while ((getline l < "/proc/self/mounts") > 0) { n = split(l, w, / /); if (n >= 4) { MOUNT[++MOUNTS] = w[2]; TYPE[MOUNTS] = w[3]; OPTION[MOUNTS] = "," w[4] "," } }
  close("/proc/self/mounts")
}
function mount_of(p,   i, best, at) {
  best = -1; at = 0
  for (i = 1; i <= MOUNTS; i++) if ((MOUNT[i] == "/" || p == MOUNT[i] || index(p, MOUNT[i] "/") == 1) && length(MOUNT[i]) >= best) { best = length(MOUNT[i]); at = i }
  return at
}
# the walk begins here and goes on while the first files are read; scan_end() takes what it found
function scan_begin(   w, n, i, m, t, places, prune, tops, path, ctl, posix, special, others, ours, able, base, end, cmd) {
  n = split(ENVIRON["SOVAUDIT_SCANNED"], w, / /); for (i = 1; i <= n; i++) { TOP[w[i]] = 1; tops = tops (i > 1 ? " -o " : "") "-path " quote(w[i] "/*") }
  if (ENVIRON["SOVAUDIT_UID"] != "0") { gap("denied", "setuid", "root could look everywhere"); gap("denied", "scan:/", "root could look everywhere"); return }
  mounts()
  if (!MOUNTS) { gap("unsupported", "setuid", "the mounts were not seen"); gap("unsupported", "scan:/", "the mounts were not seen"); return }
  n = split(ENVIRON["SOVAUDIT_UNSCANNED"], w, / /); for (i = 1; i <= n; i++) { prune = prune (i > 1 ? " -o " : "") "-path " quote(w[i]); AWAY[w[i]] = 1 }
  places = quote("/")
  for (i = 1; i <= MOUNTS; i++) {
    m = MOUNT[i]; if (m == "/") continue
    for (path in AWAY) if (m == path || index(m, path "/") == 1) m = ""
    if (m == "") continue
    if (m ~ /[\\[:cntrl:]]/) { blind(m, "unsupported", "a mount point with blanks"); continue }
    t = TYPE[i]
    if (t ~ /^(ext[234]|xfs|btrfs|zfs|jfs|reiserfs|f2fs|bcachefs|tmpfs|ramfs|vfat|exfat|ntfs3?|fuseblk|iso9660|udf|squashfs|erofs|ubifs|nilfs2|hfsplus)$/) places = places " " quote(m)
    else if (t ~ /^(nfs|nfs4|cifs|smb3|smbfs|afs|ceph|9p|virtiofs|fuse\..*|lustre|glusterfs|ocfs2|gfs2)$/ && (top_of(m) in TOP)) gap("unsupported", "scan:" top_of(m), "a file system of another machine is below it")
  }
  posix = ENVIRON["SOVAUDIT_PRINTF"] == ""
  ctl = quote(ENVIRON["SOVAUDIT_CONTROL"])
  special = " -type f \\( -perm -4000 -o -perm -2000 \\)"; others = " ! -type l \\( ! -user 0 -o -perm -020 -o -perm -002 \\)"; ours = " \\( " tops " \\)"
  able = " -type f \\( -perm -100 -o -perm -010 -o -perm -001 \\) -exec getcap {} +"
  base = ENVIRON["SOVAUDIT_TIMEOUT"] " find " places " -xdev -type d \\( " prune " \\) -prune -o -name " ctl; end = " 2>/dev/null; echo \"Z\t$?\"; "
  if (posix) {  # busybox runs the rest of `-exec +` outside parentheses only: one walk for each
    cmd = base " -exec /bin/sh -c " quote("for d; do d=${d%/*}; printf \"N\\t%s\\n\" \"${d%%[[:cntrl:]]*}\"; done") " sh {} +" end
    base = base " -prune -o"
    cmd = cmd base special " -exec stat -c " quote("S\t%a\t%u\t%g\t%s\t%n") " {} +" end
    cmd = cmd base ours others " -exec stat -c " quote("E\t%F\t%a\t%u\t%g\t%s\t%Y\t%n") " {} +" end
    if (ENVIRON["SOVAUDIT_GETCAP"] != "") cmd = cmd base able end
    cmd = cmd base ours " -type l -exec ls -ld {} +" end
  } else  # find flushes what it printed before it runs a program, so lines stay whole
    cmd = base " -printf " quote("N\\t%h\\n") " -prune -o -type l \\( -lname " ctl " -printf " quote("N\\t%h\\n") " -o" ours " -printf " quote("L\\t%p\\t%l\\n") " \\) -o" \
      (ENVIRON["SOVAUDIT_GETCAP"] == "" ? "" : " \\( -type f -perm /111 -exec getcap {} + -o -true \\)") \
      " \\( -type f -perm /6000 -printf " quote("S\\t%m\\t%U\\t%G\\t%s\\t%p\\n") " -o -true \\) ! -type l \\( ! -user 0 -o -perm /022 \\)" ours \
      " -printf " quote("E\\t%y\\t%m\\t%U\\t%G\\t%s\\t%Ts\\t%p\\n") end
  WALK = "echo R; " cmd; WALK | getline w[1]
}
function scan_end(   l, w, n, i, t, code, path, link, top) {
  if (WALK == "") return
  code = ""
  while ((WALK | getline l) > 0) {
    n = split(l, w, "\t")
    if (w[1] == "S") { if (!(OPTION[mount_of(w[6])] ~ /,nosuid,/)) program(w[6], w[2], w[3], w[4], w[5], "") }
    else if (w[1] == "E") {
      top = top_of(w[8]); if (++MINE[top] > MAXEXPOSED) continue
      RISKY[w[8]] = 1; t = w[2]; t = t == "directory" ? "d" : t ~ /^regular/ ? "f" : t ~ /^fifo/ ? "p" : t == "socket" ? "s" : t ~ /^block/ ? "b" : t ~ /^char/ ? "c" : t
      EXPOSED[w[8]] = t "\t" w[3] "\t" w[4] "\t" w[5] "\t" w[6] "\t" w[7] "\t" w[8]
    }
    else if (w[1] == "L") POINTS[w[2]] = target_of(w[2], w[3])
    else if (w[1] == "N") blind(w[2] == "" ? "/" : w[2], "unsupported", "a name with control characters")
    else if (w[1] == "Z") { if (code == "" || w[2] > 1) code = w[2] }
    else if (l ~ /^\057/) capable(l)
    else if (ENVIRON["SOVAUDIT_PRINTF"] == "" && l ~ /^l/) {
      path = substr(l, index(l, " /") + 1); i = index(path, " -> ")
      if (!i) continue
      link = substr(path, i + 4); path = substr(path, 1, i - 1)
      POINTS[path] = target_of(path, link)
    }
  }
  close(WALK)
  if (code != "0" && code != "1") { gap("timeout", "setuid", "the walk did not end"); gap("timeout", "scan:/", "the walk did not end"); return }
  for (top in MINE) if (MINE[top] > MAXEXPOSED) gap("truncated", "scan:" top, "more than " MAXEXPOSED " paths that are not root alone")
  for (path in EXPOSED) {
    if (MINE[top_of(path)] > MAXEXPOSED) delete RISKY[path]
    else if (!(path in ROW)) { ROWS++; ROW[path] = EXPOSED[path] }
  }
  follow_links(); capabilities(); describe()
}
function program(path, mode, uid, gid, size, caps) {
  if (path in PROGRAM) return
  if (PROGRAMS >= MAXPROGRAMS) { gap("truncated", "setuid:/", "more than " MAXPROGRAMS " programs with rights of their own"); return }
  PROGRAMS++; PROGRAM[path] = mode "\t" uid "\t" gid; SIZE[path] = size + 0; CAPS[path] = caps
}
function capable(l,   i, path, caps, w, n, c, k, list, seen) {  # a line of getcap, old or new
  if (!match(l, / (= )?[a-z0-9_,]*[=+-][eip]*( [a-z0-9_,]*[=+-][eip]*)*( \[rootid=[0-9]+\])?$/)) return
  path = substr(l, 1, RSTART - 1); caps = substr(l, RSTART + 1)
  n = split(caps, w, / /); list = ""
  for (i = 1; i <= n; i++) {
    if (w[i] ~ /^[=+][eip]+$/) { list = "all"; break }
    sub(/[=+-].*/, "", w[i]); k = split(w[i], c, ",")
    for (; k > 0; k--) if (c[k] != "") seen[c[k]] = 1
  }
  if (list == "") list = joined(seen)
  if (list != "" && !(OPTION[mount_of(path)] ~ /,nosuid,/)) HELD[path] = list
}
function capabilities(   path, more, cmd, l, w) {
  if (ENVIRON["SOVAUDIT_GETCAP"] == "") gap("absent", "setuid:capabilities", "no getcap here")
  for (path in HELD) {
    if (path in PROGRAM) { CAPS[path] = HELD[path]; continue }
    program(path, "?", "?", "?", 0, HELD[path]); more = more " " quote(path)
  }
  if (more == "") return
  cmd = "stat -c " quote("%a\t%u\t%g\t%s\t%n") more " 2>/dev/null"
  while ((cmd | getline l) > 0) { split(l, w, "\t"); if (w[5] in PROGRAM) { PROGRAM[w[5]] = w[1] "\t" w[2] "\t" w[3]; SIZE[w[5]] = w[4] + 0 } }
  close(cmd)
}
function joined(set,   k, n, list, i, s) {
  n = 0; for (k in set) list[++n] = k
  sort(list, n); s = ""; for (i = 1; i <= n; i++) s = s (i > 1 ? "," : "") list[i]
  return s
}
function spelled(path, set) { set[path] = 1; if (path ~ /^\057usr\057(bin|sbin|lib|lib32|lib64|libx32)\057/) set[substr(path, 5)] = 1 }
function describe(   path, l, cmd, i, first, sums, w, n) {
  cmd = ""
  for (path in PROGRAM) if (SIZE[path] <= MAXHASHED && PROGRAM[path] !~ /^\?/) cmd = cmd " " quote(path)
  if (cmd != "") {
    cmd = ENVIRON["SOVAUDIT_TIMEOUT"] " md5sum" cmd " 2>/dev/null; echo \"Z$?\""; first = ""
    while ((cmd | getline l) > 0) { if (l ~ /^[0-9a-f]+  \057/) sums[substr(l, 35)] = substr(l, 1, 32); else if (l ~ /^Z/) first = substr(l, 2) }
    close(cmd)
    if (first != "0" && first != "1") gap("timeout", "setuid:/", "reading the programs took too long")
  }
  print N " u"
  for (path in PROGRAM) {
    if (PROGRAM[path] ~ /^\?/) continue
    first = "-"; l = ""; if ((getline l < path) > 0 && substr(l, 1, 2) == "#!") first = "#!"
    close(path)
    print "f\t" PROGRAM[path] "\t" (CAPS[path] == "" ? "-" : CAPS[path]) "\t" first "\t" (path in sums ? sums[path] : "-") "\t" path
  }
  if ((getline l < "/var/lib/dpkg/status") > 0) { close("/var/lib/dpkg/status"); print "d\tdpkg"; dpkg() }
  else if ((getline l < "/lib/apk/db/installed") > 0) { close("/lib/apk/db/installed"); print "d\tapk"; apk("/lib/apk/db/installed") }
  else if ((getline l < "/usr/lib/apk/db/installed") > 0) { close("/usr/lib/apk/db/installed"); print "d\tapk"; apk("/usr/lib/apk/db/installed") }
  else if (RPM != "") {
    print "d\trpm"
    for (path in PROGRAM) {
      cmd = "rpm -qf --qf " quote("%{NAME}\\n") " " quote(path) " 2>/dev/null"
      while ((cmd | getline l) > 0) if (l ~ /^[-A-Za-z0-9+._]+$/) print "o\t" l "\t" path "\t-"
      close(cmd)
    }
  }
  else { print "d\tnone"; gap("unsupported", "setuid:owners", "no package database that we read") }
}
function dpkg(   path, set, origin, to, who, cmd, l, i, package, file, listed, sum, w) {
  for (path in PROGRAM) spelled(path, set)
  while ((getline origin < "/var/lib/dpkg/diversions") > 0) {
    if ((getline to < "/var/lib/dpkg/diversions") <= 0) break
    if (to in set) spelled(origin, set)
    if ((getline who < "/var/lib/dpkg/diversions") <= 0) break
  }
  close("/var/lib/dpkg/diversions")
  cmd = ""; for (path in set) cmd = cmd " " quote(path)
  if (cmd == "") return
  cmd = "printf " quote("%s\\n") cmd " | grep -Fx -f - /dev/null /var/lib/dpkg/info/*.list 2>/dev/null"
  while ((cmd | getline l) > 0) {
    i = index(l, ".list:"); if (!i) continue
    package = substr(l, 20, i - 20); path = substr(l, i + 6)
    listed[package] = listed[package] "\n" path
  }
  close(cmd)
  for (package in listed) {
    file = "/var/lib/dpkg/info/" package ".md5sums"; split("", sum)
    while ((getline l < file) > 0) if (l ~ /^[0-9a-f]+  / && index(l, "  ") == 33) sum["/" substr(l, 35)] = substr(l, 1, 32)
    close(file)
    i = split(substr(listed[package], 2), w, "\n")
    for (; i > 0; i--) print "o\t" package "\t" w[i] "\t" (w[i] in sum ? sum[w[i]] : "-")
  }
}
function apk(database,   l, package, dir) {
  while ((getline l < database) > 0) {
    if (l ~ /^P:/) package = trim(substr(l, 3))
    else if (l ~ /^F:/) dir = substr(l, 3)
    else if (l ~ /^R:/ && (("/" dir "/" substr(l, 3)) in PROGRAM)) print "o\t" package "\t/" dir "/" substr(l, 3) "\t-"
  }
  close(database)
}
