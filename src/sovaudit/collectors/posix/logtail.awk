# the end of the security log of this host: host_log.py says the same
function log_of(path, size, share,   cmd, l, m, t, first, others) {
  print "F\t" path "\t" (share < size ? "c" : "w")
  cmd = "tail -c " share " <" quote(path) " 2>/dev/null | tr \"\\000\" \"\\001\""; first = share < size; others = 0
  while ((cmd | getline l) > 0) {
    if (first) { first = 0; continue }
    if (length(l) > 8192 || index(l, "\001") || !match(l, /^([A-Z][a-z][a-z] [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]|[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[^ ]+) [^ ]+ /)) { others++; continue }
    t = RLENGTH; m = substr(l, t + 1)
    if (match(m, /^(kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7])[.](emerg|alert|crit|err|warn|notice|info|debug) /)) { t += RLENGTH; m = substr(m, RLENGTH + 1) }
    if (match(m, /^[^[ \t\r\f\v:]+(\[[^] \t\r\f\v]*\])?:? ?/)) { t += RLENGTH; m = substr(m, RLENGTH + 1) }
    if (m ~ /^[ \t\r\f\v]/) sub(/^[ \t\r\f\v]+/, "", m)
    if (m ~ /[ \t\r\f\v]$/) sub(/[ \t\r\f\v]+$/, "", m)
    if (mask_line("plain", m) == m) print "T\t" l; else print "M\t" substr(l, 1, t)
  }
  close(cmd); print "O\t" others
}
# the newest records of auth and authpriv in the journal; a line that masking would change goes without its message
function log_of_journal(   cmd, l) {
  if (ENVIRON["SOVAUDIT_UID"] != "0") { gap("denied", "log-records", "root could read the journal"); return }
  cmd = "command -v journalctl"; if ((cmd | getline l) <= 0) { close(cmd); gap("unsupported", "log-records", "its log is in the journal, and no journalctl is here"); return }
  close(cmd)
  print N " r\nF\tjournal\tc"
  cmd = "journalctl -q --no-pager -n 1000 -o json --output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM,SYSLOG_PID,_PID,_HOSTNAME SYSLOG_FACILITY=4 SYSLOG_FACILITY=10 2>/dev/null"
  while ((cmd | getline l) > 0) {
    if (mask_line("plain", l) == l) { print "N\t" l; continue }
    if (match(l, /"MESSAGE"[ ]*:[ ]*("([^"\\]|\\.)*"|\[[^]]*\])/)) print "N\t" substr(l, 1, RSTART - 1) "\"MESSAGE\":null" substr(l, RSTART + RLENGTH); else print "N\t{}"
  }
  close(cmd); print "O\t0"
}
function log_tail(   w, n, i, p, q, l, f, size, old, share, at) {
  n = split("auth.log secure messages syslog", w, / /); p = ""
  for (i = 1; i <= n && p == ""; i++) if (("/var/log/" w[i]) in ROW && ROW["/var/log/" w[i]] ~ /^f/) p = "/var/log/" w[i]
  at = -1; for (l in ROW) if (l ~ /^\057(var|run)\057log\057journal\057[^\057]+\057[^\057]+[.]journal$/ && ROW[l] ~ /^f/) { split(ROW[l], f, "\t"); if (f[6] + 0 > at) at = f[6] + 0 }
  if (p != "" && at >= 0) { split(ROW[p], f, "\t"); if (at - f[6] > 691200) p = "" }
  if (p == "" && at >= 0) { log_of_journal(); return }
  if (p == "") { gap(("/var/log" in UNREAD) || ("/var/log" in HIDDEN) ? "denied" : "absent", "log-records", "no auth.log, secure, messages, syslog in /var/log"); return }
  q = ""
  if ((p ".1") in ROW && ROW[p ".1"] ~ /^f/) q = p ".1"
  else for (l in ROW) if (index(l, p "-") == 1 && length(l) == length(p) + 9 && substr(l, length(p) + 2) ~ /^[0-9]+$/ && ROW[l] ~ /^f/ && l > q) q = l
  split(ROW[p], f, "\t"); size = f[5] + 0; share = size < 262144 ? size : 262144
  if (size >= 262144) q = ""
  if ((getline l < p) < 0 || (q != "" && (getline l < q) < 0)) { gap("denied", "log-records", ""); return }
  close(p); if (q != "") close(q)
  print N " r"
  if (q != "") { split(ROW[q], f, "\t"); old = f[5] + 0; log_of(q, old, old < 262144 - share ? old : 262144 - share) }
  log_of(p, size, share)
}
