"""Run by Debian's own Python (/usr/bin/python3), which has Samba's modules: change a provisioned directory that is not running.

usage: samba_seed.py SMB_CONF < operations.json > answers.json

Operations, in order: ["add", dn, {attribute: [values]}] · ["modify", dn, {"+attribute" | "-attribute" | "=attribute": [values]}] ·
["user", name, password, {attribute: value}, ou] · ["sddl", dn, "ACEs to put before the others"] · ["descriptor", dn, "whole SDDL"].
A value {"hex": "…"} is bytes, {"sddl": "…"} a security descriptor. Each "user" is answered with its SID.
"""

import json
import sys

import ldb
from samba import dsdb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

lp = LoadParm()
lp.load(sys.argv[1])
sam = SamDB(session_info=system_session(), lp=lp)
domain = security.dom_sid(sam.get_domain_sid())
FLAGS = {"+": ldb.FLAG_MOD_ADD, "-": ldb.FLAG_MOD_DELETE, "=": ldb.FLAG_MOD_REPLACE}


def value(given):
    if isinstance(given, dict) and "hex" in given:
        return bytes.fromhex(given["hex"])
    if isinstance(given, dict):
        return ndr_pack(security.descriptor.from_sddl(given["sddl"], domain))
    return str(given)


def message(dn, changes, flags=None):
    made = ldb.Message(ldb.Dn(sam, dn))
    for name, values in changes.items():
        kind, bare = (FLAGS[name[0]], name[1:]) if flags is None else (flags, name)
        made[bare] = ldb.MessageElement([value(one) for one in values], kind, bare)
    return made


def descriptor(dn):
    row = sam.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=["sd_flags:1:7"])[0]
    return ndr_unpack(security.descriptor, row["nTSecurityDescriptor"][0])


def apply(operation):
    what, *rest = operation
    if what == "add":
        sam.add(message(rest[0], rest[1], ldb.FLAG_MOD_ADD))
    elif what == "modify":
        # attributes that only the system may set, and values that the directory would refuse to a client
        raw = any(name.endswith("pwdLastSet") and values != ["0"] for name, values in rest[1].items())
        bypass = [f"local_oid:{dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID}:0"] if raw else []
        sam.modify(message(rest[0], rest[1]), controls=["relax:0", *bypass])
    elif what == "user":
        name, password, attributes, ou = rest
        sam.newuser(name, password, userou=ou or None)
        dn = str(sam.search(expression=f"(sAMAccountName={ldb.binary_encode(name)})", attrs=["objectSid"])[0].dn)
        if attributes:
            apply(["modify", dn, {f"={key}": [one] for key, one in attributes.items()}])
        row = sam.search(dn, ldb.SCOPE_BASE, attrs=["objectSid"])[0]
        return str(ndr_unpack(security.dom_sid, row["objectSid"][0]))
    elif what in ("sddl", "descriptor"):
        dn, text = rest
        if what == "sddl":
            before = descriptor(dn).as_sddl(domain)
            head, mark, tail = before.partition("D:")
            flags, paren, aces = tail.partition("(")
            text = f"{head}{mark}{flags}{text}{paren}{aces}"
        made = ldb.Message(ldb.Dn(sam, dn))
        made["nTSecurityDescriptor"] = ldb.MessageElement([value({"sddl": text})], ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
        sam.modify(made, controls=["sd_flags:1:7"])
    else:
        raise SystemExit(f"no such operation: {what}")
    return None


answers = []
sam.transaction_start()
for operation in json.load(sys.stdin):
    try:
        answers.append(apply(operation))
    except Exception as error:
        raise SystemExit(f"{operation}: {error}") from error
sam.transaction_commit()
json.dump(answers, sys.stdout)
