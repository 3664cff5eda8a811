# serial numbers of audit logs: serials.py says the same
function run_rows(r,   i, j, k) {
  printf "R\t%s\t%.0f\t%.0f\t%.0f\t%.0f\n", RUN[r, "n"], RUN[r, "a"], RUN[r, "f"], RUN[r, "z"], RUN[r, "l"]
  for (i = 1; i <= RUN[r, "h"]; i++) if (RUN[r, "h", i, 3] > 0) {
    k = "H\t" RUN[r, "n"]
    for (j = 1; j <= 5; j++) k = k sprintf("\t%.0f", RUN[r, "h", i, j])
    print k
  }
}
function serials_of(path, size,   cmd, l, at, st, q, head, node, kind, t, s, last, r, runs, holes, ds, i, n, nodes, k, done, dn, cut, first, told, cur, ord, u, more) {
  cut = size > AUDITTAIL; split("", RUN); split("", FILLED); split("", cur); split("", done); split("", nodes); split("", ord)
  cmd = cut ? "tail -c " AUDITTAIL " <" quote(path) " 2>/dev/null" : ""
  last = more = ""; runs = holes = dn = n = ds = 0; first = cut; told = "F\t" path "\t" (cut ? "c" : "w")
  while ((cut ? (cmd | getline l) : (getline l < path)) > 0) {
    if (first) { first = 0; continue }
    at = index(l, "msg=audit("); if (at < 7 || at > 301) continue
    st = substr(l, at + 10, 50); q = index(st, ")"); if (q) st = substr(st, 1, q - 1)
    if (st == last && l !~ /^node=/) continue
    head = substr(l, 1, at - 1)
    if (st !~ /^[0-9]+\.[0-9]+:[0-9]+$/ || head !~ /^(node=[^ ]+ )?type=[^ ]+ $/) continue
    t = st; sub(/\..*/, "", t); s = st; sub(/.*:/, "", s); if (length(t) > 11 || length(s) > 10) continue
    node = "-"; kind = head; if (head ~ /^node=/) { node = substr(head, 1, index(head, " ") - 1); kind = substr(head, index(head, " ") + 1) }
    kind = substr(kind, 6, length(kind) - 6); t += 0; s += 0
    if (substr(kind, 1, 7) == "DAEMON_") { if (ds < 200) ord[++ds] = sprintf("D\t%s\t%.0f", kind, t); continue }
    last = st
    if (node in cur) {
      r = cur[node]
      if (s < RUN[r, "l"] && (s < RUN[r, "l"] - 1000 || t > RUN[r, "z"] + 5)) {
        if (dn >= 100) { more = 1; break }
        done[++dn] = r; delete cur[node]
      }
    } else if (n >= 50) { more = 1; continue }
    else nodes[++n] = node
    if (!(node in cur)) { cur[node] = r = ++runs; RUN[r, "n"] = node; RUN[r, "a"] = RUN[r, "z"] = t; RUN[r, "f"] = RUN[r, "l"] = s; RUN[r, "h"] = 0; continue }
    if (s > RUN[r, "l"]) {
      if (s > RUN[r, "l"] + 1 && ++holes <= 40) {
        i = ++RUN[r, "h"]; RUN[r, "h", i, 1] = RUN[r, "l"] + 1; RUN[r, "h", i, 2] = s - 1; RUN[r, "h", i, 3] = s - RUN[r, "l"] - 1; RUN[r, "h", i, 4] = RUN[r, "z"]; RUN[r, "h", i, 5] = t
      }
      RUN[r, "l"] = s; if (t > RUN[r, "z"]) RUN[r, "z"] = t
    } else if (s < RUN[r, "f"]) { if (s >= RUN[r, "f"] - 50) RUN[r, "f"] = s }
    else if (s < RUN[r, "l"]) {
      for (i = RUN[r, "h"]; i >= 1; i--) if (RUN[r, "h", i, 1] <= s && s <= RUN[r, "h", i, 2]) {
        if (!((r, s) in FILLED)) { FILLED[r, s] = 1; RUN[r, "h", i, 3]-- }
        break
      }
    }
  }
  if (cut) close(cmd); else close(path)
  print told
  for (i = 1; i <= dn; i++) run_rows(done[i])
  for (i = 1; i <= n; i++) for (k = i + 1; k <= n; k++) if (nodes[k] < nodes[i]) { u = nodes[i]; nodes[i] = nodes[k]; nodes[k] = u }
  for (i = 1; i <= n; i++) run_rows(cur[nodes[i]])
  for (i = 1; i <= ds; i++) print ord[i]
  if (holes > 40 || ds >= 200 || more) print "M"
}
function serials(   p, n, i, j, w, u, f, l, size, denied) {
  n = 0; split("", denied)
  for (p in ROW) if (p ~ /^\057var\057log\057audit\057audit[.]log(\.[0-9]+)?$/ && ROW[p] ~ /^f/) w[++n] = p
  for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (age(w[j]) < age(w[i])) { u = w[i]; w[i] = w[j]; w[j] = u }
  print N " q"
  for (i = 1; i <= n && i <= 6; i++) {
    split(ROW[w[i]], f, "\t"); size = f[5] + 0
    u = (getline l < w[i]); if (u < 0) { denied[w[i]] = 1; continue }
    close(w[i]); serials_of(w[i], size)
  }
  for (p in denied) gap("denied", "audit-serials:" p, "")
  for (i = 7; i <= n; i++) gap("truncated", "audit-serials:" w[i], "older than the last 6 logs")
}
function age(p) { sub(/^.*audit[.]log[.]?/, "", p); return p == "" ? 0 : p + 0 }
