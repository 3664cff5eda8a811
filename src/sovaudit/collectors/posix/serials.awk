# numbers of audit events: serials.py says the same
function run_add(node, s, t,   k) {
  if (!(node in BEGUN)) {
    if (NODES >= 50) { MORE = 1; return 0 }
    run_open(node, "o")
  }
  if (BEGUN[node] < 0) BEGUN[node] = HIGH[node] = LOW[node] = s
  if ((node, s) in SEEN_AT) return 1
  SEEN_AT[node, s] = t; COUNTED[node]++
  if (s > HIGH[node]) HIGH[node] = s
  else { if (HIGH[node] - s > LATE[node]) LATE[node] = HIGH[node] - s; if (s < LOW[node]) LOW[node] = s }
  ORDER[node, COUNTED[node]] = s
  return 1
}
# CONVFMT: mawk takes numbers over 2147483647 for fractions, and as keys they would all read 2.14748e+09
function run_open(node, how) { CONVFMT = "%.15g"; if (!(node in BEGUN)) NODES++; BEGUN[node] = -1; HIGH[node] = LOW[node] = -1; LATE[node] = 0; BOOT[node] = "-"; HOW[node] = how; COUNTED[node] = 0 }
function run_forget(node,   i) { for (i = 1; i <= COUNTED[node]; i++) { delete SEEN_AT[node, ORDER[node, i]]; delete ORDER[node, i] } COUNTED[node] = 0 }
function hole(node, a, b, m, t, u) { if (++HOLES <= 40) printf "H\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", node, a, b, m, t, u }
function run_close(node, certain,   low, high, n, i, s, at, a, b) {
  if (!(node in BEGUN) || BEGUN[node] < 0) return
  if (CLOSED >= 100) { MORE = 1; return }
  CLOSED++
  low = HOW[node] == "s" ? LOW[node] : BEGUN[node] + LATE[node]; high = certain ? HIGH[node] : HIGH[node] - LATE[node]
  n = 0; a = high; b = low
  for (i = 1; i <= COUNTED[node]; i++) { s = ORDER[node, i]; if (s >= low && s <= high) { n++; if (s < a) a = s; if (s > b) b = s } }
  low = a; high = b
  if (!n) MORE = 1
  else {
    printf "R\t%s\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f\n", node, HOW[node], BOOT[node], SEEN_AT[node, low], low, SEEN_AT[node, high], high
    if (high - low + 1 > 4 * n + 1000) hole(node, low + 1, high - 1, high - low + 1 - n, SEEN_AT[node, low], SEEN_AT[node, high])
    else if (high - low + 1 != n) {
      at = low
      for (s = low; s <= high; s++) if ((node, s) in SEEN_AT) { if (s > at + 1) hole(node, at + 1, s - 1, s - at - 1, SEEN_AT[node, at], SEEN_AT[node, s]); at = s }
    }
  }
  run_forget(node)
}
function close_all(   n, i, j, u, w) {
  n = 0; for (u in BEGUN) w[++n] = u
  for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (w[j] < w[i]) { u = w[i]; w[i] = w[j]; w[j] = u }
  for (i = 1; i <= n; i++) { run_close(w[i], 0); run_forget(w[i]); delete BEGUN[w[i]] }
  NODES = 0
}
function serials_of(path, size,   cmd, l, at, st, q, head, node, kind, t, s, last, cut, first) {
  cut = size > AUDITTAIL; if (cut) close_all()
  print "F\t" path "\t" (cut ? "c" : "w")
  cmd = cut ? "tail -c " AUDITTAIL " <" quote(path) " 2>/dev/null" : ""
  last = ""; first = cut
  while ((cut ? (cmd | getline l) : (getline l < path)) > 0) {
    if (first) { first = 0; continue }
    at = index(l, "msg=audit("); if (at < 7 || at > 301) continue
    st = substr(l, at + 10, 50); q = index(st, ")"); if (q) st = substr(st, 1, q - 1)
    if (st == last && l !~ /^node=/) continue
    head = substr(l, 1, at - 1)
    if (st !~ /^[0-9]+\.[0-9]+:[0-9]+$/ || head !~ /^(node=[^ ]+ )?type=[^ ]+ $/) continue
    t = st; sub(/\..*/, "", t); s = st; sub(/.*:/, "", s); if (length(t) > 11 || length(s) > 10) continue
    node = "-"; kind = head; if (head ~ /^node=/) { node = substr(head, 1, index(head, " ") - 1); kind = substr(head, index(head, " ") + 1) }
    kind = substr(kind, 6, length(kind) - 6)
    if (substr(kind, 1, 7) == "DAEMON_") {
      if (kind == "DAEMON_START") { run_close(node, 1); if ((node in BEGUN) || NODES < 50) { run_forget(node); run_open(node, "s") } }
      if (++DAEMONS <= 200) printf "D\t%s\t%.0f\n", kind, t
      continue
    }
    last = st
    if (run_add(node, s + 0, t + 0) && kind == "SYSTEM_BOOT") BOOT[node] = "b"
  }
  if (cut) close(cmd); else close(path)
}
function serials_end() { close_all(); if (MORE || HOLES > 40 || DAEMONS > 200) print "M" }
function serials(   p, n, i, j, w, u, f, l, denied) {
  n = NODES = HOLES = DAEMONS = CLOSED = 0; MORE = 0; split("", denied); split("", BEGUN)
  for (p in ROW) if (p ~ /^\057var\057log\057audit\057audit[.]log(\.[0-9]+)?$/ && p !~ /[0-9][0-9][0-9][0-9][0-9][0-9][0-9]$/ && ROW[p] ~ /^f/) w[++n] = p
  for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (age(w[j]) < age(w[i])) { u = w[i]; w[i] = w[j]; w[j] = u }
  print N " q"
  for (i = n < 3 ? n : 3; i >= 1; i--) {
    u = (getline l < w[i]); if (u < 0) { denied[w[i]] = 1; continue }
    close(w[i]); split(ROW[w[i]], f, "\t"); serials_of(w[i], f[5] + 0)
  }
  serials_end()
  for (p in denied) gap("denied", "audit-serials:" p, "")
  for (i = 4; i <= n; i++) gap("truncated", "audit-serials:" w[i], "older than the last 3 logs")
}
function age(p) { sub(/^.*audit[.]log[.]?/, "", p); return p == "" ? 0 : p + 0 }
