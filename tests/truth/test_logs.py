"""rsyslogd itself, beside what we say of it: each configuration runs in a real Debian root and gets real messages on its own /dev/log."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.facts.parse.rsyslog_legacy import FACILITIES
from sovaudit.facts.rsyslog import Message
from sovaudit.testing import host_with
from tests import lab
from tests.truth.rsyslog_cases import INPUTS, LATER

MESSAGES = (
    ("auth", 6, "sshd", "Accepted password for bob"),
    ("auth", 6, "sshd", "Failed password for bob"),
    ("authpriv", 5, "sudo", "bob : COMMAND=/bin/ls"),
    ("authpriv", 6, "su", "session opened"),
    ("auth", 4, "login", "FAILED LOGIN"),
    ("cron", 6, "CRON", "x"),
    ("user", 7, "foo", "dbg"),
    ("local0", 3, "app", "err"),
    ("authpriv", 1, "sudo", "incorrect password attempts"),
)
IN = 'module(load="imuxsock")\n'

# name: the configuration behind `IN`. Messages land in /out; the real answer is the oracle.
LEGACY = {
    "lists": "auth,authpriv.* /out/a\n*.*;auth,authpriv.none -/out/b\n",
    "stop": "auth.* stop\n*.* /out/a\n",
    "tilde": "authpriv.* ~\n*.* /out/a\n",
    "chain": "auth.* /out/a\n& /out/b\n& stop\n*.* /out/c\n",
    "chain without blank": "auth.* /out/a\n&stop\n*.* /out/z\n",
    "chain at the start": "& stop\n*.* /out/z\n",
    "chain behind a block": 'if $programname == "su" then { /out/q\n}\n& /out/w\n*.* /out/z\n',
    "chain in then": 'if $programname == "sshd" then /out/a\n& stop\n*.* /out/z\n',
    "equals and not": "auth.=info /out/a\nauth.!info /out/b\nauth.*;auth.!=info /out/c\n*.info;auth.none /out/d\n*.=debug;*.=info /out/e\n",
    "left to right": "auth.none;*.* /out/a\n*.*;auth.none;auth.info /out/b\nauth.info;auth.none /out/c\n*.err;auth.!=err /out/f\n",
    "aliases": "*.warn /out/d\n*.panic /out/e\n*.error /out/f\nsecurity.* /out/g\nauth.info,authpriv.none /out/i\n",
    "numbers": "4.* /out/a\n10.6 /out/b\n*.6 /out/c\nauth.6 /out/d\n*.=6 /out/e\nauth.!6 /out/f\n1,4.* /out/g\n",
    "capitals": "AUTH.INFO /out/a\nAuth,AuthPriv.* /out/b\n",
    "unknown names": "foo.* /out/a\nauth,foo.* /out/b\nauth.foo /out/c\nauth.* /out/d\n",
    "blanks inside": "auth, authpriv.* /out/d\nauth.* ; authpriv.* /out/e\nauth.info;  authpriv.info /out/f\n*.* /out/z\n",
    "blanks before": "  auth.* /out/a\n\tauthpriv.* /out/b\n*.*\t/out/c\n*.*;*.*    /out/d   \n",
    "no blank": "auth.*/out/a\n*.* /out/z\n",
    "comment behind": "auth.* /out/a # comment\nauth.*;authpriv.*\t\t-/out/b;RSYSLOG_FileFormat\n",
    "tab and comment behind": "auth.* /out/a\t# comment\n*.* /out/z\n",
    "continuation": "auth,\\\nauthpriv.* /out/a\n# a comment \\\n*.* /out/hidden\n*.* /out/z\n",
    "rhel line": "*.info;mail.none;authpriv.none;cron.none                /out/m\nauthpriv.*    /out/s\n",
    "modes": "$FileCreateMode 0600\n$Umask 0000\nauth.* /out/a\n"
    '$FileCreateMode 0666\nauthpriv.* /out/b\naction(type="omfile" file="/out/c")\n',
    "mode of an action": '$FileCreateMode 0666\naction(type="omfile" file="/out/d" fileCreateMode="0640")\n',
    "umask at the end": "$FileCreateMode 0666\nauth.* /out/a\n$Umask 0077\nauth.* /out/b\n",
    "module default mode": 'module(load="builtin:omfile" fileCreateMode="0600")\n*.* /out/a\naction(type="omfile" file="/out/b")\n',
    "to a device": "auth.* /dev/null\n& stop\n*.* /out/z\n",
    "a bare chain before another statement": "/out/a\n& /out/b\n& /out/c\n*.* /out/z\n",
    "a bare chain at the end": "*.* /out/z\n/out/a\n& /out/b\n& stop\n",
    "a bare chain that stops": "/out/a\n& stop\n*.* /out/z\n",
    "an action's chain that stops": 'action(type="omfile" file="/out/a")\n& stop\n*.* /out/z\n',
    "a bare chain in a block": 'if $programname == "su" then {\n/out/a\n& /out/b\n& stop\n/out/c\n}\n*.* /out/z\n',
    "a bare chain before a module": '/out/a\n& /out/b\nmodule(load="imklog")\n',
    "a bare chain before an error": "/out/a\n& /out/b\nif then\n",
    "a bare chain over rulesets": "/out/a\n& /out/b\n$RuleSet other\n*.* /out/c\n",
    "users": "*.* root,bob\n*.* :omusrmsg:root\n*.* :ommysql:a,b\n*.* /out/z\n",
    "omfile by name": "*.* :omfile:/out/a\n*.* :omfile:$/out/b\n",
    "template missing": '*.* /out/a;Nope\n*.* /out/b\naction(type="omfile" file="/out/c" template="Nope")\n',
    "template too late": '*.* /out/a;Late\n$template Late,"%msg%\\n"\n*.* /out/b;Late\n',
    "default template missing": "$ActionFileDefaultTemplate Zip\n*.* /out/c\n",
    "bsd blocks": "!sshd\n*.* /out/a\n!*\n+host\n*.* /out/c\n",
    "folders not made": "auth.* /out/x/y/a\n$CreateDirs off\nauth.* /out/q/b\n",
    "only when suspended": "*.* /out/a\n$ActionExecOnlyWhenPreviousIsSuspended on\n*.* /out/c\n"
    "$ActionExecOnlyWhenPreviousIsSuspended off\n*.* /out/d\n",
    "dynamic names": '$template T,"/out/dyn-%programname%.log"\nauth.* ?T\n'
    'template(name="U" type="string" string="/out/%syslogfacility-text%-u")\n'
    'action(type="omfile" dynaFile="U")\n*.* ?Nope\n',
}
PROPERTIES = {
    "programname": ':programname, isequal, "sshd" /out/a\n:programname, startswith, "su" /out/b\n'
    ':programname,isequal,"su" stop\n*.* /out/z\n',
    "msg": ':msg, contains, "Failed" /out/c\n:msg, !contains, "Failed" /out/d\n'
    ':msg, startswith, " Acc" /out/h\n:msg, startswith, "Acc" /out/i\n',
    "regular expressions": ':msg,regex,"Failed.*bob" /out/e\n:programname,ereregex,"^(su|sudo)$" /out/f\n'
    ':programname,regex,"^\\(su\\|sudo\\)$" /out/g\n',
    "facility": ':syslogfacility-text, isequal, "auth" /out/g\n:syslogseverity, isequal, "6" /out/f\n'
    ':PROGRAMNAME, isequal, "sshd" /out/c\n',
    "block": ':programname, isequal, "sshd" { /out/a\n stop }\n:msg, contains, "COMMAND" ~\n*.* /out/b\n& ~\n*.* /out/c\n',
    "odd blanks": ':msg , contains , "Failed" /out/a\n*.* /out/z\n',
    "unknown property": ':nope, isequal, "x" /out/d\n:programname, nope, "x" /out/e\n*.* /out/z\n',
    "hostile quote": ':msg, contains, "Fai\\"led" /out/i\n*.* /out/z\n',
}
SCRIPT = {
    "if then": 'if $programname == "sshd" then /out/a\nif $syslogfacility-text == "auth" then {\n  action(type="omfile" file="/out/b")\n'
    "  stop\n}\n*.* /out/c\n",
    "else if": 'if $programname == "sshd" then\n  stop\nelse if $programname == "su" then\n  action(type="omfile" file="/out/a")\n'
    "else\n  /out/b\n*.* /out/z\n",
    "dangling else": 'if $programname == "sshd" then if $msg contains "Failed" then /out/c\nelse /out/d\n*.* /out/z\n',
    "and or left to right": 'if $programname == "sshd" or $programname == "su" and $msg contains "zzz" then /out/b\n*.* /out/z\n',
    "or after and": 'if $programname == "x" and $programname == "y" or $programname == "sshd" then /out/a\n*.* /out/z\n',
    "not binds tight": 'if not ($programname == "sshd") then /out/e\nif not $programname == "sshd" then /out/f\n*.* /out/z\n',
    "lists": 'if $programname == ["sshd","su"] then /out/a\nif $programname != ["sshd","su"] then /out/b\n'
    'if $msg contains ["Failed","COMMAND"] then /out/c\n',
    "numbers": 'if $syslogseverity <= 4 then /out/a\nif $syslogseverity == "6" then /out/b\n'
    "if $syslogfacility == 4 then /out/c\nif $pri < 40 then /out/h\n",
    "texts": 'if $programname < "su" then /out/g\nif $pri-text == "auth.info" then /out/e\nif $syslogpriority <= "4" then /out/f\n',
    "truth": 'if $programname then /out/a\nif "1" then /out/b\nif "x" then /out/c\n'
    "if 1 then /out/d\nif $syslogseverity then /out/e\n*.* /out/z\n",
    "arithmetic": "if $syslogseverity + 1 == 7 then /out/a\nif $syslogfacility * 8 + $syslogseverity == 38 then /out/b\n*.* /out/z\n",
    "functions": 'if re_match($msg, "Fail(ed)?") then /out/a\nif tolower($programname) == "cron" then /out/b\n'
    "if strlen($programname) == 4 then /out/c\n*.* /out/z\n",
    "folded": 'if $msg contains_i "FAILED" then /out/d\nif $programname startswith_i "SSH" then /out/e\n'
    'if re_match_i($programname,"^SSH") then /out/h\n*.* /out/z\n',
    "prifilt": 'if prifilt("auth,authpriv.*") then /out/a\nif not prifilt("*.info") then /out/b\n'
    'if prifilt("auth.*;auth.!=info") then /out/c\n*.* /out/z\n',
    "variables": 'set $.x = "a";\nset $!y = $programname;\nif $.x == "a" and $!y == "sshd" then /out/a\n'
    'unset $.x;\nif $.x == "a" then /out/b\nif $.x == "" then /out/c\n',
    "reset and stop": 'set $.x = "a";\nreset $.x = "q";\nif $.x == "q" then stop\n*.* /out/d\n',
    "unset is not empty": 'set $.v = "x";\nunset $.v;\nif exists($.v) then /out/a\nset $.v = "";\nif exists($.v) then /out/b\n',
    "exists of a parent": 'set $!a!b = "x";\nif exists($!a) then /out/a\nif exists($!a!b) then /out/b\nif exists($!b) then /out/c\n',
    "a relative name": 'action(type="omfile" file="out/a")\n*.* /out/z\n',
    "exists": 'if exists($!x) then /out/f\nset $!x = "1";\nif exists($!x) then /out/g\n*.* /out/z\n',
    "ruleset": 'ruleset(name="r1") {\n auth.* /out/a\n stop\n}\nif $programname == "sudo" then {\n  call r1\n}\n*.* /out/c\n',
    "call of one letter": 'ruleset(name="z") {\n*.* /out/a\n}\ncall z\n*.* /out/c\n',
    "call of nothing": 'if $programname == "sshd" then {\n  call nope\n  stop\n}\n*.* /out/a\n',
    "a selector only at the start": 'ruleset(name="r1") { auth.* /out/a\n stop }\nif $programname=="sshd" then call r1\n*.* /out/c\n',
    "legacy rulesets": "*.* /out/a\n$RuleSet other\n*.* /out/b\n$RuleSet RSYSLOG_DefaultRuleset\n*.* /out/c\n",
    "default ruleset": "$RuleSet other\n*.* /out/b\n$DefaultRuleset other\n*.* /out/x\n",
    "one line": 'if $programname == "su" then { action(type="omfile" file="/out/a") } else { action(type="omfile" file="/out/b") stop }\n'
    "*.* /out/z\n",
    "then on the next line": 'if $programname == "sshd" then\n*.* /out/a\n*.* /out/b\n',
    "capital words": 'IF $programname == "sshd" THEN /out/a\nif $PROGRAMNAME == "sshd" AND $msg contains "x" then /out/b\n*.* /out/c\n',
    "switched off": 'action(type="omfile" file="/out/f" config.enabled="off")\n*.* /out/z\n',
    "every third": 'action(type="omfile" file="/out/z")\naction(type="omfile" file="/out/q" queue.type="LinkedList")\n',
    "continue": 'if $programname == "sshd" then continue else stop\n*.* /out/e\n',
    "invalid property": 'if $nope == "" then /out/a\nif not ($nope == "x") then /out/b\n*.* /out/c\n',
    "comments": '/* if x\n*.* /out/y */\nif $programname == "sshd" /* why */ then /out/a\n*.* /out/z\n',
}
BROKEN = {
    "junk": "this is junk\n*.* /out/a\n",
    "junk with a word that counts": "please stop this\n*.* /out/a\n",
    "missing module": 'module(load="imnope")\n$ModLoad omnope\n*.* /out/a\n',
    "missing output module": '*.* /out/a\naction(type="omnope")\n*.* /out/b\n',
    "unknown directive": "$Foo bar\n*.* /out/a\n",
    "unknown parameter": 'action(type="omfile" file="/out/a" bogus="x")\n*.* /out/b\n',
    "broken if": "*.* /out/a\nif $programname == then /out/b\n*.* /out/c\n",
    "open block": '*.* /out/a\nif $programname == "sshd" then { stop \n*.* /out/b\n',
    "hash inside an expression": '*.* /out/a\nif $programname == "sshd" # why\n then /out/b\n*.* /out/c\n',
    "semicolon forgotten": "*.* /out/a\nset $.b = 2\n*.* /out/y\n",
    "stop with semicolon": 'if $programname == "sshd" then stop;\n*.* /out/z\n',
    "empty block": "*.* /out/a\nauth.* {\n}\n*.* /out/b\n",
    "object without file": 'action(type="omfile")\n*.* /out/a\n',
    "include missing": "*.* /out/a\n$IncludeConfig /etc/nope.conf\n*.* /out/c\n",
    "include of a pattern without match": "*.* /out/a\n$IncludeConfig /etc/nope/*.conf\n*.* /out/c\n",
    "include object missing": '*.* /out/a\ninclude(file="/etc/nope.conf")\n*.* /out/c\n',
    "include of text": 'include(text="auth.* /out/t")\n*.* /out/c\n',
}
ODD = {
    "ubuntu": "$ModLoad imklog\n$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat\n$RepeatedMsgReduction on\n$FileOwner root\n"
    "$FileCreateMode 0640\n$DirCreateMode 0755\n$Umask 0022\nauth,authpriv.*\t\t\t/out/auth.log\n*.*;auth,authpriv.none\t\t-/out/syslog\n"
    "#cron.*\n*.emerg\t:omusrmsg:*\n",
    "red hat": 'module(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")\ninclude(file="/etc/rsyslog.d/*.conf" mode="optional")\n'
    "*.info;mail.none;authpriv.none;cron.none                /out/messages\nauthpriv.*                                 /out/secure\n"
    "uucp,news.crit  /out/spooler\nlocal7.* /out/boot.log\n",
    "nested": 'if $syslogfacility-text == "authpriv" then {\n if $programname == "sudo" then {\n'
    "  if $syslogseverity <= 1 then {\n   /out/a\n   stop\n  }\n  /out/b\n }\n}\n*.* /out/c\n",
    "prifilt in block": "*.* {\n auth.* /out/a\n authpriv.* /out/b\n & stop\n}\n*.* /out/c\n",
    "two actions one line": "auth.* /out/a /out/b\n*.* /out/c\n",
    "semicolon selector end": "auth.*; /out/a\n*.* /out/c\n",
    "comma end": "auth,.* /out/a\n*.* /out/c\n",
    "exclaim": "*.!warn /out/a\n*.*;*.!warn /out/b\nauth.*;auth.!err;auth.=alert /out/c\n",
    "dup facility": "auth.err;auth.info /out/a\nauth.info;auth.=err /out/b\n*.debug;auth.=info /out/d\n",
    "local ranges": "local0.*,local1.* /out/a\nlocal0,local5.=err /out/b\n",
    "quotes": "if $programname == 'sshd' then /out/a\nif $msg contains \"it's\" then /out/b\n"
    "if $msg contains 'a\"b' then /out/c\n*.* /out/z\n",
    "dollar quote": 'if $msg contains "$x" then /out/a\n*.* /out/z\n',
    "dollar single": "if $msg contains '$x' then /out/a\n*.* /out/z\n",
    "ne": 'if $programname <> "sshd" then /out/a\nif $programname != "sshd" and $programname != "sudo" then /out/b\n*.* /out/z\n',
    "paren": 'if ($programname == "sshd") or ($programname == "su") then { /out/a\n}\n*.* /out/z\n',
    "if stop else": 'if ($syslogfacility-text == "auth" or $syslogfacility-text == "authpriv") and $syslogseverity <= 5'
    ' then { action(type="omfile" file="/out/a") stop } else { action(type="omfile" file="/out/b") }\n'
    "*.* /out/z\n",
    "set chain": 'set $!a = "x" & $programname;\nif $!a == "xsshd" then /out/a\nset $.n = 3;\nif $.n > 2 then /out/b\n'
    "set $.n = $.n + 1;\nif $.n == 4 then /out/c\n*.* /out/z\n",
    "json sub": 'set $!foo!bar = "x";\nif $!foo!bar == "x" then /out/a\nif $!foo == "x" then /out/b\nunset $!foo;\n'
    'if $!foo!bar == "x" then /out/c\n*.* /out/z\n',
    "call_indirect": 'ruleset(name="rs1") {\n *.* /out/a\n stop\n}\nset $.r = "rs1";\nif $programname == "sshd" then {\n'
    " call_indirect $.r;\n}\n*.* /out/z\n",
    "indirect literal": 'ruleset(name="rs1") {\n *.* /out/a\n}\ncall_indirect "rs1";\n*.* /out/z\n',
    "ruleset later": 'call rs1\n*.* /out/z\nruleset(name="rs1") {\n auth.* /out/a\n}\n',
    "ruleset twice": 'ruleset(name="rs1") {\n *.* /out/a\n}\nruleset(name="rs1") {\n *.* /out/b\n}\ncall rs1\n*.* /out/z\n',
    "ruleset caps": 'ruleset(name="RS1") {\n *.* /out/a\n}\ncall rs1\n*.* /out/z\n',
    "ruleset queue": 'ruleset(name="rs1" queue.type="LinkedList") {\n *.* /out/a\n stop\n}\ncall rs1\n*.* /out/z\n',
    "template list": 'template(name="L" type="list") {\n property(name="msg")\n constant(value="\\n")\n}\n*.* /out/a;L\n',
    "template bad": 'template(name="L" type="nope" string="x")\n*.* /out/a;L\n*.* /out/z\n',
    "outchannel": "$outchannel oc,/out/oc,1000000,/bin/true\n*.* :omfile:$oc\n*.* /out/z\n",
    "crlf": "auth.* /out/a\r\n*.* /out/z\r\n",
    "no newline at end": "*.* /out/a",
    "file mode bad": "$FileCreateMode 9999\n*.* /out/a\n",
    "mode 3": "$FileCreateMode 600\n*.* /out/a\n",
    "action mode": 'action(type="omfile" file="/out/a" FileCreateMode="0600")\naction(type="omfile" file="/out/b" fileCreateMode="600")\n',
    "global umask": 'global(umask="0077")\n*.* /out/a\n',
    "rel path": "*.* out/a\n*.* ./out/b\n*.* /out/z\n",
    "mailers": "mail.*;news.none -/out/m\n"
    "*.=info;*.=notice;*.=warn;auth,authpriv.none;cron,daemon.none;mail,news.none -/out/messages\n"
    "authpriv.=alert /out/al\n",
    "field": 'if field($msg, 32, 2) == "Failed" then /out/a\n*.* /out/z\n',
    "wildcard": 'if $msg contains "" then /out/a\n:msg, contains, "" /out/b\n*.* /out/z\n',
    "msg eq": 'if $msg startswith "Failed" then /out/a\nif $msg startswith " Failed" then /out/b\n*.* /out/z\n',
    "and newline": 'if $programname == "sshd"\n   and $msg contains "Failed"\nthen {\n   action(type="omfile"\n'
    '      file="/out/a")\n   stop\n}\n*.* /out/z\n',
    "comment in object": 'action(type="omfile" # the file\n file="/out/a" /* x */ )\n*.* /out/z\n',
    "comment before then": '# if $programname == "sshd" then stop\n/* stop */\n*.* /out/z\n',
    "unterminated comment": "*.* /out/a\n/* *.* /out/z\n",
    "unterminated string": '*.* /out/a\nif $msg contains "x then stop\n*.* /out/z\n',
    "else alone": "*.* /out/a\nelse stop\n*.* /out/z\n",
    "tabs prop": ':programname,\tisequal,\t"sshd"\t/out/a\n*.* /out/z\n',
    "prop nospace": ':programname,isequal,"sshd"/out/a\n*.* /out/z\n',
    "prop tilde old": ':msg, regex, "Fail[a-z]*" ~\n*.* /out/z\n',
    "prop indented": '  :programname, isequal, "sshd" /out/a\n*.* /out/z\n',
    "semantics and chain": "auth.info /out/a\n&/out/b\n& ~\n*.* /out/z\n",
    "empty then": 'if $programname == "sshd" then {}\n*.* /out/z\n',
    "stop stop": 'if $programname == "sshd" then stop stop\n*.* /out/z\n',
    "star star": "* * /out/a\n*.* /out/z\n",
    "none word": "*.*;auth.NONE /out/a\n*.* /out/z\n",
    "upper severity": "AUTH.=INFO;AuthPriv.Notice /out/a\n",
    "disc upper": "auth.* STOP\n*.* /out/z\n",
}
INCLUDED = {
    "order": (
        "$IncludeConfig /etc/rsyslog.d/*.conf\n*.* /out/c\n",
        {"20.conf": "auth.* stop\n", "10.conf": "*.* /out/a\n", "x.bak": "*.* stop\n"},
    ),
    "folder": ("$IncludeConfig /etc/rsyslog.d/\n*.* /out/c\n", {"x.bak": "*.* /out/xb\n", ".hid": "*.* /out/hid\n"}),
    "folder without slash": ("$IncludeConfig /etc/rsyslog.d\n*.* /out/c\n", {"x.conf": "*.* /out/xb\n"}),
    "broken in the middle": (
        "$IncludeConfig /etc/rsyslog.d/*.conf\n*.* /out/c\n",
        {"1.conf": "*.* /out/a\n", "2.conf": "if then\n", "3.conf": "*.* /out/b\n"},
    ),
    "object": ('include(file="/etc/rsyslog.d/*.conf")\n*.* /out/c\n', {"1.conf": "auth.* /out/a\n", "2.conf": "authpriv.* ~\n"}),
    "inside a ruleset": (
        'ruleset(name="zz") {\ninclude(file="/etc/rsyslog.d/1.conf")\n}\ncall zz\n*.* /out/c\n',
        {"1.conf": "auth.* stop\n"},
    ),
    "a block over two files": ("$IncludeConfig /etc/rsyslog.d/*.conf\n*.* /out/c\n", {"1.conf": "auth.* {\n", "2.conf": "/out/b\n}\n"}),
}
WHOLE = {
    "no input": "*.* /out/a\n",
    "old module line": "$ModLoad imuxsock\n*.* /out/a\n",
    "old module with so": "$ModLoad imuxsock.so # local\n*.* /out/a\n",
    "socket off": 'module(load="imuxsock" SysSock.Use="off")\n*.* /out/a\n',
    "omit local": "$ModLoad imuxsock\n$OmitLocalLogging on\n*.* /out/a\n",
    "omit local, then listen": "$ModLoad imuxsock\n$OmitLocalLogging on\n*.* /out/a\n$AddUnixListenSocket /dev/log\n",
    "own input with a ruleset": IN.replace(")", ' SysSock.Use="off")')
    + 'input(type="imuxsock" Socket="/dev/log" ruleset="r1")\nruleset(name="r1"){\n*.* /out/a\n}\n*.* /out/b\n',
    "elsewhere": 'module(load="imuxsock" SysSock.Name="/dev/other")\n*.* /out/a\n',
    "dropped rights": IN + "$PrivDropToUser nobody\n*.* /out/a\n",
    "dropped rights, global": 'global(privdrop.user.name="nobody")\n' + IN + "*.* /out/a\n",
    "no action": IN,
}

WHOLE |= INPUTS

Case = tuple[str, dict[str, str]]
CASES: dict[str, Case] = {
    **{f"odd: {name}": (IN + text, {}) for name, text in ODD.items()},
    **{f"legacy: {name}": (IN + text, {}) for name, text in LEGACY.items()},
    **{f"property: {name}": (IN + text, {}) for name, text in PROPERTIES.items()},
    **{f"later: {name}": (IN + text, {}) for name, text in LATER.items()},
    **{f"script: {name}": (IN + text, {}) for name, text in SCRIPT.items()},
    **{f"broken: {name}": (IN + text, {}) for name, text in BROKEN.items()},
    **{
        f"included: {name}": (IN + text, {f"/etc/rsyslog.d/{file}": more for file, more in files.items()})
        for name, (text, files) in INCLUDED.items()
    },
    **{f"whole: {name}": (text, {}) for name, text in WHOLE.items()},
}


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay() as place:
        yield place


def really(root: Path, case: Case) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Run rsyslogd on the case and send every message: file → (mode, numbers of the messages in it)."""
    shutil.rmtree(root / "etc/rsyslog.d", ignore_errors=True)
    lab.write(root, {"/etc/rsyslog.conf": case[0], **case[1]})
    out = root / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    log = root / "dev/log"
    with contextlib.suppress(FileNotFoundError):
        log.unlink()
    command = ["chroot", str(root), "rsyslogd", "-n", "-iNONE"]
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    try:
        for _ in range(100):
            if log.exists() or daemon.poll() is not None:
                break
            time.sleep(0.01)
        if log.exists() and daemon.poll() is None:
            _send(log)
    finally:
        daemon.terminate()
        daemon.wait(10)
    found: dict[str, tuple[int, tuple[int, ...]]] = {}
    for path in sorted(out.rglob("*")):
        text = path.read_text(errors="replace") if path.is_file() else ""
        numbers = tuple(number for number in range(len(MESSAGES)) if f"#{number}#" in text)
        if numbers:
            found[f"/out/{path.relative_to(out)}"] = (path.stat().st_mode & 0o777, numbers)
    return found


def _send(log: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for _ in range(100):
            with contextlib.suppress(OSError):
                sender.connect(str(log))
                break
            time.sleep(0.01)
        for number, (facility, severity, program, text) in enumerate(MESSAGES):
            sender.send(f"<{FACILITIES.index(facility) * 8 + severity}>Jan  1 00:00:00 {program}[1]: {text} #{number}#".encode())
        settle(sender)


def settle(sender: socket.socket) -> None:
    """Wait until rsyslogd has read all that was sent: when it stops it empties its queue, not its socket."""
    for _ in range(500):
        waiting = struct.unpack("i", fcntl.ioctl(sender, termios.TIOCOUTQ, b"\0" * 4))[0]
        if waiting == 0:
            break
        time.sleep(0.01)
    time.sleep(0.1)


def said(case: Case) -> dict[str, tuple[int, tuple[int, ...]]]:
    """The same from the files alone, as a host without systemd."""
    host = host_with(
        {
            "/etc/rsyslog.conf": case[0],
            **case[1],
            "/out/.keep": "",
            "/etc/passwd": "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
        },
        commands={"processes": (0, "rsyslogd\n"), "mounts": (0, "")},
    )
    found: dict[str, tuple[int, tuple[int, ...]]] = {}
    if host.logs.rsyslog is None or host.logs.rsyslog.refused:
        return found
    for number, (facility, severity, program, text) in enumerate(MESSAGES):
        message = Message(FACILITIES.index(facility), severity, program, f"{text} #{number}#")
        routing = host.logs.route(message)
        assert routing.certain == routing.possible
        for place in routing.certain:
            if place.kind != "file" or not place.target.startswith("/out/"):
                continue
            if host.logs.protection.protected(place).why in ("rsyslogd may not write there", "its folder does not exist and is not made"):
                continue
            mode = (place.mode or 0) & ~host.logs.rsyslog.umask if host.logs.rsyslog else 0
            found[place.target] = (found.get(place.target, (mode, ()))[0], (*found.get(place.target, (0, ()))[1], number))
    return found


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_we_say_where_rsyslogd_really_writes(root: Path, name: str) -> None:
    assert said(CASES[name]) == really(root, CASES[name])
